#!/usr/bin/perl

# Of operator/smpp at most 2 % of the lines are run through by no unit test and no
# corpus, and t/coverage/smpp.txt says why of each.

# limit: 600

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Tap;

my $root = "$FindBin::Bin/..";
open my $out, '-|', "$root/tools/coverage", 'smpp' or BAIL_OUT("tools/coverage: $!");
my @lines = <$out>;
close $out;
my $status = $?;

is($status, 0, 'tools/coverage smpp');
is(scalar(grep { /NO REASON GIVEN/ } @lines), 0, 'every line that is left out has a reason');

my ($left) = map { /not run through ([\d.]+) %/ } @lines;
ok(defined $left && $left <= 2, 'at most 2 %: ' . ($left // 'unknown'));
ok((grep { /^smpp_pdu\.c\s+\d+ lines/ } @lines), 'the codec is among them');

diag(@lines) if $status;
note(@lines);
done_testing;
