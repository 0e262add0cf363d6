#!/usr/bin/perl

# A file is one noun: 800 lines at the most, C no wider than 100 columns.

use strict;
use warnings;

use Test::More;
use SMS::Source;
use SMS::Tap;

my @files = files(qr{\.(?:c|h|pm|pl|sql|t|pg|sh)$|^tools/|^Makefile$});
my (@long, @wide, @tabs, @ragged);

for my $file (@files) {
    my @lines = split /\n/, content($file), -1;
    pop @lines if @lines && $lines[-1] eq '';

    push @long, "$file: " . @lines if @lines > 800;
    push @ragged, $file if content($file) !~ /\n\z/;

    next unless $file =~ /\.[ch]$/;

    for my $n (1 .. @lines) {
        push @wide, "$file:$n" if length $lines[$n - 1] > 100;
        push @tabs, "$file:$n" if $lines[$n - 1] =~ /\t/;
        push @ragged, "$file:$n" if $lines[$n - 1] =~ /\s$/;
    }
}

cmp_ok(@files, '>', 20, 'there are files');
none(\@long, 'no file is longer than 800 lines');
none(\@wide, 'no line of C is wider than 100 columns');
none(\@tabs, 'no tab in C');
none(\@ragged, 'no blank at the end of a line, a newline at the end of a file');

done_testing;
