package Bench::Meter;

# What the work of a server costs, in CPU time and memory.  A server is the nginx
# of the stand, that of its comparison, or a contender that has
#   processes()   kind => [ pids ] that do the work
#   far()         kind => [ pids ] that take what it sends
#
#   my $meter = Bench::Meter->new($stand);
#   $meter->side($server)      kinds that are the server's side of the work
#   $meter->cpu($server)       { kinds => { kind => ms }, known, machine, at }
#   $meter->peak($server)      kB that its processes had resident at most since
#   $meter->forget_peak($server)

use strict;
use warnings;

use Bench::Process;
use List::Util qw(sum sum0);
use Scalar::Util qw(weaken);
use Time::HiRes qw(time);


sub new {
    my ($class, $stand) = @_;
    my $self = bless { stand => $stand }, $class;

    weaken $self->{stand};
    return $self;
}


sub processes {
    my ($self, $server) = @_;
    my $stand = $self->{stand};

    return $server->processes if $server->can('processes');
    return (nginx => [ $server->master ],
            $stand->is_ours($server) ? (pg => [ $stand->pg->postmaster ]) : ());
}


sub side {
    my ($self, $server) = @_;
    my %processes = $self->processes($server);

    return sort keys %processes;
}


sub cpu {
    my ($self, $server) = @_;
    my $stand = $self->{stand};
    my %processes = ($self->processes($server),
                     $server->can('far') ? $server->far : $stand->far);
    my %known = map { $_ => 1 } $stand->pids, map { @$_ } values %processes;

    return {
        kinds => { map { $_ => cpu_ms(@{ $processes{$_} }) } keys %processes },
        # whatever is ours, with the bench itself and the programs that it has
        # waited for: the rest of the machine is what others take
        known => 1000 * sum(times) + cpu_ms(keys %known),
        machine => machine_ms(),
        at => time,
    };
}


sub working {
    my ($self, $server) = @_;

    return $server->worker_pids if !$server->can('processes');
    my %processes = $server->processes;
    return map { @$_ } values %processes;
}


sub peak {
    my ($self, $server) = @_;

    return sum0(map { peak_kb($_) } $self->working($server));
}


sub forget_peak {
    my ($self, $server) = @_;

    forget_peak_kb($_) for $self->working($server);
    return;
}

1;
