#!/usr/bin/perl

# A rule beside another, without effect: what it would change is counted, by finding,
# of no more than its share of the texts, and nobody else notices; not when it fails.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Desk;
use SMS::Nginx;
use SMS::Pg;
use SMS::Puppet;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $desk = SMS::Desk->new($pg);
my $file = install('rule_word', 'rule_word.so');
my $puppet = install('puppet', 'puppet.so');
my $nginx = SMS::Nginx->new(pg => $pg, workers => 1, conf => SMS::Account::conf(extra => <<"EOC"));
    sms_plugin rule next $file shadow=word share=100% { word beta; version 2; }
    sms_plugin rule asks $file shadow=word share=100% { word alfa; version 3; severity confirm; }
    sms_plugin rule some $file shadow=word share=25% { word beta; version 4; }
    sms_plugin rule broken $file shadow=word share=100% { word beta; fail on; }
    sms_plugin rule slow $puppet shadow=word share=100% { }
    sms_plugin rule word $file { word alfa; version 1; }
EOC

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready, whatever shadows do');


sub told {
    my %by = map { $_->{shadow} => $_ } @{ $desk->ask($nginx, 200, GET => '/v1/admin/rule-shadows')->{shadows} };
    return \%by;
}


sub counted {
    my ($shadow, $judged) = @_;

    my $told;
    ok(wait_until { $told = told()->{$shadow}; $told && $told->{judged} >= $judged } slow(20), "$shadow: $judged judged")
        or diag(explain $told);
    return $told;
}


sub codes { return { map { ("$_->{change} $_->{code}" => $_->{texts}) } @{ $_[0]{codes} } } }


# ---- nothing comes of it ------------------------------------------------------------

my $plain = $account->send($nginx, { text => 'hiç biri' });
my $would = $account->send($nginx, { text => 'bir beta' });
my $alfa = $account->send($nginx, { text => 'bir alfa' });
is_deeply([ map { $_->status } $plain, $would, $alfa ], [ 202, 202, 422 ], 'the rule decides, its shadows do not');
is_deeply($would->json->{findings}, [], 'nor are they told');
is_deeply([ map { $_->{rule} } @{ $alfa->json->{findings} } ], ['word'], 'its own finding is');
my $id = $would->json->{messages}[0]{id};
is_deeply($account->get($nginx, "/v1/messages/$id/explain")->json->{declaration}{rules}, { word => '1' },
   'nor have they judged, as far as the declaration goes');
$account->post($nginx, '/v1/messages:preview', $account->message(text => 'bir beta'));
$account->post($nginx, '/v1/compliance:check', { class => 'informational', basis => 'order_delivery',
                                                 sender => 'ORNEK', text => 'bir beta' });

# ---- what would be otherwise --------------------------------------------------------

my $next = counted('next', 3);
is_deeply([ @$next{qw(version judged failed differs)} ], [ '2', 3, 0, 2 ], 'what is sent is judged, not previews');
is_deeply(codes($next), { 'adds word-beta' => 1, 'drops word-alfa' => 1 }, 'by finding');
is_deeply($next->{samples}, [$id], 'with the message that would have been refused');
my %sample = map { $_->{code} => $_->{samples} } @{ $next->{codes} };
is_deeply(\%sample, { 'word-beta' => [$id], 'word-alfa' => [] }, 'what was refused has none');

my $asks = counted('asks', 3);
is_deeply([ $asks->{differs}, codes($asks) ], [ 1, { 'drops word-alfa' => 1 } ], 'milder is another decision');
my $broken;
ok(wait_until { ($broken = told()->{broken}) && $broken->{failed} >= 3 } slow(10), 'a failure is counted');
is_deeply([ @$broken{qw(judged differs)} ], [ 0, 0 ], 'and that is all');

# what the account's own severities make of it is the same for both
$account->request($nginx, PUT => '/v1/compliance/severities', json => { severities => { 'word-beta' => 'warn' } },
    key => $account->key('live', waived => 'test', scopes => ['compliance:manage']));
my $before = told()->{next};
ok(wait_until {
    $account->send($nginx, { text => 'yine beta' });
    my $now = counted('next', $before->{judged} + 1);
    my $still = $now->{judged} > $before->{judged} && $now->{differs} == $before->{differs};
    $before = $now;
    $still;
} slow(20), 'a warning changes no decision');

# ---- several texts, and confirmed ones -----------------------------------------------

my $differs = told()->{next}{differs};
my $judged = told()->{next}{judged};
my $many = $account->send($nginx, { to => undef, text => undef, messages => [
    { to => '05321112233', text => 'bu temiz' }, { to => '05321112234', text => 'bu alfa' } ] });
is($many->status, 202, 'one of two texts is refused');
$next = counted('next', $judged + 2);
is($next->{differs}, $differs + 1, 'each text is compared by itself');

# ---- its share ----------------------------------------------------------------------

$account->send($nginx, { text => "numara $_" }) for 1 .. 40;
my $all = counted('next', $judged + 42);
my $some = counted('some', 10);
cmp_ok($some->{judged}, '<=', $all->{judged} / 4, 'no more than its share');
cmp_ok($some->{judged}, '>=', int($all->{judged} / 4) - 1, 'and no less');

# ---- one that takes its time ----------------------------------------------------------

my $slow = told()->{slow};
is($account->send($nginx, { text => 'slow:pend=500' })->status, 202, 'nobody waits for a shadow');
ok($nginx->wait_log(qr/puppet slow: complete 0/), 'it answers later');
is(counted('slow', $slow->{judged} + 1)->{differs}, $slow->{differs}, 'and is counted then');

like($nginx->http->get('/metrics')->body,
     qr/^sms_rule_shadow_texts\{rule="next",change="adds",code="word-beta"\} [1-9]/m, 'as a metric');
is($pg->value(q{select count(*) from sms.rule_shadow where shadow = 'word'}), 0, 'the rule itself is none');

# the worker leaves while shadows judge: t/lib/SMS/Nginx.pm looks for what is left over
is($account->send($nginx, { text => 'slow:pend=600000' })->status, 202, 'one that does not end');
done_testing;
