#!/usr/bin/perl

# Who may include whom, as docs/ARCHITECTURE.md says it: the ```layers block from
# top to bottom, and the sentences "`header` only in `folder/`".

use strict;
use warnings;

use File::Glob qw(:bsd_glob);
use File::Basename qw(basename dirname);
use Test::More;
use SMS::Source;
use SMS::Tap;

my $page = content('docs/ARCHITECTURE.md');
my ($block) = $page =~ /^```layers\n(.*?)^```/ms;
my @layers = ($block // '') =~ m{^(\w+)/}mg;
my %rank = map { $layers[$_] => $_ } 0 .. $#layers;

cmp_ok(@layers, '>=', 5, 'the layers are listed');

my @folders = map { basename($_) } grep { -d } glob root() . '/ngx_sms_module/*';
none([ grep { !exists $rank{$_} } @folders ], 'every folder is a layer');

# header pattern => places; "`dlfcn.h` and `elf.h` only in `plugin/`"
my %owned;
my $sentences = $page =~ s/\n\s+/ /gr;

while ($sentences =~ /((?:`[^`]+`(?: and |, )?)+) only in ([^;\n]+?)(?:;|\.(?=\s)|$)/mg) {
    my ($headers, $places) = ($1, $2);
    my @places = $places =~ /`([^`]+)`/g;
    push @places, 'ngx_http_sms_module.c' if $places =~ /the module file/;
    $owned{$_} = \@places for $headers =~ /`([^`]+)`/g;
}

cmp_ok(keys %owned, '>=', 6, 'the owned headers are listed: ' . join ' ', sort keys %owned);

my @sources = files(qr/\.(?:c|h|def)$/, 'ngx_sms_module');
my %home = map { basename($_) => $_ } @sources;

cmp_ok(@sources, '>', 0, 'there are sources');

my (@up, @lost, @foreign, @plain);

for my $file (@sources) {
    my ($layer) = $file =~ m{^ngx_sms_module/(\w+)/};

    for (includes($file)) {
        my ($line, $kind, $name) = @$_;
        my $where = "$file:$line: $name";

        push @foreign, $where unless owner_allows($file, $name);

        if ($kind eq '<' && $home{basename($name)} && $name =~ /sms_/) {
            push @lost, "$where (with quotes)";

        } elsif ($kind eq '"' && $name ne 'sms_plugin.h') {
            my $target = $home{$name};

            if (!$target) {
                push @lost, $where;
            } elsif (defined $layer) {
                my ($other) = $target =~ m{^ngx_sms_module/(\w+)/};
                push @up, $where if !defined $other || $rank{$other} < $rank{$layer};
            }
        }

        if (defined $layer && $layer =~ /^(?:base|domain)$/) {
            push @plain, $where
                if $name =~ m{^(?:ngx_|libpq|sys/socket|netinet/|arpa/|netdb|poll\.h|sys/epoll)};
        }
    }

    if (defined $layer && $layer =~ /^(?:base|domain)$/) {
        my $code = code($file);
        push @plain, "$file: $1()"
            while $code =~ /\b(clock_gettime|gettimeofday|time|socket|localtime_r?)\s*\(/g;
    }
}

none(\@up, 'no include goes up');
none(\@lost, 'quoted names are ours, one folder deep');
none(\@foreign, "libraries stay with their owners");
none(\@plain, 'base/ and domain/ know no nginx, database, socket or clock');


# plugins: the contract, the base library, their own folder, ISO C, POSIX files, what
# reads addresses, and what their "libs" file links

my %iso = map { ("$_.h" => 1) } qw(assert complex ctype errno fenv float inttypes iso646
    limits locale math setjmp signal stdalign stdarg stdatomic stdbool stddef stdint
    stdio stdlib stdnoreturn string tgmath time uchar wchar wctype strings pthread fcntl
    unistd sys/stat sys/types arpa/inet);
my %library = ('pcre2.h' => qr/-lpcre2/, 'jansson.h' => qr/-ljansson/,
    'expat.h' => qr/-lexpat/, 'utf8proc.h' => qr/-lutf8proc/, 'curl/' => qr/-lcurl/,
    'openssl/' => qr/-l(?:crypto|ssl)/, 'maxminddb.h' => qr/-lmaxminddb/);
my @trespass;

for my $file (grep { !m{^plugins/sdk/(?!template/)|_test\.c$} } files(qr/\.[ch]$/, 'plugins')) {
    my $folder = dirname($file);
    my $libs = content("$folder/libs");

    for (includes($file)) {
        my ($line, $kind, $name) = @$_;

        next if $name eq 'sms_plugin.h' || $iso{$name};
        next if $kind eq '<' && $name =~ m{^sms/(sms_\w+\.h)$} && $home{$1};
        next if $kind eq '"' && $name !~ m{/} && -f root() . "/$folder/$name";
        next if $kind eq '<' && grep { index($name, $_) == 0 && $libs =~ $library{$_} }
                                keys %library;
        push @trespass, "$file:$line: $name";
    }
}

none(\@trespass, 'a plugin includes what a plugin may');

# the other way round
my @inward;

for my $file (@sources) {
    push @inward, map { "$file:$_->[0]: $_->[2]" } grep { $_->[2] =~ m{plugins/} }
                  includes($file);
}

none(\@inward, 'the module includes no plugin');

done_testing;


sub owner_allows {
    my ($file, $name) = @_;

    for my $pattern (keys %owned) {
        my $matches = $pattern =~ m{^(.*/)\*$} ? index($name, $1) == 0 : $name eq $pattern;
        next unless $matches;

        my $inside = $file =~ s{^ngx_sms_module/}{}r;
        return grep { m{/$} ? index($inside, $_) == 0 : $inside eq $_ } @{ $owned{$pattern} };
    }

    return 1;
}
