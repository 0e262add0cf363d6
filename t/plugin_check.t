#!/usr/bin/perl
# limit: 600

# sms-plugin-check passes what is right and fails every broken plugin for its own
# reason; the fake host keeps its promises; the example of docs/PLUGINS.md builds.
#
# A folder plugins/<kind>/<name>/ may hold check.args, an argument of the checker
# a line; --allow follows from its file libs.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Temp qw(tempdir);
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $sdk = "$root/plugins/sdk";
my $tmp = tempdir(CLEANUP => 1);
my $cc = $ENV{CC} || 'cc';
my @warn = qw(-std=gnu11 -O1 -g -Wall -Wextra -Werror);
my @plugin = (@warn, '-fPIC', '-fvisibility=hidden', "-I$sdk", "-I$sdk/include", '-shared',
              '-Wl,-z,now,-z,relro');

# a broken plugin and the line that says so
my %reason = (
    abi         => qr/manifest: built for ABI \d+\.99, this is/,
    alloc       => qr/faults: crashed with SIGSEGV: rule_evaluate, while checking core->alloc/,
    cancelled   => qr/crashed with SIGSEGV: timer, while checking memory of rule_evaluate touched after cancel\(\)/,
    clear       => qr/rule_evaluate n=1: wrote behind its own result struct/,
    consent     => qr/consent_lookup n=7: result 0 is granted as of a time that is unknown/,
    constructor => qr/constructors do no I\/O: one calls open/,
    crash       => qr/operations: crashed with SIGSEGV: rule_evaluate, while checking rule_evaluate n=1024/,
    defer       => qr/rule_evaluate n=1: result 0 defer_until is not in the future/,
    ages        => qr/rule_evaluate n=1: result 0 defer_until is more than 366 days ahead/,
    amount      => qr/billing_quote n=1: result 0 amount_micro 9223372036854775807 is above/,
    ready       => qr/ready\(\) answers 0 or 1: 100/,
    err         => qr/check\(\) and init\(\) write no more than errcap bytes/,
    exit        => qr/operations: ended the process with exit code 0: rule_evaluate/,
    export      => qr/exports nothing else, but there is broken_counter/,
    fd          => qr/leave no descriptor open \(90 more\)/,
    grant       => qr/crashed with SIGSEGV: init, while checking init\(\) without any granted table/,
    hang        => qr/operations: did not come back within 2 s: rule_evaluate, while checking rule_evaluate n=32/,
    init_nomem  => qr/init survives each .*: a failed init\(\) frees nothing/,
    key         => qr/key limit: its default is refused: .*not within 1\.\.100/,
    kind        => qr/its manifest names a kind, but it does not offer router_choose/,
    leak        => qr/init and exit leak no memory: it grows with each cycle/,
    link        => qr/router_choose n=1: result 0 link 99 is not configured/,
    manifest    => qr/manifest: no section \.sms_plugin/,
    never       => qr/rule_evaluate n=1: returned SMS_PENDING and will never be completed/,
    no_cancel   => qr/rule_evaluate n=1: returned SMS_PENDING, but the plugin offers no cancel\(\)/,
    no_id       => qr/operator_submit n=1: result 0 is sent with an operator_id of 0 bytes/,
    nul         => qr/operations: crashed with SIGSEGV: rule_evaluate, while checking rule_evaluate n=1$/m,
    off_loop    => qr/crashed with SIGABRT: complete\(\) called off the loop thread/,
    place       => qr/result 0 finding far at 5000, length 3, is no place in a text/,
    quote       => qr/billing_quote n=1: returned SMS_PENDING, but a quote must finish in the call/,
    range       => qr/rule_evaluate n=1024: result 3 severity 9 out of range/,
    same        => qr/two instances have an instance each: both got the same pointer/,
    service     => qr/survives loop->timer failing: rule_evaluate: .*will never be completed/,
    sleep       => qr/rule_evaluate does not block: it gives up the processor/,
    slow        => qr/rule_evaluate n=32 takes at most \d+ us of CPU time: too slow/,
    stale       => qr/can be cancelled at every point: complete\(\) of a call that has ended/,
    stride      => qr/rule_evaluate n=7: wrote behind its own result struct/,
    string      => qr/rule_evaluate n=1: a result's string changed before the call ended/,
    thread      => qr/leave no thread \(90 more\)/,
    timer       => qr/after exit\(\) there is still: timer/,
    twice       => qr/rule_evaluate n=1: complete\(\) a second time/,
    undefined   => qr/undefined symbols .* not these: sms_no_such_function/,
    write       => qr/operations: crashed with SIGSEGV: rule_evaluate, while checking rule_evaluate n=1$/m,
);


