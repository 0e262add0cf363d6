package SMS::Smsc::Session;

# SMS::Smsc::Session - what t/smsc-sim answers to each PDU of an ESME.  Functions of
# (server, connection, PDU as Net::SMPP unpacked it).

use strict;
use warnings;

use SMS::Smsc::Fault;
use SMS::Smsc::Receipt qw(id_form %STATE stamp);
use SMS::Smsc::Text qw(text_of udh_elements);
use Time::HiRes qw(time);

use constant {
    RINVCMDID => 0x03, RINVBNDSTS => 0x04, RALYBND => 0x05, RINVMSGID => 0x0C,
    RBINDFAIL => 0x0D, RINVPASWD => 0x0E, RCANCELFAIL => 0x11, RREPLACEFAIL => 0x13,
    RTHROTTLED => 0x58, RQUERYFAIL => 0x67,
};

use constant FINAL => { map { $_ => 1 } qw(DELIVRD EXPIRED DELETED UNDELIV REJECTD) };

my %handler = (
    0x00000001 => sub { bind_to(@_, 'receiver') },
    0x00000002 => sub { bind_to(@_, 'transmitter') },
    0x00000003 => \&query,
    0x00000004 => sub { submit(@_, 'submit_sm') },
    0x80000005 => \&delivered,
    0x00000006 => \&unbind,
    0x00000007 => \&replace,
    0x00000008 => \&cancel,
    0x00000009 => sub { bind_to(@_, 'transceiver') },
    0x00000015 => \&enquire,
    0x00000103 => sub { submit(@_, 'data_sm') },
    0x80000103 => \&delivered,
    0x80000000 => sub { },
    0x80000006 => sub { $_[1]{closing} = 1 },
    0x80000015 => sub { $_[0]{stats}{answers_to_enquire}++ },
);


# Everything that has come, PDU by PDU; why the connection ended, or nothing.
sub input {
    my ($server, $c) = @_;

    while (length $c->{in} >= 16 && !$c->{closing}) {
        my $len = unpack 'N', $c->{in};

        return "command_length $len" if $len < 16 || $len > 65536;
        return if length $c->{in} < $len;

        my $pdu = $c->{wire}->decode(substr $c->{in}, 0, $len, '');
        my $code = $handler{ $pdu->{cmd} };

        next if $c->{muted};

        if ($code && !$pdu->{broken}) {
            my $why = $code->($server, $c, $pdu);
            return $why if defined $why && $why =~ /^closed: /;

        } elsif (!($pdu->{cmd} & 0x80000000)) {
            $c->{wire}->generic_nack(seq => $pdu->{seq}, status => RINVCMDID);
        }
    }

    return;
}


sub bind_to {
    my ($server, $c, $pdu, $kind) = @_;

    my $user = $server->{users}{ $pdu->{system_id} };
    my $fault = $server->bind_fault($pdu->{system_id}) // {};
    my $method = "bind_${kind}_resp";
    my $status = $c->{bound} ? RALYBND
        : $fault->{status} ? $fault->{status}
        : !$user || $pdu->{password} ne $user->{password} ? RINVPASWD
        : $server->{opt}{'max-binds'} && $server->bound >= $server->{opt}{'max-binds'}
            ? RBINDFAIL : 0;

    $server->{journal}->add(event => 'bind', at => time, conn => $c->{id}, bind => $kind,
        status => $status, system_id => $pdu->{system_id},
        system_type => $pdu->{system_type}, version => $pdu->{interface_version},
        address_range => $pdu->{address_range});

    return 'closed: before the answer to bind' if $fault->{close};

    if ($status) {
        $server->{stats}{refused_binds}++;
    } else {
        $server->{stats}{binds}++;
    }

    my $answer = sub {
        return unless $server->{conn}{ $c->{id} };

        answer($server, $c, $fault->{answer}, sub {
            $c->{wire}->$method(seq => $pdu->{seq}, status => $status,
                                system_id => 'smsc-sim');
        });

        if ($status) {
            $c->{closing} = 1;
        } else {
            $c->{bound} = $kind;
            $c->{user} = $pdu->{system_id};
            $c->{opt} = { %{ $server->{opt} }, %{ $user->{opt} } } if keys %{ $user->{opt} };
        }
    };

    return if $fault->{silent};
    $fault->{delay} ? $server->later($fault->{delay}, $answer) : $answer->();
    return;
}


# Writes what $code packs, bent as a rule's "answer" says.
sub answer {
    my ($server, $c, $form, $code) = @_;

    return $code->() unless defined $form;

    my ($octets, $then) = SMS::Smsc::Fault::bend($form, $c->packed($code));

    if (defined $then && $then eq 'jam') {
        # these still leave, nothing behind them does
        my $out = $c->out;
        syswrite $c->{socket}, $$out . $octets;
        $$out = '';
        $c->{jammed} = 1;
        return;
    }

    ${ $c->out } .= $octets;
    $c->{closing} = 1 if defined $then && $then eq 'close';
    $c->{drip} = 1 if defined $then && $then eq 'drip';

    return;
}


