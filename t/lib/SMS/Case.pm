package SMS::Case;

# Tables of what an SMSC does wrong, each line with what must follow.
#
#   my $run = SMS::Case->new(cases => [
#       { name => 'a final status', rule => { status => 0x0B },
#         state => 'rejected', kept => 0, accepted => 0, tries => 1 },
#       { name => 'half an answer', link => {}, rule => { answer => 'half', times => 1 },
#         state => 'delivered', accepted => 2, doubt => 1 } ]);
#   $run->begin or BAIL_OUT($run->{nginx}->tail);
#   $run->send;            # all of them
#   $run->wait;            # for those that end by themselves
#   $run->check;           # a subtest a case
#
# A case sends "n" messages (1) to numbers of its own; "rule" is the simulator's for
# them.  "link": this case has a link of its own, { smpp => more keys of it,
# user => the simulator's settings for it, bind => what goes wrong at its bind }; else
# it goes over the link that all others share, whose keys are in new(smpp => ...).
# "body" is more of the request.
#
# For each message: state; kept, 1 or 0: what it cost stays paid or is back; accepted,
# the submits that the SMSC took by its own log (the message's parts); tries, the
# submits that it saw (as accepted); doubt, rows of sms.in_doubt (0); code, that
# of its cause.  A case with "open" ends only by upkeep, which the test calls itself
# between wait() and check().

use strict;
use warnings;
use utf8;

use SMS::Account;
use SMS::Flow qw(prices send_one message books_balance);
use SMS::Nginx;
use SMS::Pg;
use SMS::Smsc;
use SMS::Tap;
use Test::More ();

my $price = 100_000;
my %common = (window => 10, response_timeout => '20s', enquire_link => '10s',
              reconnect_min => '100ms', reconnect_max => '1s', throttle_wait => '200ms');


