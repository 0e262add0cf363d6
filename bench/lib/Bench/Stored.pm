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


# Partitions for the time before today; none is made for the past by itself.
sub partitions {
    my ($pg) = @_;

    $pg->do(q{
        select sms.partition_make('operator_ref', d, d + interval '1 day')
          from generate_series(date_trunc('day', now() - interval '1 day'), now(),
                               interval '1 day') d
         where not exists (select from sms.partition p
                            where p.parent = 'operator_ref' and p.low <= d and p.high > d)});
    return;
}


sub fill {
    my ($class, $pg, $n, $accounts) = @_;
    my $begin = time;
    my $share = int(($n + SESSIONS - 1) / SESSIONS / 100 + 1) * 100;
    my @pids;

    partitions($pg);

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

    $pg->do('vacuum (analyze) sms.message, sms.idempotency, sms.submit, sms.operator_ref,
             sms.receipt, sms.settlement, sms.posting, sms.account');
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
    $pg->do(q{insert into sms.operator_ref (submitted_at, id_hash, account_id, "to", link_id,
                                            attempt, part, total, message_id, operator_id)
              select now(), hashtextextended('touch' || i, 0), 1, 0, 1, 1, 1, 1,
                     sms.id_low(now()), ''
                from generate_series(1, ?::int) i}, $n / 20);
    $db->rollback;
    return;
}

1;
