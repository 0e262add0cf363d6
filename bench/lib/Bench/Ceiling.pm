package Bench::Ceiling;

# How fast this PostgreSQL takes rows like those that an accept has just written,
# when nothing but the rows is wanted: no function, no queue, no money, no key.
#
#   my $ceiling = Bench::Ceiling->new($pg, $name, $rows);
#                      a table like sms.message with one partition, and as a
#                      pattern the last $rows rows that sms.message has; each
#                      transaction inserts them once more under ids of its own
#   $ceiling->run(clients => 4, seconds => 3)     { ok => rows, rate, cpu_ms, … }
#   $ceiling->processes                           for Bench::Runner's measure()
#
# pgbench sends one prepared INSERT … SELECT a transaction.  Ids grow like
# UUIDv7: milliseconds, random digits, a count.

use strict;
use warnings;
use utf8;

use SMS::Tap qw(spew);


sub new {
    my ($class, $pg, $name, $rows) = @_;
    my $self = bless { pg => $pg, rows => $rows, dir => $pg->dir, name => $name }, $class;
    my $script = "$self->{dir}/$name.pgbench";

    $pg->do('set client_min_messages = warning');
    $pg->do('create schema if not exists bench');
    $pg->do("create table bench.$name (like sms.message including all)
             partition by range (message_id)");
    $pg->do("create table bench.${name}_rows partition of bench.$name default");
    $pg->do("create table bench.${name}_pattern as
             select m.*, row_number() over (order by m.message_id) as i
               from (select * from sms.message order by message_id desc limit $rows) m");
    $pg->do("analyze bench.${name}_pattern");

    # one account for a request of many, as many as the pattern has for requests
    # of one
    my $many = $pg->value("select count(distinct submission_id) = 1 from bench.${name}_pattern");
    my ($account, $first) = $many ? ('(:account)::bigint', '1') : ('t.account_id', 't.i');

    spew($script, <<"EOC");
\\set account random(1, 100)
with b as materialized (select left(sms.id_new()::text, 24) as id)
insert into bench.$name
select $account, t."to", t.price_micro, t.brand_id, t.accepted_at, t.expires_at, t.due_at, t.ord,
       t.class, t.recipient_type, t.encoding, t.parts, t.test,
       (b.id || (100000000000 + t.i))::uuid, (b.id || (100000000000 + $first))::uuid,
       (b.id || 100000000000)::uuid,
       case when t.text_id is not null then (b.id || (100000000000 + 1))::uuid end,
       t.sender, t.reference, t.text,
       case when t.high_message is not null then (b.id || (100000000000 + $rows))::uuid end,
       t.doc, t.text_hash, t.rejected
  from b, bench.${name}_pattern t;
EOC
    chmod 0644, $script;
    $self->{script} = $script;
    return $self;
}


sub processes { return (pg => [ $_[0]{pg}->postmaster ]) }


sub run {
    my ($self, %opt) = @_;
    my $pg = $self->{pg};
    my $own = sub { my @t = times; return 1000 * ($t[2] + $t[3]) };
    my $before = $own->();
    my $out = do {
        local @ENV{grep { /^PG/ } keys %ENV};
        qx{pgbench -n -M prepared -c $opt{clients} -j 1 -T $opt{seconds} -f $self->{script} \\
           -h @{[ $pg->socket ]} -U postgres @{[ $pg->name ]} 2>&1};
    };
    my ($done) = $out =~ /number of transactions actually processed: (\d+)/;
    my ($tps) = $out =~ /tps = ([\d.]+)/;

    die "bench: pgbench: $out\n" if $? || !$done || $out !~ /failed transactions: 0 /;

    my $stored = $pg->value("select count(*) from bench.$self->{name}");
    $self->{done} += $done;
    die "bench: the ceiling's rows are not there\n" if $stored != $self->{done} * $self->{rows};

    return { ok => $done * $self->{rows}, rate => $tps * $self->{rows},
             cpu_ms => $own->() - $before };
}

1;
