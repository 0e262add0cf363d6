#!/usr/bin/perl

# tools/account makes accounts and keys that work, says what is wrong with its words,
# and takes nothing of what it is given for SQL.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());

$ENV{SMS_ADMIN} = $pg->conninfo('postgres');
$nginx->start;
ok($nginx->ready, 'ready');

my $name = q{Ö'); drop schema sms cascade; --};
my ($code, $account) = tool('create', $name, 'unit=CRD');
is($code, 0, 'an account');
like($account, qr/^\d+\n$/, 'its number');
chomp $account;
is($pg->value('select name from sms.account_setting where account_id = ?', $account), $name,
   'its name as it was given');

my ($test, $live, $any) = map { (tool('key', $account, @$_))[1] }
    ['test'], ['live', 'from=127.0.0.0/8', 'from=10.0.0.0/8', 'scopes=balance:read'],
    ['live', 'waive=trial'];
chomp($test, $live, $any);

is(status($_, '/v1/balance'), 200, 'a key that works') for $test, $live, $any;
is(status($live, '/v1/messages/msg_' . '0' x 26), 403, 'with the scopes that it was given');
is($nginx->http->get('/v1/balance', headers => { Authorization => "Bearer $any" })
       ->json->{available}{unit}, 'CRD', 'of the account');

my ($desk, $none) = map { [ tool(@$_) ] } ['admin', $account, 'from=127.0.0.0/8'], ['admin', $account];
chomp $desk->[1];
is(status($desk->[1], '/v1/admin/operators'), 200, 'a key of the operator desk');
is(status($desk->[1], '/v1/balance'), 403, 'which can do nothing else');
is(status($live, '/v1/admin/operators'), 403, 'and what no other can');
isnt($none->[0], 0, 'none without addresses');
isnt((tool('key', $account, 'live', 'from=127.0.0.0/8', 'scopes=admin'))[0], 0, 'nor as an account\'s');
is((tool('revoke', $account, substr $desk->[1], 9, 8))[0], 0, 'it is taken back');

is((tool('revoke', $account, 1))[0], 0, 'one is taken back by its number');
is((tool('revoke', $account, substr $any, 9, 8))[0], 0, 'one by its id');
ok(wait_until(sub { status($test, '/v1/balance') == 401 && status($any, '/v1/balance') == 401 }),
   'they do not work any more');
is(status($live, '/v1/balance'), 200, 'the third does');

my ($listed, $keys) = map { (tool('list', @$_))[1] } [], [$account];
like($listed, qr/^$account  acc_\w{26}  active  0\.00  CRD  \Q$name\E$/m, 'the list of accounts');
is_deeply([ map { (split / {2}/)[2, -1] } split /\n/, $keys ],
          [ qw(test revoked live works live revoked live revoked) ], 'the list of keys') or diag($keys);
unlike($keys, qr/\Q$live\E/, 'which shows none whole');

is((tool('set', $account, 'weight=2', 'window=09:00-20:30', 'days=1,2,3', 'rate=50',
         'otp=2,5,', 'repeat=commercial:3600:warn'))[0], 0, 'what it may send, and when');
is($pg->value(q{select concat_ws(' ', a.step, s.otp_limits::text, s.repeats::text, p.rate, p.quiet,
                                 p.opens, p.closes, p.days::text, p.classes::text)
                  from sms.account a join sms.account_setting s using (account_id)
                  join sms.pace p using (account_id) where account_id = ?}, $account),
   '360 {"minute":2,"hour":5} {"commercial": {"action": "warn", "seconds": 3600}} 50 hold '
   . '540 1230 {1,2,3} {commercial}', 'all of it');
is((tool('set', $account, 'weight=1', 'window=off', 'rate=none'))[0], 0, 'and back');
is((tool('set', $account, 'weight=3', 'window=21:00-09:00'))[0], 1, 'a window that is none');
is($pg->value('select step from sms.account where account_id = ?', $account), 720,
   'takes the rest along');

for my $wrong ([], ['set', $account], ['set', $account, 'rate=fast'], ['make'], ['create'], ['create', 'x', 'colour=1'], ['key', 'x', 'test'],
               ['key', $account], ['key', $account, 'both'], ['revoke', $account],
               ['revoke', "1; drop table sms.account"])
{
    my ($code, $out) = tool(@$wrong);
    is($code, 2, "refused: @$wrong");
    like($out, qr{tools/account create NAME}, 'with what is right');
}

for my $wrong ([ 'key', $account, 'live' ], [ 'key', $account, 'live', 'from=everywhere' ],
               [ 'key', 99999, 'test' ], [ 'create', 'x', 'unit=EUR' ], [ 'revoke', $account, 9 ])
{
    my ($code, $out) = tool(@$wrong);
    is($code != 0 && $code != 2, 1, "not done: @$wrong");
    unlike($out, qr/^sms_(?:live|test)_/m, 'and no key is shown') if $wrong->[0] eq 'key';
}

done_testing;


sub tool {
    my (@words) = @_;

    utf8::encode($_) for @words;
    my $pid = open(my $out, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec(root() . '/tools/account', @words) or die "exec: $!\n";
    }

    my $text = do { local $/; <$out> } // '';
    close $out;
    my $code = $? >> 8;
    utf8::decode($text);
    return ($code, $text);
}


sub status {
    my ($key, $path) = @_;

    return $nginx->http->get($path, headers => { Authorization => "Bearer $key" })->status;
}
