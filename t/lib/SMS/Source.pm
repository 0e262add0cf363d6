package SMS::Source;

# The checkout as text, for t/lint.
#
#   files(qr/\.[ch]$/, @folders)   paths from the root, sorted; what is built or
#                                  fetched (build, var, node_modules) is left out
#   content($path)                 text, characters
#   code($path)                    C without comments, lines kept
#   includes($path)                list of [ line, '"' or '<', name ]
#   none(\@found, $name)          passes when nothing was found, else shows all
#   table($path, $macro)           rows of a .def file: MACRO(a, "b", …) as lists

use strict;
use warnings;

use Exporter qw(import);
use File::Find ();
use SMS::Tap ();
use Test::More ();

our @EXPORT = qw(files content code includes table none);

my %skip = map { $_ => 1 } qw(.git build var node_modules);


sub files {
    my ($pattern, @folders) = @_;
    my $root = SMS::Tap::root();
    my @found;

    for my $folder (@folders ? @folders : '.') {
        next unless -d "$root/$folder";

        File::Find::find({ no_chdir => 1, wanted => sub {
            my $path = substr $File::Find::name, 1 + length $root;
            $path =~ s{^\./}{};
            $File::Find::prune = 1 if -l || $skip{$path} || $path =~ m{(?:^|/)node_modules$};
            push @found, $path if -f && !-l && $path =~ $pattern;
        } }, "$root/$folder");
    }

    return sort @found;
}


sub content {
    my ($path) = @_;

    my $text = SMS::Tap::slurp(SMS::Tap::root() . "/$path");
    utf8::decode($text);
    return $text;
}


sub code {
    my ($path) = @_;

    my $text = content($path);

    # strings first, so that "/*" inside one starts nothing
    $text =~ s{("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(/\*.*?\*/|//[^\n]*)}
              { defined $1 ? $1 : $2 =~ s/[^\n]+/ /gr }gse;
    return $text;
}


sub includes {
    my ($path) = @_;
    my @found;
    my $n = 0;

    for (split /\n/, code($path)) {
        $n++;
        push @found, [ $n, $1, $2 ] if /^\s*#\s*include\s*(["<])([^">]+)[">]/;
    }

    return @found;
}


sub none {
    my ($found, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $ok = Test::More::is(scalar @$found, 0, $name);
    Test::More::diag("  $_") for $ok ? () : @$found;
    return $ok;
}


sub table {
    my ($path, $macro) = @_;
    my @rows;

    for (split /\n/, code($path)) {
        my ($arguments) = /^\s*$macro\((.*)\)\s*$/ or next;
        my @row;

        while ($arguments =~ /\G\s*("(?:[^"\\]|\\.)*"|[^,"]*?)\s*(?:,|$)/gc) {
            push @row, $1 =~ s/^"(.*)"$/$1/r;
            last if pos $arguments == length $arguments;
        }

        push @rows, \@row;
    }

    return @rows;
}

1;