sub run {
    my (@command) = @_;

    my $pid = open my $out, '-|';
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT or die "dup: $!\n";
        exec @command or die "$command[0]: $!\n";
    }
    my $text = do { local $/; <$out> } // '';
    close $out;

    return ($? >> 8, $text);
}


sub compile {
    my (@args) = @_;

    my ($rc, $text) = run(split(' ', $cc), @args);
    diag($text) if $rc;
    return $rc == 0;
}


# passes, and says which lines failed if not
sub passes {
    my ($name, @command) = @_;

    my ($rc, $text) = run(@command);
    ok($rc == 0, $name) or diag(join "\n", grep { /^(?:not ok|#)/ || $rc > 1 } split /\n/, $text);
}


sub slurp {
    my ($file) = @_;

    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return <$in>;
}


my @fakehost = glob "$sdk/fakehost/*.c";
my $check = "$tmp/sms-plugin-check";

ok(compile(@warn, '-rdynamic', "-I$sdk", "-I$sdk/fakehost", "-I$sdk/check", '-o', $check,
           glob("$sdk/check/*.c"), @fakehost, '-ldl', '-lpthread'), 'the checker builds')
    or BAIL_OUT('no checker');

my ($rc, $text) = run($check);
is($rc, 2, 'without arguments: usage');
like($text, qr/^usage: sms-plugin-check/, 'says how');
($rc) = run($check, '/nonexistent.so');
is($rc, 1, 'a file that is not there fails');
($rc, $text) = run($check, "$root/t/plugin_check.t");
like($text, qr/not ok 1 - .* is no 64-bit ELF file/, 'a file that is no ELF file fails');
($rc) = run($check, '--bogus', 'x');
is($rc, 2, 'an unknown option is refused');


# the libraries' own tests

ok(compile(@warn, "-I$sdk", "-I$sdk/fakehost", '-o', "$tmp/fakehost_test",
           "$root/t/plugins/fakehost_test.c", @fakehost, '-lpthread'), 'fakehost_test builds');
passes('the fake host keeps its promises', "$tmp/fakehost_test");

my @simulator = glob "$root/plugins/operator/simulator/*.c";
ok(compile(@warn, "-I$sdk", "-I$sdk/fakehost", '-o', "$tmp/simulator_test",
           "$root/t/plugins/simulator_test.c", @simulator, @fakehost, '-lpthread'),
   'simulator_test builds');
passes('operator/simulator under the fake host', "$tmp/simulator_test");


# broken plugins

my @bad = map { basename($_) =~ s/^bad_|\.c$//gr } glob "$root/t/plugins/bad_*.c";

is_deeply([sort @bad], [sort keys %reason], 'every broken plugin has its reason here');

for my $name (sort @bad) {
    my $so = "$tmp/bad_$name.so";

    compile(@plugin, '-o', $so, "$root/t/plugins/bad_$name.c") or fail("bad_$name builds"), next;
    ($rc, $text) = run($check, '--limit', $name eq 'hang' ? 2 : 60, $so);
    my $failed = join "\n", grep { /^not ok/ } split /\n/, $text;
    is($rc, 1, "bad_$name fails");
    like($failed, $reason{$name}, "bad_$name: for its own reason");
}


# good ones

my $template = "$tmp/my_plugin.so";
ok(compile(@plugin, '-Wl,-z,defs', '-o', $template, "$sdk/template/my_plugin.c"),
   'the template builds');
passes('the template passes', $check, $template);
passes('with a key', $check, $template, 'most_parts=3');
($rc, $text) = run($check, $template, 'most_parts=0');
like($text, qr/not ok \d+ - starts: rc -8, "most_parts: "0" is not within 1\.\.255"/,
     'a wrong value is refused with its reason');

my $simulator = "$tmp/operator_simulator.so";
ok(compile(@plugin, '-Wl,-z,defs', '-o', $simulator, @simulator), 'the simulator builds');
for my $args ([], ['delay=50ms'], ['binds=1', 'delay=20ms', 'receipt_delay=0ms'],
              ['binds=3', 'fail=30', 'receipt_delay=5ms'])
{
    passes("the simulator passes (@$args)", $check, $simulator, @$args);
}


# whatever is built here already, with the checker of the same build

my $build = $ENV{SMS_BUILD} || ($ENV{SAN} ? "$root/build/san" : "$root/build");
$build = "$root/$build" if $build !~ m{^/};

for my $so (sort glob "$build/plugins/*.so") {
    my ($kind, $name) = basename($so) =~ /^([a-z]+)_(\w+)\.so$/ or next;
    my $dir = "$root/plugins/$kind/$name";
    my $own = "$build/sms-plugin-check";
    my $with = -x $own ? $own : $check;
    my (@options, @conf);

    next if $build =~ m{/san$} && !-x $own;
    push @options, map { ('--allow', $_) } qw(libutf8proc libcrypto);
    push @options, map { ('--allow', $_) } qw(libasan libubsan) if $build =~ m{/san$};
    if (-f "$dir/libs") {
        push @options, map { /^-l(\S+)/ ? ('--allow', "lib$1") : () } split ' ',
            slurp("$dir/libs");
    }
    if (-f "$dir/check.args") {
        for my $line (grep { /\S/ && !/^#/ } split /\n/, slurp("$dir/check.args")) {
            if ($line =~ /^(--\w+)\s+(\S+)$/) {
                push @options, $1, $2;
            } else {
                push @conf, $line;
            }
        }
    }
    passes("$kind/$name passes", $with, @options, $so, @conf);
}


# the manual: its code blocks are files; with the SDK alone, they build and pass

my $work = "$tmp/example";
mkdir $work or die "$work: $!\n";
system('cp', '-rL', $sdk, "$tmp/sdk") == 0 or die "cp failed\n";
my $doc = slurp("$root/docs/PLUGINS.md");
my @files;
while ($doc =~ /^```\w+ file=(\S+)\n(.*?)^```/msg) {
    open my $out, '>', "$work/$1" or die "$work/$1: $!\n";
    print $out $2;
    close $out or die "$work/$1: $!\n";
    push @files, $1;
}
is_deeply([sort @files], [qw(Makefile quiet_hours.c quiet_hours_test.c)],
          'docs/PLUGINS.md has the files of the example');
for my $target ('sms-all', 'test', 'check') {
    passes("example: make $target", 'make', '-s', '-C', $work, "SDK=$tmp/sdk", $target);
}

# the flags for other build systems
SKIP: {
    skip 'pkg-config is not installed', 1 if system('command -v pkg-config >/dev/null') != 0;
    local $ENV{PKG_CONFIG_PATH} = "$tmp/sdk";
    my ($flags) = (run('pkg-config', '--cflags', 'sms-plugin'))[1];
    chomp $flags;
    ok(compile(@warn, split(' ', $flags), '-shared', '-o', "$tmp/pc.so",
               "$sdk/template/my_plugin.c"), 'the flags of sms-plugin.pc build the template')
        or diag($flags);
}

# what the manual says about limits and types is what the header says
my $header = slurp("$sdk/sms_plugin.h");
my ($budget) = $header =~ /SMS_CALLBACK_BUDGET_US\s+(\d+)/;
my ($most) = $header =~ /SMS_BATCH_MAX\s+(\d+)/;
my $ms = $budget / 1000;
like($doc, qr/\b$ms ms\b/, 'docs: the time budget');
like($doc, qr/\b$most\b/, 'docs: the largest batch');

# the limits of the host: "timers;  /* 4096 */", the table has them by name
my $host = slurp("$root/ngx_sms_module/plugin/ngx_sms_plugin.h");
my ($limits) = $host =~ /typedef struct \{([^}]*)\} ngx_sms_plugin_limits_t;/;
while ($limits =~ /\b(\w+);\s*\/\*[^*]*?(\d+)(?: (?:MiB|ms|s))?\s*\*\//g) {
    my ($name, $value) = ($1, $2);
    ok((grep { /`$name`/ && /\b$value\b/ } split /\n/, $doc), "docs: limit $name is $value");
}
my ($types) = $header =~ /typedef enum \{ (SMS_CONF_STR.*?)\} sms_conf_type_t/s;
$types =~ s{/\*.*?\*/}{}gs;
for my $type ($types =~ /SMS_CONF_(\w+)/g) {
    like($doc, qr/`$type`/, "docs: configuration type $type");
}
my ($ops) = $header =~ /(\/\* items -> results \*\/.*?)\} sms_ops_t/s;
for my $op ($ops =~ /sms_run_pt (\w+);/g) {
    like($doc, qr/`$op`/, "docs: operation $op");
}

done_testing();
