#!/usr/bin/perl

# Words that do not belong into what is shipped, and what the first page says.

use strict;
use warnings;

use Test::More;
use SMS::Source;
use SMS::Tap;

# put together here, so that this file does not find itself
my @banned = map { join '', @$_ } [ 'TO', 'DO' ], [ 'FIX', 'ME' ], [ 'HA', 'CK' ],
             [ 'place', 'holder implementation' ], [ 'not ', 'implemented yet' ];
my @paths = map { join '', @$_ } [ '/wo', 'rk/' ], [ 'shared/', 'reference' ],
            [ 'DECI', 'SIONS.md' ], [ '/tmp/', 'brief' ];
my $marks = join '|', map { quotemeta } @banned;
my $places = join '|', map { quotemeta } @paths;
my $three = join '', ('X') x 3;

my @files = files(qr/./);
my (@unfinished, @workplace);

for my $file (@files) {
    next if $file =~ m{\.(?:png|ico|woff2)$|^t/fuzz/corpus/|package-lock\.json$};

    my $n = 0;
    for (split /\n/, content($file)) {
        $n++;
        push @unfinished, "$file:$n: $_" if /\b(?:$marks|$three)\b/;
        push @workplace, "$file:$n: $_" if /$places/;
    }
}

cmp_ok(@files, '>', 20, 'there are files');
none(\@unfinished, 'nothing says that it is unfinished');
none(\@workplace, 'nothing names a place outside the project');

for my $file ('README.md', 'README.tr.md') {
    my $text = content($file);
    my ($opening) = $text =~ /\A(.{0,1500})/s;
    like($opening, qr/make run/, "$file names make run at once");
    like($opening, qr/make test/, "$file names make test at once");
}

like(content('LICENSE'), qr/Redistribution and use in source and binary forms/,
     'the licence is there');
like(content('CHANGES'), qr/^Changes with ngx_sms \d+\.\d+\.\d+/m, 'CHANGES names a version');

done_testing;
