package SMS::Pg;

# A database of the test file's own, in a private PostgreSQL.
#
#   my $pg = SMS::Pg->new;                  database from the migrated template
#   my $pg = SMS::Pg->new(schema => 0);     an empty one
#   my $pg = SMS::Pg->new(durable => 1);    own cluster, fsync on: for crashes
#   my $pg = SMS::Pg->new(own => 1, listen => 1, settings => { jit => 'on' });
#   my $pg = SMS::Pg->new(clock => SMS::Clock->new);    by this clock; own
#
# Without "durable", "own", "listen" or "settings" the files of one run share a
# cluster (SMS_RUN names it; a file that runs alone makes one), which runs with
# fsync off: nginx needs "sms_unsafe_database on" there.
#
#   conninfo([$user])   for libpq; user sms_nginx, the workers' role
#   db()                DBI handle of user postgres, errors die, one a process
#   rows($sql, @bind)   list of hash references       value($sql, @bind)  one cell
#   do($sql, @bind)     psql($file_or_sql)            connect(%opt)  another handle
#   log()               the server's log
# own clusters only:
#   stop([$mode]) start() restart() kill9() postmaster()  port() (with listen)

use strict;
use warnings;

use SMS::Tap;

my @fast = qw(fsync=off full_page_writes=off autovacuum=on);
my $count = 0;
my $alone;          # the shared cluster of a file that runs alone


sub new {
    my ($class, %opt) = @_;
    my $self = bless { schema => 1, pid => $$, %opt }, $class;

    $self->{own} ||= $opt{durable} || $opt{listen} || $opt{settings} || $opt{clock};

    if ($self->{own}) {
        $self->make_cluster;
    } else {
        my $shared = $self->shared;
        @$self{qw(dir template)} = @$shared{qw(dir template)};
    }

    $self->make_database;
    at_end($self);
    return $self;
}


sub tool {
    my (@command) = @_;

    my $out = qx{@{[ join ' ', map { quote($_) } root() . '/tools/cluster', @command ]} 2>&1};
    die "tools/cluster @command: $out" if $?;
    chomp $out;
    return $out;
}


sub quote {
    my ($word) = @_;

    $word =~ s/'/'\\''/g;
    return "'$word'";
}


# The run's cluster: in $SMS_RUN when tools/test started us, else in a folder of
# this process.
sub shared {
    my ($self) = @_;

    if ($ENV{SMS_RUN}) {
        return { dir => "$ENV{SMS_RUN}/pg", template => 'sms_template' };
    }

    if (!$alone) {
        $alone = bless { dir => temporary('pg') . '/pg', pid => $$,
                         own => 1, settings => {} }, ref $self;
        $alone->make_cluster;
        $alone->{template} = 'sms_template';
        at_end($alone);
    }

    tool('database', $alone->{dir}, 'sms_template')
        if $self->{schema} && !$alone->{migrated}++;

    return $alone;
}


