package Bench::Database;

# A durable PostgreSQL of the bench's own, on a real disk, with a new database
# for each block of runs so that none inherits what another has written.
#
#   my $pg = Bench::Database->new(dir => '/var/tmp/…/pg');
#   my $keys = $pg->fresh;        a new database with its accounts: 100, or as many
#                                 as "accounts" says; the one before is dropped
#   my $name = $pg->keep;         not this one, until $pg->forget($name)
#   my $keys = $pg->again($name); back to it
#   $pg->settings                 what durability and speed depend on
#   $pg->wal                      { bytes, syncs } since the server started
#   $pg->drift                    rows of sms.upkeep('check') that do not add up

use strict;
use warnings;
use utf8;

use parent 'SMS::Pg';

use Digest::SHA qw(sha256_hex);
use JSON::PP ();
use SMS::Account;

# Account n has the brand n: title "Örnek n A.Ş.", code 100000 + n in İYS, reply
# keyword MARKA and three digits.
use constant { ACCOUNTS => 100, IYS_CODE => 100_000 };

# as a host would set them for this load; durability stays at the defaults, on
my %settings = (shared_buffers => '1GB', max_wal_size => '8GB', min_wal_size => '4GB');

my @shown = qw(fsync synchronous_commit full_page_writes wal_sync_method commit_delay
               shared_buffers max_wal_size);


sub new {
    my ($class, %opt) = @_;

    my $self = $class->SUPER::new(durable => 1, schema => 0, settings => { %settings }, %opt);

    $self->warm;
    return $self;
}


# As a server that has run for a while: every shared buffer has been written and
# WAL segments are recycled.  Else each page of both is the kernel's to find in
# the middle of a measurement.
sub warm {
    my ($self) = @_;

    $self->admin('create table warm (t text)');
    $self->admin('alter table warm alter t set storage plain');
    $self->admin(q{insert into warm select repeat('x', 2000) from generate_series(1, 600000)});
    $self->admin('checkpoint');
    $self->admin('drop table warm');
    $self->admin('checkpoint');
    return;
}


sub fresh {
    my ($self, %opt) = @_;

    $self->leave;
    $self->{name} = sprintf 'bench_%d', ++$self->{blocks};
    SMS::Pg::tool('database', $self->{dir}, $self->{name});

    return $self->{keys}{ $self->{name} } = [ $self->provision($opt{accounts} // ACCOUNTS) ];
}


sub leave {
    my ($self) = @_;
    my $old = $self->{name};

    $self->drop_handle;
    $self->admin("drop database if exists $old with (force)") if !$self->{kept}{$old};
    return;
}


sub keep {
    my ($self) = @_;

    $self->{kept}{ $self->{name} } = 1;
    return $self->{name};
}


sub again {
    my ($self, $name) = @_;

    $self->leave;
    $self->{name} = $name;
    return $self->{keys}{$name};
}


sub forget {
    my ($self, $name) = @_;

    delete $self->{kept}{$name};
    $self->admin("drop database if exists $name with (force)") if $name ne $self->{name};
    return;
}


sub provision {
    my ($self, $accounts) = @_;
    my $db = $self->db;
    my @keys;

    srand 1;
    $db->begin_work;
    $self->do(q{select sms.tariff_set(1, '90', ?, 150000)}, $_)
        for qw(otp informational commercial);

    for my $n (1 .. $accounts) {
        my $key = SMS::Account::make_key('live');
        # nearly every text is one part, as Kannel's are
        my $account = $self->value(q{select sms.account_create(?, p_shift => 'locking',
            p_suffix => false)}, "Hesap $n");

        $self->do(q{select sms.sender_create(?, 'ORNEK',
                        sms.brand_create(?, ?, 'tacir', ?, p_iys_code => ?, p_brand_code => ?,
                                         p_mersis => '0015001526400497', p_vkn => '0150015264',
                                         p_reject_keyword => ?, p_reject_number => '4605'),
                        array['otp', 'informational', 'commercial'])},
                  $account, $account, "Marka $n", "Örnek $n A.Ş.", (IYS_CODE + $n) x 2,
                  sprintf('MARKA%03d', $n));
        $self->do(q{select sms.sender_approve(?, 'ORNEK', 'sink')}, $account);
        $self->do(q{select sms.fund(?, 1000000000000000, 'bench')}, $account);
        $self->do(q{select sms.key_create(?, ?, decode(?, 'hex'), 'live',
                        array['messages:send'], array['127.0.0.0/8'::cidr])},
                  $account, substr($key, 9, 8), sha256_hex($key));
        push @keys, $key;
    }

    $db->commit;
    return @keys;
}


sub settings {
    my ($self) = @_;

    return join ' ', map { "$_=" . $self->value("show $_") } @shown;
}


sub version {
    my ($self) = @_;

    return ($self->value('show server_version') =~ /^(\S+)/)[0];
}


sub wal {
    my ($self) = @_;
    my ($row) = $self->rows(q{select wal_sync as syncs,
        pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as bytes from pg_stat_wal});

    return $row;
}


sub drift {
    my ($self) = @_;
    my $checked = JSON::PP->new->decode(
        $self->value(q{select sms.upkeep('check', now(), 20)}));

    return @{ $checked->{drift} };
}

1;
