package Bench::Case::Otp;

# How long a one-time code takes from the first byte of its request to the
# submit_sm at the operator: alone, and while a campaign runs through accept,
# screen and dispatch.
#
#   OTP_RECIPIENTS=1000000     of the campaign
#   OTP_WORKERS=2              OTP_IDLE=10     seconds without the campaign
#   OTP_SECONDS=180            then it is no longer waited for; what counts is that
#                              it was there all the time

use strict;
use warnings;
use utf8;

use Bench::Consent;
use Bench::Drain;
use Bench::Drip;
use POSIX ();
use Time::HiRes qw(sleep time);

use constant { REQUEST => 1000, CONNECTIONS => 4, ACCOUNTS => 100, EVERY_US => 10_000,
               BAR => 3, AIM_MS => 20, PREFIX => '9054' };


sub title { return 'otp: from the request to the operator, alone and beside a campaign' }


sub run {
    my ($class, $bench) = @_;
    my ($recipients) = $bench->numbers('OTP_RECIPIENTS', 1_000_000);
    my ($workers) = $bench->numbers('OTP_WORKERS', 2);
    my ($idle) = $bench->numbers('OTP_IDLE', 10);
    my ($patience) = $bench->numbers('OTP_SECONDS', 180);
    my $requests = POSIX::ceil($recipients / REQUEST);
    my $stand = $bench->stand;
    my $iys = Bench::Consent->simulator(ACCOUNTS);

    $bench->open('otp', workers => $workers, sink => 1, iys => $iys->url, marks => PREFIX);
    $stand->judge('commercial');
    my $first = $stand->sequence($requests);
    my $n = $requests * REQUEST;

    $bench->progress('otp: filling the mirror');
    Bench::Consent->mirror($stand->pg, $first * REQUEST, $n, 0, ACCOUNTS);
    drained($bench, 60, 'otp, warm-up');

    my $alone = codes($bench, 'alone', $workers, sub {
        sleep $idle;
        return {};
    });
    drained($bench, 60, 'otp, alone');

    my $beside = codes($bench, 'beside a campaign', $workers, sub {
        my $begin = time;
        my $got = $stand->load($stand->ours, shape => 'commercial', recipients => REQUEST,
                               connections => CONNECTIONS, seconds => $patience,
                               count => $requests, start => $first);
        my $accepted = Bench::Drip->now;
        $bench->errors('otp, the campaign', $got);
        $bench->problem("otp: $got->{ok} requests, $got->{messages} recipients accepted")
            if $got->{messages} != REQUEST * $got->{ok};
        my $left = campaign_left($bench, $begin, $patience);
        return { campaign => $got->{messages} - $left, left => $left, seconds => time - $begin,
                 phases => [ [ 'while it is accepted', undef, $accepted ],
                             [ 'while it is screened and sent', $accepted, undef ] ] };
    });

    if (!$beside->{left}) {
        drained($bench, 60, 'otp, beside a campaign');
        arrived($bench, 'otp');
    }

    $bench->note('otp: %d messages of the campaign were screened and submitted in %.0f s, %.0f a '
                 . 'second; %d were left', @$beside{qw(campaign seconds)},
                 $beside->{campaign} / $beside->{seconds}, $beside->{left});
    $bench->bar('otp, p99 beside a campaign / alone', $beside->{p99} / $alone->{p99}, '<=', BAR,
                undef);
    $bench->bar('otp, p99 beside a campaign, ms', $beside->{p99}, '<=', undef, AIM_MS);
    $bench->close;
    return;
}


# One row: codes as long as $work takes.
sub codes {
    my ($bench, $what, $workers, $work) = @_;
    my $stand = $bench->stand;
    my %latency;

    my $got = $bench->measure($stand->ours, sub {
        my $drip = Bench::Drip->new($stand, EVERY_US);
        my $more = $work->();
        my $sent = $drip->end;

        # what was accepted last is still on its way
        for (1 .. 30) {
            sleep 1;
            %latency = $drip->latencies($stand->marks);
            last if !$latency{missing};
        }

        $bench->problem("otp, $what: $sent->{errors} error answers") if $sent->{errors};
        $bench->problem("otp, $what: $latency{missing} codes did not arrive")
            if $latency{missing};
        phase($bench, $what, $_->[0], $drip->latencies($stand->marks, @$_[1, 2]))
            for [ 'all' ], @{ $more->{phases} // [] };
        return { %$more, ok => $sent->{ok}, messages => $sent->{ok} + ($more->{campaign} // 0) };
    });

    $got->{$_} = $latency{$_} for qw(p50 p99);
    $bench->row($what, workers => $workers, got => [ $got ]);
    return $got;
}


sub phase {
    my ($bench, $what, $phase, %latency) = @_;

    $bench->note('otp, %s, %s: %d codes, p50 %.1f, p90 %.1f, p99 %.1f, longest %.1f ms; to the 202 '
                 . 'p50 %.1f, p99 %.1f ms', $what, $phase, @latency{qw(n p50 p90 p99 max)},
                 @latency{qw(answered_p50 answered_p99)});
    return;
}


# How many of the campaign wait for screen or for the wire: 0 in the end, or when
# the time is up.
sub campaign_left {
    my ($bench, $begin, $patience) = @_;

    while (1) {
        my $waits = $bench->stand->pg->value('select (select count(*) from sms.due)
            + (select coalesce(sum(messages), 0) from sms.due_submission)
            + (select count(*) from sms.queue)');

        # codes come and go
        return 0 if $waits < 50;
        return $waits if time - $begin > $patience;
        $bench->progress('otp: %d wait after %.0f s', $waits, time - $begin);
        sleep $waits > 20_000 ? 2 : 0.2;
    }
}

1;
