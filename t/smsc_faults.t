#!/usr/bin/perl

# Everything that an SMSC may do wrong between bind and answer, one line each: how the
# message ends, whether it is paid for, how often the SMSC has it, and whether that
# is on record as in doubt.

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

# SMPP 3.4 table 5-2, reserved and vendor codes among them: what is final, what is
# tried again
my @final = (0x09, 0x0B, 0x0C, 0x10, 0x11, 0x13, 0x33, 0x34, 0x40, 0x42, 0x44, 0x4A .. 0x4F,
             0x55, 0x65 .. 0x67, 0xFE, 0x400, 0x4FF, 0xFFFFFFFF);
# another link may carry it; here there is none
my @elsewhere = (0x01 .. 0x03, 0x06, 0x07, 0x0A, 0x15, 0x43, 0x48, 0x49, 0x50, 0x51, 0x54, 0x61,
                 0x63, 0xC0 .. 0xC4);
my @again = (0x08, 0x45, 0x64, 0xFF);
my @throttled = (0x14, 0x58);
my @down = (0x04, 0x05, 0x0D, 0x0E, 0x0F, 0x53);

# a message that may be there and was sent once more: D7 of informational messages
my %twice = (state => 'delivered', accepted => 2, doubt => 1);
my %once = (state => 'delivered', accepted => 1);


# where an answer must be missed
my $missed = valgrind() ? 15 : 2;
my %short = (smpp => "response_timeout ${missed}s; enquire_link ${missed}s;");


sub broken {
    my ($answer, %more) = @_;
    return { name => "answer: $answer", link => { %short }, rule => { answer => $answer, times => 1 },
             %twice, %more };
}


