#!/usr/bin/perl

# Webhooks: what an account's endpoint gets, signed as Standard Webhooks says; again
# under the same id when it fails or a worker dies; a bad endpoint delays no other;
# private addresses are refused unless they are allowed.

# limit: 300

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256);
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Hook;
use SMS::Nginx;
use SMS::OpenApi;
use SMS::Pg;
use SMS::Puppet ();
use SMS::Tap;
use Time::HiRes qw(sleep time);

my $pg = SMS::Pg->new;
prices($pg);
my $hook = SMS::Hook->start;
my %account = map { $_ => SMS::Account->new($pg, name => $_, keyword => $_, credit => 1_000_000_000) }
              qw(good bad quiet);
my $conf = conf(http => 'sms_webhook_private on;', sim => 'receipt_delay 1ms; window 200;');
my $nginx = SMS::Nginx->new(pg => $pg, workers => 2, conf => $conf);
my $secret;
$pg->do(q{select sms.setting_set('webhook_http', 'on')});
set('good');

# numbers that end in 0001 to 0006 have their own ends in the simulator
number() for 1 .. 6;

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
ok(wait_until(sub { holder() }, slow(10), 'the lease'), 'one worker has the lease');

subtest 'an event' => sub {
    my $id = send_one($account{good}, $nginx, text => 'bir');
    my $came = wait_until { $hook->events('good') } slow(5), 'an event';
    ok($came, 'comes') or return;

    my ($r) = $hook->requests('good');
    my ($event) = $hook->events('good');
    my $message = message($account{good}, $nginx, $id);

    is("$r->{method} $r->{path}", 'POST /good', 'posted');
    is($r->{headers}{'content-type'}, 'application/json', 'as JSON');
    like($r->{headers}{'webhook-id'}, qr/^whk_[0-9a-hjkmnp-tv-z]{26}$/, 'webhook-id');
    cmp_ok(abs($r->{headers}{'webhook-timestamp'} - time), '<', 60, 'webhook-timestamp');
    ok(signed($r, $secret), 'webhook-signature');
    ok(!signed({ %$r, body => "$r->{body} " }, $secret), 'which is of the body');

    is($event->{type}, 'message.delivered', 'its type');
    is($event->{timestamp}, $message->{final_at}, 'its time');
    is_deeply($event->{data}, {
        id => $id, code => 'delivered', test => JSON::PP::false, refunded => undef,
        map { $_ => $message->{$_} } qw(submission_id to state parts price final_at),
    }, 'says what the API says') or diag(explain([ $event, $message ]));
    my $api = SMS::OpenApi->new;
    is_deeply([ $api->faults($api->schema('Events'), JSON::PP->new->utf8->decode($r->{body})) ], [],
              'and the document');
    is(metric('sms_webhook_requests_total{outcome="taken"}'), 1, 'is counted');
    is(metric('sms_webhook_events_total{outcome="taken"}'), 1, 'and its events');

    my @ms;
    for my $n (1 .. 5) {
        my $one = send_one($account{good}, $nginx, text => "gecikme $n");
        wait_until { grep { $_->{data}{id} eq $one } $hook->events('good') } slow(5), $one;
        my ($got) = grep { $_->{body} =~ /$one/ } $hook->requests('good');
        my $ended = $pg->value(q{select extract(epoch from settled_at) from sms.settlement
                                  where message_id = sms.id_parse('msg', ?)}, $one);
        push @ms, sprintf '%.0f', 1000 * (($got // { at => 1e10 })->{at} - $ended);
    }
    my ($median) = (sort { $a <=> $b } @ms)[2];
    cmp_ok($median, '<', sanitized() || valgrind() ? 1000 : 300, "soon: @ms ms");
};

subtest 'many' => sub {
    my @ids = map { send_one($account{good}, $nginx, text => "toplu $_",
                             to => [ map { number() } 1 .. 400 ]) } 1 .. 5;
    my $quiet = send_one($account{quiet}, $nginx, text => 'kimse dinlemiyor');
    my $before = $hook->requests('good');
    my %got;
    my $all = wait_until {
        $got{$_->{data}{id}}++ for $hook->events('good');
        my $n = grep { $got{$_} } @ids;
        %got = () if $n < @ids;
        $n == @ids;
    } slow(40), 'all events';

    ok($all, 'every message is told');
    is_deeply([ grep { $_ > 1 } values %got ], [], 'once');
    is($got{$quiet}, undef, 'an account without an endpoint is not');
    cmp_ok($hook->requests('good') - $before, '<', 200, 'tens of events a request');
    is(scalar(grep { !signed($_, $secret) } $hook->requests('good')), 0, 'each signed');
    ok(wait_until(sub { !$pg->value('select count(*) from sms.outbox') }, slow(5)), 'nothing is left');
};

subtest 'a failure' => sub {
    $hook->answer(good => 500);
    my $id = send_one($account{good}, $nginx, text => 'hata');
    my $came = wait_until { grep { $_->{body} =~ /$id/ } $hook->requests('good') } slow(5), 'it';
    ok($came, 'it is posted');
    ok(wait_until(sub { ($pg->value('select max(failures) from sms.webhook') // 0) == 1 }, slow(5)),
       'and put off');
    is(metric('sms_webhook_events_total{outcome="failed"}'), 1, 'and counted');
    like($nginx->log, qr/sms webhook: not taken: account=\d+ status=500 events=1/, 'and logged');
    unlike($nginx->log, qr/sms webhook: .*(?:\+?90532|msg_)/, 'without a number');
    $hook->answer(good => 200);
    my $later = send_one($account{good}, $nginx, text => 'sonra');
    my $again = wait_until {
        grep { $_->{answer} == 200 && $_->{body} =~ /$id/ } $hook->requests('good')
    } slow(12), 'it again';
    ok($again, 'comes again');
    my @sent = grep { $_->{body} =~ /$id/ } $hook->requests('good');
    is(scalar @sent, 2, 'twice in all');
    is($sent[1]{headers}{'webhook-id'}, $sent[0]{headers}{'webhook-id'}, 'under the same id');
    is($sent[1]{body}, $sent[0]{body}, 'with the same body');
    isnt($sent[1]{headers}{'webhook-timestamp'}, $sent[0]{headers}{'webhook-timestamp'},
         'and a new time');
    ok(signed($sent[1], $secret), 'signed');
    cmp_ok($sent[1]{at} - $sent[0]{at}, '>', 4.5, 'after five seconds');
    ok(wait_until(sub { grep { $_->{data}{id} eq $later } $hook->events('good', 200) }, slow(5)),
       'and what came meanwhile');
};

subtest 'a dead endpoint' => sub {
    # one that listens and never takes a connection, and one that never answers
    my $dead = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
    my @full = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', Blocking => 0,
                                           PeerPort => $dead->sockport) } 1 .. 4;
    $hook->answer(bad => 'hang');
    set('bad');
    set('quiet', 'http://127.0.0.1:' . $dead->sockport . '/');

    my @ms;
    for my $n (1 .. 20) {
        send_one($account{$_}, $nginx, text => "ölü $n") for qw(bad quiet);
        my $id = send_one($account{good}, $nginx, text => "canlı $n");
        my $began = time;
        my $came = wait_until { grep { $_->{data}{id} eq $id } $hook->events('good') } slow(5), 'it';
        push @ms, $came ? int 1000 * (time - $began) : 'never';
        sleep 0.1;
    }

    my @late = grep { $_ eq 'never' || $_ > 1000 * slow(1) } @ms;
    is_deeply(\@late, [], "delays nobody: @ms ms");
    cmp_ok(scalar $hook->requests('bad'), '<=', 6, 'and gets few requests');
    $hook->answer(bad => 200);
};

subtest 'killed between take and done' => sub {
    $hook->answer(good => 'hang');
    my @ids = map { send_one($account{good}, $nginx, text => "ölüm $_") } 1 .. 10;
    my $under = wait_until {
        my %seen = map { $_->{data}{id} => 1 } $hook->events('good', 'hang');
        !grep { !$seen{$_} } @ids;
    } slow(10), 'them under way';
    ok($under, 'events are under way');
    my %id = map { $_->{headers}{'webhook-id'} => 1 }
             grep { $_->{answer} eq 'hang' } $hook->requests('good');

    $nginx->crash;
    $hook->answer(good => 200);
    $nginx->start;

    # what was taken is hidden for half a minute
    my $back = wait_until {
        my %seen = map { $_->{data}{id} => 1 } $hook->events('good', 200);
        !grep { !$seen{$_} } @ids;
    } 45 + slow(10), 'all events';
    ok($back, 'nothing is lost');
    my @odd = grep { my $r = $_; $r->{answer} ne 'hang' && !$id{$r->{headers}{'webhook-id'}}
                     && grep { $r->{body} =~ /$_/ } @ids } $hook->requests('good');
    is(scalar @odd, 0, 'and comes under the same ids');
};

subtest 'a reload' => sub {
    my $old = holder();
    my @ids = map { send_one($account{good}, $nginx, text => "önce $_") } 1 .. 20;
    $nginx->reload;
    push @ids, map { send_one($account{good}, $nginx, text => "sonra $_") } 1 .. 20;
    my %got;
    my $all = wait_until {
        %got = ();
        $got{$_->{data}{id}}++ for $hook->events('good', 200);
        !grep { !$got{$_} } @ids;
    } slow(15), 'all events';
    ok($all, 'loses nothing');
    is_deeply([ grep { $got{$_} > 1 } grep { $got{$_} } @ids ], [], 'and repeats nothing');
    isnt(holder(), $old, 'another worker goes on');
};

subtest 'private addresses' => sub {
    $nginx->conf(conf(sim => 'receipt_delay 1ms;'));
    $nginx->reload;
    my $n = $hook->requests('good');
    my $id = send_one($account{good}, $nginx, text => 'özel');
    my $refused = wait_until {
        $nginx->log =~ /sms http: private address refused: host="127\.0\.0\.1"/
    } slow(10), 'the refusal';
    ok($refused, 'are refused');

    for my $url (qw(http://[::1]:9/ http://[::ffff:127.0.0.1]:9/ http://10.0.0.1/
                    http://2130706433/ http://0x7f.1/ http://169.254.169.254/latest)) {
        set('good', $url);
        my $size = length $nginx->log;
        send_one($account{good}, $nginx, text => "özel $url");
        my $log = '';
        my $ok = wait_until {
            ($log = substr $nginx->log, $size) =~ /private address refused/
        } slow(10), $url;
        ok($ok, $url) or diag($log);
    }

    is(scalar $hook->requests('good'), $n, 'nothing was sent');
    # the one that refuses has gone before there is something to be sent again
    my $old = holder();
    $nginx->conf($conf);
    $nginx->reload;
    ok(wait_until(sub { (holder() // $old // '') ne ($old // '') }, slow(15)), 'another worker');
    set('good');
    ok(wait_until(sub { grep { $_->{data}{id} eq $id } $hook->events('good', 200) }, slow(15)),
       'allowed again, it comes');
};

books_balance($pg);
done_testing;


# a new secret; it begins anew.  Later: the same endpoint
sub set {
    my ($name, $url) = @_;

    my $id = $pg->value('select webhook_id from sms.webhook where account_id = ?
                          order by webhook_id limit 1', $account{$name}->id);
    my $text;

    if ($id) {
        $pg->do('select sms.webhook_change(?, ?, p_url => ?, p_on => true)', $account{$name}->id, $id,
                $url // $hook->url($name));
        $text = $pg->value("select sms.webhook_rotate(?, ?, '0 s')", $account{$name}->id, $id);

    } else {
        $text = $pg->value('select secret from sms.webhook_create(?, ?, p_batch => 500)',
                           $account{$name}->id, $url // $hook->url($name));
    }

    $secret = decode_base64($text =~ s/^whsec_//r) if $name eq 'good';
    return $secret;
}


sub signed {
    my ($r, $key) = @_;

    my $text = join '.', @{ $r->{headers} }{qw(webhook-id webhook-timestamp)}, $r->{body};
    utf8::encode($text) if utf8::is_utf8($text);
    return $r->{headers}{'webhook-signature'} eq 'v1,' . encode_base64(hmac_sha256($text, $key), '');
}


sub holder {
    return $pg->value(q{select holder from sms.lease where name = 'webhook' and expires_at > now()});
}


sub metric { return SMS::Puppet::metric($nginx, $_[0]) }
