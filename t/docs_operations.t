#!/usr/bin/perl

# The commands of docs/OPERATIONS.md work, in their order, on an empty PostgreSQL;
# the account and keys they make can send; what the page says of limits, leases and
# messages is what the code has.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Http;
use SMS::Nginx;
use SMS::Pg;
use SMS::Source;
use SMS::Tap;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $page = content('docs/OPERATIONS.md');
my $pg = SMS::Pg->new(own => 1, schema => 0);
my $work = temporary('operations');

# the checkout, without what the commands write
symlink root() . "/$_", "$work/$_" or die "$_: $!\n" for qw(sql conf tools);

local @ENV{qw(PGHOST PGUSER PGDATABASE)} = ($pg->socket, 'postgres', 'sms');
my (@keys, $schema, $blocks);

while ($page =~ /^```sh run\n(.*?)^```$/gms) {
    my $block = $1;
    my ($title) = substr($page, 0, $-[0]) =~ /.*^#+ (.*?)$/ms;

    spew("$work/block", "set -eu\ncd $work\n$block");
    my $out = qx{sh $work/block 2>&1};
    is($?, 0, "$title: block " . ++$blocks) or diag($block, $out);
    push @keys, $out =~ /^(sms_(?:live|test)_\w+)$/mg;
    $schema //= $out =~ /^(\d+)$/m ? $1 : undef;
}

cmp_ok($blocks, '>', 10, 'there are blocks to run');
my @files = files(qr{^sql/\d{3}_.*\.sql$}, 'sql');
is($schema, 0 + ($files[-1] =~ m{/(\d+)_})[0], 'the schema is the newest');
is(scalar @keys, 2, 'two keys were made');

# the example of the page, with them
my ($conf) = $page =~ /^```nginx main\n(.*?)^```$/ms;
my $nginx = SMS::Nginx->new(pg => $pg);
my ($cert, $key) = $nginx->certificate;
my $link = "link=9 operator=sandbox";

$conf =~ s/^load_module .*?^http \{$/%%GLOBALS%%\nevents { worker_connections 1024; }\nhttp {\n%%GLOBALS_HTTP%%\nsms_unsafe_database on;/ms;
$conf =~ s{/etc/nginx/tls/server\.crt}{$cert};
$conf =~ s{/etc/nginx/tls/server\.key}{$key};
$conf =~ s{/usr/lib/nginx/sms}{%%PLUGINS%%};
$conf =~ s{host=/run/postgresql}{'host=' . $pg->socket}e;
$conf =~ s{listen 443 ssl}{listen 127.0.0.1:%%PORT_0%% ssl};
$nginx->conf($conf);
$nginx->start;

my $http = SMS::Http->new(port => $nginx->port(0), tls => 1);
ok(wait_until(sub { $http->get('/health')->status == 200 }, slow(15), 'ready'), 'it runs')
    or diag($nginx->log);

my %one = (class => 'otp', sender => 'ORNEK', text => 'Kod 481516', to => ['05321112233']);
my $answer = $http->post('/v1/messages', \%one, headers => { Authorization => "Bearer $keys[0]" });
is($answer->status, 202, 'the test key sends') or diag($answer->body);

my $id = $answer->json->{messages}[0]{id};
my $message;
ok(wait_until(sub {
    $message = $http->get("/v1/messages/$id", headers => { Authorization => "Bearer $keys[0]" })->json;
    $message->{state} eq 'delivered';
}, slow(15)), 'and it arrives') or diag(explain($message));

is($http->get('/v1/balance', headers => { Authorization => "Bearer $keys[1]" })->json->{code},
   'invalid-key', 'the key that was taken back does not work');

# figures of the page
my %limit = code('ngx_sms_module/flow/ngx_sms_submission.h') =~ /#define NGX_SMS_(\w+)\s+(\d+)$/mg;
my %lease = code('ngx_sms_module/flow/ngx_sms_leases.h') =~ /#define NGX_SMS_LEASE_(\w+)\s+(\d+)/g;
my ($claim) = code('ngx_sms_module/flow/ngx_sms_link.h') =~ /NGX_SMS_CLAIM_MAX\s+(\d+)/;
my ($plugins) = code('ngx_sms_module/plugin/ngx_sms_plugin.h') =~ /NGX_SMS_PLUGINS_MAX\s+(\d+)/;

like($page, qr/^\| recipients of a request \| $limit{RECIPIENTS_MAX} \|$/m, 'recipients');
my ($hours, $minutes) = ($limit{VALIDITY_MAX} / 3600, $limit{OTP_VALIDITY_MAX} / 60);
like($page, qr/^\| validity \| $limit{VALIDITY_MIN} s to $hours h; one-time codes $limit{OTP_VALIDITY_MIN} s to $minutes min \|$/m,
     'validity');
like($page, qr/^\| parts of one claim \| $claim,/m, 'parts of a claim');
like($page, qr/^\| plugins \| $plugins;/m, 'plugins');
my ($ttl, $renew, $stop) = map { $lease{$_} / 1000 } qw(TTL RENEW STOP);
like($page, qr/$ttl seconds\s+by the database's clock, renewed every $renew; a holder that cannot renew stops by itself\s+after $stop\./,
     'leases');

my ($connections) = code('ngx_sms_module/http/ngx_sms_health.c') =~ /names\[\] = \{(.*?)\}/s;
is(scalar(() = $connections =~ /"\w+"/g), 5, 'five connections a worker');
like($page, qr/opens \*\*five\*\* connections/, 'as the page says');

# what the page quotes is said somewhere
my $said = join '', map { code($_) } files(qr/\.c$/, 'ngx_sms_module', 'plugins');
$said =~ s/"\s*\n\s*"//g;
my @unsaid;
my ($table) = $page =~ /\| it says \| it means \|\n.*?\n(.*?)\n\n/s;
for my $row (split /\n/, $table) {
    my ($quotes) = $row =~ /^\| (.*?) \| /;
    for my $quote ($quotes =~ /`(.*?)`/g) {
        next if $quote =~ /^(?:module|is not binary|unknown directive|worker_connections)/;
        push @unsaid, $quote
            if grep { index($said, $_) < 0 } grep { length > 3 }
               map { s/^\s+|\s+$//gr } split /…|"|name=bind|what=partitions|FILE:LINE/, $quote;
    }
}
none(\@unsaid, 'every message in the table is one of the code');

# the drop-in
my $unit = content('conf/systemd/sms.conf');
my ($grace) = content('docs/DIRECTIVES.md') =~ /worker_shutdown_timeout (\d+)s/;
my ($quit) = $unit =~ m{QUIT/(\d+)/TERM/(\d+)};
cmp_ok($quit, '>', $grace, 'the unit waits longer than the workers may take');
like($unit, qr/^TimeoutStopSec=90$/m, 'and systemd longer than both');

done_testing;
