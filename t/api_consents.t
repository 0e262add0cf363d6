#!/usr/bin/perl

# Consents as a product, through a real nginx: what is refused on the telephone stops at
# once; a refusal that İYS should have and has not stops the brand, until it is there;
# a load of fifty thousand is read, judged and kept.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(strftime);
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], shift => 'locking');
my $smsc = SMS::Smsc->start(receipt_ms => 30, retry_ms => 200);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
ok(scalar(wait_until { $smsc->stats->{bound} } slow(15), 'a bind'), 'bound');

my $key = $account->key('live', waived => 'test', scopes => [ 'consents:read', 'consents:write' ]);
my $later = strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 40 * 86400));


sub ask {
    my ($method, $path, $body, $status) = @_;
    my $r = $account->request($nginx, $method, "/v1/$path", key => $key, $body ? (json => $body) : ());
    is($r->status, $status // 200, "$method $path") or diag($r->body);
    return $r->json;
}


sub commercial {
    my ($to, %body) = @_;
    return $account->post($nginx, '/v1/messages', $account->message(class => 'commercial', basis => undef,
        recipient_type => 'BIREYSEL', brand => $account->brand_id, to => [$to],
        text => "Kampanya $to. Ret: ORNEK RET 4605", %body));
}


sub ends {
    my ($id, $state, $name) = @_;
    my $m = $account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, 15);
    return is($m->{state}, $state, $name) || diag(explain($m));
}


subtest 'somebody calls' => sub {
    my ($to, $other) = (number(), number());
    my @waits = map { commercial($_, schedule_at => $later, validity_s => 3600)->json->{messages}[0]{id} } $to, $other;
    my $before = $account->balance;

    my $said = ask(POST => 'optouts', { message => $waits[0], source => 'HS_CAGRI_MERKEZI', confirm => JSON::PP::true(),
                                        evidence => { recording => '2026/4411' } });
    is_deeply([ @{ $said->{brands}[0] }{qw(brand ended)} ], [ $account->brand_id, 1 ], 'what waited has ended');
    my $m = $account->get($nginx, "/v1/messages/$waits[0]")->json;
    is_deeply([ @$m{'state'}, $m->{cause}{code} ], [ 'opted_out', 'opted-out' ], 'with the answer, not later');
    is($account->balance - $before, $m->{price}{amount_micro}, 'and is refunded');
    is($account->get($nginx, "/v1/messages/$waits[1]")->json->{state}, 'held', 'what is for others waits on');

    ends(scalar(send_one($account, $nginx, to => $to, class => 'otp', text => 'Örnek kodunuz: 482913')),
         'delivered', 'a one-time code arrives');
    ok(scalar(wait_until { grep { $_->{dest} =~ /$to/ && $_->{text} =~ /^Örnek: .*\d\d\.\d\d\.\d{4}/ } $smsc->messages }
              slow(15), 'the confirmation'), 'and the word that it was heard');
    my ($entry) = @{ ask(GET => "consents?load=$said->{brands}[0]{load}")->{consents} };
    is_deeply([ @$entry{qw(status state source address)}, $entry->{evidence}{recording} ],
              [ 'RET', 'pending', 'HS_CAGRI_MERKEZI', "+$to", '2026/4411' ], 'İYS is due it');
};


subtest 'a refusal that nobody brings to İYS' => sub {
    my $to = number();

    $pg->do('update sms.brand set brand_code = null where brand_id = ?', $account->brand);
    my $said = ask(POST => 'consents', { brand => $account->brand_id, consents => [ { address => "+$to", status => 'RET' } ] });
    $pg->do('update sms.brand set brand_code = 100200 where brand_id = ?', $account->brand);
    # three business days later; nobody may write for it again
    $pg->do(q{update sms.consent_entry set deadline_at = now() - interval '1 minute', state = 'no_write', next_at = null
               where load_id = sms.id_parse('lod', ?)}, $said->{load});
    $pg->do(q{set role sms_owner});
    $pg->do(q{create or replace function sms.brand_writable(p_brand bigint, p_channel smallint) returns boolean
              language sql stable as 'select false'});
    $pg->do(q{reset role});
    $nginx->expect(qr/refusals are overdue in İYS/);
    is(ask(GET => 'consents:due')->{brands}[0]{late}, 1, 'it is late');

    my $waits = commercial(number(), schedule_at => $later, validity_s => 3600)->json->{messages}[0]{id};
    $pg->do(q{select sms.upkeep('consents', now(), 1000)});

    my $r;
    wait_until { ($r = commercial(number()))->status == 422 } slow(15), 'the brand rests';
    is_deeply([ map { @$_{qw(code pointer)} } @{ $r->json->{errors} } ], [ 'consents-overdue', '/brand' ],
              'no more commercial messages of the brand');
    like($r->json->{errors}[0]{detail}, qr{consents:export.*consents:confirm}, 'with what to do');
    ends(scalar(send_one($account, $nginx, to => number(), text => 'Siparişiniz kapıda.')), 'delivered',
         'others go on');
    like($nginx->http->get('/metrics')->body, qr/^sms_brands_late\S* 1$/m, 'whoever runs it sees that');

    my $rows = ask(GET => 'consents:export?brand=' . $account->brand_id)->{rows};
    is($rows->[0]{recipient}, "+$to", 'what is to be loaded');
    is(ask(POST => 'consents:confirm', { brand => $account->brand_id, by => 'Ayşe Yılmaz', load => $said->{load} })->{loaded},
       1, 'it has been');
    wait_until { ($r = commercial(number(), schedule_at => $later, validity_s => 3600))->status == 202 } slow(15), 'it goes on';
    is($r->status, 202, 'and the brand goes on');
    is($account->get($nginx, "/v1/messages/$waits")->json->{state}, 'held', 'with what had waited');
};


