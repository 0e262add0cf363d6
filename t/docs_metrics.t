#!/usr/bin/perl

# docs/METRICS.md and a running server tell the same metrics, with the same types,
# labels and words; every one of them is counted somewhere in the code.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Source;
use SMS::Tap;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $page = content('docs/METRICS.md');
my (%told, %plugin);

for (split /\n/, $page) {
    my ($name, $type, $labels) = /^\| `(sms_\w+)` \| (\w+) \| ?(.*?) ?\| / or next;
    $told{$name} = { type => $type, labels => join(' ', $labels =~ /`(\w+)`/g) };
}

$plugin{$2} = { from => $1, type => $3 }
    while $page =~ /^\| ([^|]+?) \| `(sms_(?:plugin|link)_\w+)(?:\{[\w,]+\})?` \| (\w+) \|/mg;

# the table, and the code that counts
my @rows = table('ngx_sms_module/shm/ngx_sms_counter.def', 'NGX_SMS_COUNTER');
my %coded;
for my $row (@rows) {
    my ($type, $name, $labels) = @$row[1, 3, 4];
    $coded{$name} = { type => lc $type, labels => $labels =~ /^(\w+)=/ ? $1 : '' };
}
# what the database tells of operators
$coded{ $_->[1] } = { type => 'gauge', labels => join ' ', sort split / /, $_->[2] }
    for table('ngx_sms_module/http/ngx_sms_operator_metric.def', 'NGX_SMS_OPERATOR_METRIC');
is_deeply(\%told, \%coded, 'names, types and labels of the counter table');

my $code = join '', map { code($_) } files(qr/\.c$/, 'ngx_sms_module');
none([ map { "$_->[3]\{$_->[4]}" } grep { $code !~ /\bNGX_SMS_C_$_->[0]\b/ } @rows ],
     'each is counted by some source');

# a server with all plugins that define metrics
my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(
    sim => "receipt_delay 50ms;\n    grant metric;", extra => <<'EOC'));
sms_plugin consent iys consent_iys.so {
    grant http dict metric db;
    base_url http://127.0.0.1:9;
    username u;
    password p;
}
sms_plugin operator smpp operator_smpp.so link=2 {
    grant stream inbound dict metric;
    host 127.0.0.1;
    port 9;
    system_id u;
}
sms_plugin router prefix router_prefix.so { table %%DIR%%/routes; }
EOC
$pg->do(q{select sms.rule_shadow_put(now(), '{s}', '{1}', '{adds}', '{x}', '{1}', '{null}')});
spew($nginx->dir . '/routes', "* * sim\n");
$nginx->start;
ok($nginx->ready('/health'), 'ready');

my $sent = $account->post($nginx, '/v1/messages', { class => 'otp', sender => 'ORNEK',
    text => 'Kod 1234', to => ['05321112233'] });
is($sent->status, 202, 'a message') or diag($sent->body), done_testing, exit;
$account->wait_state($nginx, $sent->json->{messages}[0]{id}, qr/^delivered$/);
is($account->get($nginx, '/v1/nothing')->status, 404, 'and a mistake');

# what this traffic must have moved; some are told once a second
my @moves = (
    'sms_accepted_total{class="otp"}', 'sms_accepted_parts_total', 'sms_accept_seconds_count',
    'sms_requests_total{status="2xx"}', 'sms_requests_total{status="4xx"}',
    'sms_claimed_total', 'sms_parts_submitted_total{outcome="sent"}', 'sms_submit_seconds_count',
    'sms_otp_seconds_count', 'sms_receipts_total', 'sms_settled_total',
    'sms_pg_connections{state="ready"}', 'sms_pg_batches_total{outcome="committed"}',
    'sms_pg_queries_total', 'sms_pg_batch_rows_count', 'sms_pg_batch_seconds_count',
    'sms_plugin_calls_total', 'sms_plugin_seconds_count',
    'sms_plugin_up{kind="operator",name="sim"}',
);
my (%live, %type, %value, @twice, @odd);

wait_until { read_page(); !grep { !$value{$_} } @moves } slow(4);
cmp_ok($value{$_} // 0, '>', 0, "$_ has moved") for @moves;
none(\@twice, 'each metric is announced once');
none(\@odd, 'every line is a metric');

my %announced = map { $_ => { type => $type{$_}, labels => join ' ', sort keys %{ $live{$_} } } }
                grep { $told{$_} } keys %type;
is_deeply(\%announced, \%told, 'the page and the server tell the same');
is_deeply({ map { $_ => $type{$_} } grep { !$told{$_} } keys %type },
          { map { $_ => $plugin{$_}{type} } keys %plugin }, 'and the same of plugins');

done_testing;


sub read_page {
    my $answer = $nginx->http->get('/metrics');

    (%live, %type, %value) = ();
    @twice = @odd = ();
    push @odd, 'content type ' . $answer->header('content-type')
        if $answer->header('content-type') !~ m{^text/plain; version=0\.0\.4};

    for (split /\n/, $answer->body) {
        if (/^# TYPE (\w+) (\w+)$/) {
            push @twice, $1 if $type{$1};
            $type{$1} = $2;
        } elsif (/^(\w+?)(\{.*\})? (-?[\d.]+)$/) {
            my ($series, $labels, $value) = ($1, $2 // '', $3);
            my $name = $type{$series} ? $series : $series =~ s/_(?:bucket|sum|count)$//r;
            $live{$name}{$1} = 1 while $labels =~ /(\w+)="/g;
            delete $live{$name}{le};
            $live{$name} //= {};
            $value{"$series$labels"} = $value;
        } elsif (!/^# HELP \w+ \S/) {
            push @odd, $_;
        }
    }

    return;
}
