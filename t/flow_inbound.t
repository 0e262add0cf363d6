#!/usr/bin/perl

# Messages from people through a real nginx: a refusal stops at once what may be
# stopped and nothing else, long messages are joined, keywords lead to inboxes, and a
# worker that dies between storing and answering loses and doubles nothing.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode qw(encode);
use POSIX qw(strftime);
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Hook;
use SMS::Nginx;
use SMS::OpenApi;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], shift => 'locking');
my $smsc = SMS::Smsc->start(receipt_ms => 30, retry_ms => 200);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc, http => 'sms_webhook_private on;'));

$pg->do(q{select sms.keyword_put(?, '4605', 'ORNEK BILGI', ?, 'info', null, 905329990000)},
        $account->id, $account->brand);
$pg->do(q{select sms.keyword_put(?, '4605', 'ORNEK KULUP', ?, 'optin', 'Kulüp duyuruları')},
        $account->id, $account->brand);

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
ok(scalar(wait_until { $smsc->stats->{bound} } slow(15), 'a bind'), 'bound');

my $inbox = $account->key('live', waived => 'test', scopes => [ 'inbox:read', 'inbox:write' ]);


sub on_wire { my ($to) = @_; return grep { $_->{dest} =~ /^\+?$to$/ } $smsc->messages }


# İYS has just approved, so the mirror is fresh enough
sub commercial {
    my ($to, %body) = @_;
    $pg->do(q{select sms.consent_put(array[?::bigint], array[?::bigint], array[1::smallint],
        array[?::bigint], array[1::smallint], array[now()], sms.id_new(), 'status')},
        $account->id, $account->brand, $to);
    return scalar send_one($account, $nginx, class => 'commercial',
        recipient_type => 'BIREYSEL', brand => $account->brand_id, to => $to,
        text => "Kampanya $to. Ret: ORNEK RET 4605", %body);
}


sub ends {
    my ($id, $state, $name) = @_;
    my $m = $account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, 15);
    is($m->{state}, $state, $name) or diag(explain($m));
    return $m;
}


sub inbox_of {
    my ($from, $n) = @_;
    my $rows;

    wait_until {
        $rows = $account->get($nginx, "/v1/inbox?from=$from", key => $inbox)->json->{messages};
        $rows && @$rows >= $n
    } slow(15), "the inbox of $from";
    return @{ $rows // [] };
}


# the user data header of a part, hex
sub udh { my ($ref, $total, $seq) = @_; return sprintf '050003%02x%02x%02x', $ref, $total, $seq }


subtest 'a refusal' => sub {
    my $to = number();
    my $sent = commercial($to);
    ends($sent, 'delivered', 'a campaign before');
    my $later = commercial($to, schedule_at => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 40 * 86400)), validity_s => 3600);
    my $before = $account->balance;

    $smsc->inject_mo(from => $to, text => 'Örnek ret.');
    # right behind it
    my $otp = send_one($account, $nginx, to => $to, class => 'otp', text => 'Örnek kodunuz: 482913');
    my $notice = send_one($account, $nginx, to => $to, text => 'Siparişiniz kapıda.');

    my $m = ends($later, 'opted_out', 'what was scheduled has ended');
    is($m->{refunded}{amount_micro}, $m->{price}{amount_micro}, 'refunded');
    is($m->{cause}{code}, 'opted-out', 'with its cause');
    ends($otp, 'delivered', 'a one-time code arrives');
    ends($notice, 'delivered', 'and so does what he has ordered');

    my $next = commercial($to);
    ends($next, 'opted_out', 'the next campaign does not');
    is(scalar(grep { $_->{text} =~ /Kampanya/ } on_wire($to)), 1, 'one campaign on the wire, that before');

    my $told = wait_until { grep { $_->{text} =~ /^Örnek: .*\d\d\.\d\d\.\d{4}/ } on_wire($to) }
               slow(15), 'the confirmation';
    ok($told, 'the person is told, with brand and date');
    is_deeply([ map { @$_{qw(kind text read_at brand)} } inbox_of($to, 1) ],
              [ 'refusal', 'Örnek ret.', undef, $account->brand_id ], 'and the brand');

    my ($entry) = $pg->rows(q{select state, status, recipient_type, channel, source,
                                     deadline_at > received_at as due
                                from sms.consent_entry where address = ?}, "+$to");
    is_deeply([ @$entry{qw(status recipient_type channel source due)} ],
              [ 2, 1, 1, 'HS_MESAJ', 1 ], 'İYS will be');

    $smsc->inject_mo(from => $to, text => 'ORNEK RET!');
    is(scalar inbox_of($to, 2), 2, 'said again');
    ok(wait_ended($pg, 20), 'all has ended');
    is(scalar(grep { $_->{text} =~ /^Örnek: / } on_wire($to)), 1, 'confirmed once a day');
};

