#include <string.h>

#include <sms/sms_time.h>

#include "smpp_pdu.h"
#include "smpp_receipt.h"


typedef struct {
    const char          *word;
    sms_receipt_state_t  state;
} smpp_receipt_known_t;

/* appendix B's seven letters, and what operators write instead */
static const smpp_receipt_known_t  smpp_receipt_words[] = {
    { "delivrd",         SMS_RECEIPT_DELIVERED },
    { "delivered",       SMS_RECEIPT_DELIVERED },
    { "dlvrd",           SMS_RECEIPT_DELIVERED },
    { "dlivrd",          SMS_RECEIPT_DELIVERED },
    { "deliv",           SMS_RECEIPT_DELIVERED },
    { "success",         SMS_RECEIPT_DELIVERED },
    { "read",            SMS_RECEIPT_DELIVERED },
    { "seen",            SMS_RECEIPT_DELIVERED },
    { "expired",         SMS_RECEIPT_EXPIRED },
    { "expird",          SMS_RECEIPT_EXPIRED },
    { "timeout",         SMS_RECEIPT_EXPIRED },
    { "deleted",         SMS_RECEIPT_DELETED },
    { "deletd",          SMS_RECEIPT_DELETED },
    { "cancelled",       SMS_RECEIPT_DELETED },
    { "canceled",        SMS_RECEIPT_DELETED },
    { "replaced",        SMS_RECEIPT_DELETED },
    { "undeliv",         SMS_RECEIPT_UNDELIVERED },
    { "undelivered",     SMS_RECEIPT_UNDELIVERED },
    { "undeliverable",   SMS_RECEIPT_UNDELIVERED },
    { "undlvrd",         SMS_RECEIPT_UNDELIVERED },
    { "undlivr",         SMS_RECEIPT_UNDELIVERED },
    { "notdlvrd",        SMS_RECEIPT_UNDELIVERED },
    { "not_delivered",   SMS_RECEIPT_UNDELIVERED },
    { "failed",          SMS_RECEIPT_UNDELIVERED },
    { "fail",            SMS_RECEIPT_UNDELIVERED },
    { "skipped",         SMS_RECEIPT_UNDELIVERED },     /* SMPP 5.0, 4.7.15 */
    { "acceptd",         SMS_RECEIPT_ACCEPTED },
    { "accepted",        SMS_RECEIPT_ACCEPTED },
    { "accptd",          SMS_RECEIPT_ACCEPTED },
    { "unknown",         SMS_RECEIPT_UNKNOWN },
    { "unknwn",          SMS_RECEIPT_UNKNOWN },
    { "rejectd",         SMS_RECEIPT_REJECTED },
    { "rejected",        SMS_RECEIPT_REJECTED },
    { "rejctd",          SMS_RECEIPT_REJECTED },
    { "reject",          SMS_RECEIPT_REJECTED },
    { "blocked",         SMS_RECEIPT_REJECTED },
    { "blacklisted",     SMS_RECEIPT_REJECTED },
    { "enroute",         SMS_RECEIPT_ENROUTE },
    { "en_route",        SMS_RECEIPT_ENROUTE },
    { "scheduled",       SMS_RECEIPT_ENROUTE },
    { "buffered",        SMS_RECEIPT_ENROUTE },
    { "buffred",         SMS_RECEIPT_ENROUTE },
    { "pending",         SMS_RECEIPT_ENROUTE },
    { "queued",          SMS_RECEIPT_ENROUTE },
    { "sent",            SMS_RECEIPT_ENROUTE },
    { "submitted",       SMS_RECEIPT_ENROUTE }
};

/* of the configuration, in the order of sms_receipt_state_t */
static const char *const  smpp_receipt_states[] = {
    "enroute", "delivered", "expired", "deleted", "undelivered", "accepted",
    "unknown", "rejected"
};

typedef enum {
    SMPP_RECEIPT_OTHER, SMPP_RECEIPT_ID, SMPP_RECEIPT_STAT, SMPP_RECEIPT_ERR,
    SMPP_RECEIPT_SUB, SMPP_RECEIPT_DLVRD, SMPP_RECEIPT_DONE,
    SMPP_RECEIPT_SUBMIT, SMPP_RECEIPT_TEXT
} smpp_receipt_name_t;

