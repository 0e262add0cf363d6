package SMS::Account;

# A customer of the test's own: account, brand, sender, keys, credit; and the
# usual configuration of a server that works for it.
#
#   my $a = SMS::Account->new($pg, operators => ['sim'], credit => 100_000_000);
#   my $r = $a->post($nginx, '/v1/messages', { … }, headers => { … });
#   my $m = $a->wait_state($nginx, $id, qr/^delivered$/, 10);
#
#   id  brand  brand_id (public)  key (live, with no IP list but waived)
#   test_key   key($mode, %opt)   another key: scopes, ip, waived
#   message(%change)   a request body: an informational text to one number; a value
#                      of undef takes the field out
#   send($nginx, { … }, %opt)     POST /v1/messages of such a body
#   post get delete request       with the key, or with "key" of %opt
#   counts(@tables)   rows of these tables, or all, to see that nothing was written
#   conf(%opt) text for SMS::Nginx: extra and http (http block), server, api (the
#              location), sim (the simulator's settings), priced (1: by tariff)

use strict;
use warnings;
use utf8;

use Compress::Zlib qw(crc32);
use Digest::SHA qw(sha256_hex);
use SMS::Tap;
use Test::More ();
use Time::HiRes qw(sleep time);

# names of tests quote Turkish texts
binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

my @digits = (0 .. 9, 'A' .. 'Z', 'a' .. 'z');


# sms_live_, 8 of public id, 32 of secret, 6 of CRC-32: see sms_key.h

sub make_key {
    my ($mode) = @_;

    my $text = "sms_${mode}_" . join '', map { $digits[rand @digits] } 1 .. 40;
    my $crc = crc32($text);
    my $check = '';

    for (1 .. 6) {
        $check = $digits[$crc % 62] . $check;
        $crc = int $crc / 62;
    }

    return $text . $check;
}


