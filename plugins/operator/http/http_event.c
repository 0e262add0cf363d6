#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sms/sms_time.h>
#include <sms/sms_utf8.h>

#include "http_event.h"


#define HTTP_FUTURE_US   600000000      /* clocks differ by less, zones by more */
#define HTTP_NUMBER_MAX  64
#define HTTP_SEEN_MS     86400000       /* a message is repeated that long     */


void
http_events_init(http_events_t *e, sms_host_t *host, const http_conf_t *conf,
    int receipts)
{
    memset(e, 0, sizeof(http_events_t));
    e->host = host;
    e->conf = conf;
    e->receipts = receipts;
}


void
http_events_free(http_events_t *e)
{
    uint32_t  i;

    for (i = 0; i < e->n; i++) {
        free(e->rooms[i]);
    }

    free(e->rooms);
    free(e->events);
}


int64_t
http_event_time(http_time_t format, sms_str_t s, int64_t now_us)
{
    char      text[SMS_TIME_LOCAL_LEN];
    size_t    i;
    int64_t   us;

    us = 0;

    switch (format) {

    case HTTP_TIME_RFC3339:

        if (sms_time_parse(s.ptr, s.len, &us) != 0) {
            return 0;
        }

        break;

    case HTTP_TIME_DOTTED:

        if (s.len != sizeof(text) || s.ptr[2] != '.' || s.ptr[5] != '.') {
            return 0;
        }

        memcpy(text, s.ptr + 6, 4);
        text[4] = '-';
        memcpy(text + 5, s.ptr + 3, 2);
        text[7] = '-';
        memcpy(text + 8, s.ptr, 2);
        memcpy(text + 10, s.ptr + 10, 9);
        s.ptr = text;

        /* fall through */

    case HTTP_TIME_LOCAL:

        if (sms_time_local_parse(s.ptr, s.len, &us) != 0) {
            return 0;
        }

        break;

    default:

        for (i = 0; i < s.len; i++) {
            if (s.ptr[i] < '0' || s.ptr[i] > '9' || i == (format == HTTP_TIME_UNIX ? 12 : 15)) {
                return 0;
            }

            us = us * 10 + (s.ptr[i] - '0');
        }

        us *= format == HTTP_TIME_UNIX ? 1000000 : 1000;
    }

    return us <= 0 || us > now_us + HTTP_FUTURE_US ? 0 : us < now_us ? us : now_us;
}


size_t
http_event_number(sms_str_t s, char *out)
{
    size_t  i, n;

    if (s.len && s.ptr[0] == '+') {
        s.ptr++;
        s.len--;

    } else if (s.len > 10 && s.ptr[0] == '0' && s.ptr[1] == '0') {
        s.ptr += 2;
        s.len -= 2;

    } else if (s.len == 11 && s.ptr[0] == '0') {
        s.ptr++;
        s.len--;
    }

    for (i = 0; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++) {
        /* void */
    }

    n = 0;

    if (i == s.len && s.len == 10 && s.ptr[0] == '5') {
        out[n++] = '9';
        out[n++] = '0';
    }

    if (s.len) {
        memcpy(out + n, s.ptr, s.len);
    }

    return n + s.len;
}


static sms_str_t
http_event_keep(sms_str_t s, char **room)
{
    if (s.len) {
        memcpy(*room, s.ptr, s.len);
    }

    s.ptr = *room;
    *room += s.len;

    return s;
}


static sms_str_t
http_event_keep_number(sms_str_t s, char **room)
{
    sms_str_t  kept;

    kept.ptr = *room;
    kept.len = http_event_number(s, *room);
    *room += kept.len;

    return kept;
}


static uint32_t
http_event_code(sms_str_t s)
{
    size_t    i;
    uint32_t  n;

    for (i = 0, n = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || i == 9) {
            return 0;
        }

        n = n * 10 + (uint32_t) (s.ptr[i] - '0');
    }

    return n;
}


static int
http_event_receipt(http_events_t *e, const http_record_t *record, sms_inbound_t *ev,
    char *room)
{
    int64_t              now;
    sms_str_t            error;
    const http_entry_t  *state, *reason;

    error = record->field[HTTP_RECEIPT_ERROR];
    state = http_table_find(&e->conf->states, record->field[HTTP_RECEIPT_STATUS]);

    if (record->field[HTTP_RECEIPT_ID].len == 0
        || record->field[HTTP_RECEIPT_ID].len > SMS_OPERATOR_ID_MAX || state == NULL)
    {
        return 0;
    }

    now = e->host->core->now_us(e->host);
    ev->type = SMS_INBOUND_RECEIPT;
    ev->operator_id = http_event_keep(record->field[HTTP_RECEIPT_ID], &room);
    ev->state = state->value;

    /* as from a handset: the recipient's number is where a receipt comes from */
    if (record->field[HTTP_RECEIPT_TO].len
        && record->field[HTTP_RECEIPT_TO].len <= HTTP_NUMBER_MAX)
    {
        ev->from = http_event_keep_number(record->field[HTTP_RECEIPT_TO], &room);
    }

    if (record->field[HTTP_RECEIPT_TIME].len) {
        ev->at_us = http_event_time(e->conf->time_format, record->field[HTTP_RECEIPT_TIME],
                                    now);
    }

    reason = http_table_find(&e->conf->reasons, error);
    ev->operator_code = http_event_code(error);
    ev->reason = reason && ev->state != SMS_RECEIPT_DELIVERED ? reason->value
                 : ev->state == SMS_RECEIPT_EXPIRED ? (uint32_t) SMS_REASON_EXPIRED
                 : (uint32_t) SMS_REASON_NONE;

    return 1;
}


