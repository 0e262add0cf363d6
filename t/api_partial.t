#!/usr/bin/perl

# Some recipients are taken and some are not: each one is accounted for by its
# place in the request, and only what is taken is charged (D21).

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim'], credit => 1_000_000_000);
my $poor = SMS::Account->new($pg, keyword => 'FAKIR', sender => 'FAKIR', credit => 250_000);

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000)
    for qw(otp informational commercial exempt);
$pg->do('select sms.tariff_set(1, ?, ?, ?)', '49', 'informational', 900_000);
$pg->do('select sms.blacklist_add(?, ?, ?, ?)', @$_, 'test')
    for [ $account->id, 905321110099, 'all' ], [ $account->id, 905321110098, 'commercial' ],
        [ $poor->id, 905321110099, 'all' ], [ 0, 905321110097, 'all' ];

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(priced => 1));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
ok(wait_until { $account->send($nginx, {})->status == 202 } slow(10), 'prices are there');

# ---- one of each ---------------------------------------------------------------

my $before = $account->balance;
my $r = $account->send($nginx, { to => [
    '0532 111 22 33',           # 0
    '05x1112233',               # 1 bad
    '+90 (532) 111-22-34',      # 2
    '5321112233',               # 3 the same as 0
    '0212 111 22 33',           # 4 a landline
    '905321112235',             # 5
    '0532 111 00 99',           # 6 blacklisted
    '00905321112236',           # 7
    '0532 111 00 98',           # 8 blacklisted for commercial messages only
    '0532 111 00 97',           # 9 on the platform's list
    '+49 151 12345678',         # 10 dearer
] });

is($r->status, 202, 'accepted in part') or diag($r->body);
my $s = $r->json;
is($s->{accepted}, 6, 'accepted');
is_deeply([ map { "$_->{index} $_->{to} $_->{price}{amount_micro}" } @{ $s->{messages} } ],
          [ '0 +905321112233 100000', '2 +905321112234 100000', '5 +905321112235 100000',
            '7 +905321112236 100000', '8 +905321110098 100000', '10 +4915112345678 900000' ],
          'messages in the order of the request');
is_deeply([ map { "$_->{index} $_->{to} $_->{code}" } @{ $s->{rejected} } ],
          [ '1 05x1112233 invalid-number', '3 5321112233 duplicate-recipient',
            '4 0212 111 22 33 invalid-number', '6 0532 111 00 99 blacklisted',
            '9 0532 111 00 97 blacklisted' ], 'rejected, as they were written');
ok(!(grep { !$_->{title_tr} || !$_->{title_en} || !$_->{detail} } @{ $s->{rejected} }), 'in words');
is_deeply($s->{price}, { amount_micro => 1_400_000, unit => 'TRY' }, 'price of the accepted');
is($before - $account->balance, 1_400_000, 'and so much is charged');
is($pg->value('select count(*) from sms.message where sms.id_text(?, submission_id) = ?', 'sub', $s->{submission_id}), 6,
   'rows of the accepted only');

# ---- messages[] ----------------------------------------------------------------

$r = $account->send($nginx, { to => undef, text => undef, reference => 'hepsi', messages => [
    { to => '05321112233', text => 'Sayın Ayşe, siparişiniz yolda.', reference => 'a' },
    { to => '0532 111 00 99', text => 'Sayın Can, siparişiniz yolda.', reference => 'b' },
    { to => '05321112234', text => 'x' x 1200, reference => 'c' },
    { to => '05321112235', text => "Sayın Ece, \x{1F600}", reference => 'd' },
    { to => '05321112233', text => 'Bir daha', reference => 'e' },
] });

is($r->status, 202, 'personalised, in part') or diag($r->body);
$s = $r->json;
is_deeply([ map { "$_->{index} $_->{reference} $_->{parts} $_->{encoding}" } @{ $s->{messages} } ],
          [ '0 a 1 turkish_single', '3 d 1 ucs2' ], 'each with its own parts and encoding')
    or diag($r->body);
