#!/usr/bin/perl

# "nginx -t" finds each mistake, says where it stands and what would be right.
# Each row: name, the lines that are put in (at "http", "api", "location" or
# "plugin"), the line that is to blame (counted in what was put in), and words
# of the message.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $nginx = SMS::Nginx->new(pg => $pg, module => 1);
my $base = { database => 'sms_database "%%DATABASE%%";', http => '', api => '',
             location => '', plugin => '' };

my ($ok, $out) = $nginx->check(conf());
ok($ok, 'the configuration without a mistake') or diag($out);
($ok, $out) = $nginx->check(conf(no_api => 1, database => ''));
ok($ok, 'the module without a line of its own') or diag($out);
unlike($out, qr/\[warn\]/, 'has nothing to say');
($ok, $out) = $nginx->check(conf(no_api => 1));
like($out, qr/\[warn\] .*no location has "sms_api"/, 'a database that no location uses is told')
    or diag($ok);

my $tariff = 'sms_plugin billing %s billing_prepaid.so { grant db; }';
($ok, $out) = $nginx->check(conf(plugin => sprintf("$tariff\n$tariff", 'one', 'two')));
ok($ok, 'two tariffs') or diag($out);
like($out, qr/\[warn\] .*"two": is never asked, "one" comes first in \S+:\d+$/m, 'with a warning')
    or diag($out);

# ---- the database ----------------------------------------------------------------

for my $row (
    [ 'host=/tmp sslmode=prefer', 'sslmode', 'disable, require, verify-ca, verify-full' ],
    [ 'host=/tmp sslmode=allow', 'sslmode', 'verify-full' ],
    [ 'service=sms', 'service' ],
    [ 'host=/tmp nonsense=1', 'nonsense' ],
    [ 'host=/tmp dbname', 'connection info string' ],
    [ 'host=/tmp port=0', 'invalid port "0"' ],
    [ 'host=/tmp port=70000', 'invalid port "70000"' ],
    [ 'host=/tmp port=5432,5433', 'more ports than hosts' ],
    [ 'hostaddr=300.1.1.1', 'invalid hostaddr "300.1.1.1"' ],
    [ 'host=nowhere.invalid', 'host "nowhere.invalid" not found', 'no resolver' ],
    [ 'host=/tmp connect_timeout=0', 'between 1 and 3600' ],
    [ 'host=/tmp target_session_attrs=standby', 'target_session_attrs' ],
    [ 'host=/tmp gssencmode=require', 'gssencmode', 'disable' ],
    [ 'host=/tmp client_encoding=LATIN5', 'client_encoding' ],
    [ 'host=/tmp password=a b c', 'missing' ])
{
    my ($database, @words) = @$row;
    mistake("sms_database $database", 'database', qq{\n\nsms_database "$database";}, 3, @words);
}

my ($bad, $said) = $nginx->check(conf(database => 'sms_database "host=/tmp password=hunter 2";'));
unlike($said, qr/hunter/, 'no piece of a password is shown');

mistake('no database', 'database', '', undef, '"sms_api" needs "sms_database"');
mistake('an empty one', 'database', 'sms_database "";', 1, '"sms_database"', 'empty');
mistake('two databases', 'http', 'sms_database "host=/tmp";', 1, 'is duplicate');
mistake('unsafe is no flag', 'http', 'sms_unsafe_database yes;', 1, '"on" or "off"');
mistake('no time', 'http', 'sms_database_timeout never;', 1, 'invalid value');
mistake('a time of 0', 'http', 'sms_database_timeout 0;', 1, 'above 0');
mistake('a queue of 0', 'http', 'sms_database_queue 0;', 1, 'above 0');
mistake('no number', 'http', 'sms_database_queue many;', 1, 'invalid number');
mistake('consent for ever', 'http', 'sms_consent_max_age 0;', 1, 'above 0');

# ---- zone, node, sandbox ----------------------------------------------------------

mistake('no size', 'http', 'sms_zone zone=sms;', 1, '"zone=sms"', 'zone=name:size');
mistake('too small', 'http', 'sms_zone zone=sms:4k;', 1, 'too small');
mistake('a bad size', 'http', 'sms_zone zone=sms:big;', 1, 'sms:big');
mistake('no name', 'http', 'sms_zone zone=:16m;', 1, 'zone');
mistake('another word', 'http', 'sms_zone name=sms:16m;', 1, 'name=sms:16m', 'zone=name:size');
mistake('two zones', 'http', "sms_zone zone=sms:16m;\nsms_zone zone=b:16m;", 2, 'is duplicate');
mistake('a node without a name', 'http', 'sms_node "";', 1, 'is empty');
mistake('a sandbox that is not there', 'http', "\nsms_sandbox nowhere;", 2, '"nowhere"',
        'sms_plugin operator');
