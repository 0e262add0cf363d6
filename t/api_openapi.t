#!/usr/bin/perl

# docs/openapi.yaml is well formed and says what the server does: each operation is
# called, and its status, headers and body are held against the document.  A member
# or header that the document does not know fails as well.  (What the tables of the
# code say is compared in t/docs_openapi.t.)
#
# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;

use SMS::Account;
use SMS::Desk;
use SMS::Nginx;
use SMS::OpenApi qw(shown);
use SMS::Pg;
use SMS::Tap;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $api = SMS::OpenApi->new;
my ($pg, $account, $nginx, $any, $desk);

$api->lint;
live();
done_testing;


sub live {
    $pg = SMS::Pg->new(own => 1);
    $account = SMS::Account->new($pg, operators => ['sim']);
    $pg->do(q{select sms.tariff_set(1, '90', c, 120000)
                from unnest(array['otp', 'informational', 'commercial', 'exempt']) c});

    $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
        extra => 'sms_plugin billing prepaid billing_prepaid.so { grant db; }'
                 . 'sms_plugin rule content rule_content.so { }',
        http => <<'EOC'));
server {
    listen 127.0.0.1:%%PORT_1%%;
    location /v1/ { sms_api; sms_rate rate=60r/m burst=2; }
}
EOC
    $nginx->start;
    ok($nginx->ready('/health'), 'ready') or return;

    my %one = (class => 'informational', sender => 'ORNEK', text => 'Kargonuz yolda.',
               to => ['05321112233']);
    # the tariff is read a moment after the start
    ok(wait_until { $account->post($nginx, '/v1/messages:preview', \%one)->status == 200 }
           slow(10), 'priced') or return;

    send_and_see(%one);
    inbox();
    consents();
    refusals(%one);
    desk();
    callers(%one);
    service();
    # what needs two requests at the same moment, or a database that hangs; and what
    # the tests of a group of operations see
    my %test = (webhooks => 't/api_webhooks.t', evidence => 't/api_evidence.t');
    my @there = grep { $test{ $api->operation($_)->{tags}[0] } } $api->operations;
    for my $op (@there) {
        my $file = $test{ $api->operation($op)->{tags}[0] };
        like(SMS::Source::content($file), qr/'\Q$op\E',[^;]* 20\d\b/, "$op is called in $file");
    }
    my $there = join '|', @there;
    $api->covered(qr/^(?:sendMessages (?:409|503)|previewMessages 503|checkCompliance 503|(?:$there) (?:20\d|409))$/);
    return;
}