subtest 'an endpoint' => sub {
    my $hook = SMS::Hook->start;
    my $from = number();
    $pg->do(q{select sms.setting_set('webhook_http', 'on')});
    my $id = $pg->value('select webhook_id from sms.webhook_create(?, ?, ?)', $account->id,
                        $hook->url('in'), ['message.received']);

    $smsc->inject_mo(from => $from, text => 'ORNEK BILGI: kargom nerede?');
    ok(scalar(wait_until { $hook->events('in') } slow(15), 'an event'), 'is told');
    my ($event) = $hook->events('in');
    my ($m) = inbox_of($from, 1);
    is($event->{type}, 'message.received', 'of what came');
    is_deeply($event->{data}, { map { $_ => $m->{$_} } qw(id from to text parts missing_parts kind
                                                          keyword brand received_at) },
              'as the inbox has it');
    is_deeply([ SMS::OpenApi->new->faults({ '$ref' => '#/components/schemas/Event' }, $event) ], [],
              'and the document');
    $pg->do('select sms.webhook_delete(?, ?)', $account->id, $id);
};

subtest 'long messages' => sub {
    my $from = number();
    my @octets = map { unpack 'H*', $_ } unpack '(a134)*', encode('UTF-16BE',
        'Merhaba 👋 ' . 'kargom nerede, şubeden mi almalıyım? ' x 5 . 'ORNEK BILGI');

    $smsc->inject_mo(from => $from, octets => $octets[$_], udh => udh(77, scalar @octets, $_ + 1),
                     data_coding => 8) for 2, 0, 2, 1, 3 .. $#octets;
    my ($m) = inbox_of($from, 1);
    like($m->{text}, qr/^Merhaba 👋 (?:kargom nerede, şubeden mi almalıyım\? ){5}ORNEK BILGI$/,
         'joined, out of order and with a part twice');
    is_deeply([ @$m{qw(parts missing_parts kind keyword)} ],
              [ scalar @octets, 0, 'message', 'ORNEK BILGI' ], 'whole, to its brand');

    my $on = wait_until {
        grep { $_->{text} =~ /^\+$from > 4605: Merhaba/ } on_wire('905329990000')
    } slow(15), 'it to be sent on';
    ok($on, 'sent on to a mobile number, and from whom');

    $from = number();
    $pg->do(q{select sms.setting_set('inbound_join_seconds', '1')});
    $smsc->inject_mo(from => $from, octets => unpack('H*', ' ornek RET'), udh => udh(5, 3, 2));
    ($m) = inbox_of($from, 1);
    is_deeply([ @$m{qw(text parts missing_parts kind)} ], [ '… ornek RET…', 3, 2, 'refusal' ],
              'what lacks parts is read as it is, in time');
    $pg->do(q{select sms.setting_set('inbound_join_seconds', '180')});
};

