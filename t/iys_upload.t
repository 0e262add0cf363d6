#!/usr/bin/perl

# What people declared is brought to İYS: over the API and by SMS, with everything that
# İYS may answer; and a refusal stops, whatever becomes of it there.

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
my $iys = SMS::Iys->start(data => {
    users => [{ username => 'api@firma.example', password => 'parola',
                brands => [[ $brand, $brand ]] }],
    brands => [{ iysCode => $brand, brandCode => $brand, name => 'ORNEK' }],
    consents => [ map { { brandCode => $brand, recipient => "+9053211100$_", recipientType => 'BIREYSEL',
                          type => 'MESAJ', status => 'ONAY', source => 'HS_WEB',
                          consentDate => '2026-01-05 10:00:00', creationDate => '2026-01-05 10:00:00' } }
                  '01' .. '60' ] });
$iys->control('knobs', { async_delay => 0 });

my $pg = SMS::Pg->new;
prices($pg);
$pg->do(q{select sms.setting_set('iys_poll_seconds', '1')});
$pg->do(q{select sms.setting_set('iys_hold_seconds', '3')});
$pg->do(q{select sms.setting_set('iys_stop_seconds', '2')});
$pg->do(q{select sms.setting_set('iys_again_seconds', '0')});

my $account = SMS::Account->new($pg, operators => ['turkcell'], iys => $brand);
my $key = $account->key('live', waived => 'test', scopes => [ 'consents:read', 'consents:write',
                                                              'messages:send', 'messages:read' ]);
my $smsc = SMS::Smsc->start(receipt_ms => 30);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc, iys => $iys));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);


