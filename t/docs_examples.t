#!/usr/bin/perl

# Each ```nginx block of the documentation and conf/nginx.conf pass "nginx -t", with
# the real module and plugins.  The word after "nginx" says what the block is: main (a
# whole file), http, server or location.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Nginx;
use SMS::Source;
use SMS::Tap;

my $nginx = SMS::Nginx->new(level => 'warn', globals => "events { }\n");
my $dir = $nginx->dir;
my ($cert, $key) = $nginx->certificate;

# what a reader has in these places
my %there = (
    'modules/ngx_http_sms_module.so'  => build() . '/ngx_http_sms_module.so',
    '/usr/lib/nginx/sms'              => $nginx->plugins,
    '/etc/nginx/tls/server.crt'       => $cert,
    '/etc/nginx/tls/server.key'       => $key,
    '/etc/nginx/sms/routes'           => spew("$dir/routes", "* * link_a\n"),
    '/etc/nginx/sms/iys.conf'         => spew("$dir/iys.conf", "username u; password p;\n"),
    '/etc/nginx/sms/opera.conf'       => spew("$dir/opera.conf", "password p;\n"),
    '/etc/nginx/sms/log_format.conf'  => root() . '/conf/log_format.conf',
    '/var/log/nginx/'                 => "$dir/",
    '/run/nginx.pid'                  => "$dir/nginx.pid",
);
my $places = join '|', map { quotemeta } reverse sort keys %there;

my %around = (
    main     => sub { $_[0] },
    http     => sub { my $database = $_[0] =~ /^sms_database /m ? '' : database_line();
                      globals() . "http {\n$database$_[0]\nserver { location / { sms_health; } }\n}\n" },
    server   => sub { globals() . database("server {\n$_[0]\n}\n") },
    location => sub { globals() . database("server {\nlocation / {\n$_[0]\n}\n}\n") },
);
my %count;

for my $file (files(qr/\.md$/, 'docs')) {
    my $text = content($file);
    my $n = 0;

    while ($text =~ /^```nginx[ \t]*(\w*)\n(.*?)^```$/gms) {
        my ($what, $block) = ($1, $2);
        my $name = "$file, block " . ++$n;

        if (!$around{$what}) {
            fail("$name says where it belongs");
            next;
        }

        $count{$file}++;
        my ($ok, $out) = $nginx->check(here($around{$what}->($block)));
        ok($ok, "$name ($what)") or diag($block, $out);
        unlike($out, qr/\[(?:warn|error|alert|emerg)\]/, "$name without a warning");

        # the other side: a slip in the same block is found, with its line
        next unless $block =~ /^\s*sms_\w+ /m && $n == 1;
        my $slip = $block =~ s/^(\s*sms_\w+ )/$1/mr;
        $slip =~ s/\bsms_(\w)/sms_x$1/;
        ($ok, $out) = $nginx->check(here($around{$what}->($slip)));
        ok(!$ok, "$name with a slip is refused");
        like($out, qr/unknown directive "sms_x\w+" in \S+:\d+/, 'with file and line');
    }
}

# the file to begin with: as it is, and with slips in what is to be changed
my $sample = content('conf/nginx.conf');
my ($fine, $said) = $nginx->check(here($sample));
ok($fine, 'conf/nginx.conf') or diag($said);
unlike($said, qr/\[(?:warn|error|alert|emerg)\]/, 'without a warning') or diag($said);

for my $slip ([ 'link=1 operator', 'link=0 operator', '1 to 65535' ],
              [ 'window 50', 'window many', 'window' ], [ 'dbname=sms', 'dbname', 'connection info' ],
              [ 'sms/routes', 'sms/no_routes', 'no_routes' ])
{
    my ($right, $wrong, $word) = @$slip;
    ($fine, $said) = $nginx->check(here($sample =~ s/\Q$right\E/$wrong/r));
    ok(!$fine, "with $wrong it is refused");
    like($said, qr/\[emerg\].*\Q$word\E.* in \S+:\d+$/m, 'with file and line') or diag($said);
}

cmp_ok($count{'docs/DIRECTIVES.md'} // 0, '>=', 5, 'docs/DIRECTIVES.md has blocks');
cmp_ok($count{'docs/OPERATIONS.md'} // 0, '>=', 1, 'docs/OPERATIONS.md has some');
done_testing;


sub globals {
    return 'load_module ' . build() . "/ngx_http_sms_module.so;\n"
         . "pid $dir/nginx.pid;\nerror_log $dir/error.log warn;\nevents { }\n";
}


sub database_line { return qq{sms_database "host=/tmp dbname=sms";\n} }


sub database {
    my ($server) = @_;

    return "http {\n" . database_line() . "$server}\n";
}


# A port that is free, folders that are there, and this machine's own user.
sub here {
    my ($text) = @_;
    my $user = workers();

    $text =~ s{(?<![\w/])($places)}{$there{$1}}g;
    $text =~ s/^user .*$/$> == 0 ? "user $user;" : ''/gme;
    $text =~ s/\blisten 127\.0\.0\.1:8080/'listen 127.0.0.1:' . $nginx->port(1)/ge;
    $text =~ s/\blisten 443 ssl/'listen 127.0.0.1:' . $nginx->port(0) . ' ssl'/ge;
    my $folders = $nginx->globals_http;
    $text =~ s/^(http \{)$/$1\n$folders/m;
    $text = "pid $dir/nginx.pid;\nerror_log $dir/error.log warn;\n$text" if $text !~ /^pid /m;
    return $text;
}
