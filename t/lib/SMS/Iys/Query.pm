package SMS::Iys::Query;

# Operations that read: status, changes, history, brands, subscription.

use strict;
use warnings;

use JSON::PP ();
use SMS::Iys::Clock;
use SMS::Iys::Error;
use SMS::Iys::Rules;

use constant DAY => 86_400;

my %type = map { $_ => 1 } @SMS::Iys::Rules::TYPE;
my %recipient_type = map { $_ => 1 } @SMS::Iys::Rules::RECIPIENT_TYPE;


sub bulk_status {
    my ($sim, $r, $in) = @_;
    my ($recipient_type, $type) = @{ $r->{parts} };
    my $list = ref $in eq 'HASH' ? $in->{recipients} : undef;
    my $reply = \&SMS::Iys::Error::reply;
    my (%seen, @onay, @found);
    my $i = 0;

    return $reply->(422, 'H116') if !$recipient_type{$recipient_type};
    return $reply->(422, 'H117') if !$type{$type};
    return $reply->(422, 'H168') if !defined $list;
    return $reply->(422, 'H478') if ref $list ne 'ARRAY';
    return $reply->(422, 'H164') if !@$list;
    return $reply->(422, 'H091') if @$list > 1000;

    my $records = $sim->{book}{record};
    my $prefix = "$r->{brand}|$recipient_type|$type|";
    my $wanted = $type eq 'EPOSTA' ? qr/\A[^\@]+\@[^\@]+\z/
                                   : qr/\A\+[1-9][0-9]{6,14}\z/a;

    for (@$list) {
        my $address = $_;

        if (ref $address || !defined $address || $address !~ $wanted) {
            push @found, SMS::Iys::Error::entry('H464',
                location => ['recipients', $i], value => $address);

        } elsif ($seen{$address}++) {
            push @found, SMS::Iys::Error::entry('H193',
                location => ['recipients', $i], value => $address);

        } else {
            my $record = $records->{ $prefix
                . SMS::Iys::Rules::normal($address, $type) };
            push @onay, $address if $record && $record->{status} eq 'ONAY';
        }

        $i++;
    }

    return $reply->(422, @found) if @found;

    $r->{numbers} = @$list;

    return [200, { requestId => $sim->uuid, list => \@onay }]
        if $type eq 'EPOSTA';

    # digits need no escapes, and a thousand of them no encoder

    return [200, '{"list":[' . join(',', map { "\"$_\"" } @onay)
        . '],"requestId":"' . $sim->uuid . '"}'];
}


# The usual body of a bulk query, without a decoder: JSON::PP takes 20 ms for
# it, and a test of ten requests a second has two such processes beside it.

sub numbers_only {
    my ($body) = @_;

    return undef if $body !~ /\A\{"recipients":\[("\+[0-9]+"(?:,"\+[0-9]+")*)\]\}\z/;
    return { recipients => [$1 =~ /"([^"]+)"/g] };
}


sub record_of {
    my ($sim, $r, $in) = @_;

    return $sim->{book}{record}{ join '|', $r->{brand}, $in->{recipientType},
        $in->{type},
        SMS::Iys::Rules::normal($in->{recipient}, $in->{type}) };
}