subtest 'somebody approves on a page' => sub {
    my $to = number();
    my $form = ask(POST => 'consent-forms', { brand => $account->brand_id, types => [ 'MESAJ', 'ARAMA' ],
        text => 'Kampanyalardan haberdar olmak istiyorum.', text_version => '2026-3' }, 201);
    my $page = sub { my ($body) = @_;
        return $nginx->http->request($body ? ('POST', "/f/$form->{token}", body => $body, headers => {
            'Content-Type' => 'application/x-www-form-urlencoded' }) : (GET => "/f/$form->{token}")) };

    my $r = $page->();
    is($r->status, 200, 'the page');
    is($r->header('content-type'), 'text/html; charset=utf-8', 'is one');
    like($r->header('content-security-policy'), qr/default-src 'none'.*frame-ancestors 'none'/, 'alone');
    is($r->header('cache-control'), 'no-store', 'and not kept');
    $r = $page->("name=Ay%C5%9Fe&number=0" . substr($to, 2) . '&sms=1');
    my ($try) = $r->body =~ /(try_\w{26})/ or diag($r->body);

    my $got;
    wait_until { ($got) = grep { $_->{dest} =~ /$to/ } $smsc->messages } slow(15), 'a code';
    my ($code) = ($got->{text} // '') =~ /^(\d{6}) - Örnek/ or diag(explain($got));
    is($pg->value('select class from sms.message where "to" = ?', $to), 1, 'a one-time code of the account');
    is($page->("try=$try&code=000000")->status, 400, 'a wrong one') if $code ne '000000';
    is($page->("try=$try&code=$code")->status, 200, 'the right one');

    my ($entry) = @{ ask(GET => "consents?address=%2B$to")->{consents} };
    is_deeply([ @$entry{qw(type status source scope)}, @{ $entry->{evidence} }{qw(name ip text_version form)} ],
              [ 'MESAJ', 'ONAY', 'HS_WEB', 'Kampanyalardan haberdar olmak istiyorum.', 'Ayşe', '127.0.0.1',
                '2026-3', $form->{id} ], 'is an approval of what was ticked, with its proof');
    ok(scalar(wait_until { grep { $_->{dest} =~ /$to/ && $_->{text} =~ /\(SMS\).*ORNEK RET.*4605/ } $smsc->messages }
              slow(15), 'the confirmation'), 'and the person is told, with the way to refuse');

    is($nginx->http->request(@$_[0, 1])->status, $_->[2], "@$_[0, 1]")
        for [ GET => '/f/', 404 ], [ GET => '/f/x', 404 ], [ GET => '/f/%FF', 404 ], [ PUT => '/f/x', 405 ];
    is($page->("name=\xff")->status, 400, 'what no browser sends');
    is($page->('name=%00%ff')->status, 400, 'nor this');
    is($page->('a' x 10_000)->status, 413, 'nor so much');
    ask(DELETE => "consent-forms/$form->{id}");
    is($page->()->status, 410, 'ended');
};


subtest 'fifty thousand' => sub {
    my @rows = map { { address => sprintf('+90545%07d', $_), $_ % 10 ? (status => 'ONAY', source => 'HS_WEB',
                       consent_at => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time - $_ % 3600))) : (status => 'RET') } } 1 .. 50_000;
    $rows[40_000]{consent_at} = '2026-01-05T10:00:00Z';
    my $said = ask(POST => 'consents', { brand => $account->brand_id, consents => \@rows, declaration => {
        statement => 'Üyelik formlarından', by => 'Ayşe Yılmaz' } });
    is_deeply([ @$said{qw(approvals refusals review)}, map { @$_{qw(index code)} } @{ $said->{rejected} } ],
              [ 44_999, 5_000, 'unusual-number', 40_000, 'H467' ], 'judged, kept, and held for a person');
    is($pg->value('select count(*) from sms.optout where number between 905450000001 and 905450050000'), 5_000,
       'the refusals are in effect');
    is(ask(GET => 'consents?limit=100&load=' . $said->{load})->{consents}[99]{state} =~ /review|no_write|pending/, 1, 'page by page');
};

done_testing;