# Which part of which message: by user data header or by SAR parameters.
sub place {
    my ($ie, $pdu) = @_;

    return unpack 'CCC', $ie->{0} if defined $ie->{0};
    return unpack 'nCC', $ie->{8} if defined $ie->{8};
    return (map { unpack length($_) == 2 ? 'n' : 'C', $_ }
            @$pdu{qw(sar_msg_ref_num sar_total_segments sar_segment_seqnum)})
        if defined $pdu->{sar_segment_seqnum};

    return (0, 1, 1);
}


sub submit {
    my ($server, $c, $pdu, $command) = @_;

    my ($stats, $opt) = ($server->{stats}, $c->{opt});
    my ($udh, $payload) = ('', $pdu->{short_message} // '');
    my $method = "${command}_resp";

    if ($c->{bound} eq '' || $c->{bound} eq 'receiver') {
        $c->{wire}->$method(seq => $pdu->{seq}, status => RINVBNDSTS, message_id => '');
        return;
    }

    $payload = $pdu->{message_payload}
        if $payload eq '' && defined $pdu->{message_payload};
    $udh = substr $payload, 0, 1 + ord $payload, ''
        if $pdu->{esm_class} & 0x40 && length $payload;

    my $ie = udh_elements($udh);
    my ($ref, $parts, $part) = place($ie, $pdu);
    my $rule = $server->{faults}->take($pdu->{destination_addr}, $part);
    my $status = $server->throttled ? RTHROTTLED : $rule->{status} // $rule->{nack} // 0;
    my $n = ++$server->{number};
    my $id = $status ? '' : id_form($n, $rule->{id} // $opt->{id});
    my %row = (
        event => 'submit', n => ++$server->{submits}, at => time, conn => $c->{id},
        bind => $c->{bound}, command => $command, sequence => $pdu->{seq},
        user => $c->{user}, status => $status, number => $n, message_id => $id,
        source => $pdu->{source_addr}, source_ton => $pdu->{source_addr_ton},
        source_npi => $pdu->{source_addr_npi}, dest => $pdu->{destination_addr},
        dest_ton => $pdu->{dest_addr_ton}, dest_npi => $pdu->{dest_addr_npi},
        service_type => $pdu->{service_type}, data_coding => $pdu->{data_coding},
        esm_class => $pdu->{esm_class}, priority => $pdu->{priority_flag},
        protocol => $pdu->{protocol_id}, replace => $pdu->{replace_if_present_flag},
        schedule => $pdu->{schedule_delivery_time},
        validity => $pdu->{validity_period}, registered => $pdu->{registered_delivery},
        udh => unpack('H*', $udh), payload => unpack('H*', $payload),
        text => text_of($payload, $pdu->{data_coding}, $ie),
        whole => defined $pdu->{message_payload} ? 1 : 0,
        ref => $ref, parts => $parts, part => $part, tlv => $c->{wire}->tlvs($pdu),
    );

    $stats->{submits}++;

    if ($rule->{drop}) {
        $server->{journal}->add(%row, status => -1, message_id => '');
        return 'closed: rule';
    }

    if ($rule->{silent}) {
        $stats->{silent}++;

        if ($rule->{accept} // 1) {
            $server->{journal}->add(%row, silent => 1);
            $server->accepted(\%row, $rule, $c);
            $server->receipts_of(\%row, $rule, 0, $c);
        }

        return;
    }

    $server->{journal}->add(%row);
    $status ? $stats->{ $status == RTHROTTLED ? 'throttled' : 'rejected' }++
            : $stats->{accepted}++;
    $server->accepted(\%row, $rule, $c) unless $status;

    my $respond = sub {
        return unless $server->{conn}{ $c->{id} };

        if ($rule->{nack} && $status == $rule->{nack}) {
            $c->{wire}->generic_nack(seq => $pdu->{seq}, status => $status);
            return;
        }

        answer($server, $c, $status ? undef : $rule->{answer}, sub {
            $c->{wire}->$method(seq => $pdu->{seq}, status => $status, message_id => $id);
        });
        $c->{closing} = 1 if ($rule->{close} // '') eq 'answered' && !$status;
    };

    my $delay = $rule->{delay} // $opt->{'delay-ms'};

    if (($rule->{close} // '') eq 'taken' && !$status) {
        $server->receipts_of(\%row, $rule, 0, $c);
        return 'closed: rule';
    }

    if ($status == 0 && $rule->{early}) {
        $server->receipts_of(\%row, { %$rule, after => 0 }, 0, $c);
        $server->later($delay + 30, $respond);
        return;
    }

    $delay ? $server->later($delay, $respond) : $respond->();
    $server->receipts_of(\%row, $rule, $delay, $c) unless $status;

    return;
}


# ---- what has been submitted --------------------------------------------------

sub query {
    my ($server, $c, $pdu) = @_;

    my $m = $server->message($pdu->{message_id}, $pdu->{source_addr});
    my $rule = $m ? $server->{faults}->of($m->{dest}, $m->{part}) : {};
    my $status = $rule->{query} // ($m ? 0 : RQUERYFAIL);
    my $state = $rule->{state} // ($m ? $m->{state} : 'UNKNOWN');

    $server->{stats}{queries}++;
    $server->{journal}->add(event => 'query', at => time, conn => $c->{id},
        message_id => $pdu->{message_id}, status => $status, state => $state,
        number => $m && $m->{number});
    $c->{wire}->query_sm_resp(seq => $pdu->{seq}, status => $status,
        message_id => $pdu->{message_id}, message_state => $STATE{$state} // 7,
        final_date => FINAL->{$state} && $m ? stamp($m->{at}, 'standard') . '012+' : '',
        error_code => $m ? $m->{err} : 0);
    return;
}


# By id; without one, all of a sender to a number that have not ended.
sub cancel {
    my ($server, $c, $pdu) = @_;

    my @found = length $pdu->{message_id}
        ? grep { defined } $server->message($pdu->{message_id}, $pdu->{source_addr})
        : $server->messages_to($pdu->{source_addr}, $pdu->{destination_addr});
    my @open = grep { !FINAL->{ $_->{state} } } @found;
    my $rule = @found ? $server->{faults}->of($found[0]{dest}, $found[0]{part}) : {};
    my $status = $rule->{cancel} // (@open ? 0 : @found ? RCANCELFAIL : RINVMSGID);

    for my $m ($status ? () : @open) {
        $m->{state} = 'DELETED';
        $m->{at} = time;
        $server->{stats}{cancelled}++;
    }

    $server->{journal}->add(event => 'cancel', at => time, conn => $c->{id},
        message_id => $pdu->{message_id}, dest => $pdu->{destination_addr},
        status => $status, number => $_ && $_->{number}) for $status || !@open ? (undef) : @open;
    $c->{wire}->cancel_sm_resp(seq => $pdu->{seq}, status => $status);
    return;
}


sub replace {
    my ($server, $c, $pdu) = @_;

    my $m = $server->message($pdu->{message_id}, $pdu->{source_addr});
    my $rule = $m ? $server->{faults}->of($m->{dest}, $m->{part}) : {};
    my $status = $rule->{replace}
        // ($m && !FINAL->{ $m->{state} } ? 0 : $m ? RREPLACEFAIL : RINVMSGID);

    $server->{journal}->add(event => 'replace', at => time, conn => $c->{id},
        message_id => $pdu->{message_id}, status => $status, number => $m && $m->{number},
        payload => unpack('H*', $pdu->{short_message} // ''));
    $c->{wire}->replace_sm_resp(seq => $pdu->{seq}, status => $status);
    return;
}


# ---- the session --------------------------------------------------------------

sub enquire {
    my ($server, $c, $pdu) = @_;

    $server->{stats}{enquires}++;
    $c->{wire}->enquire_link_resp(seq => $pdu->{seq});
    return;
}


sub unbind {
    my ($server, $c, $pdu) = @_;

    $c->{wire}->unbind_resp(seq => $pdu->{seq});
    $server->{journal}->add(event => 'unbind', at => time, conn => $c->{id});
    $c->{closing} = 1;
    return;
}


sub delivered {
    my ($server, $c, $pdu) = @_;

    my $job = delete $c->{waiting}{ $pdu->{seq} } or return;
    my $kind = $job->{kind} eq 'mo' ? 'mo' : 'receipts';

    if ($pdu->{status} == 0) {
        $server->{stats}{"${kind}_done"}++;
        $server->{journal}->add($job->{kind} eq 'mo'
            ? (event => 'mo_done', at => time, from => $job->{from}, to => $job->{to})
            : (event => 'receipt_done', at => time, number => $job->{number},
               message_id => $job->{submitted_id}, stat => $job->{stat}));
        return;
    }

    $server->{stats}{"${kind}_refused"}++;
    $server->{journal}->add(event => 'refused', at => time, kind => $job->{kind},
                            status => $pdu->{status});

    # ESME_RX_P_APPN and ESME_RX_R_APPN are for good
    $server->later($server->{opt}{'retry-ms'}, sub { push @{ $server->{ready} }, $job })
        unless $pdu->{status} == 0x65 || $pdu->{status} == 0x66;
    return;
}

1;
