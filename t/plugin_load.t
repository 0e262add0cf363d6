#!/usr/bin/perl

# A plugin that a worker cannot load, or whose init() fails: the worker starts
# without it, and the plugin's failure policy answers in its place.  What "nginx -t"
# can know it refuses.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Puppet;
use SMS::Tap;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);
my %answer = (
    defer => [ 503, 'unavailable' ],
    deny  => [ 422, 'content-refused' ],
    allow => [ 202, undef ],
);


sub server {
    my (@blocks) = @_;

    return SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(extra => join '', @blocks));
}


sub answers {
    my ($nginx, $policy, $why) = @_;

    my $r = say($account, $nginx, 'Siparişiniz yola çıktı.');
    is_deeply([ $r->status, $r->status == 202 ? undef : $r->json->{code} ], $answer{$policy},
              "on_error=$policy: @{[ $answer{$policy}[0] ]}, $why") or diag($r->text);
    is($r->header('Retry-After') ? 1 : 0, $policy eq 'defer' ? 1 : 0,
       $policy eq 'defer' ? 'and says when to come again' : 'and no invitation to try again');
    return;
}


install('puppet', $_) for qw(puppet.so lost.so);

for my $policy (qw(defer deny allow)) {
    my $nginx = server(block('refusing', init => 'refuse', on_error => $policy),
                       block('fine'));
    $nginx->start;
    ok(awake($nginx), "init() fails, on_error=$policy: the worker is there");
    answers($nginx, $policy, 'init() failed');

    my $health = $nginx->http->get('/health');
    is_deeply([ $health->status, $health->json->{status} ],
              $policy eq 'allow' ? [ 200, 'ok' ] : [ 503, 'unavailable' ],
              'and whether it takes messages is in /health');

    is(plugin($nginx, 'refusing')->{usable}, JSON::PP::false, 'it is not usable in /health');
    is(plugin($nginx, 'refusing')->{reason}, 'init() failed', 'with the reason');
    is(plugin($nginx, 'fine')->{usable}, JSON::PP::true, 'its neighbour is');
    like($nginx->log, qr/init\(\) failed: name=refusing rc=-8: told to refuse; on_error=$policy applies/,
         "the plugin's own words are in the log");
    is(heard($nginx, qr/puppet fine: init one/), 1, 'one worker, no respawns');
    $nginx->end;
}


# the file is there for "nginx -t" and gone for the next worker

for my $policy (qw(defer deny allow)) {
    my $path = install('puppet', 'lost.so');
    my $nginx = server(block('lost', file => 'lost.so', on_error => $policy));
    $nginx->start;
    ok($nginx->ready, "a loaded plugin, on_error=$policy");
    is(say($account, $nginx, 'Siparişiniz yola çıktı.')->status, 202, 'it passes a text');

    unlink $path;
    $nginx->kill_worker(0);
    ok(awake($nginx), 'its file is gone: the next worker is there');
    answers($nginx, $policy, 'not loaded');
    like(plugin($nginx, 'lost')->{reason}, qr/^not loaded/, 'reason in /health');
    like($nginx->log, qr/not loaded: name=lost: .*cannot be loaded: .*on_error=$policy/,
         'and in the log');
    $nginx->end;
}


# another file in its place: no plugin any more

{
    my $path = install('puppet', 'other.so');
    my $nginx = server(block('other', file => 'other.so', on_error => 'deny'));
    $nginx->start;
    ok($nginx->ready, 'loaded');
    spew("$path.new", "not a plugin\n" x 1000);
    rename "$path.new", $path;
    $nginx->kill_worker(0);
    ok(awake($nginx), 'the file is no program any more: the next worker is there');
    answers($nginx, 'deny', 'not loaded');

    my ($ok, $out) = $nginx->check;
    ok(!$ok, 'and "nginx -t" refuses the file');
    like($out, qr/\[emerg\].*other\.so.* in \S+nginx\.conf:\d+/, 'with file and line')
        or diag($out);
    $nginx->end;
}


# "nginx -t" says what it can know

install($_, "$_.so") for qw(bad_abi bad_undefined bad_manifest bad_kind);

for my $case ([ 'bad_abi.so', qr/ABI/ ], [ 'bad_undefined.so', qr/sms_no_such_function/ ],
              [ 'bad_manifest.so', qr/manifest|\.sms_plugin/ ], [ 'none.so', qr/No such file/ ])
{
    my ($file, $why) = @$case;
    my $nginx = server();
    my $conf = SMS::Account::conf(extra => block('x', file => $file));
    my ($ok, $out) = $nginx->check($conf);
    my ($before) = $nginx->expand($conf) =~ /\A(.*?)sms_plugin rule x/s;
    my $line = 1 + ($before =~ tr/\n//);
    ok(!$ok, "$file is refused");
    like($out, $why, 'for its reason') or diag($out);
    like($out, qr/nginx\.conf:$line\b/, 'at its place') or diag($out);
    $nginx->end;
}

done_testing;
