#!/usr/bin/perl

# docs/openapi.yaml says what the tables of the code say: problems with their
# status, endpoints with scope and body, words, fields and limits.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use Test::More;
use YAML::XS ();

use SMS::Source;
use SMS::Tap;

$YAML::XS::Boolean = 'JSON::PP';
my $doc = YAML::XS::LoadFile(root() . '/docs/openapi.yaml');
my @operation = map {
    my ($path, $item) = ($_, $doc->{paths}{$_});
    map { { %{ $item->{$_} }, method => uc, path => $path } }
        grep { ref $item->{$_} eq 'HASH' } sort keys %$item;
} sort keys %{ $doc->{paths} };

my %problem = map { $_->[1] => $_->[2] }
              table('ngx_sms_module/domain/sms_problem.def', 'SMS_PROBLEM');
my $codes = $doc->{components}{schemas}{ProblemCode};

cmp_ok(keys %problem, '>', 40, 'the table of problems is there');
is_deeply([ sort @{ $codes->{enum} } ], [ sort keys %problem ], 'every problem code, no other');
is_deeply({ map { $_ => "$codes->{'x-status'}{$_}" } keys %{ $codes->{'x-status'} } },
          \%problem, 'each with its status');

# SMS_SCOPE_BALANCE_READ is balance:read, SMS_SCOPE_ADMIN is admin
sub scope { return $_[0] =~ /^SMS_SCOPE_(\w+)_(\w+)$/ ? lc "$1:$2" : $_[0] =~ /^SMS_SCOPE_(\w+)$/ ? lc $1 : '' }


# what an operation takes besides its path
sub takes {
    my ($operation) = @_;

    my $body = $operation->{requestBody};
    my @parameters = map {
        my $ref = $_->{'$ref'} // '';
        $ref =~ m{^#/components/parameters/(\w+)$} ? $doc->{components}{parameters}{$1} : $_;
    } @{ $operation->{parameters} // [] };
    return 'QUERY' if grep { ($_->{in} // '') eq 'query' } @parameters;
    return !$body ? 'NOTHING' : $body->{required} ? 'BODY' : 'MAYBE';
}


my %coded = map { ("$_->[0] $_->[1]" => [ scope($_->[2]), $_->[3] ]) }
            table('ngx_sms_module/http/ngx_sms_endpoints.def', 'NGX_SMS_ENDPOINT');
my %told = map {
    ("$_->{method} $_->{path}" =>
        [ join(' ', map { @{ $_->{key} } } @{ $_->{security} }), takes($_) ])
} grep { $_->{path} =~ m{^/v1/} } @operation;

is_deeply(\%told, \%coded, 'every endpoint with its scope and what it takes, no other');

my %word = (Class => 'class', RecipientType => 'recipient_type', Basis => 'basis',
            Exemption => 'exemption', Encoding => 'encoding');
my $code = code('ngx_sms_module/domain/sms_word.c');

for my $schema (sort keys %word) {
    my ($table) = $code =~ /sms_word_$word{$schema}\[\] = \{(.*?)\{ NULL/s;
    is_deeply([ sort @{ $doc->{components}{schemas}{$schema}{enum} } ],
              [ sort(($table // '') =~ /\{ "(\w+)"/g) ], "the words of $schema");
}

my %limit = code('ngx_sms_module/flow/ngx_sms_submission.h') =~ /#define NGX_SMS_(\w+)\s+(\d+)$/mg;
my $send = $doc->{components}{schemas}{SendRequest};
my $validity = $send->{properties}{validity_s};
my $otp = $send->{allOf}[0];

is($send->{properties}{$_}{maxItems}, $limit{RECIPIENTS_MAX}, "most entries of $_")
    for qw(to messages);
is($validity->{maximum}, $limit{VALIDITY_MAX}, 'longest validity');
is($validity->{minimum}, $limit{OTP_VALIDITY_MIN}, 'shortest, of a one-time code');
is($otp->{else}{properties}{validity_s}{minimum}, $limit{VALIDITY_MIN}, 'and of the others');
is($otp->{then}{properties}{validity_s}{maximum}, $limit{OTP_VALIDITY_MAX}, 'longest of a code');
like($validity->{description}, qr/default\s+$limit{VALIDITY_DEFAULT};.*default\s+$limit{OTP_VALIDITY}\b/s,
     'the defaults');

my ($fields) = code('ngx_sms_module/http/ngx_sms_send_read.c')
               =~ /ngx_sms_read_fields\[\] = \{(.*?)ngx_null_string/s;
is_deeply([ sort keys %{ $send->{properties} } ], [ sort(($fields // '') =~ /"(\w+)"/g) ],
          'the fields of a request');

done_testing;
