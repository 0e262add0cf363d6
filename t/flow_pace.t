#!/usr/bin/perl

# When and how often an account sends: OTP ceilings (C11), repeated texts, sending
# windows (C11, C18), rates.

# limit: 300

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;
use Time::HiRes qw(time);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg);
my $other = SMS::Account->new($pg, name => 'Öteki A.Ş.', sender => 'OTEKI', iys => 100300,
                              keyword => 'OTEKI');
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(http => "    sms_sandbox sim;\n"));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

sub otp {
    my ($who, $to, %opt) = @_;
    return $who->send($nginx, { class => 'otp', basis => undef, to => [$to],
                                text => 'Örnek giriş kodu: 100200' }, %opt);
}

sub info {
    my ($who, $to, $text, %change) = @_;
    return $who->send($nginx, { to => ref $to ? $to : [$to], text => $text, %change });
}

# a setting reaches the workers by a notice: until $want answers true
sub soon {
    my ($what, $want) = @_;
    ok(wait_until(sub { $want->() }, slow(15)), "$what: in force");
    return;
}

sub preview {
    my ($who, %change) = @_;
    my $r = $who->post($nginx, '/v1/messages:preview', $who->message(%change));
    return $r->json;
}

sub codes { return join ' ', sort map { $_->{code} } @{ $_[0] // [] } }

subtest 'OTPs to one number' => sub {
    is(otp($account, '905330000101')->status, 202, "number $_") for 1 .. 3;
    my $r = otp($account, '905330000101');
    is($r->status, 429, 'the fourth in a minute');
    is($r->json->{code}, 'otp-limit-reached', 'its code');
    is($r->json->{errors}[0]{pointer}, '/to/0', 'and where');
    like($r->json->{errors}[0]{detail}, qr/3 in a minute/, 'which ceiling');
    is(otp($account, '905330000102')->status, 202, 'another number');
    is(otp($other, '905330000101')->status, 202, 'another account');
    is(otp($account, '905330000101', key => $account->test_key)->status, 202, 'the sandbox');
    is(info($account, '905330000101', 'Bu bir bilgi iletisidir')->status, 202,
        'a notice is no OTP');
    is($pg->value(q{select count(*) from sms.message where "to" = 905330000101 and class = 1
                      and not test and account_id = ?}, $account->id), 3, 'three were stored');
};

subtest 'what was not accepted does not count' => sub {
    $pg->do('select sms.blacklist_add(?, 905330000103, ?, ?)', $account->id, 'all', 'test');
    is(otp($account, '905330000103')->json->{code}, 'blacklisted', 'refused') for 1 .. 4;
    $pg->do('select sms.blacklist_remove(?, 905330000103)', $account->id);
    is(otp($account, '905330000103')->status, 202, 'taken') for 1 .. 3;
    is(otp($account, '905330000103')->status, 429, 'then it is enough');

    my %key = (headers => { 'Idempotency-Key' => 'otp-1' });
    my $first = otp($account, '905330000104', %key);
    is($first->status, 202, 'with a key');
    for (1 .. 4) {
        my $r = otp($account, '905330000104', %key);
        is($r->header('Idempotency-Replayed'), 'true', 'replayed');
        is($r->body, $first->body, 'with the same answer');
    }
    is(otp($account, '905330000104')->status, 202, 'replays do not count') for 1 .. 2;
    is(otp($account, '905330000104')->status, 429, 'new ones do');
    is(otp($account, '905330000104', %key)->status, 202,
        'and a replay is answered also above the ceiling');
};

subtest 'ceilings of an account' => sub {
    $pg->do('select sms.otp_limits_set(?, null, 1, null)', $other->id);
    soon('one an hour', sub { otp($other, number())->status == 202
                              and otp($other, '905330000105')->status == 429 });
    $pg->do('select sms.otp_limits_set(?, null, null, null)', $other->id);
    soon('none', sub { otp($other, '905330000105')->status == 202 });
    is(otp($other, '905330000105')->status, 202, 'as many as one likes') for 1 .. 5;
    is(preview($account, class => 'otp', basis => undef, to => ['905330000101'],
               text => 'Örnek giriş kodu: 100200')->{code}, 'otp-limit-reached',
        'a preview tells');
};

subtest 'repeated texts' => sub {
    is(info($account, '905340000101', 'Aynı metin')->status, 202, 'off unless set') for 1 .. 2;
    $pg->do(q{select sms.repeat_set(?, 'informational', 3600)}, $account->id);
    soon('refused', sub { my $to = number(); info($account, $to, 'Deneme metni');
                          info($account, $to, 'Deneme metni')->status == 422 });
    is(info($account, '905340000102', 'Siparişiniz hazır')->status, 202, 'a text');
    my $r = info($account, '905340000102', 'Siparişiniz hazır');
    is($r->status, 422, 'again');
    is($r->json->{code}, 'duplicate', 'its code');
    $r = info($account, ['905340000102', '905340000103'], 'Siparişiniz hazır');
    is($r->status, 202, 'the others of a list are taken');
    is(codes($r->json->{rejected}), 'duplicate', 'and the one is told');
    is($r->json->{rejected}[0]{index}, 0, 'by its place');
    is(info($account, '905340000102', 'Siparişiniz yola çıktı')->status, 202, 'another text');
    is(info($account, '905340000102', 'Siparişiniz hazır', class => 'otp', basis => undef)
       ->status, 202, 'another class');

    my $p = preview($account, to => ['905340000104'], text => 'Siparişiniz hazır');
    is($p->{accepted}, 1, 'a preview');
    $p = preview($account, to => ['905340000104'], text => 'Siparişiniz hazır');
    is($p->{accepted}, 1, 'notes nothing');
    $p = preview($account, to => ['905340000102'], text => 'Siparişiniz hazır');
    is($p->{counts}{duplicate}, 1, 'and tells');

    my %key = (headers => { 'Idempotency-Key' => 'rep-1' });
    my $body = { to => ['905340000105'], text => 'Anahtarlı metin' };
    my $first = $account->send($nginx, $body, %key);
    is($account->send($nginx, $body, %key)->body, $first->body, 'a key is answered as ever');

    $pg->do(q{update sms.account set available_micro = 0 where account_id = ?}, $account->id);
    is(info($account, '905340000106', 'Parasız')->status, 402, 'what could not be paid');
    $pg->do(q{update sms.account set available_micro = 50000000 where account_id = ?},
            $account->id);
    is(info($account, '905340000106', 'Parasız')->status, 202, 'is no repetition later');

    $pg->do(q{select sms.repeat_set(?, 'informational', 3600, 'warn')}, $account->id);
    soon('told', sub { info($account, '905340000102', 'Siparişiniz hazır')->status == 202 });
    $r = info($account, '905340000102', 'Siparişiniz hazır');
    is(codes($r->json->{findings}), 'duplicate', 'taken, with a finding');
    $pg->do(q{select sms.repeat_set(?, 'informational', null)}, $account->id);
    soon('off', sub { codes(info($account, '905340000102', 'Siparişiniz hazır')
                            ->json->{findings}) eq '' });
};

subtest 'sending windows' => sub {
    my %com = (class => 'commercial', basis => undef, recipient_type => 'BIREYSEL');

    # the days from tomorrow on, of Turkey
    my $day = sub { (int((time + 3 * 3600) / 86400) + 3 + $_[0]) % 7 + 1 };

    $pg->do(q{select sms.quiet_set(?, 'hold', '00:00', '24:00', ?)}, $account->id,
            [ $day->(1) ]);
    my $r;
    soon('tomorrow', sub { $r = info($account, number(), 'İndirim', %com);
                           codes($r->json->{findings}) =~ /quiet-window/ });
    is($r->status, 202, 'accepted');
    my $m = message($account, $nginx, $r->json->{messages}[0]{id});
    is($pg->value(q{select extract(epoch from due_at)::bigint % 86400 from sms.message
                     where sms.id_text('msg', message_id) = ?}, $m->{id}), 21 * 3600,
        'and held until midnight in Turkey');
    is(codes(info($account, number(), 'Bilgi')->json->{findings}), '', 'commercial only');

    my $p = preview($account, %com, to => [number()], text => 'İndirim');
    is(codes($p->{findings}), 'quiet-window', 'a preview tells');
    like($p->{findings}[0]{detail_en}, qr/held until \d{4}-\d\d-\d\d 00:00:00/, 'until when');

    $pg->do(q{select sms.quiet_set(?, 'hold', '00:00', '24:00', ?)}, $account->id,
            [ $day->(3) ]);
    soon('in three days', sub { ($r = info($account, number(), 'İndirim', %com))->status == 422 });
    is($r->json->{code}, 'outside-sending-window', 'never past the validity');
    is($r->json->{errors}[0]{pointer}, '/validity_s', 'and what to change');

    $pg->do(q{select sms.quiet_set(?, 'off')}, $account->id);
    soon('off', sub { $r = info($account, number(), 'İndirim', %com); $r->status == 202 });
    is(codes($r->json->{findings}), '', 'nothing is told');
};

subtest 'rates' => sub {
    $pg->do('select sms.rate_set(?, null, 5)', $account->id);
    my @id;
    soon('five a second', sub {
        my $r = info($account, [ map { number() } 1 .. 15 ], 'Hızlı gönderim');
        @id = map { $_->{id} } @{ $r->json->{messages} };
        wait_until { $pg->value(q{select count(*) from sms.due where code = 'paced'}) } 3;
    });
    is(info($other, number(), 'Beklemeyen')->status, 202, 'another account');
    is(otp($account, number())->status, 202, 'an OTP');
    ok(wait_until(sub { !$pg->value(q{select count(*) from sms.message m
                          where sms.id_text('msg', message_id) = any (?)
                            and not exists (select from sms.settlement s
                                             where s.message_id = m.message_id)}, \@id) },
                  slow(60)), 'all of it ends');

    # places are of whole seconds: the eleventh is two seconds later, less one
    my ($early) = $pg->value(q{
        select count(*) from (
            select s.at - m.accepted_at as after, row_number() over (order by s.at) as n
              from sms.submit s join sms.message m using (account_id, message_id)
             where sms.id_text('msg', m.message_id) = any (?)) x
         where n > 10 and after < interval '1 second'}, \@id);
    is($early, 0, 'and not at once');
};

done_testing;
