#!/usr/bin/perl

# The plugin header may only grow.  Three gates: the layout table, abidiff, and
# plugins built with an older header that run under a newer host.
#
# When this fails because you changed plugins/sdk/sms_plugin.h:
#   before the first release of a minor version: run plugins/sdk/abi/freeze;
#   after it: append members only, raise SMS_ABI_MINOR, add a line to HISTORY in
#   the header, then run plugins/sdk/abi/freeze.  The files of older minors stay.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $sdk = "$root/plugins/sdk";
my $abi = "$sdk/abi";
my $tmp = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';


sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return <$in>;
}


sub spew {
    my ($file, $text) = @_;

    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    return $file;
}


# lines of the committed table that are missing in the header's
sub missing {
    my ($table, $file) = @_;

    my %now = map { $_ => 1 } split /\n/, `$abi/layout $file`;
    return undef if $?;
    return [ grep { !$now{$_} } split /\n/, $table ];
}


sub witness {
    my ($file, $name) = @_;

    my $source = spew("$tmp/$name.c", scalar `$abi/layout --witness $file`);
    system("$cc -std=c11 -w -g -O0 -fPIC -shared -o $tmp/$name.so $source") == 0
        or die "witness does not compile\n";
    return "$tmp/$name.so";
}


my $header = "$sdk/sms_plugin.h";
my $text = slurp($header);
my ($major) = $text =~ /^#define SMS_ABI_MAJOR\s+(\d+)/m;
my ($minor) = $text =~ /^#define SMS_ABI_MINOR\s+(\d+)/m;
my $version = "$major.$minor";
my $again = "run plugins/sdk/abi/freeze, or raise SMS_ABI_MINOR first (see this file's head)";

like($text, qr/^ \*.*\b\Q$version\E\s+\S/m, "HISTORY has a line for $version");


# 1: the frozen copy

ok(-f "$sdk/frozen/sms_plugin-$version.h", "frozen/sms_plugin-$version.h is there")
    or BAIL_OUT($again);
is($text eq slurp("$sdk/frozen/sms_plugin-$version.h"), 1,
   "the header is what frozen/sms_plugin-$version.h says") or diag($again);


# 2: layout tables, of this minor and of every older one of the same major

for my $file (glob "$abi/$major.*.layout") {
    my $lost = missing(slurp($file), $header);
    (my $name = $file) =~ s{.*/}{};
    is_deeply($lost, [], "every line of $name is still true") or diag($again);
}

my $table = slurp("$abi/$version.layout");
cmp_ok(scalar(split /\n/, $table), '>', 300, 'the table covers the header');
for my $line ('sms_host_s.core', 'sms_core_api_t.complete', 'sms_ops_t.operator_window',
              'sms_msg_t.nattrs', 'sms_stream_api_t.connect', 'sms_manifest_t.summary',
              'sizeof sms_str_t', 'SMS_E_INTERNAL =', 'SMS_KIND_LOOKUP =')
{
    like($table, qr/^\Q$line\E /m, "it has $line");
}


# the gate is shut for what breaks plugins, and open for growth

my @changes = (
    [ 'member inserted', sub { s/(    uint64_t  account;)/    uint64_t  extra;\n$1/ }, 1 ],
    [ 'members swapped', sub { s/(drain\))(.*?)(exit\))/exit)$2drain)/s }, 1 ],
    [ 'member widened', sub { s/uint16_t  parts;/uint32_t  parts;/ }, 1 ],
    [ 'member removed', sub { s/    uint32_t  link;  +.*?\n// }, 1 ],
    [ 'enumerators renumbered', sub { s/SMS_OK        = 0/SMS_OK        = 7/ }, 1 ],
    [ 'a type without stride grows', sub { s/size_t len; \} sms_str_t/size_t len, cap; } sms_str_t/ }, 1 ],
    [ 'enumerator appended', sub { s/SMS_KIND_LOOKUP\b/SMS_KIND_LOOKUP, SMS_KIND_NEXT/ }, 0 ],
    [ 'member appended', sub { s/(\} sms_verdict_t;)/uint64_t extra; $1/ }, 0 ],
);
for my $change (@changes) {
    my ($name, $edit, $shut) = @$change;

    local $_ = $text;
    $edit->();
    isnt($_, $text, "$name: the change was made");
    my $lost = missing($table, spew("$tmp/changed.h", $_));
    ok(defined $lost && (@$lost ? 1 : 0) == $shut, "$name: " . ($shut ? 'refused' : 'allowed'));
}