sub new {
    my ($class, $pg, %opt) = @_;

    my $self = bless { pg => $pg, sender => 'ORNEK', %opt }, $class;
    my $name = $opt{name} // 'Örnek Mağazacılık A.Ş.';

    $self->{id} = $pg->value('select sms.account_create(p_name => ?, p_unit => ?,
        p_shift => ?)', $name, $opt{unit} // 'TRY', $opt{shift} // 'single');
    $self->{brand} = $pg->value('select sms.brand_create(p_account => ?, p_name => ?,
        p_owner_kind => ?, p_title => ?, p_iys_code => ?, p_brand_code => ?,
        p_mersis => ?, p_vkn => ?, p_reject_keyword => ?, p_reject_number => ?)',
        $self->{id}, 'Örnek', 'tacir', $name,
        exists $opt{iys} ? @opt{qw(iys iys)} : (100200, 100200),
        '0015001526400497', '0150015264', $opt{keyword} // 'ORNEK', '4605');
    $pg->do('select sms.sender_create(?, ?, ?, ?)', $self->{id}, $self->{sender},
            $self->{brand}, ['commercial', 'informational', 'otp', 'exempt']);
    $pg->do('select sms.sender_approve(?, ?, ?)', $self->{id}, $self->{sender}, $_)
        for @{ $opt{operators} // ['sim'] };
    $pg->do('select sms.fund(?, ?, ?)', $self->{id}, $opt{credit} // 100_000_000, 'test')
        if ($opt{credit} // 1) > 0;

    $self->{key} = $self->key('live', waived => 'test');
    $self->{test_key} = $self->key('test');
    return $self;
}


sub id { return $_[0]{id} }
sub brand { return $_[0]{brand} }
sub test_key { return $_[0]{test_key} }


sub key {
    my ($self, $mode, %opt) = @_;

    return $self->{key} if !defined $mode;

    my $key = make_key($mode);

    $self->{pg}->do(q{select sms.key_create(p_account => ?, p_key_id => ?, p_hash => decode(?, 'hex'),
        p_mode => ?, p_scopes => ?, p_ip => ?::cidr[], p_waived => ?)},
        $self->{id}, substr($key, 9, 8), sha256_hex($key), $mode,
        $opt{scopes} // ['messages:send', 'messages:read', 'balance:read'],
        $opt{ip} // [], $opt{waived});
    return $key;
}


sub brand_id {
    my ($self) = @_;

    return $self->{pg}->value(q{select sms.id_text('brd', public_id) from sms.brand
                                 where brand_id = ?}, $self->{brand});
}


sub message {
    my ($self, %change) = @_;

    my %body = (
        class => 'informational', basis => 'order_delivery', sender => $self->{sender},
        text => 'Siparişiniz yola çıktı.', to => ['0532 111 22 33'], %change,
    );

    delete @body{grep { !defined $body{$_} } keys %body};
    return \%body;
}


sub send {
    my ($self, $nginx, $change, %opt) = @_;

    return $self->post($nginx, '/v1/messages', $self->message(%$change), %opt);
}


sub post {
    my ($self, $nginx, $path, $body, %opt) = @_;

    my $key = delete $opt{key} // $self->{key};
    my %headers = (Authorization => "Bearer $key", %{ delete $opt{headers} // {} });

    return $nginx->http->post($path, $body, headers => \%headers, %opt);
}


sub get {
    my ($self, $nginx, $path, %opt) = @_;

    my $key = delete $opt{key} // $self->{key};

    return $nginx->http->get($path, headers => { Authorization => "Bearer $key" }, %opt);
}


# any request with a key: body, json or chunks as in SMS::Http

sub request {
    my ($self, $nginx, $method, $path, %opt) = @_;

    my $key = delete $opt{key} // $self->{key};
    my %headers = (Authorization => "Bearer $key", %{ delete $opt{headers} // {} });

    return $nginx->http->request($method, $path, headers => \%headers, %opt);
}


sub delete {
    my ($self, $nginx, $path, %opt) = @_;

    my $key = delete $opt{key} // $self->{key};

    return $nginx->http->delete($path, headers => { Authorization => "Bearer $key" }, %opt);
}


# the message once its state matches, or as it is when the time is up

sub wait_state {
    my ($self, $nginx, $id, $state, $seconds) = @_;

    my $end = time + SMS::Tap::slow($seconds // 10);
    my $m;

    while (1) {
        my $r = $self->get($nginx, "/v1/messages/$id");
        $m = $r->status == 200 ? $r->json : { state => 'HTTP ' . $r->status };
        return $m if $m->{state} =~ $state || time > $end;
        sleep 0.05;
    }
}


sub balance {
    my ($self) = @_;

    return $self->{pg}->value('select available_micro from sms.account
                                where account_id = ?', $self->{id});
}


# upkeep and leases write all the time, what a message is made of they do not

sub counts {
    my ($self, @tables) = @_;

    my $pg = $self->{pg};

    @tables = map { $_->{t} } $pg->rows(q{
        select c.relname as t from pg_class c
         where c.relnamespace = 'sms'::regnamespace and c.relkind in ('r', 'p')
           and not c.relispartition
           and c.relname not in ('lease', 'lane', 'link', 'retiring', 'sweep', 'link_quality',
                                 'link_recent', 'link_standing', 'link_judged')
         order by 1}) if !@tables;

    return { map { $_ => $pg->value("select count(*) from sms.$_") } @tables };
}


sub conf {
    my (%opt) = @_;

    my $extra = $opt{extra} // '';
    $extra .= "\n    sms_plugin billing prepaid billing_prepaid.so { grant db; }\n"
        if $opt{priced};
    my $api = $opt{api} // '';
    my $http = $opt{http} // '';
    my $server = $opt{server} // '';
    my $sim = $opt{sim} // 'receipt_delay 50ms;';

    return <<"EOC";
%%GLOBALS%%
events { worker_connections 1024; }
http {
    %%GLOBALS_HTTP%%
    sms_database "%%DATABASE%%";
    sms_unsafe_database on;
    sms_plugin_path %%PLUGINS%%;
    sms_sandbox sim;
    sms_plugin operator sim operator_simulator.so link=1 operator=sim {
        grant inbound dict;
        $sim
    }
    $extra
    $http
    server {
        listen 127.0.0.1:%%PORT_0%%;
        $server
        location /v1/ { sms_api; client_max_body_size 2m; sms_rate off; $api }
        location = /metrics { sms_metrics; }
        location = /health { sms_health; }
    }
}
EOC
}

1;
