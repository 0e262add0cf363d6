#!/usr/bin/perl

# Every bad request has its own problem: status, code, and the place to mend.
# The table at the end is
#
#   name | key: method path; Header: value; … | body | status code /pointer …
#
# key     live (default), or a name of %keys; "-": no Authorization
# body    kind {JSON}: an informational, otp, commercial or exempt request with
#         these fields changed (null takes one out); =text as it stands; -: none
# answer  with further pointers, each is named in errors[]; "*" anything

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Source ();
use SMS::Tap;

binmode DATA, ':encoding(UTF-8)';

my $json = JSON::PP->new->canonical->allow_nonref;
my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $other = SMS::Account->new($pg, name => 'Başkası Ltd. Şti.', keyword => 'BASKA',
                              sender => 'BASKASI');
my $poor = SMS::Account->new($pg, credit => 0, keyword => 'FAKIR', sender => 'FAKIR');
my $idle = SMS::Account->new($pg, keyword => 'DURAN', sender => 'DURAN');
my $closed = SMS::Account->new($pg, keyword => 'KAPALI', sender => 'KAPALI');
my $unlisted = SMS::Account->new($pg, keyword => 'IYSSIZ', sender => 'IYSSIZ',
                                 iys => undef);

# the table's check would keep such a key away from us
$pg->do('alter table sms.api_key drop constraint ' . $_->{conname}) for $pg->rows(
    q{select conname from pg_constraint where conrelid = 'sms.api_key'::regclass
         and contype = 'c' and pg_get_constraintdef(oid) like '%ip_waived%'});

my %keys = (
    live => $account->key, test => $account->test_key, other => $other->key,
    poor => $poor->key, idle => $idle->key, closed => $closed->key,
    unlisted => $unlisted->key,
    reader => $account->key('live', waived => 'test', scopes => ['messages:read']),
    sender => $account->key('live', waived => 'test', scopes => ['messages:send']),
    elsewhere => $account->key('live', ip => ['10.0.0.0/8', '2001:db8::/32']),
    nolist => $account->key('live'),
    revoked => $account->key('live', waived => 'test'),
    unknown => SMS::Account::make_key('live'),
    typo => $account->key =~ s/(.)(.)$/$2$1/r =~ s/(.)$/chr(ord($1) ^ 1)/er,
    short => substr($account->key, 0, 40),
    secret => 'sms_live_' . substr($account->key, 9, 8)
              . substr(SMS::Account::make_key('live'), 17),
);

# a right check sum under a wrong secret
$keys{secret} = checked($keys{secret});

$pg->do('select sms.key_revoke(?, key_no) from sms.api_key where key_id = ?', $account->id,
        substr $keys{revoked}, 9, 8);
$pg->do('select sms.account_state(?, ?)', $idle->id, 'suspended');
$pg->do('select sms.account_state(?, ?)', $closed->id, 'closed');
$pg->do('select sms.sender_create(?, ?, ?, ?)', $account->id, 'YALNIZOTP', $account->brand,
        ['otp']);
$pg->do('select sms.sender_approve(?, ?, ?)', $account->id, 'YALNIZOTP', 'sim');
$pg->do('select sms.sender_create(?, ?, null, ?)', $account->id, 'MARKASIZ',
        ['informational', 'commercial']);
$pg->do('select sms.sender_approve(?, ?, ?)', $account->id, 'MARKASIZ', 'sim');
$pg->do('select sms.blacklist_add(?, ?, ?, ?)', $account->id, 905321110099, 'all', 'test');
$pg->do('select sms.exemption_grant(?, ?, ?, ?, ?)', $account->id, 'school', 'öğrenciler',
        'belge 1', 'uyum');

for my $class (qw(otp informational commercial exempt)) {
    $pg->do('select sms.tariff_set(1, ?, ?, ?)', $_, $class, 100_000) for qw(90 44 30);
}

my $second = $pg->value('select sms.brand_create(p_account => ?, p_name => ?,
    p_owner_kind => ?)', $account->id, 'İkinci', 'tacir');