sub ask {
    my ($method, $path, %opt) = @_;
    return $account->request($nginx, $method, "/v1/consents$path", key => $key, %opt);
}
sub declared {
    my @rows = @_;
    my $r = ask(POST => '', json => { brand => $account->brand_id, consents => \@rows,
        declaration => { statement => 'Üyelik formlarından', by => 'Ayşe Yılmaz' } });
    is($r->status, 200, 'declared') or diag($r->body);
    return $r->json;
}
sub approval { return { address => "+$_[0]", status => 'ONAY', source => 'HS_WEB',
                        consent_at => rfc3339(time - 60), @_[1 .. $#_] } }
sub refusal { return { address => "+$_[0]", status => 'RET', source => 'HS_CAGRI_MERKEZI', @_[1 .. $#_] } }

# the states of an address, oldest first
sub states_of {
    return $pg->value(q{select string_agg(state || coalesce(' ' || iys_code, ''), ', ' order by entry_id)
                          from sms.consent_entry where address = ?}, "+$_[0]") // '';
}
sub ends {
    my ($to, $state, $name) = @_;
    wait_until { states_of($to) eq $state } slow(30);
    is(states_of($to), $state, "$name: $state");
}
sub in_iys {
    my ($to) = @_;
    my $r;
    # ten requests a second of everybody's
    wait_until {
        $r = $iys->post("/sps/$brand/brands/$brand/consents/status",
                        { recipient => "+$to", recipientType => 'BIREYSEL', type => 'MESAJ' });
        $r->[0] != 429;
    } 10;
    return $r->[0] == 200 ? $r->[1]{status} : "http $r->[0]";
}
sub commercial {
    my ($to) = @_;
    return scalar send_one($account, $nginx, class => 'commercial', recipient_type => 'BIREYSEL',
        brand => $account->brand_id, to => $to, text => "Kampanya $to. Ret: ORNEK RET 4605");
}
sub on_wire { my ($to) = @_; return scalar grep { $_->{dest} =~ /$to$/ } $smsc->messages }


subtest 'approvals and refusals' => sub {
    my ($new, $known, $strange) = qw(905331110001 905321110001 905331110002);

    declared(approval($new), refusal($known), refusal($strange));
    ends($new, 'registered', 'an approval');
    is(in_iys($new), 'ONAY', 'İYS has it');
    ends($known, 'registered', 'a refusal');
    is(in_iys($known), 'RET', 'İYS has it');
    ends($strange, 'kept_local H175', 'of whom İYS does not know');

    # İYS still lists it as approved to whoever asks before: the refusal is ours
    my $m = $account->wait_state($nginx, commercial($known), qr/^(?!accepted|held|queued|submitted)/, slow(20));
    is($m->{state}, 'opted_out', 'who refused gets nothing');
    $m = $account->wait_state($nginx, commercial($new), qr/^(?!accepted|held|queued|submitted)/, slow(20));
    is($m->{state}, 'delivered', 'who approved does, on İYS\'s answer');
};

subtest 'by SMS' => sub {
    my $to = '905321110002';
    $smsc->inject_mo(from => $to, text => 'ORNEK RET');
    ends($to, 'registered', 'a refusal by SMS');
    is(in_iys($to), 'RET', 'is in İYS');
};

subtest 'approved, refused, approved' => sub {
    my $to = '905331110010';
    declared(approval($to));
    declared(refusal($to));
    ends($to, 'registered, registered', 'in their order');
    is(in_iys($to), 'RET', 'the last counts');
    sleep 1.1;      # İYS tells movements of one second apart by nothing
    declared(approval($to, consent_at => rfc3339(time)));
    ends($to, 'registered, registered, registered', 'approved again');
    is($pg->value('select lift_proof from sms.optout where number = ? and lifted_at is not null', $to) =~ /^iys /,
       1, 'that lifts the refusal, with its proof');
};

subtest 'told late' => sub {
    my $to = '905321110003';
    declared(refusal($to, consent_at => '2026-02-02T10:00:00+03:00'));
    ends($to, 'registered_as_decision H467', 'as a decision of today');
    my $r = $iys->post("/sps/$brand/brands/$brand/consents/status",
                       { recipient => "+$to", recipientType => 'BIREYSEL', type => 'MESAJ' });
    is($r->[1]{source}, 'HS_KARAR', 'so İYS has it');
};

subtest 'other channels' => sub {
    declared({ address => 'Ad.Soyad@Ornek.com', type => 'EPOSTA', status => 'ONAY', source => 'HS_WEB',
               consent_at => rfc3339(time - 5) },
             { address => '0212 000 00 01', type => 'ARAMA', status => 'ONAY', source => 'HS_WEB',
               consent_at => rfc3339(time - 5) });
    wait_until { $pg->value(q{select count(*) = 2 from sms.consent_entry
                               where channel > 1 and state = 'registered'}) } slow(20);
    is($pg->value(q{select string_agg(address || ' ' || state, ', ' order by channel) from sms.consent_entry
                     where channel > 1}), '+902120000001 registered, ad.soyad@ornek.com registered', 'registered');
};

# each fault of the way, and a refusal and an approval through it
my @faults = (
    [ 'busy' => { status => 400, code => 'H123' } ], [ 'a second too many' => { status => 429, code => 'H124' } ],
    [ 'an error' => { status => 500, code => 'H015' } ], [ 'a timeout inside' => { status => 503, code => 'H192' } ],
    [ 'no answer' => { delay => 4 } ], [ 'a broken answer' => { truncate => 20 } ], [ 'a lost connection' => { drop => 1 } ],
    [ 'a token that is not valid' => { status => 401, code => 'H351' } ],
    [ 'no right' => { status => 403, code => 'H353' } ], [ 'no subscription' => { status => 403, code => 'H520' } ],
    [ 'not JSON' => { status => 200, body => '<html>' } ],
);
my $n = 10;
for my $fault (@faults) {
    my ($name, $is) = @$fault;
    subtest $name => sub {
        my ($to, $new) = (sprintf('9053211100%02d', ++$n), sprintf('90533111%04d', 100 + $n));
        $iys->control('faults', [{ path => '/consents/request', times => 1, %$is }]);
        declared(refusal($to), approval($new));
        wait_until { states_of($to) =~ /^registered/ && states_of($new) =~ /^registered/ } slow(60);
        like(states_of($to), qr/^registered/, 'the refusal arrives') or diag($nginx->tail);
        like(states_of($new), qr/^registered/, 'the approval, too');
        $iys->control('faults', []);
        is(in_iys($to) . in_iys($new), 'RETONAY', 'as they were declared');
    };
}

subtest 'whatever İYS says to a refusal' => sub {
    my @codes = qw(H110 H121 H174 H175 H178 H180 H408 H467 H486 H525);
    my @to = map { sprintf '9053211100%02d', 40 + $_ } 0 .. $#codes;

    for my $i (0 .. $#codes) {
        $iys->control('faults', [{ path => '/consents/request', times => 1, status => 422,
            body => sprintf '{"errors":[{"index":0,"code":"%s","message":"x"}]}', $codes[$i] }]);
        declared(refusal($to[$i]));
        wait_until { states_of($to[$i]) =~ /H/ } slow(20);
    }
    $iys->control('faults', []);
    my @m = map { commercial($_) } @to;
    my %state;
    $state{ $account->wait_state($nginx, $_, qr/^(?!accepted|held|queued|submitted)/, slow(20))->{state} }++ for @m;
    is_deeply(\%state, { opted_out => scalar @to }, 'nobody of them gets a commercial message');
    is(scalar(grep { on_wire($_) } @to), 0, 'none is on the wire');
};

subtest 'killed in between' => sub {
    my @to = map { sprintf '905331112%03d', $_ } 1 .. 40;
    $iys->control('faults', [{ path => '/consents/request', times => 1, delay => 2 }]);
    declared(map { approval($_) } @to);
    ok(wait_until { $pg->value(q{select count(*) from sms.consent_entry where state = 'uploading'}) } slow(15),
       'a request is on its way');
    $nginx->expect(qr{worker process \d+ exited on signal 9});
    kill 'KILL', $_ for $nginx->worker_pids;
    ok(wait_until { $pg->value(q{select count(*) = 40 from sms.consent_entry
                                  where address like '+905331112%' and state = 'registered'}) } slow(60),
       'all arrive') or diag($pg->value(q{select string_agg(distinct state, ' ') from sms.consent_entry
                                           where address like '+905331112%'}));
    my $r = $iys->post("/sps/$brand/brands/$brand/consents/BIREYSEL/status/MESAJ",
                       { recipients => [ map { "+$_" } @to ] });
    is(scalar @{ $r->[1]{list} }, 40, 'İYS has each');
};

is($pg->value(q{select count(*) from sms.consent_entry where done_at is null and iys_code is distinct from 'H525'}), 0,
   'nothing is left over');
my ($counted) = $nginx->http->get('/metrics')->body =~ /^sms_plugin_iys_declared_total\S* (\d+)/m;
cmp_ok($counted // -1, '>=', 40, 'counted');
unlike($nginx->log, qr/\+?905\d{9}/, 'no number is in the log');

done_testing;
