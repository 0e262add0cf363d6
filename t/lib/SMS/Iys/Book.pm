package SMS::Iys::Book;

# The state: brands, one record per brand, recipient type, type and address,
# and every movement in the order in which it was written.

use strict;
use warnings;

use Digest::SHA ();
use SMS::Iys::Clock;
use SMS::Iys::Error;
use SMS::Iys::Rules;


sub new {
    my ($class) = @_;

    return bless {
        brands => {},           # brandCode => { iysCode, name, master, ... }
        accounts => {},         # iysCode => { status, consentLimit, api }
        record => {},           # "brand|recipientType|type|recipient"
        moves => {},            # brandCode => [ movement ]
        retailers => {},        # brandCode => { retailerCode => {...} }
        next_retailer => 10_000_001,
    }, $class;
}


sub brand_add {
    my ($self, $b) = @_;

    $self->{brands}{ $b->{brandCode} } = {
        iysCode => $b->{iysCode}, brandCode => $b->{brandCode},
        name => $b->{name} // "Marka $b->{brandCode}",
        master => $b->{iysCode} == $b->{brandCode} ? 1 : 0,
        ahs => $b->{ahs}, vkn => $b->{vkn},
        right => $b->{right} // { MESAJ => 'write', ARAMA => 'write',
                                  EPOSTA => 'write' },
    };
    $self->{accounts}{ $b->{iysCode} } //= {
        status => 'ACTIVE', api => 1, consentLimit => 1_000_000, used => 0
    };
    $self->{moves}{ $b->{brandCode} } //= [];
    return;
}


sub key {
    return join '|', @_;
}


# Two movements of one address in one second have the same id, as İYS's have.

sub transaction_id {
    my ($brand, $recipient, $type, $second) = @_;

    return Digest::SHA::sha256_hex("$brand|$recipient|$type|" . int $second);
}


# Writes without asking: citizens, fixtures, and accepted adds.

sub write_record {
    my ($self, $brand, $c, $epoch) = @_;
    my $recipient = SMS::Iys::Rules::normal($c->{recipient}, $c->{type});
    my $recipient_type = $c->{recipientType} // 'BIREYSEL';
    my $key = key($brand, $recipient_type, $c->{type}, $recipient);
    my $old = $self->{record}{$key};
    my %move = (
        epoch => $epoch,
        recipient => $recipient, recipientType => $recipient_type,
        type => $c->{type}, status => $c->{status},
        source => $c->{source}, consentDate => $c->{consentDate},
        creationDate => SMS::Iys::Clock::text($epoch),
        transactionId => transaction_id($brand, $recipient, $c->{type}, $epoch),
        defined $c->{citizenName} ? (citizenName => $c->{citizenName}) : (),
    );

    # in the order of their time, also when fixtures come in another
    my $moves = $self->{moves}{$brand};
    my $place = @$moves;

    $place-- while $place > 0 && $moves->[$place - 1]{epoch} > $epoch;
    splice @$moves, $place, 0, \%move;

    $self->{record}{$key} = {
        %move,
        retailerCode => $c->{retailerCode} // ($old ? $old->{retailerCode}
                                                    : undef),
        retailers => $c->{retailerAccess}
            ? { map { $_ => 1 } @{ $c->{retailerAccess} } }
            : $old ? $old->{retailers} : {},
    };

    if (!$old) {
        $self->{accounts}{ $self->{brands}{$brand}{iysCode} }{used}++;
    }

    return \%move;
}


# State rules V13..V18.  Returns (movement) or (undef, status, entries...).

