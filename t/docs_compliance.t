#!/usr/bin/perl

# docs/COMPLIANCE.md: every rule is there once; what keeps it is a file of the project, and
# what proves it a test in which the quoted words stand; settings that it names exist.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Source;
use SMS::Tap;

binmode $_, ':utf8' for Test::More->builder->output, Test::More->builder->failure_output;

my @numbers = (map({ sprintf 'R-%02d', $_ } 1 .. 6, 10 .. 23, 30 .. 38, 40 .. 46, 50 .. 55, 60 .. 69, 70 .. 78),
               'R-6T');
my $page = content('docs/COMPLIANCE.md');
my (%rule, %open, @faults);
my $sql = join '', map { content($_) } glob('sql/*.sql');
my $keys = join '', map { content($_) } glob('plugins/*/*/*.c');

for my $line (grep { /^\|/ && !/^\|[-|]+$/ } split /\n/, $page) {
    my ($name, @cell) = map { s/^\s+|\s+$//gr } grep { length } split /(?<!\\)\|/, $line, -1;
    my ($number) = $name =~ /^(R-\w\w)\b/;
    my ($by, $proof) = $number ? @cell[1, 2] : @cell[0, 1];

    next if $name =~ /^(?:rule|says|point)$/;

    # settings that stand for points that are open
    if (@cell == 2 && !$number && $cell[1] =~ /^`/ && $cell[1] !~ /^`[\w]+\//) {
        my ($setting) = $cell[1] =~ /^`(?:sms\.)?([\w]+)/;
        push @faults, "$name: no setting $cell[1]"
            if $setting && $sql !~ /\('\Q$setting\E', |function sms\.\Q$setting\E\(/ && $keys !~ /"\Q$setting\E"/;
        next;
    }

    next if @cell == 2 && $cell[1] =~ m{^`(?:/v1/admin/waivers|tools/retention)`$};
    $rule{$number}++ if $number;

    if ($by =~ /^open: /) {
        $open{$number // $name}++;
        next;
    }

    if ($by =~ /^setting `([\w.]+)(?:\(\))?`/) {
        my $setting = $1;
        push @faults, "$name: no setting $setting"
            if $sql !~ /\('\Q$setting\E', / && $keys !~ /"\Q$setting\E"/
            && $sql !~ /create (?:table|function) \Q$setting\E\b/;
    } elsif ($by !~ /^(?:people|see R)/) {
        my @files = $by =~ /`([^`]+)`/g;
        push @faults, "$name: nothing keeps it" if !@files;
        push @faults, "$name: there is no $_" for grep { !-f } @files;
    }

    my @proofs = ($proof // '') =~ /`([^`"]+)[`"] "([^"]+)"/g;
    push @faults, "$name: nothing proves it" if !@proofs && $by !~ /^people/;

    while (my ($file, $words) = splice @proofs, 0, 2) {
        push @faults, !-f $file ? "$name: there is no $file"
                                : index(content($file), $words) < 0 ? "$name: $file has no \"$words\"" : ();
    }
}

is(join(' ', grep { ($rule{$_} // 0) != 1 } @numbers), '', 'every rule is there, once');
is(join(' ', grep { my $n = $_; !grep { $_ eq $n } @numbers } sort keys %rule), '', 'and none that nobody knows');
is(join("\n", @faults), '', 'code and test of each');
diag('not kept yet: ', join ', ', sort keys %open) if %open;

done_testing;
