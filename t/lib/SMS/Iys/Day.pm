package SMS::Iys::Day;

# Daily reconciliation (mutabakat) of a brand: counts, the file with its SHA-384,
# the agreement and its time stamp.  İYS keeps seven days; the present one has
# not ended and has nothing yet.

use strict;
use warnings;

use Digest::SHA ();
use JSON::PP ();
use SMS::Iys::Clock;
use SMS::Iys::Error;
use SMS::Iys::Rules;

use constant DAY => 86_400;
use constant NAMES => 'creationDate,transactionId,recipient,recipientType,type,status,'
    . 'consentDate,source';

my %recipient_type = map { $_ => 1 } @SMS::Iys::Rules::RECIPIENT_TYPE;


# Start of the day, or a reply; nothing: a day that has not ended.

sub start {
    my ($text, $now) = @_;
    my $from = $text =~ /\A\d{4}-\d\d-\d\d\z/a
        ? SMS::Iys::Clock::epoch("$text 00:00:00") : undef;

    return SMS::Iys::Error::reply(422, SMS::Iys::Error::entry('H501',
        location => ['reportDate'], value => $text)) if !$from;
    return SMS::Iys::Error::reply(422, SMS::Iys::Error::entry('H502',
        location => ['reportDate'], value => $text)) if $from < $now - 8 * DAY;
    return [204, undef] if $from + DAY > $now;
    return $from;
}


# Movements of the day as the file has them; tests hide rows and add others.

sub moves {
    my ($sim, $brand, $day, $from) = @_;
    my $change = $sim->{day}{$brand}{$day} // {};
    my %hidden = map { $_ => 1 } @{ $change->{hide} // [] };

    return sort { $a->{creationDate} cmp $b->{creationDate}
                  || $a->{transactionId} cmp $b->{transactionId} }
        (grep { $_->{epoch} >= $from && $_->{epoch} < $from + DAY
                && !$hidden{ $_->{recipient} } }
             @{ $sim->{book}{moves}{$brand} }),
        @{ $change->{extra} // [] };
}


sub text {
    my ($sim, $moves) = @_;

    return join '', $sim->{knob}{file_header} ? NAMES . "\n" : (), map {
        my $move = $_;
        join(',', map { $move->{$_} // '' } split /,/, NAMES) . "\n"
    } @$moves;
}


sub hash {
    my ($sim, $brand, $day, $moves) = @_;
    my $text = text($sim, $moves);

    $text =~ s/\A[^\n]*\n// if $sim->{knob}{file_header}
        && !$sim->{knob}{hash_header};
    return $sim->{day}{$brand}{$day}{hash} // Digest::SHA::sha384_hex($text);
}


sub file {
    my ($sim, $r, undef, $now) = @_;
    my ($day) = @{ $r->{parts} };
    my $from = start($day, $now);

    return $from if ref $from;

    my @moves = moves($sim, $r->{brand}, $day, $from);

    return [204, undef] if !@moves;
    return [200, text($sim, \@moves), { type => 'text/csv' }];
}


sub stats {
    my ($sim, $r, undef, $now) = @_;
    my ($day, $recipient_type) = @{ $r->{parts} };
    my $from = start($day, $now);
    my %count;

    return SMS::Iys::Error::reply(422, 'H116') if !$recipient_type{$recipient_type};
    return $from if ref $from;

    for my $move (grep { $_->{recipientType} eq $recipient_type }
                  moves($sim, $r->{brand}, $day, $from))
    {
        my $source = ($move->{source} // 'HS') =~ /\AIYS/ ? 'IYS' : 'HS';
        $count{ $move->{type} }{$source}{ $move->{status} }++;
    }

    return [200, { changeStats => [map {
        my $type = $_;
        +{ type => $type, consents => [map {
            my $c = $count{$type}{$_};
            +{ source => $_, approval => $c->{ONAY} // 0,
               rejection => $c->{RET} // 0, pending => 0,
               total => ($c->{ONAY} // 0) + ($c->{RET} // 0) }
        } sort keys %{ $count{$type} }] }
    } sort keys %count] }];
}


sub agreement {
    my ($sim, $r, undef, $now) = @_;
    my ($day) = @{ $r->{parts} };
    my $from = start($day, $now);

    return $from if ref $from;

    my @moves = moves($sim, $r->{brand}, $day, $from);
    my $status = $sim->{knob}{agreement_status};

    return [204, undef] if !@moves;
    return [200, {
        processStatus => $status, hashMethod => 'SHA-384',
        $status eq 'completed'
            ? (hashValue => hash($sim, $r->{brand}, $day, \@moves)) : (),
        agreementStatus => $sim->{agreed}{ $r->{brand} }{$day}
            ? JSON::PP::true : JSON::PP::false,
    }];
}


sub agree {
    my ($sim, $r, $in, $now) = @_;
    my ($day) = @{ $r->{parts} };
    my $from = start($day, $now);

    return $from if ref $from;
    return SMS::Iys::Error::reply(422, 'H512')
        if ref $in ne 'HASH' || !$in->{agreementStatus};
    return [204, undef] if !moves($sim, $r->{brand}, $day, $from);

    $sim->{agreed}{ $r->{brand} }{$day} = int $now;
    return [200, { agreementCaptured => JSON::PP::true }];
}


# Octets that are no text; a real one is an RFC 3161 token.

sub timestamp {
    my ($sim, $r, undef, $now) = @_;
    my ($day) = @{ $r->{parts} };
    my $from = start($day, $now);

    return $from if ref $from;

    my $at = $sim->{agreed}{ $r->{brand} }{$day} or return [204, undef];

    return [200, "\x30\x82\x00\xff" . pack('N', $at)
        . hash($sim, $r->{brand}, $day, [moves($sim, $r->{brand}, $day, $from)]),
        { type => 'application/timestamp-reply' }];
}


# What an aracı hizmet sağlayıcı may ask (m.11).  INVENTED: that such a query
# exists is known from providers, its contract is not public.  One request for
# the numbers of one brand, as the bulk status query; the brand must have given
# the permission in İYS, which is a right apart from those of a partner.

sub ahs {
    my ($sim, $r, $user, $body) = @_;
    my $in = eval { SMS::Iys::Api::decode($body) };
    my $u = $sim->{gate}{users}{$user};

    return SMS::Iys::Error::reply(400, 'H014') if ref $in ne 'HASH';
    return SMS::Iys::Error::reply(403, 'AHS_AUTHORIZATION_ERROR')
        if ($u->{ahs} // 0) != $r->{ahs};

    my ($brand) = grep {
        defined $in->{vkn} ? ($_->{vkn} // '') eq $in->{vkn}
                           : $_->{brandCode} == ($in->{brandCode} // 0)
    } sort { $a->{brandCode} <=> $b->{brandCode} } values %{ $sim->{book}{brands} };

    return SMS::Iys::Error::reply(422, 'MISSING_IYS_BRAND_CODE')
        if !defined $in->{vkn} && !defined $in->{brandCode};
    return SMS::Iys::Error::reply(404, 'NO_AHS_BRAND_ERROR') if !$brand;
    return SMS::Iys::Error::reply(403, 'AHS_AUTHORIZATION_ERROR') if !$brand->{ahs};

    $r->{brand} = $brand->{brandCode};
    $r->{parts} = [$r->{ahs_recipient_type}, 'MESAJ'];
    return SMS::Iys::Query::bulk_status($sim, $r, $in);
}

1;
