#!/usr/bin/perl

# What rules find in a text: with its place and repair, the same in a preview, a
# refusal and a 202; refused, or to be confirmed by its code (C6).

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
my $account = SMS::Account->new($pg, operators => ['sim']);
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    extra => 'sms_plugin rule content rule_content.so { }'));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');

my %commercial = (class => 'commercial', basis => undef, recipient_type => 'BIREYSEL');

# ---- refused ----------------------------------------------------------------------

my $bad = $account->send($nginx, { %commercial, text => 'Büyük indirim başladı' });
is_deeply([ $bad->status, $bad->json->{code} ], [ 422, 'content-refused' ], 'a bare offer')
    or diag($bad->body);
is_deeply([ sort map { $_->{code} } grep { $_->{severity} eq 'block' }
                @{ $bad->json->{findings} } ],
          [ qw(missing-contact missing-identity missing-reject-route) ], 'what the law asks for');
ok(!(grep { $_->{pointer} ne '/text' || $_->{code} ne 'content-refused' }
         @{ $bad->json->{errors} }), 'each is an error of the text') or diag($bad->body);
ok(!(grep { !length $_->{detail_tr} || !length $_->{detail_en} || !length $_->{source}
            || $_->{rule} ne 'content' || !length $_->{version} } @{ $bad->json->{findings} }),
   'in two languages, with source, rule and version');
is_deeply($bad->json->{rejected}[0]{code}, 'content-refused', 'the recipient, too');

my $preview = $account->post($nginx, '/v1/messages:preview', $account->message(
    %commercial, text => 'Büyük indirim başladı'));
is($preview->status, 200, 'a preview tells it');
is($preview->json->{problem}{code}, 'content-refused', 'as its problem');
is_deeply($preview->json->{findings}, $bad->json->{findings}, 'with the same findings');

# ---- repaired ---------------------------------------------------------------------

my $text = 'Büyük indirim başladı';
my @repairs = sort { $b->{begin} <=> $a->{begin} } map { $_->{repair} // () }
              @{ $bad->json->{findings} };
cmp_ok(scalar @repairs, '>', 0, 'some can be repaired');

for my $repair (@repairs) {
    my $octets = $text;
    utf8::encode($octets);
    my $with = $repair->{text};
    utf8::encode($with);
    ok($repair->{begin} + $repair->{length} <= length $octets, 'the repair fits the text');
    substr $octets, $repair->{begin}, $repair->{length}, $with;
    $text = $octets;
    ok(utf8::decode($text), 'and leaves characters whole');
}

my $good = $account->send($nginx, { %commercial,
    text => 'Tanıtım: Örnek Mağazacılık A.Ş. MERSİS 0015001526400497 büyük indirim 30.11.2026 '
          . 'tarihine kadar, koşullar 0212 555 44 33. Ret: ORNEK RET yaz 4605 e gönder' });
is($good->status, 202, 'with all of it') or diag($good->body);

# ---- to be confirmed --------------------------------------------------------------

my $promo = { text => 'Siparişiniz yolda. Size özel %50 indirim!' };
my $ask = $account->send($nginx, $promo);
is_deeply([ $ask->status, $ask->json->{code} ], [ 422, 'confirmation-needed' ],
          'an offer in a notice') or diag($ask->body);
my ($finding) = grep { $_->{severity} eq 'confirm' } @{ $ask->json->{findings} };
is($finding->{code}, 'promotion-in-informational', 'what is found');
my $octets = $promo->{text};
utf8::encode($octets);
my $place = substr $octets, $finding->{begin}, $finding->{length};
utf8::decode($place);
like($place, qr/indirim|%50|özel/i, 'where: ' . $place);

my @codes = map { $_->{code} } grep { $_->{severity} eq 'confirm' } @{ $ask->json->{findings} };
is($account->send($nginx, { %$promo, confirm => ['something-else'] })->status, 422,
   'confirmed something else');
my $yes = $account->send($nginx, { %$promo, confirm => \@codes },
                         headers => { 'Idempotency-Key' => 'yes' });
is($yes->status, 202, 'confirmed') or diag($yes->body);
is_deeply([ map { $_->{confirmed} ? 1 : 0 } grep { $_->{severity} eq 'confirm' }
                @{ $yes->json->{findings} } ], [ map { 1 } @codes ], 'and told so');
my $declared = $account->get($nginx, '/v1/messages/' . $yes->json->{messages}[0]{id} . '/explain');
is_deeply($declared->json->{declaration}{confirm}, \@codes, 'it is part of the declaration');
is($account->send($nginx, { %$promo, confirm => \@codes },
                  headers => { 'Idempotency-Key' => 'yes' })->body, $yes->body,
   'replayed with its findings');

my $no = $account->send($nginx, { %commercial, text => 'Büyük indirim başladı',
                                  confirm => ['missing-identity', 'missing-contact',
                                              'missing-reject-route'] });
is($no->json->{code}, 'content-refused', 'what blocks cannot be confirmed');

# ---- severity of the account: never below the floor --------------------------------

$pg->do('update sms.account_setting set severity = ? where account_id = ?',
        '{"missing-identity":"off","missing-contact":"off","missing-reject-route":"off",'
      . '"promotion-in-informational":"warn"}', $account->id);
ok(wait_until { $account->send($nginx, $promo)->status == 202 } slow(5),
   'an account may lower what is only doubt');
is($account->send($nginx, { %commercial, text => 'Büyük indirim başladı' })->json->{code},
   'content-refused', 'and not what the law asks for');
$pg->do('update sms.account_setting set severity = ? where account_id = ?',
        '{"promotion-in-informational":"block"}', $account->id);
ok(wait_until { $account->send($nginx, $promo)->json->{code} // '' eq 'content-refused' } slow(5),
   'or raise it');

# ---- messages[] -------------------------------------------------------------------

my $mixed = $account->send($nginx, { to => undef, text => undef, messages => [
    { to => '05321112233', text => 'Siparişiniz yola çıktı.' },
    { to => '05321112234', text => $promo->{text} } ] });
is($mixed->status, 202, 'one text of two breaks a rule') or diag($mixed->body);
is_deeply([ map { "$_->{index} $_->{code}" } @{ $mixed->json->{rejected} } ],
          [ '1 content-refused' ], 'its recipient is refused');
is_deeply([ map { $_->{pointer} } grep { $_->{severity} eq 'block' }
                @{ $mixed->json->{findings} } ], [ '/messages/1/text' ], 'and its place is told');

done_testing;