mistake('a sandbox that is no operator', 'plugin',
        "sms_plugin router way router_prefix.so { table %%DIR%%/routes; }\nsms_sandbox way;", 2,
        '"way"');

# ---- handlers and rates -----------------------------------------------------------

mistake('twice', 'location', "location /v2/ {\nsms_api;\nsms_api;\n}", 3, 'is duplicate');
mistake('two handlers', 'location', "location /v2/ {\nsms_api;\nsms_health;\n}", 3, 'sms_api',
        'sms_metrics', 'sms_health');
mistake('another handler behind', 'location',
        "location /v2/ {\nsms_metrics;\nproxy_pass http://127.0.0.1:1;\n}", 2, 'sms_metrics');
mistake('with an argument', 'location', 'location /v2/ { sms_api on; }', 1,
        'invalid number of arguments');
mistake('outside a location', 'http', 'sms_api;', 1, 'not allowed here');
mistake('in a location', 'api', 'sms_database "host=/tmp";', 1, 'not allowed here');

for my $rate ('rate=0r/s', 'rate=5', 'rate=5r/h', 'rate=-1r/s', 'burst=0', 'fast', 'on',
              'rate=1000001r/m', 'rate=r/s')
{
    mistake("sms_rate $rate", 'api', "sms_rate $rate;", 1, qq{"$rate"}, 'rate=Nr/s', 'rate=Nr/m',
            'burst=N', 'off');
}

mistake('a burst alone', 'api', 'sms_rate burst=5;', 1, 'rate=');
mistake('off with more', 'api', 'sms_rate off burst=5;', 1, '"off"');
mistake('two rates', 'api', "sms_rate off;\nsms_rate rate=1r/s;", 2, 'is duplicate');
mistake('a rate twice', 'api', 'sms_rate rate=1r/s rate=2r/s;', 1, 'rate=2r/s');
mistake('no time to answer', 'api', 'sms_timeout 0;', 1, 'above 0');

# ---- plugins ----------------------------------------------------------------------

my $sim = 'sms_plugin operator two operator_simulator.so link=2';

mistake('an unknown kind', 'plugin', 'sms_plugin carrier a operator_simulator.so { }', 1,
        'unknown plugin kind "carrier"', 'rule, consent, billing, router, operator, lookup');
mistake("of kind $_, which nothing calls", 'plugin', "sms_plugin $_ a operator_simulator.so { }", 1,
        qq{plugin kind "$_"}, 'this version calls only rule, consent, billing, router, operator, lookup')
    for qw(auth notifier payment signature);

# where the workers can read them, wherever the checkout is
for my $sample (qw(puppet_hold)) {
    copy(build() . "/samples/$sample.so", $nginx->dir) or die "$sample.so: $!\n";
}

mistake('a tariff that keeps the funds', 'plugin',
        'sms_plugin billing two %%DIR%%/puppet_hold.so { }', 1, 'billing_hold', 'does not call');
mistake('a location of a plugin that is not there', 'location',
        'location /x { sms_plugin_location nobody; }', 1, '"sms_plugin_location"', '"nobody" is none');
mistake('of one that takes no requests', 'location',
        "\nlocation /x { sms_plugin_location sim; }", undef, 'has no function http_in',
        'sms_plugin_location');
mistake('beside another handler', 'location', 'location /x { sms_health; sms_plugin_location sim; }',
        1, 'stands beside another of', 'sms_plugin_location');