sub single_status {
    my ($sim, $r, $in, $now) = @_;
    my @found = SMS::Iys::Rules::subject($in);

    return SMS::Iys::Error::reply(429, 'H086')
        if !$sim->{gate}->hourly('single', $now);
    return SMS::Iys::Error::reply($found[0]{code} eq 'H097' ? 400 : 422, @found)
        if @found;

    $r->{numbers} = 1;

    my $record = record_of($sim, $r, $in);

    if (!$record) {
        my $mode = $sim->{knob}{unknown_recipient};

        return [204, undef] if $mode eq '204';
        return [200, {}] if $mode eq '200';
        return SMS::Iys::Error::reply(404, 'H401');
    }

    return [200, {
        (map { defined $record->{$_} ? ($_ => $record->{$_}) : () }
            qw(consentDate creationDate source recipient recipientType status
               type transactionId retailerCode)),
        retailerAccessCount => scalar keys %{ $record->{retailers} // {} },
        defined $record->{retailerCode} ? (retailerTitle =>
            ($sim->{book}{retailers}{ $r->{brand} }{ $record->{retailerCode} }
             // {})->{title}) : (),
    }];
}


sub row {
    my ($move) = @_;

    return { map { defined $move->{$_} ? ($_ => $move->{$_}) : () }
        qw(consentDate creationDate source recipient recipientType status type
           transactionId citizenName) };
}


sub changes {
    my ($sim, $r, undef, $now) = @_;
    my $q = $r->{query};
    my $source = $q->{source} // 'IYS';
    my $limit = $q->{limit} // 1000;

    return SMS::Iys::Error::reply(422, 'H506') if $source !~ /\A(?:HS|IYS)\z/;
    return SMS::Iys::Error::reply(422, 'H507')
        if $limit !~ /\A[0-9]{1,9}\z/ || $limit > 1000;
    return SMS::Iys::Error::reply(422, 'H187') if $limit == 0;
    return SMS::Iys::Error::reply(400, 'H098')
        if defined $q->{after} && $q->{after} !~ /\A[0-9]{1,12}_[0-9a-f]{64}\z/;

    return SMS::Iys::Error::reply(400, 'H098')
        if $sim->{knob}{feed_cursor} eq 'strict' && defined $q->{after}
        && (split /_/, $q->{after})[0] < $now - 7 * DAY;

    my @list = $sim->{book}->changes($r->{brand}, $source, $q->{after}, $limit,
        $now - 7 * DAY, $now - $sim->{knob}{feed_hidden});

    return [204, undef] if !@list;
    return [200, {
        after => int($list[-1]{epoch}) . '_' . $list[-1]{transactionId},
        list => [map { row($_) } @list],
    }];
}


# limit and offset of a list, or a reply.

sub page {
    my ($q) = @_;
    my ($limit, $offset) = ($q->{limit} // 100, $q->{offset} // 0);

    return SMS::Iys::Error::reply(422, 'H182') if $limit !~ /\A[0-9]{1,9}\z/;
    return SMS::Iys::Error::reply(422, 'H187') if $limit == 0;
    return SMS::Iys::Error::reply(422, 'H186') if $limit > 100;
    return SMS::Iys::Error::reply(422, 'H183') if $offset !~ /\A[0-9]{1,9}\z/;
    return [$limit, $offset];
}


sub cut {
    my ($list, $limit, $offset) = @_;
    my $last = $offset + $limit - 1;

    $last = $#$list if $last > $#$list;
    return $offset > $last ? () : @$list[$offset .. $last];
}


sub history {
    my ($sim, $r, $in, $now) = @_;
    my @found = SMS::Iys::Rules::subject($in);
    my $page = page($r->{query});

    return SMS::Iys::Error::reply(429, 'H089')
        if !$sim->{gate}->hourly('history', $now);
    return SMS::Iys::Error::reply($found[0]{code} eq 'H097' ? 400 : 422, @found)
        if @found;
    return $page if ref $page->[1];

    my $recipient = SMS::Iys::Rules::normal($in->{recipient}, $in->{type});
    my @moves = sort { ($b->{consentDate} // '') cmp ($a->{consentDate} // '')
                       || $b->{epoch} <=> $a->{epoch} }
        grep { $_->{recipient} eq $recipient && $_->{type} eq $in->{type}
               && $_->{recipientType} eq $in->{recipientType} }
        @{ $sim->{book}{moves}{ $r->{brand} } };
    my @list = map { row($_) } cut(\@moves, @$page);

    delete $_->{citizenName} for @list;
    return [200, { list => \@list, pagination => {
        totalCount => scalar @moves, pageSize => $page->[0] + 0,
        offset => $page->[1] + 0 } }];
}


sub brands {
    my ($sim, $r) = @_;
    my $book = $sim->{book};
    my %count;

    for my $key (keys %{ $book->{record} }) {
        my ($brand) = split /\|/, $key;
        $count{$brand}{ $book->{record}{$key}{status} }++;
    }

    return [200, [map {
        my $c = $count{ $_->{brandCode} } // {};
        +{ brandCode => $_->{brandCode} + 0, name => $_->{name},
           master => $_->{master} ? JSON::PP::true : JSON::PP::false,
           stats => {
               consents => { approval => $c->{ONAY} // 0,
                             rejection => $c->{RET} // 0,
                             total => ($c->{ONAY} // 0) + ($c->{RET} // 0) },
               retailers => { total => scalar keys
                   %{ $book->{retailers}{ $_->{brandCode} } // {} } } } }
    } sort { $a->{brandCode} <=> $b->{brandCode} }
      grep { $_->{iysCode} == $r->{iys} } values %{ $book->{brands} }]];
}


sub in_a_year { return SMS::Iys::Clock::text(SMS::Iys::Clock::now() + 365 * 86_400) }


sub subscription {
    my ($sim, $r) = @_;
    my $a = $sim->{book}{accounts}{ $r->{iys} };

    return SMS::Iys::Error::reply(403, 'H524') if $a->{status} eq 'NONE';
    return [200, {
        startDate => '2026-01-01 00:00:00',
        expirationDate => $a->{expirationDate} // in_a_year(),
        subscriptionPackageName => 'Deneme', subscriptionId => 1,
        status => $a->{status}, consentLimit => $a->{consentLimit},
        usedConsentLimit => $a->{used},
        consentLimitExceed => $a->{used} >= $a->{consentLimit}
            ? JSON::PP::true : JSON::PP::false,
    }];
}


sub integrator {
    my ($sim, $r, $user) = @_;
    my $u = $sim->{gate}{users}{$user};

    return SMS::Iys::Error::reply(400, 'H363') if !$u->{integrator};
    return SMS::Iys::Error::reply(404, 'H129')
        if $u->{integrator} != $r->{integrator};
    return [200, { startDate => '2026-01-01 00:00:00',
        expirationDate => in_a_year(), status => 'ACTIVE',
        subscriptionPackageName => 'Deneme', subscriptionId => 2 }]
        if $r->{name} eq 'integrator_subscription';

    my $page = page($r->{query});

    return $page if ref $page->[1];

    my @all = map {
        my $b = $_;
        +{ brandCode => $b->{brandCode} + 0, name => $b->{name},
           iysCode => $b->{iysCode} + 0, title => $b->{name},
           master => $b->{master} ? JSON::PP::true : JSON::PP::false,
           agreementControl => JSON::PP::false, viaControl => JSON::PP::false,
           map { defined $b->{right}{$_} ? ($_ => $b->{right}{$_}) : () }
               qw(MESAJ ARAMA EPOSTA) }
    } sort { $a->{brandCode} <=> $b->{brandCode} }
      grep { (!defined $r->{only} || $_->{iysCode} == $r->{only})
             && $sim->{gate}->permits($user, $_->{iysCode}, $_->{brandCode}) }
      values %{ $sim->{book}{brands} };

    return [200, { list => [cut(\@all, @$page)], pagination => {
        totalCount => scalar @all, pageSize => $page->[0] + 0,
        offset => $page->[1] + 0 } }];
}

1;
