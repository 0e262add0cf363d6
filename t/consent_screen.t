#!/usr/bin/perl

# Commercial messages and consent: asked before each send, never sent without a
# fresh answer, stopped at once by an opt-out.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Iys;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $brand = 100200;
my %number = (
    granted => '905321110001', none => '905321110002', refused => '905321110003',
    black => '905321110004', tacir => '905321110005', tacir_none => '905321110006',
    down => '905321110007', aged => '905321110008', optout => '905321110009',
    late => '905321110010', expires => '905321110011');


sub consent {
    my ($to, $status, $rtype) = @_;
    return { brandCode => $brand, recipient => "+$to", recipientType => $rtype // 'BIREYSEL',
             type => 'MESAJ', status => $status, source => 'HS_WEB',
             consentDate => '2026-01-05 10:00:00', creationDate => '2026-01-05 10:00:00' };
}


my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola',
                brands => [[ $brand, $brand ]] }],
    brands => [{ iysCode => $brand, brandCode => $brand, name => 'ORNEK' }],
    consents => [
        (map { consent($number{$_}, 'ONAY') } qw(granted black down aged optout late expires)),
        consent($number{refused}, 'RET'),
        consent($number{tacir}, 'ONAY', 'TACIR'),
    ] });
my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand);
my $smsc = SMS::Smsc->start(receipt_ms => 30);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc, iys => $iys));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


sub commercial {
    my ($who, %body) = @_;
    return scalar send_one($account, $nginx, class => 'commercial',
                           recipient_type => 'BIREYSEL', brand => $account->brand_id,
                           to => $number{$who}, text => "Kampanya: $who", %body);
}


sub on_wire { my ($who) = @_; return grep { $_->{dest} =~ /$number{$who}$/ } $smsc->messages }


