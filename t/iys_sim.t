#!/usr/bin/perl

# The simulator against what İYS documents: payloads, codes, limits, feed.
# What a client of ours must cope with, it must really do.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::RealBin/lib";

use HTTP::Daemon ();
use IO::Socket::INET ();
use JSON::PP ();
use POSIX ();
use SMS::Iys;
use Test::More;
use Time::HiRes ();

my $sim = SMS::Iys->start;
my $B = '/sps/100200/brands/100200';
my $GSM = '+905321112233';

sub istanbul {
    my ($ago) = @_;

    return POSIX::strftime('%Y-%m-%d %H:%M:%S', gmtime(time + 10_800 - $ago));
}

sub consent {
    return { recipient => $GSM, recipientType => 'BIREYSEL', type => 'MESAJ',
             source => 'HS_WEB', status => 'ONAY',
             consentDate => istanbul(3600), @_ };
}

sub codes {
    my ($answer) = @_;

    return join ' ', $answer->[0], map { $_->{code} }
        @{ ref $answer->[1] eq 'HASH' ? $answer->[1]{errors} // [] : [] };
}

sub fresh {
    $sim->control(reset => { @_ });
    $sim->control(knobs => { limit_rps => 0 });
    $sim->token;
    return;
}

sub without {
    my ($name, @more) = @_;
    my $c = consent(@more);

    delete $c->{$name};
    return $c;
}


subtest 'token' => sub {
    fresh();

    my $ask = sub {
        my $answer = $sim->raw('POST', '/oauth2/token',
                               JSON::PP->new->encode({ @_ }));
        return [$answer->{status}, JSON::PP->new->utf8->decode(
            $answer->{content})];
    };
    my $first = $ask->(grant_type => 'password',
        username => 'api@firma.example', password => 'parola');

    is $first->[0], 200, 'password grant';
    is $first->[1]{expires_in}, 7200, 'two hours';
    is $first->[1]{refresh_expires_in}, 14400, 'four hours';
    is $first->[1]{token_type}, 'bearer', 'lower case';
    is scalar(split /\./, $first->[1]{access_token}), 3, 'a JWT';

    my $second = $ask->(grant_type => 'refresh_token',
        refresh_token => $first->[1]{refresh_token});

    is $second->[0], 200, 'refresh grant';
    isnt $second->[1]{refresh_token}, $first->[1]{refresh_token}, 'it rotates';

    my $again = $ask->(grant_type => 'refresh_token',
        refresh_token => $first->[1]{refresh_token});

    is "$again->[0] $again->[1]{error}", '400 invalid_grant', 'used up';

    for ([[grant_type => 'password', username => 'x', password => 'y'],
          'invalid_request', 'bad credentials'],
         [[grant_type => 'password', username => 'x'], 'invalid_request',
          'password missing'],
         [[grant_type => 'password', username => '', password => ''],
          'invalid_grant', 'blank user'],
         [[grant_type => 'device'], 'invalid_grant', 'unsupported grant'],
         [[], 'invalid_request', 'grant missing'])
    {
        my ($in, $error, $what) = @$_;
        my $answer = $ask->(@$in);
        is "$answer->[0] $answer->[1]{error}", "400 $error", $what;
    }

    my $form = $sim->{http}->post_form($sim->url . '/oauth2/token',
        { grant_type => 'password', username => 'api@firma.example',
          password => 'parola' });

    is $form->{status}, 200, 'form body';

    $sim->control(clock => { advance => 7201 });
    is codes($sim->get('/sps/100200/brands')), '401 H351', 'token is over';
    $sim->token;
    is $sim->get('/sps/100200/brands')->[0], 200, 'and renewed';
};


subtest 'H084 starts its hour again' => sub {
    fresh();
    $sim->control(knobs => { limit_token => 3 });

    my $ask = sub {
        return $sim->raw('POST', '/oauth2/token',
            '{"grant_type":"password","username":"api@firma.example",'
            . '"password":"parola"}')->{status};
    };

    is $ask->(), 200, 'second';
    is $ask->(), 200, 'third';
    is $ask->(), 429, 'fourth';
    $sim->control(clock => { advance => 3500 });
    is $ask->(), 429, 'blocked, and the hour begins again';
    $sim->control(clock => { advance => 3500 });
    is $ask->(), 429, 'still';
    $sim->control(clock => { advance => 3601 });
    is $ask->(), 200, 'after a silent hour';
};


subtest 'rights and subscription' => sub {
    fresh(
        users => [{ username => 'dar', password => 'p',
                    brands => [[100200, 100200]], integrator => 777 }],
        brands => [{ iysCode => 100200, brandCode => 100201, name => 'Alt' },
                   { iysCode => 300400, brandCode => 300400 }],
    );

    my $brands = $sim->get('/sps/100200/brands');

    is $brands->[0], 200, 'brands';
    is_deeply [map { $_->{brandCode} } @{ $brands->[1] }], [100200, 100201],
        'both of the provider';
    ok $brands->[1][0]{master} && !$brands->[1][1]{master}, 'one is master';

    is codes($sim->post('/sps/100200/brands/300400/consents', consent())),
        '403 H353', 'brand of another provider';
    is codes($sim->get('/sps/1/brands')), '404 H001', 'no provider';

    $sim->token('dar', 'p');
    is codes($sim->get('/sps/300400/brands')), '403 H353', 'no right';
    is codes($sim->post('/sps/100200/brands/100201/consents', consent())),
        '403 H353', 'right on one brand only';

    my $sps = $sim->get('/integrator/777/sps?limit=10');

    is_deeply [map { "$_->{brandCode} $_->{MESAJ}" } @{ $sps->[1]{list} }],
        ['100200 write'], 'integrator sees its brands';
    is codes($sim->get('/integrator/778/sps')), '404 H129',
        'another integrator';
    $sim->token;
    is codes($sim->get('/integrator/777/sps')), '400 H363', 'no integrator';

    for (['PAUSED', 'H520'], ['EXPIRED', 'H520'], ['CLOSED', 'H521'],
         ['NONE', 'H524'])
    {
        my ($status, $code) = @$_;
        $sim->control(load => { accounts => [
            { iysCode => 100200, status => $status }] });
        is codes($sim->post("$B/consents/status", {})), "403 $code", $status;
    }

    $sim->control(load => { accounts => [
        { iysCode => 100200, status => 'PAUSED' }] });
    is $sim->get('/sps/100200/subscription')->[1]{status}, 'PAUSED',
        'the subscription can be read';
    $sim->control(load => { accounts => [
        { iysCode => 100200, status => 'ACTIVE', api => 0 }] });
    $sim->control(knobs => { code_typo => 1 });

    my $typo = $sim->post("$B/consents/status", {});

    is $typo->[1]{errors}[0]{'code:'}, 'H586', 'misspelt member';
    $sim->{access} = 'no.such.token';
    is codes($sim->get('/sps/100200/brands')), '401 H351', 'unknown token';
};


subtest 'single add' => sub {
    fresh();

    my $answer = $sim->post("$B/consents", consent());

    is $answer->[0], 200, 'first ONAY';
    like $answer->[1]{transactionId}, qr/\A[0-9a-f]{64}\z/, 'transactionId';
    like $answer->[1]{creationDate},
        qr/\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\z/, 'creationDate';
    cmp_ok abs(POSIX::mktime(gmtime) - time), '<', 86_400, 'clock is sane';

    for (
        ['H014', 400, '{"recipient"'],
        ['H110', 422, without('status')], ['H111', 422, without('type')],
        ['H112', 422, without('consentDate')], ['H113', 422, without('source')],
        ['H114', 422, without('recipient')],
        ['H115', 422, consent(status => 'RED')],
        ['H116', 422, consent(recipientType => 'KURUMSAL')],
        ['H117', 422, consent(type => 'SMS')],
        ['H119', 422, consent(source => 'HS_TACIR')],
        ['H118', 422, consent(note => 1)],
        ['H158', 422, consent(consentDate => '02.03.2026 10:15')],
        ['H157', 422, consent(consentDate => '2026-02-30 10:15:00')],
        ['H162', 422, consent(consentDate => istanbul(-3600))],
        ['H156', 422, consent(consentDate => '2014-01-01 00:00:00')],
        ['H156 H155', 422, consent(consentDate => '2014-01-01 00:00:00',
                                   source => 'HS_2015')],
        ['H155', 422, consent(source => 'HS_2015')],
        ['H408', 422, consent(source => 'HS_KARAR')],
        ['H467', 422, consent(consentDate => istanbul(9 * 86_400))],
        ['H160 H121', 422, consent(recipient => '+9053211122334455')],
        ['H121', 422, consent(recipient => '905321112233')],
        ['H121', 422, consent(recipient => '+900532111223')],
        ['H121', 422, consent(recipient => '+902121230000')],
        ['H120', 422, consent(type => 'EPOSTA',
                              recipient => "\x{e7}ay\@firma.example")],
        ['H163', 422, consent(retailerAccess => [])],
        ['H180', 403, consent(retailerCode => 12345678)],
        ['H175', 400, consent(recipient => '+905001112233', status => 'RET')],
        ['H486', 400, consent(recipient => '+905001112233', status => 'RET',
                              source => 'HS_KARAR')],
        ['H178', 400, consent(consentDate => istanbul(7200))],
    ) {
        my ($codes, $status, $body) = @$_;
        is codes($sim->post("$B/consents", $body)), "$status $codes", $codes;
    }

    is $sim->post("$B/consents", consent(type => 'ARAMA',
        recipient => '+902121230000'))->[0], 200, 'landline for calls';
    is $sim->post("$B/consents", consent(type => 'EPOSTA',
        recipient => 'Ali+x@Firma.example'))->[0], 200, 'e-mail';
    is $sim->post("$B/consents/status", { type => 'EPOSTA',
        recipient => 'ali+x@firma.example', recipientType => 'BIREYSEL' })
        ->[1]{status}, 'ONAY', 'kept in lower case';

    is $sim->post("$B/consents", consent(consentDate => istanbul(1800)))->[0],
        200, 'ONAY again, newer';
    is $sim->post("$B/consents", consent(status => 'RET',
        consentDate => istanbul(900)))->[0], 200, 'RET';
    is codes($sim->post("$B/consents", consent(status => 'RET',
        consentDate => istanbul(600)))), '400 H174', 'RET again';

    my $tacir = consent(recipientType => 'TACIR');

    delete @$tacir{qw(source consentDate)};
    is $sim->post("$B/consents", $tacir)->[0], 200, 'TACIR without a date';
    is codes($sim->post("$B/consents", $tacir)), '400 H463 H462',
        'its change needs both';

    $sim->control(load => { accounts => [
        { iysCode => 100200, consentLimit => 4 }] });
    is codes($sim->post("$B/consents", consent(recipient => '+905009998877'))),
        '422 H525', 'quota';
};


subtest 'v2 is idempotent' => sub {
    fresh();

    my $c = consent();
    my $first = $sim->post("/v2$B/consents", $c);

    $sim->control(clock => { advance => 5 });

    my $second = $sim->post("/v2$B/consents", $c);

    is $second->[1]{transactionId}, $first->[1]{transactionId},
        'the same answer';
    is codes($sim->post("$B/consents", $c)), '400 H178', 'v1 is not';
};


subtest 'bulk add' => sub {
    fresh();

    my @list = (consent(), consent(recipient => '+905421112233'),
                consent(recipient => '+905431112233', status => 'RET'));
    my $answer = $sim->post("$B/consents/request", \@list);
    my $id = $answer->[1]{requestId};

    is $answer->[0], 202, 'accepted';
    like $id, qr/\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/, 'a UUID';
    is scalar @{ $answer->[1]{subRequests} }, 3, 'echoes the rows';
    ok $answer->[1]{subRequests}[2]{subRequestId}, 'with their ids';

    my $path = "$B/consents/request/$id";

    is_deeply $sim->get($path), [200, []], 'empty: not processed';
    $sim->control(knobs => { async_enqueue => 60 });
    $sim->control(clock => { advance => 301 });
    is_deeply [map { $_->{status} } @{ $sim->get($path)->[1] }],
        ['enqueue', 'enqueue', 'enqueue'], 'queued';
    is_deeply bulk(), [], 'and not registered';
    $sim->control(clock => { advance => 61 });

    my $rows = $sim->get($path)->[1];

    is_deeply [map { $_->{status} } @$rows], ['success', 'success', 'failure'],
        'judged';
    is $rows->[2]{error}{code}, 'H175', 'the failed row tells why';
    is_deeply bulk(), [$GSM, '+905421112233'], 'registered';

    is codes($sim->post("$B/consents/request", [consent(),
        consent(recipient => '905321112233')])), '422 H121', 'one bad row';
    is $sim->post("$B/consents/request", [consent(), consent(type => 'SMS')])
        ->[1]{errors}[0]{index}, 1, 'with its index';
    is codes($sim->post("$B/consents/request", [consent(), consent()])),
        '422 H194', 'repeated';
    is codes($sim->post("$B/consents/request", [map { consent(recipient =>
        sprintf '+90532%07d', $_) } 1 .. 1001])), '422 H091', 'over 1000';
    is codes($sim->post("$B/consents/request", {})), '422 H478', 'no list';
    is codes($sim->get("$B/consents/request/" . '1' x 37)), '422 H198', 'long';
    is codes($sim->get("$B/consents/request/abc")), '422 H199', 'letters';
    is codes($sim->get("$B/consents/request/123")), '422 H400', 'digits';

    my $v2 = $sim->post("/v2$B/consents/request", [$list[0]]);

    $sim->control(clock => { advance => 400 });

    my $row = $sim->get("/v2$B/consents/request/$v2->[1]{requestId}")->[1][0];

    is $row->{isAddConsentV2Service}, 'true', 'v2 says so';
    is $row->{originalRequestInformation}{requestId}, $id,
        'and names the original';

    $sim->control(knobs => { sub_request_id => 'subrequestId' });
    ok $sim->post("$B/consents/request", [consent(recipient =>
        '+905550000001')])->[1]{subRequests}[0]{subrequestId}, 'other casing';
    $sim->control(clock => { advance => 61 * 86_400 });
    $sim->token;
    is_deeply $sim->get($path), [200, []], 'forgotten after 60 days';
};


sub bulk {
    my ($numbers, $recipient_type) = @_;
    my $answer = $sim->post("$B/consents/" . ($recipient_type // 'BIREYSEL')
        . '/status/MESAJ',
        { recipients => $numbers // [$GSM, '+905421112233',
                                     '+905431112233'] });

    return $answer->[0] == 200 ? $answer->[1]{list} : codes($answer);
}


subtest 'status' => sub {
    fresh(consents => [
        { brandCode => 100200, recipient => $GSM },
        { brandCode => 100200, recipient => '+905421112233', status => 'RET' },
        { brandCode => 100200, recipient => $GSM, recipientType => 'TACIR',
          status => 'RET' },
    ]);

    is_deeply bulk(), [$GSM], 'only what is ONAY; RET and unknown are alike';
    is_deeply bulk([$GSM], 'TACIR'), [], 'by recipient type';
    is bulk([]), '422 H164', 'empty';
    is bulk({}), '422 H478', 'no list';
    is bulk([$GSM, $GSM]), '422 H193', 'repeated';
    is bulk([$GSM, 'ali@firma.example']), '422 H464', 'e-mail among phones';
    is bulk([map { sprintf '+90532%07d', $_ } 1 .. 1001]), '422 H091', 'many';
    is codes($sim->post("$B/consents/BIREYSEL/status/MESAJ", {})), '422 H168',
        'missing';

    my $place = $sim->post("$B/consents/BIREYSEL/status/MESAJ",
        { recipients => [$GSM, '+905421112233', $GSM] })->[1]{errors}[0];

    is_deeply $place->{location}, ['recipients', 2], 'and where';

    my %q = (recipient => $GSM, recipientType => 'BIREYSEL', type => 'MESAJ');
    my $record = $sim->post("$B/consents/status", \%q)->[1];

    is "$record->{status} $record->{source}", 'ONAY HS_WEB', 'single';
    is codes($sim->post("$B/consents/status", { %q, recipientType => undef })),
        '422 H170', 'recipientType is mandatory here';

    $q{recipient} = '+905000000000';
    is $sim->post("$B/consents/status", \%q)->[0], 404, 'unknown: 404';
    $sim->control(knobs => { unknown_recipient => '204' });
    is $sim->post("$B/consents/status", \%q)->[0], 204, 'or 204';
    $sim->control(knobs => { unknown_recipient => '200' });
    is_deeply $sim->post("$B/consents/status", \%q), [200, {}], 'or {}';

    $sim->control(knobs => { limit_single => 6 });
    is $sim->post("$B/consents/status", \%q)->[0], 200, 'sixth of the hour';
    is codes($sim->post("$B/consents/status", \%q)), '429 H086', 'seventh';
    $sim->control(clock => { advance => 3601 });
    is $sim->post("$B/consents/status", \%q)->[0], 200, 'next hour';
};


subtest 'a thousand numbers at once, over one connection' => sub {
    my @numbers = map { sprintf '+90532%07d', $_ } 1 .. 1000;

    fresh(consents => [map { +{ brandCode => 100200, recipient => $_ } }
                       @numbers[0 .. 499]]);

    # one write a request: a client that sends head and body apart waits for
    # the kernel's delayed acknowledgement, not for the simulator

    my $body = JSON::PP->new->encode({ recipients => \@numbers });
    my $request = "POST $B/consents/BIREYSEL/status/MESAJ HTTP/1.1\r\n"
        . "Host: x\r\nAuthorization: Bearer $sim->{access}\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $sim->port) or die $@;
    my $whole = 0;

    for (1 .. 20) {
        my $in = '';

        syswrite $socket, $request;
        while ($in !~ /\r\n\r\n.*\]/s) {
            sysread $socket, $in, 65_536, length $in or die "closed: $in\n";
        }

        my ($answer) = $in =~ m{\AHTTP/1\.1 200 .*?\r\n\r\n(.*)\z}s or die $in;
        my %said = map { $_ => 1 } $answer =~ /(\+90532\d{7})/g;
        $whole += keys %said == grep { $said{$_} } @numbers[0 .. 499];
    }

    is $whole, 20, 'each answered in full';
};