is_deeply([ map { "$_->{index} $_->{reference} $_->{code}" } @{ $s->{rejected} } ],
          [ '1 b blacklisted', '2 c text-too-long', '4 e duplicate-recipient' ], 'rejected');
is($account->get($nginx, "/v1/messages/$s->{messages}[1]{id}/explain")->json->{text},
   "Sayın Ece, \x{1F600}", 'the text is that of its own recipient');

# ---- nobody --------------------------------------------------------------------

my @tables = qw(message idempotency);
my $counts = $account->counts(@tables);
my @bad = ('x', '0212 111 22 33', '0532 111 00 99', '0532 111 00 99');
$r = $account->send($nginx, { to => \@bad });
is($r->status, 422, 'nobody') or diag($r->body);
is($r->json->{code}, 'no-recipient-accepted', 'code');
is_deeply([ map { "$_->{index} $_->{code}" } @{ $r->json->{rejected} } ],
          [ '0 invalid-number', '1 invalid-number', '2 blacklisted',
            '3 duplicate-recipient' ], 'the same rejected[]');
is_deeply([ map { $_->{pointer} } @{ $r->json->{errors} } ],
          [ map { "/to/$_" } 0 .. 3 ], 'each has its place');
$r = $account->send($nginx, { to => [ map { "0212 111 22 $_" } 10 .. 99 ] });
is($r->json->{code}, 'invalid-number', 'one reason for all names the problem');
is(scalar @{ $r->json->{rejected} }, 90, 'all of them');
is_deeply($account->counts(@tables), $counts, 'nothing was written');

# ---- credit --------------------------------------------------------------------

$r = $poor->send($nginx, { to => [ map { "0532111000$_" } 1 .. 3 ] });
is($r->status, 402, 'too little for three');
is($poor->balance, 250_000, 'nothing is taken');
$r = $poor->send($nginx, { to => [ '05321110001', '05321110099', '05321110002' ] });
is($r->status, 202, 'enough without the one that is blacklisted') or diag($r->body);
is($poor->balance, 50_000, 'charged for two');

# ---- as many as there may be ---------------------------------------------------

$before = $account->balance;
# none ends as the simulator's undeliverable ones do
my @many = map { sprintf '0533%07d', $_ } 100 .. 1099;
$r = $account->send($nginx, { to => [ @many[0 .. 499], 'x', @many[501 .. 999] ] });
is($r->status, 202, '1,000 recipients') or diag($r->body);
is($r->json->{accepted}, 999, 'but for one');
is($before - $account->balance, 99_900_000 , 'charged') or diag($before);
is_deeply([ map { $_->{index} } @{ $r->json->{messages} } ], [ 0 .. 499, 501 .. 999 ], 'in order');
my %ids = map { $_->{id} => 1 } @{ $r->json->{messages} };
is(scalar keys %ids, 999, 'each with its id');

$r = $account->send($nginx, { to => undef, text => undef, messages => [
    map { { to => $many[$_], text => "Sayın müşterimiz $_, siparişiniz yola çıktı.",
            reference => "r$_" } } 0 .. 999 ] }, headers => { 'Idempotency-Key' => 'big' });
is($r->status, 202, '1,000 personalised texts') or diag(substr $r->body, 0, 500);
is($r->json->{accepted}, 1000, 'all of them');
my $again = $account->send($nginx, { to => undef, text => undef, messages => [
    map { { to => $many[$_], text => "Sayın müşterimiz $_, siparişiniz yola çıktı.",
            reference => "r$_" } } 0 .. 999 ] }, headers => { 'Idempotency-Key' => 'big' });
ok($again->body eq $r->body, 'replayed byte for byte');
is($account->get($nginx, '/v1/messages/' . $r->json->{messages}[777]{id} . '/explain')
       ->json->{text}, 'Sayın müşterimiz 777, siparişiniz yola çıktı.', 'text 777');

done_testing;
