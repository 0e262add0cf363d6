#!/usr/bin/perl

# One message from the request to its receipt, through the sandbox operator.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf());

$nginx->start;
ok($nginx->ready('/health', 10), 'ready');

my $r = $account->post($nginx, '/v1/messages', {
    class => 'informational', basis => 'order_delivery', sender => 'ORNEK',
    text => 'Siparişiniz yola çıktı.', to => ['0532 111 22 33'],
    reference => 'order-1',
});

is($r->status, 202, 'accepted') or diag($r->body);
my $sub = $r->json;
is($sub->{accepted}, 1, 'one accepted');
is($sub->{messages}[0]{to}, '+905321112233', 'number in E.164');
is($sub->{messages}[0]{parts}, 1, 'one part');
like($sub->{messages}[0]{id}, qr/^msg_[0-7][0-9a-hjkmnp-tv-z]{25}$/, 'id of a message');
like($sub->{submission_id}, qr/^sub_[0-7][0-9a-hjkmnp-tv-z]{25}$/, 'id of a submission');

my $m = $account->wait_state($nginx, $sub->{messages}[0]{id}, qr/^delivered$/);
is($m->{state}, 'delivered', 'delivered') or diag(explain($m));
is($m->{sender}, 'ORNEK', 'its sender');

done_testing;
