/*
 * iys_far.h - consent/iys whole, and a far end that a test scripts.
 *
 * A script is a list of lines; the first that fits a request and has times
 * left answers it.  Without one: tokens are given, numbers that end in an even
 * digit are approved, single queries find no record.
 */
#ifndef IYS_FAR_H
#define IYS_FAR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../plugins/consent/iys/iys.c"
#include "../../plugins/consent/iys/iys_answer.c"
#include "../../plugins/consent/iys/iys_ask.c"
#include "../../plugins/consent/iys/iys_base64.c"
#include "../../plugins/consent/iys/iys_budget.c"
#include "../../plugins/consent/iys/iys_call.c"
#include "../../plugins/consent/iys/iys_errand.c"
#include "../../plugins/consent/iys/iys_error.c"
#include "../../plugins/consent/iys/iys_halt.c"
#include "../../plugins/consent/iys/iys_pump.c"
#include "../../plugins/consent/iys/iys_push.c"
#include "../../plugins/consent/iys/iys_query.c"
#include "../../plugins/consent/iys/iys_status.c"
#include "../../plugins/consent/iys/iys_token.c"

#include "iys_host.h"

#define TOKEN   "/oauth2/token"
#define BULK    "/status/MESAJ"
#define SINGLE  "/consents/status"

typedef struct {
    const char  *url, *with;        /* part of url and of body; url NULL: end */
    uint32_t     times, status;
    sms_rc_t     rc;
    uint32_t     delay_ms;
    const char  *body;
} line_t;

static char  far_body[65536];


static inline void
far_token(world_answer_t *a)
{
    static unsigned  serial;

    snprintf(far_body, sizeof(far_body),
             "{\"access_token\":\"a%u\",\"expires_in\":7200,"
             "\"refresh_token\":\"r%u\",\"refresh_expires_in\":14400,"
             "\"token_type\":\"bearer\"}", serial, serial);
    serial++;

    a->status = 200;
    a->body = far_body;
}


/* Approves numbers that end in an even digit. */

static inline void
far_bulk(const world_request_t *q, world_answer_t *a)
{
    char        *p;
    const char  *s;

    p = far_body + sprintf(far_body, "{\"requestId\":\"id-%u\",\"list\":[",
                           (unsigned) world->nlog);

    for (s = strstr(q->body, "+905"); s != NULL; s = strstr(s + 1, "+905")) {
        if ((s[12] - '0') % 2 == 0) {
            p += sprintf(p, "%s\"%.13s\"", p[-1] == '[' ? "" : ",", s);
        }
    }

    strcpy(p, "]}");

    a->status = 200;
    a->body = far_body;
}


static inline void
far(world_t *w, const world_request_t *q, world_answer_t *a)
{
    line_t  *line;

    for (line = w->data; line != NULL && line->url != NULL; line++) {
        if (line->times > 0 && strstr(q->url, line->url) != NULL
            && (line->with == NULL || strstr(q->body, line->with) != NULL))
        {
            line->times--;
            a->rc = line->rc;
            a->status = line->status;
            a->body = line->body == NULL ? "" : line->body;
            a->delay_ms = line->delay_ms == 0 ? 20 : line->delay_ms;

            if (line->status == 200 && line->body == NULL) {
                far_bulk(q, a);
            }

            return;
        }
    }

    if (strstr(q->url, TOKEN) != NULL) {
        far_token(a);

    } else if (strstr(q->url, BULK) != NULL) {
        far_bulk(q, a);

    } else {
        a->status = 404;
        a->body = "{\"errors\":[{\"code\":\"H401\",\"message\":\"x\"}]}";
    }
}


static inline void
begin(uint32_t workers, line_t *script)
{
    char  err[256];

    world_new(workers, far);
    world->data = script;
    assert_int_equal(world_start(err, sizeof(err)), SMS_OK);
}


static inline int
told(const sms_consent_t *r, sms_rc_t status, sms_consent_state_t state,
    const char *code)
{
    return r->status == status && r->state == state
           && r->code.len == strlen(code)
           && (r->code.len == 0
               || memcmp(r->code.ptr, code, r->code.len) == 0);
}


/* Asks n numbers and waits; all of them were told the same. */

static inline void
all_told(uint32_t n, sms_rc_t status, sms_consent_state_t state,
    const char *code)
{
    uint32_t       i;
    world_call_t  *call;

    call = world_call(0, n, 0, SMS_RECIPIENT_BIREYSEL);
    (void) world_ask(call);
    world_run(61000);

    assert_int_equal(call->rc, SMS_OK);

    for (i = 0; i < n; i++) {
        if (!told(&call->results[i], status, state, code)) {
            print_message("item %u: %d %u %.*s, not %d %u %s\n", (unsigned) i,
                          (int) call->results[i].status,
                          (unsigned) call->results[i].state,
                          (int) call->results[i].code.len,
                          call->results[i].code.ptr, (int) status,
                          (unsigned) state, code);
        }

        assert_true(told(&call->results[i], status, state, code));
    }
}


/* tacir_policy not_refused */

static inline void
begin_not_refused(line_t *script)
{
    char  err[256];

    world_new(1, far);
    world->data = script;
    world_key("tacir_policy", NULL, 1);
    assert_int_equal(world_start(err, sizeof(err)), SMS_OK);
}

#endif /* IYS_FAR_H */