sub add {
    my ($self, $brand, $c, $now, $index) = @_;
    my $recipient = SMS::Iys::Rules::normal($c->{recipient}, $c->{type});
    my $recipient_type = $c->{recipientType} // 'BIREYSEL';
    my $old = $self->{record}{ key($brand, $recipient_type, $c->{type},
                                   $recipient) };
    my $account = $self->{accounts}{ $self->{brands}{$brand}{iysCode} };
    my @found;
    my $entry = sub {
        return SMS::Iys::Error::entry(@_, index => $index);
    };

    if (!$old) {
        if ($c->{status} eq 'RET') {
            my $code = ($c->{source} // '') eq 'HS_KARAR' ? 'H486' : 'H175';
            return (undef, 400, $entry->($code));
        }
        if ($account->{used} >= $account->{consentLimit}) {
            return (undef, 422, $entry->('H525'));
        }
    } else {
        if ($recipient_type eq 'TACIR') {
            push @found, $entry->('H463') if !defined $c->{source};
            push @found, $entry->('H462') if !defined $c->{consentDate};
            return (undef, 400, @found) if @found;
        }
        if ($c->{status} eq 'RET' && $old->{status} eq 'RET') {
            return (undef, 400, $entry->('H174'));
        }
        if (defined $c->{consentDate} && defined $old->{consentDate}
            && $c->{consentDate} le $old->{consentDate})
        {
            return (undef, 400, $entry->('H178'));
        }
    }

    return ($self->write_record($brand, $c, $now));
}


# V17: a retailer that the brand does not have.

sub retailer_fault {
    my ($self, $brand, $c, $index) = @_;
    my $known = $self->{retailers}{$brand} // {};

    if (defined $c->{retailerCode} && !$known->{ $c->{retailerCode} }) {
        return SMS::Iys::Error::entry('H180', location => ['retailerCode'],
            value => $c->{retailerCode}, index => $index);
    }

    my $i = 0;

    for my $code (@{ $c->{retailerAccess} // [] }) {
        if (!$known->{$code}) {
            return SMS::Iys::Error::entry('H180',
                location => ['retailerAccess', $i], value => $code,
                index => $index);
        }
        $i++;
    }

    return;
}


# What a citizen does by 3338, web, mobile or voice, or what an operator
# reports.  Returns the movements.

sub citizen {
    my ($self, $c, $now) = @_;
    my @moves;

    if (($c->{action} // '') eq 'close_line') {

        # the line ends for every brand, both recipient types, calls and SMS

        for my $key (sort keys %{ $self->{record} }) {
            my $old = $self->{record}{$key};
            my ($brand) = split /\|/, $key;

            next if $old->{recipient} ne $c->{recipient}
                || $old->{status} eq 'RET';

            push @moves, [$brand, $self->write_record($brand, {
                %$old, status => 'RET', source => 'IYS_AHS_HAT_KAPATMA',
                retailerAccess => undef,
                citizenName => undef,
            }, $now)];
        }

        return @moves;
    }

    my $brand = $c->{brandCode};
    my $type = $c->{type} // 'MESAJ';
    my $recipient_type = $c->{recipientType} // 'BIREYSEL';
    my $old = $self->{record}{ key($brand, $recipient_type, $type,
                                   $c->{recipient}) };
    my $source = $c->{source} // ($old ? 'IYS_KISAMESAJ' : 'IYS_WEB_YENI');

    return [$brand, $self->write_record($brand, {
        recipient => $c->{recipient}, recipientType => $recipient_type,
        type => $type, status => $c->{status} // 'RET', source => $source,
        consentDate => $c->{consentDate} // SMS::Iys::Clock::text($now),
        citizenName => $source eq 'IYS_WEB_YENI'
            ? $c->{citizenName} // 'Deneme Yurttas' : undef,
    }, $now)];
}


# Movements after a cursor, inside the window that the feed shows.

sub changes {
    my ($self, $brand, $source, $after, $limit, $from, $to) = @_;
    my @list;
    my ($epoch, $id) = defined $after ? split(/_/, $after, 2) : (0, '');
    my $seen = 0;
    my $moves = $self->{moves}{$brand};

    for my $move (@$moves) {
        my $second = int $move->{epoch};

        next if $move->{source} && $move->{source} !~ /\A\Q$source\E_/;
        next if !$move->{source} && $source ne 'HS';
        next if $move->{epoch} < $from || $second < $epoch;
        last if $move->{epoch} > $to;

        if ($second == $epoch && !$seen) {
            $seen = 1 if $move->{transactionId} eq $id;
            next;
        }

        push @list, $move;
        last if @list == $limit;
    }

    return @list;
}

1;
