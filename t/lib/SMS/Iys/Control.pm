package SMS::Iys::Control;

# POST /_control/<what>: what İYS does not have.  See t/iys-sim for the list.

use strict;
use warnings;

use SMS::Iys::Clock;
use SMS::Iys::Rules;

my %what = (
    reset => sub { $_[0]->reset; $_[0]->load($_[1]) },
    load => sub { $_[0]->load($_[1]) },
    citizen => \&citizen,
    faults => \&faults,
    knobs => \&knobs,
    clock => sub {
        $SMS::Iys::Clock::ahead += $_[1]{advance} // 0;
        { now => SMS::Iys::Clock::text(SMS::Iys::Clock::now()) };
    },
    revoke => sub { $_[0]{gate}->revoke($_[1]{refresh}); {} },
    day => sub {
        $_[0]{day}{ $_[1]{brandCode} }{ $_[1]{day} } = $_[1];
        { agreed => $_[0]{agreed}{ $_[1]{brandCode} }{ $_[1]{day} } // 0 };
    },
    stats => sub { $_[0]{stats} },
    log => sub { $_[0]{log} },
    deliveries => sub { $_[0]{push}{deliveries} },
    forget => sub { $_[0]{stats} = {}; $_[0]{log} = []; {} },
);


sub handle {
    my ($sim, $method, $name, $body) = @_;
    my $code = $what{$name}
        or return [404, { error => "no control \"$name\"" }];
    my $in = $body eq '' ? {} : eval { SMS::Iys::Api::decode($body) };

    return [400, { error => 'body is not JSON' }] if !ref $in;

    my $out = eval { $code->($sim, $in) };

    return [400, { error => "$@" }] if !defined $out;
    return [200, $out];
}


sub citizen {
    my ($sim, $in) = @_;
    my @moves = map { $sim->{book}->citizen($_, SMS::Iys::Clock::now()) }
        ref $in eq 'ARRAY' ? @$in : $in;
    my %by_brand;

    push @{ $by_brand{ $_->[0] } }, $_->[1] for @moves;

    for my $brand (sort keys %by_brand) {
        $sim->{push}->deliver($brand, $sim->{book}{brands}{$brand}{iysCode},
            @{ $by_brand{$brand} });
    }

    return { moves => scalar @moves };
}


sub faults {
    my ($sim, $in) = @_;

    $sim->{faults} = [map { +{ %$_, times => $_->{times} // 1 } }
                      ref $in eq 'ARRAY' ? @$in : $in];
    return { faults => scalar @{ $sim->{faults} } };
}


sub knobs {
    my ($sim, $in) = @_;
    my $gate = $sim->{gate};

    for my $name (sort keys %$in) {
        my $value = $in->{$name};

        if (exists $sim->{knob}{$name}) {
            $sim->{knob}{$name} = $value;
        } elsif ($name =~ /\Alimit_(rps|token|single|history)\z/) {
            $gate->{limit}{$1} = $value;
        } elsif ($name =~ /\Alife_(access|refresh)\z/) {
            $gate->{life}{$1} = $value;
        } elsif ($name eq 'fresh_days') {
            $SMS::Iys::Rules::fresh_days = $value;
        } elsif ($name eq 'hs_2015') {
            $SMS::Iys::Rules::hs_2015 = $value;
        } elsif ($name eq 'retailer_access_max') {
            $SMS::Iys::Rules::retailer_access_max = $value;
        } elsif ($name =~ /\Apush_(allow_http|verify|tries)\z/) {
            $sim->{push}{$1} = $value;
        } else {
            die "no knob \"$name\"\n";
        }
    }

    return { %{ $sim->{knob} }, map { ("limit_$_" => $gate->{limit}{$_}) }
             keys %{ $gate->{limit} } };
}

package SMS::Iys::Api;

# Fixtures: users, brands, accounts, retailers, consents.

sub load {
    my ($self, $in) = @_;
    my $book = $self->{book};
    my $count = 0;

    for my $u (@{ $in->{users} // [] }) {
        $self->{gate}{users}{ $u->{username} } = {
            password => $u->{password}, brands => $u->{brands} // '*',
            integrator => $u->{integrator}, ahs => $u->{ahs}
        };
    }

    $book->brand_add($_) for @{ $in->{brands} // [] };

    for my $a (@{ $in->{accounts} // [] }) {
        my $account = $book->{accounts}{ $a->{iysCode} }
            or die "no iysCode $a->{iysCode}\n";
        %$account = (%$account, %$a);
    }

    for my $r (@{ $in->{retailers} // [] }) {
        $book->{retailers}{ $r->{brandCode} }{ $r->{retailerCode} } = { %$r };
    }

    my $now = SMS::Iys::Clock::now();

    for my $c (@{ $in->{consents} // [] }) {
        my $at = defined $c->{creationDate}
            ? SMS::Iys::Clock::epoch($c->{creationDate}) : $now;

        die "no brand $c->{brandCode}\n" if !$book->{brands}{ $c->{brandCode} };

        $book->write_record($c->{brandCode}, {
            recipientType => 'BIREYSEL', type => 'MESAJ', status => 'ONAY',
            source => 'HS_WEB', consentDate => SMS::Iys::Clock::text($at), %$c
        }, $at);
        $count++;
    }

    return { consents => $count };
}

1;
