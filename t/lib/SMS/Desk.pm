package SMS::Desk;

# The operator desk: an administrator's key, and what it does.
#
#   my $desk = SMS::Desk->new($pg);
#   $desk->drain($nginx, 2, reroute => 1)      the link's JSON, dies unless 200
#   $desk->resume($nginx, 2)
#   my $stop = $desk->stop($nginx, target => 'sender', sender => 'ORNEK');
#   $desk->lift($nginx, $stop->{id})
#   $desk->link($nginx, 2)                     of GET /v1/admin/operators
#   get post delete                            as SMS::Account, with the desk's key

use strict;
use warnings;

use parent 'SMS::Account';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();


sub new {
    my ($class, $pg) = @_;

    my $self = bless { pg => $pg }, $class;
    $self->{id} = $pg->value(q{select sms.account_create('Operatör masası')});
    $self->{key} = $self->desk_key;
    return $self;
}


# another key, for these addresses
sub desk_key {
    my ($self, $ip) = @_;

    my $key = SMS::Account::make_key('live');
    $self->{pg}->do(q{select sms.admin_key_create(?, ?, decode(?, 'hex'), ?::cidr[])}, $self->{id},
                    substr($key, 9, 8), sha256_hex($key), $ip // ['127.0.0.0/8']);
    return $key;
}


sub ask {
    my ($self, $nginx, $status, $method, $path, $body) = @_;

    my $r = $body ? $self->post($nginx, $path, $body) : $self->request($nginx, $method, $path);
    die "$method $path: " . $r->status . ' ' . $r->body . "\n" unless $r->status == $status;
    return $r->json;
}


sub drain {
    my ($self, $nginx, $link, %opt) = @_;

    $opt{$_} &&= JSON::PP::true() for grep { exists $opt{$_} } qw(reroute unbind);
    return $self->ask($nginx, 200, POST => "/v1/admin/links/$link:drain",
                      { reason => 'maintenance', %opt });
}


sub resume {
    my ($self, $nginx, $link) = @_;

    return $self->ask($nginx, 200, POST => "/v1/admin/links/$link:resume", { reason => 'done' });
}


sub stop {
    my ($self, $nginx, %what) = @_;

    return $self->ask($nginx, 201, POST => '/v1/admin/stops', { reason => 'abuse', %what });
}


sub lift {
    my ($self, $nginx, $id) = @_;

    return $self->ask($nginx, 200, DELETE => "/v1/admin/stops/$id?reason=over");
}


sub link {
    my ($self, $nginx, $link) = @_;

    my ($found) = grep { $_->{id} == $link } map { @{ $_->{links} } }
        @{ $self->ask($nginx, 200, GET => '/v1/admin/operators')->{operators} };
    return $found;
}

1;
