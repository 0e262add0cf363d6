#!/usr/bin/perl

# Long texts, suffixes and parameters on the wire: links that tie parts together each
# in its own way, each with an SMSC of its own.  What arrives is the text, and what is paid for is the
# same whichever link carried it (D4).

# limit: 600

use strict;
use warnings;
use utf8;

use File::Temp qw(tempfile);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Account;
use SMS::Flow;
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;

my $pg = SMS::Pg->new;
prices($pg);

# operator => keys of its link
my @links = (
    [ udh8    => 'suffix by_us; suffix_code B001;' ],
    [ udh16   => 'long udh16;' ],
    [ sar     => 'long sar; suffix by_operator;' ],
    [ payload => 'long payload; suffix by_us; suffix_code B001;' ],
    [ plain   => 'turkish off; receipt_error 69=sim_changed; receipt_error 70=ported;
                  tlv 0x1411=string:$attr.partner; tlv 0x1411=string:ORTAK01;
                  tlv 0x1412=int1:$class; tlv_in 0x1411=string:partner;' ],
);
my %smsc = map { $_->[0] => SMS::Smsc->start(receipt_ms => 30, rules => [
    '7001=receipt:UNDELIV,err:69', '7002=receipt:UNDELIV,err:70' ]) } @links;
my $n = 0;
my $blocks = join '', map {
    my ($name, $keys) = @$_;
    sprintf <<'EOC', $name, ++$n, $name, $smsc{$name}->port, $keys } @links;
    sms_plugin operator %s operator_smpp.so link=%d operator=%s {
        grant stream inbound metric dict;
        host 127.0.0.1;
        port %d;
        system_id demo;
        password demo;
        reconnect_min 100ms;
        reconnect_max 1s;
        %s
    }
EOC
my %account = map {
    $_->[0] => SMS::Account->new($pg, operators => [ $_->[0] ], keyword => uc $_->[0],
                                 shift => 'locking')
} @links;

$pg->do(q{select sms.account_attr(?, 'partner', 'P-0042')}, $account{plain}->id);
my $other = SMS::Account->new($pg, operators => ['plain'], keyword => 'OTHER');


# whoever an account's sender is approved at carries it
my ($routes, $file) = tempfile('/tmp/sms-XXXXXX', UNLINK => 1);
print {$routes} '90 * ', join(' ', map { $_->[0] } @links), "\n";
close $routes;
chmod 0644, $file;
$blocks .= "    sms_plugin router prefix router_prefix.so { table $file; }\n";

my $nginx = SMS::Nginx->new(pg => $pg, workers => 2,
                            conf => conf(http => $blocks, sim => 'receipt_delay 50ms;') =~
                                    s/link=1 operator=sim/link=99 operator=sim/r);

ok(begin($nginx), 'ready') or BAIL_OUT($nginx->tail);
wait_until { @links == grep { $_->stats->{bound} } values %smsc; } slow(20),
           'every link to be bound';

my $next = 0;


sub pdus { my ($to) = @_; return sort { $a->{part} <=> $b->{part} }
                                 grep { $_->{dest} eq $to } map { $_->messages } values %smsc }

sub delivered {
    my ($who, $text, %opt) = @_;

    my $to = $opt{to} // sprintf '9053%08d', ++$next;
    my $id = send_one($who, $nginx, to => $to, text => $text);
    my $m = $who->wait_state($nginx, $id, qr/^(?!accepted|queued|submitted|held)/, 8);
    is($m->{state}, $opt{state} // 'delivered', $opt{state} // 'delivered') or diag(explain($m));
    return ($m, pdus($to));
}


my %texts = (
    'GSM 7 bit' => 'Siparisiniz kargoya verildi. ' x 12,
    'Turkish'   => 'Şubemizde sıra numaranız değişti, lütfen güncel numarayı alınız. ' x 6,
    'UCS-2'     => 'Merhaba 👋 Şükrü, siparişin yolda. ' x 5,
);
my %price;

for my $link (qw(udh8 udh16 sar payload)) {
    for my $kind (sort keys %texts) {
        subtest "$link: $kind" => sub {
            my $text = $texts{$kind} =~ s/ $//r;
            my ($m, @got) = delivered($account{$link}, $text);
            my $parts = $m->{parts};
            my $suffix = $link =~ /udh8|payload/ ? ' B001' : '';

            cmp_ok($parts, '>', 1, 'several parts');
            $price{$kind} //= $m->{price}{amount_micro};
            is($m->{price}{amount_micro}, $price{$kind}, 'the price is that of the other links');
            is($m->{price}{amount_micro}, 100_000 * $parts, 'and goes by parts');
            is(join('', map { $_->{text} } @got), "$text$suffix", 'the text arrives whole');

            if ($link eq 'payload') {
                is(scalar @got, 1, 'one submit');
                is($got[0]{whole}, 1, 'in message_payload');
                unlike($got[0]{udh}, qr/^(?:05)?00/, 'no concatenation header');
                return;
            }

            is(scalar @got, $parts, 'a submit for each part');
            is_deeply([ map { $_->{part} } @got ], [ 1 .. $parts ], 'numbered');
            is_deeply([ map { $_->{parts} } @got ], [ ($parts) x $parts ], 'of so many');
            my %refs = map { $_->{ref} => 1 } @got;
            is(scalar keys %refs, 1, 'one reference');
            my $ie = { udh8 => qr/^..0003/, udh16 => qr/^..0804/,
                       sar  => $kind eq 'Turkish' ? qr/^03250101$/ : qr/^$/ }->{$link};
            like($_->{udh}, $ie, "header of part $_->{part}") for @got;
            return if $kind ne 'Turkish';
            like($_->{udh}, qr/250101$/, "locking table in part $_->{part}") for @got;
        };
    }
}

subtest 'our code stands there once' => sub {
    for my $text ('Merhaba', 'Merhaba B001', 'Ö' x 40) {
        my ($m, @got) = delivered($account{udh8}, $text);
        is(scalar(() = $got[0]{text} =~ / B001/g), 1, 'once');
        like($got[0]{text}, qr/ B001$/, 'at the end');
    }
};

subtest 'an SMSC without national tables' => sub {
    my ($m, @got) = delivered($account{plain}, 'Şubemiz açıldı');
    is($got[0]{data_coding}, 8, 'UCS-2 where that is as many parts');
    is($got[0]{text}, 'Şubemiz açıldı', 'its text');
    is($m->{parts}, 1, 'charged for one');
    is($m->{encoding}, 'turkish_locking', 'as the customer counted');
};

subtest 'a Turkish carrier asks for its partner in 0x1411' => sub {
    my ($m, @got) = delivered($account{plain}, 'ozel');
    is($got[0]{tlv}{1411}, unpack('H*', "P-0042\0"), q{the account's own});
    is($got[0]{tlv}{1412}, '02', 'class informational');

    ($m, @got) = delivered($other, 'genel');
    is($got[0]{tlv}{1411}, unpack('H*', "ORTAK01\0"), 'or the one of the house');

    $pg->do(q{select sms.account_attr(?, 'partner', 'P-77')}, $other->id);
    my $seen = wait_until {
        ($m, @got) = delivered($other, 'yeni');
        $got[0]{tlv}{1411} eq unpack('H*', "P-77\0");
    } slow(20), 'the change to be seen';
    ok($seen, 'a change needs no reload');
};

subtest 'SIM change and portability in receipts' => sub {
    my ($m) = delivered($account{plain}, 'sim', to => '905300007001', state => 'rejected');
    is($m->{cause}{code} // $m->{error}{code}, 'sim-changed', 'the cause');
    ok($m->{refunded}, 'refunded');
    ($m) = delivered($account{plain}, 'tasinmis', to => '905300007002', state => 'undelivered');
    is($m->{cause}{code} // $m->{error}{code}, 'number-ported', 'the cause');
    ok($m->{refunded}, 'refunded');
};

subtest 'a parameter of what comes in' => sub {
    my $body = pack 'Z*CCZ*CCZ*CCCZ*Z*CCCC C/a nn/a', '', 1, 1, '905321112233', 0, 1, '4605',
                    0, 0, 0, '', '', 0, 0, 0, 0, 'PLAIN RET', 0x1411, "P7\0";

    $smsc{plain}->raw(unpack 'H*', pack('NNNN', 16 + length $body, 5, 0, 77) . $body);
    ok(wait_until { $pg->value(q{select count(*) from sms.inbound where attrs is not null}) }
       slow(20), 'stored');
    is($pg->value(q{select attrs ->> 'partner' from sms.inbound where attrs is not null limit 1}),
       'P7', 'with its name');
};

books_balance($pg);
is($pg->value('select count(*) from sms.receipt_orphan'), 0, 'no receipt is left over');
$nginx->end;
done_testing;
