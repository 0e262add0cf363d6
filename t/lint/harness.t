#!/usr/bin/perl

# The tests' own tools fail when they must: an alert that nobody expected, a plan
# that was not kept, a file that died, all count; and nothing stays behind.

use strict;
use warnings;

use Test::More;
use SMS::Tap;

my $dir = temporary('harness');
my $lib = root() . '/t/lib';

my $quiet = <<'EOT';
use strict; use warnings;
use Test::More tests => 1;
use SMS::Nginx; use SMS::Tap;
my $nginx = SMS::Nginx->new(module => 0, conf => <<'EOC');
%%GLOBALS%%
events { worker_connections 64; }
http { %%GLOBALS_HTTP%% server { listen 127.0.0.1:%%PORT_0%%; location / { return 204; } } }
EOC
$nginx->start;
is($nginx->http->get('/')->status, 204, 'answers');
print '# ', $nginx->dir, "\n";
my ($pid) = $nginx->worker_pids;
#MORE
EOT

my ($code, $out) = run('quiet.t', $quiet);
is($code, 0, 'a clean end is a pass');
my ($left) = $out =~ m{^# (/tmp/sms-\w+)}m;
ok(defined $left && !-e $left, 'and its folder is gone');

my $killed = 'kill 9, $pid; wait_until { !alive($pid) && $nginx->worker_pids };';

($code, $out) = run('alert.t', $quiet =~ s/#MORE/$killed/r);
like($out, qr/^ok 1/m, 'its only test passes');
isnt($code, 0, 'but a worker that died of a signal fails the file');
like($out, qr/exited on signal 9/, 'and the line is shown');

($code, $out) = run('expected.t', $quiet =~ s/#MORE/\$nginx->kill_worker(0);/r);
is($code, 0, 'unless the test killed it itself');

# the runner's count
spew("$dir/one.t", "use Test::More tests => 2; ok(1); ok(0);\n");
spew("$dir/two.t", "use Test::More tests => 2; ok(1);\n");
spew("$dir/three.t", "use Test::More; ok(1); die 'here';\n");

my $count = counted("$dir/one.t", "$dir/two.t", "$dir/three.t");
is($count->{line}, '3 passed, 3 failed', 'a failure, a broken plan and a death are counted');
isnt($count->{code}, 0, 'and the runner says so');

spew("$dir/none.t", "use Test::More skip_all => 'no reason';\n");
isnt(counted("$dir/none.t")->{code}, 0, 'a run without a test is no success');

spew("$dir/fine.t", "use Test::More tests => 2; ok(1); ok(1);\n");
$count = counted("$dir/fine.t");
is($count->{line}, '2 passed, 0 failed', 'and a good run is one');
is($count->{code}, 0, 'with exit code 0');

done_testing;


sub run {
    my ($name, $text) = @_;

    spew("$dir/$name", $text);
    my $out = qx{'$^X' '-I$lib' '$dir/$name' 2>&1};
    return ($? >> 8, $out);
}


sub counted {
    my (@files) = @_;

    local $ENV{SMS_BUILD} = $dir;
    my $names = join ' ', map { "'$_'" } @files;
    my @lines = split /\n/, qx{'@{[ root() ]}/tools/test' $names 2>&1};
    return { code => $? >> 8, line => $lines[-1] };
}