subtest 'Turkish shift tables' => sub {
    my $from = number();

    # single shift: ESC s is ş; locking shift: 0x1C is Ş
    $smsc->inject_mo(from => $from, octets => '4f524e454b201b732052455420', udh => '03240101');
    my ($m) = inbox_of($from, 1);
    is($m->{text}, 'ORNEK ş RET ', 'single shift');
    is($m->{kind}, 'refusal', 'understood');
    $from = number();
    $smsc->inject_mo(from => $from, octets => '4f524e454b2042494c4749201c', udh => '03250101');
    ($m) = inbox_of($from, 1);
    is($m->{text}, 'ORNEK BILGI Ş', 'locking shift');
};

subtest 'approval' => sub {
    my $from = number();

    $smsc->inject_mo(from => $from, text => 'Onay örnek kulüp');
    my ($m) = inbox_of($from, 1);
    is_deeply([ @$m{qw(kind keyword)} ], [ 'approval', 'ORNEK KULUP' ], 'understood');
    is($pg->value('select state || scope from sms.consent_entry where address = ?', "+$from"),
       'pendingKulüp duyuruları', 'kept with what it covers, until İYS has it');
    my $id = scalar send_one($account, $nginx, class => 'commercial', recipient_type => 'BIREYSEL',
        brand => $account->brand_id, to => $from, validity_s => 60,
        text => "Kampanya $from. Ret: ORNEK RET 4605");
    sleep 1;
    is(scalar on_wire($from), 0, 'it permits nothing');
    $account->delete($nginx, "/v1/messages/$id");
};

subtest 'the worker dies between storing and answering' => sub {
    my $from = number();
    my $db = $pg->connect;

    # it can store, and cannot go on
    $db->begin_work;
    $db->do('lock table sms.inbound in share mode');
    $smsc->inject_mo(from => $from, text => 'ORNEK RET');
    my $stored = wait_until {
        $pg->value(q{select count(*) from sms.inbound_part where "from" like '%' || ?}, $from)
    } slow(15), 'the part';
    ok($stored, 'stored');
    is($smsc->stats->{mo_done}, $smsc->stats->{mo} - 1, 'not answered');

    my ($holder) = $pg->value(q{select holder from sms.lease where name like 'bind/%'
                                   and expires_at > now()}) =~ /:(\d+):/;
    my @workers = $nginx->worker_pids;
    my ($i) = grep { $workers[$_] == $holder } 0 .. $#workers;
    ok(defined $i, 'its worker') or return;
    $nginx->kill_worker($i);
    $db->rollback;

    my $again = wait_until { $smsc->stats->{mo_done} == $smsc->stats->{mo} - 1 } 12 + slow(8),
                'it to be brought again';
    ok($again, 'brought again, and answered');
    is(scalar inbox_of($from, 1), 1, 'it is there once');
    is($pg->value('select count(*) from sms.optout where number = ?', $from), 1, 'stops once');
    # whoever measures notices may have been the one that died
    my $told = wait_until { grep { $_->{text} =~ /^Örnek: / } on_wire($from) } 12 + slow(10),
               'the confirmation';
    ok($told, 'confirmed');
    ok(wait_ended($pg, 20), 'all has ended');
    is(scalar(grep { $_->{text} =~ /^Örnek: / } on_wire($from)), 1, 'once');
};

subtest 'read marks' => sub {
    my ($m) = @{ $account->get($nginx, '/v1/inbox?limit=1', key => $inbox)->json->{messages} };
    my $r = $account->request($nginx, POST => "/v1/inbox/$m->{id}:read", key => $inbox);

    is($r->status, 200, 'marked') or diag($r->body);
    ok($r->json->{read_at}, 'read');
    my $unread = $account->get($nginx, '/v1/inbox?state=unread', key => $inbox)->json;
    ok(!(grep { $_->{id} eq $m->{id} } @{ $unread->{messages} }), 'not among the unread');
};

books_balance($pg);
is_deeply([ twice($pg, $smsc) ], [], 'nothing twice at the SMSC');
my $metrics = $nginx->http->get('/metrics')->body;
like($metrics, qr/^sms_optouts_total [1-9]/m, 'opt-outs are counted');
like($metrics, qr/^sms_inbound_total [1-9]/m, 'and messages');

done_testing;
