#!/usr/bin/perl

# Parts in doubt and overdue receipts: the holder of a bind asks the operator (D7).
# What could be taken back goes again, once; what the operator tells is the receipt.

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
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2,
                            conf => conf(sim => 'receipt_delay 50ms; stuck 7777;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
$pg->do(q{select sms.link_doubt_set(1, 'informational', 'ask')});

my $start = $account->balance;
my ($stuck, $mute) = map { scalar send_one($account, $nginx, to => $_, text => 'Siparişiniz yolda') }
    '905320007777', '905320000005';

sub doubt {
    my ($id) = @_;
    return $pg->value(q{select string_agg(policy || ' ' || coalesce(outcome, 'open') || ' '
                                          || coalesce(answer, '-'), ', ' order by attempt)
                          from sms.in_doubt d join sms.message m using (account_id, message_id)
                         where sms.id_text('msg', m.message_id) = ?}, $id) // '';
}

sub asked {
    my ($answer) = @_;
    my ($n) = $nginx->http->get('/metrics')->body
        =~ /^sms_asked_parts_total\{answer="$answer"\} (\d+)/m;
    return $n;
}

subtest 'taken back: it goes again' => sub {
    my $m = $account->wait_state($nginx, $stuck, qr/^delivered$/, slow(40));
    is($m->{state}, 'delivered', 'the second attempt arrives');
    is(doubt($stuck), 'ask resent taken-back', 'recorded with the answer');
    is($pg->value(q{select count(*) from sms.submit s join sms.message m using (account_id, message_id)
                     where m."to" = 905320007777}), 2, 'two attempts');
    is(asked('taken_back'), 1, 'counted');
};

subtest 'what cannot be taken back is held' => sub {
    ok(wait_until(sub { doubt($mute) =~ /no-answer|matched/ }, slow(30)), 'asked');
    cmp_ok(asked('cannot_tell'), '>=', 1, 'the operator could not tell');
    is($pg->value(q{select max(attempt) from sms.submit s join sms.message m
                     using (account_id, message_id) where m."to" = 905320000005}), 1,
        'and it is not sent a second time');
};

subtest 'an overdue receipt' => sub {
    my $id = send_one($account, $nginx, to => '905320000006', text => 'Kargonuz teslim edildi');
    ok(wait_until(sub { $pg->value(q{select count(*) from sms.receipt_watch w
                          where (select message_id from sms.message
                                  where "to" = 905320000006) = any (w.message_id)}) },
                  slow(20)), 'sent, and nothing comes');

    # a day and its validity have passed
    $pg->do(q{update sms.receipt_watch set at = at - interval '2 days'});
    $pg->do(q{select sms.upkeep('no_receipt', now(), 100)});
    $pg->do(q{update sms.receipt_wait set at = now() - interval '1 second'
               where message_id = (select message_id from sms.message
                                    where "to" = 905320000006)});
    $pg->do(q{select sms.upkeep('no_receipt', now(), 100)});

    my $m = $account->wait_state($nginx, $id, qr/^(?!submitted|sent)/, slow(30));
    is($m->{state}, 'delivered', 'asked, the operator says that it was delivered');
    is(asked('told'), 1, 'counted');
    is($pg->value(q{select count(*) from sms.ask k join sms.message m
                     using (account_id, message_id) where m."to" = 905320000006}), 0,
        'and not asked any more');
};

is($account->balance, $start - 300_000, 'each was charged once');
books_balance($pg);

done_testing;
