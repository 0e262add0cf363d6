package SMS::Nginx;

# An nginx of the test file's own: temporary prefix, free ports, our module.
#
#   my $nginx = SMS::Nginx->new(pg => $pg, conf => <<'EOC');
#   %%GLOBALS%%
#   events { worker_connections 512; }
#   http {
#       %%GLOBALS_HTTP%%
#       sms_database "%%DATABASE%%";
#       server { listen 127.0.0.1:%%PORT_0%%; location / { … } }
#   }
#   EOC
#   $nginx->start;                         my $r = $nginx->http->get('/health');
#
# In the configuration: %%GLOBALS%% (module, user, pid, log, workers),
# %%GLOBALS_HTTP%% (temporary folders, access log), %%PORT_n%%, %%DIR%%,
# %%MODULE%%, %%PLUGINS%% (folder that the workers can read), %%DATABASE%%,
# %%CERT%% and %%CERT_KEY%% (made when asked for), and each key of "vars".
#
#   new: conf, pg, workers (1), level (info), vars, module (0: without ours),
#        single (1: master_process off), globals (more text), clock (SMS::Clock),
#        asan (more of ASAN_OPTIONS)
#   conf($text)        another configuration, for the next start or reload
#   check([$text])     (ok, output) of "nginx -t", in list context
#   start  quit  stop (TERM)  restart   reload(wait => 0)
#   crash              master and workers killed with -9
#   kill_worker($i, $signal)   waits for the successor; its alert is expected
#   kill_master        only the master; the workers go on
#   master  worker_pids  port($n)  dir
#   http(%opt)         SMS::Http on PORT_0        ready($path, $seconds)
#   log  access_log    wait_log(qr/…/, $seconds)
#   expect(qr/…/)      an alert of the log that this test provokes
#
# At the end nginx must leave within its time, and its log must hold no alert,
# no emergency, no sanitizer line and (under valgrind) no error but those that
# were expected.  Anything else fails the file.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Glob qw(:bsd_glob);
use POSIX qw(WNOHANG);
use SMS::Http;
use SMS::Tap;
use Test::More ();
use Time::HiRes qw(sleep);

my $plugins;        # folder of plugins that the workers can read


sub new {
    my ($class, %opt) = @_;

    my $self = bless {
        workers => 1, level => 'info', vars => {}, module => 1, globals => '',
        %opt,
        dir => temporary('nginx'), pid => $$, expected => [], ports => [], killed => {},
    }, $class;

    $self->conf($opt{conf}) if defined $opt{conf};
    at_end($self);
    return $self;
}


sub dir { return $_[0]{dir} }
sub master { return $_[0]{master} }
sub log { return slurp("$_[0]{dir}/error.log") . slurp("$_[0]{dir}/stderr") }
sub access_log { return slurp("$_[0]{dir}/access.log") }


