#!/usr/bin/perl

# What the sources offer is documented, and what is documented exists:
# directives, variables, metrics, endpoints, problem codes.  The lists come from
# the tables the code itself is made of; a table that is not there fails.

use strict;
use warnings;

use Test::More;
use SMS::Source;
use SMS::Tap;

# directives: { ngx_string("sms_zone"), NGX_HTTP_MAIN_CONF… in a command table
my (%directive, %variable);

for my $file (files(qr/\.c$/, 'ngx_sms_module')) {
    my $code = code($file);

    while ($code =~ /(?:static\s+)?ngx_command_t\s+\w+\[\]\s*=\s*\{(.*?)\n\};/gs) {
        my $table = $1;
        $directive{$_} = $file for $table =~ /\{\s*ngx_string\("(\w+)"\)/g;
    }

    while ($code =~ /ngx_http_variable_t\s+\w+\[\]\s*=\s*\{(.*?)\n\};/gs) {
        my $table = $1;
        $variable{$_} = $file for $table =~ /\{\s*ngx_string\("(\w+)"\)/g;
    }
}

both_ways('directive', \%directive, 'docs/DIRECTIVES.md', qr/^#{2,4} `?(sms_\w+)`?\s*$/m);
both_ways('variable', \%variable, 'docs/DIRECTIVES.md', qr/^[-*|#]+ *`?\$(sms_\w+)/m);

none([ sort grep { !/^sms/ } keys %directive, keys %variable ],
          'they all begin with sms');

# each directive page says the three things
my $page = content('docs/DIRECTIVES.md');
for my $name (sort keys %directive) {
    my ($text) = $page =~ /^#{2,4} `?$name`?\s*\n(.*?)(?=^#{2,4} |\z)/ms;
    ok(defined $text && $text =~ /Syntax/ && $text =~ /Default/ && $text =~ /Context/,
       "$name has Syntax, Default and Context");
}

# metrics: the counter table, and what the plugins register
my %metric = map { $_->[3] => 1 }
             table('ngx_sms_module/shm/ngx_sms_counter.def', 'NGX_SMS_COUNTER');
$metric{ $_->[1] } = 1
    for table('ngx_sms_module/http/ngx_sms_operator_metric.def', 'NGX_SMS_OPERATOR_METRIC');
both_ways('metric', \%metric, 'docs/METRICS.md', qr/^\|\s*`(sms_\w+)`/m);

# problems, endpoints
my %problem = map { $_->[1] => $_->[2] }
              table('ngx_sms_module/domain/sms_problem.def', 'SMS_PROBLEM');
my $api = content('docs/openapi.yaml');

cmp_ok(keys %problem, '>', 0, 'the problem table is there');
ok(length $api, 'docs/openapi.yaml is there');
none([ grep { $api !~ /(?<![\w-])\Q$_\E(?![\w-])/ } sort keys %problem ],
          'every problem code is in docs/openapi.yaml');

my %endpoint = map { ("$_->[0] $_->[1]" => 1) }
               table('ngx_sms_module/http/ngx_sms_endpoints.def', 'NGX_SMS_ENDPOINT');
cmp_ok(keys %endpoint, '>', 0, 'the endpoint table is there');

my (%described, $path);
my ($paths) = $api =~ /^paths:\s*\n(.*?)(?=^\S|\z)/ms;

for (split /\n/, $paths // '') {
    $path = $1 if m{^  ["']?(/[^"'\s]*?)["']?:\s*$};
    $described{uc($1) . " $path"} = 1 if /^    (get|post|put|patch|delete):/ && $path;
}

# /health and /metrics are handlers of their own, named by directives
delete @described{grep { m{ /(?:health|metrics)$} } keys %described};
is_deeply([ sort keys %described ], [ sort keys %endpoint ],
          'docs/openapi.yaml describes the endpoints, no more and no less');

done_testing;


sub both_ways {
    my ($what, $have, $file, $pattern) = @_;
    my $text = content($file);
    my %told = map { $_ => 1 } $text =~ /$pattern/g;

    cmp_ok(keys %$have, '>', 0, "the sources have a $what");
    none([ grep { !$told{$_} } sort keys %$have ], "every $what is in $file");
    none([ grep { !$have->{$_} } sort keys %told ], "$file invents no $what");
    return;
}
