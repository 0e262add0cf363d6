#!/usr/bin/perl

# Evidence: blocks are made and signed, a pack is handed over, and sms-evidence says of
# each way to change it that it does not hold.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp ();
use JSON::PP ();
use POSIX ();
use SMS::Account;
use SMS::Nginx;
use SMS::Pg;
use SMS::Tap;
use Storable qw(dclone);
use Test::More;

my $dir = File::Temp->newdir;
my $tool = "$FindBin::Bin/../tools/sms-evidence";

for my $name (qw(host other)) {
    system('openssl', 'genpkey', '-algorithm', 'ED25519', '-out', "$dir/$name.key") == 0 or die;
    system('openssl', 'pkey', '-in', "$dir/$name.key", '-pubout', '-out', "$dir/$name.pem") == 0
        or die;
}

my $pg = SMS::Pg->new;
my $account = SMS::Account->new($pg);
my $other = SMS::Account->new($pg, keyword => 'BASKA', sender => 'BASKASI');
my $key = $account->key('live', waived => 'test', scopes => ['evidence:read', 'evidence:write']);

$pg->do(q{select sms.setting_set('evidence_minutes', '0')});

my $nginx = SMS::Nginx->new(pg => $pg,
    conf => SMS::Account::conf(http => "sms_evidence_key $dir/host.key;"));
$nginx->start;
ok($nginx->ready('/health', slow(10)), 'ready');

# ---- what is sent ----------------------------------------------------------------

my $sent = $account->send($nginx, { to => [ '0532 111 22 33', '0532 111 22 34' ] })->json;
my $again = $account->send($nginx, { text => 'Siparişiniz "kapıda"; ödeme 10 €.' })->json;
my $otp = $account->send($nginx, { class => 'otp', basis => undef,
                                   text => 'Kodunuz 482915, 3 dakika geçerli.' })->json;
$other->send($nginx, { sender => 'BASKASI', text => 'Başkasının metni' });

$account->wait_state($nginx, $_->{id}, qr/^delivered$/)
    for map { @{ $_->{messages} } } $sent, $again, $otp;