subtest 'changes' => sub {
    fresh(consents => [{ brandCode => 100200, recipient => $GSM }]);
    $sim->control(citizen => [
        { brandCode => 100200, recipient => $GSM, status => 'RET',
          source => 'IYS_WEB' },
        { brandCode => 100200, recipient => '+905550000001',
          status => 'ONAY' }]);

    is $sim->get("$B/consents/changes?source=IYS")->[0], 204,
        'the last hour is hidden';
    is_deeply bulk(), [], 'but binds at once';
    $sim->control(clock => { advance => 3601 });

    my $page = $sim->get("$B/consents/changes?limit=1")->[1];

    is $page->{list}[0]{source}, 'IYS_WEB', 'IYS is the default';
    like $page->{after}, qr/\A[0-9]+_[0-9a-f]{64}\z/, 'cursor';

    my $next = $sim->get("$B/consents/changes?after=$page->{after}")->[1];

    is scalar @{ $next->{list} }, 1, 'goes on behind the cursor';
    is $next->{list}[0]{source}, 'IYS_WEB_YENI', 'a first record';
    ok $next->{list}[0]{citizenName}, 'names the citizen';
    is $sim->get("$B/consents/changes?after=$next->{after}")->[0], 204, 'end';

    my $hs = $sim->get("$B/consents/changes?source=HS")->[1];

    is $hs->{list}[0]{source}, 'HS_WEB', 'own movements';
    is codes($sim->get("$B/consents/changes?source=X")), '422 H506', 'source';
    is codes($sim->get("$B/consents/changes?limit=1001")), '422 H507', 'limit';

    $sim->control(citizen => { action => 'close_line',
                               recipient => '+905550000001' });
    $sim->control(knobs => { feed_hidden => 0 });

    my @all = @{ $sim->get("$B/consents/changes")->[1]{list} };

    is $all[-1]{source}, 'IYS_AHS_HAT_KAPATMA', 'closed line';
    is $all[-1]{status}, 'RET', 'is a refusal';

    my $history = $sim->post("$B/consents/history", { recipient => $GSM,
        recipientType => 'BIREYSEL', type => 'MESAJ' })->[1];

    is_deeply [map { $_->{status} } @{ $history->{list} }], ['RET', 'ONAY'],
        'history, newest first';
    is codes($sim->post("$B/consents/history?limit=101", { recipient => $GSM,
        recipientType => 'BIREYSEL', type => 'MESAJ' })), '422 H186',
        'history limit';

    $sim->control(clock => { advance => 8 * 86_400 });
    $sim->token;
    is $sim->get("$B/consents/changes")->[0], 204, 'gone after seven days';
};


