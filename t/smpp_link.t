#!/usr/bin/perl

# The SMPP link through a real nginx: parts on the wire, receipts in every order,
# refunds, an SMSC that is away, and who may bind.

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
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $account = SMS::Account->new($pg, operators => ['turkcell'], shift => 'locking');
my $smsc = SMS::Smsc->start(receipt_ms => 50, max_binds => 1, rules => [
    '7001=receipt:UNDELIV,err:1', '7002=receipt:EXPIRED,err:27', '7003=status:0x0B',
    '7004=early:1', '7005=copies:3', '7006=receipt:none', '7007=receipt:REJECTD,err:5',
    '7008=silent:1' ]);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2,
                            conf => conf(smsc => $smsc, window => 10,
                                         smpp => 'response_timeout 2s;'));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

my $start = $account->balance;
my $n = 0;


sub to { return sprintf '9053%08d', @_ == 1 ? ++$n * 10000 + $_[0] : ++$n * 10000 }
sub accepted { my ($to) = @_; return grep { $_->{dest} =~ /^\+?$to$/ } $smsc->messages }
sub ends {
    my ($id, $state, $name) = @_;
    my $m = $account->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, 10);
    is($m->{state}, $state, $name) or diag(explain($m));
    return $m;
}


subtest 'a long Turkish text' => sub {
    my $text = 'Sayın müşterimiz, siparişiniz kargoya verildi. ' x 7;
    my $to = to();
    my $id = send_one($account, $nginx, to => $to, text => $text);
    my $m = ends($id, 'delivered', 'delivered');
    my @parts = sort { $a->{part} <=> $b->{part} } accepted($to);

    ok($m->{parts} > 1, 'more than one part');
    is(scalar @parts, $m->{parts}, 'as many on the wire as were charged');
    is_deeply([ map { $_->{part} } @parts ], [ 1 .. $m->{parts} ], 'numbered');
    is(join('', map { $_->{text} } @parts), $text, 'the text, put together again');
    is($m->{price}{amount_micro}, 100_000 * $m->{parts}, 'charged by part');
    is($m->{refunded}, undef, 'nothing refunded');
};

subtest 'UCS-2' => sub {
    my $text = 'Merhaba 👋 Şükrü';
    my $to = to();
    my $id = send_one($account, $nginx, to => $to, text => $text, encoding => 'ucs2');

    ends($id, 'delivered', 'delivered');
    my ($pdu) = accepted($to);
    is($pdu->{data_coding}, 8, 'data_coding 8');
    is($pdu->{text}, $text, 'its text');
};

subtest 'OTP' => sub {
    my $to = to();
    my $id = send_one($account, $nginx, to => $to, class => 'otp', text => 'Örnek giriş kodu: 482913');

    ends($id, 'delivered', 'delivered');
    my ($pdu) = accepted($to);
    like($pdu->{text}, qr/482913/, 'the code on the wire');
    my $m = message($account, $nginx, $id, '/explain');
    unlike(JSON::PP->new->encode($m), qr/482913/, 'and nowhere for people to read');
};

subtest 'receipts' => sub {
    my %case = (
        7001 => [ 'undelivered', 1 ], 7002 => [ 'expired', 1 ], 7003 => [ 'rejected', 1 ],
        7004 => [ 'delivered', 0 ],   7005 => [ 'delivered', 0 ], 7007 => [ 'rejected', 1 ] );
    my %id = map { my $to = to($_); $_ => send_one($account, $nginx, to => $to, text => "durum $_") }
             sort keys %case;

    for my $suffix (sort keys %case) {
        my ($state, $back) = @{ $case{$suffix} };
        my $m = ends($id{$suffix}, $state, "$suffix: $state");
        is($m->{refunded} && $m->{refunded}{amount_micro}, $back ? 100_000 : undef,
           "$suffix: " . ($back ? 'refunded' : 'kept'));
    }

    sleep 0.5;
    is($pg->value('select count(*) from sms.receipt_orphan'), 0, 'no receipt is left over');
    ok($pg->value(q{select count(*) from sms.receipt_late where why = 2}),
       'repetitions are recorded, and moved nothing');
};

subtest 'a part of three fails' => sub {
    my $text = 'Uzun bir bilgilendirme metni, kısa numaradan. ' x 9;
    my $to = to(7001);
    my $before = $account->balance;
    my $id = send_one($account, $nginx, to => $to, text => $text);
    my $m = ends($id, 'undelivered', 'undelivered');

    is($m->{refunded}{amount_micro}, $m->{price}{amount_micro}, 'the whole message is refunded');
    is($account->balance, $before, 'balance as before');
};

