package Bench::Process;

# What processes cost, from /proc.
#
#   cpu_ms(@pids)      user and system time of these processes and everything
#                      under them, also of children that have ended meanwhile
#   machine_ms()       busy time of the whole machine     cores()
#   rss_kb($pid)       resident memory, and of it what is the process's own
#   peak_kb($pid)      the most that was resident, since forget_peak_kb($pid)
#   name_of_machine()  processor, kernel

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();
use SMS::Tap qw(slurp);

our @EXPORT = qw(cpu_ms machine_ms cores rss_kb peak_kb forget_peak_kb name_of_machine);

my $tick = 1000 / POSIX::sysconf(POSIX::_SC_CLK_TCK());


sub tree {
    my (@pids) = @_;
    my @all;

    while (defined(my $pid = shift @pids)) {
        push @all, $pid;
        push @pids, map { slurp("$_/children") =~ /(\d+)/g } glob "/proc/$pid/task/*";
    }

    return @all;
}


# A child that ends moves its whole time to its parent's third and fourth
# number, so the sum over the tree never loses it.
sub cpu_ms {
    my ($ticks) = (0);

    for my $pid (tree(@_)) {
        my (undef, $rest) = slurp("/proc/$pid/stat") =~ /^(\d+ \(.*\)) (.*)$/s or next;
        my @field = split ' ', $rest;
        $ticks += $field[11] + $field[12] + $field[13] + $field[14];
    }

    return $ticks * $tick;
}


# user, nice, system, irq, softirq and steal; guests are in user already
sub machine_ms {
    my (@field) = slurp('/proc/stat') =~ /^cpu +(.*)$/m ? split(' ', $1) : ();

    return ($field[0] + $field[1] + $field[2] + $field[5] + $field[6] + $field[7]) * $tick;
}


sub cores {
    return scalar(() = slurp('/proc/stat') =~ /^cpu\d+ /mg);
}


sub rss_kb {
    my ($pid) = @_;
    my $status = slurp("/proc/$pid/status");
    my ($all) = $status =~ /^VmRSS:\s+(\d+)/m;
    my ($own) = $status =~ /^RssAnon:\s+(\d+)/m;

    return ($all // 0, $own // 0);
}


sub peak_kb {
    my ($pid) = @_;

    return slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m ? $1 : 0;
}


sub forget_peak_kb {
    my ($pid) = @_;

    # without the right to it the peak is that of the process's whole life
    open my $out, '>', "/proc/$pid/clear_refs" or return;
    print {$out} "5\n";
    close $out;
    return;
}


sub name_of_machine {
    my ($model) = slurp('/proc/cpuinfo') =~ /^model name\s*:\s*(.*)$/m;
    my ($memory) = slurp('/proc/meminfo') =~ /^MemTotal:\s*(\d+)/m;
    my @uname = POSIX::uname();

    return sprintf '%d x %s, %.0f GiB, %s %s', cores(), $model // $uname[4],
                   $memory / 1024 / 1024, $uname[0], $uname[2];
}

1;
