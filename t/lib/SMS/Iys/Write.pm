package SMS::Iys::Write;

# Operations that write consents: one, v2 of it, and the bulk request whose
# rows are judged later.

use strict;
use warnings;

use SMS::Iys::Clock;
use SMS::Iys::Error;
use SMS::Iys::Rules;

use constant KEPT => 60 * 86_400;


sub canonical {
    my ($r, $c) = @_;

    return join '|', $r->{brand}, map {
        ref $_ ? join(',', @$_) : $_ // ''
    } @$c{qw(recipient recipientType type status source consentDate
             retailerCode retailerAccess)};
}


sub add {
    my ($sim, $r, $c, $now) = @_;

    return SMS::Iys::Error::reply(400, 'H085') if ref $c ne 'HASH';

    my @found = SMS::Iys::Rules::consent($c, $now);

    # İYS's documents show H467 under both
    return SMS::Iys::Error::reply(
        (grep { $_->{code} ne 'H467' } @found) ? 422 : $sim->{knob}{late_status},
        @found) if @found;

    my $fault = $sim->{book}->retailer_fault($r->{brand}, $c);

    return SMS::Iys::Error::reply(403, $fault) if $fault;

    my $same = $r->{v2} && $sim->{registered}{ canonical($r, $c) };
    my ($move, $status, @entries) = $same ? $same->{move}
        : $sim->{book}->add($r->{brand}, $c, $now);

    return SMS::Iys::Error::reply($status, @entries) if !$move;

    $sim->{registered}{ canonical($r, $c) } = { move => $move } if !$same;
    return [200, { transactionId => $move->{transactionId},
                   creationDate => $move->{creationDate} }];
}


sub bulk_add {
    my ($sim, $r, $list, $now) = @_;
    my (@found, %seen);

    return SMS::Iys::Error::reply(422, 'H478') if ref $list ne 'ARRAY';
    return SMS::Iys::Error::reply(400, 'H092') if !@$list;
    return SMS::Iys::Error::reply(422, 'H091') if @$list > 1000;

    for my $i (0 .. $#$list) {
        my $c = $list->[$i];

        push @found, SMS::Iys::Rules::consent($c, $now, $i);
        next if ref $c ne 'HASH' || ref $c->{recipient};

        my $identity = join '|', $c->{recipientType} // 'BIREYSEL',
            $c->{type} // '', lc($c->{recipient} // '');
        push @found, SMS::Iys::Error::entry('H194', location => ['recipient'],
            value => $c->{recipient}, index => $i) if $seen{$identity}++;
    }

    return SMS::Iys::Error::reply(422, @found) if @found;

    for my $i (0 .. $#$list) {
        my $fault = $sim->{book}->retailer_fault($r->{brand}, $list->[$i], $i);
        return SMS::Iys::Error::reply(403, $fault) if $fault;
    }

    my $id = $sim->uuid;
    my $name = $sim->{knob}{sub_request_id};
    my @rows = map { +{ consent => $_, id => $sim->uuid } } @$list;

    $sim->{requests}{$id} = {
        id => $id, brand => $r->{brand}, at => $now, v2 => $r->{v2},
        ready => $now + $sim->{knob}{async_delay}, rows => \@rows, done => 0,
    };

    $r->{numbers} = @$list;
    return [202, { requestId => $id, subRequests => [map {
        +{ %{ $_->{consent} }, $name => $_->{id},
           creationDate => SMS::Iys::Clock::text($now) }
    } @rows] }];
}


# Bulk requests whose time has come are judged before anything else is asked.

sub run_due {
    my ($sim, $now) = @_;

    for my $request (sort { $a->{ready} <=> $b->{ready} || $a->{at} <=> $b->{at} }
                     grep { !$_->{done} && $_->{ready}
                            + $sim->{knob}{async_enqueue} <= $now }
                     values %{ $sim->{requests} })
    {
        $request->{done} = 1;

        my $r = { brand => $request->{brand} };

        for my $row (@{ $request->{rows} }) {
            my $c = $row->{consent};
            my $same = $request->{v2} && $sim->{registered}{ canonical($r, $c) };

            if ($same) {
                $row->{move} = $same->{move};
                $row->{original} = $same->{request};
                next;
            }

            my ($move, undef, @entries)
                = $sim->{book}->add($request->{brand}, $c,
                    $request->{ready} + $sim->{knob}{async_enqueue});

            if ($move) {
                $row->{move} = $move;
                $sim->{registered}{ canonical($r, $c) } = { move => $move,
                    request => { requestId => $request->{id},
                                 subRequestId => $row->{id} } };
            } else {
                $row->{error} = { map { ($_ => $entries[0]{$_}) }
                                  qw(code message) };
            }
        }
    }

    return;
}


sub bulk_result {
    my ($sim, $r, undef, $now) = @_;
    my ($id) = @{ $r->{parts} };
    my $name = $sim->{knob}{sub_request_id};

    return SMS::Iys::Error::reply(422, 'H198') if length $id > 36;
    return SMS::Iys::Error::reply(422, 'H199') if $id =~ /\A[A-Za-z]+\z/;
    return SMS::Iys::Error::reply(422, 'H400') if $id =~ /\A[0-9]+\z/;

    my $request = $sim->{requests}{$id};

    return [200, []] if !$request || $request->{brand} != $r->{brand}
        || $now < $request->{ready} || $now > $request->{at} + KEPT;

    my $index = 0;

    return [200, [map {
        my %row = (index => $index++, $name => $_->{id});

        if ($_->{move}) {
            %row = (%row, status => 'success', requestId => $id,
                transactionId => $_->{move}{transactionId},
                creationDate => $_->{move}{creationDate});
        } elsif ($_->{error}) {
            %row = (%row, status => 'failure', error => $_->{error});
        } else {
            $row{status} = 'enqueue';
        }

        $row{isAddConsentV2Service} = 'true' if $request->{v2};
        $row{originalRequestInformation} = $_->{original} if $_->{original};
        \%row;
    } @{ $request->{rows} }]];
}

1;