subtest 'ten a second' => sub {
    fresh();
    $sim->control(knobs => { limit_rps => 10 });
    sleep 1;

    my @status = map { $sim->get('/sps/100200/brands')->[0] } 1 .. 15;

    is scalar(grep { $_ == 200 } @status), 10, 'ten pass';
    is scalar(grep { $_ == 429 } @status), 5, 'five do not';
    Time::HiRes::sleep(1.05);
    is $sim->get('/sps/100200/brands')->[0], 200, 'the next second';
};


subtest 'faults' => sub {
    fresh();
    $sim->control(faults => [
        { name => 'brands', status => 503, code => 'H192', times => 2 },
        { name => 'brands', body => 'kapali', status => 200 },
        { name => 'single_status', drop => 1 },
        { path => 'consents/status$', truncate => 5 },
        { name => 'brands', delay => 0.3 }]);

    is codes($sim->get('/sps/100200/brands')), '503 H192', 'first';
    is codes($sim->get('/sps/100200/brands')), '503 H192', 'second';
    is $sim->get('/sps/100200/brands')->[1], 'kapali', 'a body';
    is $sim->post("$B/consents/status", {})->[0], 599, 'dropped';
    is $sim->post("$B/consents/status", {})->[0], 599, 'cut off';

    my $from = Time::HiRes::time();

    is $sim->get('/sps/100200/brands')->[0], 200, 'late';
    cmp_ok Time::HiRes::time() - $from, '>', 0.29, 'by as much as asked';

    my $stats = $sim->control('stats');

    is $stats->{brands}{count}, 4, 'counted';
    is $stats->{brands}{503}, 2, 'by status';
};


