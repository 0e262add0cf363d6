/*
 * iys_host.h - a small host for the tests of consent/iys: several workers over
 * one dictionary, one virtual clock, and a far end that is a function.
 *
 * The fake host of the SDK is one worker; what matters here is that workers
 * share pace, token and stops.
 */
#ifndef IYS_HOST_H
#define IYS_HOST_H

#include "sms_plugin.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_WORKERS   4
#define WORLD_ITEMS     1024
#define WORLD_START_US  (INT64_C(1772440000) * 1000000 + 123456)

extern const sms_ops_t *const sms_plugin_ops;

typedef struct world_s world_t;

typedef struct {
    uint32_t  worker;
    int64_t   at_us;
    char      url[256], authorization[128], *body;
    size_t    body_len;
} world_request_t;

typedef struct {
    sms_rc_t     rc;
    uint32_t     status, delay_ms;
    const char  *body;              /* copied                                */
} world_answer_t;

/* What the far end says to a request. */
typedef void (*world_far_pt)(world_t *w, const world_request_t *q,
    world_answer_t *a);

typedef struct world_event_s {      /* a timer, or an answer on its way      */
    struct world_event_s  *next;
    sms_handle_t           id;
    int64_t                at_us;
    sms_fn                 fn;
    void                  *data;
    void                 (*done)(void *d, const sms_http_res_t *r);
    sms_http_res_t         res;
    char                  *body;
} world_event_t;

typedef struct {
    char     key[128], *value;
    size_t   len;
    int64_t  number, until_us;
} world_entry_t;

typedef struct world_memory_s {
    struct world_memory_s  *next;
} world_memory_t;

typedef struct {
    sms_host_t       *host;
    void             *inst;
    sms_call_t        token;
    int               open;
    sms_rc_t          rc;           /* SMS_PENDING while open                */
    sms_batch_t       batch;
    sms_msg_t         msgs[WORLD_ITEMS];
    char              to[WORLD_ITEMS][16];
    sms_consent_t     results[WORLD_ITEMS];
    world_memory_t   *memory;
    int64_t           ended_us;
} world_call_t;

typedef struct { const char *name, *value; int64_t num; } world_conf_t;

struct world_s {
    int64_t            now_us;
    struct sms_host_s  hosts[WORLD_WORKERS];
    void              *inst[WORLD_WORKERS];
    uint32_t           workers;
    world_event_t     *events;
    sms_handle_t       serial;
    world_entry_t      dict[4096];
    uint32_t           ndict;
    int                dict_full;   /* set() and incr() fail                 */
    const char        *set_fails;   /* of keys that begin so                 */
    int                alloc_fails, timer_fails, request_fails;
    world_far_pt       far;
    void              *data;
    world_request_t    log[8192];
    uint32_t           nlog;
    world_call_t      *calls[64];
    uint32_t           ncalls;
    int64_t            metric[32];
    char               metric_name[32][40];
    uint32_t           nmetric;
    char               text[65536]; /* of the log                            */
    world_conf_t       conf[32];
};

static world_t  *world;


static void
world_log(sms_host_t *h, sms_level_t level, const char *msg, size_t len)
{
    size_t  used;

    (void) h;
    (void) level;
    used = strlen(world->text);

    if (used + len + 2 < sizeof(world->text)) {
        memcpy(world->text + used, msg, len);
        memcpy(world->text + used + len, "\n", 2);
    }
}


static int64_t
world_now(sms_host_t *h)
{
    (void) h;
    return world->now_us;
}


static world_call_t *
world_find(sms_call_t token)
{
    uint32_t  i;

    for (i = 0; i < world->ncalls; i++) {
        if (world->calls[i]->token == token) {
            return world->calls[i];
        }
    }

    return NULL;
}


static void *
world_alloc(sms_host_t *h, sms_call_t token, size_t n)
{
    world_call_t    *call;
    world_memory_t  *m;

    (void) h;
    call = world_find(token);
    assert(call != NULL && call->open);

    if (world->alloc_fails) {
        return NULL;
    }

    m = malloc(sizeof(*m) + n);
    assert(m != NULL);
    m->next = call->memory;
    call->memory = m;

    return m + 1;
}


static sms_rc_t
world_complete(sms_host_t *h, sms_call_t token, sms_rc_t rc)
{
    world_call_t  *call;

    (void) h;
    call = world_find(token);
    assert(call != NULL && call->open && rc != SMS_PENDING);

    call->open = 0;
    call->rc = rc;
    call->ended_us = world->now_us;

    return SMS_OK;
}


