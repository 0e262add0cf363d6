package SMS::Iys::Rules;

# What İYS refuses in a consent object before it looks at its own state: the
# field rules V2..V12 in their order, every finding collected.

use strict;
use warnings;

use JSON::PP ();
use SMS::Iys::Clock;
use SMS::Iys::Error;

our @TYPE = qw(ARAMA MESAJ EPOSTA);
our @RECIPIENT_TYPE = qw(BIREYSEL TACIR);

my %source = map { $_ => 1 } qw(
    HS_2015 HS_KARAR HS_FIZIKSEL_ORTAM HS_ISLAK_IMZA HS_ETKINLIK HS_ATM
    HS_EORTAM HS_WEB HS_MOBIL HS_MESAJ HS_EPOSTA HS_CAGRI_MERKEZI
    HS_SOSYAL_MEDYA
);
my %type = map { $_ => 1 } @TYPE;
my %recipient_type = map { $_ => 1 } @RECIPIENT_TYPE;
my %member = map { $_ => 1 } qw(
    recipient type source status consentDate recipientType retailerCode
    retailerAccess
);

our $retailer_access_max = 3000;
our $fresh_days = 3;                    # V10; 0 switches it off
our $hs_2015 = 1;                       # 0: HS_2015 is subject to V10, too


sub given {
    my ($value) = @_;

    return defined $value && (ref $value || $value ne '');
}


sub plain {
    my ($value) = @_;

    return defined $value && !ref $value;
}


# Codes of an address, by the kind that the type wants.

sub address {
    my ($recipient, $type) = @_;

    return $type eq 'EPOSTA' ? ('H120') : ('H121') if ref $recipient;

    if ($type eq 'EPOSTA') {
        my @codes;

        push @codes, 'H166'
            if length $recipient < 6 || length $recipient > 265;
        push @codes, 'H120'
            if $recipient !~ /\A[A-Za-z0-9][A-Za-z0-9._+-]*
                              @[A-Za-z0-9-]{2,}(?:\.[A-Za-z0-9-]{2,})+\z/xa;
        return @codes;
    }

    return ('H160', 'H121') if length $recipient > 15;

    my $plan = $type eq 'ARAMA' ? qr/\A\+90[2-58][0-9]{9}\z/a
                                : qr/\A\+905[0-9]{9}\z/a;

    return () if $recipient =~ $plan;
    return () if $recipient =~ /\A\+(?!90)[1-9][0-9]{6,13}\z/a;
    return ('H121');
}


sub dates {
    my ($consent, $now, $add) = @_;
    my $date = $consent->{consentDate};
    my $epoch = SMS::Iys::Clock::epoch($date);
    my $is_2015 = ($consent->{source} // '') eq 'HS_2015';
    my @where = (location => ['consentDate'], value => $date);

    return $add->('H158', @where) if !defined $epoch;
    return $add->('H157', @where) if $epoch == 0;

    $add->('H162', @where) if $epoch > $now;
    $add->('H156', @where) if $date lt '2015-05-01 00:00:00';
    $add->('H155', @where) if $is_2015 && $date ne '2015-05-01 00:00:00';

    if ($fresh_days && $epoch <= $now && !($is_2015 && $hs_2015)
        && $date ge '2015-05-01 00:00:00'
        && SMS::Iys::Clock::business_days($epoch, $now) > $fresh_days)
    {
        return 'H467';
    }

    return '';
}


# Findings about one consent object.  "index" in a list, or undef.

sub consent {
    my ($consent, $now, $index) = @_;
    my (@found, $stale);
    my $add = sub {
        push @found, SMS::Iys::Error::entry(@_, index => $index);
        return '';
    };

    if (ref $consent ne 'HASH') {
        $add->('H014');
        return @found;
    }

    my $person = ($consent->{recipientType} // 'BIREYSEL') ne 'TACIR';

    # V2
    for (['status', 'H110'], ['type', 'H111'],
         $person ? (['consentDate', 'H112'], ['source', 'H113']) : (),
         ['recipient', 'H114'])
    {
        my ($name, $code) = @$_;
        $add->($code, location => [$name]) if !given($consent->{$name});
    }

    # V3
    for (['status', 'H115', { ONAY => 1, RET => 1 }],
         ['recipientType', 'H116', \%recipient_type],
         ['type', 'H117', \%type], ['source', 'H119', \%source])
    {
        my ($name, $code, $values) = @$_;
        next if !exists $consent->{$name};
        next if !given($consent->{$name}) && $name ne 'recipientType'
            && ($person || $name ne 'source');
        my $value = $consent->{$name};
        $add->($code, location => [$name], value => $value)
            if !plain($value) || !$values->{$value};
    }

    # V4
    for my $name (sort keys %$consent) {
        $add->('H118', location => [$name], value => $consent->{$name})
            if !$member{$name};
    }

    # V5 .. V8, V10
    if (given($consent->{consentDate})
        || (!$person && exists $consent->{consentDate}))
    {
        $stale = dates($consent, $now, $add);
    }

    # V9
    if (($consent->{source} // '') eq 'HS_KARAR'
        && ($consent->{status} // '') eq 'ONAY')
    {
        $add->('H408', location => ['source'], value => 'HS_KARAR');
    }

    $add->($stale, location => ['consentDate'],
        value => $consent->{consentDate}) if $stale;

    # V11, V12
    if (given($consent->{recipient}) && plain($consent->{type})
        && $type{$consent->{type}})
    {
        $add->($_, location => ['recipient'], value => $consent->{recipient})
            for address($consent->{recipient}, $consent->{type});
    }

    if (exists $consent->{retailerAccess}) {
        my $list = $consent->{retailerAccess};

        if (ref $list ne 'ARRAY') {
            $add->('H478', location => ['retailerAccess']);
        } elsif (!@$list) {
            $add->('H163', location => ['retailerAccess']);
        } elsif (@$list > $retailer_access_max) {
            $add->('H126', location => ['retailerAccess']);
        }
    }

    return @found;
}


# recipient, recipientType, type of a query; all three mandatory.

sub subject {
    my ($body) = @_;
    my @found;
    my $add = sub { push @found, SMS::Iys::Error::entry(@_) };

    return SMS::Iys::Error::entry('H097') if ref $body ne 'HASH';

    $add->('H114', location => ['recipient']) if !given($body->{recipient});

    if (!given($body->{recipientType})) {
        $add->('H170', location => ['recipientType']);
    } elsif (!plain($body->{recipientType})
             || !$recipient_type{$body->{recipientType}})
    {
        $add->('H116', location => ['recipientType'],
            value => $body->{recipientType});
    }

    if (!given($body->{type})) {
        $add->('H111', location => ['type']);
    } elsif (!plain($body->{type}) || !$type{$body->{type}}) {
        $add->('H117', location => ['type'], value => $body->{type});
    } elsif (given($body->{recipient})) {
        $add->($_, location => ['recipient'], value => $body->{recipient})
            for address($body->{recipient}, $body->{type});
    }

    return @found;
}


sub normal {
    my ($recipient, $type) = @_;

    return $type eq 'EPOSTA' ? lc $recipient : $recipient;
}

1;
