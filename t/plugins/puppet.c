/*
 * puppet.c - a rule that does what the text of a message tells it to, for the
 * tests of the host: every way in which a plugin can behave, in one file.
 *
 * A word "name:deed" or "name:deed=n" of a text is for the instance of that name.
 *
 *   tag          a finding that blocks, "puppet-one" or "puppet-two" by the file
 *   tables       logs which tables it was given
 *   crash        abort()
 *   wait=n       blocks for n ms
 *   pend=n       completes after n ms, by a timer that keeps the worker
 *   inside       completes before it returns SMS_PENDING
 *   fail=n       completes after n ms with an error
 *   twice=n      completes after n ms, and once more
 *   never        does not complete
 *   late=n       completes after n ms, whether it was cancelled or not
 *   forge        completes calls that it never got
 *   steal        completes the call that another instance holds
 *   count=n      adds n to a number in the dictionary, and logs it
 *   fetch=n      asks port n for something by HTTP, and again after each failure
 *   past, ages   holds the message back until a time long ago, until the end of time
 *
 * With PUPPET_RUDE it has no cancel(), and writes its results before it completes.
 */
#include "sms_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef PUPPET_TAG
#define PUPPET_TAG  "one"
#endif

#define PUPPET_CALLS  64

typedef struct puppet_s  puppet_t;

typedef struct {
    puppet_t           *puppet;
    sms_call_t          call;           /* 0: free                                */
    const sms_batch_t  *batch;          /* NULL: out of bounds                    */
    sms_handle_t        timer;
    sms_rc_t            rc;
    int                 twice, late;
} puppet_call_t;

struct puppet_s {
    sms_host_t         *host;
    uint32_t            metric;
    int64_t             ready_us;
    long                port;           /* of fetch                               */
    long                fetched;
    puppet_call_t       calls[PUPPET_CALLS];
};

/* of whichever instance pended last */
static sms_call_t  puppet_last;

static const sms_conf_key_t  puppet_keys[] = {
    { .name = "init", .type = SMS_CONF_ENUM, .def = "ok", .choices = "ok|refuse|crash",
      .doc = "What init() does." },
    { .name = "ready_after", .type = SMS_CONF_MSEC, .def = "0s",
      .doc = "ready() says no for so long." },
    { .name = NULL }
};


static void
puppet_log(puppet_t *p, const char *what, long n)
{
    char  line[128];
    int   len;

    len = snprintf(line, sizeof(line), "puppet %.*s: %s %ld", (int) p->host->name.len,
                   p->host->name.ptr, what, n);
    p->host->core->log(p->host, SMS_LOG_NOTICE, line, (size_t) len);
}


static sms_rc_t
puppet_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    puppet_t  *p;

    if (conf->num(conf, "init") == 1) {
        snprintf(err, errcap, "told to refuse");
        return SMS_E_CONFIG;
    }

    if (conf->num(conf, "init") == 2) {
        abort();
    }

    p = calloc(1, sizeof(puppet_t));
    if (p == NULL) {
        return SMS_E_NOMEM;
    }

    p->host = h;
    p->ready_us = h->core->mono_us(h) + conf->num(conf, "ready_after") * 1000;
    if (h->metric) {
        p->metric = h->metric->define(h, 1, "deeds_total", "Deeds done");
    }
    *inst = p;
    puppet_log(p, "init " PUPPET_TAG, (long) h->worker);

    return SMS_OK;
}


static void
puppet_exit(void *inst)
{
    puppet_log(inst, "exit", 0);
    free(inst);
}


static int
puppet_ready(void *inst)
{
    puppet_t  *p = inst;

    return p->host->core->mono_us(p->host) >= p->ready_us;
}


static void
puppet_drain(void *inst)
{
    puppet_log(inst, "drain", 0);
}


static void
puppet_pass(const sms_batch_t *batch)
{
    sms_verdict_t  *v;
    uint32_t        i;

    for (i = 0; i < batch->n; i++) {
        v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i);
        v->action = SMS_PASS;
        v->version = (sms_str_t) SMS_STR(PUPPET_TAG);
    }
}


static void
puppet_wake(void *data)
{
    puppet_call_t  *c = data;
    puppet_t       *p = c->puppet;
    sms_call_t      call = c->call;
    int             twice = c->twice;
    sms_rc_t        rc;

    if (c->batch) {
        puppet_pass(c->batch);
    }

    c->call = 0;
    rc = p->host->core->complete(p->host, call, c->rc);
    puppet_log(p, "complete", rc);

    if (twice) {
        puppet_log(p, "again", p->host->core->complete(p->host, call, c->rc));
    }
}


