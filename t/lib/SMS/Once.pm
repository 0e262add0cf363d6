package SMS::Once;

# Load whose messages can be counted afterwards: whatever was answered with 202 is
# in the database once, whatever else happened.
#
#   my $load = numbered($nginx, $account, clients => 2, pause => 0.005);
#   …
#   my @accepted = each_once($pg, $load, 'name of the test');   stops it, two tests
#
# Each message has a reference of its own.  Further options go to SMS::Load; "text"
# is the text.

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use SMS::Load;
use Test::More ();

our @EXPORT = qw(numbered each_once);

my $seed = $$ % 10000 * 100;


sub numbered {
    my ($nginx, $account, %opt) = @_;

    my $mine = ++$seed;
    my $text = delete $opt{text} // 'Siparişiniz yola çıktı.';

    return SMS::Load->start(port => $nginx->port, key => $account->{key}, seed => $mine,
        request => sub {
            my ($client, $n) = @_;
            my $body = $account->message(to => undef, text => undef, messages => [
                { to => '905321112233', text => $text, reference => "n-$mine-$client-$n" } ]);
            return $body;
        }, %opt);
}


sub each_once {
    my ($pg, $load, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $load->stop;

    my @accepted = grep { ($_->{status} // 0) == 202 } $load->answers;
    my %rows = map { @$_{qw(reference n)} } $pg->rows(q{
        select reference, count(*) as n from sms.message where reference like ? group by 1},
        "n-$load->{seed}-%");
    my @lost = grep { ($rows{$_} // 0) != 1 }
               map { $_->{body}{messages}[0]{reference} } @accepted;

    Test::More::is_deeply(\@lost, [], "$name: each of " . @accepted . ' accepted is there once');
    Test::More::is_deeply([ grep { $rows{$_} > 1 } sort keys %rows ], [],
                          "$name: nothing is there twice");
    return @accepted;
}

1;