my %var = (
    'their brand' => $other->brand_id,
    'second brand' => $pg->value(q{select sms.id_text('brd', public_id) from sms.brand
                                     where brand_id = ?}, $second),
    'no message' => 'msg_' . '0' x 26,
    '1000 numbers' => [ map { sprintf '0532%07d', $_ } 1 .. 1000 ],
    '1001 numbers' => [ map { sprintf '0532%07d', $_ } 1 .. 1001 ],
    '1001 messages' => [ map { { to => sprintf('0532%07d', $_), text => 'x' } } 1 .. 1001 ],
    '33 codes' => [ map { "c$_" } 1 .. 33 ],
    '1100 letters' => 'abcdefghij ' x 100,
    '8200 bytes' => 'a' x 8200,
    '65 letters' => 'r' x 65,
    '256 letters' => 'k' x 256,
    'yesterday' => iso(time - 86400),
    'in two years' => iso(time + 2 * 366 * 86400),
    'tomorrow' => iso(time + 86400),
    'long name' => 'ğ' x 300,
    'long token' => 'ğ' x 100 . '€' x 100,
);

my $routes = spew(temporary('routes') . '/routes', "90 * sim\n30 * other\n30693 * foreign\n");
chmod 0644, $routes;

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    priced => 1, api => 'sms_timeout 10s;', extra => <<"EOC"));
    sms_plugin router prefix router_prefix.so { table $routes; }
    sms_plugin operator other operator_simulator.so link=2 operator=other {
        grant inbound dict;
    }
    sms_plugin operator foreign operator_simulator.so link=3 operator=sim abroad=on {
        grant inbound dict;
    }
EOC

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
ok(wait_until { $account->send($nginx, {})->status == 202 } slow(10), 'prices are there');

is($account->send($nginx, {}, headers => { 'Idempotency-Key' => 'table-1' })->status, 202,
   'a request with a key, for the row that uses it again');

my %seen;