sub make_cluster {
    my ($self) = @_;

    $self->{dir} //= temporary('pg') . '/pg';
    tool('init', $self->{dir}, 'trust');

    my %settings = %{ $self->{settings} // {} };
    $self->{start} = [ $self->{durable} ? () : @fast ];

    if ($self->{listen}) {
        $self->{port} = free_port();
        push @{ $self->{start} }, 'listen_addresses=127.0.0.1', "port=$self->{port}";
    }

    push @{ $self->{start} }, map { "$_=$settings{$_}" } sort keys %settings;
    $self->start;
    return;
}


sub make_database {
    my ($self) = @_;

    $self->{name} = sprintf 't_%d_%d', $$, ++$count;

    if ($self->{own}) {
        if ($self->{schema}) {
            tool('database', $self->{dir}, $self->{name});
        } else {
            $self->admin("create database $self->{name}");
        }

    } else {
        my $template = $self->{schema} ? "template $self->{template}" : '';
        $self->admin("create database $self->{name} $template");
    }

    return;
}


sub admin {
    my ($self, $sql) = @_;

    my $db = $self->connect(name => 'postgres');
    $db->do("set client_min_messages = warning");
    $db->do($sql);
    $db->disconnect;
    return;
}


sub socket {
    my ($self) = @_;

    my $socket = slurp("$self->{dir}/socket");
    chomp $socket;
    return $socket;
}


sub conninfo {
    my ($self, $user) = @_;

    my $port = $self->{port} ? " port=$self->{port}" : '';
    return sprintf 'host=%s%s dbname=%s user=%s', $self->socket, $port,
                   $self->{name}, $user // 'sms_nginx';
}


sub port { return $_[0]{port} }
sub name { return $_[0]{name} }
sub dir { return $_[0]{dir} }
sub log { return slurp("$_[0]{dir}/log") }


sub connect {
    my ($self, %opt) = @_;

    require DBI;
    local @ENV{grep { /^PG/ } keys %ENV};

    return DBI->connect(
        sprintf('dbi:Pg:host=%s;port=%s;dbname=%s', $self->socket,
                $self->{port} // 5432, $opt{name} // $self->{name}),
        $opt{user} // 'postgres', '',
        { RaiseError => 1, PrintError => 0, AutoCommit => 1,
          pg_enable_utf8 => 1, AutoInactiveDestroy => 1 });
}


# A handle that a killed server has left dead is made anew.
sub db {
    my ($self) = @_;

    if (!$self->{db} || $self->{db_pid} != $$ || !$self->{db}->ping) {
        $self->{db} = $self->connect;
        $self->{db_pid} = $$;
    }

    return $self->{db};
}


sub rows {
    my ($self, $sql, @bind) = @_;

    return @{ $self->db->selectall_arrayref($sql, { Slice => {} }, @bind) };
}


sub value {
    my ($self, $sql, @bind) = @_;

    return ($self->db->selectrow_array($sql, undef, @bind))[0];
}


sub do {
    my ($self, $sql, @bind) = @_;

    return $self->db->do($sql, undef, @bind);
}


sub psql {
    my ($self, $what) = @_;

    my @input = -f $what ? ('-f', $what) : ('-c', $what);
    my $command = join ' ', map { quote($_) } 'psql', '-X', '-q', '-A', '-t',
                  '-v', 'ON_ERROR_STOP=1', @input, $self->conninfo('postgres');
    my $out = qx{$command 2>&1};
    die "psql: $out" if $?;
    return $out;
}


sub must_own {
    my ($self) = @_;

    die "not for the shared cluster: new(own => 1)\n" unless $self->{own};
    return;
}


sub start {
    my ($self) = @_;

    $self->must_own;

    local %ENV = (%ENV, $self->{clock}->environment, LD_PRELOAD => $self->{clock}->library)
        if $self->{clock};
    tool('start', $self->{dir}, @{ $self->{start} });
    return;
}


sub stop {
    my ($self, $mode) = @_;

    $self->must_own;
    $self->drop_handle;
    my $socket = $self->socket;
    return unless alive($self->postmaster);

    # by signal, so that the socket's folder stays for the next start
    kill { fast => 'INT', smart => 'TERM', immediate => 'QUIT' }->{ $mode // 'fast' },
         $self->postmaster;
    wait_until { !-f "$self->{dir}/data/postmaster.pid" } slow(30), 'PostgreSQL to stop';
    return;
}


sub restart {
    my ($self, $mode) = @_;

    $self->stop($mode);
    $self->start;
    return;
}


sub postmaster {
    my ($self) = @_;

    return slurp("$self->{dir}/data/postmaster.pid") =~ /^(\d+)/ ? $1 : undef;
}


# All of its processes at once, as when the machine loses them.
sub kill9 {
    my ($self) = @_;

    $self->must_own;
    $self->drop_handle;
    my $postmaster = $self->postmaster // return;
    my @children = slurp("/proc/$postmaster/task/$postmaster/children") =~ /(\d+)/g;

    kill 'STOP', $postmaster;
    kill 'KILL', $postmaster, @children;
    wait_until { !alive($postmaster) } slow(10), 'PostgreSQL to die';
    return;
}


sub drop_handle {
    my ($self) = @_;

    eval { $self->{db}->disconnect } if $self->{db};
    delete $self->{db};
    return;
}


sub end {
    my ($self) = @_;

    return if $self->{pid} != $$ || $self->{ended}++;
    $self->drop_handle;

    if ($self->{own}) {
        tool('remove', $self->{dir});
    } else {
        $self->admin("drop database if exists $self->{name} with (force)");
    }

    return;
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $?, $!);
    eval { $self->end } unless ${^GLOBAL_PHASE} eq 'DESTRUCT';
    return;
}

1;
