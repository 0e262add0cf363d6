#include <string.h>

#include <sms/sms_time.h>

#include "smpp_pdu.h"
#include "smpp_receipt.h"


typedef struct {
    const char          *word;
    sms_receipt_state_t  state;
} smpp_receipt_word_t;

/* appendix B's seven letters, and what operators write instead */
static const smpp_receipt_word_t  smpp_receipt_words[] = {
    { "delivrd",       SMS_RECEIPT_DELIVERED },
    { "delivered",     SMS_RECEIPT_DELIVERED },
    { "dlvrd",         SMS_RECEIPT_DELIVERED },
    { "expired",       SMS_RECEIPT_EXPIRED },
    { "deleted",       SMS_RECEIPT_DELETED },
    { "cancelled",     SMS_RECEIPT_DELETED },
    { "undeliv",       SMS_RECEIPT_UNDELIVERED },
    { "undelivered",   SMS_RECEIPT_UNDELIVERED },
    { "undeliverable", SMS_RECEIPT_UNDELIVERED },
    { "undlvrd",       SMS_RECEIPT_UNDELIVERED },
    { "failed",        SMS_RECEIPT_UNDELIVERED },
    { "acceptd",       SMS_RECEIPT_ACCEPTED },
    { "accepted",      SMS_RECEIPT_ACCEPTED },
    { "unknown",       SMS_RECEIPT_UNKNOWN },
    { "unknwn",        SMS_RECEIPT_UNKNOWN },
    { "rejectd",       SMS_RECEIPT_REJECTED },
    { "rejected",      SMS_RECEIPT_REJECTED },
    { "blocked",       SMS_RECEIPT_REJECTED },
    { "enroute",       SMS_RECEIPT_ENROUTE },
    { "en_route",      SMS_RECEIPT_ENROUTE },
    { "scheduled",     SMS_RECEIPT_ENROUTE },
    { "buffered",      SMS_RECEIPT_ENROUTE }
};


static char
smpp_receipt_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
}


static int
smpp_receipt_is(sms_str_t s, const char *word)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (word[i] == 0 || smpp_receipt_lower(s.ptr[i]) != word[i]) {
            return 0;
        }
    }

    return word[i] == 0;
}


sms_receipt_state_t
smpp_receipt_state(sms_str_t word)
{
    size_t  i;

    for (i = 0; i < sizeof(smpp_receipt_words) / sizeof(smpp_receipt_words[0]);
         i++)
    {
        if (smpp_receipt_is(word, smpp_receipt_words[i].word)) {
            return smpp_receipt_words[i].state;
        }
    }

    return (sms_receipt_state_t) 0;
}


static int
smpp_receipt_number(sms_str_t s, uint32_t *out)
{
    size_t    i;
    uint64_t  n;

    if (s.len == 0 || s.len > 10) {
        return 0;
    }

    for (i = 0, n = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return 0;
        }

        n = n * 10 + (uint64_t) (s.ptr[i] - '0');
    }

    if (n > UINT32_MAX) {
        return 0;
    }

    *out = (uint32_t) n;

    return 1;
}


/* YYMMDDhhmm as in appendix B, with seconds, or with a year of four digits */
static int64_t
smpp_receipt_date(sms_str_t s, int32_t offset_s)
{
    int       field[6];                 /* year month day hour minute second  */
    size_t    i, at;
    int32_t   day;

    for (i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return 0;
        }
    }

    if (s.len != 10 && s.len != 12 && s.len != 14) {
        return 0;
    }

    /* twelve digits that begin with 2026: a month 26 cannot be */
    at = s.len == 14
         || (s.len == 12 && s.ptr[0] == '2' && s.ptr[1] == '0'
             && (s.ptr[2] > '1' || (s.ptr[2] == '1' && s.ptr[3] > '2')))
         ? 2 : 0;

    memset(field, 0, sizeof(field));

    for (i = 0; i < 6 && at < s.len; i++, at += 2) {
        field[i] = (s.ptr[at] - '0') * 10 + (s.ptr[at + 1] - '0');
    }

    if (field[3] > 23 || field[4] > 59 || field[5] > 60
        || sms_time_day(2000 + field[0], field[1], field[2], &day) != 0)
    {
        return 0;
    }

    return ((int64_t) day * 86400 + field[3] * 3600 + field[4] * 60 + field[5]
            - offset_s) * 1000000;
}


