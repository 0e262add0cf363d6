#!/usr/bin/perl

# The words that the parser takes for a refusal or an approval are those that no
# keyword may have: the one stands in C, the other in SQL.

use strict;
use warnings;

use Test::More;
use SMS::Source;
use SMS::Tap;

my ($table) = code('ngx_sms_module/base/sms_keyword.c')
              =~ /sms_keyword_rows\[\] = \{(.*?)\n\};/s;
my ($function) = content('sql/002_account.sql')
                 =~ /create function sms\.keyword_allowed.*?\&\& array\[(.*?)\]/s;
my @parsed = ($table // '') =~ /\{ "(\w+)"/g;
my @refused = ($function // '') =~ /'(\w+)'/g;

cmp_ok(@parsed, '>', 10, 'the table of the parser is there');
is_deeply([ sort @refused ], [ sort @parsed ], 'no keyword may have one of its words');

done_testing;