subtest 'retailers' => sub {
    fresh(consents => [{ brandCode => 100200, recipient => $GSM }]);

    my $code = $sim->post("$B/retailers", { title => 'Bayi', name => 'Ali',
        tckn => '10000000146', city => { code => '34', name => 'x' },
        town => { code => '1', name => 'y' }, tin => '1234567890' })
        ->[1]{retailerCode};
    my %who = (recipientType => 'BIREYSEL', type => 'MESAJ');

    like $code, qr/\A[0-9]{8}\z/, 'eight digits';
    is codes($sim->post("$B/retailers", {})), '400 H216', 'title is needed';
    is $sim->post("$B/consents/retailers/access", { %who, recipient => $GSM,
        retailerAccess => [$code] })->[0], 200, 'access';
    is codes($sim->post("$B/consents/retailers/access", { %who,
        recipient => '+905000000000', retailerAccess => [$code] })),
        '400 H401', 'no such consent';
    is $sim->post("$B/consent/retailers/access/list", { %who,
        recipient => $GSM })->[1]{list}[0]{title}, 'Bayi', 'listed';
    is codes($sim->call('DELETE', "$B/retailers/$code")), '500 H061',
        'tied to a consent';
    is $sim->post("$B/consents/retailers/access/remove/all", { %who,
        recipients => [$GSM] })->[0], 202, 'removed';
    is $sim->call('DELETE', "$B/retailers/$code")->[0], 200, 'and deleted';
};