static world_event_t *
world_event(int64_t delay_us)
{
    world_event_t  *e, **p;

    e = calloc(1, sizeof(*e));
    assert(e != NULL);
    e->id = ++world->serial;
    e->at_us = world->now_us + delay_us;

    for (p = &world->events; *p && (*p)->at_us <= e->at_us; p = &(*p)->next) {
        /* behind those of the same moment */
    }

    e->next = *p;
    *p = e;

    return e;
}


static sms_handle_t
world_timer(sms_host_t *h, uint32_t delay_ms, uint32_t keep, sms_fn fn,
    void *d)
{
    world_event_t  *e;

    (void) h;
    (void) keep;

    if (world->timer_fails) {
        return 0;
    }

    e = world_event((int64_t) delay_ms * 1000);
    e->fn = fn;
    e->data = d;

    return e->id;
}


static void
world_stop(sms_host_t *h, sms_handle_t id)
{
    world_event_t  *e, **p;

    (void) h;

    for (p = &world->events; *p != NULL; p = &(*p)->next) {
        if ((*p)->id == id) {
            e = *p;
            *p = e->next;
            free(e->body);
            free(e);
            return;
        }
    }

    assert(!"stop() of what is not there");
}


static sms_handle_t
world_http(sms_host_t *h, const sms_http_req_t *q,
    void (*done)(void *d, const sms_http_res_t *r), void *d)
{
    uint32_t          i;
    world_event_t    *e;
    world_answer_t    a;
    world_request_t  *r;

    if (world->request_fails) {
        return 0;
    }

    assert(world->nlog < sizeof(world->log) / sizeof(world->log[0]));

    r = &world->log[world->nlog++];
    r->worker = h->worker;
    r->at_us = world->now_us;
    snprintf(r->url, sizeof(r->url), "%.*s", (int) q->url.len, q->url.ptr);
    r->body_len = q->body.len;
    r->body = calloc(1, q->body.len + 1);
    memcpy(r->body, q->body.ptr, q->body.len);

    for (i = 0; i < q->nheaders; i++) {
        if (q->headers[i].name.len == 13) {
            snprintf(r->authorization, sizeof(r->authorization), "%.*s",
                     (int) q->headers[i].value.len, q->headers[i].value.ptr);
        }
    }

    memset(&a, 0, sizeof(a));
    a.delay_ms = 20;
    a.body = "";
    world->far(world, r, &a);

    e = world_event((int64_t) a.delay_ms * 1000);
    e->done = done;
    e->data = d;
    e->res.rc = a.rc;
    e->res.status = a.status;
    e->res.body.len = strlen(a.body);
    e->body = malloc(e->res.body.len + 1);
    assert(e->body != NULL);
    memcpy(e->body, a.body, e->res.body.len + 1);
    e->res.body.ptr = e->body;

    return e->id;
}


static world_entry_t *
world_entry(sms_str_t key, int make)
{
    uint32_t        i;
    world_entry_t  *e;

    assert(key.len < sizeof(e->key));

    for (i = 0; i < world->ndict; i++) {
        e = &world->dict[i];

        if (strlen(e->key) == key.len
            && memcmp(e->key, key.ptr, key.len) == 0)
        {
            if (e->until_us <= world->now_us) {
                free(e->value);
                e->value = NULL;
                e->number = 0;
                e->until_us = 0;

                if (!make) {
                    return NULL;
                }
            }

            return e;
        }
    }

    if (!make) {
        return NULL;
    }

    assert(world->ndict < sizeof(world->dict) / sizeof(world->dict[0]));

    e = &world->dict[world->ndict++];
    memset(e, 0, sizeof(*e));
    memcpy(e->key, key.ptr, key.len);

    return e;
}


static sms_rc_t
world_get(sms_host_t *h, sms_str_t key, char *buf, size_t cap, size_t *len)
{
    world_entry_t  *e;

    (void) h;
    e = world_entry(key, 0);

    if (e == NULL || e->value == NULL || e->len > cap) {
        return SMS_E_INVAL;
    }

    memcpy(buf, e->value, e->len);
    *len = e->len;

    return SMS_OK;
}


static sms_rc_t
world_set(sms_host_t *h, sms_str_t key, sms_str_t value, uint32_t ttl_ms)
{
    world_entry_t  *e;

    (void) h;

    if (world->dict_full
        || (world->set_fails != NULL
            && memcmp(key.ptr, world->set_fails, strlen(world->set_fails))
               == 0))
    {
        return SMS_E_NOMEM;
    }

    e = world_entry(key, 1);
    free(e->value);
    e->value = malloc(value.len + 1);
    memcpy(e->value, value.ptr, value.len);
    e->len = value.len;
    e->until_us = world->now_us + (int64_t) ttl_ms * 1000;

    return SMS_OK;
}


