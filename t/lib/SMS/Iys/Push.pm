package SMS::Iys::Push;

# The webhook side: registrations of a brand, the fixed test row, deliveries.
# A delivery runs in a child of its own, because the receiver may ask the
# simulator while it answers; the child's verdict comes back over a pipe.

use strict;
use warnings;
use utf8;

use HTTP::Tiny ();
use JSON::PP ();
use MIME::Base64 ();
use POSIX ();
use SMS::Iys::Clock;
use SMS::Iys::Error;

use constant SECONDS => 5;

my $json = JSON::PP->new->utf8->canonical;


sub new {
    my ($class) = @_;

    return bless {
        connections => {},      # brandCode => [ { url, type, ... } ]
        deliveries => [],       # { brandCode, url, status, rows }
        pipes => {},            # fileno => { handle, delivery }
        allow_http => 0,
        verify => 1,
        tries => 1,             # whether İYS tries again is not documented
    }, $class;
}


sub post {
    my ($self, $c, $body) = @_;
    my $http = HTTP::Tiny->new(timeout => SECONDS, max_redirect => 0,
        verify_SSL => $self->{verify});
    my $answer = $http->post($c->{url}, {
        headers => {
            'Content-Type' => 'application/json',
            Authorization => 'Basic ' . MIME::Base64::encode_base64(
                "$c->{username}:$c->{password}", ''),
        },
        content => $json->encode($body),
    });

    return $answer->{status};
}


sub test_row {
    return { list => [{
        iysCode => 121212, brandCode => 121212,
        consentDate => '2020-01-01 00:00:00',
        creationDate => '2020-01-01 00:00:00', source => 'IYS_MOBIL',
        recipient => 'pushtest@iys.org.tr', recipientType => 'BIREYSEL',
        status => 'RET', type => 'EPOSTA', transactionId => '0' x 64,
    }] };
}


sub register {
    my ($self, $brand, $body) = @_;
    my $list = ref $body eq 'HASH' ? $body->{connection} : undef;

    return SMS::Iys::Error::reply(422, 'H478')
        if ref $list ne 'ARRAY' || !@$list;

    for my $c (@$list) {
        return SMS::Iys::Error::reply(422, 'H531')
            if ref $c ne 'HASH' || !defined $c->{url}
            || $c->{url} !~ ($self->{allow_http} ? qr{\Ahttps?://}
                                                 : qr{\Ahttps://});
        return SMS::Iys::Error::reply(422, 'H111') if !defined $c->{type};
        return SMS::Iys::Error::reply(422, 'H117')
            if $c->{type} !~ /\A(?:ARAMA|MESAJ|EPOSTA)\z/;
        return SMS::Iys::Error::reply(422, 'H093')
            if !length($c->{username} // '') || !length($c->{password} // '');
        return SMS::Iys::Error::reply(422, 'H530')
            if 2 <= grep { $_->{type} eq $c->{type} }
                @{ $self->{connections}{$brand} // [] };

        my $status = $self->post($c, test_row());

        return SMS::Iys::Error::reply(422, 'H191') if $status == 599;
        return SMS::Iys::Error::reply(422, 'H530')
            if $status < 200 || $status > 299;

        push @{ $self->{connections}{$brand} }, {
            %$c, registerTime => SMS::Iys::Clock::text(SMS::Iys::Clock::now())
        };
    }

    return [200, { message => 'Kayıt tamam.' }];
}


sub unregister {
    my ($self, $brand, $body) = @_;
    my $list = $self->{connections}{$brand} // [];
    my @kept = ref $body eq 'HASH' ? grep {
        my $c = $_;
        grep { $c->{$_} ne ($body->{$_} // '') } qw(url type username password)
    } @$list : @$list;

    return SMS::Iys::Error::reply(422, 'H530') if @kept == @$list;

    $self->{connections}{$brand} = \@kept;
    return [200, { message => 'Kayıt silindi.' }];
}


sub list {
    my ($self, $brand) = @_;

    return [200, [map {
        { url => $_->{url}, type => $_->{type}, status => 'Aktif',
          registerTime => $_->{registerTime} }
    } @{ $self->{connections}{$brand} // [] }]];
}


# Movements [brandCode, row...] of citizens only.

sub deliver {
    my ($self, $brand, $iys_code, @moves) = @_;

    for my $c (@{ $self->{connections}{$brand} // [] }) {
        my @rows = map {
            my $move = $_;
            +{ iysCode => $iys_code, brandCode => $brand,
               map { ($_ => $move->{$_}) } qw(consentDate creationDate source
                   recipient recipientType status type transactionId) }
        } grep { $_->{type} eq $c->{type} } @moves;

        next if !@rows;

        my $delivery = { brandCode => $brand, url => $c->{url},
                         rows => \@rows, status => 0 };
        push @{ $self->{deliveries} }, $delivery;

        pipe(my $read, my $write) or die "pipe: $!";
        my $pid = fork();
        die "fork: $!" if !defined $pid;

        if ($pid == 0) {
            my $status = 0;

            for (1 .. $self->{tries}) {
                $status = eval { $self->post($c, { list => \@rows }) } // 0;
                last if $status >= 200 && $status <= 299;
                sleep 1;
            }

            syswrite $write, sprintf '%03d', $status;
            POSIX::_exit(0);
        }

        close $write;
        $self->{pipes}{ fileno $read } = [$read, $delivery];
    }

    return;
}


sub ready {
    my ($self, $number) = @_;
    my ($read, $delivery) = @{ delete $self->{pipes}{$number} };

    sysread $read, my $status, 3;
    $delivery->{status} = 0 + ($status || 0);
    close $read;
    return;
}

1;