static sms_rc_t
puppet_pend(puppet_t *p, sms_call_t call, const sms_batch_t *batch, long ms, sms_rc_t rc)
{
    puppet_call_t  *c = p->calls;

    while (c->call && c < p->calls + PUPPET_CALLS) {
        c++;
    }
    if (c == p->calls + PUPPET_CALLS) {
        return SMS_E_BUSY;
    }

    memset(c, 0, sizeof(*c));
    c->puppet = p;
    c->batch = batch;
    c->rc = rc;
    if (ms >= 0) {
        c->timer = p->host->loop->timer(p->host, (uint32_t) ms, 1, puppet_wake, c);
        if (c->timer == 0) {
            return SMS_E_BUSY;
        }
    }
    c->call = puppet_last = call;

    return SMS_PENDING;
}


#ifndef PUPPET_RUDE

static void
puppet_cancel(void *inst, sms_call_t call)
{
    puppet_t       *p = inst;
    puppet_call_t  *c;

    for (c = p->calls; c < p->calls + PUPPET_CALLS; c++) {
        if (c->call != call) {
            continue;
        }

        puppet_log(p, "cancel", 0);
        c->batch = NULL;
        if (!c->late) {
            if (c->timer) {
                p->host->loop->stop(p->host, c->timer);
            }
            c->call = 0;
        }
    }
}

#endif


static void
puppet_forge(puppet_t *p, sms_call_t call)
{
    const sms_core_api_t  *core = p->host->core;
    sms_call_t             tokens[] = {
        0, ~UINT64_C(0), call + 1, call + (UINT64_C(1) << 32), call - (UINT64_C(1) << 32),
        call ^ UINT64_C(0xffff), call >> 32, call << 32
    };
    unsigned               i;
    long                   refused = 0;

    for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        refused += core->complete(p->host, tokens[i], SMS_OK) == SMS_E_STALE
                   && core->alloc(p->host, tokens[i], 8) == NULL;
    }

    puppet_log(p, "forged refused", refused);
}


static void
puppet_tables(puppet_t *p)
{
    sms_host_t  *h = p->host;
    char         line[128];
    int          len;

    len = snprintf(line, sizeof(line), "puppet %.*s: tables%s%s%s%s%s%s%s%s%s.",
                   (int) h->name.len, h->name.ptr, h->core ? " core" : "",
                   h->loop ? " loop" : "", h->stream ? " stream" : "", h->http ? " http" : "",
                   h->db ? " db" : "", h->dict ? " dict" : "", h->metric ? " metric" : "",
                   h->outbox ? " outbox" : "", h->inbound ? " inbound" : "");
    h->core->log(h, SMS_LOG_NOTICE, line, (size_t) len);
}


static void
puppet_wait(long ms)
{
    struct timespec  ts = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&ts, NULL);
}


static void
puppet_tag(const sms_batch_t *batch, uint32_t i)
{
    static const sms_finding_t  finding = {
        .code = SMS_STR("puppet-" PUPPET_TAG), .severity = SMS_SEVERITY_BLOCK,
        .floor = SMS_SEVERITY_BLOCK, .detail_tr = SMS_STR("ipler " PUPPET_TAG),
        .detail_en = SMS_STR("strings of " PUPPET_TAG), .source = SMS_STR("puppet.c")
    };
    sms_verdict_t              *v;

    v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i);
    v->findings = &finding;
    v->nfindings = 1;
    v->stride = sizeof(sms_finding_t);
}


static void
puppet_fetch(void *data, const sms_http_res_t *r)
{
    puppet_t        *p = data;
    char             url[64];
    sms_http_req_t   req;

    if (r) {
        p->fetched++;
        if (p->fetched < 5 || p->fetched % 1000 == 0) {
            puppet_log(p, "fetched", r->rc);
        }
        if (r->rc == SMS_OK) {
            return;
        }
    }

    memset(&req, 0, sizeof(req));
    req.size = sizeof(req);
    req.url.ptr = url;
    req.url.len = (size_t) snprintf(url, sizeof(url), "http://127.0.0.1:%ld/", p->port);
    req.timeout_ms = 60000;
    (void) p->host->http->request(p->host, &req, puppet_fetch, p);
}


static void
puppet_defer(const sms_batch_t *batch, uint32_t i, int64_t until_us)
{
    sms_verdict_t  *v;

    v = SMS_AT(sms_verdict_t, batch->results, batch->result_stride, i);
    v->action = SMS_DEFER;
    v->defer_until_us = until_us;
}


