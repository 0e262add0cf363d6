#!/usr/bin/perl

# What rules find, before and after: prices of texts and their repaired forms,
# severities of the account, waivers of the host (C6), and what the declaration keeps
# of a confirmation.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Test::More;
use SMS::Account;
use SMS::Desk;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $desk = SMS::Desk->new($pg);
$pg->do(q{select sms.tariff_set(1, '90', c, 120000)
            from unnest(array['otp', 'informational', 'commercial', 'exempt']) c});
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => SMS::Account::conf(
    priced => 1, extra => 'sms_plugin rule content rule_content.so { }'));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');

my %commercial = (class => 'commercial', recipient_type => 'BIREYSEL', sender => 'ORNEK');
my %bare = (%commercial, basis => undef, text => 'Büyük indirim başladı');
my $manage = $account->key('live', waived => 'test', scopes => ['compliance:manage']);


sub check {
    my (%body) = @_;

    return $account->post($nginx, '/v1/compliance:check', { %commercial, %body })->json;
}


sub severities {
    my ($map) = @_;

    my $r = $account->request($nginx, PUT => '/v1/compliance/severities', key => $manage,
                              json => { severities => $map });
    return "$r->{status} " . join ' ', map { $_ // '-' } $r->json->{code}, $r->json->{errors}[0]{pointer};
}


sub octets { my ($text) = @_; utf8::encode($text); return $text }


# ---- prices -----------------------------------------------------------------------

ok(wait_until { (check(text => 'x')->{texts}[0]{price} // {})->{amount_micro} } slow(10), 'priced');
my $check = check(texts => [ 'Büyük indirim başladı', 'x' x 200 ]);
my ($short, $long) = @{ $check->{texts} };
is_deeply($short->{price}, { amount_micro => 120000 * $short->{parts}, unit => 'TRY' }, 'of a text');
is_deeply([ $long->{parts}, $long->{price}{amount_micro} ], [ 2, 240000 ], 'by its parts');
cmp_ok($short->{repaired}{parts}, '>', 0, 'the repaired one');
is($short->{repaired}{price}{amount_micro}, 120000 * $short->{repaired}{parts}, 'has its own');

my @to = map { "053211122$_" } 33 .. 35;
my $preview = $account->post($nginx, '/v1/messages:preview', $account->message(%bare, to => [ @to, '123' ]))->json;
is($preview->{price}{amount_micro}, 0, 'what is refused costs nothing');
is($preview->{texts}[0]{repaired}{price}{amount_micro}, 3 * 120000 * $short->{repaired}{parts},
   'repaired, it would cost that of each who would get it');
is($account->post($nginx, '/v1/compliance:check', { %commercial, text => 'x' }, key => $account->test_key)
       ->json->{texts}[0]{price}{amount_micro}, 0, 'the sandbox is free');
is(check(text => 'x', sender => 'BASKA')->{texts}[0]{price}, undef, 'no price where something else is wrong');

# ---- places -----------------------------------------------------------------------

my $text = 'Şükrü, size özel %50 indirim!';
my ($promo) = grep { $_->{severity} eq 'confirm' && $_->{length} }
              @{ $account->post($nginx, '/v1/compliance:check', { class => 'informational',
                  basis => 'order_delivery', sender => 'ORNEK', text => $text })->json->{findings} };
ok($promo, 'an offer in a notice') or BAIL_OUT('nothing found');
is(octets(substr $text, $promo->{characters}{begin}, $promo->{characters}{length}),
   substr(octets($text), $promo->{begin}, $promo->{length}), 'its place, in bytes and in characters');
is($promo->{floor}, 'off', 'a doubt has no floor') or diag(explain $promo);

# ---- the account's severities -----------------------------------------------------

my $notice = { text => $text };
is($account->send($nginx, $notice)->json->{code}, 'confirmation-needed', 'asks, as proposed');
is(severities({ $promo->{code} => 'block' }), '200 - -', 'raised');
ok(wait_until { ($account->send($nginx, $notice)->json->{code} // '') eq 'content-refused' } slow(5), 'refuses');
is(severities({ $promo->{code} => 'warn', 'missing-contact' => 'off' }), '200 - -', 'lowered');
my @codes = map { $_->{code} } grep { $_->{severity} eq 'confirm' && $_->{code} ne $promo->{code} }
            @{ $account->send($nginx, $notice)->json->{findings} // [] };
ok(wait_until { $account->send($nginx, { %$notice, confirm => \@codes })->status == 202 } slow(5), 'tells');
my ($contact) = grep { $_->{code} eq 'missing-contact' } @{ check(text => $bare{text})->{findings} };
is_deeply([ @$contact{qw(severity floor waiver)} ], [ 'block', 'block', undef ], 'never below the floor');
is(severities({ $promo->{code} => 'loud' }), "400 invalid-field /severities/$promo->{code}", 'with the place of a fault');
is(severities({ 'opted-out' => 'off' }), '400 invalid-field /severities/opted-out', 'nobody waives opt-outs');
is($account->request($nginx, GET => '/v1/compliance/severities')->status, 403, 'a key that sends may not');

# ---- waivers of the host ----------------------------------------------------------

severities({});
my $acc = $pg->value(q{select sms.id_text('acc', public_id) from sms.account where account_id = ?}, $account->id);
my $until = $pg->value(q{select sms.time_text(now() + interval '1 hour')});
my @block = map { $_->{code} } grep { $_->{floor} eq 'block' } @{ check(text => $bare{text})->{findings} };
my @waiver = map { $desk->ask($nginx, 201, POST => '/v1/admin/waivers',
                              { account => $acc, code => $_, severity => 'warn', reason => 'Deneme', until => $until })
             } @block;
ok(wait_until { !grep { $_->{severity} eq 'block' } @{ check(text => $bare{text})->{findings} } } slow(5), 'waived');
# what is not waived is confirmed
my @ask = map { @{ $_->{confirm} } } @{ check(text => $bare{text})->{texts} };
my $sent = $account->send($nginx, { %bare, confirm => \@ask });
is($sent->status, 202, 'and taken') or diag($sent->body);
my %by = map { $_->{code} => $_ } @{ $sent->json->{findings} };
is_deeply([ map { $by{$_}{waiver} } @block ], [ map { $_->{id} } @waiver ], 'each finding names its waiver');
my $why = $account->get($nginx, '/v1/messages/' . $sent->json->{messages}[0]{id} . '/explain')->json;
my ($kept) = grep { ($_->{code} // '') eq $block[0] } @{ $why->{verdicts} };
is_deeply([ @$kept{qw(outcome waiver plugin)} ], [ 'warn', $waiver[0]{id}, 'content' ], 'and the message keeps it');
my $other = SMS::Account->new($pg, operators => ['sim'], sender => 'BASKA', keyword => 'BASKA');
is($other->send($nginx, { %bare, sender => 'BASKA' })->json->{code}, 'content-refused', 'another account has none');

# a profile outlives the end of a waiver, which counts all the same
$pg->do(q{update sms.severity_waiver set ends_at = now() + interval '2 seconds'});
ok(wait_until { ($account->send($nginx, { %bare, confirm => \@ask })->json->{code} // '') eq 'content-refused' } slow(20),
   'its end ends it');
is($desk->ask($nginx, 200, GET => '/v1/admin/waivers?state=ended&limit=100')->{waivers}[0]{active}, JSON::PP::false(),
   'and the desk sees it');

# ---- what is confirmed ------------------------------------------------------------

my @codes2 = map { $_->{code} } grep { $_->{severity} eq 'confirm' } @{ $account->send($nginx, $notice)->json->{findings} };
my $yes = $account->send($nginx, { %$notice, confirm => [ @codes2, 'not-found-here' ] });
is($yes->status, 202, 'confirmed') or diag($yes->body);
my $told = $account->get($nginx, '/v1/messages/' . $yes->json->{messages}[0]{id} . '/explain')->json;
my $declared = $told->{declaration};
my ($version) = map { $_->{version} } @{ $yes->json->{findings} };
is_deeply($declared->{confirmed}, [ map { { code => $_, rule => 'content', version => $version, pointer => '/text',
    text_sha256 => sha256_hex(octets($text)) } } @codes2 ], 'what was found, by which rules, in which text');
ok($declared->{key_id} && $declared->{declared_at}, 'by whom and when');
is_deeply($declared->{rules}, { content => $version }, 'the rules that judged it');
is_deeply([ map { [ @$_{qw(version pointer)}, $_->{confirmed} ? 1 : 0 ] }
                grep { $_->{stage} eq 'intake' && $_->{outcome} eq 'confirm' } @{ $told->{verdicts} } ],
          [ map { [ $version, '/text', 1 ] } @codes2 ], 'the verdict says so, too');
my $plain = $account->send($nginx, { text => 'Siparişiniz yola çıktı.' });
$told = $account->get($nginx, '/v1/messages/' . $plain->json->{messages}[0]{id} . '/explain')->json->{declaration};
is_deeply([ $told->{rules}, $told->{confirmed} ], [ { content => $version }, undef ], 'nothing found, but judged');

done_testing;
