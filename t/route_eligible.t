#!/usr/bin/perl

# Eligibility comes before routing, and before acceptance: sender approved on the
# operator, class and encoding allowed on the link, no internet address from abroad.
# What is left shares by weight and fails over.

# limit: 300

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Route;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);

# ORNEK everywhere, YEREL on two operators, UZAK only abroad
my $account = SMS::Account->new($pg, operators => [qw(turkcell vodafone abroad)]);

for my $sender ([ 'YEREL', 'vodafone', 'plain' ], [ 'UZAK', 'abroad' ], [ 'YOK' ]) {
    my ($name, @operators) = @$sender;
    $pg->do('select sms.sender_create(?, ?, ?, ?)', $account->id, $name, $account->brand,
            ['informational', 'otp', 'commercial']);
    $pg->do('select sms.sender_approve(?, ?, ?)', $account->id, $name, $_) for @operators;
}

my %smsc = map { $_ => SMS::Smsc->start(receipt_ms => 20) } qw(turkcell vodafone abroad plain);

my $routes = <<'EOR';
90     *    turkcell:3,vodafone:1,abroad:1
90501  otp  turkcell,abroad
90502  *    abroad   vodafone
90503  *    turkcell  plain
90504  *    vodafone  turkcell
90504  *    sender=UZAK abroad
90504  *    network=286-03 plain
EOR

my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(
    http => link_to($smsc{turkcell}, 'turkcell', 2)
            . link_to($smsc{vodafone}, 'vodafone', 3)
            . link_to($smsc{abroad}, 'abroad', 4, 'abroad=on classes=informational,commercial')
            . link_to($smsc{plain}, 'plain', 5, 'encodings=gsm7')
            . router($routes), sim => 'receipt_delay 50ms;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

my $next = 1000;

# a new number under the prefix
sub to { return shift() . sprintf '%07d', $next++ }

sub links_of {
    my (@to) = @_;
    my %of;
    for my $name (keys %smsc) {
        my $n = went($smsc{$name});
        $_ and push @{ $of{$_} }, $name for grep { $n->{$_} } @to;
    }
    return map { join '+', @{ $of{$_} // ['nowhere'] } } @to;
}

# sends, waits until all have ended, and tells the links
sub goes {
    my ($to, %body) = @_;

    my $r = message_of($account, $nginx, $to, %body);
    return $r->status . ' ' . ($r->json->{code} // '') if $r->status != 202;
    wait_ended($pg, 30);
    return join ' ', links_of(ref $to ? @$to : $to);
}

subtest 'sender' => sub {
    is(goes(to(90504)), 'vodafone', 'approved: as the route says');
    is(goes(to(90503), sender => 'YEREL', text => 'plain ascii'), 'plain',
       'not on the first: the next link of the route');
    is(goes(to(90502), sender => 'YOK'), '422 sender-not-registered-on-route', 'on none');
    my @to = map { to(90541) } 1 .. 30;
    is(goes(\@to, sender => 'YEREL'), join(' ', ('vodafone') x 30),
       'of three that share, the one that may gets all');
    my $r = message_of($account, $nginx, [ to(90504), to(90503) ], sender => 'UZAK',
                       text => 'biri gider');
    is($r->status, 202, 'one of two');
    is($r->json->{rejected}[0]{code}, 'sender-not-registered-on-route', 'the other is told');
};

subtest 'class' => sub {
    is(goes(to(90501), class => 'otp', basis => undef, text => 'Kod 481516'), 'turkcell',
       'a link that takes no OTP is left out') for 1 .. 4;
    is(goes(to(90502), class => 'otp', basis => undef, text => 'Kod 481516'), 'vodafone',
       'and fails over before it is tried');
    is(goes(to(90504), class => 'otp', basis => undef, sender => 'UZAK', text => 'Kod 4815'),
       '422 not-carried-on-route', 'none is left');
};

subtest 'internet address' => sub {
    is(goes(to(90502), text => 'Siparişiniz yolda.'), 'abroad', 'without one it may');
    is(goes(to(90502), text => "Siparişiniz yolda: $_"), 'vodafone', "never with $_")
        for 'https://ornek.com.tr/k', 'www.ornek.com.tr', 'bit.ly/3xYz', 'ORNEK.COM';
    is(goes(to(90504), sender => 'UZAK', text => 'Bkz. ornek.com.tr'),
       '422 not-carried-on-route', 'refused where there is no other way');
    my @to = map { to(90541) } 1 .. 40;
    my @links = split ' ', goes(\@to, text => 'Bkz. ornek.com.tr/a');
    is(scalar(@links), 40, 'all are taken') or diag("@links");
    is(scalar(grep { $_ eq 'abroad' } @links), 0, 'of forty none');
    cmp_ok(scalar(grep { $_ eq 'turkcell' } @links), '>', 15, 'they share the rest');
    cmp_ok(scalar(grep { $_ eq 'vodafone' } @links), '>=', 1, 'by weight');
};

subtest 'encoding' => sub {
    is(goes(to(90503), sender => 'YEREL', text => 'Siparişiniz yolda.'),
       '422 not-carried-on-route', 'a link that carries no Turkish');
    is(goes(to(90503), sender => 'YEREL', text => 'Your order.'), 'plain', 'carries English');
};

subtest 'preview tells it' => sub {
    my $preview = sub {
        my (%body) = @_;
        my $r = $account->post($nginx, '/v1/messages:preview', $account->message(
            sender => 'YEREL', text => 'Bkz. ornek.com.tr ş', to => [ to(90504) ], %body));
        return { map { $_->{operator} => $_->{eligible} ? 'yes' : $_->{reason} }
                 @{ $r->json->{texts}[0]{operators} // [] } };
    };
    my $sim = 'sender-not-approved';

    is_deeply($preview->(), { sim => $sim, turkcell => 'sender-not-approved',
        vodafone => 'yes', abroad => $sim, plain => 'encoding-not-carried' },
        'operator by operator');
    is_deeply($preview->(class => 'otp', basis => undef, text => 'Kod 4815', sender => 'UZAK'),
        { sim => $sim, turkcell => $sim, vodafone => $sim, abroad => 'class-not-allowed',
          plain => $sim }, 'with the class');
    is_deeply($preview->(sender => 'ORNEK'), { sim => $sim, turkcell => 'yes', vodafone => 'yes',
        abroad => 'address-from-abroad', plain => $sim }, 'and the text');
};

subtest 'a campaign is routed the same way' => sub {
    my @to = map { to(90502) } 1 .. 5;
    my $r = message_of($account, $nginx, \@to, text => 'Bkz. ornek.com.tr',
                       schedule_at => $pg->value(q{select to_char(now() at time zone 'UTC'
                           + interval '2 seconds', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')}));
    is($r->status, 202, 'scheduled') or diag($r->body);
    ok(wait_ended($pg, 40), 'sent');
    is(join(' ', links_of(@to)), join(' ', ('vodafone') x 5), 'by screen, and not from abroad');
};

books_balance($pg);
done_testing;