static sms_rc_t
world_incr(sms_host_t *h, sms_str_t key, int64_t by, uint32_t ttl_ms,
    int64_t *now)
{
    world_entry_t  *e;

    (void) h;

    if (world->dict_full) {
        return SMS_E_NOMEM;
    }

    e = world_entry(key, 1);
    e->number += by;

    if (e->until_us == 0) {
        e->until_us = world->now_us + (int64_t) ttl_ms * 1000;
    }

    *now = e->number;

    return SMS_OK;
}


static uint32_t
world_define(sms_host_t *h, uint32_t type, const char *name, const char *help)
{
    uint32_t  i;

    (void) h;
    assert((type == 1 || type == 2) && help[0] != '\0');

    for (i = 0; i < world->nmetric; i++) {
        if (strcmp(world->metric_name[i], name) == 0) {
            return i + 1;
        }
    }

    snprintf(world->metric_name[i], sizeof(world->metric_name[i]), "%s", name);
    world->nmetric++;

    return i + 1;
}


static void
world_add(sms_host_t *h, uint32_t metric, int64_t value)
{
    (void) h;
    world->metric[metric - 1] += value;
}


static sms_str_t
world_conf_str(const sms_conf_t *c, const char *name)
{
    uint32_t   i;
    sms_str_t  s;

    (void) c;
    s.ptr = "";
    s.len = 0;

    for (i = 0; world->conf[i].name != NULL; i++) {
        if (strcmp(world->conf[i].name, name) == 0
            && world->conf[i].value != NULL)
        {
            s.ptr = world->conf[i].value;
            s.len = strlen(s.ptr);
        }
    }

    return s;
}


static int64_t
world_conf_num(const sms_conf_t *c, const char *name)
{
    uint32_t  i;

    (void) c;

    for (i = 0; world->conf[i].name != NULL; i++) {
        if (strcmp(world->conf[i].name, name) == 0) {
            return world->conf[i].num;
        }
    }

    assert(!"no such key");
    return 0;
}


static const sms_core_api_t  world_core = {
    .size = sizeof(sms_core_api_t), .log = world_log, .now_us = world_now,
    .mono_us = world_now, .alloc = world_alloc, .complete = world_complete
};
static const sms_loop_api_t  world_loop = {
    .size = sizeof(sms_loop_api_t), .timer = world_timer, .stop = world_stop
};
static const sms_http_api_t  world_http_api = {
    .size = sizeof(sms_http_api_t), .request = world_http, .abort = world_stop
};
static const sms_dict_api_t  world_dict_api = {
    .size = sizeof(sms_dict_api_t), .get = world_get, .set = world_set,
    .incr = world_incr
};
static const sms_metric_api_t  world_metric_api = {
    .size = sizeof(sms_metric_api_t), .define = world_define, .add = world_add
};
static const sms_conf_t  world_conf = {
    .size = sizeof(sms_conf_t), .str = world_conf_str, .num = world_conf_num
};


/* Changes a key before world_start(). */
static inline void
world_key(const char *name, const char *value, int64_t num)
{
    uint32_t  i;

    for (i = 0; world->conf[i].name != NULL
                && strcmp(world->conf[i].name, name) != 0; i++)
    {
        /* look for it */
    }

    world->conf[i].name = name;
    world->conf[i].value = value;
    world->conf[i].num = num;
}


static inline void
world_new(uint32_t workers, world_far_pt far)
{
    world = calloc(1, sizeof(*world));
    assert(world != NULL);

    world->now_us = WORLD_START_US;
    world->workers = workers;
    world->far = far;

    world_key("base_url", "http://127.0.0.1:1", 0);
    world_key("username", "api@firma.example", 0);
    world_key("password", "par\"ola", 0);
    world_key("rate", NULL, 10);
    world_key("timeout", NULL, 10000);
    world_key("max_age", NULL, 3600000);
    world_key("tacir_policy", NULL, 0);
    world_key("batch", NULL, 1000);
    world_key("feed", NULL, 600000);
    world_key("feed_page", NULL, 500);
    world_key("reconcile", NULL, 1);
    world_key("agreement", NULL, 0);
    world_key("integrator", NULL, 0);
    world_key("push", NULL, 0);
}


static inline sms_rc_t
world_start(char *err, size_t errcap)
{
    uint32_t  i;
    sms_rc_t  rc;

    for (i = 0; i < world->workers; i++) {
        struct sms_host_s  *h = &world->hosts[i];

        h->size = sizeof(*h);
        h->worker = i;
        h->workers = world->workers;
        h->core = &world_core;
        h->loop = &world_loop;
        h->http = &world_http_api;
        h->dict = &world_dict_api;
        h->metric = &world_metric_api;

        rc = sms_plugin_ops->init(h, &world_conf, &world->inst[i], err,
                                  errcap);
        if (rc != SMS_OK) {
            return rc;
        }
    }

    return SMS_OK;
}


