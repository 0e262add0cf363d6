-- What a day of messages has left behind, written without the day: messages :first
-- to :last of :n, each to a number of its own, sent, delivered and paid.  Each 100
-- in a row are one intake batch of one account.  They follow each other through the
-- last day, or since the beginning of the month when that is later.
--
-- The pattern is a message that the server has stored itself.

\set ON_ERROR_STOP on
set synchronous_commit = off;
set search_path = sms;

select greatest(date_trunc('month', now()), now() - interval '1 day') as low \gset
select extract(epoch from now() - :'low'::timestamptz)
       / :n as step \gset

create temp view old as
select i, 1 + (i / 100) % :accounts as account_id,
       905300000000 + (i * 48271 + 11) % 100000000 as "to",
       :'low'::timestamptz + i * :step * interval '1 second' as at,
       ('0' || to_hex((extract(epoch from :'low'::timestamptz + i * :step * interval '1 second')
                       * 1000)::bigint)
        || '70008000' || lpad(to_hex(i), 12, '0'))::uuid as id,
       ('0' || to_hex((extract(epoch from :'low'::timestamptz + i / 100 * 100 * :step
                                          * interval '1 second') * 1000)::bigint)
        || '70009000' || lpad(to_hex(i / 100), 12, '0'))::uuid as batch_id
  from generate_series(:first::bigint, :last::bigint) i;

create temp table pattern as
select price_micro, brand_id, class, recipient_type, encoding, parts, sender, text, doc,
       text_hash, rejected
  from message
 order by message_id
 limit 1;

insert into message (account_id, "to", price_micro, brand_id, accepted_at, expires_at, ord, class,
                     recipient_type, encoding, parts, test, message_id, submission_id, batch_id,
                     sender, text, high_message, doc, text_hash, rejected)
select o.account_id, o."to", p.price_micro, (o.account_id << 16) + 1, o.at,
       o.at + interval '1 day', 0, p.class, p.recipient_type, p.encoding, 1, false, o.id, o.id,
       o.batch_id, p.sender, p.text, o.id, p.doc, p.text_hash, p.rejected
  from old o, pattern p;

insert into idempotency (account_id, created_at, submission_id, key, hash)
select account_id, at, id, md5(i::text)::uuid, sha256(int8send(i))
  from old;

insert into submit (account_id, "to", id_hash, price_micro, at, operator_code, link_id, attempt,
                    part, total, outcome, reason, class, message_id, operator_id)
select o.account_id, o."to", hashtextextended('old-' || o.i, 0), p.price_micro,
       o.at + interval '100 ms', 0, 1, 1, 1, 1, 1, 0, p.class, o.id, 'old-' || o.i
  from old o, pattern p;

insert into settlement (account_id, settled_at, kept_micro, refunded_micro, receipt_at,
                        operator_code, attempt, state, message_id, code)
select o.account_id, o.at + interval '3 s', p.price_micro, 0, o.at + interval '3 s', 0, 1, 1,
       o.id, 'delivered'
  from old o, pattern p;

update account a
   set available_micro = available_micro - o.amount
  from (select o.account_id, sum(p.price_micro) as amount
          from old o, pattern p group by o.account_id) o
 where a.account_id = o.account_id;