while (my $line = <DATA>) {
    chomp $line;
    next if $line =~ /^\s*(?:#|$)/;
    my ($name, $request, $body, $answer) = split /\s+\|\s+/, $line;
    row($name, $request, $body, $answer);
}

# ---- languages ---------------------------------------------------------------

for my $case (['', 'Bir alan eksik'], ['tr-TR,en;q=0.5', 'Bir alan eksik'],
              ['en', 'A field is missing'], ['en-GB, tr', 'A field is missing'],
              ['de', 'Bir alan eksik'])
{
    my $r = $account->send($nginx, { sender => undef },
                           headers => { 'Accept-Language' => $case->[0] || undef });
    is($r->json->{title}, $case->[1], "title for '$case->[0]'");
}

# ---- several faults at once --------------------------------------------------

my $r = $account->send($nginx, { sender => 'YOK', colour => 1, validity_s => 5,
                                 to => ['0532 111 22 33', 7], encoding => 'morse' });
is($r->status, 400, 'several faults');
is_deeply([ sort map { $_->{pointer} } @{ $r->json->{errors} } ],
          [ qw(/colour /encoding /sender /to/1 /validity_s) ], 'each is named');

# ---- bodies: too large, in pieces ---------------------------------------------

my $limit = 2 * 1024 * 1024;
my $padded = sub {
    my ($bytes) = @_;
    my $text = $json->encode($account->message);
    return utf8_bytes($text) . ' ' x ($bytes - length utf8_bytes($text));
};

is($account->post($nginx, '/v1/messages', $padded->($limit))->status, 202,
   'a body of just the size that is allowed');
too_large($account->post($nginx, '/v1/messages', $padded->($limit + 1)), 'a byte more');

my @pieces = $padded->($limit + 100_000) =~ /(.{1,60000})/gs;
too_large($account->request($nginx, 'POST', '/v1/messages', chunks => \@pieces),
          'in chunks');

@pieces = $padded->($limit) =~ /(.{1,60000})/gs;
is($account->request($nginx, 'POST', '/v1/messages', chunks => \@pieces)->status, 202,
   'chunks of just the size that is allowed');

is($account->request($nginx, 'POST', '/v1/messages',
                     chunks => [ split //, utf8_bytes($json->encode($account->message)) ]
                    )->status, 202, 'a byte in each chunk');

# what follows a body that is too large must not be taken for a request
for my $how (qw(length chunks)) {
    my $http = $nginx->http(keep => 1);
    my $hidden = "GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n";
    my $body = $hidden x (int($limit / length $hidden) + 1000);

    $http->send($http->format('POST', '/v1/messages',
        $how eq 'length' ? (body => $body) : (chunks => [ $body =~ /(.{1,60000})/gs ]),
        headers => { Authorization => 'Bearer ' . $account->key }));
    too_large($http->answer('POST'), "kept alive, by $how");
    is($http->answer('GET'), undef, 'no second answer');
    ok($http->closed(slow(10)), 'the connection ends');
}

{
    my $http = $nginx->http(keep => 1);
    my $text = $http->format('POST', '/v1/messages', json => $account->message,
                             headers => { Authorization => 'Bearer ' . $account->key });
    $http->send_slowly($text, 40, 0.02);
    is($http->answer('POST')->status, 202, 'a slow body');
    $http->send($text =~ s/\r\n\r\n/\r\nExpect: 100-continue\r\n\r\n/r);
    is($http->answer('POST')->status, 202, 'on the same connection, 100-continue');
    $http->send($text x 3);
    is($http->answer('POST')->status, 202, "pipelined $_") for 1 .. 3;
    $http->send($http->format('POST', '/v1/messages', json => { colour => 1 }, headers => {
                    Authorization => 'Bearer ' . $account->key }) x 2 . $text);
    is($http->answer('POST')->status, $_, "pipelined behind problems: $_")
        for 400, 400, 202;
    my $form = $http->format('POST', '/v1/messages', body => $text, headers => {
        Authorization => 'Bearer ' . $account->key, 'Content-Type' => 'text/plain' });
    $http->send($form . $text);
    is($http->answer('POST')->status, $_, "behind a body that is not read: $_") for 415, 202;
    $http->send($http->format('POST', '/v1/messages', body => $text) . $text);
    is($http->answer('POST')->status, $_, "behind a request without a key: $_") for 401, 202;
}

# ---- every code is produced somewhere ----------------------------------------

# here the reason is given where no request can bring it about in a test
my %not_here = (
    'internal' => 'no request brings it about: it means a fault of ours',
);

my $suite = join '', map { slurp($_) } grep { !m{api_errors\.t$} }
            glob root() . '/t/*.t';

for my $row (SMS::Source::table('ngx_sms_module/domain/sms_problem.def', 'SMS_PROBLEM')) {
    my $code = $row->[1];

    if ($not_here{$code}) {
        ok(!$seen{$code}, "$code: $not_here{$code}");
        next;
    }

    ok($seen{$code} || $suite =~ /'\Q$code\E'/, "$code has a test");
}

done_testing;


sub row {
    my ($name, $request, $body, $answer) = @_;

    my ($wanted, $code, @pointers) = split ' ', $answer;
    my ($first, @headers) = split /\s*;\s+(?=[A-Za-z][\w-]+:)/, $request;
    my $key = $first =~ s/^(\w+|-):\s*// ? $1 : 'live';
    my ($method, $path) = split ' ', $first, 2;
    my %headers = $key eq '-' ? () : (Authorization => "Bearer $keys{$key}");

    if ($key ne '-' && !defined $keys{$key}) {
        return fail("$name: no key $key");
    }

    for (@headers) {
        my ($n, $v) = /^([\w-]+):\s*(.*)$/ or return fail("$name: bad header $_");
        $headers{$n} = bytes(fill($v));
    }

    my %body = $body eq '-' ? () : $body =~ s/^=// ? (body => bytes(fill($body)))
               : (body => bytes(request_body($body)));
    $headers{'Content-Type'} //= 'application/json' if %body;

    my $r = $nginx->http->request($method, bytes(fill($path)), %body, headers => \%headers);

    return is($r->status, 202, $name) if $wanted == 202;

    subtest $name => sub {
        is($r->status, $wanted, "status $wanted") or diag($r->text);
        like($r->header('content-type') // '', qr{^application/problem\+json}, 'media type');
        my $p = $r->json or return fail('no JSON: ' . $r->body);
        is($p->{code}, $code, "code $code") or diag($r->body);
        is($p->{status}, $wanted, 'status member');
        is($p->{type}, "urn:ngx-sms:problem:$code", 'type');
        ok(length $p->{title}, 'title');
        is($p->{request_id}, $r->header('x-request-id'), 'request_id');
        is($p->{instance}, "urn:ngx-sms:request:$p->{request_id}", 'instance');
        is($r->header('cache-control'), 'no-store', 'not stored on the way');
        my @there = map { $_->{pointer} } @{ $p->{errors} // [] };

        for my $pointer (map { fill($_) } @pointers) {
            ok((grep { $pointer eq '*' || $_ eq $pointer } @there), "errors[] names $pointer")
                or diag("@there");
        }

        ok(!@there, 'no place in the body is to blame') or diag("@there")
            if !@pointers;
        like($r->header('www-authenticate') // '', qr/^Bearer/, 'WWW-Authenticate')
            if $wanted == 401;
        like($r->header('retry-after') // '', qr/^[1-9]\d*$/, 'Retry-After')
            if $wanted == 503 || $wanted == 429;
        like($r->header('allow') // '', qr/^[A-Z]+(?:, [A-Z]+)*$/, 'Allow') if $wanted == 405;
    };

    $seen{$code} = 1;
    return;
}


sub too_large {
    my ($r, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $seen{'body-too-large'} = 1;
    my $p = $r && $r->json // {};
    is_deeply([ $r && $r->status, $p->{code}, $p->{detail} ],
              [ 413, 'body-too-large', "at most $limit bytes" ], $name)
        or diag($r ? $r->text : 'no answer');
    return;
}


sub utf8_bytes {
    my ($text) = @_;

    utf8::encode($text);
    return $text;
}


# <name> stands for a value of %var; \xNN for an octet

sub fill {
    my ($text) = @_;

    $text =~ s{<([^<>]+)>}{ exists $var{$1} ? ref $var{$1} ? $json->encode($var{$1}) : $var{$1}
                            : die "no <$1>\n" }ge;
    return $text;
}


sub bytes {
    my ($text) = @_;

    utf8::encode($text);
    $text =~ s/\\x([0-9a-f]{2})/chr hex $1/ge;
    return $text;
}


sub request_body {
    my ($text) = @_;

    my ($kind, $change) = $text =~ /^(\w+)\s*(\{.*\})?$/s or die "bad body: $text\n";
    my $tree = $json->decode(fill($change // '{}'));

    return $json->encode($account->message(
        $kind eq 'otp' ? (class => 'otp', basis => undef, text => 'Kodunuz 123456')
        : $kind eq 'commercial' ? (class => 'commercial', basis => undef,
                                   recipient_type => 'BIREYSEL')
        : $kind eq 'exempt' ? (class => 'exempt', basis => undef, exemption => 'school',
                               audience => 'öğrenciler')
        : (), %$tree));
}


sub iso {
    my ($time) = @_;

    my @t = gmtime $time;
    return sprintf '%04d-%02d-%02dT%02d:%02d:%02d+00:00', $t[5] + 1900, $t[4] + 1,
                   @t[3, 2, 1, 0];
}


sub checked {
    my ($key) = @_;

    my @digits = (0 .. 9, 'A' .. 'Z', 'a' .. 'z');
    my $text = substr $key, 0, 49;
    my $crc = Compress::Zlib::crc32($text);
    my $check = '';

    for (1 .. 6) {
        $check = $digits[$crc % 62] . $check;
        $crc = int $crc / 62;
    }

    return $text . $check;
}

__DATA__

# what is sent
broken JSON            | POST /v1/messages | ={"class": "otp",            | 400 invalid-json *
text after the JSON    | POST /v1/messages | ={} {}                       | 400 invalid-json *
a long wrong token     | POST /v1/messages | ={"a": <long token>}         | 400 invalid-json *
NUL in a string        | POST /v1/messages | ={"text": "a\u0000b"}        | 400 invalid-json *
NUL in a key           | POST /v1/messages | ={"te\u0000xt": "a"}         | 400 invalid-json *
a number beyond int64  | POST /v1/messages | ={"validity_s": 99999999999999999999} | 400 invalid-json *
NUL behind a number    | POST /v1/messages | ={"validity_s": 60\x00}            | 400 invalid-json *
duplicate keys         | POST /v1/messages | ={"class": "otp", "class": "otp"} | 400 duplicate-key *
duplicate keys inside  | POST /v1/messages | ={"messages": [{"to": "1", "to": "1"}]} | 400 duplicate-key *
invalid UTF-8          | POST /v1/messages | ={"text": "\xff\xfe"}        | 400 invalid-utf8 *
overlong UTF-8         | POST /v1/messages | ={"text": "\xc0\xaf"}        | 400 invalid-utf8 *
a surrogate            | POST /v1/messages | ={"text": "\xed\xa0\x80"}    | 400 invalid-utf8 *
half a surrogate pair  | POST /v1/messages | ={"text": "\ud83d"}          | 400 invalid-json *
an array               | POST /v1/messages | =[1, 2]                      | 400 invalid-field *
a string               | POST /v1/messages | ="text"                      | 400 invalid-json *
no body                | POST /v1/messages | -                            | 400 empty-body
an empty body          | POST /v1/messages; Content-Length: 0 | -         | 400 empty-body
another media type     | POST /v1/messages; Content-Type: application/x-www-form-urlencoded | =to=1 | 415 unsupported-media-type
a packed body          | POST /v1/messages; Content-Encoding: gzip | info {} | 415 unsupported-media-type
JSON with a charset    | POST /v1/messages; Content-Type: Application/JSON; charset=utf-8 | info | 202
an unknown field       | POST /v1/messages | info {"colour": "red"}       | 400 unknown-field /colour
a misspelt field       | POST /v1/messages | info {"Sender": "ORNEK"}     | 400 unknown-field /Sender
with ~ and /           | POST /v1/messages | info {"a~b/c": 1}            | 400 unknown-field /a~0b~1c
with a long name       | POST /v1/messages | info {"<long name>": 1}      | 400 unknown-field *
unknown in messages[]  | POST /v1/messages | info {"to": null, "text": null, "messages": [{"to": "05321112233", "text": "a"}, {"to": "05321112234", "text": "a", "colour": 1}]} | 400 unknown-field /messages/1/colour

# what it is
missing class          | POST /v1/messages | info {"class": null, "basis": null} | 422 missing-class /class
unknown class          | POST /v1/messages | info {"class": "marketing"}  | 400 invalid-field /class
class is no string     | POST /v1/messages | info {"class": 3}            | 400 invalid-field /class
unknown basis          | POST /v1/messages | info {"basis": "because"}    | 400 invalid-field /basis
basis of an otp        | POST /v1/messages | otp {"basis": "other"}       | 400 invalid-field /basis
no recipient type      | POST /v1/messages | commercial {"recipient_type": null} | 422 missing-recipient-type /recipient_type
wrong recipient type   | POST /v1/messages | commercial {"recipient_type": "birey"} | 400 invalid-field /recipient_type
type of a notice       | POST /v1/messages | info {"recipient_type": "TACIR"} | 400 invalid-field /recipient_type
none in messages[]     | POST /v1/messages | commercial {"recipient_type": null, "to": null, "text": null, "messages": [{"to": "05321112233", "text": "a", "recipient_type": "TACIR"}, {"to": "05321112234", "text": "a"}]} | 422 missing-recipient-type /messages/1/recipient_type
type in a notice's     | POST /v1/messages | info {"to": null, "text": null, "messages": [{"to": "05321112233", "text": "a", "recipient_type": "TACIR"}]} | 400 invalid-field /messages/0/recipient_type
no exemption           | POST /v1/messages | exempt {"exemption": null}   | 400 missing-field /exemption
unknown exemption      | POST /v1/messages | exempt {"exemption": "friend"} | 400 invalid-field /exemption
not granted            | POST /v1/messages | exempt {"exemption": "operator"} | 422 exemption-not-granted /exemption
no audience            | POST /v1/messages | exempt {"audience": null}    | 400 missing-field /audience
exemption of a notice  | POST /v1/messages | info {"exemption": "school"} | 400 invalid-field /exemption
audience of a notice   | POST /v1/messages | info {"audience": "öğrenciler"} | 400 invalid-field /audience

# from whom
no sender              | POST /v1/messages | info {"sender": null}        | 400 missing-field /sender
unknown sender         | POST /v1/messages | info {"sender": "YABANCI"}   | 422 unknown-sender /sender
case matters           | POST /v1/messages | info {"sender": "ornek"}     | 422 unknown-sender /sender
another account's      | POST /v1/messages | info {"sender": "BASKASI"}   | 422 unknown-sender /sender
a long sender          | POST /v1/messages | info {"sender": "ABCDEFGHIJKLMNOPQ"} | 400 invalid-field /sender
an empty sender        | POST /v1/messages | info {"sender": ""}          | 400 invalid-field /sender
not for this class     | POST /v1/messages | info {"sender": "YALNIZOTP"} | 422 sender-class-not-allowed /sender
bad brand id           | POST /v1/messages | info {"brand": "brd_1"}      | 400 invalid-id /brand
another kind of id     | POST /v1/messages | info {"brand": "<no message>"} | 400 invalid-id /brand
another account's brand | POST /v1/messages | info {"brand": "<their brand>"} | 422 unknown-brand /brand
not the sender's brand | POST /v1/messages | info {"brand": "<second brand>"} | 422 unknown-brand /brand
commercial, no brand   | POST /v1/messages | commercial {"sender": "MARKASIZ"} | 400 missing-field /brand
commercial, not in IYS | POST /v1/messages | commercial {"sender": "MARKASIZ", "brand": "<second brand>"} | 422 brand-not-registered /brand
its own, not in IYS    | unlisted: POST /v1/messages | commercial {"sender": "IYSSIZ"} | 422 brand-not-registered /brand

# to whom
nobody                 | POST /v1/messages | info {"to": null}            | 400 missing-field /to
an empty list          | POST /v1/messages | info {"to": []}              | 400 invalid-field /to
no list                | POST /v1/messages | info {"to": "05321112233"}   | 400 invalid-field /to
a number, not a string | POST /v1/messages | info {"to": [905321112233]}  | 400 invalid-field /to/0
an empty number        | POST /v1/messages | info {"to": ["05321112233", ""]} | 400 invalid-field /to/1
both lists             | POST /v1/messages | info {"messages": [{"to": "05321112233", "text": "a"}]} | 400 invalid-field /messages
no object              | POST /v1/messages | info {"to": null, "text": null, "messages": ["a"]} | 400 invalid-field /messages/0
no number              | POST /v1/messages | info {"to": null, "text": null, "messages": [{"text": "a"}]} | 400 missing-field /messages/0/to
no text inside         | POST /v1/messages | info {"to": null, "text": null, "messages": [{"to": "05321112233"}]} | 400 missing-field /messages/0/text
text beside messages   | POST /v1/messages | info {"to": null, "messages": [{"to": "05321112233", "text": "a"}]} | 400 invalid-field /text
long reference inside  | POST /v1/messages | info {"to": null, "text": null, "messages": [{"to": "05321112233", "text": "a", "reference": "<65 letters>"}]} | 400 invalid-field /messages/0/reference
a bad number           | POST /v1/messages | info {"to": ["0532 111 22"]} | 422 invalid-number /to/0
a landline             | POST /v1/messages | info {"to": ["0212 111 22 33"]} | 422 invalid-number /to/0
bad in messages[]      | POST /v1/messages | info {"to": null, "text": null, "messages": [{"to": "x", "text": "a"}]} | 422 invalid-number /messages/0/to
bad in different ways  | POST /v1/messages | info {"to": ["x", "0532 111 00 99"]} | 422 no-recipient-accepted /to/0 /to/1
blacklisted            | POST /v1/messages | info {"to": ["0532 111 00 99"]} | 422 blacklisted /to/0
1,001 numbers          | POST /v1/messages | info {"to": <1001 numbers>}  | 422 too-many-recipients /to
1,001 messages         | POST /v1/messages | info {"to": null, "text": null, "messages": <1001 messages>} | 422 too-many-recipients /messages

# the text
no text                | POST /v1/messages | info {"text": null}          | 400 missing-field /text
an empty text          | POST /v1/messages | info {"text": ""}            | 400 invalid-field /text
no string              | POST /v1/messages | info {"text": ["a"]}         | 400 invalid-field /text
too many parts         | POST /v1/messages | info {"text": "<1100 letters>"} | 422 text-too-long /text
too many bytes         | POST /v1/messages | info {"text": "<8200 bytes>"} | 422 text-too-long /text
too long in messages[] | POST /v1/messages | info {"to": null, "text": null, "messages": [{"to": "05321112233", "text": "<1100 letters>"}]} | 422 text-too-long /messages/0/text
a control character    | POST /v1/messages | info {"text": "a\u0007b"}    | 422 text-not-encodable /text
unknown encoding       | POST /v1/messages | info {"encoding": "latin1"}  | 400 invalid-field /encoding
not in gsm7            | POST /v1/messages | info {"encoding": "gsm7", "text": "ışık"} | 422 text-not-encodable /text
not in turkish         | POST /v1/messages | info {"encoding": "turkish", "text": "Привет"} | 422 text-not-encodable /text
not in ascii           | POST /v1/messages | info {"encoding": "ascii", "text": "Привет"} | 422 text-not-encodable /text
a long reference       | POST /v1/messages | info {"reference": "<65 letters>"} | 400 invalid-field /reference
confirm is no list     | POST /v1/messages | info {"confirm": "a"}        | 400 invalid-field /confirm
confirm holds others   | POST /v1/messages | info {"confirm": ["a", 1]}   | 400 invalid-field /confirm
confirm is long        | POST /v1/messages | info {"confirm": <33 codes>} | 400 invalid-field /confirm

# when
in the past            | POST /v1/messages | info {"schedule_at": "<yesterday>"} | 422 schedule-in-past /schedule_at
too far ahead          | POST /v1/messages | info {"schedule_at": "<in two years>"} | 400 invalid-field /schedule_at
without an offset      | POST /v1/messages | info {"schedule_at": "2027-03-02T10:15:00"} | 400 invalid-field /schedule_at
no time                | POST /v1/messages | info {"schedule_at": "tomorrow"} | 400 invalid-field /schedule_at
no such day            | POST /v1/messages | info {"schedule_at": "2027-02-30T10:15:00Z"} | 400 invalid-field /schedule_at
a number               | POST /v1/messages | info {"schedule_at": 1800000000} | 400 invalid-field /schedule_at
validity too short     | POST /v1/messages | info {"validity_s": 59}      | 400 invalid-field /validity_s
validity too long      | POST /v1/messages | info {"validity_s": 172801}  | 400 invalid-field /validity_s
validity as a string   | POST /v1/messages | info {"validity_s": "60"}    | 400 invalid-field /validity_s
validity as a fraction | POST /v1/messages | info {"validity_s": 60.5}    | 400 invalid-field /validity_s

# one-time codes (C11)
two recipients         | POST /v1/messages | otp {"to": ["05321112233", "05321112234"]} | 422 otp-one-recipient /to
scheduled              | POST /v1/messages | otp {"schedule_at": "<tomorrow>"} | 422 otp-not-schedulable /schedule_at
two parts              | POST /v1/messages | otp {"text": "Tek kullanımlık şifreniz 123456. Lütfen bu şifreyi hiç kimseyle paylaşmayınız, bankamız çalışanları dahil kimse sizden bu şifreyi istemez. İyi günler dileriz efendim."} | 422 otp-one-part /text
one with the suffix    | POST /v1/messages | otp {"text": "123456 kodunuzdur. Bu kod yalnizca sizin icindir, kimseyle paylasmayin. Banka calisanlari dahil kimse bu kodu sizden istemez, isteyen dolandiricidir. Sevgiler"} | 422 otp-one-part /text
validity below 30      | POST /v1/messages | otp {"validity_s": 29}       | 400 invalid-field /validity_s
validity above 600     | POST /v1/messages | otp {"validity_s": 601}      | 400 invalid-field /validity_s
trust of a SIM         | POST /v1/messages | otp {"sim_trusted_since": "yesterday"} | 400 invalid-field /sim_trusted_since
of a notice            | POST /v1/messages | info {"sim_trusted_since": "<yesterday>"} | 400 invalid-field /sim_trusted_since
a good one             | POST /v1/messages | otp {"validity_s": 30, "sim_trusted_since": "<yesterday>"} | 202

# money and ways
no credit              | poor: POST /v1/messages | info {"sender": "FAKIR"} | 402 insufficient-credit
no price               | POST /v1/messages | info {"to": ["+4915112345678"]} | 422 no-tariff /to/0
no way                 | POST /v1/messages | info {"to": ["+447911123456"]} | 422 no-route /to/0
not on that operator   | POST /v1/messages | info {"to": ["+306912345678"]} | 422 sender-not-registered-on-route /to/0
an address from abroad | POST /v1/messages | info {"to": ["+306931234567"], "text": "Bkz. ornek.com.tr"} | 422 not-carried-on-route /to/0
and without one        | POST /v1/messages | info {"to": ["+306931234567"]} | 202

# who is calling
no key                 | -: POST /v1/messages | info                      | 401 missing-key
another scheme         | -: POST /v1/messages; Authorization: Basic c21zOnNtcw== | info | 401 missing-key
an empty key           | -: POST /v1/messages; Authorization: Bearer      | info | 401 missing-key
no key, reading        | -: GET /v1/balance | -                           | 401 missing-key
not one of ours        | -: POST /v1/messages; Authorization: Bearer x    | info | 401 invalid-key
cut off                | short: POST /v1/messages | info                  | 401 invalid-key
mistyped               | typo: POST /v1/messages | info                   | 401 invalid-key
a wrong secret         | secret: POST /v1/messages | info                 | 401 invalid-key
unknown                | unknown: POST /v1/messages | info                | 401 invalid-key
revoked                | revoked: POST /v1/messages | info                | 401 invalid-key
for reading only       | reader: POST /v1/messages | info                 | 403 insufficient-scope
for reading, preview   | reader: POST /v1/messages:preview | info         | 403 insufficient-scope
for reading, delete    | reader: DELETE /v1/messages/<no message> | -     | 403 insufficient-scope
for sending only       | sender: GET /v1/messages/<no message> | -        | 403 insufficient-scope
not for the balance    | sender: GET /v1/balance | -                      | 403 insufficient-scope
from elsewhere         | elsewhere: POST /v1/messages | info              | 403 ip-not-allowed
a live key, no list    | nolist: POST /v1/messages | info                 | 403 ip-not-allowed
suspended              | idle: POST /v1/messages | info {"sender": "DURAN"} | 403 account-not-active
suspended, preview     | idle: POST /v1/messages:preview | info {"sender": "DURAN"} | 403 account-not-active
closed                 | closed: GET /v1/balance | -                      | 403 account-not-active

# headers
request id too long    | GET /v1/version; X-Request-Id: <65 letters> | -  | 400 invalid-request-id
request id with blank  | GET /v1/version; X-Request-Id: a b | -           | 400 invalid-request-id
idempotency key, empty | POST /v1/messages; Idempotency-Key: "" | info     | 400 invalid-idempotency-key
idempotency key, long  | POST /v1/messages; Idempotency-Key: <256 letters> | info | 400 invalid-idempotency-key
idempotency key, twice | POST /v1/messages; Idempotency-Key: a; idempotency-key: b | info | 400 invalid-idempotency-key
idempotency key, open  | POST /v1/messages; Idempotency-Key: "a | info     | 400 invalid-idempotency-key
idempotency key, escape | POST /v1/messages; Idempotency-Key: "a\b" | info | 400 invalid-idempotency-key
idempotency key, bytes | POST /v1/messages; Idempotency-Key: şifre | info | 400 invalid-idempotency-key
idempotency key, again | POST /v1/messages; Idempotency-Key: table-1 | info {"text": "Başka bir metin"} | 422 idempotency-key-reused

# addresses
nothing there          | GET /v1/nothing | -                              | 404 not-found
below a message        | GET /v1/messages/<no message>/nothing | -        | 404 not-found
no message             | GET /v1/messages/<no message> | -                | 404 not-found
nothing to explain     | GET /v1/messages/<no message>/explain | -        | 404 not-found
nothing to delete      | DELETE /v1/messages/<no message> | -             | 404 not-found
no submission          | GET /v1/submissions/sub_00000000000000000000000000 | - | 404 not-found
not an id              | GET /v1/messages/1 | -                           | 400 invalid-id
upper case             | GET /v1/messages/msg_0000000000000000000000000A | - | 400 invalid-id
beyond 128 bits        | GET /v1/messages/msg_80000000000000000000000000 | - | 400 invalid-id
another prefix         | GET /v1/messages/sub_00000000000000000000000000 | - | 400 invalid-id
a letter that is none  | GET /v1/messages/msg_0000000000000000000000000l | - | 400 invalid-id
an id of octets        | GET /v1/messages/%ff%fe | -                      | 400 invalid-id
bad id to delete       | DELETE /v1/submissions/x | -                     | 400 invalid-id
a query of octets      | GET /v1/balance?a=%ff&b=\xff | -                 | 400 unknown-parameter
cannot be put          | PUT /v1/messages | info                          | 405 method-not-allowed
cannot be read         | GET /v1/messages | -                             | 405 method-not-allowed
cannot be posted       | POST /v1/balance | info                          | 405 method-not-allowed
unknown method         | BREW /v1/balance | -                             | 405 method-not-allowed
