#!/usr/bin/perl

# Several links: what a status of one means for the others (C8), an operator that
# refuses everything, a pair of sessions, a wrong password, and what every node sees
# of binds.

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
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => [qw(turkcell vodafone)]);
my %final = (7101 => [ 0x455, 'consent-refused' ], 7102 => [ 0x456, 'blacklisted-by-operator' ],
             7103 => [ 0x457, 'content-refused' ], 7104 => [ 0x0B, 'invalid-number' ]);
my $first = SMS::Smsc->start(receipt_ms => 50, rules => [
    (map { sprintf '%s=status:0x%x', $_, $final{$_}[0] } sort keys %final),
    '7201=status:0x0A', '7202=status:0x15', '7203=status:0x15', '7301=status:0x460' ]);
my $second = SMS::Smsc->start(receipt_ms => 50, rules => [ '7203=status:0x0A' ]);
my $third = SMS::Smsc->start(receipt_ms => 50);

my $nginx = SMS::Nginx->new(pg => $pg, workers => 2);
my $routes = spew("$nginx->{dir}/routes", "* * turkcell vodafone\n90559 * turkcell_b\n");
chmod 0644, $routes;
$nginx->conf(conf(smsc => $first, smpp => <<'EOC', http => <<"EOH"));
        status 0x455=consent; status 0x456=blacklist; status 0x457=content;
        status 0x460=stop; stop_wait 3s;
EOC
    sms_plugin router prefix router_prefix.so { table $routes; }
    sms_plugin operator vodafone operator_smpp.so link=3 operator=vodafone {
        grant stream inbound metric dict;
        host 127.0.0.1; port @{[ $second->port ]}; system_id demo; password demo;
        bind paired; window 8; rate 50;
    }
    sms_plugin operator turkcell_b operator_smpp.so link=4 operator=turkcell {
        grant stream inbound metric dict;
        host 127.0.0.1; port @{[ $third->port ]}; system_id demo; password demo; binds 2;
    }
    sms_plugin operator closed operator_smpp.so link=5 operator=turkcell {
        grant stream inbound metric dict;
        host 127.0.0.1; port @{[ $third->port ]}; system_id demo; password wrong; binds 4;
        reconnect_min 10ms; reconnect_max 500ms;
    }
EOH

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

my $n = 0;
my $start = $account->balance;


sub to { return sprintf '9053%04d%s', ++$n, $_[0] // '0000' }
sub seen { my ($smsc, $to) = @_; return scalar grep { $_->{dest} eq $to } $smsc->events('submit') }
sub bind_row {
    my ($link) = @_;
    return $pg->value(q{select string_agg(state, ' ' order by bind) from sms.bind
                         where link_id = ?}, $link) // '';
}
sub ends {
    my ($id) = @_;
    return $account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, 15);
}

sub approval {
    my ($operator) = @_;
    return $pg->value(q{select state from sms.sender_approval where account_id = ?
                         and operator = ?}, $account->id, $operator);
}
sub approve {
    my ($operator) = @_;
    $pg->do(q{select sms.sender_approve(account_id, sender, operator) from sms.sender_approval
               where account_id = ? and operator = ?}, $account->id, $operator);
}
sub sent_over_second {
    my ($name) = @_;
    my $to = to();
    is(ends(scalar send_one($account, $nginx, to => $to, text => $name))->{state}, 'delivered',
       "$name: delivered");
    is(seen($first, $to) . seen($second, $to), '01', "$name: the first link never saw it");
}

ok(scalar(wait_until { bind_row(2) eq 'bound' && bind_row(3) eq 'bound'
                       && bind_row(4) eq 'bound bound' } slow(20), 'binds'),
   'every bind is in the database') or diag(bind_row(2), bind_row(3), bind_row(4));

subtest 'final is final' => sub {
    for my $suffix (sort keys %final) {
        my $to = to($suffix);
        my $id = send_one($account, $nginx, to => $to, text => "son söz $suffix");
        my $m = ends($id);

        is($m->{state}, 'rejected', "$suffix: rejected");
        is($pg->value('select code from sms.settlement where message_id = sms.id_parse(?, ?)',
                      'msg', $id), $final{$suffix}[1], "$suffix: why");
        is($m->{refunded}{amount_micro}, 100_000, "$suffix: refunded");
        is(seen($first, $to), 1, "$suffix: the first link saw it once");
        is(seen($second, $to), 0, "$suffix: no second link ever did");
    }

    my $to = to(7101);
    my $id = send_one($account, $nginx, to => $to, class => 'otp', text => 'Örnek giriş kodu: 482913');
    is(ends($id)->{state}, 'rejected', 'an OTP, too');
    is(seen($first, $to) . seen($second, $to), '10', 'once, over one link');
};

