package SMS::Load;

# Bounded load from processes of its own, that never gives up on a request: one
# without an answer, or with a 5xx, is sent again with the same Idempotency-Key.
#
#   my $load = SMS::Load->start(port => $port, key => $account->{key}, seed => 1,
#                               clients => 2, pause => 0.01, request => sub { … });
#   $load->stop($seconds)     no new requests; waits for the last answers
#   $load->answers            list of { key, status, tries, ids, to, body }
#   $load->count              answers until now
#
# request($client, $n) gives the body of the n-th request of a client, or undef at
# the end.  "strict": anything but 202 at the first try is kept as it came, for
# tests in which nothing may fail.  "keep => 0": a connection for each request, as
# one that is kept may be closed by a reload.  "to" are the accepted numbers.

use strict;
use warnings;

use JSON::PP ();
use POSIX ();
use SMS::Http;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->utf8->canonical;


sub start {
    my ($class, %opt) = @_;

    my $self = bless { clients => 2, pause => 0.01, seed => 0, dir => temporary('load'),
                       owner => $$, pids => [], %opt }, $class;

    for my $client (1 .. $self->{clients}) {
        my $pid = fork // die "fork: $!\n";

        if (!$pid) {
            $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
            my $ok = eval { $self->client($client); 1 };
            spew("$self->{dir}/died.$client", $@) unless $ok;
            POSIX::_exit($ok ? 0 : 1);
        }

        push @{ $self->{pids} }, $pid;
    }

    return $self;
}


sub client {
    my ($self, $client) = @_;

    srand $self->{seed} * 100 + $client;
    open my $log, '>>', "$self->{dir}/answers.$client" or die "$!\n";
    $log->autoflush(1);
    my $http = SMS::Http->new(port => $self->{port}, key => $self->{key}, keep => $self->{keep} // 1,
                              timeout => slow(15));

    for (my $n = 0; getppid == $self->{owner} && !-e "$self->{dir}/stop"; $n++) {
        my $body = $self->{request}->($client, $n) // last;
        my $key = "load-$self->{seed}-$client-$n";
        my $row = { key => $key, body => $body, tries => 0, bad => [] };

        while (getppid == $self->{owner}) {
            my $r = eval { $http->post('/v1/messages', $body,
                                       headers => { 'Idempotency-Key' => $key }) };
            $row->{tries}++;

            if ($r && $r->status == 202) {
                my $doc = $r->json;
                $row->{status} = 202;
                $row->{submission} = $doc->{submission_id};
                $row->{ids} = [ map { $_->{id} } @{ $doc->{messages} } ];
                $row->{to} = [ map { $_->{to} } @{ $doc->{messages} } ];
                last;
            }

            push @{ $row->{bad} }, $r && $r->status ? $r->status . ' ' . $r->body
                                                    : 'no answer' if @{ $row->{bad} } < 20;
            $http->close;

            if ($self->{strict} || $r && $r->status && $r->status < 500 && $r->status != 409) {
                $row->{status} = $r ? $r->status : 0;
                last;
            }

            sleep 0.1;
        }

        print {$log} $json->encode($row), "\n";
        sleep $self->{pause} * (0.5 + rand);
    }

    return;
}


sub stop {
    my ($self, $seconds) = @_;

    spew("$self->{dir}/stop", '');
    my $gone = wait_until {
        @{ $self->{pids} } = grep { waitpid($_, POSIX::WNOHANG()) == 0 } @{ $self->{pids} };
        !@{ $self->{pids} };
    } slow($seconds // 60), 'the load to end';

    fault(slurp($_)) for glob "$self->{dir}/died.*";
    return $gone;
}


sub answers {
    my ($self) = @_;

    return map { $json->decode($_) } map { split /\n/, slurp($_) } glob "$self->{dir}/answers.*";
}


sub count {
    my ($self) = @_;

    my $n = 0;
    $n += slurp($_) =~ tr/\n// for glob "$self->{dir}/answers.*";
    return $n;
}


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;
    local ($?, $!, $@);
    kill 'KILL', $_ for @{ $self->{pids} };
    waitpid $_, 0 for @{ $self->{pids} };
    return;
}

1;
