#!/usr/bin/perl

# What an SMSC may do in the middle of a session that is idle or at work: octets that
# are no PDU, PDUs that nobody asked for, silence, deafness, farewells.  Every time the
# link is back by itself, and no message is lost or twice.

# limit: 600

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use SMS::Case;
use SMS::Flow;
use SMS::Tap;

# a link that soon finds out
my $soon = valgrind() ? 'enquire_link 5s; response_timeout 10s;'
                      : 'enquire_link 500ms; response_timeout 1s;';
my %once = (state => 'delivered', accepted => 1);


# PDUs by hand: command, status, sequence, body
sub pdu {
    my ($command, $status, $sequence, $body) = @_;
    $body //= '';
    return unpack 'H*', pack('NNNN', 16 + length $body, $command, $status, $sequence) . $body;
}


sub deliver { return pdu(0x05, 0, 7, $_[0]) }

# [ what the SMSC sends, does the session end by it? ]
my %octets = (
    'text that is no SMPP' => [ unpack('H*', "HTTP/1.1 400 Bad Request\r\n\r\n"), 1 ],
    'a length of zero' => [ '00000000' x 4, 1 ],
    'a length of 15' => [ '0000000f' . '80000004' . '00000000' . '00000001', 1 ],
    'a length of 2 GiB' => [ '7fffffff' . '00000005' . '00000000' . '00000001', 1 ],
    'a PDU of SMPP 5' => [ pdu(0x00000112, 0, 3, "\0" x 10), 0 ],
    'an answer nobody waits for' => [ pdu(0x80000004, 0, 999_999, "1\0"), 0 ],
    'answers of every kind' => [ join('', map { pdu(0x80000000 | $_, 0, 999_999, "\0") }
                                       3, 5 .. 9, 0x21, 0x103), 0 ],
    'generic_nack of nothing' => [ pdu(0x80000000, 0x03, 999_999), 0 ],
    'a second answer to bind' => [ pdu(0x80000009, 0, 1, "x\0"), 0 ],
    'a second, refused answer to bind' => [ pdu(0x80000009, 0x0E, 1, "x\0"), 0 ],
    'outbind' => [ pdu(0x0B, 0, 1, "a\0b\0"), 0 ],
    'alert_notification' => [ pdu(0x102, 0, 1, "\1\0019053\0\1\0014605\0"), 0 ],
    'a bind from the wrong side' => [ pdu(0x09, 0, 5, "a\0b\0\0\x34\0\0\0"), 0 ],
    'a submit from the wrong side' => [ pdu(0x04, 0, 6, "\0" x 17), 0 ],
    'deliver_sm without a body' => [ deliver(''), 0 ],
    'deliver_sm cut in its text' => [ deliver("\0\1\1" . "9053\0\0\0014605\0" . "\0\0\0\0\0\0\0\0\0"
                                              . "\x20abc"), 0 ],
    'deliver_sm with an endless address' => [ deliver("\0\1\1" . '9' x 300), 0 ],
    'deliver_sm with broken TLVs' => [ deliver("\0\1\1" . "9053\0\0\0014605\0"
        . "\4\0\0\0\0\0\0\0\0\0" . "\x00\x1e\x00\xff1"), 0 ],
    'a receipt that holds nothing' => [ deliver("\0\1\1" . "9053\0\0\0014605\0"
        . "\4\0\0\0\0\0\0\0\0\0"), 0 ],
    'a PDU of 60 KiB' => [ pdu(0x05, 0, 8, "\0\1\1" . "9053\0\0\0014605\0" . "\0\0\0\0\0\0\0\0\0\0"
        . "\x04\x24" . pack('n', 60_000) . 'a' x 60_000), undef ],
);

my @cases = (
    (map { { name => $_, link => {}, octets => $octets{$_}, %once } } sort keys %octets),
    { name => 'half a deliver_sm, and closed', link => {}, act => 'half', ends => 1, %once },
    { name => 'closed', link => {}, act => 'drop', ends => 1, %once },
    { name => 'unbind by the SMSC', link => {}, act => 'unbind', ends => 1, %once },
    { name => 'enquire_link by the SMSC', link => {}, act => 'enquire', ends => 0, %once },
    { name => 'it hears and says nothing', link => { smpp => $soon },
      act => 'mute', ends => 1, %once },
    { name => 'it does not even read', link => { smpp => $soon },
      act => 'stall', ends => 1, %once },
);

my $run = SMS::Case->new(cases => \@cases);
my $smsc = $run->{smsc};

ok($run->begin, 'ready') or BAIL_OUT($run->{nginx}->tail);
wait_until { $smsc->stats->{bound} == @cases + 1 } slow(20), 'all links to bind';
is($smsc->stats->{bound}, @cases + 1, 'every link is bound');

my %bound = map { $_->{system_id} => $_->{conn} } $smsc->events('bind');

for my $case (@cases) {
    my @who = (system_id => $case->{user});
    my $act = $case->{act};

    $case->{octets} ? $smsc->raw($case->{octets}[0], @who)
        : $act =~ /^(?:mute|stall)$/ ? $smsc->$act(1, @who)
        : $smsc->$act(@who);
}


sub closed {
    my %closed = map { $_->{conn} => 1 } $smsc->events('closed');
    return map { $closed{ $bound{ $_->{user} } } ? 1 : 0 } @_;
}


sub ends { return $_[0]{octets} ? $_[0]{octets}[1] : $_[0]{ends} }

my @end = grep { ends($_) } @cases;
my %binds;
wait_until {
    %binds = ();
    $binds{ $_->{system_id} }++ for $smsc->events('bind');
    @end == grep { $binds{ $_->{user} } > 1 } @end;
} slow(20), 'new sessions';

# an SMSC that does not read hears of the end when it reads again
$smsc->stall(0, system_id => $_->{user}) for grep { ($_->{act} // '') eq 'stall' } @cases;
wait_until { @end == grep { closed($_) } @end } slow(20), 'the old sessions to end';

is((closed($_))[0], ends($_), "$_->{name}: " . (ends($_) ? 'a new session' : 'it goes on'))
    for grep { defined ends($_) } @cases;

# whatever was said, messages go
$run->send;
$run->wait;
$run->check;
$run->finish;

is($run->{pg}->value('select count(*) from sms.in_doubt'), 0, 'nothing was in doubt');
is($smsc->stats->{answers_to_enquire}, 1, 'its enquire_link was answered');

done_testing;
