package SMS::Iys::Retailer;

# Retailers (bayi) of a brand and their access to consents; the part that
# tests of consents need.

use strict;
use warnings;

use SMS::Iys::Clock;
use SMS::Iys::Error;
use SMS::Iys::Query;
use SMS::Iys::Rules;

use constant LIST_MAX => 100;


sub create {
    my ($sim, $r, $in) = @_;
    my $book = $sim->{book};
    my $missing = ref $in eq 'HASH'
        ? (grep { !SMS::Iys::Rules::given($in->{$_}) }
           qw(title name tckn city town tin))[0] : 'title';

    return SMS::Iys::Error::reply(400, SMS::Iys::Error::entry('H216',
        location => [$missing])) if defined $missing;

    my $code = $book->{next_retailer}++;

    $book->{retailers}{ $r->{brand} }{$code} = {
        %$in, retailerCode => $code, status => $in->{status} // 'active'
    };
    return [201, { retailerCode => $code }];
}


sub shown {
    my ($sim, $brand, $retailer) = @_;
    my $code = $retailer->{retailerCode};
    my $count = grep { /\A\Q$brand\E\|/
        && $sim->{book}{record}{$_}{retailers}{$code} }
        keys %{ $sim->{book}{record} };

    return { %$retailer, retailerAccessCount => $count };
}


sub list {
    my ($sim, $r) = @_;
    my $page = SMS::Iys::Query::page($r->{query});

    return $page if ref $page->[1];

    my $all = $sim->{book}{retailers}{ $r->{brand} } // {};
    my @list = map { shown($sim, $r->{brand}, $all->{$_}) } sort keys %$all;

    return [200, { list => [SMS::Iys::Query::cut(\@list, @$page)],
        pagination => { offset => $page->[1] + 0, pageSize => $page->[0] + 0,
                        totalCount => scalar @list,
                        currentPage => 1 + int $page->[1] / $page->[0] } }];
}


sub get {
    my ($sim, $r) = @_;
    my $retailer = $sim->{book}{retailers}{ $r->{brand} }{ $r->{parts}[0] };

    return SMS::Iys::Error::reply(404, 'H058') if !$retailer;
    return [200, shown($sim, $r->{brand}, $retailer)];
}


sub remove {
    my ($sim, $r) = @_;
    my $code = $r->{parts}[0];
    my $retailer = $sim->{book}{retailers}{ $r->{brand} }{$code};

    return SMS::Iys::Error::reply(404, 'H058') if !$retailer;

    my $tied = grep {
        my $record = $sim->{book}{record}{$_};
        /\A\Q$r->{brand}\E\|/ && (($record->{retailerCode} // 0) == $code
            || $record->{retailers}{$code})
    } keys %{ $sim->{book}{record} };

    return SMS::Iys::Error::reply(500, 'H061') if $tied;

    delete $sim->{book}{retailers}{ $r->{brand} }{$code};
    return [200, 'Bayi silindi.'];
}


# recipientType, type, the recipients and retailers of an access operation.
# Returns entries; empty: in order.

sub fault {
    my ($sim, $r, $in, $many, $with_retailers) = @_;
    my $recipients = $many ? $in->{recipients} : [$in->{recipient}];
    my $access = $in->{retailerAccess};
    my @found;

    return SMS::Iys::Error::entry('H168') if !defined $recipients;
    return SMS::Iys::Error::entry('H478') if ref $recipients ne 'ARRAY';
    return SMS::Iys::Error::entry('H164') if !@$recipients;
    return SMS::Iys::Error::entry('H127') if @$recipients > LIST_MAX;

    for my $recipient (@$recipients) {
        push @found, SMS::Iys::Rules::subject({
            recipient => $recipient, type => $in->{type},
            recipientType => $in->{recipientType} });
    }

    if ($with_retailers) {
        return SMS::Iys::Error::entry('H169') if !defined $access;
        return SMS::Iys::Error::entry('H478') if ref $access ne 'ARRAY';
        return SMS::Iys::Error::entry('H163') if !@$access;
        return SMS::Iys::Error::entry('H126') if @$access > LIST_MAX;
    }

    return @found;
}


sub records {
    my ($sim, $r, $in, @recipients) = @_;

    return map {
        SMS::Iys::Query::record_of($sim, $r, {
            recipient => $_, type => $in->{type},
            recipientType => $in->{recipientType} }) // ()
    } @recipients;
}


sub access_add {
    my ($sim, $r, $in, $now) = @_;

    return SMS::Iys::Error::reply(400, 'H090') if ref $in ne 'HASH';

    my @found = fault($sim, $r, $in, 0, 1);

    return SMS::Iys::Error::reply(422, @found) if @found;

    my $unknown = $sim->{book}->retailer_fault($r->{brand}, $in);

    return SMS::Iys::Error::reply(403, $unknown) if $unknown;

    my ($record) = records($sim, $r, $in, $in->{recipient});

    return SMS::Iys::Error::reply(400, 'H401') if !$record;

    $record->{retailers}{$_} = 1 for @{ $in->{retailerAccess} };
    return [200, { transactionId => $record->{transactionId},
                   creationDate => SMS::Iys::Clock::text($now) }];
}


sub access_replace {
    my ($sim, $r, $in) = @_;

    return SMS::Iys::Error::reply(400, 'H171') if ref $in ne 'HASH';

    my @found = fault($sim, $r, $in, 1, 1);

    return SMS::Iys::Error::reply(422, @found) if @found;

    my $unknown = $sim->{book}->retailer_fault($r->{brand}, $in);

    return SMS::Iys::Error::reply(403, $unknown) if $unknown;

    for my $record (records($sim, $r, $in, @{ $in->{recipients} })) {
        $record->{retailers} = { map { $_ => 1 } @{ $in->{retailerAccess} } };
        $record->{retailerCode} = undef;
    }

    return [202, ''];
}


sub access_remove {
    my ($sim, $r, $in) = @_;
    my $all = $r->{name} eq 'access_remove_all';

    return SMS::Iys::Error::reply(400, 'H172') if ref $in ne 'HASH';

    my @found = fault($sim, $r, $in, 1, !$all);

    return SMS::Iys::Error::reply(422, @found) if @found;

    for my $record (records($sim, $r, $in, @{ $in->{recipients} })) {
        if ($all) {
            $record->{retailers} = {};
        } else {
            delete @{ $record->{retailers} }{ @{ $in->{retailerAccess} } };
        }
    }

    return [202, ''];
}


sub access_list {
    my ($sim, $r, $in) = @_;

    return SMS::Iys::Error::reply(400, 'H173') if ref $in ne 'HASH';

    my $page = SMS::Iys::Query::page($r->{query});
    my @found = fault($sim, $r, $in, 0, 0);

    return SMS::Iys::Error::reply(422, @found) if @found;
    return $page if ref $page->[1];

    my ($record) = records($sim, $r, $in, $in->{recipient});

    return SMS::Iys::Error::reply(400, 'H401') if !$record;

    my @list = map {
        my $retailer = $sim->{book}{retailers}{ $r->{brand} }{$_};
        +{ map { defined $retailer->{$_} ? ($_ => $retailer->{$_}) : () }
           qw(title mersis alias name tckn mobile city town retailerCode) }
    } sort keys %{ $record->{retailers} };

    return [200, { list => [SMS::Iys::Query::cut(\@list, @$page)],
        pagination => { offset => $page->[1] + 0, pageSize => $page->[0] + 0,
                        totalCount => scalar @list } }];
}

1;
