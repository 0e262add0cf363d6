package SMS::Iys;

# Starts t/iys-sim for a test and speaks to its control side.
#
#   my $iys = SMS::Iys->start(data => \%fixtures, args => [...]);
#   $iys->url                         http://127.0.0.1:PORT
#   $iys->control(knobs => {...})     POST /_control/knobs, decoded answer
#   $iys->get($path), $iys->post($path, $body), $iys->call($method, ...)
#                                     as a client: [status, decoded body]
#   $iys->token                       a fresh access token, used by the above
#   $iys->stop                        also at the end of the object

use strict;
use warnings;

use File::Basename ();
use File::Temp ();
use HTTP::Tiny ();
use JSON::PP ();

my $json = JSON::PP->new->utf8->canonical;
my $program = File::Basename::dirname(__FILE__) . '/../../iys-sim';


sub start {
    my ($class, %o) = @_;
    my @args = @{ $o{args} // [] };
    my $data;

    if ($o{data}) {
        $data = File::Temp->new(SUFFIX => '.json');
        print $data $json->encode($o{data});
        close $data;
        push @args, '--data', "$data";
    }

    my $pid = open my $out, '-|', $^X, $program, @args
        or die "iys-sim: $!";
    my $line = <$out> // '';

    $line =~ /\Aport ([0-9]+)\n\z/ or die "iys-sim did not start: $line";

    return bless {
        pid => $pid, out => $out, port => $1, owner => $$,
        scheme => (grep { $_ eq '--cert' } @args) ? 'https' : 'http',
        http => HTTP::Tiny->new(timeout => 10, keep_alive => 1,
                                verify_SSL => 0),
    }, $class;
}


sub port { return $_[0]{port} }

sub pid { return $_[0]{pid} }


sub url {
    my ($self) = @_;

    return "$self->{scheme}://127.0.0.1:$self->{port}";
}


sub raw {
    my ($self, $method, $path, $content, %headers) = @_;

    return $self->{http}->request($method, $self->url . $path, {
        headers => { defined $content
                     ? ('Content-Type' => 'application/json') : (), %headers },
        defined $content ? (content => $content) : (),
    });
}


sub control {
    my ($self, $what, $in) = @_;
    my $answer = $self->raw('POST', "/_control/$what",
                            $json->encode($in // {}));

    die "control $what: $answer->{status} $answer->{content}"
        if $answer->{status} != 200;
    return $json->decode($answer->{content});
}


sub token {
    my ($self, $user, $password) = @_;
    my $answer;

    # ten requests a second of everybody's
    for (1 .. 10) {
        $answer = $self->raw('POST', '/oauth2/token', $json->encode({
            grant_type => 'password', username => $user // 'api@firma.example',
            password => $password // 'parola' }));
        last if $answer->{status} != 429 || $answer->{content} !~ /H124/;
        select undef, undef, undef, 0.3;
    }

    die "token: $answer->{status} $answer->{content}"
        if $answer->{status} != 200;
    return $self->{access} = $json->decode($answer->{content})->{access_token};
}


sub call {
    my ($self, $method, $path, $body) = @_;

    $self->token if !$self->{access};

    my $answer = $self->raw($method, $path,
        defined $body ? (ref $body ? $json->encode($body) : $body) : undef,
        Authorization => "Bearer $self->{access}");
    my $text = $answer->{content} // '';

    return [$answer->{status}, $text =~ /\A[\[{]/ ? $json->decode($text)
                                                  : $text];
}


sub get { return $_[0]->call('GET', $_[1]) }

sub post { return $_[0]->call('POST', $_[1], $_[2]) }


sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;

    kill 'TERM', $pid;
    close $self->{out};                 # waits for it
    return;
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $!, $@);
    $self->stop if $self->{pid} && $self->{owner} == $$;
    return;
}

1;