static void
smpp_receipt_field(smpp_receipt_t *r, sms_str_t name, sms_str_t value,
    int32_t offset_s)
{
    if (smpp_receipt_is(name, "id")) {
        r->id = value;

    } else if (smpp_receipt_is(name, "stat")
               || smpp_receipt_is(name, "status")
               || smpp_receipt_is(name, "state"))
    {
        r->state = smpp_receipt_state(value);

    } else if (smpp_receipt_is(name, "err")
               || smpp_receipt_is(name, "error"))
    {
        smpp_receipt_number(value, &r->error);

    } else if (smpp_receipt_is(name, "sub")) {
        smpp_receipt_number(value, &r->sub);

    } else if (smpp_receipt_is(name, "dlvrd")) {
        smpp_receipt_number(value, &r->dlvrd);

    } else if (smpp_receipt_is(name, "done date")
               || smpp_receipt_is(name, "done_date")
               || smpp_receipt_is(name, "donedate"))
    {
        r->done_us = smpp_receipt_date(value, offset_s);
    }
}


/* Every field is name ':' value; values hold no space, names may ("done
 * date").  "text:" ends the receipt, what follows is the sender's.           */
static void
smpp_receipt_text(smpp_receipt_t *r, sms_str_t text, int32_t offset_s)
{
    size_t      i, from, colon, end;
    sms_str_t   name, value;
    const char *p;

    p = text.ptr;
    from = 0;

    for ( ;; ) {
        while (from < text.len && (p[from] == ' ' || p[from] == '\n'
                                   || p[from] == ',' || p[from] == ';'
                                   || p[from] == '?'))
        {
            from++;
        }

        for (colon = from; colon < text.len && p[colon] != ':'; colon++) {
            /* void */
        }

        if (colon == text.len) {
            return;
        }

        name.ptr = p + from;
        name.len = colon - from;

        while (name.len && name.ptr[name.len - 1] == ' ') {
            name.len--;
        }

        /* words before the name are not ours; "submit date" and "done date"
         * are the only names of two                                          */
        for (i = name.len; i > 0 && name.ptr[i - 1] != ' '; i--) {
            /* void */
        }

        if (i > 0 && !smpp_receipt_is(name, "done date")
            && !smpp_receipt_is(name, "submit date"))
        {
            name.ptr += i;
            name.len -= i;
        }

        if (smpp_receipt_is(name, "text")) {
            return;
        }

        from = colon + 1;

        while (from < text.len && p[from] == ' ') {
            from++;
        }

        for (end = from;
             end < text.len && p[end] != ' ' && p[end] != '\n'
             && p[end] != ',' && p[end] != ';';
             end++)
        {
            /* an empty value: what follows is the next name */
            if (p[end] == ':') {
                end = from;
                break;
            }
        }

        value.ptr = p + from;
        value.len = end - from;

        if (value.len) {
            smpp_receipt_field(r, name, value, offset_s);
        }

        from = end;
    }
}


int
smpp_receipt_parse(smpp_receipt_t *r, sms_str_t text, sms_str_t tlvs,
    int32_t offset_s)
{
    uint8_t    state;
    sms_str_t  value;

    memset(r, 0, sizeof(smpp_receipt_t));

    if (text.len) {
        smpp_receipt_text(r, text, offset_s);
    }

    if (smpp_tlv_find(tlvs, SMPP_TLV_RECEIPTED_MESSAGE_ID, &value)) {
        while (value.len && value.ptr[value.len - 1] == 0) {
            value.len--;
        }

        if (value.len) {
            r->id = value;
        }
    }

    if (smpp_tlv_find(tlvs, SMPP_TLV_MESSAGE_STATE, &value)
        && value.len == 1)
    {
        state = (uint8_t) value.ptr[0];

        if (state >= SMS_RECEIPT_ENROUTE && state <= SMS_RECEIPT_REJECTED) {
            r->state = (sms_receipt_state_t) state;
        }
    }

    if (r->error == 0
        && smpp_tlv_find(tlvs, SMPP_TLV_NETWORK_ERROR_CODE, &value)
        && value.len == 3)
    {
        r->error = (uint32_t) (uint8_t) value.ptr[1] << 8
                   | (uint8_t) value.ptr[2];
    }

    return r->id.len && r->state;
}