subtest 'over another link' => sub {
    for my $suffix (7201, 7202) {
        my $to = to($suffix);
        my $id = send_one($account, $nginx, to => $to, text => "öteki yoldan $suffix");

        is(ends($id)->{state}, 'delivered', "$suffix: delivered");
        is(seen($first, $to) . seen($second, $to), '11', "$suffix: once over each");
        my $tries = message($account, $nginx, $id, '/explain')->{route}{attempts};
        is(join(' ', map { "$_->{link}:$_->{outcome}" } @$tries),
           'turkcell:failover vodafone:sent', "$suffix: as it is explained");
        next if $suffix ne 7201;

        # the header is not registered there: nobody tries that again (C8)
        ok(scalar(wait_until { approval('turkcell') eq 'rejected' } slow(20), 'marked'),
           'it is rejected on that operator');
        sent_over_second('the next message');
        approve('turkcell');
    }

    my $to = to(7203);
    my $m = ends(my $id = send_one($account, $nginx, to => $to, text => 'hiçbir yoldan'));
    is($m->{state}, 'refused', 'none takes it: refused');
    is($pg->value('select code from sms.settlement where message_id = sms.id_parse(?, ?)',
                  'msg', $id), 'sender-refused', 'for what the last one said');
    is($m->{refunded}{amount_micro}, 100_000, 'refunded');
    is(seen($first, $to) . seen($second, $to), '11', 'each was asked once');
    ok(scalar(wait_until { approval('vodafone') eq 'rejected' } slow(20), 'marked'),
       'and the second marked');
    approve('vodafone');
};

subtest 'another link of the same operator' => sub {
    my $id = send_one($account, $nginx, to => '905590000001', text => 'ikinci hat');

    is(ends($id)->{state}, 'delivered', 'delivered');
    is(seen($third, '905590000001') . seen($first, '905590000001'), '10', 'over its own link');
};

subtest 'a pair' => sub {
    my %kind;
    $kind{ $_->{bind} }++ for grep { $_->{status} == 0 } $second->events('bind');
    is_deeply(\%kind, { transmitter => 1, receiver => 1 }, 'a transmitter and a receiver');
    is($pg->value(q{select count(*) from sms.lease where name like 'bind/3/%'}), 1,
       'one lease for both');
    is($pg->value(q{select "window" || ' ' || rate from sms.bind where link_id = 3}), '8 50',
       'its window and rate are told');
};

subtest 'the operator refuses everything' => sub {
    my $to = to(7301);
    my $id = send_one($account, $nginx, to => $to, text => 'kredi bitti');

    ok(scalar(wait_until { bind_row(2) eq 'resting' } slow(10), 'rest'), 'the link rests');
    is($pg->value(q{select error_code from sms.bind where link_id = 2}), 0x460, 'and says why');
    my @to = map { to() } 1 .. 5;
    my @ids = send_one($account, $nginx, to => \@to, text => 'bu arada');
    is(scalar(grep { seen($first, $_) } @to), 0, 'nothing is claimed meanwhile');

    $first->rule(7301, status => 0);
    is(ends($_)->{state}, 'delivered', 'delivered when it works again') for $id, @ids;
    cmp_ok(seen($first, $to), '<=', 3, 'it was not tried over and over');
    is(bind_row(2), 'bound', 'bound again')
        if wait_until { bind_row(2) eq 'bound' } slow(10), 'bound again';
};

subtest 'a wrong password' => sub {
    like(bind_row(5), qr/waiting/, 'waits');
    is($pg->value(q{select max(error_code) from sms.bind where link_id = 5}), 14,
       'the status is told');
    my @lines = $nginx->log =~ /sms closed: (bind \d: bind refused: .*)/g;
    # workers do not know of each other, so one line each at the most
    cmp_ok(scalar @lines, '<=', 2, 'one line for all binds of a worker') or diag(explain(\@lines));
    like($lines[0] // '', qr/ESME_RINVPASWD status=0xe: check system_id, password/, 'a clear one');
    unlike($nginx->log, qr/\bwrong\b/, 'without the password');
    my ($failed) = $nginx->http->get('/metrics')->body
        =~ /^sms_plugin_smpp_bind_failed_total\{[^}]*closed[^}]*\} (\d+)/m;
    cmp_ok($failed // 0, '>=', 1, 'counted');
    my @tries = grep { $_->{status} == 14 } $third->events('bind');
    my $took = @tries > 1 ? $tries[-1]{at} - $tries[0]{at} : 0;
    # each worker waits 0.5 s, 1 s, 2 s, 4 s, then 5 s
    cmp_ok(scalar @tries, '<=', 2 * (4 + $took / 5 + 1), 'no storm');
};

ok(wait_ended($pg), 'every message has ended');
books_balance($pg);
my $kept = $pg->value('select coalesce(sum(kept_micro), 0) from sms.settlement');
is($account->balance, $start - $kept, 'what was not kept is back');

done_testing;
