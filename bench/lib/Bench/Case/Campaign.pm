package Bench::Case::Campaign;

# A commercial campaign, from the first request until the last message is decided:
# through blacklists and consent, priced, and queued or refused.  The operator's
# port is closed, so all of it stays in the queue.  Then the same with a mirror
# that is empty, so that İYS must be asked for everybody.
#
#   RECIPIENTS=1000000     CONSENTS=5000000     COLD=50000
#   CAMPAIGN_WORKERS=2     CAMPAIGN_SECONDS=400   the longest wait for either

use strict;
use warnings;
use utf8;

use Bench::Consent;
use Bench::Process;
use JSON::PP ();
use List::Util qw(max);
use POSIX ();
use Time::HiRes qw(sleep time);

# messages that wait for screen, alone or with their submission
use constant WAITS => q{(select count(*) from sms.due where lane is null)
                        + (select coalesce(sum(messages), 0) from sms.due_submission)};
use constant { REQUEST => 1000, CONNECTIONS => 4, ACCOUNTS => 100, LANE => 1 * 64 + 2 * 16,
               BAR => 20, AIM => 10, MEMORY => 128, RATE => 10 };


sub title { return 'campaign: commercial messages until the last is queued or refused' }


sub run {
    my ($class, $bench) = @_;
    my ($recipients) = $bench->numbers('RECIPIENTS', 1_000_000);
    my ($consents) = $bench->numbers('CONSENTS', 5_000_000);
    my ($cold) = $bench->numbers('COLD', 50_000);
    my ($workers) = $bench->numbers('CAMPAIGN_WORKERS', 2);
    my ($patience) = $bench->numbers('CAMPAIGN_SECONDS', 400);

    warm($bench, $workers, requests($recipients), $consents, $patience);
    cold($bench, $workers, requests($cold), $patience);
    return;
}


sub requests { return POSIX::ceil($_[0] / REQUEST) }


sub warm {
    my ($bench, $workers, $requests, $consents, $patience) = @_;
    my $stand = $bench->stand;
    my $n = $requests * REQUEST;
    my $iys = Bench::Consent->simulator(ACCOUNTS);

    $bench->open('campaign', workers => $workers, iys => $iys->url);
    $stand->judge('commercial');
    my $first = $stand->sequence($requests);

    $bench->progress('campaign: filling the mirror');
    my $begin = time;
    my $more = $consents > $n ? $consents - $n : 0;
    Bench::Consent->mirror($stand->pg, $first * REQUEST, $n, $more, ACCOUNTS);
    my $listed = Bench::Consent->lists($stand->pg, $first * REQUEST, $n, ACCOUNTS);
    my $filled = time - $begin;

    my $got = $bench->measure($stand->ours, sub {
        campaign($bench, $first, $requests, $patience);
    });
    my $peak = max(map { peak_kb($_) } $stand->ours->worker_pids) / 1024;

    $bench->row('mirror is fresh', workers => $workers, connections => CONNECTIONS,
                got => [ $got ]);
    $bench->note('campaign: %d recipients decided in %.1f s, accepted in %.1f s; %d on a '
                 . 'blacklist, %d refused in İYS; %d rows in the mirror, filled in %.0f s',
                 $n, $got->{decided}, $got->{seconds}, $listed, $got->{refused},
                 $n + $more, $filled);

    $bench->errors('campaign', $got);
    decided($bench, 'campaign', $got, $n - $listed, Bench::Consent->refused($n));

    $bench->bar("campaign of $n, s until all are decided", $got->{decided}, '<=', BAR, AIM);
    $bench->bar('campaign, MiB that any worker had at most', $peak, '<=', MEMORY, undef);
    $bench->close;
    return;
}


sub cold {
    my ($bench, $workers, $requests, $patience) = @_;
    my $stand = $bench->stand;
    my $n = $requests * REQUEST;

    # the simulator must know them before the database is there
    my $first = $stand->sequence($requests);
    my $iys = Bench::Consent->simulator(ACCOUNTS, [ $first * REQUEST, $n ]);

    $bench->open('cold mirror', workers => $workers, iys => $iys->url);
    $stand->judge('commercial');

    my $got = $bench->measure($stand->ours, sub {
        campaign($bench, $first, $requests, $patience);
    });
    my ($at) = $stand->pg->rows(q{
        select extract(epoch from min(v.at) - m.first) as first,
               extract(epoch from max(v.at) - m.first) as last
          from (select at from sms.verdict union all select at from sms.verdict_passed) v,
               (select min(accepted_at) as first from sms.message where class = 3) m
         group by m.first});
    my ($calls, $throttled) = calls($iys);
    my $ideal = $requests / RATE;

    $bench->row('mirror is empty', workers => $workers, connections => CONNECTIONS,
                got => [ $got ]);
    $bench->note('cold mirror: %d recipients, %d status queries of up to 1,000 numbers '
                 . '(%d are enough) at %d a second, %d of them too early (429); the first '
                 . 'decided after %.2f s, the last after %.2f s', $n, $calls, $requests, RATE,
                 $throttled, @$at{qw(first last)});

    $bench->errors('cold mirror', $got);
    decided($bench, 'cold mirror', $got, $n, Bench::Consent->refused($n));

    $bench->bar('cold mirror, s until the first is decided', $at->{first}, '<=', 1, undef);
    $bench->bar("cold mirror, s / the $requests calls' own time", $at->{last} / $ideal, '<=',
                1.1, undef);
    $bench->close;
    return;
}


# Sends, and waits until nothing waits for screen.  Asking that costs little: what is in
# the way is rows that are gone.
sub campaign {
    my ($bench, $first, $requests, $patience) = @_;
    my $stand = $bench->stand;
    my $n = $requests * REQUEST;
    my $begin = time;
    my $got = $stand->load($stand->ours, shape => 'commercial', recipients => REQUEST,
                           connections => CONNECTIONS, seconds => $patience, count => $requests,
                           start => $first);
    my $wait = 0.1;

    while (time - $begin < $patience) {
        my $waits = $stand->pg->value('select ' . WAITS) or last;

        $bench->progress('campaign: %d of %d wait after %.0f s', $waits, $n, time - $begin);
        # a count of a million rows takes its time from others
        $wait = $waits > 20_000 ? 1 : 0.1;
        sleep $wait;
    }

    my $seconds = time - $begin;
    my ($db) = $stand->pg->rows(q{
        select (} . WAITS . q{) as waiting,
               (select count(*) from sms.queue where lane = ?) as queued,
               (select count(*) from sms.settlement where code like 'consent-%') as refused},
        LANE);

    return { %$got, %$db, decided => $seconds, messages => $db->{queued} + $db->{refused},
             rate => ($db->{queued} + $db->{refused}) / $seconds,
             accepted => $got->{messages} };
}


sub decided {
    my ($bench, $name, $got, $accepted, $refused) = @_;

    $bench->problem("$name: $got->{waiting} messages are not decided") if $got->{waiting};
    $bench->problem("$name: $got->{accepted} accepted, $accepted expected")
        if $got->{accepted} != $accepted;
    $bench->problem("$name: $got->{queued} queued and $got->{refused} refused of "
                    . "$got->{accepted} accepted, $refused refused expected")
        if !$got->{waiting} && ($got->{refused} != $refused
                                || $got->{queued} + $got->{refused} != $got->{accepted});
    return;
}


sub calls {
    my ($iys) = @_;
    my $status = $iys->control('stats')->{bulk_status} // {};

    return ($status->{count} // 0, $status->{429} // 0);
}

1;
