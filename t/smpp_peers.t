#!/usr/bin/perl

# SMPP with four peers that were not written here, all through the same scenario:
# t/peers/scenario.json.  For each message its end, its charge, how often the peer has
# it and what it reads; then inbound messages, enquire_link both ways, unbind, and a
# password that is wrong at first.  Kannel's ends with the first connection that is
# closed, so it gets more time for an answer.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Peer;
use SMS::Pg;
use SMS::Tap;

my $scenario = SMS::Peer::scenario();

# "cannot": what its program has no way to do; t/peers/kannel says more
my @peers = (
    { name => 'net_smpp', title => 'Net::SMPP of Perl' },
    { name => 'smpp34', title => 'libsmpp34' },
    { name => 'node_smpp', title => 'smpp of npm' },
    { name => 'kannel', title => 'drive_smpp of Kannel', enquire => '5s',
      cannot => { map { $_ => 1 } qw(transceiver password refuse receipt id dest) },
      inbound => [ map { { from => '456', to => '123', text => $_ } }
                   1 .. @{ $scenario->{inbound} } ] },
);


sub link_conf {
    my ($peer, $number, $mode, $password) = @_;

    return <<"EOC";
    sms_plugin operator link$number operator_smpp.so link=$number operator=turkcell {
        grant stream inbound metric dict;
        host 127.0.0.1; port $peer->{port}; bind $mode;
        system_id $scenario->{system_id}; password $password;
        window 5; enquire_link @{[ $peer->{enquire} // '1s' ]}; reconnect_min 100ms; reconnect_max 500ms;
    }
EOC
}


sub nginx_conf {
    my ($peer, $password) = @_;

    my @modes = $peer->{cannot}{transceiver} ? qw(transmitter receiver) : 'transceiver';
    my $links = join '', map { link_conf($peer, $_ + 2, $modes[$_], $password) } 0 .. $#modes;
    my $routes = spew(temporary('routes') . '/routes', "* * link2\n");

    my $conf = SMS::Flow::conf(sim => '', http => <<"EOC");
    sms_plugin router prefix router_prefix.so { table $routes; }
$links
EOC
    $conf =~ s/ *sms_plugin operator sim operator_simulator\.so[^}]*\}\n//;
    return $conf;
}


sub try_peer {
    my ($peer) = @_;

    my %cannot = %{ $peer->{cannot} // {} };
    my $pg = SMS::Pg->new;
    prices($pg);
    # without receipts a message ends as sent
    $pg->do(q{select sms.link_register(2, 'link2', 'turkcell')});
    $pg->do(q{select sms.link_receipts(2, 'none')}) if $cannot{receipt};

    my $account = SMS::Account->new($pg, operators => ['turkcell']);
    $peer->{port} = free_port();
    my $far = SMS::Peer->start($peer->{name}, $peer->{port});
    my $first = $cannot{password} ? $scenario->{password} : $scenario->{wrong_password};
    my $nginx = SMS::Nginx->new(pg => $pg, conf => nginx_conf($peer, $first));

    ok(begin($nginx), 'ready') or return diag($nginx->tail);
    $far->wait_for('bind', $cannot{transceiver} ? 2 : 1);

    if (!$cannot{password}) {
        is(($far->events('bind'))[0]{status}, 0x0E, 'a wrong password is refused');
        like($nginx->log, qr/bind refused: ESME_RINVPASWD status=0xe/, 'and named in the log');
        $nginx->conf(nginx_conf($peer, $scenario->{password}));
        $nginx->reload;
    }

    ok(scalar(wait_until { $nginx->log =~ /bind \S+: bound: / } slow(20), 'a bind'), 'bound');

    my @messages = grep { !$_->{needs} || !$cannot{ $_->{needs} } } @{ $scenario->{messages} };

    for my $m (@messages) {
        $m->{full} = $m->{text} x ($m->{repeat} // 1);
        $m->{id} = send_one($account, $nginx, to => $m->{to}, text => $m->{full},
            $m->{class} ? (class => $m->{class}) : (),
            $m->{encoding} ? (encoding => $m->{encoding}) : ());
    }

    ok(wait_ended($pg), 'all end');

    my @submits = $far->events('submit');
    my $parts = 0;

    for my $m (@messages) {
        my $end = message($account, $nginx, $m->{id});
        my $kept = $m->{kept} // 1;

        $parts += $end->{parts};
        is($end->{state}, $m->{state} // ($cannot{receipt} ? 'sent' : 'delivered'),
           "$m->{name}: $end->{state}");
        is($pg->value('select kept_micro from sms.settlement where message_id =
                       (select message_id from sms.message where "to" = ?)', $m->{to}),
           $kept * 100_000 * $end->{parts}, "$m->{name}: the charge");

        if ($cannot{dest}) {
            # it names no recipient: its text is told only where it has no NUL
            next unless $m->{plain};
            is(scalar(grep { pack('H*', $_->{octets}) eq $m->{full} } @submits), 1,
               "$m->{name}: there once, as it reads");
            next;
        }

        my @got = sort { $a->[0] <=> $b->[0] } map { [ SMS::Peer::text($_) ] }
                  grep { $_->{dest} =~ /^\+?$m->{to}$/ } @submits;
        is(scalar @got, $end->{parts}, "$m->{name}: there once, in $end->{parts} parts");
        is(join(' ', map { "$_->[0]/$_->[1]" } @got),
           join(' ', map { "$_/$end->{parts}" } 1 .. $end->{parts}), "$m->{name}: numbered");
        is(join('', map { $_->[2] } @got), $m->{full}, "$m->{name}: as the peer reads it");
    }

    is(scalar @submits, $parts, 'no other submit');

    for my $in (@{ $peer->{inbound} // $scenario->{inbound} }) {
        ok(scalar(wait_until {
            $pg->value('select count(*) from sms.inbound where "from" = ? and "to" = ? and text = ?',
                       @$in{qw(from to text)})
        } slow(10), "inbound $in->{text}"), "inbound: $in->{text}");
    }

    ok($far->wait_for('inbound_answer', scalar @{ $scenario->{inbound} }), 'and answered');
    is(scalar(grep { $_->{status} } $far->events('inbound_answer')), 0, 'with status 0');
    is(scalar(grep { $_->{status} } $far->events('receipt_answer')), 0, 'as are receipts');
    ok($far->wait_for('enquire_answer', 1), 'enquire_link from the peer is answered');
    ok($far->wait_for('enquire', 1), 'and ours by the peer');

    books_balance($pg);
    $nginx->end;
    ok($far->wait_for('unbind', 1), 'unbind at the end');
    is(scalar($far->events('unknown')) + scalar($far->events('unpack')), 0,
       'the peer understood everything');
    $far->stop;
    return;
}


subtest $_->{title} => \&try_peer, $_ for @peers;

done_testing;
