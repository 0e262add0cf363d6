#!/usr/bin/perl

# Bodies that are nearly right: those of t/fuzz/corpus/api_send, with other values,
# or cut, spliced, repeated and sprinkled with what parsers trip over, to the preview
# of a real server.  Whatever it is, the answer is a preview or a problem whose code and
# place are known, and nobody dies of it.
#
# limit: 1800

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Source;
use SMS::Tap;

my $count = long() ? 100_000 : 4_000;
my $seed = $ENV{SMS_SEED} // 1;
my @corpus = map { slurp($_) } sort glob "$FindBin::Bin/fuzz/corpus/api_send/*.json";
my %problem = map { $_->[1] => $_->[2] } table('ngx_sms_module/domain/sms_problem.def',
                                               'SMS_PROBLEM');
my @tokens = ('{', '}', '[', ']', ',', ':', '"', '\\', '\\u0000', '\\ud800', '\\udc00', '\\u00e7',
              'null', 'true', '-0', '1e400', '-1', '0.5', '99999999999999999999', '[]', '{}',
              '""', "\0", "\x7f", "\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
              "\xf0\x9f\x98\x80", "\xef\xbb\xbf", "\r\n", "\t", '"to":', '"text":', '"class":',
              '"messages":', '"confirm":', 'otp', 'commercial', '2027-02-30T25:61:61Z', ' ' x 300,
              'x' x 2000, '[' x 600, '{"a":' x 600);

srand $seed;
note "SMS_SEED=$seed, $count bodies";

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg, operators => ['sim']);
my $nginx = SMS::Nginx->new(pg => $pg, conf => SMS::Account::conf(priced => 0));

$pg->do(q{select sms.exemption_grant(?, 'association', 'members', 'tüzük', 'test')}, $account->id);
$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');

my %auth = (headers => { Authorization => 'Bearer ' . $account->key,
                         'Content-Type' => 'application/json' });
my $writer = JSON::PP->new->utf8->allow_nonref;
my (%status, %code, @bad);

for my $n (1 .. $count) {
    my $body = $n <= @corpus ? $corpus[$n - 1] : $n % 2 ? octets() : values_of();
    my $r = $nginx->http->post('/v1/messages:preview', $body, %auth);
    my $json = $r && eval { JSON::PP->new->utf8->decode($r->body) };

    push @bad, [ $r ? $r->status : 'no answer', $body ] if !$json || !known($r, $json);
    last if @bad > 4;
    $status{ $r->status }++;
    $code{$_}++ for $json->{code} // (), map { $_->{code} } @{ $json->{errors} // [] };
}

is(scalar @bad, 0, 'every answer is known')
    or diag(join "\n", map { "$_->[0]: " . JSON::PP->new->ascii->allow_nonref->encode($_->[1]) } @bad);
note join ', ', map { "$_: $status{$_}" } sort keys %status;
note join ', ', map { "$_: $code{$_}" } sort keys %code;
cmp_ok($status{$_} // 0, '>', 0, "some were answered $_") for 200, 400;
cmp_ok(scalar keys %code, '>=', 15, 'many kinds of problems');
is($pg->value('select count(*) from sms.message where account_id = ?', $account->id), 0,
   'a preview keeps nothing');

done_testing;


# a preview, or a problem of the table whose pointers lead somewhere or are empty
sub known {
    my ($r, $json) = @_;

    return exists $json->{recipients} || exists $json->{bodies} || exists $json->{parts}
           || exists $json->{findings} if $r->status == 200;
    return 0 if ($problem{ $json->{code} // '' } // 0) != $r->status;

    for my $error (@{ $json->{errors} // [] }) {
        return 0 if !$problem{ $error->{code} // '' } || ($error->{pointer} // '-') !~ m{^(/|\z)};
    }

    return 1;
}


# valid JSON with wrong, missing, surplus and huge values
sub values_of {
    my $body = $writer->decode($corpus[rand @corpus]);

    for (0 .. rand 3) {
        my $in = $body;
        my $each = $body->{messages};
        $in = $each->[rand @$each] if ref $each eq 'ARRAY' && @$each && rand() < 0.3
                                      && ref $each->[0] eq 'HASH';
        my @keys = sort keys %$in;
        my $key = @keys && rand() < 0.9 ? $keys[rand @keys]
                                        : (qw(text to messages brand confirm zz))[rand 6];

        rand() < 0.15 ? delete $in->{$key} : ($in->{$key} = value());
    }

    return $writer->encode($body);
}


sub value {
    my @numbers = map { sprintf '0532%07d', rand 2e6 } 1 .. 1 + rand 1100;

    return (undef, JSON::PP::true, 0, -1, 1e30, 2**53, 3600, '', ' ', 'x' x 9000, 'otp',
            'commercial', 'informational', 'exempt', 'auto', "\x{1F600}" x (1 + rand 400),
            "sat\x{131}r\n\x{200D}e\x{301}", '2027-05-05T10:00:00+03:00', '2020-01-01T00:00:00Z',
            '2027-13-01T00:00:00Z', 'brd_' . 'z' x 26, 'brd_01m8553h9pfjqsptda6m8tp5b6',
            \@numbers, [ '05321112233', '0532 111 22 33' ], [ undef ], [ [] ], [ {} ],
            [ map { { to => $_, text => 'Merhaba' } } @numbers ], {}, { to => 1 })[rand 31];
}


sub octets {
    my $body = $corpus[rand @corpus];

    for (0 .. rand 4) {
        my $at = int rand(1 + length $body);
        my $len = int rand(rand() < 0.5 ? 4 : 1 + length($body) / 2);
        my $how = int rand 6;

        if ($how == 0) {
            substr $body, $at, $len, '';

        } elsif ($how == 1) {
            substr $body, $at, 0, $tokens[rand @tokens];

        } elsif ($how == 2) {
            substr $body, $at, $len, $tokens[rand @tokens];

        } elsif ($how == 3) {
            my $other = $corpus[rand @corpus];
            substr $body, $at, $len, substr $other, int rand length $other;

        } elsif ($how == 4) {
            substr $body, $at, 0, substr($body, $at, $len) x (1 + rand 8);

        } elsif ($at < length $body) {
            substr $body, $at, 1, chr int rand 256;
        }
    }

    return $body;
}