sub new {
    my ($class, %opt) = @_;

    my $self = bless { cases => $opt{cases}, smpp => $opt{smpp} // '' }, $class;

    $self->{pg} = SMS::Pg->new;
    # each case is of its own message
    $self->{pg}->do(q{select sms.setting_set('sender_refusal_marks', 'off')});
    prices($self->{pg});
    $self->{account} = SMS::Account->new($self->{pg}, operators => ['turkcell'],
                                         credit => 1_000_000_000);
    $self->{smsc} = SMS::Smsc->start(receipt_ms => 50, max_binds => 0, %{ $opt{smsc} // {} });
    $self->lay_out;
    $self->{nginx} = SMS::Nginx->new(pg => $self->{pg}, workers => 1,
                                     conf => $self->conf);
    return $self;
}


# Numbers are 9053LLMMCCCC: link, message of the case, case.
sub lay_out {
    my ($self) = @_;

    my $links = 0;
    my $i = 0;

    for my $case (@{ $self->{cases} }) {
        $case->{i} = ++$i;
        $case->{suffix} = sprintf '%04d', $i;
        $case->{l} = $case->{link} ? ++$links : 0;
        $case->{n} //= 1;
        $case->{to} = [ map { sprintf '9053%02d%02d%s', $case->{l}, $_, $case->{suffix} }
                        1 .. $case->{n} ];
        $self->{smsc}->rule($case->{suffix}, %{ $case->{rule} }) if $case->{rule};

        next unless $case->{link};

        my $user = $case->{user} = sprintf 'link%02d', $case->{l};
        $self->{smsc}->user($user, password => 'demo', %{ $case->{link}{user} // {} });
        $self->{smsc}->bind_fault(system_id => $user, %{ $case->{link}{bind} })
            if $case->{link}{bind};
    }

    return;
}


sub link_conf {
    my ($self, $l, $user, $more) = @_;

    my %key = (%common, $more =~ /(\w+)\s+([^;]+);/g);
    my $keys = join ' ', map { "$_ $key{$_};" } grep { exists $common{$_} } sort keys %key;

    $more =~ s/\b(?:@{[ join '|', keys %common ]})\s+[^;]+;//g;

    return sprintf <<'EOC', $l, $l + 2, $self->{smsc}->port, $user, $keys, $more;
    sms_plugin operator link%02d operator_smpp.so link=%d operator=turkcell {
        grant stream inbound metric dict;
        host 127.0.0.1; port %d; system_id %s; password demo;
        %s
        %s
    }
EOC
}


sub conf {
    my ($self) = @_;

    my $links = $self->link_conf(0, 'demo', $self->{smpp});
    my $routes = "* * link00\n";

    for my $case (grep { $_->{link} } @{ $self->{cases} }) {
        $links .= $self->link_conf($case->{l}, $case->{user}, $case->{link}{smpp} // '');
        $routes .= sprintf "9053%02d * link%02d\n", $case->{l}, $case->{l};
    }

    my $file = spew(temporary('routes') . '/routes', $routes);
    chmod 0644, $file;

    my $conf = SMS::Flow::conf(sim => '', http => <<"EOC");
    sms_plugin router prefix router_prefix.so { table $file; }
$links
EOC

    # no operator but these
    $conf =~ s/ *sms_plugin operator sim operator_simulator\.so[^}]*\}\n//;
    return $conf;
}


sub begin { return SMS::Flow::begin($_[0]{nginx}) }


sub send {
    my ($self, @cases) = @_;

    for my $case (@cases ? @cases : @{ $self->{cases} }) {
        $case->{ids} = [ send_one($self->{account}, $self->{nginx}, to => $case->{to},
                                  text => "durum $case->{i}", %{ $case->{body} // {} }) ];
    }

    return;
}


sub open_of {
    my ($self, @cases) = @_;

    my @to = map { @{ $_->{to} } } @cases;
    return $self->{pg}->value(q{
        select count(*) from sms.message m
         where m."to" = any(?) and not exists (select from sms.settlement s
               where s.account_id = m.account_id and s.message_id = m.message_id)}, \@to);
}


sub wait {
    my ($self, $seconds) = @_;

    my @cases = grep { !$_->{open} } @{ $self->{cases} };

    wait_until { !$self->open_of(@cases) } slow($seconds // 40), 'every case to end'
        or Test::More::diag('open: ' . join ', ', map { $_->{name} }
                            grep { $self->open_of($_) } @cases);

    # receipts that come once more, answers that come late
    wait_until { my $s = $self->{smsc}->stats; !$s->{timers} && !$s->{ready} } slow(10),
               'the simulator to be done' unless grep { $_->{open} } @{ $self->{cases} };
    return;
}


sub check {
    my ($self, @cases) = @_;

    my %submit;
    push @{ $submit{ $_->{dest} =~ /(\d+)/ ? $1 : '' } }, $_ for $self->{smsc}->events('submit');

    for my $case (@cases ? @cases : @{ $self->{cases} }) {
        my $accepted = $case->{accepted} // 1;
        my $tries = $case->{tries} // $accepted;
        my ($rows) = $self->{pg}->rows(q{
            select string_agg(distinct coalesce(sms.state_name(s.state), 'open'), ' ') as state,
                   sum(s.kept_micro)::bigint as kept, sum(m.price_micro)::bigint as price,
                   (select count(*) from sms.in_doubt d where d."to" = any(?)) as doubt
              from sms.message m left join sms.settlement s using (account_id, message_id)
             where m."to" = any(?)}, $case->{to}, $case->{to});
        my @seen = map { @{ $submit{$_} // [] } } @{ $case->{to} };
        my $kept = $case->{kept} // 1;

        my %got = (state => $rows->{state}, kept => $rows->{kept},
                   accepted => scalar(grep { $_->{status} == 0 } @seen),
                   tries => scalar @seen, doubt => $rows->{doubt});
        my %want = (state => $case->{state} // 'delivered', kept => $kept * $rows->{price},
                    accepted => $accepted * $case->{n}, tries => $tries * $case->{n},
                    doubt => ($case->{doubt} // 0) * $case->{n});

        if (defined $case->{code}) {
            my $m = message($self->{account}, $self->{nginx}, $case->{ids}[0]);
            $got{code} = $m->{cause}{code};
            $want{code} = $case->{code};
        }

        Test::More::is_deeply(\%got, \%want, $case->{name})
            or Test::More::diag(Test::More::explain(\%got, 'wanted: ', \%want));
    }

    return;
}


# The whole: books, balance, orphans of receipts.
sub finish {
    my ($self) = @_;

    books_balance($self->{pg});
    Test::More::is($self->{pg}->value('select sum(held_micro) from sms.book'), 0,
                   'nothing is held any more');
    return;
}

1;
