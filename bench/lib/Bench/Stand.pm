package Bench::Stand;

# Everything that is measured, put up once: the programs of this folder, the
# database, the nginx of the comparison, and for each block of runs an nginx
# with our module and, when messages shall leave, the sink.
#
#   my $stand = Bench::Stand->new;
#   $stand->open(workers => 1, sink => 0);      a new database, our nginx
#       receipts => 0: the operator is asked for none; hooks => 1: a sink for webhooks
#       accounts => 100; database => one that was kept; reconnect => '1s': at most;
#       iys => 'http://…': consent/iys asks there; marks => 'digits': the sink notes
#       when it saw such numbers
#   $stand->load($stand->ours, connections => 64, seconds => 3, start => 0)
#   $stand->close
#
#   load() answers what bench/load prints, as a hash.   sink(), hooks() ask the sinks.
#   comparison()   the other nginx, with as many workers as ours has
#   sequence($n)   a range of n sequence numbers that nobody else gets
#   accepted([$n]) messages that ours has answered with 202 since open(); load()
#                  counts them, whoever sends others adds them
#   start_sink()   where nobody has listened since open(sink => 0)
#   judge($shape)  asks what must be confirmed of its texts, before they are sent
#   marks()        what the sink noted: number => microseconds
#   is_ours($server)       pids()   of all that runs
#   kannel(store => 'memory', receipts => 0)   a Bench::Kannel, ended by close
#   far()          kind => [ pids ] of the sinks that ours has
#   webhooks($url) registers it for every account
#   untold()       messages accepted since then whose delivery was not called back

use strict;
use warnings;
use utf8;

use Bench::Database;
use Bench::Kannel;
use Bench::Sink;
use File::Path qw(make_path remove_tree);
use File::Temp qw(mkdtemp);
use JSON::PP ();
use SMS::Nginx;
use SMS::Tap;
use Time::HiRes qw(sleep);

my @programs = (
    [ load => qw(load.c workload.c bulk.c answer.c latency.c) ],
    [ sink => qw(sink.c seen.c listener.c marks.c) ],
    [ drip => qw(drip.c otp.c answer.c marks.c workload.c) ],
    [ callback => qw(callback.c seen.c listener.c) ],
    [ blast => qw(blast.c) ],
);


sub new {
    my ($class, %opt) = @_;
    my $self = bless { %opt, next => 0, contenders => [], pid => $$,
                       bin => build() . '/bench' }, $class;

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


sub is_ours { return $_[0]{ours} && $_[1] == $_[0]{ours} }


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
    my $registered = $opt{receipts} // 1;
    my $reconnect = $opt{reconnect} // '60s';
    my $consent = $opt{iys} ? <<"EOC" : '';
    sms_plugin consent iys consent_iys.so {
        grant http dict metric db;
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
    sms_webhook_private on;
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
        registered_delivery $registered;
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

    my $pg = $self->{pg};
    $self->{keys} = defined $opt{database} ? $pg->again($opt{database}) : $pg->fresh(%opt);
    $self->{accepted} = $pg->value('select count(*) from sms.message');
    spew("$self->{dir}/keys", join '', map { "$_\n" } @{ $self->{keys} });

    # without the sink nobody listens there, and nothing leaves the queue
    $self->{marks} = $opt{marks};
    my $port = $self->{sink_port} = free_port();
    $self->start_sink if $opt{sink};
    $self->{hooks} = Bench::Sink->new("$self->{bin}/callback") if $opt{hooks};

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

    $self->{pg}->do(q{select sms.link_receipts(1, 'none')}) if !($opt{receipts} // 1);
    $self->judge;
    $self->first_answer;
    return;
}


sub post {
    my ($self, $path, $body, $account) = @_;
    my $keys = $self->{keys};

    return $self->{ours}->http->post($path, $body, headers => {
        Authorization => "Bearer $keys->[($account // 0) % @$keys]",
        'Content-Type' => 'application/json' });
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
    my %severity;

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
    $self->{rules} = sprintf 'content, %.1f findings a text (%s)', $all / @bodies,
                     join ', ', map { "$_: $severity{$_}" } sort keys %severity
        if !defined $shape;
    return;
}


sub close {
    my ($self) = @_;

    $self->{ours}->end if $self->{ours};
    delete $self->{ours};
    $_->end for splice @{ $self->{contenders} };
    $_->end for grep { defined } delete @$self{qw(sink hooks)};
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

    my @options = (port => $server->port(0), $self->load_options($server, $opt{shape}), %opt);
    my @command = ("$self->{bin}/load");
    push @command, '--' . shift @options, shift @options while @options;

    CORE::open my $out, '-|', @command or die "bench: load: $!\n";
    my $line = do { local $/; <$out> } // '';
    CORE::close $out or die "bench: load ended with $?\n";

    my $got = { $line =~ /(\w+)=(\S+)/g };
    my $counts = $self->is_ours($server) ? $self : $server;
    $counts->accepted($got->{messages} // $got->{ok}) if $counts->can('accepted');
    return $got;
}


sub load_options {
    my ($self, $server, $shape) = @_;

    return $server->load_options if $server->can('load_options');
    my $confirm = $self->{confirm}{ $shape // '' };
    return (keys => "$self->{dir}/keys", $confirm ? (confirm => $confirm) : ());
}


sub start_sink {
    my ($self) = @_;

    my @marks = $self->{marks} ? ('--marks', "$self->{dir}/marks", '--prefix', $self->{marks})
                               : ();
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


sub hooks { return $_[0]{hooks}->ask }
sub hooks_url { return 'http://127.0.0.1:' . $_[0]{hooks}->port . '/' }


sub far {
    my ($self) = @_;

    return map { $self->{$_} ? ($_ => [ $self->{$_}->pid ]) : () } qw(sink hooks);
}


sub kannel {
    my ($self, %opt) = @_;
    my $kannel = Bench::Kannel->new(bin => $self->{bin}, %opt,
                                    dir => "$self->{dir}/kannel-" . ++$self->{kannels});

    push @{ $self->{contenders} }, $kannel;
    return $kannel;
}


sub webhooks {
    my ($self, $url) = @_;
    my $pg = $self->{pg};

    $pg->do("select sms.setting_set('webhook_http', 'on')");
    $pg->do('select sms.webhook_create(account_id, ?, p_batch => 500)
               from (select distinct account_id from sms.api_key) a', $url);
    $self->{silent} = $self->accepted;
    return;
}


sub untold {
    my ($self) = @_;

    return $self->accepted - $self->{silent} - $self->hooks->{delivered};
}


# submits a second that the sink takes from one session, alone on the machine
sub sink_speed {
    my ($self) = @_;

    my $port = $self->start_sink;
    my %got = qx{$self->{bin}/blast --port $port --seconds 1} =~ /(\w+)=(\S+)/g;
    (delete $self->{sink})->end;
    return $got{rate};
}


# whatever we have started
sub pids {
    my ($self) = @_;
    my @nginx = grep { defined } $self->{ours}, values %{ $self->{comparison} // {} };
    my @running = grep { !$_->{ended} } @{ $self->{contenders} };
    my @kinds = ($self->far, map { ($_->processes, $_->far) } @running);

    return grep { defined } $self->{pg}->postmaster, map({ $_->master } @nginx),
                map({ @$_ } grep { ref } @kinds);
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
