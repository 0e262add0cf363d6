package Bench::Stand;

# Everything that is measured, put up once: the programs of this folder, the
# database, the nginx of the comparison, and for each block of runs an nginx
# with our module and, when messages shall leave, the sink.
#
#   my $stand = Bench::Stand->new;
#   $stand->open(workers => 1, sink => 0);      a new database, our nginx; more:
#          accounts => 100, iys => 'http://…' (consent/iys asks there), reconnect =>
#          '1s' (at most), marks => 'digits' (the sink notes when it saw them)
#   $stand->load($stand->ours, connections => 64, seconds => 3, start => 0)
#   $stand->close
#
#   load() answers what bench/load prints, as a hash.   sink() asks the sink.
#   start_sink()   where nobody has listened since open(sink => 0)
#   judge($shape)  asks what must be confirmed of its texts, before they are sent
#   marks()        what the sink noted: number => microseconds
#   comparison()   the other nginx, with as many workers as ours has
#   sequence($n)   a range of n sequence numbers that nobody else gets
#   accepted([$n]) messages that ours has answered with 202 since open(); load()
#                  counts them, whoever sends others adds them
#
#   what processes cost; $server is ours(), comparison() or has processes():
#   cpu($server)           { kinds => { kind => ms }, known, machine, at }
#   peak($server)          kB that its processes had resident at most since
#   forget_peak($server)   side($server)  the kinds that make up its server side

use strict;
use warnings;
use utf8;

use Bench::Database;
use Bench::Process;
use Bench::Sink;
use File::Path qw(make_path remove_tree);
use File::Temp qw(mkdtemp);
use JSON::PP ();
use List::Util qw(sum sum0);
use SMS::Nginx;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my @programs = (
    [ load => qw(load.c workload.c bulk.c latency.c) ],
    [ sink => qw(sink.c seen.c marks.c) ],
    [ drip => qw(drip.c otp.c answer.c marks.c workload.c) ],
    [ blast => qw(blast.c) ],
);


sub new {
    my ($class, %opt) = @_;
    my $self = bless { %opt, next => 0, pid => $$, bin => build() . '/bench' }, $class;

    # not /tmp: there fsync may cost nothing
    $self->{dir} = mkdtemp('/var/tmp/sms-bench-XXXXXX');
    chmod 0755, $self->{dir};
    at_end($self);

    $self->compile;
    $self->{pg} = Bench::Database->new(dir => "$self->{dir}/pg");
    return $self;
}


sub pg { return $_[0]{pg} }
sub rules { return $_[0]{rules} }
sub ours { return $_[0]{ours} }
sub dir { return $_[0]{dir} }
sub bin { return $_[0]{bin} }


sub accepted {
    my ($self, $more) = @_;

    return $self->{accepted} += $more // 0;
}


