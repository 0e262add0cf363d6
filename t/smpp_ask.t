#!/usr/bin/perl

# What a real SMSC is asked: query_sm for a receipt that is overdue, never by an id
# that there is not.  And submits in their other forms: data_sm, absolute validity.

# limit: 300

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(strftime);
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell']);
my $smsc = SMS::Smsc->start(receipt_ms => 50, rules => [
    '7001=receipt:none,state:DELIVRD', '7002=receipt:none,state:UNDELIV',
    '7003=receipt:none,query:0x67', '7004=receipt:none,query:0x0C', '7008=silent:1,times:1',
    '7009=receipt:none', '7010=receipt:none,cancel:0x11' ]);
my $nginx = SMS::Nginx->new(pg => $pg, conf => conf(smsc => $smsc,
    smpp => 'query on; cancel on; validity_form absolute; response_timeout 2s;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

$pg->do(q{select sms.link_doubt_set(2, 'informational', 'ask')});

sub journal { return scalar(my @all = $smsc->events($_[0])) }

sub commercial {
    my ($to) = @_;
    # İYS was asked a moment ago
    $pg->do(q{select sms.consent_put(array[?::bigint], array[?::bigint], array[1::smallint], array[?::bigint],
              array[1::smallint], array[now()], sms.id_new(), 'status')}, $account->id, $account->brand, $to);
    return send_one($account, $nginx, class => 'commercial', recipient_type => 'BIREYSEL',
                    brand => $account->brand_id, to => $to, text => "Kampanya $to. Ret: ORNEK RET 4605");
}

sub submits {
    my ($to) = @_;
    return $pg->value(q{select count(*) from sms.submit s join sms.message m
                         using (account_id, message_id) where m."to" = ?}, $to);
}

subtest 'an overdue receipt' => sub {
    my %of = map { $_ => scalar send_one($account, $nginx, to => "90532000$_",
                                         text => 'Kargonuz teslim edildi') }
        '7001' .. '7004';
    ok(wait_until(sub { $pg->value(q{select coalesce(sum(cardinality(message_id)), 0)
                                       from sms.receipt_watch}) == 4 }, slow(20)),
       'all are sent, and nothing comes');
    is(journal('query'), 0, 'nobody asks before a receipt is due');

    ok(wait_until(sub { $pg->value('select asks_at from sms.link where link_id = 2') }, slow(20)),
       'who holds the bind asks');

    # a day and their validity have passed
    $pg->do(q{update sms.receipt_watch set at = at - interval '2 days'});
    upkeep($pg, 'no_receipt');
    $pg->do(q{update sms.receipt_wait set at = now() - interval '1 second'});
    upkeep($pg, 'no_receipt');

    my $m = $account->wait_state($nginx, $of{7001}, qr/^(?!submitted|sent)/, slow(30));
    is($m->{state}, 'delivered', 'what the SMSC delivered');
    $m = $account->wait_state($nginx, $of{7002}, qr/^(?!submitted|sent)/, slow(30));
    is($m->{state}, 'undelivered', 'what it could not');
    ok(wait_until(sub { journal('query') >= 4 }, slow(20)), 'all were asked about');
    is_deeply([ map { submits("90532000$_") } 7003, 7004 ], [ 1, 1 ],
              'nothing is sent again for want of a receipt, known there or not');
};

subtest 'no answer, no id' => sub {
    my $queries = journal('query');
    my $id = send_one($account, $nginx, to => '905320007008', text => 'Siparişiniz yolda');

    ok(wait_until(sub { $pg->value(q{select answer from sms.in_doubt where answer is not null}) },
                  slow(40)), 'asked');
    is($pg->value(q{select string_agg(answer, ' ') from sms.in_doubt}), 'no-answer',
       'it cannot be told');
    is(journal('query'), $queries, 'no query_sm without an id');
    is(journal('cancel'), 0, 'and nothing of that number is taken back');
    is(submits(905320007008), 1, 'held, not sent again');
};

subtest 'taken back when the person refuses' => sub {
    # what its operator has, and has told nothing of; one that cannot be taken back, and a notice
    my ($to, $late) = map { "90532000$_" } 7009, 7010;
    my %id = (campaign => scalar(commercial($to)), late => scalar(commercial($late)),
              notice => scalar(send_one($account, $nginx, to => $to, text => 'Siparişiniz yolda')));
    ok(wait_until(sub { 3 == grep { $_->{dest} =~ /$to$|$late$/ } $smsc->messages }, slow(20)), 'all are sent');

    $smsc->inject_mo(from => $_, text => 'ORNEK RET') for $to, $late;
    my $m = $account->wait_state($nginx, $id{campaign}, qr/^(?!submitted|sent)/, slow(40));
    is($m->{state}, 'opted_out', 'what was submitted is taken back');
    is($m->{refunded}{amount_micro}, 150_000, 'and refunded');
    is(journal('cancel'), 2, 'by cancel_sm, the notice was left alone');
    is($account->wait_state($nginx, $id{late}, qr/./)->{state}, 'submitted', 'one that it cannot: its receipt tells');
};

subtest 'absolute validity' => sub {
    my $to = '905320008001';
    send_one($account, $nginx, to => $to, text => 'Siparişiniz yolda', validity_s => 3600);
    ok(wait_until(sub { grep { $_->{dest} =~ /$to$/ } $smsc->messages }, slow(20)), 'sent');
    my ($m) = grep { $_->{dest} =~ /$to$/ } $smsc->messages;
    my ($at, $sign) = $m->{validity} =~ /^(\d{12})\d(\d\d[+-])$/;
    ok($at, 'YYMMDDhhmmsstnnp') or diag $m->{validity};
    cmp_ok($at, 'le', strftime('%y%m%d%H%M%S', gmtime time + 3600 + 900 * substr $sign // 0, 0, 2),
           'within the hour');
    cmp_ok($at, 'ge', strftime('%y%m%d%H%M%S', gmtime time + 3000), 'not before');
};

subtest 'data_sm' => sub {
    my $other = SMS::Smsc->start(receipt_ms => 50);
    my $own = SMS::Pg->new;
    prices($own);
    my $of = SMS::Account->new($own, operators => ['turkcell']);
    my $server = SMS::Nginx->new(pg => $own, conf => conf(smsc => $other, smpp => 'submit data_sm;'));
    ok(begin($server), 'ready') or BAIL_OUT($server->tail);
    my $text = 'Sayın müşterimiz, siparişiniz kargoya verildi. ' x 7;
    my $id = send_one($of, $server, to => '905320008002', text => $text);
    my $m = $of->wait_state($server, $id, qr/^(?!accepted|queued|submitted)/, slow(30));
    is($m->{state}, 'delivered', 'delivered');
    is(join('', map { $_->{text} } sort { $a->{part} <=> $b->{part} } $other->messages), $text,
       'the text, put together again');
    is_deeply([ map { $_->{command} } $other->events('submit') ],
              [ ('data_sm') x $m->{parts} ], 'each part a data_sm');
    books_balance($own);
};

books_balance($pg);
done_testing;
