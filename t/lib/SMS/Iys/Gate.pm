package SMS::Iys::Gate;

# Who may ask, and how often: users, tokens, requests a second and an hour.
# All clients of a simulator on loopback are one source address, as all workers
# of a host are.

use strict;
use warnings;
use utf8;

use Digest::SHA ();
use JSON::PP ();
use MIME::Base64 ();
use SMS::Iys::Clock;
use SMS::Iys::Error;

my $json = JSON::PP->new->utf8->canonical;


sub new {
    my ($class) = @_;

    return bless {
        users => {},            # name => { password, brands => '*' | [..] }
        access => {},           # token => { user, until }
        refresh => {},
        serial => 0,
        recent => [],           # moments of the last second
        hour => {},             # "kind" => [ moments ]
        blocked_until => 0,     # H084
        limit => { rps => 10, token => 100, single => 1000, history => 100 },
        life => { access => 7200, refresh => 14400 },
    }, $class;
}


sub jwt {
    my ($self, $user, $kind, $until, $brands) = @_;
    my $now = SMS::Iys::Clock::now();
    my $part = sub {
        return MIME::Base64::encode_base64url($json->encode($_[0]));
    };
    my $text = $part->({ alg => 'HS256', typ => 'JWT' }) . '.' . $part->({
        jti => ++$self->{serial}, typ => $kind, preferred_username => $user,
        iat => int $now, exp => int $until, brands => $brands,
        realm_access => { roles => ['API_USER'] },
    });

    return "$text." . Digest::SHA::hmac_sha256_base64($text, 'simulator')
        =~ tr{+/}{-_}r;
}


sub oauth_error {
    my ($error, $description) = @_;

    return [400, { error => $error, error_description => $description }];
}


# The reply of POST /oauth2/token.  $in: decoded members; undef: not readable.

sub token {
    my ($self, $in, $brands_of) = @_;
    my $now = SMS::Iys::Clock::now();
    my $user;

    # asking again while blocked starts the hour again

    if ($now < $self->{blocked_until}
        || !$self->hourly('token', $now))
    {
        $self->{blocked_until} = $now + 3600;
        return SMS::Iys::Error::reply(429, 'H084');
    }

    if (ref $in ne 'HASH' || !defined $in->{grant_type}
        || ref $in->{grant_type})
    {
        return oauth_error('invalid_request', 'grant_type zorunlu');
    }

    if ($in->{grant_type} eq 'password') {
        for ('username', 'password') {
            return oauth_error('invalid_request', "$_ zorunlu")
                if !defined $in->{$_} || ref $in->{$_};
            return oauth_error('invalid_grant', "$_ boş") if $in->{$_} eq '';
        }

        $user = $in->{username};

        return oauth_error('invalid_request', 'kullanıcı ya da parola yanlış')
            if !$self->{users}{$user}
            || $self->{users}{$user}{password} ne $in->{password};

    } elsif ($in->{grant_type} eq 'refresh_token') {
        my $old = delete $self->{refresh}{ $in->{refresh_token} // '' };

        return oauth_error('invalid_grant', 'yenileme jetonu geçersiz')
            if !$old || $old->{until} <= $now;

        $user = $old->{user};

    } else {
        return oauth_error('invalid_grant', 'grant_type desteklenmiyor');
    }

    my $brands = $brands_of->($user);
    my $access = $self->jwt($user, 'Bearer', $now + $self->{life}{access},
                            $brands);
    my $refresh = $self->jwt($user, 'Refresh', $now + $self->{life}{refresh},
                             []);

    $self->{access}{$access} = {
        user => $user, until => $now + $self->{life}{access}
    };
    $self->{refresh}{$refresh} = {
        user => $user, until => $now + $self->{life}{refresh}
    };

    return [200, {
        access_token => $access, expires_in => $self->{life}{access},
        refresh_token => $refresh,
        refresh_expires_in => $self->{life}{refresh},
        token_type => 'bearer',
    }];
}


# The user of an Authorization header, or undef.

sub user {
    my ($self, $header) = @_;

    return undef if !defined $header || $header !~ /\ABearer ([!-~]+)\z/;

    my $token = $self->{access}{$1};

    return undef if !$token || $token->{until} <= SMS::Iys::Clock::now();
    return $token->{user};
}


sub revoke {
    my ($self, $refresh_too) = @_;

    $self->{access} = {};
    $self->{refresh} = {} if $refresh_too;
    return;
}


# Requests of the last second, a window that slides.

sub second {
    my ($self, $now) = @_;
    my $recent = $self->{recent};

    shift @$recent while @$recent && $recent->[0] <= $now - 1;

    return 0 if $self->{limit}{rps} && @$recent >= $self->{limit}{rps};

    push @$recent, $now;
    return 1;
}


sub hourly {
    my ($self, $kind, $now) = @_;
    my $moments = $self->{hour}{$kind} //= [];

    shift @$moments while @$moments && $moments->[0] <= $now - 3600;

    return 0 if $self->{limit}{$kind}
        && @$moments >= $self->{limit}{$kind};

    push @$moments, $now;
    return 1;
}


sub permits {
    my ($self, $user, $iys_code, $brand) = @_;
    my $brands = $self->{users}{$user}{brands};

    return 1 if !ref $brands;
    return 1 if grep {
        $_->[0] == $iys_code && (!defined $brand || $_->[1] == $brand)
    } @$brands;
    return 0;
}

1;
