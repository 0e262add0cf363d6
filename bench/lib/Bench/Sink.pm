package Bench::Sink;

# A program of this folder that listens until its input ends and answers each
# line of it with a line of numbers: bench/sink, bench/callback.
#
#   my $sink = Bench::Sink->new("$bin/sink", '--receipt-ms', 100);
#   $sink->port    $sink->pid
#   $sink->ask     { name => number, … }
#   $sink->end

use strict;
use warnings;

use IPC::Open2 qw(open2);


sub new {
    my ($class, @command) = @_;
    my $self = bless {}, $class;

    $self->{pid} = open2($self->{out}, $self->{in}, @command);
    ($self->{port}) = (readline($self->{out}) // '') =~ /^port (\d+)$/
        or die "bench: $command[0] does not listen\n";
    return $self;
}


sub pid { return $_[0]{pid} }
sub port { return $_[0]{port} }


sub ask {
    my ($self) = @_;

    syswrite $self->{in}, "\n";
    return { (readline($self->{out}) // die "bench: a sink has ended\n") =~ /(\w+)=(\d+)/g };
}


sub end {
    my ($self) = @_;

    return unless $self->{pid};
    close $self->{in};
    waitpid delete $self->{pid}, 0;
    return;
}

1;
