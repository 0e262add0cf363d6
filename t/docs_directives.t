#!/usr/bin/perl

# docs/DIRECTIVES.md and the code say the same: directives in their order, their
# contexts and defaults, variables, plugin kinds, grants and options, and the keys
# of the built-in plugins as the plugins themselves publish them.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Source;
use SMS::Tap;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my $page = content('docs/DIRECTIVES.md');
my $conf = code('ngx_sms_module/http/ngx_sms_conf.c') . code('ngx_sms_module/pg/ngx_sms_pg_conf.c');

directives();
variables();
blocks();
keys_of_plugins();
done_testing;


sub section {
    my ($title) = @_;

    my ($text) = $page =~ /^### \Q$title\E\n(.*?)(?=^##|\z)/ms;
    return $text // '';
}


sub row {
    my ($name, $row) = @_;

    my ($text) = section($name) =~ /^\| \*\*$row:\*\* \| (.*?) \|$/m;
    return ($text // '') =~ tr/`*\\//dr;
}


sub directives {
    my ($table) = code('ngx_sms_module/http/ngx_sms_directives.c')
                  =~ /ngx_sms_directives\[\] = \{(.*?)\n\};/s;
    my %name = (MAIN => 'http', SRV => 'server', LOC => 'location');
    my (@order, %context, %flag);

    while ($table =~ /ngx_string\("(\w+)"\),\s*([^,]+),/g) {
        my ($directive, $flags) = ($1, $2);
        push @order, $directive;
        $flag{$directive} = $flags;
        $context{$directive} = join ', ', map { $name{$_} }
                               grep { $flags =~ /NGX_HTTP_${_}_CONF/ } qw(MAIN SRV LOC);
    }

    cmp_ok(@order, '>', 10, 'the table of directives is there');
    is_deeply([ $page =~ /^### (sms_\w+)$/mg ], \@order, 'the same directives in the same order');

    my %default = defaults();

    for my $directive (@order) {
        is(row($directive, 'Context'), $context{$directive}, "context of $directive");
        like(row($directive, 'Syntax'), qr/^$directive\b/, "syntax of $directive");
        is(row($directive, 'Syntax') =~ /on \| off/ ? 1 : 0, $flag{$directive} =~ /CONF_FLAG/ ? 1 : 0,
           "$directive is a flag, or not");

        my $told = row($directive, 'Default');
        is($told, defined $default{$directive} ? "$directive $default{$directive};"
                  : $directive eq 'sms_node' ? "the host's name" : '—', "default of $directive");
        delete $default{$directive};
    }

    is_deeply([ keys %default ], [], 'every default belongs to a directive');
    return;
}


# as the code sets them, written as in a configuration
sub defaults {
    my %default = (
        sms_unsafe_database  => number('init_value', 'smcf->unsafe_database') ? 'on' : 'off',
        sms_database_timeout => seconds(number('init_msec_value', 'conf->statement_timeout')),
        sms_database_queue   => number('init_uint_value', 'conf->queue_rows'),
        sms_consent_max_age  => number('init_msec_value', 'settings->consent_max_age') / 60000 . 'm',
        sms_webhook_private  => number('init_value', 'settings->webhook_private') ? 'on' : 'off',
        sms_rate             => 'rate=' . number('init_uint_value', 'prev->rate') . 'r/m',
        sms_timeout          => seconds(number('merge_msec_value', 'conf->timeout, prev->timeout')),
    );
    my ($name) = $conf =~ /name = ngx_string\("(\w+)"\)/;

    $default{sms_zone} = "zone=$name:" . constant('NGX_SMS_ZONE_SIZE') / 1024 / 1024 . 'm';
    return %default;
}


sub number {
    my ($macro, $what) = @_;

    my ($value) = $conf =~ /ngx_conf_$macro\(\Q$what\E,\s*(\w+)\)/;
    return BAIL_OUT("no default of $what in the code") unless defined $value;
    return $value =~ /^\d+$/ ? $value : constant($value);
}


sub constant {
    my ($name) = @_;

    my ($value) = $conf =~ /#define\s+$name\s+\(?([\d *]+)\)?/;
    my $product = 1;
    $product *= $_ for split /\s*\*\s*/, $value;
    return $product;
}


sub seconds { return $_[0] / 1000 . 's' }


sub variables {
    my ($table) = code('ngx_sms_module/http/ngx_sms_variables.c')
                  =~ /ngx_sms_variables\[\] = \{(.*?)\n\};/s;

    is_deeply([ $page =~ /^- `\$(sms_\w+)`:/mg ], [ $table =~ /ngx_string\("(sms_\w+)"\)/g ],
              'the same variables in the same order');
    return;
}


sub blocks {
    my $code = code('ngx_sms_module/plugin/ngx_sms_plugin.c');
    my $words = sub {
        my ($table) = $code =~ /\Q$_[0]\E\[\w*\] = \{(.*?)\}/s;
        return $table =~ /"(\w+)"/g;
    };
    my ($kinds) = section('sms_plugin') =~ /^- \*kind\*: (.*?)\.\s/ms;
    # tables of words, by their first one
    my %list = reverse $code =~ /(\w+)\[\w*\] = \{\s*(?:NULL,\s*)?"(\w+)"/g;

    # the kinds that are called, the others are named as such
    my ($last, $more) = $code =~ /kind_called.*?kind <= SMS_KIND_(\w+)((?: \|\| kind == SMS_KIND_\w+)*)/s;
    my @kind = $words->($list{rule});
    my @called = splice @kind, 0, 1 + (grep { $kind[$_] eq lc $last } 0 .. $#kind)[0];
    my %more = map { lc($_) => 1 } $more =~ /KIND_(\w+)/g;
    push @called, grep { $more{$_} } @kind;
    @kind = grep { !$more{$_} } @kind;
    is_deeply([ $kinds =~ /`(\w+)`/g ], \@called, 'kinds');
    my ($refused) = section('sms_plugin') =~ /contract has more kinds \((.*?)\)/s;
    is_deeply([ sort $refused =~ /`(\w+)`/g ], [ sort @kind ], 'and those that are refused');
    is_deeply([ map { /^\| `(\w+)` \| / ? $1 : () }
                split /\n/, ($page =~ /^\| grant \|.*?\n(.*?)\n\n/ms)[0] ],
              [ $words->($list{stream}) ], 'grants');
    is_deeply([ row('sms_plugin', 'Syntax') =~ /on_error=([\w|]+)/ ],
              [ join '|', $words->($list{defer}) ], 'policies');

    my $option = code('ngx_sms_module/http/ngx_sms_directives_plugin.c');
    is_deeply([ sort(row('sms_plugin', 'Syntax') =~ /\[(\w+)=/g) ],
              [ sort($option =~ /ngx_strncmp\(value->data, "(\w+)=",/g) ], 'options');

    # defaults of on_error, by kind
    my ($policies) = $option =~ /ngx_sms_plugin_policies\[\] = \{(.*?)\}/s;
    my %coded = map { lc } $policies =~ /\[SMS_KIND_(\w+)\] = NGX_SMS_ON_ERROR_(\w+)/g;
    my ($told) = section('sms_plugin') =~ /Default:\s*(`defer` for.*?)\.\s/s;
    my %told;
    for my $part (split /;\s*/, $told // '') {
        my ($policy, $rest) = $part =~ /^`(\w+)` for (.*)$/s;
        $told{$_} = $policy for split /,\s*|\s+and\s+/, $rest;
    }
    is_deeply(\%told, \%coded, 'what a failure means for each kind');
    return;
}


# The key tables are asked from the plugins: the shared objects that are shipped.
sub keys_of_plugins {
    my $dir = temporary('keys');
    my $root = root();
    my @flags = sanitized() ? ('-fsanitize=address,undefined') : ();

    spew("$dir/keys.c", source());
    is(system('cc', '-std=gnu11', @flags, "-I$root/plugins/sdk", "-I$root/plugins/sdk/include",
              '-o', "$dir/keys", "$dir/keys.c", '-ldl'), 0, 'the reader of key tables is built')
        or return;

    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    my %type = (1 => 'string', 2 => 'integer', 3 => 'time', 4 => 'size', 5 => 'flag',
                6 => 'choice', 7 => 'secret', 8 => 'path', 9 => 'list');
    my @plugins = grep { m{^plugins/(?!sdk/)} } files(qr/\.c$/, 'plugins');
    my %plugin = map { m{^plugins/(\w+)/(\w+)/} ? ("$1/$2" => "$1_$2") : () } @plugins;

    is_deeply([ sort grep { m{^(?:\w+)/} } $page =~ m{^### (\w+/\w+)$}mg ], [ sort keys %plugin ],
              'a section for each built-in plugin');

    for my $name (sort keys %plugin) {
        my $out = qx{$dir/keys @{[ build() ]}/plugins/$plugin{$name}.so 2>&1};
        utf8::decode($out);
        is($?, 0, "$name tells its keys") or diag($out);

        my @coded = map {
            my ($key, $type, $required, $default, $choices, $min, $max) = split /\t/;
            [ $key, $type{$type}, $required ? 'required' : length $default ? $default : '—',
              $choices =~ s/\|/, /gr, bound($type, $min, $max) ];
        } split /\n/, $out;
        my @told = map {
            my (undef, $key, $type, $default, $values) = map { tr/`*//dr } split / *\| */, s/\\\|/;/gr;
            my @bound = $values =~ /^(\S+) … (\S+)$/ ? map { plain($_) } $1, $2 : ();
            [ $key, $type, $default, @bound ? '' : $values, "@bound" ];
        } section($name) =~ /^(\| `\w+` \|.*)$/mg;

        is_deeply(\@told, \@coded, "keys of $name") or diag(explain([ \@told, \@coded ]));
    }

    return;
}


sub bound {
    my ($type, $min, $max) = @_;

    return $min || $max ? "$min $max" : '';
}


# 10s -> 10000
sub plain {
    my ($text) = @_;
    my %unit = (ms => 1, s => 1000, m => 60_000, h => 3_600_000, d => 86_400_000);

    return $text =~ /^(\d+)(ms|[smhd])$/ ? $1 * $unit{$2} : $text;
}


sub source {
    return <<'EOC';
#include "sms_plugin.h"
#include <dlfcn.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
    const sms_ops_t *const  *ops;
    const sms_conf_key_t     *k;
    void                     *so;
    int                       i;

    so = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    ops = so ? dlsym(so, "sms_plugin_ops") : NULL;

    if (ops == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }

    for (i = 0; (*ops)->conf_keys != NULL; i++) {
        k = SMS_AT(const sms_conf_key_t, (*ops)->conf_keys, (*ops)->conf_key_stride, i);
        if (k->name == NULL) {
            break;
        }
        printf("%s\t%u\t%u\t%s\t%s\t%lld\t%lld\n", k->name, k->type, k->required,
               k->def ? k->def : "", k->choices ? k->choices : "",
               (long long) k->min, (long long) k->max);
    }

    return 0;
}
EOC
}
