#!/usr/bin/perl

# Beside other dynamic modules of Debian, loaded before it or after it: the
# configuration is good, both answer, and a reload changes nothing.
#
# Needs libnginx-mod-http-echo and libnginx-mod-http-headers-more-filter; with one of
# them it tests that one.

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

my $folder = '/usr/lib/nginx/modules';
my %file = (
    echo         => "$folder/ngx_http_echo_module.so",
    headers_more => "$folder/ngx_http_headers_more_filter_module.so",
);
my @there = grep { -f $file{$_} } sort keys %file;

plan skip_all => 'no libnginx-mod-http-echo, no libnginx-mod-http-headers-more-filter' if !@there;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);
my $ours = build() . '/ngx_http_sms_module.so';

my %location = (
    echo         => 'location /echo { echo "echo says $arg_x"; }',
    headers_more => 'location /more { more_set_headers "X-More: yes"; return 204; }',
);
my %api = (echo => '', headers_more => 'more_set_headers "X-More: api";');


sub server {
    my (@modules) = @_;

    my @names = grep { $location{$_} } @modules;
    my $load = join '', map { "load_module $_;\n" } map { $file{$_} // $ours } @modules;
    my $conf = SMS::Account::conf(api => join ' ', map { $api{$_} } @names);
    my $places = join "\n", map { $location{$_} } @names;
    $conf =~ s/(location = \/health)/$places\n        $1/;

    return SMS::Nginx->new(pg => $pg, module => 0, globals => $load, conf => $conf);
}


sub asked {
    my ($nginx, $name, @modules) = @_;

    for my $module (@modules) {
        if ($module eq 'echo') {
            is($nginx->http->get('/echo?x=1')->body, "echo says 1\n", "$name: echo answers");
        } else {
            is($nginx->http->get('/more')->header('X-More'), 'yes', "$name: headers-more answers");
            is($account->get($nginx, '/v1/balance')->header('X-More'), 'api',
               "$name: and touches our answers");
        }
    }

    my $r = $account->send($nginx, {});
    is($r->status, 202, "$name: a message is accepted");
    is($account->wait_state($nginx, $r->json->{messages}[0]{id}, qr/^delivered$/)->{state},
       'delivered', "$name: and delivered");
    return;
}


for my $order ([ 'after them', @there, 'sms' ], [ 'before them', 'sms', @there ],
               map { [ "with $_", 'sms', $_ ] } @there)
{
    my ($name, @modules) = @$order;
    my @others = grep { $_ ne 'sms' } @modules;
    my $nginx = server(@modules);

    my ($ok, $out) = $nginx->check;
    ok($ok, "$name: nginx -t") or diag($out);
    unlike($out, qr/warn|emerg|alert/, 'without a word') or diag($out);

    $nginx->start;
    ok($nginx->ready, "$name: ready");
    asked($nginx, $name, @others);
    $nginx->reload;
    ok($nginx->ready, "$name: reloaded");
    asked($nginx, "$name, reloaded", @others);
    $nginx->end;
}


# loaded twice, or for another nginx, it is refused by nginx itself

{
    my $nginx = SMS::Nginx->new(pg => $pg, globals => "load_module $ours;\n",
                                conf => SMS::Account::conf());
    my ($ok, $out) = $nginx->check;
    ok(!$ok, 'loaded twice: refused');
    like($out, qr/already loaded/, 'for that reason');
}

# loaded and not used: a server without one of our directives

{
    my $nginx = SMS::Nginx->new(conf => <<'EOC');
%%GLOBALS%%
events { worker_connections 64; }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT_0%%; location / { return 204; } }
}
EOC
    $nginx->start;
    is($nginx->http->get('/')->status, 204, 'loaded and not used: nginx serves');
    $nginx->reload;
    is($nginx->http->get('/')->status, 204, 'also after a reload');
    unlike($nginx->log, qr/\bsms /, 'and we say nothing');
}

done_testing;