sub ends {
    my ($id, $state, $name, $seconds) = @_;
    my $m = $account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/,
                                 $seconds // 15);
    is($m->{state}, $state, $name // $state) or diag(explain($m));
    return $m;
}


subtest 'granted' => sub {
    my $id = commercial('granted');
    my $m = ends($id, 'delivered');
    is($m->{refunded}, undef, 'kept');

    $m = message($account, $nginx, $id, '/explain');
    my $c = $m->{consent} // {};
    is($c->{state}, 'granted', 'explain: the answer') or diag(explain($m));
    ok(defined $c->{age_at_submit_s} && $c->{age_at_submit_s} >= 0 && $c->{age_at_submit_s} < 60,
       'explain: its age at submit');
    ok(length($c->{proof} // ''), 'explain: proof');
};

subtest 'asked once, used again while it is young' => sub {
    my $before = $pg->value('select count(*) from sms.consent');
    ends(commercial('granted', text => 'Kampanya: ikinci'), 'delivered');
    is($pg->value('select count(*) from sms.consent'), $before, 'from the mirror');
};

for my $case ([ none => 'refused', 'consent-not-granted' ],
              [ refused => 'refused', 'consent-not-granted' ])
{
    my ($who, $state, $code) = @$case;
    subtest $who => sub {
        my $m = ends(commercial($who), $state);
        is($m->{cause}{code}, $code, 'its cause');
        is($m->{refunded}{amount_micro}, 150_000, 'refunded');
        is(scalar on_wire($who), 0, 'nothing on the wire');
    };
}

subtest 'TACIR' => sub {
    ends(commercial('tacir', recipient_type => 'TACIR'), 'delivered', 'registered: sent');
    my $m = ends(commercial('tacir_none', recipient_type => 'TACIR'), 'refused', 'not registered');
    is($m->{refunded}{amount_micro}, 150_000, 'refunded');
};

subtest 'blacklisted' => sub {
    $pg->do('select sms.blacklist_add(?, ?, ?, ?)', $account->id, $number{black}, 'commercial',
            'test');
    my $r = $account->post($nginx, '/v1/messages', {
        class => 'commercial', recipient_type => 'BIREYSEL', brand => $account->brand_id,
        sender => 'ORNEK', to => [ $number{black} ], text => 'Kampanya' });
    is($r->status, 422, 'refused before acceptance') or diag($r->body);
    ends(send_one($account, $nginx, to => $number{black}, text => 'Siparişiniz yolda'),
         'delivered', 'an informational message goes');
};

subtest 'opt-out between accept and submit' => sub {
    $smsc->stop;        # so that it waits in the queue with its consent
    my $id = commercial('optout');
    is($account->wait_state($nginx, $id, qr/^queued$/)->{state}, 'queued', 'queued');

    my ($otp, $info);
    $pg->do('select sms.optout_put(?, ?, ?, now(), ?, null)', $account->id, $account->brand,
            $number{optout}, 'sms');
    $otp = send_one($account, $nginx, class => 'otp', to => $number{optout},
                    text => 'Örnek giriş kodu: 551177');
    $info = send_one($account, $nginx, to => $number{optout}, text => 'Siparişiniz teslim edildi');
    $smsc->restart;

    ends($otp, 'delivered', 'an OTP right behind it arrives');
    ends($info, 'delivered', 'and a delivery notice');
    my $m = ends($id, 'opted_out', 'the campaign does not');
    is($m->{refunded}{amount_micro}, 150_000, 'refunded');
    is(scalar(grep { $_->{text} =~ /Kampanya/ } on_wire('optout')), 0, 'never on the wire');
    $m = ends(commercial('optout', text => 'Kampanya: yeniden'), 'opted_out', 'nor a later one');
};

subtest 'İYS is away' => sub {
    $iys->control('faults', [{ path => '.', times => 100000, status => 503, body => 'x' }]);
    my $id = commercial('down');
    my $m = $account->wait_state($nginx, $id, qr/^held$/);
    is($m->{state}, 'held', 'held');
    sleep 1;
    is(scalar on_wire('down'), 0, 'nothing is sent meanwhile');

    my $short = commercial('expires', validity_s => 60);
    $iys->control('faults', []);
    ends($id, 'delivered', 'delivered when it is back', 90);
    ends($short, 'delivered', 'both', 90);
};

subtest 'the right to send for a brand ends' => sub {
    my $agency = SMS::Account->new($pg, operators => ['turkcell'], name => 'Ajans A.Ş.',
                                   keyword => 'AJANS');
    $pg->do('select sms.brand_grant(?, ?)', $agency->id, $account->brand);
    $pg->do('update sms.sender set brand_id = ? where account_id = ?', $account->brand,
            $agency->id);

    my @t = gmtime(time + 5);
    my $id = send_one($agency, $nginx, class => 'commercial', recipient_type => 'BIREYSEL',
                      brand => $account->brand_id, to => $number{granted},
                      text => 'Kampanya: ajans', schedule_at => sprintf(
                          '%d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1,
                          @t[3, 2, 1, 0]));
    $pg->do('update sms.brand_grant set revoked_at = now() where account_id = ?', $agency->id);

    my $held = wait_until {
        (message($agency, $nginx, $id)->{cause}{code} // '') eq 'brand-not-granted'
    } slow(20), 'it to be held';
    ok($held, 'held, although the number has given its consent');
    ok(!(grep { $_->{text} =~ /ajans/ } $smsc->messages), 'not on the wire');

    $pg->do('update sms.brand_grant set revoked_at = null where account_id = ?', $agency->id);
    is($agency->wait_state($nginx, $id, qr/^delivered$/, 60)->{state}, 'delivered',
       'sent when the right is back');
};

subtest 'consent ages in the queue' => sub {
    $nginx->conf(conf(smsc => $smsc, iys => $iys, http => 'sms_consent_max_age 4s;'));
    $nginx->reload;
    $smsc->stop;
    my $id = commercial('aged');
    is($account->wait_state($nginx, $id, qr/^queued$/)->{state}, 'queued', 'queued with its consent');
    sleep 5;
    $smsc->restart;
    my $m = ends($id, 'delivered', 'asked again and sent', 30);
    my $verdicts = $pg->value(q{select count(*) from sms.verdict where code = 'consent-stale'});
    ok($verdicts, 'the claim gave it back');
    $m = message($account, $nginx, $id, '/explain');
    cmp_ok($m->{consent}{age_at_submit_s}, '<=', 4, 'fresh at submit') or diag(explain($m));
};

subtest 'withdrawn while it waited' => sub {
    $smsc->stop;
    my $id = commercial('late');
    is($account->wait_state($nginx, $id, qr/^queued$/)->{state}, 'queued', 'queued with its consent');
    $iys->control('citizen', { brandCode => $brand, recipient => "+$number{late}", status => 'RET',
                               type => 'MESAJ', recipientType => 'BIREYSEL',
                               source => 'IYS_WEB' });
    sleep 5;
    $smsc->restart;
    my $m = ends($id, 'refused', 'asked again and refused', 30);
    is($m->{refunded}{amount_micro}, 150_000, 'refunded');
    is(scalar on_wire('late'), 0, 'never on the wire');
};

ok(wait_ended($pg), 'every message has ended');
books_balance($pg);

# each commercial message on the wire has a granted answer, fresh when it left
my $bad = $pg->value(q{
    select count(*)
      from sms.message m
      join sms.submit s using (account_id, message_id)
     where m.class = 3 and s.outcome = 1
       and not exists (select from sms.consent c
                        where c.brand_id = m.brand_id and c.number = m."to"
                          and c.recipient_type = m.recipient_type and c.permits
                          and c.as_of between s.at - interval '60 minutes' and s.at)});
is($bad, 0, 'none was sent without a fresh permission');
my @wire = grep { $_->{text} =~ /Kampanya/ } $smsc->messages;
is(scalar @wire, $pg->value(q{select count(*) from sms.submit s
      join sms.message m using (account_id, message_id) where m.class = 3 and s.outcome = 1}),
   'as many on the wire as the database knows');

done_testing;
