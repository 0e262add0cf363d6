#!/usr/bin/perl

# A preview tells what a send would do, by the same code, and does nothing.

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
my $account = SMS::Account->new($pg, operators => ['sim']);

$pg->do('select sms.tariff_set(1, ?, ?, ?)', '90', $_, 100_000)
    for qw(otp informational commercial exempt);
$pg->do('select sms.blacklist_add(?, ?, ?, ?)', @$_, 'test')
    for [ $account->id, 905321110099, 'all' ], [ $account->id, 905321110098, 'commercial' ];

my $owner = $account->id;
my $brand = $account->brand;
my %known = (905321110001 => 1, 905321110002 => 2, 905321110003 => 3, 905321110004 => 1);

for my $number (sort keys %known) {
    mirror($number, $known{$number});
}

optout(905321110004);

my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(priced => 1));

$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');
ok(wait_until { preview({})->json->{price} } slow(10), 'prices are there');

my $counts = $account->counts;
my $balance = $account->balance;

# ---- parts, encoding and what costs them ----------------------------------------

for my $case (
    # text, encoding asked for, encoding, parts, the costly character
    [ 'Your order is on its way.', undef, 'gsm7', 1, undef ],
    [ 'Siparişiniz yola çıktı.', undef, 'turkish_single', 1, 'ş' ],
    [ 'Siparisiniz yola çikti.', undef, 'turkish_single', 1, 'ç' ],
    [ "Siparişiniz yolda \x{1F600}", undef, 'ucs2', 1, "\x{1F600}" ],
    [ 'a' x 155, undef, 'gsm7', 1, undef ],
    [ 'a' x 156, undef, 'gsm7', 2, undef ],
    [ 'Siparişiniz yola çıktı.', 'ascii', 'gsm7', 1, undef ],
    [ 'Siparisiniz', 'ucs2', 'ucs2', 1, undef ])
{
    my ($text, $asked, $encoding, $parts, $costly) = @$case;
    my $r = preview({ text => $text, encoding => $asked });
    my $t = $r->json->{texts}[0];
    my $name = substr $text, 0, 24;

    is($r->status, 200, $name) or diag($r->body);
    is_deeply([ @$t{qw(pointer encoding parts)} ], [ '/text', $encoding, $parts ],
              "$name: encoding and parts") or diag($r->body);
    is($r->json->{price}{amount_micro}, 100_000 * $parts, "$name: price");
    next if $asked;
    is($t->{costly} && $t->{costly}{text}, $costly, "$name: what costs");

    if ($costly) {
        my $octets = $text;
        utf8::encode($octets);
        my $at = substr $octets, $t->{costly}{begin}, $t->{costly}{length};
        utf8::decode($at);
        is($at, $costly, "$name: and where");
    }
}

# ---- what a send would answer ---------------------------------------------------

my @to = ('0532 111 22 33', 'x', '0532 111 00 99', '532 111 22 33', '05321112234');
my $p = preview({ to => \@to });
is($p->status, 200, 'in part');
is($p->json->{accepted}, 2, 'accepted');
is_deeply($p->json->{price}, { amount_micro => 200_000, unit => 'TRY' }, 'price');
is_deeply($p->json->{counts}, { 'invalid-number' => 1, 'blacklisted' => 1,
                                'duplicate-recipient' => 1 }, 'counts by reason');
is($p->json->{problem}, undef, 'no problem');

for my $change ({ sender => 'YOK' }, { class => undef, basis => undef }, { to => ['x', 'y'] },
                { to => ['x', '0532 111 00 99'] }, { text => 'a' x 1500 },
                { to => ['+491511234567'] }, { class => 'otp', basis => undef,
                                               schedule_at => '2030-01-01T00:00:00Z' })
{
    my $q = preview($change);
    my $s = $account->send($nginx, $change);
    my $name = $s->json->{code};

    is($q->status, 200, "$name: told as a preview") or diag($q->body);
    is($s->status, $s->json->{status}, "$name: refused as a send");
    is($q->json->{accepted}, 0, "$name: nobody");
    is($q->json->{problem}{code}, $s->json->{code}, "$name: the same problem");
    is_deeply($q->json->{problem}{errors}, $s->json->{errors} // [], "$name: the same errors");
    is_deeply($q->json->{rejected}, $s->json->{rejected}, "$name: the same rejected[]")
        or diag($q->body, "\n", $s->body);
    is($q->json->{price}{amount_micro}, 0, "$name: costs nothing");
}

my $still = preview({ sender => 'YOK', text => 'a' x 200 })->json;
is($still->{texts}[0]{parts}, 2, 'parts are told beside a problem');

for my $change ({ colour => 1 }, { text => undef }, { validity_s => 1 }) {
    my $q = preview($change);
    my $s = $account->send($nginx, $change);
    is_deeply([ $q->status, $q->json->{code}, $q->json->{errors} ],
              [ $s->status, $s->json->{code}, $s->json->{errors} ],
              'a request that cannot be read is a problem: ' . $s->json->{code});
}

# ---- consent, from the mirror only ------------------------------------------------

my %commercial = (class => 'commercial', basis => undef, recipient_type => 'BIREYSEL');
$p = preview({ %commercial, to => [ (map { "+$_" } sort keys %known), '05321112233',
                                    '05321112234', 'x', '0532 111 00 98' ] });
is($p->status, 200, 'commercial') or diag($p->body);
is_deeply($p->json->{consent}, { granted => 1, refused => 2, not_granted => 1, unknown => 2 },
          'consent') or diag($p->body);
is_deeply($p->json->{counts}, { 'invalid-number' => 1, 'blacklisted' => 1 },
          'blacklisted for commercial messages');
is($p->json->{accepted}, 6, 'the others would be accepted, and asked about');
$p = preview({ %commercial, recipient_type => 'TACIR', to => ['+905321110001'] });
is_deeply($p->json->{consent}, { granted => 0, refused => 0, not_granted => 0, unknown => 1 },
          'another recipient type is another consent');
is(preview({ to => ['0532 111 00 98'] })->json->{accepted}, 1,
   'no matter to an informational one');
ok(!exists preview({})->json->{consent}, 'which has no consent');

# ---- nothing was done -------------------------------------------------------------

is_deeply($account->counts, $counts, 'no table has another row');
is($account->balance, $balance, 'no money has moved');

my $key = 'preview-key';
is($account->post($nginx, '/v1/messages:preview', $account->message,
                  headers => { 'Idempotency-Key' => $key })->status, 200,
   'an Idempotency-Key is of no matter');
is($account->send($nginx, { text => 'Başka' }, headers => { 'Idempotency-Key' => $key })->status,
   202, 'and not taken by a preview');

done_testing;


sub preview {
    my ($change) = @_;

    return $account->post($nginx, '/v1/messages:preview', $account->message(%$change));
}


# what İYS has answered: 1 granted, 2 refused, 3 not granted
sub mirror {
    my ($number, $state) = @_;

    $pg->do('select sms.consent_put(array[?]::bigint[], array[?]::bigint[],
                array[1]::smallint[], array[?]::bigint[], array[?]::smallint[],
                array[now()], sms.id_new(), ?)',
            $owner, $brand, $number, $state, 'status');
    return;
}


sub optout {
    my ($number) = @_;

    $pg->do('select sms.optout_put(?, ?, ?, now(), ?, null)', $owner, $brand, $number, 'api');
    return;
}