sub compile {
    my ($self) = @_;
    my $from = root() . '/bench';
    my @flags = qw(-std=gnu11 -O2 -g -Wall -Wextra -Werror);

    make_path($self->{bin});

    for my $program (@programs) {
        my ($name, @sources) = @$program;
        system($ENV{CC} // 'cc', @flags, '-o', "$self->{bin}/$name", map { "$from/$_" } @sources)
            == 0 or die "bench: $name does not compile\n";
    }
}


# nginx without our module: it reads the same requests and answers each with what
# ours has answered to one of them
sub comparison {
    my ($self) = @_;
    my $workers = $self->{ours}{workers};

    return $self->{comparison}{$workers} if $self->{comparison}{$workers};

    my $answer = $self->{answer};
    die "bench: no text for \"return\"\n" if $answer =~ /\$/;
    $answer =~ s/([\\'])/\\$1/g;

    return $self->{comparison}{$workers} = SMS::Nginx->new(
        module => 0, workers => $workers, level => 'notice', conf => <<"EOC")->start;
%%GLOBALS%%
events { worker_connections 4096; }
http {
    %%GLOBALS_HTTP%%
    server {
        listen 127.0.0.1:%%PORT_0%%;
        access_log off;
        keepalive_requests 1000000000;
        location = /v1/messages {
            default_type application/json;
            return 202 '$answer';
        }
    }
}
EOC
}


# bodies of the workload, as the load program would send them
sub body {
    my ($self, $n, $shape) = @_;

    my $confirm = $self->{confirm}{ $shape // '' };
    my $more = join ' ', $confirm ? "--confirm '$confirm'" : (),
               defined $shape ? "--shape $shape --recipients 1" : ();
    my $first = $self->sequence($n);
    my $dump = qx{$self->{bin}/load --print $n --start $first --keys $self->{dir}/keys $more};
    my @bodies = split /\n/, $dump;

    die "bench: no workload\n" if @bodies != $n;
    return wantarray ? @bodies : $bodies[0];
}


sub rules_built { return -f build() . '/plugins/rule_content.so' }


sub configuration {
    my ($self, %opt) = @_;
    my $rules = rules_built() ? 'sms_plugin rule content rule_content.so { }' : '';
    my $routes = "$self->{dir}/routes";
    my $reconnect = $opt{reconnect} // '60s';
    my $consent = $opt{iys} ? <<"EOC" : '';
    sms_plugin consent iys consent_iys.so {
        grant http dict metric;
        base_url $opt{iys};
        username api\@firma.example;
        password parola;
    }
EOC

    spew($routes, "90 * sink\n");
    chmod 0644, $routes;

    return <<"EOC";
%%GLOBALS%%
events { worker_connections 4096; }
http {
    %%GLOBALS_HTTP%%
    sms_database "%%DATABASE%%";
    sms_plugin_path %%PLUGINS%%;
    $rules
$consent
    sms_plugin billing prepaid billing_prepaid.so { grant db; }
    sms_plugin router prefix router_prefix.so { table $routes; }
    sms_plugin operator sink operator_smpp.so link=1 operator=sink {
        grant stream inbound metric dict;
        host 127.0.0.1;
        port $opt{port};
        system_id bench;
        password bench;
        binds $opt{workers};
        window 500;
        reconnect_max $reconnect;
    }
    server {
        listen 127.0.0.1:%%PORT_0%%;
        access_log off;
        keepalive_requests 1000000000;
        location /v1/ { sms_api; sms_rate off; }
        location = /health { sms_health; }
    }
}
EOC
}


sub open {
    my ($self, %opt) = @_;

    $self->{accepted} = 0;
    my @keys = $self->{pg}->fresh(%opt);
    spew("$self->{dir}/keys", join '', map { "$_\n" } @keys);
    $self->{keys} = \@keys;

    # without the sink nobody listens there, and nothing leaves the queue
    $self->{marks} = $opt{marks};
    my $port = $self->{sink_port} = free_port();
    $self->start_sink if $opt{sink};

    my $class = $opt{class} // 'SMS::Nginx';
    $self->{ours} = $class->new(pg => $self->{pg}, workers => $opt{workers},
                                level => 'notice', conf => '');
    $self->{ours}->conf($self->configuration(%opt, port => $port));
    $self->{ours}->start;
    $self->{ours}->ready('/health', 30) or die "bench: nginx is not ready\n";

    if ($opt{sink}) {
        wait_until { $self->sink->{binds} >= 1 } 30, 'the SMPP session' or die "bench: no bind\n";
        sleep 1;
    }

    $self->judge;
    $self->first_answer;
    return;
}


sub post {
    my ($self, $path, $body, $account) = @_;
    my $keys = $self->{keys};

    return $self->{ours}->http->post($path, $body, headers => {
        Authorization => "Bearer $keys->[($account // 0) % @$keys]", 'Content-Type' => 'application/json' });
}


# plugins may still be loading what they need when /health is content
sub first_answer {
    my ($self) = @_;
    my $r;

    wait_until {
        $r = $self->post('/v1/messages', $self->body(1));
        $r->status == 202;
    } 20, 'the first 202' or die 'bench: not accepted: ', $r->body, "\n";

    $self->{answer} = $r->body;
    $self->accepted(1);
    return;
}


# What the rules say about the texts.  Doubts must be confirmed by the sender,
# so the requests carry the codes.
sub judge {
    my ($self, $shape) = @_;
    my (%severity, @problems);

    return unless rules_built();

    # texts may name their account
    my $first = $self->{next};
    my @bodies = $self->body(20, $shape);
    my $all = 0;

    for my $i (0 .. $#bodies) {
        my $r;

        wait_until {
            $r = $self->post('/v1/messages:preview', $bodies[$i], $first + $i);
            $r->status != 503;
        } 20, 'the preview';
        die 'bench: preview: ', $r->body, "\n" if $r->status != 200;
        my @findings = @{ $r->json->{findings} // [] };
        $severity{ $_->{code} } = $_->{severity} for @findings;
        $all += @findings;
    }

    my @block = grep { $severity{$_} eq 'block' } sort keys %severity;
    die "bench: the texts are not lawful: @block\n" if @block;

    my @confirm = grep { $severity{$_} eq 'confirm' } sort keys %severity;
    $self->{confirm}{ $shape // '' } = JSON::PP->new->encode(\@confirm) if @confirm;
    my $found = sprintf '%.1f findings a text (%s)', $all / @bodies,
                join ', ', map { "$_: $severity{$_}" } sort keys %severity;
    $self->{rules} = "content, $found" if !defined $shape;
    return $found;
}


sub close {
    my ($self) = @_;

    $self->{ours}->end if $self->{ours};
    delete $self->{ours};
    $self->stop_sink;
    delete @$self{qw(confirm marks sink_port)};
    return;
}


sub sequence {
    my ($self, $n) = @_;
    my $first = $self->{next};

    $self->{next} += $n;
    return $first;
}


sub load {
    my ($self, $server, %opt) = @_;

    my @options = (port => $server->port(0), keys => "$self->{dir}/keys", %opt);
    my $confirm = $self->{confirm}{ $opt{shape} // '' };
    push @options, confirm => $confirm if $confirm;
    my @command = ("$self->{bin}/load");
    push @command, '--' . shift @options, shift @options while @options;

    CORE::open my $out, '-|', @command or die "bench: load: $!\n";
    my $line = do { local $/; <$out> } // '';
    CORE::close $out or die "bench: load ended with $?\n";

    my $got = { $line =~ /(\w+)=(\S+)/g };
    $self->accepted($got->{messages} // $got->{ok}) if $self->{ours} && $server == $self->{ours};
    return $got;
}


sub start_sink {
    my ($self) = @_;

    my @marks = $self->{marks} ? ('--marks', "$self->{dir}/marks", '--prefix', $self->{marks}) : ();
    $self->{sink} = Bench::Sink->new("$self->{bin}/sink", '--port', $self->{sink_port} // 0,
                                     @marks);
    return $self->{sink}->port;
}


sub marks {
    my ($self) = @_;

    # asked, it has written all
    $self->sink;
    return { slurp("$self->{dir}/marks") =~ /^(\d+) (\d+)$/mg };
}


sub sink { return $_[0]{sink}->ask }


sub stop_sink {
    my ($self) = @_;
    my $sink = delete $self->{sink} // return;

    $sink->end;
    return;
}


# submits a second that the sink takes from one session, alone on the machine
sub sink_speed {
    my ($self) = @_;

    my $port = $self->start_sink;
    my %got = qx{$self->{bin}/blast --port $port --seconds 1} =~ /(\w+)=(\S+)/g;
    $self->stop_sink;
    return $got{rate};
}


# ---- what processes cost ----------------------------------------------------

sub processes {
    my ($self, $server) = @_;

    return $server->processes if $server->can('processes');
    return (nginx => [ $server->master ],
            $self->{ours} && $server == $self->{ours} ? (pg => [ $self->{pg}->postmaster ]) : ());
}


sub side {
    my ($self, $server) = @_;
    my %processes = $self->processes($server);

    return sort keys %processes;
}


# whatever we have started, so that the rest of the machine is what others take
sub known {
    my ($self, %processes) = @_;
    my %pids = map { $_ => 1 } grep { defined } map({ @$_ } values %processes),
               $self->{pg}->postmaster, map({ $_->master } grep { defined } $self->{ours},
                                            values %{ $self->{comparison} // {} });

    return keys %pids;
}


sub cpu {
    my ($self, $server) = @_;
    my %processes = ($self->processes($server),
                     $self->{sink} ? (sink => [ $self->{sink}->pid ]) : ());

    return {
        kinds => { map { $_ => cpu_ms(@{ $processes{$_} }) } keys %processes },
        # with the bench itself, and the programs that it has waited for
        known => 1000 * sum(times) + cpu_ms($self->known(%processes)),
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


sub end {
    my ($self) = @_;

    return if $self->{pid} != $$ || $self->{ended}++;
    $self->close;
    $_->end for values %{ delete $self->{comparison} // {} };
    $self->{pg}->end if $self->{pg};
    remove_tree($self->{dir}) if $self->{dir} =~ m{^/var/tmp/sms-bench-\w{6}$};
    return;
}


sub DESTROY {
    my ($self) = @_;

    local ($@, $?, $!);
    eval { $self->end; 1 } or fault("bench: $@") unless ${^GLOBAL_PHASE} eq 'DESTRUCT';
    return;
}

1;