/* UCS-2, big endian, as SMPP's data_coding 8; "out" has room for 2 n */
static size_t
http_event_ucs2(sms_str_t text, char *out)
{
    size_t       n;
    uint32_t     cp;
    const char  *p, *end;

    end = text.ptr + text.len;

    for (p = text.ptr, n = 0; p < end; /* void */ ) {
        cp = sms_utf8_next(&p, end);

        if (cp > 0xFFFF) {
            cp -= 0x10000;
            out[n++] = (char) (0xD8 | cp >> 18);
            out[n++] = (char) (cp >> 10);
            cp = 0xDC00 | (cp & 0x3FF);
        }

        out[n++] = (char) (cp >> 8);
        out[n++] = (char) cp;
    }

    return n;
}


/*
 * The database knows a repetition by its time, too.  Where the operator tells none,
 * or another one each time, the first is remembered by the operator's id.
 */
static int64_t
http_event_first(http_events_t *e, sms_str_t id, int64_t at_us)
{
    int         n;
    char        name[SMS_DICT_KEY_MAX], value[24];
    size_t      i, len;
    int64_t     known;
    sms_str_t   key, now;
    sms_host_t *h = e->host;

    if (id.len == 0 || id.len > sizeof(name) - 8 || h->dict == NULL) {
        return at_us;
    }

    memcpy(name, "inbound ", 8);
    memcpy(name + 8, id.ptr, id.len);
    key.ptr = name;
    key.len = id.len + 8;

    if (h->dict->get(h, key, value, sizeof(value), &len) == SMS_OK && len < sizeof(value)) {
        for (i = 0, known = 0; i < len; i++) {
            known = known * 10 + (value[i] - '0');
        }

        return known;
    }

    n = snprintf(value, sizeof(value), "%lld", (long long) at_us);
    now.ptr = value;
    now.len = (size_t) n;
    (void) h->dict->set(h, key, now, HTTP_SEEN_MS);

    return at_us;
}


static int
http_event_message(http_events_t *e, const http_record_t *record, sms_inbound_t *ev,
    char *room)
{
    int64_t    now;
    sms_str_t  from, to, text;

    from = record->field[HTTP_INBOUND_FROM];
    to = record->field[HTTP_INBOUND_TO];
    text = record->field[HTTP_INBOUND_TEXT];

    if (from.len == 0 || from.len > HTTP_NUMBER_MAX || to.len == 0
        || to.len > HTTP_NUMBER_MAX || text.ptr == NULL
        || !sms_utf8_valid(text.ptr, text.len))
    {
        return 0;
    }

    now = e->host->core->now_us(e->host);
    ev->type = SMS_INBOUND_MESSAGE;
    ev->from = http_event_keep_number(from, &room);
    ev->to = http_event_keep_number(to, &room);
    ev->octets.ptr = room;
    ev->octets.len = http_event_ucs2(text, room);
    ev->data_coding = 8;

    if (record->field[HTTP_INBOUND_TIME].len) {
        ev->at_us = http_event_time(e->conf->time_format, record->field[HTTP_INBOUND_TIME],
                                    now);
    }

    /* without a time and an id the host has to know a repetition by the text */
    if (ev->at_us || record->field[HTTP_INBOUND_ID].len) {
        ev->at_us = http_event_first(e, record->field[HTTP_INBOUND_ID],
                                     ev->at_us ? ev->at_us : now);
    }

    return 1;
}


int
http_events_add(void *events, const http_record_t *record)
{
    int             ok;
    char           *room, **rooms;
    size_t          n;
    uint32_t        i, cap;
    http_events_t  *e = events;
    sms_inbound_t  *list;

    if (e->n == e->cap) {
        cap = e->cap ? 2 * e->cap : 8;
        list = realloc(e->events, cap * sizeof(sms_inbound_t));

        if (list == NULL) {
            goto failed;
        }

        e->events = list;
        rooms = realloc(e->rooms, cap * sizeof(char *));

        if (rooms == NULL) {
            goto failed;
        }

        e->rooms = rooms;
        e->cap = cap;
    }

    for (i = 0, n = 16; i < HTTP_FIELDS_MAX; i++) {
        n += 2 * record->field[i].len;
    }

    room = malloc(n);

    if (room == NULL) {
        goto failed;
    }

    memset(&e->events[e->n], 0, sizeof(sms_inbound_t));
    ok = e->receipts ? http_event_receipt(e, record, &e->events[e->n], room)
                     : http_event_message(e, record, &e->events[e->n], room);

    if (ok) {
        e->rooms[e->n++] = room;

    } else {
        free(room);
        e->bad++;
    }

    return 0;

failed:

    /* nothing of the callback is stored: it comes again */
    e->failed = 1;

    return 1;
}


sms_rc_t
http_events_deliver(http_events_t *e, void (*done)(void *data, sms_rc_t rc),
    void *data)
{
    if (e->failed) {
        return SMS_E_NOMEM;
    }

    return e->host->inbound->deliver(e->host, e->events, sizeof(sms_inbound_t), e->n, done,
                                     data);
}
