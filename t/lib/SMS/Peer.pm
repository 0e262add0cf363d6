package SMS::Peer;

# An SMPP peer of t/peers that speaks, and what it has said.
#
#   my $peer = SMS::Peer->start('net_smpp', $port);     # or node_smpp, smpp34, kannel
#   $peer->events('submit')      rows of this event so far
#   $peer->wait_for('bind', 1)   until there are so many
#   SMS::Peer::text($row)        (part, parts, text) of a submit, by the tables of
#                                SMS::Smsc::Text unless the peer decoded it itself
#   $peer->stop

use strict;
use warnings;

use JSON::PP ();
use POSIX qw(WNOHANG);
use SMS::Smsc::Text qw(text_of udh_elements);
use SMS::Tap;

my $JSON = JSON::PP->new->utf8;
my $scenario = root() . '/t/peers/scenario.json';
my $node = root() . '/build/peers/node_modules';


sub scenario { return $JSON->decode(slurp($scenario)) }


# Programs in C say in their first line what they need.
sub compile {
    my ($name) = @_;

    my $source = root() . "/t/peers/$name.c";
    my $out = temporary('peer') . "/$name";
    my ($libs) = slurp($source) =~ /libs: ([^;*]*)/;
    my ($flags) = slurp($source) =~ /cflags: ([^;*\n]*)/;
    my $said = qx{cc -std=gnu11 -Wall -Wextra -Werror -O1 -g -D_GNU_SOURCE @{[ $flags // '' ]} \\
                  -o $out $source $libs 2>&1};

    die "$name.c: $said" if $?;
    return $out;
}


sub command {
    my ($name, $port) = @_;

    my @args = ($scenario, $port);
    my $dir = root() . '/t/peers';

    return (compile('smpp34'), @args) if $name eq 'smpp34';
    return ($^X, "$dir/kannel", @args, compile('loopback')) if $name eq 'kannel';
    return ($^X, "$dir/net_smpp", @args) if $name eq 'net_smpp';

    die "npm's smpp is not in $node: tools/setup test\n" unless -d "$node/smpp";
    $ENV{NODE_PATH} = $node;
    return ('node', "$dir/node_smpp.js", @args);
}


sub start {
    my ($class, $name, $port) = @_;

    my $self = bless { name => $name, out => temporary('peer') . '/out', owner => $$ }, $class;
    my @command = command($name, $port);

    $self->{pid} = fork // die "fork: $!\n";

    if (!$self->{pid}) {
        open STDOUT, '>', $self->{out} or die "$self->{out}: $!\n";
        exec @command or die "$command[0]: $!\n";
    }

    at_end($self);
    $self->wait_for('listening', 1) or die "$name does not start\n";
    return $self;
}


sub events {
    my ($self, $event) = @_;

    return grep { $_->{event} eq $event } map { $JSON->decode($_) }
           slurp($self->{out}) =~ /^(\{.*\})\n/mg;
}


sub wait_for {
    my ($self, $event, $n, $seconds) = @_;

    return wait_until { $self->events($event) >= $n } slow($seconds // 20),
                      "$self->{name}: $n $event";
}


sub text {
    my ($row) = @_;

    my ($ie, $text) = ({}, $row->{text});

    if ($row->{udh}) {
        $ie = udh_elements("\0" . join '', map { pack 'H*', $_ } @{ $row->{udh} });

    } else {
        my $octets = pack 'H*', $row->{octets};
        my $udh = $row->{esm_class} & 0x40 ? substr $octets, 0, 1 + ord $octets, '' : '';
        $ie = udh_elements($udh);
        $text = text_of($octets, $row->{data_coding} // 0, $ie);
    }

    my @place = defined $ie->{0} ? unpack 'xCC', $ie->{0}
              : defined $ie->{8} ? unpack 'xxCC', $ie->{8} : (1, 1);
    return ($place[1], $place[0], $text);
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    kill 'TERM', $pid;
    wait_until { waitpid($pid, WNOHANG) } 5, 'the peer to end' or kill 'KILL', $pid;
    return;
}


sub end { return $_[0]{owner} == $$ ? $_[0]->stop : undef }

1;
