package SMS::Iys::Api;

# İYS 3.2.0 as a client sees it: which operation a request is, and what stands
# between it and its answer, in this order: requests a second, injected faults,
# token, rights, subscription, JSON.

use strict;
use warnings;

use SMS::Iys::Book;
use SMS::Iys::Clock;
use SMS::Iys::Control;
use SMS::Iys::Day;
use SMS::Iys::Error;
use SMS::Iys::Gate;
use SMS::Iys::Push;
use SMS::Iys::Query;
use SMS::Iys::Retailer;
use SMS::Iys::Write;

my $json = do {
    my $class = eval { require JSON::XS; 'JSON::XS' }
        || do { require JSON::PP; 'JSON::PP' };
    $class->new->utf8->canonical;
};

# method, path below /sps/{iys}/brands/{brand} (or the whole path), name, code,
# "body" when it has one

my @routes = (
    ['POST', qr{consents/(BIREYSEL|TACIR|[^/]+)/status/([^/]+)}, 'bulk_status',
     \&SMS::Iys::Query::bulk_status, 1],
    ['POST', qr{consents/status}, 'single_status',
     \&SMS::Iys::Query::single_status, 1],
    ['GET', qr{consents/changes}, 'changes', \&SMS::Iys::Query::changes],
    ['POST', qr{consents/history}, 'history', \&SMS::Iys::Query::history, 1],
    ['POST', qr{consents}, 'add', \&SMS::Iys::Write::add, 1],
    ['POST', qr{consents/request}, 'bulk_add', \&SMS::Iys::Write::bulk_add, 1],
    ['GET', qr{consents/request/([^/]+)}, 'bulk_result',
     \&SMS::Iys::Write::bulk_result],
    ['POST', qr{push/registration}, 'push_register', sub {
        $_[0]{push}->register($_[1]{brand}, $_[2]) }, 1],
    ['GET', qr{push/registration}, 'push_list', sub {
        $_[0]{push}->list($_[1]{brand}) }],
    ['POST', qr{push/unregistration}, 'push_unregister', sub {
        $_[0]{push}->unregister($_[1]{brand}, $_[2]) }, 1],
    ['POST', qr{consents/retailers/access}, 'access_add',
     \&SMS::Iys::Retailer::access_add, 1],
    ['PUT', qr{consents/retailers/access}, 'access_replace',
     \&SMS::Iys::Retailer::access_replace, 1],
    ['POST', qr{consent/retailers/access/list}, 'access_list',
     \&SMS::Iys::Retailer::access_list, 1],
    ['POST', qr{consents/retailers/access/remove}, 'access_remove',
     \&SMS::Iys::Retailer::access_remove, 1],
    ['POST', qr{consents/retailers/access/remove/all}, 'access_remove_all',
     \&SMS::Iys::Retailer::access_remove, 1],
    ['GET', qr{changes/([^/]+)/recipients/([^/]+)}, 'day_stats',
     \&SMS::Iys::Day::stats],
    ['GET', qr{changes/([^/]+)/file}, 'day_file', \&SMS::Iys::Day::file],
    ['GET', qr{agreements/([^/]+)}, 'agreement', \&SMS::Iys::Day::agreement],
    ['PUT', qr{agreements/([^/]+)}, 'agree', \&SMS::Iys::Day::agree, 1],
    ['GET', qr{agreements/([^/]+)/timestamp}, 'timestamp',
     \&SMS::Iys::Day::timestamp],
    ['POST', qr{retailers}, 'retailer_add', \&SMS::Iys::Retailer::create, 1],
    ['GET', qr{retailers}, 'retailer_list', \&SMS::Iys::Retailer::list],
    ['GET', qr{retailers/([0-9]+)}, 'retailer_get', \&SMS::Iys::Retailer::get],
    ['DELETE', qr{retailers/([0-9]+)}, 'retailer_delete',
     \&SMS::Iys::Retailer::remove],
);


sub decode {
    my ($text) = @_;

    return $json->decode($text);
}