# 3: abidiff, for what keeps its size, such as a callback's signature

SKIP: {
    chomp(my $machine = `uname -m`);
    skip 'abidiff (abigail-tools) is not installed', 4 if system('command -v abidiff >/dev/null') != 0;
    skip "the committed .abi is of x86_64, this is $machine", 4 if $machine ne 'x86_64';
    ok(-f "$abi/$version.abi", "$version.abi is there") or last SKIP;

    my $out = `abidiff $abi/$version.abi @{[ witness($header, 'witness') ]} 2>&1`;
    is($?, 0, 'abidiff sees no difference') or diag($out, $again);

    (my $changed = $text) =~ s/(\(\*complete\)\(sms_host_t \*h, sms_call_t call, sms_rc_t) rc/$1 *rc/;
    isnt($changed, $text, 'complete() with another signature');
    `abidiff $abi/$version.abi @{[ witness(spew("$tmp/signature.h", $changed), 'signature') ]}`;
    isnt($?, 0, 'is seen by abidiff');
}


# 4: plugins built with the old header of a pair, host built with the grown one

my $old = "$abi/fixture/old";
my $grown = "$abi/fixture/grown";
my $before = slurp("$abi/$version.layout");
is_deeply(missing($before, "$old/sms_plugin.h"), [], 'fixture: the old header is the table\'s')
    or diag($again);
is_deeply(missing($before, "$grown/sms_plugin.h"), [], 'fixture: the grown one only adds');
my $more = () = slurp("$grown/sms_plugin.h") =~ /grown_by/g;
cmp_ok($more, '>', 30, "fixture: $more structs have grown");

my $check = "$tmp/check";
is(system("$cc -std=gnu11 -O1 -g -w -rdynamic -I$grown -I$sdk/fakehost -I$sdk/check -o $check "
          . "$sdk/check/*.c $sdk/fakehost/*.c -ldl -lpthread"), 0, 'a host with the grown header');

my %plugins = (template => "$sdk/template/my_plugin.c",
               simulator => "$root/plugins/operator/simulator/*.c");
for my $name (sort keys %plugins) {
    is(system("$cc -std=gnu11 -O1 -g -w -fPIC -fvisibility=hidden -shared -Wl,-z,defs -I$old "
              . "-o $tmp/$name.so $plugins{$name}"), 0, "$name with the old header");
    my $out = `$check $tmp/$name.so 2>&1`;
    is($?, 0, "$name from before runs under it")
        or diag(join "\n", grep { /^not ok/ } split /\n/, $out);
}

# and the pair really differs: a plugin that uses its own sizeof for host arrays fails
is(system("$cc -std=gnu11 -w -fPIC -fvisibility=hidden -shared -I$old -o $tmp/stride.so "
          . "$root/t/plugins/bad_stride.c"), 0, 'one with sizeof in place of the stride');
my $out = `$check $tmp/stride.so 2>&1`;
isnt($?, 0, 'fails');

# a later minor is refused while major is 0
SKIP: {
    skip 'major is not 0', 2 if $major;
    (my $next = $text) =~ s/^(#define SMS_ABI_MINOR\s+)\d+/$1 . ($minor + 1)/me;
    mkdir "$tmp/next";
    spew("$tmp/next/sms_plugin.h", $next);
    is(system("$cc -std=gnu11 -w -fPIC -fvisibility=hidden -shared -I$tmp/next "
              . "-o $tmp/next.so $sdk/template/my_plugin.c"), 0, 'one of the next minor');
    like(scalar `$check $tmp/next.so 2>&1`, qr/not ok \d+ - manifest: built for ABI/,
         'is refused');
}

done_testing();
