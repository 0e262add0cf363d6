package Bench::Case::Mirror;

# How long it takes to tell who of a campaign may be sent it: previews of 1,000 recipients
# each, all of them in a large mirror of fresh consents, four at a time.
#
#   CHECKED=1000000     CONSENTS=5000000     MIRROR_WORKERS=2

use strict;
use warnings;
use utf8;

use Bench::Consent;
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(time);

use constant { REQUEST => 1000, CONNECTIONS => 4, ACCOUNTS => 100, BAR => 5 };


sub title { return 'mirror: who may be sent a commercial message' }


sub run {
    my ($class, $bench) = @_;
    my ($checked) = $bench->numbers('CHECKED', 1_000_000);
    my ($consents) = $bench->numbers('CONSENTS', 5_000_000);
    my ($workers) = $bench->numbers('MIRROR_WORKERS', 2);
    my $stand = $bench->stand;
    my $requests = POSIX::ceil($checked / REQUEST);
    my $n = $requests * REQUEST;
    my $more = $consents > $n ? $consents - $n : 0;
    my $iys = Bench::Consent->simulator(ACCOUNTS);

    $bench->open('mirror', workers => $workers, iys => $iys->url);
    $stand->judge('commercial');

    # all of one account and its brand
    my $first = $stand->sequence(ACCOUNTS);
    my @bodies = $stand->body(ACCOUNTS, 'commercial');
    my $body = $bodies[-($first + ACCOUNTS) % ACCOUNTS];

    $bench->progress('mirror: filling it');
    Bench::Consent->mirror($stand->pg, 0, $n, $more, 1);

    my @asked = requests(JSON::PP->new->decode($body), $requests);
    my ($seconds, @got);
    my $row = $bench->measure($stand->ours, sub {
        my $begin = time;
        @got = previews($stand, \@asked);
        $seconds = time - $begin;
        return { ok => $requests, messages => $n, rate => $n / $seconds };
    });

    my $refused = Bench::Consent->refused($n);
    my $told = 0;
    $told += $_ for @got;
    $bench->problem("mirror: $told of $n were told to be refused, not $refused")
        if $told != $refused;

    $bench->row('previews of 1,000', workers => $workers, connections => CONNECTIONS,
                got => [ $row ]);
    $bench->note('mirror: %d recipients, %d of them refused in İYS, told in %.2f s; %d rows',
                 $n, $told, $seconds, $n + $more);
    $bench->bar("mirror, s until $n recipients are told", $seconds, '<=', BAR, undef);
    $bench->close;
    return;
}


sub requests {
    my ($body, $requests) = @_;
    my $json = JSON::PP->new;
    my $template = $json->encode({ %$body, to => ['+'] });

    return map {
        my $i = $_;
        my $to = join ',', map { '"+' . (905300000000 + ($_ * 48271 + 11) % 100000000) . '"' }
                           $i * REQUEST .. ($i + 1) * REQUEST - 1;
        $template =~ s/"[+]"/$to/r;
    } 0 .. $requests - 1;
}


# Each client sends its share; answers how many recipients each was told to be refused.
sub previews {
    my ($stand, $asked) = @_;
    my @pipes;

    for my $client (0 .. CONNECTIONS - 1) {
        pipe(my $out, my $in) or die "bench: $!\n";
        my $pid = fork // die "bench: $!\n";

        if (!$pid) {
            close $out;
            for (my $i = $client; $i < @$asked; $i += CONNECTIONS) {
                my $r = $stand->post('/v1/messages:preview', $asked->[$i], 0);
                print {$in} $r->status == 200 ? $r->json->{consent}{refused}
                                              : 'status ' . $r->status, "\n";
            }
            close $in;
            POSIX::_exit(0);
        }

        close $in;
        push @pipes, [ $pid, $out ];
    }

    my @got;
    for my $p (@pipes) {
        my ($pid, $out) = @$p;
        push @got, map { /^\d+$/ ? $_ + 0 : die "bench: preview: $_" } <$out>;
        waitpid $pid, 0;
    }

    return @got;
}

1;
