package SMS::Smsc;

# SMS::Smsc - t/smsc-sim as an object.
#
#   my $smsc = SMS::Smsc->start(log => "$dir/smsc.jsonl", delay_ms => 5);
#   $smsc->port;
#   $smsc->rule('99', receipt => 'UNDELIV', err => 1);
#   $smsc->rule('98', answer => 'half', times => 1);    # SMS::Smsc::Fault
#   $smsc->wait_for(100);                       # accepted submits, or dies
#   my @got = $smsc->messages;                  # accepted submit_sm, as logged
#   $smsc->inject_mo(from => '905321112233', text => 'ORNEK RET');
#   $smsc->kill9; $smsc->restart;               # same port, log and options
#   $smsc->stop;
#
# start() takes smsc-sim's long options with '_' for '-'; "rules" is a list of
# its --rule strings, "clock" an SMS::Clock.  Without "log" a file in a temporary directory is used, so
# that messages() always works.  The process ends with the object.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time sleep);

my $PROGRAM = abs_path(dirname(__FILE__) . '/../../smsc-sim');
my $JSON = JSON::PP->new->utf8;

sub start {
    my ($class, %opt) = @_;
    my $self = bless { opt => \%opt, pid => 0, owner => $$ }, $class;

    $opt{log} //= ($self->{dir} = tempdir(CLEANUP => 1)) . '/smsc.jsonl';
    $opt{port} //= 0;
    $opt{control} //= 0;
    $self->_spawn;

    return $self;
}

sub _spawn {
    my ($self) = @_;
    my %opt = %{ $self->{opt} };
    my @args = map { ('--rule', $_) } @{ delete $opt{rules} // [] };
    my $clock = delete $opt{clock};
    local %ENV = (%ENV, $clock->environment, LD_PRELOAD => $clock->library) if $clock;

    for my $key (sort keys %opt) {
        (my $name = $key) =~ tr/_/-/;
        push @args, $name =~ /^(shuffle|swap-tlv)$/
                    ? ("--$name") x !!$opt{$key} : ("--$name", $opt{$key});
    }

    # "$$": a bare $$ would be read after the fork, in the child
    my $pid = open my $out, '-|', $^X, $PROGRAM, '--parent', "$$", @args
        or croak "smsc-sim: $!";

    $self->{pid} = $pid;
    $self->{out} = $out;

    while (defined(my $line = <$out>)) {
        $self->{opt}{$1} = $2 if $line =~ /^(port|control) (\d+)$/;
        return if $line =~ /^control /;
    }

    waitpid $pid, 0;
    $self->{pid} = 0;
    croak 'smsc-sim did not start';
}

sub port { $_[0]{opt}{port} }
sub pid  { $_[0]{pid} }
sub log  { $_[0]{opt}{log} }

sub _end {
    my ($self, $signal) = @_;

    return unless $self->{pid};
    delete $self->{control};
    kill $signal, $self->{pid};
    waitpid $self->{pid}, 0;
    $self->{pid} = 0;
    close delete $self->{out};
}

sub stop    { $_[0]->_end('TERM') }
sub kill9   { $_[0]->_end('KILL') }

# On the same ports; what was accepted and has no receipt yet gets it now.
sub restart {
    my ($self) = @_;

    $self->stop;
    $self->_spawn;
}

sub command {
    my ($self, $cmd, %args) = @_;
    my $socket = $self->{control} //= IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{opt}{control},
        Proto => 'tcp') or croak "smsc-sim: control: $@";

    print {$socket} $JSON->encode({ %args, cmd => $cmd }), "\n";
    $socket->flush;

    my $line = <$socket>;

    croak "smsc-sim: $cmd: no answer" unless defined $line;
    my $answer = $JSON->decode($line);
    croak "smsc-sim: $cmd: $answer->{error}" unless $answer->{ok};

    return $answer;
}

# Settings as in start(): delay_ms, receipt_ms, receipt, rate, id ...
sub set      { my ($self, %a) = @_; return $self->command('set', %a) }
# For numbers that end in $suffix; without keys the rule goes away.
sub rule     { my ($self, $suffix, %a) = @_;
               return $self->command('rule', %a, suffix => "$suffix") }
# Another system_id, with settings of its own.
sub user     { my ($self, $id, %a) = @_;
               return $self->command('user', %a, system_id => $id) }
# What goes wrong with binds: status, answer, silent, close, delay; times;
# system_id.  Without any of them: nothing any more.
sub bind_fault { my ($self, %a) = @_; return $self->command('bind_fault', %a) }
sub throttle { my ($self, $n) = @_;
               return $self->command('throttle', count => $n) }

# These are for all connections, or for those of (system_id => ...).
sub drop     { my ($self, %a) = @_; return $self->command('drop', %a) }
sub mute     { my ($self, $on, %a) = @_;
               return $self->command('mute', %a, on => $on // 1) }
sub stall    { my ($self, $on, %a) = @_;        # reads no more
               return $self->command('stall', %a, on => $on // 1) }
sub unbind   { my ($self, %a) = @_; return $self->command('unbind', %a) }
sub enquire  { my ($self, %a) = @_; return $self->command('enquire', %a) }
sub raw      { my ($self, $hex, %a) = @_;
               return $self->command('raw', %a, hex => $hex) }
sub half     { my ($self, %a) = @_; return $self->command('half', %a) }

sub release  { $_[0]->command('release') }      # receipts that wait come now
sub stats    { $_[0]->command('stats') }

# A message from a person; text is characters, octets and udh would be hex.
sub inject_mo {
    my ($self, %a) = @_;
    my $text = delete $a{text};

    if (defined $text) {
        # letters, digits and these marks have ASCII's codes in GSM 7 bit
        if ($text =~ m{^[A-Za-z0-9 !"#%&'()*+,\-./:;<=>?\n\r]*$}) {
            $a{octets} = unpack 'H*', $text;
            $a{data_coding} = 0;

        } else {
            require Encode;
            $a{octets} = unpack 'H*', Encode::encode('UTF-16BE', $text);
            $a{data_coding} = 8;
        }
    }

    return $self->command('mo', to => '4605', %a);
}

# Rows of the log: of one event, or all.
sub events {
    my ($self, $event) = @_;
    my @rows;

    $self->command('flush') if $self->{pid};
    open my $in, '<', $self->{opt}{log} or return;

    while (my $line = <$in>) {
        my $row = eval { $JSON->decode($line) } or next;
        push @rows, $row if !defined $event || $row->{event} eq $event;
    }

    return @rows;
}

# What the SMSC has taken, in order of arrival: SMS::Smsc::Journal.
sub messages {
    my ($self) = @_;
    return grep { $_->{status} == 0 } $self->events('submit');
}

# Waits until there are $n rows that $filter (default: any) accepts in
# messages(), or in events($event); returns them, dies after $seconds.
sub wait_for {
    my ($self, $n, %a) = @_;
    my $until = time + ($a{seconds} // 20);
    my @rows;

    while (1) {
        @rows = defined $a{event} ? $self->events($a{event}) : $self->messages;
        @rows = grep { $a{filter}->($_) } @rows if $a{filter};
        return @rows if @rows >= $n;
        croak sprintf 'smsc-sim: %d of %d after %s s', scalar @rows, $n,
              $a{seconds} // 20 if time > $until;
        sleep 0.02;
    }
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->kill9 if $self->{pid} && $self->{owner} == $$;
}

1;
