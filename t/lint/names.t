#!/usr/bin/perl

# Names: unique files in the module, since nginx's build puts objects of equal
# folders together; public symbols that say which file they come from.

use strict;
use warnings;

use File::Glob qw(:bsd_glob);
use File::Basename qw(basename);
use Test::More;
use SMS::Source;
use SMS::Tap;

my %seen;
my @twice;

for my $file (files(qr/\.(?:c|h|def)$/, 'ngx_sms_module')) {
    my $name = basename($file);
    push @twice, "$file and $seen{$name}" if $seen{$name};
    $seen{$name} = $file;
}

none(\@twice, 'every file name is used once');

my @odd = grep { basename($_) !~ /^(?:ngx_)?(?:http_)?sms_[a-z0-9_]+\.\w+$|^ngx_sms\.h$/ }
          values %seen;
none(\@odd, 'file names begin with sms_ or ngx_sms_');

my @layers = grep { m{^ngx_sms_module/(?:base|domain)/} } values %seen;
my @nginx = grep { basename($_) =~ /^ngx_/ } @layers;
none(\@nginx, 'the plain layers have plain names');

# A public name leads to a header: ngx_sms_lease_want() is told in ngx_sms_lease.h
# or ngx_sms_leases.h of the same layer, sms_json_key() in sms_json_write.h.
my %nouns;

for my $file (files(qr/\.h$/, 'ngx_sms_module')) {
    my ($layer, $noun) = $file =~ m{^ngx_sms_module/(?:(\w+)/)?((?:ngx_)?sms_[a-z0-9]+)\w*\.h$}
        or next;
    $nouns{$layer // ''}{$noun =~ s/s$//r} = 1;
}

my @objects = (glob(build() . '/obj/ngx_sms_module/*/*.o'),
               glob(build() . '/ngx/objs/addon/*/*.o'));
my @stray;

cmp_ok(@objects, '>', 0, 'there are objects');

for my $object (@objects) {
    my ($layer) = $object =~ m{/(\w+)/[^/]+$};
    my $stem = basename($object, '.o');

    for (qx{nm --defined-only --extern-only '$object'}) {
        my ($symbol) = /^\S+ [A-Z] (\S+)/ or next;
        next if $symbol =~ /^__odr_asan|^_GLOBAL_|^ngx_http_sms_module$/;

        my ($noun) = $symbol =~ /^((?:ngx_)?sms_[a-z0-9]+)/;
        push @stray, "$layer/$stem: $symbol"
            unless defined $noun && $nouns{$layer}{$noun =~ s/s$//r};
    }
}

my %once = map { $_ => 1 } @stray;
none([ sort keys %once ], 'public names lead to a header of their layer');

done_testing;
