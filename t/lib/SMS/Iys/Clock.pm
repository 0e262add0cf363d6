package SMS::Iys::Clock;

# The simulator's time.  İYS writes "YYYY-MM-DD HH:MM:SS" without a zone: time
# of Türkiye, UTC+03:00 without summer time since 2016.  Tests move the clock
# forward instead of waiting for hours.

use strict;
use warnings;

use Time::HiRes ();
use Time::Local ();

use constant OFFSET => 3 * 3600;

our $ahead = 0;


sub now {
    return Time::HiRes::time() + $ahead;
}


sub text {
    my ($epoch) = @_;
    my @t = gmtime(int($epoch) + OFFSET);

    return sprintf('%04d-%02d-%02d %02d:%02d:%02d',
        $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0]);
}


# Epoch of a text; undef: not a date of that form; 0 but defined: no such day.

sub epoch {
    my ($text) = @_;

    return undef if !defined $text || ref $text
        || $text !~ /\A(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\z/a;

    my $epoch = eval { Time::Local::timegm_modern($6, $5, $4, $3, $2 - 1, $1) };

    return defined $epoch ? $epoch - OFFSET : 0;
}


# Business days between two moments: turns of a day into a Monday..Friday.
# Holidays are not known here; how İYS counts is not documented.

sub business_days {
    my ($from, $to) = @_;
    my $days = 0;
    my $first = int(($from + OFFSET) / 86400);
    my $last = int(($to + OFFSET) / 86400);

    return 1_000_000 if $last - $first > 60;

    for my $day ($first + 1 .. $last) {
        my $weekday = ($day + 4) % 7;       # 1970-01-01 was a Thursday
        $days++ if $weekday != 0 && $weekday != 6;
    }

    return $days;
}

1;
