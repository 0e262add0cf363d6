#!/usr/bin/perl

# tools/retention shows clocks, what they would delete, and holds; it sets one.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use SMS::Account;
use SMS::Pg;
use SMS::Tap;
use Test::More;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);

$ENV{SMS_ADMIN} = $pg->conninfo('postgres');

my ($code, $text) = tool('list');
is($code, 0, 'clocks');
like($text, qr/^message\s+3653 days  nobody has chosen/m, 'ten years until somebody has chosen');
is((tool('set', 'message', 1200, q{Ayşe'; drop schema sms cascade; --}))[0], 0, 'somebody has');
like((tool('list'))[1], qr/^message\s+1200 days  chosen by Ayşe'; drop schema/m, 'and is named');
isnt((tool('set', 'message', 30, 'Ayşe'))[0], 0, 'not below the law');
is((tool('set', 'message', 'x', 'Ayşe'))[0], 2, 'not what is no number');
is((tool($_))[0], 2, "no command: '$_'") for '', 'delete';

($code, $text) = tool('--dry-run');
is($code, 0, 'a plan');
like($text, qr/^text\s+1096 days  messages\s+would go: 0$/m, 'nothing is due');
$pg->do(q{select sms.partition_make(p.parent, m, m + interval '1 month') from sms.partitioned p,
          (select date_trunc('month', now(), 'UTC') - interval '60 months') x (m)});
$pg->do(q{insert into sms.message (account_id, "to", price_micro, accepted_at, expires_at, ord, class,
          recipient_type, encoding, parts, test, message_id, submission_id, batch_id, sender, text)
          select ?, 905321112233, 0, m, m, 0, 3, 1, 1, 1, false, i, i, i, 'ORNEK', 'x'
            from (select now() - interval '60 months') x (m), lateral sms.id_new(m) i}, $account->id);
like((tool('--dry-run'))[1], qr/^text\s+1096 days  messages\s+would go: 1$/m, 'a text is');
$pg->do(q{select sms.hold_put(now(), ?, 905321112233, null, 'court', '2026/7', 'Hukuk')}, $account->id);
like((tool('--dry-run'))[1], qr/^text\s+1096 days  messages\s+would go: 0  held: 1$/m, 'a hold stops it');
is($pg->value('select count(*) from sms.message where text is not null'), 1, 'nothing is deleted');
($code, $text) = tool('holds');
like($text, qr/^hld_\w{26}  account \d+  number …2233  court 2026\/7  since/m, 'holds are listed');
unlike($text, qr/905321112233/, 'without the number');
done_testing;


sub tool {
    my (@words) = map { my $w = $_; utf8::encode($w); $w } @_;

    my $pid = open(my $out, '-|') // die;
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec "$FindBin::Bin/../tools/retention", @words or die;
    }

    my $text = do { local $/; <$out> } // '';
    close $out;
    utf8::decode($text);
    return ($? >> 8, $text);
}
