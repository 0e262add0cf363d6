/*
 * http_status - what an operator's answers and receipts mean.
 *
 * An entry of a table is KEY=WORD.  In answers the words are
 *
 *   sent         it has taken the message
 *   retry        it failed, not the message: again later
 *   throttled    too fast; the link pauses
 *   down         it cannot work now; the link pauses, longer each time
 *   failover     not over this link; over another, at once
 *   stop         it refuses whatever comes (credentials, credit); the link rests
 *   unknown      it may have taken it: in doubt
 *   invalid_number, sender, content, consent, blacklist, sim_changed, expired,
 *   ported, other  final: no link tries again
 *
 * In receipts they are the states of sms_receipt_state_t in lower case.
 */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

#include <stdint.h>

#include "sms_plugin.h"

#define HTTP_ENTRIES_MAX  128
#define HTTP_WORDS                                                             \
    "sent, retry, throttled, down, failover, stop, unknown, or final: "        \
    "invalid_number, sender, content, consent, blacklist, sim_changed, "       \
    "expired, ported, other"
#define HTTP_REASONS                                                           \
    "invalid_number, sender, content, consent, blacklist, sim_changed, "       \
    "expired, ported, other"
#define HTTP_STATES                                                            \
    "enroute, delivered, expired, deleted, undelivered, accepted, unknown, "   \
    "rejected"

typedef enum {
    HTTP_SENT = 1, HTTP_FINAL, HTTP_RETRY, HTTP_THROTTLED, HTTP_DOWN,
    HTTP_FAILOVER, HTTP_STOP, HTTP_UNKNOWN
} http_class_t;

typedef struct {
    http_class_t  klass;
    sms_reason_t  reason;
} http_verdict_t;

typedef struct {
    sms_str_t     key;
    uint32_t      klass, value;         /* value: reason or receipt state      */
} http_entry_t;

typedef struct {
    http_entry_t  entries[HTTP_ENTRIES_MAX];
    uint32_t      n;
} http_table_t;

/* What stands right of the last '=' of an entry. */
typedef enum { HTTP_TABLE_ANSWER, HTTP_TABLE_STATE, HTTP_TABLE_REASON } http_table_kind_t;

/* Adds "KEY=WORD"; "item" must stay.  SMS_OK, or SMS_E_CONFIG: no such form or
 * word, the key is there already, or the table is full.                       */
sms_rc_t http_table_add(http_table_t *t, http_table_kind_t kind, sms_str_t item);

const http_entry_t *http_table_find(const http_table_t *t, sms_str_t key);

/* Of an HTTP status: by the table ("429", then "4xx"), else by what RFC 9110 says
 * of it.  2xx is SENT.                                                         */
http_verdict_t http_status_judge(const http_table_t *t, uint32_t status);

/* "429", "4xx" */
int http_status_key(sms_str_t key);

#endif /* HTTP_STATUS_H */