subtest 'push' => sub {
    fresh(consents => [{ brandCode => 100200, recipient => $GSM }]);

    my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1') or die;
    my $url = $daemon->url . 'iys';
    my %c = (url => $url, type => 'MESAJ', username => 'u', password => 'p');

    is codes($sim->post("$B/push/registration", { connection => [\%c] })),
        '422 H531', 'https only';

    $sim->control(knobs => { push_allow_http => 1 });
    is codes($sim->post("$B/push/registration",
        { connection => [{ %c, password => '' }] })), '422 H093', 'password';

    pipe my $read, my $write;

    my $pid = fork;

    if ($pid == 0) {
        for (1 .. 2) {
            my $client = $daemon->accept or last;
            my $request = $client->get_request;

            $client->send_response(200);
            syswrite $write, ($request->header('Authorization') // '') . ' '
                . $request->content . "\n";
            $client->close;
        }
        POSIX::_exit(0);
    }

    close $write;
    is $sim->post("$B/push/registration", { connection => [\%c] })->[0], 200,
        'registered';

    my $test = <$read>;

    like $test, qr/\ABasic dTpw /, 'Basic';
    like $test, qr/pushtest\@iys\.org\.tr/, 'the fixed test row';
    $sim->control(citizen => { brandCode => 100200, recipient => $GSM,
                               status => 'RET', source => 'IYS_MOBIL' });
    like scalar <$read>, qr/"recipient":"\Q$GSM\E".*"status":"RET"/,
        'a citizen\'s refusal';
    waitpid $pid, 0;

    my $status = 0;

    for (1 .. 50) {
        $status = $sim->control('deliveries')->[0]{status} and last;
        Time::HiRes::sleep(0.05);
    }

    is $status, 200, 'delivered';
    is $sim->get("$B/push/registration")->[1][0]{url}, $url, 'listed';
    is $sim->post("$B/push/unregistration", \%c)->[0], 200, 'removed';
    is codes($sim->post("$B/push/unregistration", \%c)), '422 H530', 'once';
};


$sim->stop;

done_testing;
