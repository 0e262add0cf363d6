#!/usr/bin/perl

# SQL text lives in sql/ and, as calls, in store/.  The other layers of the module
# never see a column name.  Migrations say what they are and only go forward.

use strict;
use warnings;

use Test::More;
use SMS::Source;
use SMS::Tap;

my @sources = grep { !m{^ngx_sms_module/store/} } files(qr/\.(?:c|h|def)$/, 'ngx_sms_module');
my $statement = qr/^\s*(?: select\s+ (?: [\w*(\$'] .* \b(?:from|sms\.|api\.) | sms\.\w | \d )
                    | insert\s+into\b | update\s+\w[\w.]*\s+set\b | delete\s+from\b
                    | with\s+\w+\s+as\b | create\s+(?:table|function|role|schema)\b
                    | (?:begin|commit|rollback)\s*;\s*$ | call\s+\w+\.\w | copy\s+\w+\s
                    | (?:un)?listen\s+\w+\s*;?$ | notify\s+\w )/xi;
my @stray;

for my $file (@sources) {
    my $code = code($file);

    # adjacent literals are one string
    1 while $code =~ s/"(\s*)"(?=[^"\n]*")/$1/;

    my $n = 1;
    while ($code =~ /(\n)|"((?:[^"\\\n]|\\.)*)"/g) {
        my $literal = $2;

        if (!defined $literal) {
            $n++;
        } elsif ($literal =~ $statement) {
            push @stray, "$file:$n: $literal";
        }
    }
}

cmp_ok(@sources, '>', 0, 'there are sources');
none(\@stray, 'no SQL outside store/ and sql/');

my @migrations = files(qr{^sql/\d+_\w+\.sql$}, 'sql');
my @numbers = map { m{(\d+)_} ? $1 + 0 : () } @migrations;

cmp_ok(@migrations, '>', 0, 'there are migrations');
is_deeply(\@numbers, [ 1 .. @numbers ], 'they are numbered without a gap');
none([ grep { content($_) !~ /\A-- (?:expand|contract):/ } @migrations ],
          'each says expand or contract first');

done_testing;
