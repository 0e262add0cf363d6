package Bench::Nginx;

# nginx under callgrind; it starts and answers late.

use strict;
use warnings;

use parent 'SMS::Nginx';


# workers, who write the profile, are not root
sub new {
    my ($class, %opt) = @_;
    my $self = $class->SUPER::new(%opt);

    chmod 0777, $self->dir;
    return $self;
}


sub command {
    my ($self, @more) = @_;

    return ('valgrind', '-q', '--tool=callgrind', '--dump-instr=no',
            "--callgrind-out-file=$self->{dir}/callgrind.%p", $self->SUPER::command(@more));
}


# the command line of a worker begins with valgrind's
sub worker_pids {
    my ($self) = @_;
    my $master = $self->{master} // return;

    return SMS::Tap::slurp("/proc/$master/task/$master/children") =~ /(\d+)/g;
}

1;
