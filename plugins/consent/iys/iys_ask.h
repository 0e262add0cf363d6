/*
 * iys_ask.h - one request to İYS that nobody's message waits for: a page of the
 * feed, a list of partners, a day's file.
 *
 * It takes its slot of the common pace after the status queries, and its token
 * with them; one that has waited for IYS_ASK_PATIENCE_US goes in between, so
 * that a long campaign does not keep refusals from being heard.  It is sent
 * once, and a second time with a new token after a 401: when to try again is
 * whoever asks' to say.
 */
#ifndef IYS_ASK_H
#define IYS_ASK_H

#include "iys.h"

#define IYS_ASK_PATIENCE_US  (10 * IYS_SECOND_US)

typedef struct {
    uint32_t     http;                  /* 0: no answer                         */
    const char  *klass;                 /* NULL: answered with 200, 201, 202 or
                                           204; else "retry", "next_hour",
                                           "stop", "item", "request"           */
    const char  *code;                  /* of İYS's table or ours; a literal    */
    sms_str_t    body;                  /* of the answer, until done() returns  */
} iys_told_t;

struct iys_ask_s {
    iys_ask_t      *prev, *next;
    iys_t          *iys;
    uint32_t        sent, reauthed;
    uint32_t        hourly;             /* one of the 100 histories an hour     */
    uint32_t        unhalted;           /* goes even when the account is stopped */
    int64_t         since_us;
    int64_t         token_us;           /* which token it was sent with         */
    sms_handle_t    request;
    const char     *method;             /* until the end                        */
    char           *path;               /* from "/" on; malloc(), ours          */
    char           *body;               /* malloc(), ours; NULL: none           */
    size_t          body_len;
    uint32_t        iys_code, brand_code;   /* 0: of no account, of no brand    */
    /* One of them gets the ask back: iys_ask_free() is for it to call. */
    void          (*done)(iys_ask_t *ask, const iys_told_t *told);
    void          (*gone)(iys_ask_t *ask);  /* dropped without an answer        */

    char           *authorization, *url;
    sms_kv_t        headers[3];
};

/* Zeroed, of "size" bytes of which iys_ask_t is the first member; NULL. */
iys_ask_t *iys_ask_create(iys_t *iys, size_t size);
/* From here on done() or gone() comes, never from inside. */
void iys_ask_wait(iys_ask_t *ask);
/* The next one to leave; NULL: none. */
iys_ask_t *iys_ask_due(iys_t *iys);
/* True when it left; false: it was answered without a request. */
int iys_ask_send(iys_ask_t *ask, int64_t now);
/* All that have not left. */
void iys_ask_fail_all(iys_t *iys, const char *klass, const char *code);
void iys_ask_free_all(iys_t *iys);
/* One that does not wait, and was not sent. */
void iys_ask_free(iys_ask_t *ask);

#endif /* IYS_ASK_H */
