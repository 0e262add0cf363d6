#!/usr/bin/perl

# A large submission does not stand in front of the others: accounts share a
# link in turns, and an OTP goes before everything.

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
use SMS::Smsc;
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $big = SMS::Account->new($pg, operators => ['turkcell'], name => 'Büyük A.Ş.');
my $small = SMS::Account->new($pg, operators => ['turkcell'], name => 'Küçük A.Ş.',
                              sender => 'KUCUK', iys => 100300, keyword => 'KUCUK');
# so slow that what a busy machine takes between accept and queue is few messages
my $smsc = SMS::Smsc->start(receipt_ms => 50, delay_ms => 1200);
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => conf(smsc => $smsc, window => 5));

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);

my @many = map { sprintf '90535%07d', $_ } 1 .. 200;
my @few = map { sprintf '90536%07d', $_ } 1 .. 10;

send_one($big, $nginx, to => \@many, text => 'Büyük gönderim');
$smsc->wait_for(20);

my $before = $smsc->messages;
send_one($small, $nginx, to => \@few, text => 'Küçük gönderim');
my $otp = send_one($big, $nginx, class => 'otp', to => '905370000001',
                   text => 'Örnek giriş kodu: 100200');

my @got = $smsc->wait_for(11, seconds => slow(40),
                          filter => sub { $_[0]{source} eq 'KUCUK' || $_[0]{dest} =~ /537/ });
my @all = $smsc->messages;
$smsc->set(delay_ms => 20);
my ($at_otp) = grep { $all[$_]{dest} =~ /90537/ } 0 .. $#all;
my @at_small = grep { $all[$_]{source} eq 'KUCUK' } 0 .. $#all;

# what was claimed already (a window) and what went between our calls is before
# it; then the OTP, and the two accounts in turns
my $claimed = 5;
my $small_accepted = $pg->value(q{select extract(epoch from min(accepted_at)) from sms.submission
                                   where account_id = ?}, $small->id);
my $otp_accepted = $pg->value(q{select extract(epoch from accepted_at) from sms.submission
                                 where class = 1});
my $on_wire = sub { my ($at) = @_; scalar grep { $_->{at} <= $at } @all };

cmp_ok($at_otp - $on_wire->($otp_accepted), '<=', 3 * $claimed,
       'the OTP has no more in front of it than two windows');
cmp_ok($at_small[-1] - $on_wire->($small_accepted), '<=', 2 * 10 + 1 + 3 * $claimed,
       'ten messages of the small account go in turns with the large one');
cmp_ok(scalar @all, '<', 150, 'while the large submission is far from its end');

ok(wait_ended($pg, 60), 'every message has ended');
is_deeply([ keys %{ states($pg) } ], ['delivered'], 'delivered, all');
is_deeply([ twice($pg, $smsc) ], [], 'nothing twice');
books_balance($pg);

done_testing;