sub new {
    my ($class, $first) = @_;
    my $self = bless { first => $first // {} }, $class;

    $self->reset;
    return $self;
}


sub reset {
    my ($self) = @_;
    my ($push, $first) = @$self{qw(push first)};

    $SMS::Iys::Clock::ahead = 0;
    $SMS::Iys::Rules::retailer_access_max = 3000;
    $SMS::Iys::Rules::fresh_days = 3;
    $SMS::Iys::Rules::hs_2015 = 1;

    # children that still deliver report to the object that they came from

    %$self = (
        book => SMS::Iys::Book->new, gate => SMS::Iys::Gate->new,
        push => $push // SMS::Iys::Push->new, first => $first,
        faults => [], stats => {}, log => [], requests => {}, registered => {},
        serial => 0, day => {}, agreed => {},
        knob => {
            unknown_recipient => '404', async_delay => 300, async_enqueue => 0,
            feed_hidden => 3600, code_typo => 0, sub_request_id => 'subRequestId',
            feed_cursor => 'lenient', file_header => 0, hash_header => 1,
            agreement_status => 'completed', late_status => 422, retry_after => 0,
        },
    );
    $self->{push}{connections} = {};
    $self->{push}{deliveries} = [];
    $self->{push}{allow_http} = 0;
    $self->{push}{verify} = 1;
    $self->{push}{tries} = 1;
    $self->load($first);
    return;
}


sub handle {
    my ($self, $method, $path, $query, $headers, $body) = @_;

    if ($path =~ m{\A/_control/([a-z_]+)\z}) {
        return $self->encode(
            SMS::Iys::Control::handle($self, $method, $1, $body), {});
    }

    my $now = SMS::Iys::Clock::now();
    my %r = (method => $method, path => $path, name => 'unknown',
             query => { map { my ($k, $v) = split /=/, $_, 2;
                              $v =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge
                                  if defined $v;
                              ($k => $v) } split /&/, $query });
    my $answer = $self->answer(\%r, $headers, $body, $now);
    my ($status, $out, $o) = @$answer;

    $o = { %{ $o // {} }, headers => "Retry-After: $self->{knob}{retry_after}\r\n" }
        if $status == 429 && $self->{knob}{retry_after};

    push @{ $self->{log} }, {
        at => $now, method => $method, path => $path, status => $status,
        name => $r{name}, numbers => $r{numbers} // 0
    };
    splice @{ $self->{log} }, 0, 1000 if @{ $self->{log} } > 20_000;
    $self->{stats}{ $r{name} }{count}++;
    $self->{stats}{ $r{name} }{$status}++;
    $self->{stats}{ $r{name} }{numbers} += $r{numbers} // 0;

    if ($status == 403 && $self->{knob}{code_typo} && ref $out eq 'HASH') {
        $_->{'code:'} = delete $_->{code} for @{ $out->{errors} // [] };
    }

    return $self->encode([$status, $out], $o // {});
}


sub encode {
    my ($self, $answer, $o) = @_;
    my ($status, $body) = @$answer;

    return [$status, !defined $body ? ''
                     : ref $body ? $json->encode($body) : $body, $o];
}


sub answer {
    my ($self, $r, $headers, $body, $now) = @_;

    SMS::Iys::Write::run_due($self, $now);
    $self->route($r);

    my $fault = $self->fault($r);

    if ($r->{name} ne 'version' && !$fault->{before_limit}
        && !$self->{gate}->second($now))
    {
        return SMS::Iys::Error::reply(429, 'H124');
    }

    my $o = { map { ($_ => $fault->{$_}) }
              grep { defined $fault->{$_} } qw(delay drop truncate type) };

    if (defined $fault->{status}) {
        return [$fault->{status},
            defined $fault->{body} ? $fault->{body}
            : defined $fault->{code}
                ? { errors => [SMS::Iys::Error::entry($fault->{code})] }
                : '', $o];
    }

    my $answer = $self->permitted($r, $headers, $body, $now);

    return [@$answer[0, 1], { %{ $answer->[2] // {} }, %$o }];
}


# The first injected fault that fits; used up after "times".

sub fault {
    my ($self, $r) = @_;

    for my $i (0 .. $#{ $self->{faults} }) {
        my $f = $self->{faults}[$i];

        next if defined $f->{name} && $f->{name} ne $r->{name};
        next if defined $f->{path} && $r->{path} !~ /$f->{path}/;

        if (defined $f->{skip} && $f->{skip} > 0) {
            $f->{skip}--;
            next;
        }

        if (--$f->{times} <= 0) {
            splice @{ $self->{faults} }, $i, 1;
        }

        return $f;
    }

    return {};
}


sub route {
    my ($self, $r) = @_;
    my $path = $r->{path};

    if ($path eq '/version') {
        $r->{name} = 'version';
    } elsif ($path eq '/oauth2/token' && $r->{method} eq 'POST') {
        $r->{name} = 'token';
    } elsif ($path =~ m{\A/sps/([0-9]+)/brands\z} && $r->{method} eq 'GET') {
        @$r{qw(name iys)} = ('brands', $1);
    } elsif ($path =~ m{\A/sps/([0-9]+)/subscription\z}
             && $r->{method} eq 'GET')
    {
        @$r{qw(name iys)} = ('subscription', $1);
    } elsif ($path =~ m{\A/integrator/([0-9]+)/sps(?:/([0-9]+))?\z}
             && $r->{method} eq 'GET')
    {
        @$r{qw(name integrator only)} = ('integrator', $1, $2);
    } elsif ($path =~ m{\A/integrator/([0-9]+)/subscription\z}
             && $r->{method} eq 'GET')
    {
        @$r{qw(name integrator)} = ('integrator_subscription', $1);
    } elsif ($path =~ m{\A/ahs/([0-9]+)/status/(BIREYSEL|TACIR)/MESAJ\z}
             && $r->{method} eq 'POST')
    {
        @$r{qw(name ahs ahs_recipient_type)} = ('ahs_status', $1, $2);
    } elsif ($path =~ m{\A(/v2)?/sps/([0-9]+)/brands/([0-9]+)/(.*)\z}) {
        my ($v2, $iys, $brand, $rest) = ($1, $2, $3, $4);

        for my $route (@routes) {
            my ($method, $pattern, $name, $code, $has_body) = @$route;

            next if $method ne $r->{method};
            my @parts = $rest =~ /\A$pattern\z/ or next;
            @parts = () if $#+ == 0;            # no group: the match is (1)
            next if $v2 && $name !~ /\A(?:add|bulk_add|bulk_result)\z/;

            @$r{qw(name iys brand v2 code has_body)}
                = ($name, $iys, $brand, $v2 ? 1 : 0, $code, $has_body);
            $r->{parts} = \@parts;
            last;
        }
    }

    return;
}


sub permitted {
    my ($self, $r, $headers, $body, $now) = @_;
    my $gate = $self->{gate};

    return [200, { version => '3.2.0' }] if $r->{name} eq 'version';

    if ($r->{name} eq 'token') {
        return $gate->token($self->form($headers, $body),
            sub { [$self->brands_of(@_)] });
    }

    my $user = $gate->user($headers->{authorization});

    return SMS::Iys::Error::reply(401, 'H351') if !defined $user;
    return SMS::Iys::Error::reply(404, 'H355') if $r->{name} eq 'unknown';
    return SMS::Iys::Query::integrator($self, $r, $user)
        if $r->{name} =~ /\Aintegrator/;
    return SMS::Iys::Day::ahs($self, $r, $user, $body) if $r->{name} eq 'ahs_status';
    return SMS::Iys::Error::reply(403, 'H353')
        if !$gate->permits($user, $r->{iys}, $r->{brand});

    my $account = $self->{book}{accounts}{ $r->{iys} };

    return SMS::Iys::Error::reply($r->{name} eq 'brands' ? (404, 'H001')
                                                         : (403, 'H353'))
        if !$account;
    return SMS::Iys::Query::subscription($self, $r)
        if $r->{name} eq 'subscription';

    my $closed = $account->{status} eq 'CLOSED' ? 'H521'
        : $account->{status} eq 'NONE' ? 'H524'
        : $account->{status} ne 'ACTIVE' ? 'H520'
        : !$account->{api} ? 'H586' : undef;

    return SMS::Iys::Error::reply(403, $closed) if $closed;
    return SMS::Iys::Query::brands($self, $r) if $r->{name} eq 'brands';

    my $brand = $self->{book}{brands}{ $r->{brand} };

    return SMS::Iys::Error::reply(403, 'H353')
        if !$brand || $brand->{iysCode} != $r->{iys};

    my $in;

    if ($r->{has_body}) {
        $in = $r->{name} eq 'bulk_status'
            ? SMS::Iys::Query::numbers_only($body) : undef;
        $in //= eval { $json->decode($body) };
        return SMS::Iys::Error::reply(400, 'H014') if !ref $in;
    }

    return $r->{code}->($self, $r, $in, $now);
}


sub brands_of {
    my ($self, $user) = @_;

    return map { +{ brandCode => $_->{brandCode}, name => $_->{name} } }
        grep { $self->{gate}->permits($user, $_->{iysCode}, $_->{brandCode}) }
        map { $self->{book}{brands}{$_} }
        sort keys %{ $self->{book}{brands} };
}


# The token endpoint takes JSON and form bodies.

sub form {
    my ($self, $headers, $body) = @_;

    return eval { $json->decode($body) }
        if ($headers->{'content-type'} // '') !~ /x-www-form-urlencoded/i;

    my %in;

    for (split /&/, $body) {
        my ($name, $value) = map { tr/+/ /r } split /=/, $_, 2;
        s/%([0-9A-Fa-f]{2})/chr hex $1/ge for grep { defined } $name, $value;
        utf8::decode($value) if defined $value;
        $in{$name} = $value;
    }

    return \%in;
}


# Ids are made from a counter: the same run gives the same ids.

sub uuid {
    my ($self) = @_;
    my $hex = Digest::SHA::sha1_hex('iys-sim ' . ++$self->{serial});

    return join '-', substr($hex, 0, 8), substr($hex, 8, 4),
        '4' . substr($hex, 13, 3), '8' . substr($hex, 17, 3),
        substr($hex, 20, 12);
}

1;