static const struct {
    const char           *word;
    smpp_receipt_name_t   name;
} smpp_receipt_names[] = {
    { "id",           SMPP_RECEIPT_ID },
    { "msgid",        SMPP_RECEIPT_ID },
    { "msg_id",       SMPP_RECEIPT_ID },
    { "messageid",    SMPP_RECEIPT_ID },
    { "message_id",   SMPP_RECEIPT_ID },
    { "message id",   SMPP_RECEIPT_ID },
    { "stat",         SMPP_RECEIPT_STAT },
    { "status",       SMPP_RECEIPT_STAT },
    { "state",        SMPP_RECEIPT_STAT },
    { "err",          SMPP_RECEIPT_ERR },
    { "error",        SMPP_RECEIPT_ERR },
    { "errcode",      SMPP_RECEIPT_ERR },
    { "err_code",     SMPP_RECEIPT_ERR },
    { "error_code",   SMPP_RECEIPT_ERR },
    { "error code",   SMPP_RECEIPT_ERR },
    { "sub",          SMPP_RECEIPT_SUB },
    { "dlvrd",        SMPP_RECEIPT_DLVRD },
    { "done date",    SMPP_RECEIPT_DONE },
    { "done_date",    SMPP_RECEIPT_DONE },
    { "donedate",     SMPP_RECEIPT_DONE },
    { "done",         SMPP_RECEIPT_DONE },
    { "submit date",  SMPP_RECEIPT_SUBMIT },
    { "submit_date",  SMPP_RECEIPT_SUBMIT },
    { "submitdate",   SMPP_RECEIPT_SUBMIT },
    { "text",         SMPP_RECEIPT_TEXT }
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


static smpp_receipt_name_t
smpp_receipt_name(sms_str_t s)
{
    size_t  i;

    for (i = 0; i < sizeof(smpp_receipt_names) / sizeof(smpp_receipt_names[0]);
         i++)
    {
        if (smpp_receipt_is(s, smpp_receipt_names[i].word)) {
            return smpp_receipt_names[i].name;
        }
    }

    return SMPP_RECEIPT_OTHER;
}


/* Decimal, or hexadecimal where it says so: 0x1B, 01B. */
static int
smpp_receipt_number(sms_str_t s, uint32_t *out)
{
    int        hex;
    char       c;
    size_t     i;
    uint64_t   n;

    hex = 0;

    if (s.len > 2 && s.ptr[0] == '0' && smpp_receipt_lower(s.ptr[1]) == 'x') {
        s.ptr += 2;
        s.len -= 2;
        hex = 1;
    }

    if (s.len == 0 || s.len > 10
        || (!hex && (s.ptr[0] < '0' || s.ptr[0] > '9')))
    {
        return 0;
    }

    for (i = 0; i < s.len && !hex; i++) {
        hex = s.ptr[i] < '0' || s.ptr[i] > '9';
    }

    for (i = 0, n = 0; i < s.len; i++) {
        c = smpp_receipt_lower(s.ptr[i]);

        if (c >= '0' && c <= '9') {
            c = (char) (c - '0');

        } else if (c >= 'a' && c <= 'f') {
            c = (char) (c - 'a' + 10);

        } else {
            return 0;
        }

        n = n * (hex ? 16 : 10) + (uint64_t) c;
    }

    if (n > UINT32_MAX) {
        return 0;
    }

    *out = (uint32_t) n;

    return 1;
}


/* message_state of 5.2.28, and the two of SMPP 5.0 */
static sms_receipt_state_t
smpp_receipt_number_state(unsigned n)
{
    if (n >= SMS_RECEIPT_ENROUTE && n <= SMS_RECEIPT_REJECTED) {
        return (sms_receipt_state_t) n;
    }

    return n == 0 ? SMS_RECEIPT_ENROUTE
           : n == 9 ? SMS_RECEIPT_UNDELIVERED : (sms_receipt_state_t) 0;
}


sms_receipt_state_t
smpp_receipt_state(sms_str_t word, const smpp_receipt_ways_t *ways)
{
    size_t     i, k;
    sms_str_t  own;

    for (i = 0; i < ways->nwords; i++) {
        own = ways->words[i].word;

        for (k = 0; k < own.len && own.len == word.len
                    && smpp_receipt_lower(own.ptr[k])
                       == smpp_receipt_lower(word.ptr[k]); k++)
        {
            /* void */
        }

        if (k == own.len && k == word.len) {
            return ways->words[i].state;
        }
    }

    for (i = 0; i < sizeof(smpp_receipt_words) / sizeof(smpp_receipt_words[0]);
         i++)
    {
        if (smpp_receipt_is(word, smpp_receipt_words[i].word)) {
            return smpp_receipt_words[i].state;
        }
    }

    if (word.len == 1 && word.ptr[0] >= '0' && word.ptr[0] <= '9') {
        return smpp_receipt_number_state((unsigned) (word.ptr[0] - '0'));
    }

    return (sms_receipt_state_t) 0;
}


int
smpp_receipt_word(sms_str_t item, smpp_receipt_word_t *out)
{
    size_t       i;
    sms_str_t    state;
    const char  *eq;

    eq = item.len ? memchr(item.ptr, '=', item.len) : NULL;

    if (eq == NULL || eq == item.ptr) {
        return 0;
    }

    out->word.ptr = item.ptr;
    out->word.len = (size_t) (eq - item.ptr);
    state.ptr = eq + 1;
    state.len = item.len - out->word.len - 1;

    for (i = 0; i < sizeof(smpp_receipt_states) / sizeof(char *); i++) {
        if (smpp_receipt_is(state, smpp_receipt_states[i])) {
            out->state = (sms_receipt_state_t) (i + 1);
            return 1;
        }
    }

    return 0;
}


/* YYMMDDhhmm as in appendix B, with seconds, or with a year of four digits; '-',
 * '/', '.', ':' and 'T' may stand between                                     */
static int64_t
smpp_receipt_date(sms_str_t s, int32_t offset_s)
{
    int       field[6];                 /* year month day hour minute second  */
    char      digits[14];
    size_t    i, n, at;
    int32_t   day;

    for (i = 0, n = 0; i < s.len; i++) {
        if (s.ptr[i] >= '0' && s.ptr[i] <= '9') {

            if (n == sizeof(digits)) {
                return 0;
            }

            digits[n++] = s.ptr[i];

        } else if (strchr("-/.:T", s.ptr[i]) == NULL || s.ptr[i] == 0) {
            return 0;
        }
    }

    s.ptr = digits;
    s.len = n;

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
smpp_receipt_field(smpp_receipt_t *r, smpp_receipt_name_t name,
    sms_str_t value, const smpp_receipt_ways_t *ways)
{
    switch (name) {

    case SMPP_RECEIPT_ID:
        r->id = value;
        break;

    case SMPP_RECEIPT_STAT:
        r->state = smpp_receipt_state(value, ways);
        r->odd = r->state == 0;
        break;

    case SMPP_RECEIPT_ERR:
        smpp_receipt_number(value, &r->error);
        break;

    case SMPP_RECEIPT_SUB:
        smpp_receipt_number(value, &r->sub);
        break;

    case SMPP_RECEIPT_DLVRD:
        smpp_receipt_number(value, &r->dlvrd);
        break;

    case SMPP_RECEIPT_DONE:
        r->done_us = smpp_receipt_date(value, ways->offset_s);
        break;

    default:
        break;
    }
}


static int
smpp_receipt_parts(char c)
{
    return c == ':' || c == '=';
}


static int
smpp_receipt_ends(char c)
{
    return c == ' ' || c == '\n' || c == ',' || c == ';';
}


/* a control character has become a '?' (smpp_text_ascii) */
static int
smpp_receipt_begins(char c)
{
    return smpp_receipt_ends(c) || c == '?';
}


/* The name in front of a colon: its last word, or two where two are one name.
 * What stands before it is not ours.                                         */
static smpp_receipt_name_t
smpp_receipt_named(sms_str_t s)
{
    size_t               i;
    sms_str_t            words;
    smpp_receipt_name_t  name;

    while (s.len && s.ptr[s.len - 1] == ' ') {
        s.len--;
    }

    for (i = s.len; i > 0 && !smpp_receipt_begins(s.ptr[i - 1]); i--) {
        /* void */
    }

    words = s;
    s.ptr += i;
    s.len -= i;

    if (i > 1) {
        for (i--; i > 0 && !smpp_receipt_begins(words.ptr[i - 1]); i--) {
            /* void */
        }

        words.ptr += i;
        words.len -= i;
        name = smpp_receipt_name(words);

        if (name != SMPP_RECEIPT_OTHER) {
            return name;
        }
    }

    return smpp_receipt_name(s);
}


/* Where the value that begins at "from" ends.  A name that follows at once means
 * that there is none; another colon belongs to it ("id:ab:cd"), unless blanks
 * stood before it ("sub: dlvrd:001").                                        */
static size_t
smpp_receipt_value_end(sms_str_t text, size_t from, int blank)
{
    size_t     end;
    sms_str_t  word;

    word.ptr = text.ptr + from;

    for (end = from; end < text.len && !smpp_receipt_ends(text.ptr[end]);
         end++)
    {
        word.len = end - from;

        if (smpp_receipt_parts(text.ptr[end])
            && (blank || smpp_receipt_name(word) != SMPP_RECEIPT_OTHER))
        {
            return from;
        }
    }

    return end;
}


static sms_str_t
smpp_receipt_unquote(sms_str_t s)
{
    if (s.len > 1 && (s.ptr[0] == '"' || s.ptr[0] == '\'')
        && s.ptr[s.len - 1] == s.ptr[0])
    {
        s.ptr++;
        s.len -= 2;
    }

    return s;
}


/* Every field is name ':' value; values hold no blank, names may ("done date").
 * "text:" ends the receipt, what follows is the sender's.                    */
static void
smpp_receipt_text(smpp_receipt_t *r, sms_str_t text,
    const smpp_receipt_ways_t *ways)
{
    size_t                from, colon, end;
    sms_str_t             part;
    smpp_receipt_name_t   name;

    for (from = 0; from < text.len; from = end) {

        for (colon = from;
             colon < text.len && !smpp_receipt_parts(text.ptr[colon]);
             colon++)
        {
            /* void */
        }

        if (colon == text.len) {
            return;
        }

        part.ptr = text.ptr + from;
        part.len = colon - from;
        name = smpp_receipt_named(part);

        if (name == SMPP_RECEIPT_TEXT) {
            return;
        }

        for (from = colon + 1; from < text.len && text.ptr[from] == ' ';
             from++)
        {
            /* void */
        }

        end = smpp_receipt_value_end(text, from, from > colon + 1);
        part.ptr = text.ptr + from;
        part.len = end - from;
        part = smpp_receipt_unquote(part);

        if (part.len) {
            smpp_receipt_field(r, name, part, ways);
        }
    }
}


/* 5.3.2.31: a type and 16 bits; some send the number alone, or its digits */
static uint32_t
smpp_receipt_network(sms_str_t s)
{
    size_t    i;
    uint32_t  n;

    for (i = 0, n = 0; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++) {
        n = n * 10 + (uint32_t) (s.ptr[i] - '0');
    }

    if (i == s.len && s.len > 1 && s.len < 9) {
        return n;
    }

    if (s.len == 3) {
        s.ptr++;
        s.len--;
    }

    for (i = 0, n = 0; s.len <= 4 && i < s.len; i++) {
        n = n << 8 | (uint8_t) s.ptr[i];
    }

    return n;
}


int
smpp_receipt_parse(smpp_receipt_t *r, sms_str_t text, sms_str_t tlvs,
    const smpp_receipt_ways_t *ways)
{
    unsigned             n;
    sms_str_t            value;
    sms_receipt_state_t  state;

    memset(r, 0, sizeof(smpp_receipt_t));

    if (text.len) {
        smpp_receipt_text(r, text, ways);
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
        n = (uint8_t) value.ptr[0];
        state = smpp_receipt_number_state(n >= '0' && n <= '9' ? n - '0' : n);

        if (state) {
            r->state = state;
        }
    }

    if (r->error == 0
        && smpp_tlv_find(tlvs, SMPP_TLV_NETWORK_ERROR_CODE, &value))
    {
        r->error = smpp_receipt_network(value);
    }

    /* no stat: at all, but the two numbers that say the same */
    if (r->state == 0 && !r->odd && r->sub) {
        r->state = r->dlvrd ? SMS_RECEIPT_DELIVERED
                   : r->error ? SMS_RECEIPT_UNDELIVERED : r->state;
    }

    return r->id.len && r->state;
}