/* the text is not ended by a NUL */
static long
puppet_number(const char *at, const char *end)
{
    long  n = 0;

    while (at < end && *at >= '0' && *at <= '9') {
        n = n * 10 + (*at++ - '0');
    }

    return n;
}


static int
puppet_is(const char *deed, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(deed, name, len) == 0;
}


static sms_rc_t
puppet_do(puppet_t *p, sms_call_t call, const sms_batch_t *batch, uint32_t item,
    const char *deed, size_t len, long n)
{
    static const sms_str_t  key = SMS_STR("count");
    int64_t                 now;
    sms_rc_t                rc;

    if (p->metric) {
        p->host->metric->add(p->host, p->metric, 1);
    }

    if (puppet_is(deed, len, "tag")) {
        puppet_tag(batch, item);

    } else if (puppet_is(deed, len, "fetch") && p->host->http) {
        p->port = n;
        puppet_fetch(p, NULL);

    } else if (puppet_is(deed, len, "past")) {
        puppet_defer(batch, item, 1);

    } else if (puppet_is(deed, len, "ages")) {
        puppet_defer(batch, item, INT64_MAX);

    } else if (puppet_is(deed, len, "tables")) {
        puppet_tables(p);

    } else if (puppet_is(deed, len, "crash")) {
        abort();

    } else if (puppet_is(deed, len, "wait")) {
        puppet_wait(n);

    } else if (puppet_is(deed, len, "pend")) {
        return puppet_pend(p, call, batch, n, SMS_OK);

    } else if (puppet_is(deed, len, "fail")) {
        return puppet_pend(p, call, batch, n, SMS_E_DOWN);

    } else if (puppet_is(deed, len, "inside")) {
        puppet_log(p, "complete", p->host->core->complete(p->host, call, SMS_OK));
        return SMS_PENDING;

    } else if (puppet_is(deed, len, "twice") || puppet_is(deed, len, "late")) {
        rc = puppet_pend(p, call, batch, n, SMS_OK);
        if (rc == SMS_PENDING) {
            puppet_call_t  *c = p->calls;

            while (c->call != call) {
                c++;
            }
            c->twice = deed[0] == 't';
            c->late = deed[0] == 'l';
        }
        return rc;

    } else if (puppet_is(deed, len, "never")) {
        return puppet_pend(p, call, batch, -1, SMS_OK);

    } else if (puppet_is(deed, len, "forge")) {
        puppet_forge(p, call);

    } else if (puppet_is(deed, len, "steal")) {
        puppet_log(p, "stolen", p->host->core->complete(p->host, puppet_last, SMS_OK));

    } else if (puppet_is(deed, len, "count") && p->host->dict) {
        now = -1;
        rc = p->host->dict->incr(p->host, key, n, 0, &now);
        puppet_log(p, rc == SMS_OK ? "count" : "count failed", (long) now);
    }

    return SMS_OK;
}


static sms_rc_t
puppet_evaluate(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    puppet_t         *p = inst;
    const sms_msg_t  *msg;
    const char       *at, *end, *word, *deed, *eq;
    uint32_t          i;
    sms_rc_t          rc = SMS_OK, one;

    puppet_pass(batch);

    for (i = 0; i < batch->n; i++) {
        msg = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        at = msg->text.ptr;
        end = at + msg->text.len;

        while (at < end) {
            word = at;
            while (at < end && *at != ' ') {
                at++;
            }

            if ((size_t) (at - word) > p->host->name.len + 1
                && memcmp(word, p->host->name.ptr, p->host->name.len) == 0
                && word[p->host->name.len] == ':')
            {
                deed = word + p->host->name.len + 1;
                eq = memchr(deed, '=', (size_t) (at - deed));
                one = puppet_do(p, call, batch, i, deed, (size_t) ((eq ? eq : at) - deed),
                                eq ? puppet_number(eq + 1, at) : 1);
                if (one != SMS_OK) {
                    rc = one;
                }
            }

            at++;
        }
    }

    return rc;
}


static const sms_ops_t  puppet_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = puppet_keys,
    .init = puppet_init,
    .exit = puppet_exit,
    .drain = puppet_drain,
#ifndef PUPPET_RUDE
    .cancel = puppet_cancel,
#endif
    .rule_evaluate = puppet_evaluate,
    .ready = puppet_ready
};

SMS_PLUGIN("puppet", PUPPET_TAG, "BSD-2-Clause", "Does what the text says",
           1u << SMS_KIND_RULE, puppet_ops);
