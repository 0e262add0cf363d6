package Bench::Stored;

# Fills the database of a stand, which must have stored a message by now, with
# what many old ones have left: see bench/stored.sql.
#
#   my $seconds = Bench::Stored->fill($pg, $messages, $accounts);
#   Bench::Stored->touch($pg, $messages);     as between two checkpoints

use strict;
use warnings;
use utf8;

use SMS::Tap qw(root);
use Time::HiRes qw(time);

# as many sessions write at a time
use constant SESSIONS => 2;


sub fill {
    my ($class, $pg, $n, $accounts) = @_;
    my $begin = time;
    my $share = int(($n + SESSIONS - 1) / SESSIONS / 100 + 1) * 100;
    my @pids;

    for my $i (0 .. SESSIONS - 1) {
        my ($first, $last) = ($i * $share, ($i + 1) * $share - 1);
        $last = $n - 1 if $last > $n - 1;

        my $pid = fork // die "bench: $!\n";
        next if push(@pids, $pid) && $pid;
        delete @ENV{grep { /^PG/ } keys %ENV};
        exec 'psql', '-X', '-q', '-o', '/dev/null', '-v', "n=$n", '-v', "first=$first",
             '-v', "last=$last", '-v', "accounts=$accounts", '-f', root() . '/bench/stored.sql',
             $pg->conninfo('postgres') or POSIX::_exit(127);
    }

    my $failed = 0;
    waitpid($_, 0) && ($failed += $? != 0) for @pids;
    die "bench: old messages were not written\n" if $failed;

    $pg->do('vacuum (analyze) sms.message, sms.idempotency, sms.submit,
             sms.settlement, sms.account');
    $pg->do('checkpoint');
    return time - $begin;
}


# The first row that goes to a page after a checkpoint takes the whole page to the
# WAL.  Keys and operators' ids are random, so right after a checkpoint, and only
# then, nearly every row of a large table does.
sub touch {
    my ($class, $pg, $n) = @_;
    my $db = $pg->db;

    $db->begin_work;
    $pg->do(q{insert into sms.idempotency (account_id, created_at, submission_id, key, hash)
              select 1 + i % 100, now(), sms.id_low(now()), md5('touch' || i)::uuid, sha256('')
                from generate_series(1, ?::int) i}, $n / 20);
    $pg->do(q{insert into sms.submit (account_id, "to", id_hash, at, operator_code, link_id,
                                      attempt, part, total, outcome, reason, class, message_id)
              select 1, 0, hashtextextended('touch' || i, 0), now(), 0, 1, 1, 1, 1, 1, 0, 2,
                     sms.id_new()
                from generate_series(1, ?::int) i}, $n / 20);
    $db->rollback;
    return;
}

1;
