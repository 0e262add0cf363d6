#!/usr/bin/perl

# Where sms_api stands: beside modules that read the body first or make
# subrequests, under "if" and "limit_except", on HTTP/2, behind broken framing.

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
my $account = SMS::Account->new($pg);
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(http => <<'EOH', server => <<'EOC'));
    server {
        listen 127.0.0.1:%%PORT_2%%;
        location /v1/ { sms_api; limit_except GET { allow all; } client_max_body_size 1m; }
    }
    server {
        listen 127.0.0.1:%%PORT_3%%;
        location /v1/ { sms_api; if ($http_x_branch) { add_header X-Branch taken always; } }
    }
EOH
        listen 127.0.0.1:%%PORT_1%% http2;
        location /copied/ {
            mirror /copy;
            rewrite ^/copied(.*)$ $1 break;
            client_body_buffer_size 1k;
            client_max_body_size 1m;
            sms_api;
        }
        location = /copy {
            internal;
            proxy_set_header Content-Length $content_length;
            proxy_pass http://127.0.0.1:%%PORT_0%%/kept;
        }
        location = /kept { client_max_body_size 1m; proxy_pass http://127.0.0.1:%%PORT_0%%/end; }
        location = /end { return 204; }
        location /shadowed/ { mirror /v1/messages; proxy_pass http://127.0.0.1:%%PORT_0%%/end; }
        location /bare/ {
            mirror /v1/messages;
            mirror_request_body off;
            proxy_pass http://127.0.0.1:%%PORT_0%%/end;
        }
        location = /known {
            auth_request /v1/balance;
            proxy_pass http://127.0.0.1:%%PORT_0%%/end;
        }
EOC

$nginx->start;
ok($nginx->ready, 'ready');

# ---- a body that another module has read -------------------------------------------

my $long = $account->message(text => undef, to => undef, messages => [
    map { { to => "0532111$_", text => 'Sayın müşteri ' . 'abcdefghij ' x 8 } } 1001 .. 1300 ]);
my $r = $account->post($nginx, '/copied/v1/messages', $long);
is_deeply([ $r->status, $r->json && $r->json->{accepted} ], [ 202, 300 ],
          'a mirrored request, its body in a file') or diag($r->text);
like($nginx->log, qr/a client request body is buffered to a temporary file/, 'it was');
$r = $account->post($nginx, '/copied/v1/messages', $account->message);
is($r->status, 202, 'and one in memory') or diag($r->text);
ok(wait_until(sub { $nginx->access_log =~ m{"POST /end HTTP/1.0" 204} }),
   'the other module has its copy');
$r = $account->post($nginx, '/copied/v1/messages', ' ' x 1_000_000);
is_deeply([ $r->status, $r->json && $r->json->{code} ], [ 400, 'invalid-json' ], 'blanks in a file');
$r = $account->post($nginx, '/copied/v1/messages', '');
is($r->json && $r->json->{code}, 'empty-body', 'an empty one');

# ---- subrequests -------------------------------------------------------------------

my $before = $pg->value('select count(*) from sms.submission');
is($account->post($nginx, '/shadowed/', $account->message)->status, 204, 'a request whose shadow is sent');
ok(wait_until(sub { $pg->value('select count(*) from sms.submission') == $before + 1 }),
   'and stored once');
is($account->post($nginx, '/bare/', $account->message)->status, 204, 'a shadow without a body');
is($account->get($nginx, '/known')->status, 204, 'a key that auth_request asks about');
is($nginx->http->get('/known')->status, 401, 'no key');
is(scalar($nginx->worker_pids), 1, 'the worker lives');
unlike($nginx->log, qr/exited on signal/, 'and did all the time');

# ---- "limit_except" and "if" --------------------------------------------------------

my %key = (Authorization => "Bearer $account->{key}");
my ($limited, $branched) = map { SMS::Http->new(port => $nginx->port($_), headers => { %key }) } 2, 3;
is($limited->get('/v1/balance')->status, 200, 'limit_except: GET');
is($limited->post('/v1/messages', $account->message)->status, 202, 'and POST');
$r = $limited->post('/v1/messages', ' ' x 2_000_000);
is($r->json && $r->json->{code}, 'body-too-large', 'with its limits') or diag($r->text);
$r = $branched->post('/v1/messages', $account->message, headers => { 'X-Branch' => 1 });
is($r->status, 202, 'if');
is($r->header('x-branch'), 'taken', 'whose other directives hold');

# ---- framing -----------------------------------------------------------------------

my $http = $nginx->http;
$http->send("POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $account->{key}\r\n"
            . "Transfer-Encoding: chunked\r\n\r\nzz\r\n");
$r = $http->answer('POST');
is_deeply([ $r->status, $r->json && $r->json->{code} ], [ 400, 'invalid-json' ],
          'chunks that are none: a problem, no page') or diag($r->text);
ok($r->header('x-request-id'), 'with its id');
ok($http->closed, 'and the connection ends');

like($account->post($nginx, '/v1/messages', {})->text, qr{^HTTP/1\.1 422 Unprocessable Content\r\n},
     '422 has its words');

for my $path ('/health', '/metrics') {
    $r = $nginx->http->post($path, 'x');
    is($r->status, 405, "POST $path");
    is($r->header('allow'), 'GET, HEAD', 'says what is there');
    is($nginx->http->request('HEAD', $path)->status, 200, "HEAD $path");
}

# ---- HTTP/2 ------------------------------------------------------------------------

SKIP: {
    chomp(my $curl = `curl --version 2>/dev/null`);
    skip 'no curl with HTTP/2', 4 unless $curl =~ /HTTP2/;

    my @base = ('curl', '-s', '-m', slow(10), '--http2-prior-knowledge', '-o', '/dev/null',
                '-w', '%{http_code} ', '-H', "Authorization: Bearer $account->{key}",
                '-H', 'Content-Type: application/json');
    my $url = 'http://127.0.0.1:' . $nginx->port(1);
    my $file = spew(temporary('h2') . '/body', JSON::PP->new->utf8->encode($long));

    is(run(@base, '--data-binary', "\@$file", "$url/v1/messages"), '202 ', 'a long body');
    is(run(@base, '-H', 'Transfer-Encoding: chunked', '-T', $file, '-X', 'POST', "$url/v1/messages"),
       '202 ', 'one of unknown length');
    is(run(@base, '--data-binary', "\@$file", "$url/copied/v1/messages"), '202 ', 'mirrored');
    is(run(@base, '--data-binary', '{', "$url/v1/messages"), '400 ', 'a problem');
}

done_testing;


sub run {
    my (@command) = @_;

    open my $out, '-|', @command or die "curl: $!\n";
    local $/;
    return <$out>;
}
