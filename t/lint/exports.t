#!/usr/bin/perl

# What a shared object shows to others: nginx's three symbols, a plugin's two.
# nginx loads modules with RTLD_GLOBAL, so anything else could shadow a name of
# another module or plugin.

use strict;
use warnings;

use File::Glob qw(:bsd_glob);
use File::Basename qw(basename);
use Test::More;
use SMS::Source;
use SMS::Tap;

my $module = build() . '/ngx_http_sms_module.so';

is_deeply([ exported($module) ], [qw(ngx_module_names ngx_module_order ngx_modules)],
          'the module exports what nginx reads');

my %folder = map { m{^plugins/(?!sdk/)(\w+)/(\w+)/} ? ("$1_$2" => 1) : () }
             files(qr/\.c$/, 'plugins');
my @built = glob build() . '/plugins/*.so';

cmp_ok(keys %folder, '>', 0, 'there are plugins');
is_deeply([ sort map { basename($_, '.so') } @built ], [ sort keys %folder ],
          'every plugin folder is built, and nothing else');

for my $plugin (@built) {
    is_deeply([ exported($plugin) ], [qw(sms_plugin_manifest sms_plugin_ops)],
              basename($plugin) . ' exports its manifest and its table');
}

# nobody but nginx may be asked for by the module at load time
my @unknown = grep { !/^ngx_/ } map { /^\s+U (ngx_\w+|sms_\w+)/ ? $1 : () }
              qx{nm -D --undefined-only '$module' 2>/dev/null};
none(\@unknown, 'the module lacks no symbol of its own');

done_testing;


sub exported {
    my ($file) = @_;

    my @names = map { /^\S+ [A-Z] (\S+)/ ? $1 : () } qx{nm -D --defined-only '$file' 2>&1};
    return sort grep { !/^__odr_asan/ } @names;
}