sub send_and_see {
    my (%one) = @_;
    my $request = $api->schema('SendRequest');
    my %body = (%one, basis => 'order_delivery', reference => 'run-7',
                to => ['0532 111 22 33', '123', '05321112233', '+90 532 111 00 01']);
    my %key = (headers => { 'Idempotency-Key' => 'order-1', 'X-Request-Id' => 'my-call.1' });
    my $r = $account->post($nginx, '/v1/messages', \%body, %key);

    is_deeply([ $api->faults($request, \%body) ], [], 'the request is as documented');
    my $sent = $api->holds('sendMessages', $r, 202);
    is($r->header('x-request-id'), 'my-call.1', 'the request id comes back');
    is($sent->{price}{amount_micro}, 240000, 'price of two');
    is($sent->{reference}, 'run-7', 'with the reference of the request');
    is_deeply([ map { [ @$_{qw(title_tr title_en)} ] } $sent->{rejected}[0] ],
              [ [ 'Numara SMS alabilecek bir cep numarası değil',
                  'The number is not a mobile number that can get an SMS' ] ],
              'who was refused, in both languages');

    my $again = $account->post($nginx, '/v1/messages', \%body, %key);
    $api->holds('sendMessages', $again, 202, undef, 'replayed');
    is($again->header('idempotency-replayed'), 'true', 'and told so');
    is($again->body, $r->body, 'byte for byte');
    $api->holds('sendMessages', $account->post($nginx, '/v1/messages', { %body, text => 'x' }, %key),
          422, 'idempotency-key-reused');

    my ($good, $bad) = map { $sent->{messages}[$_]{id} } 0, 1;
    $account->wait_state($nginx, $good, qr/^delivered$/);
    $account->wait_state($nginx, $bad, qr/^undelivered$/);

    my $delivered = $api->holds('getMessage', $account->get($nginx, "/v1/messages/$good"), 200);
    is_deeply([ @$delivered{qw(state reference)} ], [ 'delivered', 'run-7' ], 'delivered');
    is($api->holds('getMessage', $account->get($nginx, "/v1/messages/$bad"), 200)->{refunded}{amount_micro},
       120000, 'undelivered, refunded');
    $api->holds('explainMessage', $account->get($nginx, "/v1/messages/$_/explain"), 200) for $good, $bad;
    is($api->holds('getSubmission',
                   $account->get($nginx, "/v1/submissions/$sent->{submission_id}"), 200)->{reference},
       'run-7', 'the submission has it, too');
    $api->holds('cancelMessage', $account->delete($nginx, "/v1/messages/$good"), 409, 'already-submitted');
    $api->holds('cancelSubmission', $account->delete($nginx, "/v1/submissions/$sent->{submission_id}"),
          409, 'already-submitted');

    # a campaign of tomorrow, each with a text, taken back one by one
    my $text = 'KAMPANYA: 31.12.2026 tarihine kadar tüm ürünlerde %20 indirim, koşullar '
             . 'ornek.com.tr/k Örnek Mağazacılık A.Ş. Mersis 0015001526400497 Tel 02121234567 '
             . "Ret için ORNEK RET yazıp 4605'e ücretsiz gönderin";
    my %campaign = (class => 'commercial', recipient_type => 'BIREYSEL', sender => 'ORNEK',
        brand => $account->brand_id, validity_s => 3600, encoding => 'auto', confirm => ['x'],
        schedule_at => rfc3339(time + 86400),
        messages => [ { to => '05321112233', text => $text, reference => 'r-1' },
                      { to => '05321112234', text => $text, recipient_type => 'TACIR' },
                      { to => '05321112235', text => 'Büyük indirim' } ]);
    is_deeply([ $api->faults($request, \%campaign) ], [], 'a campaign as documented');
    my $later = $api->holds('sendMessages', $account->post($nginx, '/v1/messages', \%campaign), 202,
                      undef, 'a campaign');
    is($later->{rejected}[0]{code}, 'content-refused', 'one of its texts breaks rules');
    cmp_ok(scalar @{ $later->{findings} }, '>', 0, 'which are told');
    $api->holds('getMessage', $account->get($nginx, "/v1/messages/$later->{messages}[0]{id}"), 200);
    $api->holds('cancelMessage', $account->delete($nginx, "/v1/messages/$later->{messages}[0]{id}"), 200);
    $api->holds('cancelSubmission', $account->delete($nginx, "/v1/submissions/$later->{submission_id}"), 200);
    $api->holds('getSubmission', $account->get($nginx, "/v1/submissions/$later->{submission_id}"), 200);
    $api->holds('explainMessage', $account->get($nginx, "/v1/messages/$later->{messages}[1]{id}/explain"), 200);

    # one with consent goes through screen
    $pg->do(q{select sms.consent_put(array[?::bigint], array[?::bigint], array[1::smallint],
        array[905321112236], array[1::smallint], array[now()], sms.id_new(), 'status')},
        $account->id, $account->brand);
    my %now = (class => 'commercial', recipient_type => 'BIREYSEL', sender => 'ORNEK',
               text => $text, to => ['05321112236']);
    my $now = $api->holds('sendMessages', $account->post($nginx, '/v1/messages', \%now), 202, undef,
                    'a campaign to one who has consented');
    $account->wait_state($nginx, $now->{messages}[0]{id}, qr/^delivered$/);
    my $why = $api->holds('explainMessage',
        $account->get($nginx, "/v1/messages/$now->{messages}[0]{id}/explain"), 200);
    is($why->{consent}{state}, 'granted', 'with the consent it rests on') or diag(shown($why));
    my $broken = $api->holds('sendMessages', $account->post($nginx, '/v1/messages',
        { %now, text => 'Büyük indirim' }), 422, 'content-refused');
    cmp_ok(scalar @{ $broken->{findings} }, '>', 1, 'with each finding');

    my %otp = (class => 'otp', sender => 'ORNEK', text => 'Kod 481516', to => ['05321112233'],
               validity_s => 30, sim_trusted_since => '2026-01-01T00:00:00+03:00');
    is_deeply([ $api->faults($request, \%otp) ], [], 'a code as documented');
    my $code = $api->holds('sendMessages', $account->post($nginx, '/v1/messages', \%otp,
                     key => $account->test_key), 202, undef, 'a code, in the sandbox');
    is($code->{price}{amount_micro}, 0, 'which costs nothing');
    $account->wait_state($nginx, $code->{messages}[0]{id}, qr/^delivered$/);
    my $story = $api->holds('explainMessage',
        $account->get($nginx, "/v1/messages/$code->{messages}[0]{id}/explain"), 200);
    unlike($story->{text} // '', qr/\d/, 'whose digits nobody sees');

    $api->holds('previewMessages', $account->post($nginx, '/v1/messages:preview', \%campaign), 200);
    my %texts = (class => 'commercial', recipient_type => 'BIREYSEL', sender => 'ORNEK',
                 brand => $account->brand_id, texts => [ $text, 'Büyük indirim' ]);
    is_deeply([ $api->faults($api->schema('CheckRequest'), \%texts) ], [], 'a check as documented');
    my $check = $api->holds('checkCompliance', $account->post($nginx, '/v1/compliance:check', \%texts), 200);
    is_deeply([ map { $_->{problem} } @{ $check->{texts} } ], [ undef, 'content-refused' ],
              'what a send of each would say');
    my $again2 = $api->holds('checkCompliance', $account->post($nginx, '/v1/compliance:check',
        { %texts, texts => [ $check->{texts}[1]{repaired}{text} ] }), 200);
    is_deeply([ grep { /missing-(?:identity|reject-route)/ } map { $_->{code} } @{ $again2->{findings} } ], [],
              'the repaired text says who sends it, and how to refuse');
    $api->holds('checkCompliance', $account->post($nginx, '/v1/compliance:check', { %texts, @$_[0, 1] }), 400, $_->[2])
        for [ texts => [], 'invalid-field' ], [ to => ['05321112233'], 'unknown-field' ],
            [ texts => [ 1 ], 'invalid-field' ], [ text => 'x', 'invalid-field' ];
    $api->holds('checkCompliance', $account->post($nginx, '/v1/compliance:check', { class => 'otp', sender => 'ORNEK' }),
          400, 'missing-field');
    my $bad_preview = $api->holds('previewMessages', $account->post($nginx, '/v1/messages:preview',
        { %one, to => ['123', '456'] }), 200, undef, 'a preview of what would be refused');
    is($bad_preview->{problem}{code}, 'invalid-number', 'with its problem');
    is($bad_preview->{counts}{'invalid-number'}, 2, 'and its count');

    severities();
    $api->holds('getBalance', $account->get($nginx, '/v1/balance'), 200);
    return;
}


# What findings mean for the account.
sub severities {
    my $key = $account->key('live', waived => 'test', scopes => ['compliance:manage']);
    my $ask = sub { my ($method, %opt) = @_;
                    return $account->request($nginx, $method, '/v1/compliance/severities', key => $key, %opt) };
    my %put = (severities => { 'greeting-in-informational' => 'block' });

    is_deeply([ $api->faults($api->schema('SeveritiesRequest'), \%put) ], [], 'severities as documented');
    $api->holds('setSeverities', $ask->(PUT => json => \%put), 200);
    is_deeply($api->holds('getSeverities', $ask->('GET'), 200)->{severities}, $put{severities}, 'set');
    for my $bad ([ 'invalid-field', { severities => { x => 'loud' } } ], [ 'missing-field', {} ],
                 [ 'invalid-field', { severities => { 'opted-out' => 'off' } } ],
                 [ 'unknown-field', { %put, colour => 1 } ]) {
        $api->holds('setSeverities', $ask->(PUT => json => $bad->[1]), 400, $bad->[0]);
    }
    $api->holds('setSeverities', $account->request($nginx, PUT => '/v1/compliance/severities', json => \%put),
                403, 'insufficient-scope');
    $api->holds('setSeverities', $ask->(PUT => json => { severities => {} }), 200);
    return;
}


# Numbers, keywords, and what people have written.
sub inbox {
    my $key = $account->key('live', waived => 'test', scopes => [ 'inbox:read', 'inbox:write' ]);
    my $ask = sub { my ($method, $path, %opt) = @_;
                    return $account->request($nginx, $method, $path, key => $key, %opt) };
    my $request = $api->schema('KeywordRequest');
    my %keyword = (number => '4605', keyword => 'Örnek Kulüp', brand => $account->brand_id,
                   purpose => 'optin', scope => 'Kulüp duyuruları', forward_to => '0532 111 00 77');

    is($api->holds('listNumbers', $ask->(GET => '/v1/numbers'), 200)->{numbers}[0]{number}, '4605',
       'the number that is there');
    $api->holds('addKeyword', $ask->(POST => '/v1/keywords', json => \%keyword), 400, 'invalid-field',
                'a number with blanks');
    $keyword{forward_to} = '05321110077';
    is_deeply([ $api->faults($request, \%keyword) ], [], 'a keyword as documented');
    my $kept = $api->holds('addKeyword', $ask->(POST => '/v1/keywords', json => \%keyword), 201);
    is($kept->{forward_to}, '+905321110077', 'with its number');
    $api->holds('addKeyword', $ask->(POST => '/v1/keywords', json =>
        { %keyword, keyword => 'ORNEKKULUP' }), 409, 'keyword-taken');
    for my $bad ([ number => '9999' ], [ keyword => 'örnek iptal' ], [ brand => 'brd_1' ],
                 [ purpose => 'x' ], [ forward_to => '02121234567' ], [ scope => '' ]) {
        my ($name, $value) = @$bad;
        my $r = $api->holds('addKeyword', $ask->(POST => '/v1/keywords', json =>
            { %keyword, keyword => 'YENI', @$bad }), 400, 'invalid-field');
        is($r->{errors}[0]{pointer}, "/$name", "at $name") or diag(shown($r));
    }
    my ($first) = grep { $_->{keyword} eq 'ORNEK' } @{ $api->holds('listKeywords',
        $ask->(GET => '/v1/keywords'), 200)->{keywords} };
    $api->holds('dropKeyword', $ask->(DELETE => "/v1/keywords/$first->{id}"), 409, 'keyword-in-use');
    $api->holds('dropKeyword', $ask->(DELETE => "/v1/keywords/$kept->{id}"), 200);

    for my $text ('ORNEK NEDIR', 'ORNEK KIM') {
        $pg->do(q{select sms.inbound_read(now(), w.inbound_id, ?, 0, ?, 905321112277,
                                          now() + interval '1 day')
                    from sms.inbound_put(now(), 1, '905321112277', '4605', ?::bytea, '', 0, null,
                                         0, 1, 1) w}, $text, $text, $text);
    }
    my $page = $api->holds('listInbox', $ask->(GET => '/v1/inbox?limit=1&kind=unclear'), 200);
    ok($page->{next_cursor}, 'more than a page');
    my $next = $api->holds('listInbox', $ask->(GET =>
        "/v1/inbox?limit=1&cursor=$page->{next_cursor}&state=unread&from=%2B905321112277&to=4605"
        . '&since=2020-01-01T00:00:00Z'), 200);
    is($next->{messages}[0]{text}, 'ORNEK NEDIR', 'the older one');
    is($next->{next_cursor}, undef, 'the last page');
    $api->holds('listInbox', $ask->(GET => "/v1/inbox?$_"), 400, 'invalid-parameter')
        for 'limit=0', 'kind=x', 'cursor=1', 'since=yesterday', 'limit=1&limit=2';
    my $one = "/v1/inbox/$next->{messages}[0]{id}";
    $api->holds('getInbound', $ask->(GET => $one), 200);
    ok($api->holds('markRead', $ask->(POST => "$one:read"), 200)->{read_at}, 'read');
    is($api->holds('markUnread', $ask->(POST => "$one:unread"), 200)->{read_at}, undef, 'and not');
    $api->holds('decideInbound', $ask->(POST => "$one:decide", json => { decision => 'x' }), 400,
                'invalid-field');
    is($api->holds('decideInbound', $ask->(POST => "$one:decide", json => { decision => 'message' }),
                   200)->{decision}, 'message', 'decided');
    $api->holds('decideInbound', $ask->(POST => "$one:decide", json => { decision => 'refusal' }),
                409, 'already-decided');

    for my $op ([ addKeyword => '/v1/keywords' ], [ decideInbound => "$one:decide" ]) {
        $api->holds($op->[0], $ask->(POST => $op->[1], body => ' ' x 3_000_000), 413, 'body-too-large');
        $api->holds($op->[0], $ask->(POST => $op->[1], body => 'a=b',
            headers => { 'Content-Type' => 'application/x-www-form-urlencoded' }), 415,
            'unsupported-media-type');
    }
    return;
}


# Approvals and refusals that people gave.
sub consents {
    my $key = $account->key('live', waived => 'test', scopes => [ 'consents:read', 'consents:write' ]);
    my $ask = sub { my ($method, $path, %opt) = @_;
                    return $account->request($nginx, $method, "/v1/consents$path", key => $key, %opt) };
    my $row = sub { return { address => sprintf('+9054211%05d', $_[0]), status => 'ONAY', source => 'HS_WEB',
                             consent_at => rfc3339(time - 3600), @_[1 .. $#_] } };
    my %load = (brand => $account->brand_id, declaration => { statement => 'Üyelik formlarından',
                                                              by => 'Ayşe Yılmaz' },
        consents => [ $row->(1, scope => 'Kampanyalar', evidence => { text_version => '3' }, type => 'ARAMA'),
                      $row->(2, recipient_type => 'TACIR', retailer_access => [ 12345678 ]),
                      { address => '05421100003', status => 'RET' },
                      $row->(4, consent_at => '2026-01-05T10:00:00Z') ]);

    is_deeply([ $api->faults($api->schema('ConsentLoadRequest'), \%load) ], [], 'a load as documented');
    my $r = $api->holds('addConsents', $ask->(POST => '', json => \%load), 200);
    is_deeply([ @$r{qw(approvals refusals)}, map { @$_{qw(index code pointer)} } @{ $r->{rejected} } ],
              [ 2, 1, 3, 'H467', '/consents/3/consent_at' ], 'two, one, and one too old');
    $api->holds('addConsents', $ask->(POST => '', json => { %load, @$_ }), 400, 'invalid-field')
        for [ brand => 'brd_1' ], [ consents => [] ], [ consents => {} ], [ consents => [ 1 ] ],
            [ declaration => { by => 'x' } ];
    $api->holds('addConsents', $ask->(POST => '', json => { %load, declaration => undef }), 400,
                'missing-field');

    my $first = $api->holds('listConsents', $ask->(GET => "?limit=2&load=$r->{load}"), 200);
    my $last = $api->holds('listConsents', $ask->(GET =>
        "?cursor=$first->{next_cursor}&load=$r->{load}&brand=$load{brand}"), 200);
    my @all = map { @{ $_->{consents} } } $first, $last;
    is(scalar @all, 3, 'three, over two pages');
    is_deeply([ map { @{ $api->holds('listConsents', $ask->(GET => "?$_"), 200)->{consents} } + 0 }
                'status=RET&state=pending', 'address=0542+110+00+03', 'state=refused' ], [ 1, 1, 0 ],
              'by what they are');
    $api->holds('listConsents', $ask->(GET => "?$_"), 400, 'invalid-parameter')
        for 'status=x', 'state=x', 'limit=0', 'address=1', 'brand=brd_1', 'cursor=1';
    $api->holds('getConsent', $ask->(GET => "/$_->{id}"), 200) for @all;
    $api->holds('getConsent', $ask->(GET => '/cns_01m8554rhhe01b3nv4cpy36vc8'), 404, 'not-found');

    my %check = (brand => $load{brand}, addresses => [ '05421100003', '0542 110 00 02' ]);
    is_deeply([ $api->faults($api->schema('ConsentCheckRequest'), \%check) ], [], 'a check as documented');
    is(join(' ', map { $_->{state} } @{ $api->holds('checkConsents',
            $ask->(POST => ':check', json => \%check), 200)->{results} }), 'refused unknown',
       'a refusal counts at once, an approval not at all');
    $api->holds('checkConsents', $ask->(POST => ':check', json => { %check, @$_ }), 400, 'invalid-field')
        for [ addresses => [ 'x' ] ], [ type => 'SMS' ], [ recipient_type => 'x' ], [ brand => 'brd_1' ];
    is(join(' ', map { $_->{event} } @{ $api->holds('getConsentHistory',
            $ask->(GET => ':history?address=05421100003'), 200)->{events} }), 'declared stopped', 'history');
    $api->holds('getConsentHistory', $ask->(GET => ':history?address=1'), 400, 'invalid-parameter');
    my $export = $api->holds('exportConsents', $ask->(GET =>
        ":export?brand=$load{brand}&state=pending&limit=2"), 200);
    is(scalar @{ $export->{rows} }, 2, 'in the form of İYS');
    $api->holds('exportConsents', $ask->(GET =>
        ":export?brand=$load{brand}&state=pending&cursor=$export->{next_cursor}"), 200);
    my $csv = $ask->(GET => ":export?brand=$load{brand}&state=pending&format=csv");
    is($csv->header('content-type'), 'text/csv; charset=utf-8', 'or a table');
    like($csv->body, qr/^\+905421100003,BIREYSEL,MESAJ,RET,HS_EORTAM,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\r$/m, 'with them');
    $api->holds('exportConsents', $ask->(GET => ':export?brand=brd_1'), 400, 'invalid-parameter');
    is($api->holds('getConsentsDue', $ask->(GET => ':due'), 200)->{brands}[0]{open}, 3, 'what is due');

    is($api->holds('listBrands', $account->request($nginx, GET => '/v1/brands', key => $key), 200)
       ->{brands}[0]{id}, $account->brand_id, 'its brands');

    # what İYS has of it
    $pg->do('update sms.brand set iys_code = 100200, brand_code = 100200 where brand_id = ?', $account->brand);
    my %wish = (brand => $load{brand}, address => '05421100003', type => 'MESAJ', recipient_type => 'BIREYSEL');
    is_deeply([ $api->faults($api->schema('ConsentAskRequest'), { %wish, what => 'history' }) ], [], 'as documented');
    for my $what (qw(history retailers)) {
        $api->holds('askIys', $ask->(POST => ':ask', json => { %wish, what => $what }), 202);
        $pg->do(q{update sms.iys_asked set answered_at = now(), retailers = case when kind = 'access'
                  then '[{"retailerCode":66438915,"title":"Bayi"}]'::jsonb end});
        $pg->do('delete from sms.iys_task');
    }
    $pg->do(q{insert into sms.iys_move (owner_account_id, brand_id, created_at, seen_at, channel, recipient_type,
              status, via, address, source, transaction_id) values (?, ?, now(), now(), 1, 1, 2, 'history',
              '+905421100003', 'HS_WEB', 'x1')}, $account->id, $account->brand);
    is($api->holds('askIys', $ask->(POST => ':ask', json => { %wish, what => 'history' }), 200)->{movements}[0]{status},
       'RET', 'its movements');
    is($api->holds('askIys', $ask->(POST => ':ask', json => { %wish, what => 'retailers' }), 200)
       ->{retailers}[0]{title}, 'Bayi', 'or who may use it');
    $api->holds('askIys', $ask->(POST => ':ask', json => { %wish, what => 'history', @$_ }), 400, 'invalid-field')
        for [ address => 'x' ], [ type => 'SMS' ], [ recipient_type => 'x' ], [ what => 'x' ], [ brand => 'brd_1' ];
    $api->holds('askIys', $ask->(POST => ':ask', json => \%wish), 400, 'missing-field');
    $pg->do(q{insert into sms.iys_day (owner_account_id, brand_id, day, compared_at, rows, missing_here, state)
              values (?, ?, '2026-03-02', now(), 3, 1, 'compared')}, $account->id, $account->brand);
    $pg->do(q{insert into sms.iys_drift (owner_account_id, brand_id, day, found_at, channel, recipient_type, status,
              applied, kind, address, transaction_id, there) values (?, ?, '2026-03-02', now(), 1, 1, 2, true,
              'missing_here', '+905421100003', 'x1', '{"status":"RET"}')}, $account->id, $account->brand);
    is_deeply($api->holds('getConsentDrift', $ask->(GET => ":drift?brand=$load{brand}"), 200)->{differences}, undef,
              'the days that differ');
    is($api->holds('getConsentDrift', $ask->(GET => ":drift?brand=$load{brand}&day=2026-03-02"), 200)
       ->{differences}[0]{kind}, 'missing_here', 'and in what');
    $api->holds('getConsentDrift', $ask->(GET => ":drift?$_"), 400, 'invalid-parameter')
        for 'brand=brd_1', "brand=$load{brand}&day=yesterday";

    # what somebody has loaded by hand
    my %done = (brand => $load{brand}, by => 'Ayşe Yılmaz', consents => [ map { $_->{id} } @all ]);
    is_deeply([ $api->faults($api->schema('ConsentConfirmRequest'), \%done) ], [], 'a confirmation as documented');
    is($api->holds('confirmConsents', $ask->(POST => ':confirm', json => \%done), 200)->{loaded}, 0,
       'what this installation writes itself is not');
    $api->holds('confirmConsents', $ask->(POST => ':confirm', json => { %done, @$_ }), 400, 'invalid-field')
        for [ by => 'x' ], [ consents => [] ], [ consents => [ 'x' ] ], [ consents => undef, load => 'x' ];
    $api->holds('confirmConsents', $ask->(POST => ':confirm', json => { %done, consents => undef }), 400,
                'missing-field');

    # pages where people approve
    my $page = sub { my ($method, $path, %opt) = @_;
                     return $account->request($nginx, $method, "/v1/consent-forms$path", key => $key, %opt) };
    my %form = (brand => $load{brand}, types => ['MESAJ'], text => 'Kampanyalardan haberdar olmak istiyorum.',
                text_version => '3', expires_at => rfc3339(time + 86400));
    is_deeply([ $api->faults($api->schema('ConsentFormRequest'), \%form) ], [], 'a form as documented');
    my $made = $api->holds('createConsentForm', $page->(POST => '', json => \%form), 201);
    $api->holds('createConsentForm', $page->(POST => '', json => { %form, @$_ }), 400, 'invalid-field')
        for [ types => [] ], [ types => ['EPOSTA'] ], [ text => 'x' ], [ brand => 'x' ], [ expires_at => 'x' ];
    $api->holds('createConsentForm', $page->(POST => '', json => \%form), 201);
    my $forms = $api->holds('listConsentForms', $page->(GET => '?limit=1'), 200);
    $api->holds('listConsentForms', $page->(GET => "?cursor=$forms->{next_cursor}"), 200);
    $api->holds('listConsentForms', $page->(GET => "?$_"), 400, 'invalid-parameter') for 'limit=0', 'cursor=x';
    $api->holds('endConsentForm', $page->(DELETE => "/$made->{id}"), 200);
    $api->holds('endConsentForm', $page->(DELETE => '/x'), 400, 'invalid-id');
    $api->holds('endConsentForm', $page->(DELETE => '/frm_01m8554rhhe01b3nv4cpy36vc8'), 404, 'not-found');

    # refusals by whatever way
    my $to = sub { my ($method, $path, %opt) = @_;
                   return $account->request($nginx, $method, "/v1/optouts$path", key => $key, %opt) };
    my %no = (brand => 'all', address => '0542 110 00 05', types => [ 'MESAJ', 'ARAMA' ], source => 'HS_CAGRI_MERKEZI',
              evidence => { recording => '4411' }, refused_at => rfc3339(time - 60));
    is_deeply([ $api->faults($api->schema('OptoutRequest'), \%no) ], [], 'a refusal as documented');
    $api->holds('addOptout', $to->(POST => '', json => \%no), 200);
    $api->holds('addOptout', $to->(POST => '', json => { %no, @$_ }), 400, 'invalid-field')
        for [ brand => 'x' ], [ address => 'x' ], [ types => [] ], [ types => ['EPOSTA'] ], [ refused_at => 'x' ];
    $api->holds('addOptout', $to->(POST => '', json => { %no, address => undef }), 400, 'missing-field');
    my $stopped = $api->holds('listOptouts', $to->(GET => '?active=true&limit=1'), 200);
    $stopped = $api->holds('listOptouts', $to->(GET => "?cursor=$stopped->{next_cursor}&brand=$load{brand}"), 200);
    is($stopped->{optouts}[-1]{address}, '+905421100005', 'who has refused');
    $api->holds('listOptouts', $to->(GET => "?$_"), 400, 'invalid-parameter')
        for 'active=x', 'limit=0', 'address=1', 'brand=x', 'cursor=x';
    my %lift = (brand => $load{brand}, address => '0542 110 00 05', consent => $all[0]{id});
    is_deeply([ $api->faults($api->schema('OptoutLiftRequest'), \%lift) ], [], 'a lift as documented');
    $api->holds('liftOptout', $to->(POST => ':lift', json => \%lift), 409, 'not-proved');
    $api->holds('liftOptout', $to->(POST => ':lift', json => { %lift, @$_ }), 400, 'invalid-field')
        for [ brand => 'x' ], [ address => 'x' ], [ consent => 'x' ];
    my $newer = $ask->(POST => '', json => { brand => $load{brand}, consents => [ $row->(5, consent_at => rfc3339(time)) ] })->json;
    $pg->do(q{update sms.consent_entry set state = 'registered', done_at = now() where load_id = sms.id_parse('lod', ?)},
            $newer->{load});
    my ($proof) = @{ $ask->(GET => "?load=$newer->{load}")->json->{consents} };
    is($api->holds('liftOptout', $to->(POST => ':lift', json => { %lift, consent => $proof->{id} }), 200)->{lifted}, 1,
       'a newer approval that İYS has lifts it');

    # a load that a person looks at
    $load{consents} = [ map { $row->(1000 + $_, consent_at => '2026-01-05T10:00:00Z') } 1 .. 100 ];
    $_->{consent_at} = rfc3339(time - 60) for @{ $load{consents} };
    $load{consents}[$_]{consent_at} = $load{consents}[0]{consent_at} for 1 .. 99;
    is($api->holds('addConsents', $ask->(POST => '', json => \%load), 200)->{review}, 'same-second',
       'held for the desk');

    for my $op ([ addConsents => '' ], [ checkConsents => ':check' ], [ confirmConsents => ':confirm' ],
                [ addOptout => '', $to ], [ liftOptout => ':lift', $to ], [ createConsentForm => '', $page ]) {
        my $ask = $op->[2] // $ask;
        $api->holds($op->[0], $ask->(POST => $op->[1], body => ' ' x 17_000_000), 413, 'body-too-large');
        $api->holds($op->[0], $ask->(POST => $op->[1], body => 'a=b',
            headers => { 'Content-Type' => 'application/x-www-form-urlencoded' }), 415,
            'unsupported-media-type');
    }
    return;
}


# the operator desk's calls; $desk: of everything else an account would do
sub desk {
    $desk = SMS::Desk->new($pg);

    my $ask = sub {
        my ($id, $status, $code, $body, %opt) = @_;
        my ($method, $path) = @{ $api->operation($id) }{qw(method path)};
        $path =~ s/\{id\}/$opt{id} \/\/ 1/e;
        $path .= "?$opt{query}" if $opt{query};
        return $api->holds($id, defined $body ? $desk->post($nginx, $path, $body)
                                              : $desk->request($nginx, $method, $path),
                           $status, $code);
    };

    my %drain = (reason => 'maintenance', note => 'yeni hat');
    is_deeply([ $api->faults($api->schema('DrainRequest'), \%drain) ], [], 'a drain as documented');
    is($ask->('drainLink', 200, undef, \%drain)->{state}, 'drained', 'drained');
    $ask->('getOperators', 200);
    $ask->('resumeLink', 200, undef, { reason => 'done' });

    my %stop = (target => 'sender', sender => 'KIMSE', reason => 'authority_order',
                reference => '2026/1', until => '2030-01-01T00:00:00Z');
    is_deeply([ $api->faults($api->schema('StopRequest'), \%stop) ], [], 'a stop as documented');
    my $stop = $ask->('createStop', 201, undef, \%stop);
    is($ask->('createStop', 200, undef, \%stop)->{id}, $stop->{id}, 'the same again is the same');
    $ask->('getStop', 200, undef, undef, id => $stop->{id});
    $ask->('listStops', 200);
    $ask->('listStops', 200, undef, undef, query => 'state=all&format=csv');
    $ask->('liftStop', 400, 'invalid-parameter', undef, id => $stop->{id});
    $ask->('liftStop', 200, undef, undef, id => $stop->{id}, query => 'reason=bitti');
    $ask->('listAudit', 200, undef, undef, query => 'limit=2');
    $ask->('listInDoubt', 200);
    my ($load) = @{ $ask->('listConsentLoads', 200)->{loads} };
    my %decision = (decision => 'release', reason => 'Formlar görüldü');
    is_deeply([ $api->faults($api->schema('ConsentLoadDecision'), \%decision) ], [],
              'a decision as documented');
    $ask->('decideConsentLoad', 400, 'invalid-field', { %decision, decision => 'x' }, id => $load->{id});
    $ask->('decideConsentLoad', 404, 'not-found', \%decision, id => 'lod_01m8554rhhe01b3nv4cpy36vc9');
    $ask->('decideConsentLoad', 200, undef, \%decision, id => $load->{id});
    $ask->('decideConsentLoad', 409, 'already-decided', \%decision, id => $load->{id});
    is_deeply($ask->('listConsentLoads', 200)->{loads}, [], 'decided');
    my %waiver = (account => $pg->value(q{select sms.id_text('acc', public_id) from sms.account
                                           where account_id = ?}, $account->id),
                  code => 'missing-contact', severity => 'warn', reason => 'Şablonlar değişiyor',
                  until => rfc3339(time + 86400));
    is_deeply([ $api->faults($api->schema('WaiverRequest'), \%waiver) ], [], 'a waiver as documented');
    my $waiver = $ask->('createWaiver', 201, undef, \%waiver);
    is($ask->('listWaivers', 200, undef, undef, query => 'limit=1')->{waivers}[0]{id}, $waiver->{id}, 'it is there');
    $ask->('createWaiver', 400, 'invalid-field', { %waiver, severity => 'off' });
    $ask->('liftWaiver', 400, 'invalid-parameter', undef, id => $waiver->{id});
    $ask->('liftWaiver', 404, 'not-found', undef, id => 'wvr_01m8554rhhe01b3nv4cpy36vc9', query => 'reason=x');
    $ask->('liftWaiver', 200, undef, undef, id => $waiver->{id}, query => 'reason=bitti');
    $ask->('listWaivers', 400, 'invalid-parameter', undef, query => 'state=old');
    $pg->do(q{select sms.rule_shadow_put(now(), '{next,next}', '{2,2}', '{judged,adds}', '{"",x}', '{3,1}',
        array[null, sms.id_new()])});
    is($ask->('listRuleShadows', 200)->{shadows}[0]{codes}[0]{texts}, 1, 'a shadow');
    $ask->('listStops', 400, 'invalid-parameter', undef, query => 'state=old');
    $ask->('listAudit', 400, 'invalid-parameter', undef, query => 'cursor=1');
    $ask->('listInDoubt', 400, 'invalid-parameter', undef, query => 'cursor=1');
    $ask->('createStop', 400, 'missing-field', { target => 'sender', reason => 'abuse' });

    for my $id (qw(drainLink resumeLink createStop decideConsentLoad createWaiver)) {
        $ask->($id, 400, 'unknown-field', { reason => 'other', target => 'link', colour => 1 });
        $ask->($id, 400, 'empty-body', '');
    }
    return;
}


# who has the scope of an operation, and something of its kind that is not there
sub caller_of {
    my ($scope, %ip) = @_;
    return $scope eq 'admin' ? $desk->desk_key($ip{ip}) : $account->key('live', %ip, scopes => [$scope]);
}


# an account without brand and funds
sub another {
    my $self = bless { pg => $pg, id => $pg->value(q{select sms.account_create('Başka')}) },
               'SMS::Account';

    $pg->do('select sms.sender_create(?, ?, null, ?)', $self->id, 'BASKA',
            [ 'otp', 'informational' ]);
    $pg->do('select sms.sender_approve(?, ?, ?)', $self->id, 'BASKA', 'sim');
    $self->{key} = $self->key('live', waived => 'test');
    return $self;
}


# What is wrong with a body, by the server and, where it can tell, by the schema.
sub refusals {
    my (%one) = @_;
    my $request = $api->schema('SendRequest');
    my %without = %one;
    delete $without{class};
    my @cases = (
        # status, code, does the schema refuse it too?, body
        [ 422, 'missing-class', 1, \%without ],
        [ 400, 'unknown-field', 1, { %one, recipient => 'x' } ],
        [ 400, 'invalid-field', 1, { %one, class => 'promo' } ],
        [ 400, 'invalid-field', 1, { %one, to => [] } ],
        [ 400, 'invalid-field', 1, { %one, text => '' } ],
        [ 400, 'invalid-field', 1, { %one, to => [905321112233] } ],
        [ 400, 'invalid-field', 1, { %one, validity_s => 59 } ],
        [ 400, 'invalid-field', 1, { %one, validity_s => 172801 } ],
        [ 400, 'invalid-field', 1, { %one, validity_s => '60' } ],
        [ 400, 'invalid-field', 1, { %one, encoding => 'utf-8' } ],
        [ 400, 'invalid-field', 1, { %one, schedule_at => '2030-01-01 10:00' } ],
        [ 400, 'invalid-field', 1, { %one, reference => 'x' x 65 } ],
        [ 400, 'invalid-field', 1, { %one, recipient_type => 'TACIR' } ],
        [ 400, 'invalid-field', 1, { %one, confirm => [ ('x') x 33 ] } ],
        [ 400, 'invalid-field', 1, { %one, sim_trusted_since => '2026-01-01T00:00:00Z' } ],
        [ 400, 'invalid-field', 1, { %one, messages => [ { to => '05321112233', text => 'x' } ] } ],
        [ 400, 'invalid-field', 0, { %one, schedule_at => rfc3339(time + 400 * 86400) } ],
        [ 400, 'invalid-id', 1, { %one, brand => 'brd_1' } ],
        [ 400, 'missing-field', 1, { %one, class => 'exempt' } ],
        [ 422, 'exemption-not-granted', 0,
          { %one, class => 'exempt', exemption => 'school', audience => 'a' } ],
        [ 422, 'missing-recipient-type', 1, { %one, class => 'commercial' } ],
        [ 422, 'too-many-recipients', 1, { %one, to => [ map { "0532111$_" } 1000 .. 2000 ] } ],
        [ 422, 'unknown-sender', 0, { %one, sender => 'BASKA' } ],
        [ 422, 'invalid-number', 0, { %one, to => ['123'] } ],
        [ 422, 'no-recipient-accepted', 0, { %one, to => [ '123', '+4915112345678' ] } ],
        [ 422, 'schedule-in-past', 0, { %one, schedule_at => '2020-01-01T00:00:00Z' } ],
        [ 422, 'text-too-long', 0, { %one, text => 'x' x 2000 } ],
        [ 422, 'text-too-long', 1, { %one, text => 'x' x 8193 } ],
        [ 422, 'text-not-encodable', 0, { %one, text => 'ş', encoding => 'gsm7' } ],
        [ 422, 'text-not-encodable', 0, { %one, text => "a\x01" } ],
        [ 422, 'otp-one-part', 0, { %one, class => 'otp', text => 'x' x 200 } ],
        [ 422, 'otp-one-recipient', 1,
          { %one, class => 'otp', to => [ '05321112233', '05321112234' ] } ],
        [ 422, 'otp-not-schedulable', 1,
          { %one, class => 'otp', schedule_at => rfc3339(time + 60) } ],
        [ 422, 'no-tariff', 0, { %one, to => ['+4915112345678'] } ],
    );

    for my $case (@cases) {
        my ($status, $code, $refused, $body) = @$case;
        # written once before it is sent: a number printed in Perl turns into text
        my $bytes = JSON::PP->new->utf8->canonical->encode($body);
        my $r = $account->post($nginx, '/v1/messages', $bytes);

        $api->holds('sendMessages', $r, $status, $code);
        is(scalar(@{[ $api->faults($request, JSON::PP::decode_json($bytes)) ]}) ? 1 : 0, $refused,
           "$code: the schema " . ($refused ? 'refuses it too' : 'cannot know'));
    }

    $pg->do('select sms.blacklist_add(?, 905321112239, ?, ?)', $account->id, 'all', 'test');
    $api->holds('sendMessages', $account->post($nginx, '/v1/messages', { %one, to => ['05321112239'] }),
          422, 'blacklisted');

    for my $id (qw(sendMessages previewMessages)) {
        my $path = $api->operation($id)->{path};
        my %auth = (headers => { Authorization => "Bearer $account->{key}" });

        $api->holds($id, $account->post($nginx, $path, @$_[1 .. $#$_]), 400, $_->[0])
            for [ 'invalid-json', '{"class":' ], [ 'duplicate-key', '{"a":1,"a":2}' ],
                [ 'invalid-utf8', "{\"a\":\"\xff\"}" ], [ 'empty-body', '' ],
                [ 'invalid-field', '[]' ],
                [ 'invalid-request-id', \%one, headers => { 'X-Request-Id' => 'a b' } ];
        $api->holds($id, $account->post($nginx, $path, ' ' x 3_000_000), 413, 'body-too-large');
        $api->holds($id, $account->post($nginx, $path, 'a=b', headers => {
              'Content-Type' => 'application/x-www-form-urlencoded' }), 415,
              'unsupported-media-type');
        $api->holds($id, $nginx->http->post($path, \%one), 401, 'missing-key');
    }
    $api->holds('sendMessages', $account->post($nginx, '/v1/messages', \%one,
          headers => { 'Idempotency-Key' => 'x' x 256 }), 400, 'invalid-idempotency-key');

    my $poor = another();
    $api->holds('sendMessages', $poor->post($nginx, '/v1/messages', { %one, sender => 'BASKA' }),
          402, 'insufficient-credit');

    my $english = $account->post($nginx, '/v1/messages', {},
                                 headers => { 'Accept-Language' => 'en-GB, tr' });
    like($english->json->{title}, qr/^The class of the message/, 'in English when asked');
    return;
}


# Keys, and what is not there, for every operation that can answer so.
sub callers {
    my (%one) = @_;
    my $closed = another();
    $pg->do('select sms.account_state(?, ?)', $closed->id, 'closed');
    my $narrow = $account->key('live', ip => ['192.0.2.0/24']);
    my $wrong = SMS::Account::make_key('live');
    for my $op (grep { @{ $api->operation($_)->{security} } } $api->operations) {
        my ($method, $well, $body, $id) = asking($op);
        my $path = $api->operation($op)->{path};
        my ($scope) = map { @{ $_->{key} } } @{ $api->operation($op)->{security} };
        my $other = $scope eq 'balance:read' ? 'messages:read' : 'balance:read';
        my $unscoped = $account->key('live', waived => 'test', scopes => [$other]);
        my $ask = sub {
            my ($key, $to, $http) = @_;
            return ($http // $nginx->http)->request($method, $to // $well,
                headers => { defined $key ? (Authorization => "Bearer $key") : () },
                                                        defined $body ? (json => $body) : ());
        };

        $api->holds($op, $ask->(undef), 401, 'missing-key');
        $api->holds($op, $ask->('sms_live_x'), 401, 'invalid-key', "$op malformed key");
        $api->holds($op, $ask->($wrong), 401, 'invalid-key');
        $api->holds($op, $ask->($narrow), 403, 'ip-not-allowed');
        my $lacks = $ask->($unscoped);
        $api->holds($op, $lacks, 403, 'insufficient-scope');
        like($lacks->header('www-authenticate') // '', qr/ scope="\Q$scope\E"$/, 'which is named');
        is($ask->($narrow)->header('www-authenticate'), undef, 'no credentials would help there');
        $api->holds($op, $ask->($closed->{key}), 403, 'account-not-active');

        if ($path =~ /\{id\}/) {
            $api->holds($op, $ask->(any($op)), 404, 'not-found');
            $api->holds($op, $ask->(any($op), $path =~ s/\{id\}/${id}1/r), 400, 'invalid-id')
                if defined $id;
        }

        if (defined $body) {
            my %any = (Authorization => 'Bearer ' . any($op));
            $api->holds($op, $nginx->http->request($method, $well, body => ' ' x 3_000_000,
                                                   headers => \%any), 413, 'body-too-large');
            $api->holds($op, $nginx->http->request($method, $well, body => 'a=b', headers => {
                  %any, 'Content-Type' => 'application/x-www-form-urlencoded' }), 415,
                  'unsupported-media-type');
        }

        # a key of its own, whose bucket is soon empty
        my $eager = caller_of($scope, waived => 'test');
        my $r;
        for (1 .. 5) {
            $r = $ask->($eager, undef, SMS::Http->new(port => $nginx->port(1)));
            ok(defined $r->header('ratelimit'), "$op tells the limit") if $_ == 1;
            last if $r->status == 429;
        }
        $api->holds($op, $r, 429, 'rate-limited');
    }

    my $r = $account->get($nginx, '/v1/messages');
    $api->holds('', $r, 405, 'method-not-allowed', '405 anywhere');
    is($r->header('allow'), 'POST', 'with the methods that are there');
    is($account->get($nginx, '/v1/nothing')->json->{code}, 'not-found', '404 anywhere');
    return;
}


# a key that may do everything, but for the desk's work; for that, the desk's
sub any {
    my ($op) = @_;
    return $desk->{key} if $api->operation($op)->{path} =~ m{^/v1/admin/};

    my %scope = map { $_ => 1 } map { map { @{ $_->{key} // [] } } @{ $api->operation($_)->{security} } }
                $api->operations;

    delete $scope{admin};
    return $any //= $account->key('live', waived => 'test', scopes => [ sort keys %scope ]);
}


# method, path of something that is not there, a body that could be, prefix of its id
sub asking {
    my ($op) = @_;

    my ($method, $path) = @{ $api->operation($op) }{qw(method path)};
    my ($id) = map { $_->{schema}{pattern} =~ /^\^(\w+_)/ } $api->path_parameters($op);
    $path =~ s/\{id\}/defined $id ? "${id}01m8554rhhe01b3nv4cpy36vc8" : 99/e;
    return ($method, $path, $path =~ m{^/v1/messages} && $method eq 'POST' ? $account->message
                            : $api->example($op), $id);
}


sub service {
    $api->holds('getVersion', $nginx->http->get('/v1/version'), 200);
    $api->holds($_, $nginx->http->get($api->operation($_)->{path}, headers => { 'X-Request-Id' => '' }),
          400, 'invalid-request-id') for qw(getVersion);
    $api->holds('getBalance', $account->get($nginx, '/v1/balance', headers => {
          Authorization => "Bearer $account->{key}", 'X-Request-Id' => 'a/b' }),
          400, 'invalid-request-id');

    for my $op (grep { $api->operation($_)->{path} =~ m{^/v1/} } $api->operations) {
        my ($method, $path, $body) = asking($op);
        my @parameters = map { $api->deref($_) } @{ $api->operation($op)->{parameters} // [] };
        # what takes a query string looks at the id first
        next if $path =~ /_01m/ && grep { $_->{in} eq 'query' } @parameters;
        $api->holds($op, $account->request($nginx, $method, "$path?dry_run=1", key => any($op),
                                           defined $body ? (json => $body) : ()), 400,
                    'unknown-parameter');
    }

    # HEAD tells what GET does, without the body
    for my $path ('/v1/version', '/v1/balance') {
        my ($get, $head) = map { $account->request($nginx, $_, $path) } 'GET', 'HEAD';
        is($head->status, 200, "HEAD $path");
        is($head->header($_), $get->header($_), "its $_") for 'content-type', 'content-length';
        is($head->body, '', 'and no body');
    }

    $api->holds('getHealth', $nginx->http->get('/health'), 200);
    $api->holds('getMetrics', $nginx->http->get('/metrics'), 200);

    $pg->stop('immediate');
    wait_until { $nginx->http->get('/health')->status == 503 } slow(10), 'not ready';
    $api->holds('getHealth', $nginx->http->get('/health'), 503);
    $api->holds('getVersion', $nginx->http->get('/v1/version'), 200);

    for my $op (grep { @{ $api->operation($_)->{security} } && !/^(?:sendMessages|previewMessages|checkCompliance)$/ }
                $api->operations)
    {
        my ($method, $path, $body) = asking($op);
        my $r = $nginx->http->request($method, $path, defined $body ? (json => $body) : (),
                                      headers => { Authorization => 'Bearer ' . any($op) });
        $api->holds($op, $r, 503, 'unavailable');
    }
    return;
}