my @cases = (
    (map { { name => sprintf('status 0x%02x is final', $_), rule => { status => $_ },
             state => 'rejected', kept => 0, accepted => 0, tries => 1 } } @final),
    (map { { name => sprintf('status 0x%02x: over another link', $_), rule => { status => $_ },
             state => 'refused', kept => 0, accepted => 0, tries => 1 } } @elsewhere),
    (map { { name => sprintf('status 0x%02x is tried again', $_),
             rule => { status => $_, times => 1 }, %once, tries => 2 } } @again),
    (map { { name => sprintf('status 0x%02x: a burst of throttling', $_), link => {}, n => 4,
             rule => { status => $_, times => 1 }, %once, tries => 2 } } @throttled),
    (map { { name => sprintf('status 0x%02x: the session is bound anew', $_), link => {},
             rule => { status => $_, times => 1 }, %once, tries => 2 } } @down),

    { name => 'status 0x62: its validity is over', rule => { status => 0x62 },
      state => 'expired', kept => 0, accepted => 0, tries => 1 },

    # what Turkish operators answer with codes of their own
    { name => 'the SIM was changed', rule => { status => 0x450 }, state => 'rejected', kept => 0,
      accepted => 0, tries => 1, code => 'sim-changed' },
    { name => 'the number was ported and is not theirs', rule => { status => 0x451 },
      state => 'rejected', kept => 0, accepted => 0, tries => 1, code => 'invalid-number' },
    { name => 'porting is under way', rule => { status => 0x452, times => 1 }, %once,
      tries => 2 },
    { name => 'no consent, says the operator', rule => { status => 0x453 }, state => 'rejected',
      kept => 0, accepted => 0, tries => 1 },

    { name => 'generic_nack: not understood', rule => { nack => 0x03 }, state => 'refused',
      kept => 0, accepted => 0, tries => 1 },
    { name => 'generic_nack: a passing fault', rule => { nack => 0x08, times => 1 }, %once,
      tries => 2 },

    # silence
    { name => 'no answer, and it was taken', link => { %short }, rule => { silent => 1, times => 1 },
      %twice },
    { name => 'no answer, and it was not', link => { %short },
      rule => { silent => 1, accept => 0, times => 1 }, %once, doubt => 1 },
    { name => 'no answer, ever', link => { %short }, open => 1, rule => { silent => 1, accept => 0 },
      state => 'unknown', kept => 0, accepted => 0, doubt => 2 },
    { name => 'no answer to an OTP', link => { %short }, rule => { silent => 1, times => 1 },
      body => { class => 'otp', text => 'Örnek giriş kodu: 482913' }, %twice },
    { name => 'the answer comes after its time', link => { %short },
      rule => { delay => $missed * 1750, times => 1 }, %twice },
    { name => 'a slow answer', rule => { delay => 800 }, %once },

    # closed in every state
    { name => 'closed when the submit came', link => {}, rule => { drop => 1, times => 1 }, %once,
      tries => 2, doubt => 1 },
    { name => 'closed before the answer', link => {}, rule => { close => 'taken', times => 1 },
      %twice },
    { name => 'closed behind the answer', link => {},
      rule => { close => 'answered', times => 1 }, %once },
    { name => 'closed before the answer to bind', link => { bind => { close => 1, times => 2 } },
      %once },

    # the answer itself
    broken('half'), broken('stuck'), broken('wrong_sequence'), broken('short'), broken('huge'),
    broken('unknown'),
    (map { broken($_, %once, doubt => 0) } qw(drip twice trailing)),
    # an answer all the same, whose id is lost: no receipt can be told from another's
    (map { broken($_, accepted => 1, doubt => 0, open => 1, state => 'no_receipt', kept => 0) }
         qw(less no_body unterminated)),
    broken('more', %once, doubt => 0),
    (map { { name => "id: $_", rule => { id => $_ }, open => 1, state => 'no_receipt',
             kept => 0 } } qw(empty nul)),
    { name => 'an id of 64 characters', rule => { id => 'long' }, %once },

    # binds
    { name => 'bind: refused at first', link => { bind => { status => 0x0D, times => 2 } },
      %once },
    { name => 'bind: throttled', link => { bind => { status => 0x58, times => 1 } }, %once },
    { name => 'bind: no answer', link => { %short, bind => { silent => 1, times => 1 } }, %once },
    { name => 'bind: a slow answer', link => { bind => { delay => 900 } }, %once },
    (map { { name => "bind: the answer is $_", link => { %short, bind => { answer => $_, times => 1 } },
             %once } } qw(half stuck short huge drip)),

    # octets
    { name => 'written an octet at a time', n => 5, %once,
      link => { user => { write_chunk => 1, write_gap_ms => 1 } } },
    { name => 'many PDUs in one write', n => 30, link => { user => { glue_ms => 300 } }, %once },
    { name => 'read slowly', n => 10, link => { user => { read_chunk => 7, read_gap_ms => 3 } },
      %once },
    { name => 'read slowly, written slowly, long', n => 2, accepted => 3,
      body => { text => 'Uzun bir bilgilendirme metni, yavaş bir bağlantıdan. ' x 7 },
      link => { user => { read_chunk => 11, read_gap_ms => 1, write_chunk => 3,
                          write_gap_ms => 1 } } },

    # one part of several
    { name => 'a part is refused', rule => { status => 0x0B, parts => 2 }, state => 'rejected',
      kept => 0, accepted => 2, tries => 3,
      body => { text => 'Uzun bir bilgilendirme metni, kısa numaradan. ' x 8 } },
    # what went out stays out, and this part alone goes again
    (map { { name => "a part is put off, status $_", accepted => 3, tries => 5,
             rule => { status => $_, parts => 2, times => 2 },
             body => { text => 'Uzun bir bilgilendirme metni, kısa numaradan. ' x 8 } } }
         0x08, 0x58),
);

my $run = SMS::Case->new(cases => \@cases,
    smpp => 'status 0x450=sim_changed; status 0x451=invalid_number; status 0x452=retry; '
            . 'status 0x453=consent;');

ok($run->begin, 'ready') or BAIL_OUT($run->{nginx}->tail);
$run->send;
$run->wait;

wait_until { $run->{pg}->value(q{select count(*) from sms.in_doubt where policy = 'hold'}) }
           slow(20), 'the second silence to be held';
upkeep($run->{pg}, 'in_doubt', '4 days');
upkeep($run->{pg}, 'no_receipt', '25 hours');
upkeep($run->{pg}, 'no_receipt', '80 hours');

$run->check;
$run->finish;
is_deeply([ twice($run->{pg}, $run->{smsc}) ], [],
          'nothing is twice at the SMSC that is not on record as in doubt');

done_testing;
