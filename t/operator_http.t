#!/usr/bin/perl

# Links over HTTP, as conf/operators/ describes two of them, against an operator that
# fails in every way: the end of each message, its charge, and what the operator has.

# limit: 400

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Http;
use SMS::Nginx;
use SMS::Pg;
use SMS::Source;
use SMS::Tap;
use SMS::Vendor;

my $vendor = SMS::Vendor->start;
my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => [qw(ornek deneme)]);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2);
spew($nginx->dir . '/routes', "90531 * deneme\n90 * ornek\n");
my $conf = conf(http => example('json') . example('form')
                        . 'sms_plugin router prefix router_prefix.so { table %%DIR%%/routes; }',
                api => '} location /operator/ornek/ {
                            sms_plugin_location ornek; client_max_body_size 400k;
                        } location /operator/deneme/ { sms_plugin_location deneme;');
$nginx->conf($conf);

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
my $secret = { Authorization => 'Bearer ornek-secret' };
my $n = 0;
my $earlier = 0;        # taken by the operator before it was away


# an example, with the address of our operator, and less patience
sub example {
    my ($name) = @_;

    my $text = content("conf/operators/http-$name.conf");
    $text =~ s{https://(?:api|panel)[\w.-]+\.example}{$vendor->url}e or die "$name: no address\n";
    $text =~ s/timeout +\d+s;/timeout @{[slow(2)]}s; reconnect_min 50ms; reconnect_max 300ms;
               throttle_wait 100ms; stop_wait 500ms;/ or die "$name: no timeout\n";
    return "$text\n";
}


sub to { my ($suffix, $prefix) = @_; return sprintf '90%s%03d%04d', $prefix // 530, ++$n, $suffix }


sub receipt {
    my ($id, $state, %more) = @_;
    return $nginx->http->post('/operator/ornek/receipt',
                              { reports => [{ id => $id, state => $state, %more }] },
                              headers => $secret);
}


sub sent {
    my ($to, $count) = @_;
    return wait_until { $vendor->taken($to) >= ($count // 1) } slow(15), "$to to be taken";
}


sub ends {
    my ($id, $state, $name) = @_;
    my $m = $account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, 20);
    is($m->{state}, $state, $name // $state) or diag(explain($m));
    return $m;
}


subtest 'a request is what the template says' => sub {
    my $to = to(1);
    my $text = qq{"Tırnak" \\ & <b>ğüşiöçİ</b>\nikinci satır, \$to};
    my $id = send_one($account, $nginx, to => $to, text => $text);
    sent($to);
    my ($r) = grep { $_->{to} eq $to } $vendor->requests;
    is($r->{headers}{authorization}, 'Bearer ornek-token', 'credentials');
    like($r->{headers}{'content-type'}, qr{^application/json}, 'the type of the body');
    my $body = JSON::PP->new->utf8->decode($r->{body});
    is($body->{content}, $text, 'the text, whatever is in it');
    is($body->{originator}, 'ORNEK', 'the sender');
    is($body->{category}, 'BILGI', 'a word of the operator\'s');
    like($r->{body}, qr/"segments": [1-9]\d*,/, 'a number is a number');
    is($body->{callbackUrl}, 'https://sms.example.com/operator/ornek/receipt', 'where to call');

    is(receipt($vendor->id($to), 'DELIVRD', msisdn => "+$to", at => '2026-01-05T10:00:00+03:00')
       ->status, 200, 'a receipt is taken');
    my $m = ends($id, 'delivered');
    ok(!$m->{refunded}, 'and paid');

    my $before = $pg->value('select count(*) from sms.receipt');
    is(receipt($vendor->id($to), 'DELIVRD', msisdn => $to)->status, 200, 'once more');
    is($pg->value('select count(*) from sms.receipt'), $before, 'changes nothing');
};

subtest 'a form and XML, and a receipt by GET' => sub {
    my $to = to(2, 531);
    my $text = 'şifre & kod=1+1 "ğ" %41';
    my $id = send_one($account, $nginx, to => $to, text => $text);
    sent($to);
    my ($r) = grep { $_->{to} eq $to } $vendor->requests;
    my %form = %{ $r->{form} };
    utf8::decode($form{msg});
    is($form{msg}, $text, 'the text');
    is("$form{user} $form{pass} $form{tur}", 'deneme deneme-parola 2', 'credentials and class');
    my $q = 'jobid=' . $vendor->id($to) . '&durum=2&hata=103&tarih=22.04.2026+12:30:00&gsm='
            . substr $to, 2;
    my $got = $nginx->http->get("/operator/deneme/report?$q");
    is($got->status . ' ' . $got->body, '200 OK', 'taken');
    my $m = ends($id, 'undelivered');
};

subtest 'a long text is one request, and its receipt ends it' => sub {
    my $to = to(3);
    my $id = send_one($account, $nginx, to => $to, text => 'Uzun bir metin, bölünür. ' x 12);
    sent($to);
    my ($r) = grep { $_->{to} eq $to } $vendor->requests;
    my $m = message($account, $nginx, $id);
    ok($m->{parts} > 1, 'several parts are paid');
    like($r->{body}, qr/"segments": $m->{parts},/, 'the operator is told how many');
    receipt($vendor->id($to), 'DELIVRD', msisdn => $to);
    ends($id, 'delivered');
    is($vendor->taken($to), 1, 'taken once');
};

subtest 'refused for good: tried once, refunded' => sub {
    for my $row ([ 4, 'code:E101' ], [ 5, 'code:E104' ], [ 6, 'code:E999' ], [ 7, 'status:422' ]) {
        my ($suffix, $rule) = @$row;
        my $to = to($suffix);
        $vendor->rule(sprintf('%04d', $suffix), $rule);
        my $m = ends(scalar send_one($account, $nginx, to => $to, text => 'son'), 'rejected', $rule);
        is($m->{refunded}{amount_micro}, 100_000, 'refunded');
        is(scalar(grep { $_->{to} eq $to } $vendor->requests), 1, 'asked once');
        is($vendor->taken($to), 0, 'nothing is there');
    }
};

subtest 'what passes is tried again' => sub {
    for my $row ([ 8, 'status:500' ], [ 9, 'retry:429:1' ], [ 10, 'retry:503:1' ],
                 [ 11, 'code:E001' ], [ 12, 'code:E002' ])
    {
        my ($suffix, $rule) = @$row;
        my $to = to($suffix);
        my $asked = sub { grep { $_->{to} eq $to } $vendor->requests };
        $vendor->rule(sprintf('%04d', $suffix), $rule);
        my $id = send_one($account, $nginx, to => $to, text => 'geçici');
        wait_until { $asked->() >= 1 } slow(15), 'the first attempt';
        $vendor->rule(sprintf('%04d', $suffix), 'ok');
        sent($to);
        my @at = map { $_->{at} } $asked->();
        cmp_ok($at[-1] - $at[0], '>=', 0.9, "$rule: after the pause that was asked for")
            if $rule =~ /^retry/;
        receipt($vendor->id($to), 'DELIVRD', msisdn => $to);
        ends($id, 'delivered', "$rule, then delivered");
        is($vendor->taken($to), 1, 'taken once');
    }
};

subtest 'slow is not lost' => sub {
    my $to = to(13);
    $vendor->rule('0013', 'slow:1');
    my $id = send_one($account, $nginx, to => $to, text => 'yavaş');
    sent($to);
    is(receipt($vendor->id($to), 'DELIVRD', msisdn => $to)->status, 200,
       'a receipt that is faster than the answer');
    ends($id, 'delivered');
    is($vendor->taken($to), 1, 'taken once');
};

subtest 'no answer is in doubt: once more by the policy of its class, then held' => sub {
    for my $row ([ 14, 'hang' ], [ 15, 'drop' ], [ 16, 'half' ], [ 17, 'garbage' ],
                 [ 18, 'noid' ], [ 19, 'status:504' ])
    {
        my ($suffix, $rule) = @$row;
        my $to = to($suffix);
        $vendor->rule(sprintf('%04d', $suffix), $rule);
        my $id = send_one($account, $nginx, to => $to, text => 'belirsiz');
        my $doubts = sub {
            $pg->value('select count(*) from sms.in_doubt where "to" = ?', $to);
        };
        ok((wait_until { $doubts->() >= 1 } slow(20), "$rule in doubt"), "$rule: in doubt");
        $vendor->rule(sprintf('%04d', $suffix), 'ok');
        my $count = $rule eq 'status:504' ? 1 : 2;
        sent($to, $count);
        is($vendor->taken($to), $count, "the operator has $count");
        receipt($vendor->id($to), 'DELIVRD', msisdn => $to);
        my $m = ends($id, 'delivered', "$rule: ends once");
        ok(!$m->{refunded}, 'charged once');
    }

    my $to = to(20);
    $vendor->rule('0020', 'half');
    my $id = send_one($account, $nginx, to => $to, text => 'hep belirsiz');
    sent($to, 2);
    wait_until { $pg->value(q{select count(*) from sms.in_doubt where "to" = ?
                              and policy = 'hold'}, $to) } slow(20), 'the second to be held';
    is($vendor->taken($to), 2, 'not a third time');
    receipt($vendor->id($to), 'DELIVRD', msisdn => $to);
    upkeep($pg, 'orphans');
    ends($id, 'delivered', 'a receipt that fits ends the doubt');
};

subtest 'an operator that is away' => sub {
    my ($port) = $vendor->url =~ /:(\d+)$/;
    $earlier = grep { length $_->{id} } $vendor->requests;
    $vendor->stop;
    my $to = to(21);
    my $id = send_one($account, $nginx, to => $to, text => 'bekler');
    ok($nginx->wait_log(qr/submit: no connection/, slow(15)), 'is told in the log');
    like(message($account, $nginx, $id)->{state}, qr/^(?:queued|held)$/, 'the message waits')
        or diag(explain(message($account, $nginx, $id)));
    $vendor = SMS::Vendor->start(port => $port);
    sent($to);
    receipt($vendor->id($to), 'DELIVRD', msisdn => $to);
    ends($id, 'delivered');
    is($vendor->taken($to), 1, 'taken once');
};

subtest 'callbacks that are wrong' => sub {
    my $http = $nginx->http;
    my $good = { reports => [{ id => 'nobody', state => 'DELIVRD' }] };
    my $code = sub {
        my ($r, $status, $name, $what) = @_;
        is($r->status, $status, $what);
        is($r->json->{code}, $name, "as a problem: $name") if $name;
        return $r;
    };

    for my $with ({}, { Authorization => 'Bearer wrong-secret' }, { Authorization => 'Bearer ' }) {
        $code->($http->post('/operator/ornek/receipt', $good, headers => $with), 403,
                'callback-refused', 'without the secret');
    }

    my $r = $code->($http->get('/operator/ornek/receipt', headers => $secret), 405,
                    'method-not-allowed', 'by GET');
    is($r->header('allow'), 'POST', 'and says what is allowed');
    $code->($http->request('OPTIONS', '/operator/ornek/receipt', headers => $secret), 405,
            'method-not-allowed', 'a method that no plugin gets');
    $code->($http->post('/operator/ornek/nothing', $good, headers => $secret), 404,
            'not-found', 'somewhere else');
    $code->($http->post('/operator/ornek/receipt', '{"reports":', headers => $secret), 400,
            'invalid-callback', 'broken JSON');
    $code->($http->post('/operator/ornek/receipt', '', headers => $secret), 400,
            'invalid-callback', 'nothing');
    $code->($http->post('/operator/ornek/receipt', ' ' x 300_000, headers => $secret), 413,
            'body-too-large', 'more than an adapter reads');
    $code->($http->post('/operator/ornek/receipt', ' ' x 500_000, headers => $secret), 413,
            'body-too-large', 'more than the location takes');
    $code->(receipt('x', 'NEVER-HEARD'), 400, 'invalid-callback', 'a status nobody has named');

    my $to = to(22);
    my $id = send_one($account, $nginx, to => $to, text => 'çoklu');
    sent($to);
    $code->($http->post('/operator/ornek/receipt', { reports => [
                { id => 'y', state => 'NEVER-HEARD' },
                { id => $vendor->id($to), state => 'DELIVRD', msisdn => $to } ] },
                headers => $secret), 400,
            'invalid-callback', 'one of two is wrong');
    ends($id, 'delivered', 'the other one counts');

    my $metrics = $http->get('/metrics')->body;
    like($metrics, qr/http_callback_forbidden_total\{[^}]*\} 3$/m, 'counted')
        or diag($metrics =~ /^(.*http_callback.*)$/mg);
    unlike($nginx->log, qr/\Q$to\E/, 'no number is in the log');
};

subtest 'messages of handsets' => sub {
    my %mo = (id => 'm1', from => '+905301112233', to => '4605', text => 'RET ğİ😀');
    is($nginx->http->post('/operator/ornek/inbound', { %mo }, headers => $secret)->status,
       200, "taken, time $_") for 1, 2;
    my @rows = $pg->rows(q{select "from", "to", text, data_coding from sms.inbound
                            where link_id = 21});
    is_deeply(\@rows, [{ from => '905301112233', to => '4605', text => 'RET ğİ😀',
                         data_coding => 8 }], 'once, as it was written');
    is($nginx->http->post('/operator/ornek/inbound', { %mo, id => '', from => '905301112266' },
                          headers => $secret)->status, 200, "without an id, time $_") for 1, 2;
    is($pg->value(q{select count(*) from sms.inbound where "from" = '905301112266'}), 1,
       'the same text within minutes is a repetition');

    my $xml = qq{<?xml version="1.0" encoding="windows-1254"?><gelen>}
            . qq{<mesaj id="7"><gonderen>5301112233</gonderen><no>4605</no><metin>\xddPTAL &amp; \xf0}
            . qq{</metin><tarih>01.03.2026 12:00:00</tarih></mesaj>}
            . qq{<mesaj id="8"><gonderen>5301112244</gonderen><no>4605</no><metin>RET</metin></mesaj>}
            . qq{</gelen>};
    is($nginx->http->post('/operator/deneme/mo', $xml)->status, 200, 'two in XML');
    is_deeply([ map { "$_->{from} $_->{text}" }
                $pg->rows(q{select "from", text from sms.inbound where link_id = 22
                             order by "from"}) ],
              [ '905301112233 İPTAL & ğ', '905301112244 RET' ], 'of the code page it says');
    my $bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><gelen><mesaj id="9">'
             . '<gonderen>5301112255</gonderen><no>4605</no><metin>&b;</metin></mesaj></gelen>';
    is($nginx->http->post('/operator/deneme/mo', $bomb)->status, 400, 'no document types');
};

subtest 'after a reload' => sub {
    $nginx->reload;
    my $to = to(23);
    my $id = send_one($account, $nginx, to => $to, text => 'yeniden');
    sent($to);
    is(receipt($vendor->id($to), 'DELIVRD', msisdn => $to)->status, 200, 'callbacks go on');
    ends($id, 'delivered', 'and so do messages');
};

wait_ended($pg);
my %of = map { $_->{outcome} => $_->{n} } $pg->rows(
    'select outcome, count(*) as n from sms.submit group by 1');
my @taken = grep { length $_->{id} } $vendor->requests;
is($of{1} + $of{5}, @taken + $earlier + 1,
   'sent and in doubt are what the operator has, and one that its gateway lost')
    or diag(explain([ states($pg), \%of ]));
books_balance($pg);
done_testing;
