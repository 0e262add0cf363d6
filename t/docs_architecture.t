#!/usr/bin/perl

# What docs/ARCHITECTURE.md names is there: functions, files, folders, tables.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Source;
use SMS::Tap;

my $page = content('docs/ARCHITECTURE.md');
my %function = map { $_ => 1 } map { code($_) =~ /^(\w+)\(/mg } files(qr/\.c$/, 'ngx_sms_module');
my $sql = join '', map { content($_) } files(qr/\.sql$/, 'sql');
my (@named, @missing);

# the layers name other people's headers, and are read by t/lint/includes.t
my $own = $page =~ s/^## Layers\n.*?(?=^## )//msr;

for my $word ($own =~ /`([^`\n]+)`/g) {
    if ($word =~ /^(\w+)\(\)$/) {
        push @named, $word;
        push @missing, $word unless $function{$1};
    } elsif ($word =~ /^((?:sms|api)\.\w+)(\(\))?$/) {
        push @named, $word;
        my $what = $2 ? 'function' : 'table';
        push @missing, $word unless $sql =~ /^create (?:or replace )?$what \Q$1\E\b/m;
    } elsif ($word =~ m{^[\w./]+/[\w./]*$} && $word !~ /^(?:t\/|docs\/)?$/) {
        push @named, $word;
        push @missing, $word
            unless grep { -e root() . "/$_/$word" } '.', 'ngx_sms_module';
    }
}

# rows of the table of stages
for my $table ($page =~ /^\| `(\w+)` \| `\w+` \|/mg) {
    push @missing, $table unless $sql =~ /^create table sms\.$table\b/m;
}

# links to other documents
push @missing, grep { !-e root() . "/docs/$_" } $page =~ /\]\(([^)#:]+)\)/g;

cmp_ok(@named, '>', 25, 'it names things');
none(\@missing, 'and they are there');
done_testing;
