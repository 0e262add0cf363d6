package SMS::Flow;

# Servers whose messages go to t/smsc-sim, and what must hold afterwards.
#
#   conf(smsc => $smsc, window => 10, http => 'more', smpp => 'more', api => 'more',
#        server => 'more')
#                        text for SMS::Nginx; without smsc: operator/simulator
#                        (sim => 'its keys'); iys => $iys: consent/iys, too, with
#                        iys_keys => 'its keys';
#                        durable => 1: only a database that is
#   begin($nginx)        starts it and waits until every worker sells
#   prices($pg)          a tariff: 1 part costs 100,000 micro, commercial 150,000
#   send_one($account, $nginx, %body)      id of the message, dies unless 202
#   message($account, $nginx, $id)         its JSON
#   states($pg)          { state name => number of messages }, "open" for others
#   wait_ended($pg, $seconds)              all messages have ended
#   books_balance($pg)   tests that the ledger's check finds no drift
#   twice($pg, $smsc)    parts that the SMSC took twice and nobody doubted
#   upkeep($pg, $what, $later)             runs it until there is no more, as if
#                        $later (an interval) had passed
#   number()             another mobile number, digits of E.164

use strict;
use warnings;
use utf8;

use Exporter qw(import);
use JSON::PP ();
use SMS::Account;
use SMS::Tap;
use Test::More ();
use Time::HiRes qw(sleep time);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ }
    qw(output failure_output todo_output);

our @EXPORT = qw(conf begin prices send_one message states wait_ended books_balance twice
                 upkeep number);

# the last four digits count from 1: no process meets a rule of the SMSC by chance
my $next = 5320000000 + ($$ % 1000) * 10000;


sub number { return '90' . ++$next }


sub conf {
    my (%opt) = @_;

    my $extra = $opt{http} // '';

    if (my $smsc = $opt{smsc}) {
        $extra .= sprintf <<'EOC', $smsc->port, $opt{window} // 10, $opt{smpp} // '';
    sms_plugin operator turkcell operator_smpp.so link=2 operator=turkcell {
        grant stream inbound metric dict;
        host 127.0.0.1;
        port %d;
        system_id demo;
        password demo;
        window %d;
        reconnect_min 100ms;
        reconnect_max 1s;
        %s
    }
EOC
    } else {
        $extra .= sprintf <<'EOC', $opt{sim} // 'receipt_delay 50ms;';
    sms_plugin operator sim operator_simulator.so link=1 operator=sim {
        grant inbound dict;
        %s
    }
EOC
    }

    $extra .= sprintf <<'EOC', $opt{iys}->url, $opt{iys_keys} // '' if $opt{iys};
    sms_plugin consent iys consent_iys.so {
        grant http dict metric db;
        base_url %s;
        username api@firma.example;
        password parola;
        timeout 2s;
        %s
    }
EOC

    my $api = $opt{api} // '';
    my $server = $opt{server} // '';
    my $unsafe = $opt{durable} ? 'off' : 'on';

    return <<"EOC";
%%GLOBALS%%
events { worker_connections 1024; }
http {
    %%GLOBALS_HTTP%%
    sms_database "%%DATABASE%%";
    sms_unsafe_database $unsafe;
    sms_zone zone=sms:8m;
    sms_plugin_path %%PLUGINS%%;
    sms_plugin billing prepaid billing_prepaid.so {
        grant db;
        refresh 1s;
    }
    $extra
    server {
        listen 127.0.0.1:%%PORT_0%%;
        location /v1/ { sms_api; client_max_body_size 2m; sms_rate off; $api }
        location = /v1/consents { sms_api; client_max_body_size 16m; sms_rate off; }
        location /f/ { sms_form; }
        location = /metrics { sms_metrics; }
        location = /health { sms_health; }
        $server
    }
}
EOC
}


sub begin {
    my ($nginx) = @_;

    $nginx->start;
    return $nginx->ready && wait_until {
        my $n = () = $nginx->log =~ /tariffs read: /g;
        $n >= $nginx->{workers};
    } slow(10), 'the tariffs to be read';
}


sub prices {
    my ($pg) = @_;

    $pg->do(q{insert into sms.tariff_price (tariff, prefix, class, valid_from, price_micro, unit)
              select 1, '', c, '-infinity', case c when 3 then 150000 else 100000 end, 'TRY'
                from generate_series(1, 4) c});
    return;
}


sub send_one {
    my ($account, $nginx, %body) = @_;

    $body{class} //= 'informational';
    $body{basis} //= 'order_delivery' if $body{class} eq 'informational';
    $body{sender} //= $account->{sender};
    $body{to} = [ $body{to} // number() ] unless ref $body{to};
    my $key = delete $body{key};

    my $r = $account->post($nginx, '/v1/messages', \%body,
                           defined $key ? (headers => { 'Idempotency-Key' => $key }) : ());
    die 'not accepted: ' . $r->status . ' ' . $r->body . "\n" unless $r->status == 202;

    my @ids = map { $_->{id} } @{ $r->json->{messages} };
    return wantarray ? @ids : $ids[0];
}


sub message {
    my ($account, $nginx, $id, $more) = @_;

    my $r = $account->get($nginx, "/v1/messages/$id" . ($more // ''));
    return $r->status == 200 ? $r->json : { state => 'HTTP ' . $r->status };
}


sub states {
    my ($pg) = @_;

    return { map { $_->{state} => $_->{n} } $pg->rows(q{
        select coalesce(sms.state_name(s.state), 'open') as state, count(*) as n
          from sms.message m left join sms.settlement s using (account_id, message_id)
         group by 1}) };
}


sub wait_ended {
    my ($pg, $seconds) = @_;

    my $done = wait_until {
        !$pg->value('select count(*) from sms.message m where not exists
            (select from sms.settlement s where s.account_id = m.account_id
                and s.message_id = m.message_id)')
    } slow($seconds // 20), 'every message to end';

    Test::More::diag(Test::More::explain(states($pg))) unless $done;
    return $done;
}


sub books_balance {
    my ($pg, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $check = JSON::PP->new->decode($pg->value(q{select sms.upkeep('check', now(), 100)}));
    my $sum = $pg->value(q{select coalesce(sum(total_micro), 0) from sms.book});

    return Test::More::is_deeply([ $check->{drift}, $sum ], [ [], 0 ],
                                 $name // 'the ledger balances');
}


# What the SMSC logged as taken, against what the database calls in doubt.  A
# part is known by recipient, sender and the octets that went out; texts of a
# test must differ for one number.
sub twice {
    my ($pg, $smsc) = @_;

    my (%seen, @bad);
    my %doubt = map { $_->{to} => 1 } $pg->rows('select distinct "to"::text as "to" from sms.in_doubt');

    for my $row ($smsc->messages) {
        my $what = "$row->{dest} $row->{part}/$row->{parts} $row->{payload}";
        next unless $seen{$what}++;
        (my $to = $row->{dest}) =~ s/^\+//;
        push @bad, "$row->{dest} part $row->{part} n=$row->{n}" unless $doubt{$to};
    }

    return @bad;
}


sub upkeep {
    my ($pg, $what, $later) = @_;

    my @answers;

    for (1 .. 1000) {
        my $r = JSON::PP->new->decode($pg->value(
            'select sms.upkeep(?, now() + ?::interval, 1000)', $what, $later // '0'));
        push @answers, $r;
        last unless $r->{more};
    }

    return @answers;
}

1;