my $http = 'sms_plugin operator two operator_http.so link=2 { grant http inbound; answer_id id; ';
for my $row (
    [ 'an unknown variable', q(url https://a.example/; body '{"to":"$too"}';), 'body, character 8',
      'unknown variable "$too"', 'known are $to, $to_local, $sender' ],
    [ 'a text outside of quotes', q(url https://a.example/; body '{"to":"$to","text":$text}';),
      '"$text" stands outside of a string', 'only $to, $to_local, $parts' ],
    [ 'no JSON', q(url https://a.example/; body '{"to":"$to" "text":"$text"}';), 'is no JSON' ],
    [ 'a variable for a host', q(url https://$sender/; body '{"to":"$to","text":"$text"}';),
      'url, character 9', 'before the path' ],
    [ 'in the clear', q(url http://192.0.2.1/; body '{"to":"$to","text":"$text"}';), 'plain on' ],
    [ 'a token that is not there', q(url https://a.example/?t=$token; body '{"to":"$to","text":"$text"}';),
      'needs "token"' ],
    [ 'for nobody', q(url https://a.example/; body '{"text":"$text"}';), 'for whom' ],
    [ 'an unknown word', q(url https://a.example/; body '{"to":"$to","text":"$text"}'; answer_code c;
      status 7=perhaps;), '"7=perhaps"', 'sent, retry, throttled' ],
    [ 'a status that is none', q(url https://a.example/; body '{"to":"$to","text":"$text"}';
      http_status 6xx=retry;), '"6xx"', '1xx to 5xx' ],
    [ 'receipts from anybody', q(url https://a.example/; body '{"to":"$to","text":"$text"}';
      receipt_id id; receipt_status s; receipt_state 1=delivered;), 'callback_secret or callback_allow' ])
{
    my ($name, $text, @words) = @$row;
    mistake("operator/http: $name", 'plugin', $http . ($text =~ s/\s+/ /gr) . '}', 1, @words);
}
mistake('no file', 'plugin', 'sms_plugin operator a { }', 1, 'a kind, a name and a file');
mistake('a file that is not there', 'plugin', 'sms_plugin rule a nowhere.so { }', 1, 'nowhere.so');
mistake('a file that is no plugin', 'plugin', 'sms_plugin rule a %%DIR%%/nginx.conf { }', 1,
        'nginx.conf');
mistake('of another kind', 'plugin', 'sms_plugin rule a operator_simulator.so { }', 1,
        'operator_simulator.so');
mistake('a bad name', 'plugin', 'sms_plugin router A%B router_prefix.so { }', 1, '"A%B"');
mistake('a name twice', 'plugin', 'sms_plugin operator sim operator_simulator.so link=2 { }', 1,
        'duplicate plugin name "sim"', 'first in');
mistake('no link', 'plugin', 'sms_plugin operator two operator_simulator.so { grant inbound; }', 1,
        'link=N');
mistake('a bad link', 'plugin', 'sms_plugin operator two operator_simulator.so link=0 { }', 1,
        '1 to 65535');
mistake('a bad class', 'plugin', "$sim classes=otp,ticari { }", 1, '"classes=otp,ticari"',
        'otp, informational, commercial or exempt');
mistake('a class twice', 'plugin', "$sim classes=otp,otp { }", 1, 'each once');
mistake('no class', 'plugin', "$sim classes= { }", 1, 'each once');
mistake('a bad encoding', 'plugin', "$sim encodings=utf8 { }", 1,
        'gsm7, turkish_single, turkish_locking or ucs2');
mistake('abroad or not', 'plugin', "$sim abroad=yes { }", 1, '"abroad=yes"', 'on, off');
mistake('a wait of an operator', 'plugin', "$sim wait=1s { }", 1, 'for a lookup');
mistake('classes of a router', 'plugin',
        'sms_plugin router two router_prefix.so classes=otp { table x; }', 1,
        'operators only');
mistake('a lookup that defers', 'plugin',
        'sms_plugin lookup two lookup_file.so on_error=defer { table x; }', 1, 'on_error=allow');
mistake('a lookup that waits for long', 'plugin',
        'sms_plugin lookup two lookup_file.so wait=4s { table x; }', 1, 'up to 3s');
mistake('ported numbers that are not there', 'plugin',
        'sms_plugin lookup two lookup_file.so { table /nonexistent/x; }', 1,
        '/nonexistent/x: No such file');
my $rule = 'sms_plugin rule two rule_content.so';
mistake('a shadow of nobody', 'plugin', "$rule shadow=one { }", undef, 'sms_plugin "two"', '"shadow=one"',
        'a rule that is no shadow itself');
mistake('a shadow of an operator', 'plugin', "$rule shadow=sim { }", undef, '"shadow=sim"', 'a rule');
mistake('a shadow of itself', 'plugin', "$rule shadow=two { }", undef, '"shadow=two"', 'no shadow itself');
mistake('a shadow of a router', 'plugin', 'sms_plugin router two router_prefix.so shadow=sim { table x; }', 1,
        '"shadow=sim"', 'a rule takes it');
mistake('a share of nothing', 'plugin', "$rule shadow=one share=0% { }", 1, '"share=0%"', '1% to 100%');
mistake('a share without a sign', 'plugin', "$rule shadow=one share=10 { }", 1, '"share=10"', '1% to 100%');
mistake('a share of no shadow', 'plugin', "$rule share=10% { }", 1, 'shadow= only');
mistake('a service without a number', 'plugin',
        'sms_plugin lookup two lookup_http.so { url http://127.0.0.1/; mccmnc_path n; }', 1,
        '{number}');
mistake('a bad way to judge', 'http', 'sms_quality window=1s;', 1, '"window=1s"', '5s to 1h');
mistake('an unknown one', 'http', 'sms_quality speed=1;', 1, '"speed=1"', 'canary=');
mistake('off and more', 'http', 'sms_quality min=5 off;', 1, '"off"', 'alone');
mistake('judged twice', 'http', "sms_quality off;\nsms_quality off;", 2, 'is duplicate');
mistake('a link twice', 'plugin', 'sms_plugin operator two operator_simulator.so link=1 { }', 1,
        'link 1 belongs to "sim"');
mistake('a link of a router', 'plugin', 'sms_plugin router two router_prefix.so link=3 { }', 1,
        'for operators only');
mistake('an unknown option', 'plugin', "$sim speed=1 { }", 1, 'speed=1',
        'link=, operator=, classes=, encodings=, abroad=, wait=, shadow=, share=, on_error=, order=');
mistake('a bad policy', 'plugin', "$sim on_error=ignore { }", 1, 'ignore', 'defer, deny, allow');
mistake('consent that is allowed', 'plugin',
        'sms_plugin consent iys consent_iys.so on_error=allow { }', 1, 'on_error=allow');
mistake('an unknown grant', 'plugin', "$sim {\ngrant inbound root;\n}", 2, 'unknown grant "root"',
        'known are');
mistake('a grant without a name', 'plugin', "$sim {\ngrant;\n}", 2, 'without a name');
mistake('inbound for a router', 'plugin', "sms_plugin router two router_prefix.so {\n"
        . "grant inbound;\n}", 2, 'operators only');
mistake('an unknown key', 'plugin', "$sim {\ngrant inbound dict;\n\nspeed 3;\n}", 4, 'speed');
mistake('a key without a value', 'plugin', "$sim {\ngrant inbound dict;\nwindow;\n}", 3,
        '"window" has no value');
mistake('a value out of range', 'plugin', "$sim {\ngrant inbound dict;\nwindow 0;\n}", 3, 'window',
        '1', '10000');
mistake('no time', 'plugin', "$sim {\ngrant inbound dict;\ndelay soon;\n}", 3, 'delay', 'soon');
mistake('a key twice', 'plugin', "$sim {\ngrant inbound dict;\nwindow 1;\nwindow 2;\n}", 4,
        'window');
mistake('a missing key', 'plugin', 'sms_plugin router two router_prefix.so { }', 1, 'table');
spew($nginx->dir . '/lost', "# destinations\n90 * sim\n44 * nowhere\n");
mistake('a route over no link', 'plugin',
        "sms_plugin router two router_prefix.so {\ntable %%DIR%%/lost;\n}", 1,
        '/lost:3: link "nowhere" is not configured');
my $smpp = "sms_plugin operator far operator_smpp.so link=9 operator=far {\ngrant stream inbound;\n"
           . "host 127.0.0.1; system_id x;\n";
mistake('a kind of bind', 'plugin', "${smpp}bind both;\n}", 4, 'bind', 'transceiver', 'paired');
mistake('a word of a status', 'plugin', "${smpp}status 0x455=konsent;\n}", 1, 'status',
        '0x455=konsent', 'failover, stop, or final as', 'consent');
mistake('a certificate without its key', 'plugin', "${smpp}tls on; cert %%DIR%%/lost;\n}", 1,
        'cert and key');
mistake('a question for a receiver', 'plugin', "${smpp}bind receiver; query on;\n}", 1,
        'query and cancel', 'receiver');
mistake('two paths', 'http', 'sms_plugin_path /tmp;', 1, 'is duplicate');
mistake('an unknown directive', 'http', 'sms_databse "x";', 1, 'unknown directive "sms_databse"');

done_testing;


sub mistake {
    my ($name, $where, $text, $line, @words) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    # what is put in stands alone in a file, so that lines can be counted
    my $file = spew($nginx->dir . '/part.conf', $nginx->expand($text));
    my $conf = conf($where => defined $line ? "include $file;" : $text);
    my ($ok, $out) = $nginx->check($conf);

    subtest $name => sub {
        ok(!$ok, 'refused');
        my @said = grep { /\[emerg\]/ } split /\n/, $out;
        is(scalar @said, 1, 'in one line') or diag($out);
        my $said = $said[0] // '';

        like($said, $line ? qr{ in \Q$file\E:$line$} : qr{ in \S+/nginx\.conf:\d+$},
             'with file and line');
        like($said, qr/\Q$_\E/, "says: $_") for @words;
    };

    return;
}


sub conf {
    my (%put) = (%$base, @_);

    spew($nginx->dir . '/routes', "90 * sim\n");
    my $api = $put{no_api} ? '' : "location /v1/ { sms_api; $put{api}\n }";
    my $plugins = $put{no_api} ? '' : <<'EOC';
    sms_plugin operator sim operator_simulator.so link=1 {
        grant inbound dict;
    }
EOC

    return <<"EOC";
%%GLOBALS%%
events { worker_connections 64; }
http {
    %%GLOBALS_HTTP%%
    $put{database}
    sms_plugin_path %%PLUGINS%%;
    $put{http}
    $plugins
    $put{plugin}
    server {
        listen 127.0.0.1:%%PORT_0%%;
        $api
        $put{location}
    }
}
EOC
}
