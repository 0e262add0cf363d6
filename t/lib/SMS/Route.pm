package SMS::Route;

# Several SMSCs and a table of routes.
#
#   link_to($smsc, 'vodafone', 3, $options)    an sms_plugin operator block; options
#                                              stand on its line (classes=, abroad=)
#   router("90 * a b\n", $more)   a router block with that table; $more are its keys
#   table($name, $text)           a file of the test's that workers can read, put there
#                                 by rename; its path
#   went($smsc)                   { number => times } of what it took
#   message_of($account, $nginx, $to, %body)   sends one; the answer

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use SMS::Tap;

our @EXPORT = qw(link_to router table went message_of);

my $dir;


sub link_to {
    my ($smsc, $name, $number, $options, $keys) = @_;

    $options //= '';
    $keys //= '';
    my $operator = $options =~ /operator=/ ? '' : "operator=$name";

    return sprintf <<"EOC", $smsc->port;
    sms_plugin operator $name operator_smpp.so link=$number $operator $options {
        grant stream inbound metric dict;
        host 127.0.0.1;
        port %d;
        system_id demo;
        password demo;
        window 20;
        reconnect_min 100ms;
        reconnect_max 1s;
        $keys
    }
EOC
}


sub table {
    my ($name, $text) = @_;

    $dir //= temporary('routes');
    chmod 0755, $dir;
    open my $out, '>:utf8', "$dir/$name.new" or die "$dir/$name: $!\n";
    print {$out} $text;
    close $out;
    chmod 0644, "$dir/$name.new";
    rename "$dir/$name.new", "$dir/$name" or die "$dir/$name: $!\n";
    return "$dir/$name";
}


sub router {
    my ($text, $more) = @_;

    my $path = table('routes', $text);
    $more //= '';

    return "    sms_plugin router way router_prefix.so { table $path; $more }\n";
}


sub went {
    my ($smsc) = @_;

    my %n;

    for my $row ($smsc->messages) {
        (my $to = $row->{dest}) =~ s/^\+//;
        $n{$to}++;
    }

    return \%n;
}


sub message_of {
    my ($account, $nginx, $to, %body) = @_;

    $body{basis} //= 'order_delivery' if ($body{class} // 'informational') eq 'informational';

    return $account->send($nginx, { text => 'Siparişiniz yolda.', %body,
                                    to => [ ref $to ? @$to : $to ] });
}

1;