subtest 'no receipt' => sub {
    my $to = to(7006);
    my $id = send_one($account, $nginx, to => $to, text => 'makbuzsuz', validity_s => 60);
    my $m = $account->wait_state($nginx, $id, qr/^submitted$/);

    is($m->{state}, 'submitted', 'submitted');
    upkeep($pg, 'no_receipt', '25 hours');
    upkeep($pg, 'no_receipt', '27 hours');
    $m = ends($id, 'no_receipt', 'a day after its validity');
    is($m->{refunded}{amount_micro}, 100_000, 'refunded');
};

subtest 'no answer' => sub {
    my $to = to(7008);
    my $id = send_one($account, $nginx, to => $to, text => 'yanıtsız');
    my @got = $smsc->wait_for(2, filter => sub { $_[0]{dest} =~ /$to$/ }, seconds => slow(20));

    is(scalar @got, 2, 'an informational message in doubt is sent once more, and no more');
    is($pg->value(q{select string_agg(distinct policy, ' ') from sms.in_doubt where "to" = ?},
                  $to), 'resend', 'recorded');

    wait_until { $pg->value(q{select count(*) from sms.in_doubt
                               where "to" = ? and policy = 'hold'}, $to) } slow(15),
               'the second attempt to be held';
    sleep 0.5;
    is(scalar accepted($to), 2, 'still two');

    # both parts have brought receipts whose ids nobody knows; which is whose
    # cannot be told, so the message ends by time
    upkeep($pg, 'in_doubt', '4 days');
    my $m = ends($id, 'unknown', 'unknown in the end');
    is($m->{refunded}{amount_micro}, 100_000, 'refunded');
};

subtest 'the SMSC is away' => sub {
    $smsc->stop;
    my @to = map { to() } 1 .. 20;
    my @ids = send_one($account, $nginx, to => \@to, text => 'SMSC kapalıyken');

    is(scalar @ids, 20, 'accepted');
    sleep 0.5;
    my $open = grep { message($account, $nginx, $_)->{state} =~ /^(?:queued|held)$/ } @ids;
    is($open, 20, 'and kept');

    $smsc->restart;
    ends($_, 'delivered', 'delivered') for @ids[0, 19];
    my $all = wait_until {
        @ids == grep { message($account, $nginx, $_)->{state} eq 'delivered' } @ids
    } slow(10), 'all of them';
    ok($all, 'all of them');
    is(scalar(map { accepted($_) } @to), 20, 'each once');
};

subtest 'one bind, two workers' => sub {
    is($smsc->stats->{binds}, 1, 'one bind') or diag(explain($smsc->stats));
    is($smsc->stats->{refused_binds}, 0, 'no worker tried beside it');
    is($pg->value(q{select count(*) from sms.lease where name like 'bind/%'
                       and expires_at > now()}), 1, 'one lease');

    my ($holder) = $pg->value(q{select holder from sms.lease where name like 'bind/%'}) =~ /:(\d+):/;
    my @workers = $nginx->worker_pids;
    my ($i) = grep { $workers[$_] == $holder } 0 .. $#workers;
    ok(defined $i, 'the holder is a worker') or return;

    my $killed = time;
    $nginx->kill_worker($i);
    my $bound = wait_until { $smsc->stats->{binds} == 2 } 11 + slow(2), 'another bind';
    ok($bound, 'another binds');
    my $took = time - $killed;
    cmp_ok($took, '<=', 11 + (sanitized() || valgrind() ? 5 : 0), 'within 11 s') or diag($took);

    my $id = send_one($account, $nginx, to => to(), text => 'yeni sahip');
    ends($id, 'delivered', 'and it delivers');
};

subtest 'inbound' => sub {
    $smsc->inject_mo(from => '905321112233', to => '4605', text => 'ORNEK BİLGİ');
    my $stored = wait_until {
        $pg->value(q{select count(*) from sms.inbound where text = 'ORNEK BİLGİ'})
    } slow(10), 'the message';
    ok($stored, 'a message from a handset is stored');

    # what PostgreSQL's text refuses would come again for ever, and all beside it
    $smsc->inject_mo(from => "90532111\x0122\xFF3", octets => '00410000D83D0042',
                     data_coding => 8);
    ok(scalar(wait_until {
        $pg->value(q{select count(*) from sms.inbound where "from" = '90532111\x0122\xff3'
                        and text = 'A' || chr(65533) || chr(65533) || 'B'})
    } slow(10), 'the odd message'), 'a message of odd octets too');
    is($smsc->stats->{mo_refused}, 0, 'taken at once');
};

ok(wait_ended($pg), 'every message has ended');
books_balance($pg);
is_deeply([ twice($pg, $smsc) ], [], 'nothing twice at the SMSC that was not in doubt');
my $kept = $pg->value('select sum(kept_micro) from sms.settlement');
is($account->balance, $start - $kept, 'what was not kept is back');

done_testing;
