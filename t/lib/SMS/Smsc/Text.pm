package SMS::Smsc::Text;

# SMS::Smsc::Text - short_message to characters, for the simulator's log. The
# tables of 3GPP TS 23.038 are written out here once more on purpose: a fault in
# the project's own tables must not hide behind a second use of them.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(text_of udh_elements);

my @GSM = split //, "\@\x{A3}\$\x{A5}\x{E8}\x{E9}\x{F9}\x{EC}\x{F2}\x{C7}\n"
    . "\x{D8}\x{F8}\r\x{C5}\x{E5}\x{394}_\x{3A6}\x{393}\x{39B}\x{3A9}\x{3A0}"
    . "\x{3A8}\x{3A3}\x{398}\x{39E}\x{1B}\x{C6}\x{E6}\x{DF}\x{C9} !\"#\x{A4}"
    . "%&'()*+,-./0123456789:;<=>?\x{A1}ABCDEFGHIJKLMNOPQRSTUVWXYZ\x{C4}"
    . "\x{D6}\x{D1}\x{DC}\x{A7}\x{BF}abcdefghijklmnopqrstuvwxyz\x{E4}\x{F6}"
    . "\x{F1}\x{FC}\x{E0}";
my %EXT = (0x0A => "\f", 0x14 => '^', 0x28 => '{', 0x29 => '}', 0x2F => '\\',
           0x3C => '[', 0x3D => '~', 0x3E => ']', 0x40 => '|',
           0x65 => "\x{20AC}");
my %TR_SHIFT = (%EXT, 0x47 => "\x{11E}", 0x49 => "\x{130}", 0x53 => "\x{15E}",
                0x63 => "\x{E7}", 0x67 => "\x{11F}", 0x69 => "\x{131}",
                0x73 => "\x{15F}");
my %TR_LOCK = (0x04 => "\x{20AC}", 0x07 => "\x{131}", 0x0B => "\x{11E}",
               0x0C => "\x{11F}", 0x1C => "\x{15E}", 0x1D => "\x{15F}",
               0x40 => "\x{130}", 0x60 => "\x{E7}");

# information elements of a user data header: iei => octets
sub udh_elements {
    my ($udh) = @_;
    my (%ie, $at);

    for ($at = 1; $at + 2 <= length $udh; ) {
        my ($iei, $len) = unpack 'CC', substr $udh, $at, 2;
        $ie{$iei} = substr $udh, $at + 2, $len;
        $at += 2 + $len;
    }

    return \%ie;
}

sub text_of {
    my ($octets, $coding, $ie) = @_;

    if ($coding == 8) {
        my $text = '';
        my @units = unpack 'n*', $octets;

        while (@units) {
            my $u = shift @units;

            if ($u >= 0xD800 && $u < 0xDC00 && @units
                && $units[0] >= 0xDC00 && $units[0] < 0xE000)
            {
                $u = 0x10000 + (($u - 0xD800) << 10) + (shift(@units) - 0xDC00);
            }

            $text .= $u >= 0xD800 && $u < 0xE000 ? "\x{FFFD}" : chr $u;
        }

        return $text;
    }

    return $octets if $coding == 3 || $coding == 4;

    my $shift = ($ie->{0x24} // '') eq "\x01" ? \%TR_SHIFT : \%EXT;
    my $lock = ($ie->{0x25} // '') eq "\x01" ? \%TR_LOCK : {};
    my ($text, $escaped) = ('', 0);

    for my $septet (unpack 'C*', $octets) {
        $septet &= 0x7F;

        if ($escaped) {
            $text .= $shift->{$septet} // $lock->{$septet} // $GSM[$septet];
            $escaped = 0;

        } elsif ($septet == 0x1B) {
            $escaped = 1;

        } else {
            $text .= $lock->{$septet} // $GSM[$septet];
        }
    }

    return $text;
}

1;