sub port {
    my ($self, $n) = @_;

    return $self->{ports}[$n // 0] //= free_port();
}


sub http {
    my ($self, %opt) = @_;

    return SMS::Http->new(port => $self->port(0), %opt);
}


sub expect {
    my ($self, @patterns) = @_;

    push @{ $self->{expected} }, @patterns;
    return;
}


# Workers load plugins after they have dropped privileges, and the checkout may
# be root's alone: then they get a copy.
sub plugins {
    my ($self) = @_;

    return $plugins if $plugins;
    return $plugins = "$ENV{SMS_RUN}/plugins" if $ENV{SMS_RUN};

    my $built = build() . '/plugins';
    my @files = glob "$built/*.so";
    my $plain = $built !~ m{[^\w./+-]};
    return $plugins = $built if $plain && ($> != 0 || @files && reachable($files[0]));

    $plugins = temporary('plugins');
    copy($_, $plugins) or die "$_: $!\n" for @files;
    return $plugins;
}


sub certificate {
    my ($self) = @_;

    my ($cert, $key) = map { "$self->{dir}/tls.$_" } qw(crt key);

    if (!-f $cert) {
        my $out = qx{openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \\
            -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \\
            -keyout $key -out $cert 2>&1};
        die "openssl: $out" if $?;
    }

    return ($cert, $key);
}


sub conf {
    my ($self, $text) = @_;

    return spew("$self->{dir}/nginx.conf", $self->expand($text));
}


sub expand {
    my ($self, $text) = @_;

    my %value = (
        GLOBALS      => sub { $self->globals },
        GLOBALS_HTTP => sub { $self->globals_http },
        DIR          => sub { $self->{dir} },
        MODULE       => sub { build() . '/ngx_http_sms_module.so' },
        PLUGINS      => sub { $self->plugins },
        DATABASE     => sub { $self->{pg} ? $self->{pg}->conninfo
                              : die "SMS::Nginx: %%DATABASE%% needs pg\n" },
        CERT         => sub { ($self->certificate)[0] },
        CERT_KEY     => sub { ($self->certificate)[1] },
        map { my $v = $self->{vars}{$_}; $_ => sub { $v } } keys %{ $self->{vars} },
    );

    $text =~ s{%%(?:PORT_(\d+)|(\w+))%%}
              { defined $1 ? $self->port($1)
                : $value{$2} ? $value{$2}->() : die "SMS::Nginx: no such variable: $2\n" }ge;
    return $text;
}


sub globals {
    my ($self) = @_;

    my $dir = $self->{dir};
    my $text = "pid $dir/nginx.pid;\nerror_log $dir/error.log $self->{level};\n"
             . "worker_processes $self->{workers};\nworker_shutdown_timeout 20s;\n"
             . "daemon off;\n";

    $text .= 'load_module "' . build() . qq{/ngx_http_sms_module.so";\n} if $self->{module};
    $text .= 'user ' . workers() . ";\n" if $> == 0;
    $text .= "master_process off;\n" if $self->{single};

    return $text . $self->{globals};
}


sub globals_http {
    my ($self) = @_;

    my $dir = $self->{dir};
    return join '', "access_log $dir/access.log;\n",
           map { "${_}_temp_path $dir/$_;\n" } qw(client_body proxy fastcgi uwsgi scgi);
}


sub command {
    my ($self, @more) = @_;

    my $dir = $self->{dir};
    my @command = ('/usr/sbin/nginx', '-p', "$dir/", '-c', "$dir/nginx.conf",
                   '-e', "$dir/error.log", @more);

    # "nginx -t" leaves its pools to the system when the configuration is wrong
    my $leaks = grep({ $_ eq '-t' } @more) ? 'no' : 'full';

    unshift @command, 'valgrind', '-q', "--leak-check=$leaks", '--num-callers=30',
            # the module is unloaded before leaks are looked for
            '--keep-debuginfo=yes',
            '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite',
            '--suppressions=' . root() . '/t/valgrind.supp',
            "--log-file=$dir/valgrind.%p" if valgrind();
    return @command;
}


# Set in the child only: perl and psql are not to be preloaded.
sub environment {
    my ($self) = @_;

    my @preload;

    if (my $clock = $self->{clock}) {
        %ENV = (%ENV, $clock->environment);
        @preload = $clock->library;
    }

    $ENV{LD_PRELOAD} = "@preload" if @preload;
    return unless sanitized();

    # ASan's must be the first
    chomp(my $asan = qx{gcc -print-file-name=libasan.so});
    $ENV{LD_PRELOAD} = join ' ', $asan, @preload;

    # nginx's own exit leaves its pools to the system
    $ENV{ASAN_OPTIONS} = join ':', 'detect_leaks=0:abort_on_error=1:disable_coredump=1',
                         $self->{asan} // ();
    $ENV{UBSAN_OPTIONS} = 'print_stacktrace=1';
    return;
}


sub launch {
    my ($self, @command) = @_;

    my $pid = fork // die "fork: $!\n";

    if (!$pid) {
        $self->environment;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/stderr";
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    return $pid;
}


sub check {
    my ($self, $text) = @_;

    my $kept = slurp("$self->{dir}/nginx.conf");
    $self->conf($text) if defined $text;

    my $seen = length slurp("$self->{dir}/stderr");
    my $logged = length slurp("$self->{dir}/error.log");
    my $pid = $self->launch($self->command('-t'));
    waitpid $pid, 0;
    my $ok = $? == 0;
    my $out = substr slurp("$self->{dir}/stderr"), $seen;

    # what is wrong on purpose is not to fail the file, a sanitizer's word is
    if ($out !~ /Sanitizer|runtime error/) {
        truncate "$self->{dir}/stderr", $seen;
        truncate "$self->{dir}/error.log", $logged;
    }

    spew("$self->{dir}/nginx.conf", $kept) if defined $text;
    return ($ok, $out);
}


sub start {
    my ($self) = @_;

    die "SMS::Nginx: already running\n" if alive($self->{master});

    $self->{master} = $self->launch($self->command);

    wait_until {
        die "nginx did not start:\n" . $self->log . "\n"
            if waitpid($self->{master}, WNOHANG) == $self->{master};
        -s "$self->{dir}/nginx.pid"
            && ($self->{single} || $self->worker_pids >= $self->{workers})
            && $self->listens;
    } slow(20), 'nginx to listen' or die "nginx did not start:\n" . $self->log;

    return $self;
}


sub listens {
    my ($self) = @_;

    for my $port (grep { defined } @{ $self->{ports} }) {
        next unless slurp("$self->{dir}/nginx.conf") =~ /\blisten\s[^;]*\b$port\b/;
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or return 0;
    }

    return 1;
}


# Answers 200 there?
sub ready {
    my ($self, $path, $seconds) = @_;

    return wait_until {
        eval { $self->http(timeout => 2)->get($path // '/health')->status == 200 }
    } $seconds // slow(20), 'nginx to be ready';
}


# Workers that serve: not the cache processes, not those that are leaving.
sub worker_pids {
    my ($self) = @_;

    my $master = $self->{master} // return;
    my @children = slurp("/proc/$master/task/$master/children") =~ /(\d+)/g;

    return grep { alive($_) && $self->what_is($_) eq 'worker process' } @children;
}


# What nginx calls itself in "ps"; under valgrind it cannot, and the log must do.
sub what_is {
    my ($self, $pid) = @_;

    if (valgrind()) {
        my ($what) = $self->log =~ /: start (cache manager|cache loader|worker) process $pid$/m;
        return defined $what ? "$what process" : 'worker process';
    }

    return slurp("/proc/$pid/cmdline") =~ /: ([\w ]+ process)\0*$/ ? $1 : '';
}


sub reload {
    my ($self, %opt) = @_;

    my %old = map { $_ => 1 } $self->worker_pids;
    kill 'HUP', $self->{master};

    my $done = wait_until {
        my @now = $self->worker_pids;
        my @new = grep { !$old{$_} } @now;

        @new >= $self->{workers}
            && (@new == @now || valgrind())
            && (defined $opt{wait} && !$opt{wait} || !grep { alive($_) } keys %old);
    } $opt{seconds} // slow(30), 'the workers of the new configuration';

    fault("reload failed:\n" . $self->tail) unless $done;
    return $done;
}


sub kill_worker {
    my ($self, $i, $signal) = @_;

    my @pids = $self->worker_pids;
    my $pid = $pids[$i // 0] // return;
    my $number = $signal // 'KILL';

    $self->expect(qr/worker process $pid exited on signal/);
    $self->{killed}{$pid} = 1;
    kill $number, $pid;

    wait_until { !alive($pid) && $self->worker_pids >= @pids } slow(15),
               'the successor of a killed worker';
    return $pid;
}


sub kill_master {
    my ($self) = @_;

    my @workers = $self->worker_pids;
    my $master = delete $self->{master} // return;

    $self->{killed}{$master} = 1;
    kill 'KILL', $master;
    waitpid $master, 0;
    $self->{orphans} = \@workers;
    return @workers;
}


sub crash {
    my ($self) = @_;

    my @workers = ($self->worker_pids, @{ delete $self->{orphans} // [] });
    my $master = delete $self->{master};

    $self->{killed}{$_} = 1 for grep { defined } $master, @workers;

    # the master first, so that it makes no successors
    if ($master) {
        kill 'KILL', $master;
        waitpid $master, 0;
    }

    kill 'KILL', @workers if @workers;
    wait_until { !grep { alive($_) } @workers } slow(10), 'killed workers to go';
    unlink "$self->{dir}/nginx.pid";
    return;
}


sub quit { my ($self) = @_; return $self->leave('QUIT') }
sub stop { my ($self) = @_; return $self->leave('TERM') }


sub restart {
    my ($self) = @_;

    $self->quit;
    return $self->start;
}


sub leave {
    my ($self, $signal) = @_;

    my @orphans = @{ delete $self->{orphans} // [] };
    kill $signal, @orphans if @orphans;

    if (my $master = delete $self->{master}) {
        my $gone;
        my @pids = ($master, slurp("/proc/$master/task/$master/children") =~ /(\d+)/g);

        kill $signal, $master;
        wait_until { $gone = waitpid($master, WNOHANG) } slow(30);
        fault(sprintf 'nginx left with %s', status_text($?)) if $gone && $gone > 0 && $?;

        if (!$gone) {
            fault("nginx did not leave on $signal:\n" . $self->tail);
            kill 'KILL', @pids;
            waitpid $master, 0;
        }
    }

    if (@orphans && !wait_until { !grep { alive($_) } @orphans } slow(30)) {
        fault("orphaned workers did not leave on $signal");
        kill 'KILL', @orphans;
    }

    return;
}


sub status_text {
    my ($status) = @_;

    return $status & 127 ? 'signal ' . ($status & 127) : 'code ' . ($status >> 8);
}


sub wait_log {
    my ($self, $pattern, $seconds) = @_;

    return wait_until { $self->log =~ $pattern } $seconds // slow(10),
                      "the log to show $pattern";
}


sub tail {
    my ($self) = @_;

    my @lines = split /\n/, $self->log;
    splice @lines, 0, @lines - 40 if @lines > 40;
    return join "\n", @lines;
}


# What nobody may find in a log.
sub complaints {
    my ($self) = @_;

    my @bad;
    my $stack = 0;

    for my $line (split /\n/, $self->log) {
        if ($line =~ /\[(?:alert|emerg)\]|Sanitizer|runtime error:/
            && !grep { $line =~ $_ } @{ $self->{expected} })
        {
            push @bad, $line;
            $stack = $line =~ /ERROR: \w+Sanitizer|runtime error:/ ? 20 : $stack;

        } elsif ($stack > 0 && $line =~ /^\s+#\d+ /) {
            push @bad, $line;
            $stack--;
        }
    }

    # with -q a process without errors leaves its file empty
    for my $file (glob "$self->{dir}/valgrind.*") {
        my ($pid) = $file =~ /(\d+)$/;
        push @bad, slurp($file) if -s $file && !$self->{killed}{$pid};
    }

    return @bad;
}


sub end {
    my ($self) = @_;

    return if $self->{pid} != $$ || $self->{ended}++;
    $self->quit;

    if (my @bad = $self->complaints) {
        splice @bad, 60 if @bad > 60;
        fault("in nginx's log, where nothing of this kind may be:\n" . join "\n", @bad);
        Test::More::diag("the log ends with:\n" . $self->tail);
    }

    return;
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $?, $!);
    eval { $self->end; 1 } or fault("nginx: $@") unless ${^GLOBAL_PHASE} eq 'DESTRUCT';
    return;
}

1;