# upkeep begins anew with a worker: nobody waits for its minute
$nginx->stop;
$nginx->start;
ok($nginx->ready('/health', slow(10)), 'again');
ok(wait_until { $pg->value('select count(*) filter (where signature is not null) = count(*)
                              and count(*) >= 2 from sms.evidence_block') } slow(20),
   'blocks are made and signed');

my $day = POSIX::strftime('%Y-%m-%d', gmtime(time + 3 * 3600 - 86400));
my $r = $account->get($nginx, "/v1/evidence?number=05321112233&date=$day&days=3", key => $key);
is($r->status, 200, 'a pack') or diag($r->body);
my $pack = $r->json;
unlike($r->body, qr/482915/, 'no one-time code');
unlike($r->body, qr/Başkasının/, 'nothing of others');
is($account->get($nginx, "/v1/evidence?number=05321112233&date=$day")->status, 403,
   'a key needs the right');

# ---- it holds --------------------------------------------------------------------

my ($code, $said) = check($r->body, 'host');
is($code, 0, 'it holds') or diag($said);
like($said, qr/^holds: 3 messages, 1 blocks/m, 'what is in it');
unlike($said, qr/compare it/, 'the key was given');
($code, $said) = check($r->body);
is($code, 0, "with the pack's own key");
like($said, qr/compare it with what the host has published/, 'somebody must compare it');
is((check(JSON::PP->new->pretty->utf8->encode($pack), 'host'))[0], 0, 'blanks are of no matter');
my $report = `$tool report $dir/pack.json`;
utf8::decode($report);
like($report, qr/teslim edildi.*Metin: Siparişiniz yola çıktı\./, 'a report in Turkish');
like(`$tool report $dir/pack.json en`, qr/one-time code, not kept/, 'and in English');

# ---- the file of a complaint -------------------------------------------------------

my $case = $account->post($nginx, '/v1/complaints', { number => '05321112233', date => $day, days => 3,
                          source => 'ministry', reference => 'Şikâyet "2026/4411"' }, key => $key)->json;
my $file = $account->get($nginx, "/v1/complaints/$case->{id}:export", key => $key);
($code, $said) = check($file->body, 'host');
is($code, 0, 'it holds, too') or diag($said);
like($said, qr/^holds: 3 messages/m, 'with the same records');
(my $forged = $file->body) =~ s/"late":false/"late":true/;
($code, $said) = check($forged, 'host');
like($said, qr/signature of the pack does not fit/, 'the complaint in it is signed');

# ---- it was changed --------------------------------------------------------------

# each with the signature that it had, and with one of somebody else
my @changes = (
    [ 'a text', sub { (grep { $_->{name} eq 'text' } @{ $_[0]{values} })[0]{value} .= '!' },
      qr/the text of msg_\w+ is not the one that was committed to/ ],
    [ 'a number', sub { (grep { $_->{name} eq 'number' } @{ $_[0]{values} })[0]{value} =~ s/.$/9/ },
      qr/the number of msg_\w+ is not the one/ ],
    [ 'a value that is gone', sub { shift @{ $_[0]{values} } }, qr/is not there, and is not told/ ],
    [ 'a record', sub { $_[0]{records}[-1]{record} =~ s/delivered/undelivered/ },
      qr/does not lead to the root/ ],
    [ 'a declaration', sub { $_[0]{records}[0]{record} =~ s/informational|otp/commercial/ },
      qr/does not lead to the root/ ],
    [ 'a declaration that is gone', sub { shift @{ $_[0]{records} } },
      qr/the submission of msg_\w+ is not there/ ],
    [ 'records that changed places', sub { my $r = $_[0]{records};
          @{ $r->[-1] }{qw(place)} = $r->[-2]{place}; $r->[-2]{place}++ },
      qr/does not stand where it says|does not lead/ ],
    [ 'a way', sub { $_[0]{records}[0]{path}[0] =~ s/.$/0/ or die;
          $_[0]{records}[0]{path}[1] =~ tr/0-9a-f/1-9a-f0/ }, qr/does not lead to the root|a way that is none/ ],
    [ 'a root', sub { $_[0]{blocks}[0]{head} =~ s/("root": ")(.)/$1 . ($2 eq 'a' ? 'b' : 'a')/e },
      qr/the signature of block 1 does not fit/ ],
    [ 'a block that is gone', sub { shift @{ $_[0]{blocks} } }, qr/its block is not there/ ],
);

for my $change (@changes) {
    my ($name, $do, $why) = @$change;
    my $copy = dclone($pack);
    $do->($copy);

    ($code, $said) = check(JSON::PP->new->utf8->encode($copy), 'host');
    is($code, 1, "$name: does not hold");
    like($said, qr/signature of the pack does not fit/, "$name: the signature tells");
    like($said, $why, "$name: and the rest, too");
}

my $fewer = dclone($pack);
my ($gone) = grep { $_->{record} =~ /"message": "\Q$again->{messages}[0]{id}\E"/ }
    @{ $fewer->{records} };
@{ $fewer->{records} } = grep { $_ != $gone } @{ $fewer->{records} };
@{ $fewer->{values} } = grep { $_->{message} ne $again->{messages}[0]{id} } @{ $fewer->{values} };
($code, $said) = check(JSON::PP->new->utf8->encode($fewer), 'host');
is($code, 1, 'a message that is gone with all that is about it');
like($said, qr/signature of the pack does not fit/, 'only the signature can tell');

($code, $said) = check($r->body, 'other');
is($code, 1, 'another key');
like($said, qr/signed with another key/, 'is told');
my $unsigned = dclone($pack);
$unsigned->{signature} = undef;
is((check(JSON::PP->new->utf8->encode($unsigned), 'host'))[0], 1, 'not signed');
is((check('{"format": "x"}'))[0], 2, 'no pack');
is((check('no JSON'))[0], 2, 'no JSON');

# ---- the host changed its database, and signs what it says now ----------------------

sub fetch {
    my $r = $account->get($nginx, "/v1/evidence?number=05321112233&date=$day&days=3", key => $key);
    return check($r->body, 'host');
}

$pg->do(q{update sms.evidence set doc = replace(doc, 'delivered', 'expired'),
                 leaf = sha256('\x00'::bytea || convert_to(replace(doc, 'delivered', 'expired'), 'UTF8'))
           where account_id = ? and kind = 2}, $account->id);
($code, $said) = fetch();
is($code, 1, 'rows that were changed in the database, with their hashes');
like($said, qr/does not lead to the root/, 'the root was signed before');
unlike($said, qr/of the pack does not fit/, 'the pack itself is signed');
$pg->do(q{update sms.evidence set doc = replace(doc, 'expired', 'delivered'),
                 leaf = sha256('\x00'::bytea || convert_to(replace(doc, 'expired', 'delivered'), 'UTF8'))
           where account_id = ? and kind = 2}, $account->id);
is((fetch())[0], 0, 'as it was');

$pg->do(q{update sms.evidence_value set value = 'Bambaşka' where account_id = ? and name = 'text'},
        $account->id);
($code, $said) = fetch();
like($said, qr/the text of msg_\w+ is not the one/, 'a text that was changed in the database');

$pg->do(q{update sms.evidence_value set value = null, salt = null, erased_at = now()
           where account_id = ? and name = 'text'}, $account->id);
($code, $said) = fetch();
is($code, 0, 'what was erased does no harm') or diag($said);
like($said, qr/the text of msg_\w+ was erased at 20/, 'it is told');

# ---- a second block ----------------------------------------------------------------

my $third = $account->send($nginx, {})->json;
$account->wait_state($nginx, $third->{messages}[0]{id}, qr/^delivered$/);
$pg->do(q{select sms.upkeep('evidence', now() + interval '1 second', 100)});
$nginx->stop;
$nginx->start;
ok($nginx->ready('/health', slow(10)), 'again');
ok(wait_until { $pg->value('select count(*) from sms.evidence_block
                             where signature is not null and account_id = ?', $account->id) == 2 }
   slow(20), 'a second block');
$r = $account->get($nginx, "/v1/evidence?number=05321112233&date=$day&days=3", key => $key);
($code, $said) = check($r->body, 'host');
is($code, 0, 'a chain of two holds') or diag($said);
like($said, qr/2 blocks/, 'both are there');
my $chain = $r->json;
@{ $chain->{blocks} } = reverse @{ $chain->{blocks} };
($code, $said) = check(JSON::PP->new->utf8->encode($chain), 'host');
like($said, qr/stands behind/, 'blocks that changed places');

$pg->do(q{update sms.evidence_block set head = replace(head, '"records"', '"records" ')
           where account_id = ? and block_no = 1}, $account->id);
($code, $said) = fetch();
like($said, qr/block 2 does not follow from block 1/, 'a head that was changed');

# ---- keys that are none --------------------------------------------------------------

for my $bad ([ "$dir/none", qr/cannot be read/ ], [ "$dir/host.pem", qr/openssl genpkey/ ]) {
    my ($file, $why) = @$bad;
    my $n = SMS::Nginx->new(pg => $pg,
        conf => SMS::Account::conf(http => "sms_evidence_key $file;"));
    my ($ok, $text) = $n->check;
    ok(!$ok, "refused: $file");
    like($text, $why, 'and why');
    like($text, qr/"sms_evidence_key".* in .*:\d+/, 'where');
}

done_testing;


# exit code and what it says of a pack
sub check {
    my ($text, $key) = @_;

    open my $out, '>:raw', "$dir/pack.json" or die;
    utf8::encode($text) if utf8::is_utf8($text);
    print $out $text;
    close $out;

    my $with = $key ? "--key $dir/$key.pem" : '';
    my $said = `$tool verify $dir/pack.json $with 2>&1`;
    return ($? >> 8, $said);
}
