package Bench::Consent;

# What İYS knows of the people that commercial requests go to: its simulator, the
# mirror in the database, and the lists of those who want nothing.
#
#   my $iys = Bench::Consent->simulator($accounts, \@asked);
#                          t/iys-sim with a brand for each account; "asked": the
#                          [ $first, $n ] of recipients that it knows an answer for
#   Bench::Consent->mirror($pg, $first, $n, $more, $accounts);
#                          fresh answers in sms.consent for these recipients and
#                          as many more rows of others
#   Bench::Consent->lists($pg, $first, $n, $accounts);
#                          entries on the blacklists; answers how many of the
#                          recipients are on one
#   Bench::Consent->refused($n)    of so many recipients, by İYS
#
# Recipient r is message r of workload.h; a request has 1,000 of them, and request
# s comes from account 1 + s % accounts.

use strict;
use warnings;
use utf8;

use SMS::Iys;

use constant { IYS_CODE => 100_000, REQUEST => 1000, LISTED => 5000 };

# Of each 50 recipients one has refused; of each 5,000 one is on the platform's
# list and one on its account's own.
my $number = '905300000000 + (r * 48271 + 11) % 100000000';
my $account = '1 + (r / 1000) % ?';


sub refused { return $_[1] / 50 }


sub simulator {
    my ($class, $accounts, $asked) = @_;
    my @consents;

    for my $r ($asked ? $asked->[0] .. $asked->[0] + $asked->[1] - 1 : ()) {
        push @consents, {
            brandCode => IYS_CODE + 1 + int($r / REQUEST) % $accounts,
            recipient => '+' . (905300000000 + ($r * 48271 + 11) % 100000000),
            recipientType => 'BIREYSEL', type => 'MESAJ',
            status => $r % 50 == 7 ? 'RET' : 'ONAY', source => 'HS_WEB',
            consentDate => '2026-01-05 10:00:00', creationDate => '2026-01-05 10:00:00',
        };
    }

    return SMS::Iys->start(data => {
        users => [{ username => 'api@firma.example', password => 'parola' }],
        brands => [ map { { iysCode => IYS_CODE + $_, brandCode => IYS_CODE + $_,
                            name => "Marka $_" } } 1 .. $accounts ],
        consents => \@consents,
    });
}


sub mirror {
    my ($class, $pg, $first, $n, $more, $accounts) = @_;

    $pg->do(qq{
        insert into sms.consent (owner_account_id, brand_id, number, as_of, counts_at,
                                 recipient_type, state, permits, batch_id, source)
        select account, (account << 16) + 1, number, now(), now(), 1,
               case when r % 50 = 7 then 2 else 1 end, r % 50 <> 7, sms.id_low(now()), 'status'
          from (select r, $number as number, $account as account
                  from generate_series(?::bigint, ?::bigint) r) x},
        $accounts, $first, $first + $n + $more - 1);
    $pg->do('vacuum analyze sms.consent');
    return;
}


sub lists {
    my ($class, $pg, $first, $n, $accounts) = @_;

    # those of others first: their numbers are no recipient's
    $pg->do(q{insert into sms.blacklist (account_id, number, scope, reason)
              select case when i % 2 = 0 then 0 else 1 + (i / 2) % ? end, 905500000000 + i, 1,
                     'bench'
                from generate_series(1, ?::int) i}, $accounts, LISTED);
    $pg->do(qq{insert into sms.blacklist (account_id, number, scope, reason)
               select case when r % 5000 = 11 then 0 else $account end, $number, 2, 'bench'
                 from generate_series(?::bigint, ?::bigint) r
                where r % 5000 in (11, 13)}, $accounts, $first, $first + $n - 1);
    $pg->do('vacuum analyze sms.blacklist');

    return $pg->value(q{select count(*) from generate_series(?::bigint, ?::bigint) r
                         where r % 5000 in (11, 13)}, $first, $first + $n - 1);
}

1;
