package SMS::Tap;

# What every test file stands on: where things are, temporary folders, free
# ports, waiting, and a clean end.
#
# The end is part of the test.  SMS::Nginx and SMS::Pg register themselves here;
# at exit they are ended in reverse order, and a fault found then (an alert in
# the log, a sanitizer line, a process that does not stop) makes the file fail
# through its exit code, whatever its plan says.
#
#   root()            the checkout            build()   build or build/san
#   sanitized()       built with ASan/UBSan   valgrind()  nginx under valgrind
#   long()            "make test-long"        rounds($test, $long)  5, or 50
#   temporary($name)  a new folder /tmp/sms-XXXXXX, gone at the end
#   free_port()       a TCP port of 127.0.0.1, ours until the end
#   wait_until { … } $seconds, $what   true when the block was, else a diag
#   reachable($path)  can the nginx workers open it?
#   workers()         the user of the nginx workers
#   alive($pid)       is it there, and not a zombie?
#   slow($seconds)    a time limit that allows for sanitizers and valgrind
#   rfc3339($time)    a moment as the API writes it, whole seconds
#
# Environment: SAN=1, SMS_BUILD (folder), SMS_RUN (folder of the whole run, with
# its PostgreSQL), SMS_VALGRIND=1, SMS_LONG=1, SMS_KEEP=1 (keep the folders).

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(mkdtemp);
use IO::Socket::INET;
use Scalar::Util qw(weaken);
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(root build sanitized valgrind long rounds temporary free_port
                 wait_until reachable workers slow alive fault at_end slurp spew
                 rfc3339);

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $main = $$;
my @ending;         # weak references, in order of birth
my @folders;
my %ports;          # port => UDP socket that marks it as taken
my @faults;

$SIG{$_} = sub { exit 3 } for qw(HUP INT TERM);
$SIG{PIPE} = 'IGNORE';


sub root { return $root }
sub sanitized { return $ENV{SAN} ? 1 : 0 }
sub valgrind { return $ENV{SMS_VALGRIND} ? 1 : 0 }
sub long { return $ENV{SMS_LONG} ? 1 : 0 }
sub workers { return $> == 0 ? 'www-data' : scalar getpwuid($>) }


sub build {
    my $build = $ENV{SMS_BUILD} // (sanitized() ? 'build/san' : 'build');

    return $build =~ m{^/} ? $build : "$root/$build";
}


sub rounds {
    my ($test, $long) = @_;

    return $ENV{SMS_ROUNDS} if $ENV{SMS_ROUNDS};
    return long() ? $long : $test;
}


sub slow {
    my ($seconds) = @_;

    return $seconds * (valgrind() ? 10 : sanitized() ? 3 : 2);
}


sub temporary {
    my ($name) = @_;

    my $dir = mkdtemp('/tmp/sms-XXXXXX');
    chmod 0755, $dir;
    push @folders, $dir;
    return $dir;
}


# The UDP socket keeps the number from being handed out twice by test files
# that run at the same time.
sub free_port {
    for (1 .. 200) {
        my $port = 20000 + int rand 12000;

        my $mark = IO::Socket::INET->new(Proto => 'udp',
            LocalAddr => '127.0.0.1', LocalPort => $port) or next;
        my $probe = IO::Socket::INET->new(Proto => 'tcp', Listen => 1,
            LocalAddr => '127.0.0.1', LocalPort => $port) or next;

        close $probe;
        $ports{$port} = $mark;
        return $port;
    }

    die "no free port\n";
}


sub wait_until (&;$$) {
    my ($block, $seconds, $what) = @_;
    my $until = time() + ($seconds // slow(10));

    while (1) {
        my $result = $block->();
        return $result if $result;
        last if time() > $until;
        sleep 0.02;
    }

    Test::More::diag('waited in vain for ' . $what) if defined $what;
    return;
}


# A killed daemon may stay a zombie for as long as init likes.
sub alive {
    my ($pid) = @_;

    return 0 unless $pid && kill 0, $pid;
    return slurp("/proc/$pid/stat") =~ /\) ([A-Z]) / && $1 ne 'Z' ? 1 : 0;
}


# Every folder on the way must let others through.
sub reachable {
    my ($path) = @_;

    $path = abs_path($path) // return 0;
    return 0 unless (stat $path)[2] & 04;

    for (my $dir = dirname($path); ; $dir = dirname($dir)) {
        return 0 unless (stat $dir)[2] & 01;
        return 1 if $dir eq '/';
    }
}


sub rfc3339 {
    my ($time) = @_;
    my @t = gmtime $time;

    return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}


sub slurp {
    my ($path) = @_;

    open my $in, '<:raw', $path or return '';
    local $/;
    return <$in> // '';
}


sub spew {
    my ($path, $text) = @_;

    utf8::encode($text) if utf8::is_utf8($text);
    open my $out, '>:raw', $path or die "$path: $!\n";
    print {$out} $text;
    close $out or die "$path: $!\n";
    return $path;
}


sub fault {
    my ($text) = @_;

    push @faults, $text;
    Test::More::diag($text);
    return;
}


# $object->end is called once, before the objects that were born earlier.
sub at_end {
    my ($object) = @_;

    push @ending, $object;
    weaken $ending[-1];
    return;
}


END {
    if ($$ == $main) {
        my $code = $?;

        for my $object (reverse @ending) {
            next unless $object;
            eval { $object->end; 1 } or fault("at the end: $@");
        }

        if ($ENV{SMS_KEEP}) {
            Test::More::diag("kept: @folders") if @folders;
        } else {
            remove_tree($_, { safe => 0 }) for @folders;
        }

        $? = $code ? $code : @faults ? 1 : 0;
    }
}

1;