static const sms_brand_t  world_brand = {
    .size = sizeof(sms_brand_t), .id = 1, .owner_account = 1,
    .iys_code = 100200, .brand_code = 100200
};


/* A call with n numbers 905320000000 + first ...; ask() sends it. */
static inline world_call_t *
world_call(uint32_t worker, uint32_t n, uint32_t first, sms_recipient_t type)
{
    uint32_t       i;
    world_call_t  *call;

    call = calloc(1, sizeof(*call));
    assert(call != NULL && n <= WORLD_ITEMS && world->ncalls < 64);

    call->host = &world->hosts[worker];
    call->inst = world->inst[worker];
    call->token = 1000 + world->ncalls;

    for (i = 0; i < n; i++) {
        snprintf(call->to[i], sizeof(call->to[i]), "90532%07u",
                 (unsigned) (first + i) % 10000000);
        call->msgs[i].to.ptr = call->to[i];
        call->msgs[i].to.len = strlen(call->to[i]);
        call->msgs[i].klass = SMS_CLASS_COMMERCIAL;
        call->msgs[i].recipient_type = (uint8_t) type;
        call->msgs[i].brand = &world_brand;
    }

    call->batch.size = sizeof(call->batch);
    call->batch.n = n;
    call->batch.items = call->msgs;
    call->batch.item_stride = sizeof(sms_msg_t);
    call->batch.results = call->results;
    call->batch.result_stride = sizeof(sms_consent_t);
    call->batch.deadline_us = world->now_us + INT64_C(60000000);

    world->calls[world->ncalls++] = call;

    return call;
}


static inline sms_rc_t
world_ask(world_call_t *call)
{
    sms_rc_t  rc;

    call->open = 1;
    call->rc = SMS_PENDING;

    rc = sms_plugin_ops->consent_lookup(call->inst, call->token, &call->batch);

    if (rc != SMS_PENDING) {
        assert(call->open);
        call->open = 0;
        call->rc = rc;
        call->ended_us = world->now_us;
    }

    return rc;
}


static inline void
world_cancel(world_call_t *call)
{
    sms_plugin_ops->cancel(call->inst, call->token);
    call->open = 0;
    memset(call->results, 0x5a, sizeof(call->results));
}


static inline int
world_step(void)
{
    world_event_t  *e;

    e = world->events;

    if (e == NULL) {
        return 0;
    }

    world->events = e->next;

    if (e->at_us > world->now_us) {
        world->now_us = e->at_us;
    }

    if (e->fn != NULL) {
        e->fn(e->data);
    } else {
        e->done(e->data, &e->res);
    }

    free(e->body);
    free(e);

    return 1;
}


/* Until nothing is due any more; at most "ms". */
static inline void
world_run(int64_t ms)
{
    int64_t  until;

    until = world->now_us + ms * 1000;

    while (world->events != NULL && world->events->at_us <= until) {
        (void) world_step();
    }
}


static inline void
world_pass(int64_t ms)
{
    int64_t  until;

    until = world->now_us + ms * 1000;
    world_run(ms);
    world->now_us = until;
}


static inline uint32_t
world_count(const char *part)
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < world->nlog; i++) {
        n += strstr(world->log[i].url, part) != NULL;
    }

    return n;
}


static inline int64_t
world_metric(const char *name)
{
    uint32_t  i;

    for (i = 0; i < world->nmetric; i++) {
        if (strcmp(world->metric_name[i], name) == 0) {
            return world->metric[i];
        }
    }

    return -1;
}


/* Ends everything; what the plugin forgot to stop is an assertion. */
static inline void
world_free(void)
{
    uint32_t         i;
    world_memory_t  *m;

    for (i = 0; i < world->workers; i++) {
        if (world->inst[i] != NULL) {
            sms_plugin_ops->exit(world->inst[i]);
        }
    }

    assert(world->events == NULL);

    for (i = 0; i < world->ncalls; i++) {
        while (world->calls[i]->memory != NULL) {
            m = world->calls[i]->memory;
            world->calls[i]->memory = m->next;
            free(m);
        }

        free(world->calls[i]);
    }

    for (i = 0; i < world->ndict; i++) {
        free(world->dict[i].value);
    }

    for (i = 0; i < world->nlog; i++) {
        free(world->log[i].body);
    }

    free(world);
    world = NULL;
}

#endif /* IYS_HOST_H */
