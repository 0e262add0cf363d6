/*
 * ported.c - lookup of ported numbers in a file; no grants.
 *
 * The file is looked at now and then; a changed one is read beside the old one, a
 * piece in a turn of the loop, and takes its place when it is whole and right.  What
 * it does not have was not ported: the prefix tells.
 */
#include "sms_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ported_table.h"


#define PORTED_AT_ONCE  4               /* steps of init(): 1 MiB                 */

typedef struct {
    sms_host_t      *host;
    char             path[4096];
    uint32_t         every_ms;
    ported_table_t   table, next;
    int              reading;
    uint64_t         bad_mtime, bad_size;       /* was found wrong: not told again */
    sms_handle_t     timer;
} ported_t;


static const sms_conf_key_t  ported_keys[] = {
    { .name = "table", .type = SMS_CONF_PATH, .required = 1,
      .doc = "file of ported numbers, ascending: NUMBER MCC-MNC in each line" },
    { .name = "check", .type = SMS_CONF_MSEC, .def = "10s", .min = 100, .max = 3600000,
      .doc = "how often the file is looked at" },
    { .name = NULL }
};


static int
ported_path(const sms_conf_t *conf, char *out, size_t cap, char *err, size_t errcap)
{
    sms_str_t  path;

    path = conf->str(conf, "table");
    if (path.len == 0 || path.len >= cap) {
        snprintf(err, errcap, "table: the path is empty or too long");
        return -1;
    }
    memcpy(out, path.ptr, path.len);
    out[path.len] = '\0';

    return 0;
}


static sms_rc_t
ported_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    ported_table_t  t;
    char            path[4096], why[256];
    int             rc;

    if (ported_path(conf, path, sizeof(path), err, errcap) != 0) {
        return SMS_E_CONFIG;
    }

    rc = ported_table_open(&t, path, why, sizeof(why));
    if (rc == 0) {
        do {
            rc = ported_table_step(&t, why, sizeof(why));
        } while (rc == 1);
    }
    ported_table_close(&t);

    if (rc != 0) {
        snprintf(err, errcap, "%s: %s", path, why);
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


static void
ported_log(ported_t *f, sms_level_t level, const char *what)
{
    char  line[512];
    int   n;

    n = snprintf(line, sizeof(line), "ported numbers: %s", what);
    if (n > 0) {
        f->host->core->log(f->host, level, line,
                           (size_t) n < sizeof(line) ? (size_t) n : sizeof(line) - 1);
    }
}


/* 1: there is more to read */
static int
ported_step(ported_t *f)
{
    char  why[256], told[300];
    int   rc;

    rc = ported_table_step(&f->next, why, sizeof(why));
    if (rc == 1) {
        return 1;
    }

    f->reading = 0;

    if (rc < 0) {
        snprintf(told, sizeof(told), "not taken, the old ones stay: %s", why);
        ported_log(f, SMS_LOG_ERROR, told);
        f->bad_mtime = f->next.mtime;
        f->bad_size = f->next.size;
        ported_table_close(&f->next);
        return 0;
    }

    ported_table_close(&f->table);
    f->table = f->next;
    memset(&f->next, 0, sizeof(f->next));
    f->next.fd = -1;
    snprintf(told, sizeof(told), "read: %llu", (unsigned long long) f->table.numbers);
    ported_log(f, SMS_LOG_NOTICE, told);

    return 0;
}


static void
ported_begin(ported_t *f)
{
    char  why[256], told[300];

    if (ported_table_open(&f->next, f->path, why, sizeof(why)) != 0) {
        snprintf(told, sizeof(told), "not opened, the old ones stay: %s", why);
        ported_log(f, SMS_LOG_ERROR, told);
        return;
    }

    /* told once, not each time it is looked at */
    if (f->next.mtime == f->bad_mtime && f->next.size == f->bad_size) {
        ported_table_close(&f->next);
        return;
    }

    f->reading = 1;
}


static void
ported_turn(void *data)
{
    ported_t  *f = data;

    if (!f->reading && ported_table_changed(&f->table, f->path)) {
        ported_begin(f);

    } else if (f->reading) {
        (void) ported_step(f);
    }

    f->timer = f->host->loop->timer(f->host, f->reading ? 1 : f->every_ms, 0, ported_turn, f);
}


static sms_rc_t
ported_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    ported_t  *f;
    char       why[256];
    int        i, rc;

    f = calloc(1, sizeof(ported_t));
    if (f == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    f->host = h;
    f->every_ms = (uint32_t) conf->num(conf, "check");
    f->table.fd = -1;
    f->next.fd = -1;

    if (ported_path(conf, f->path, sizeof(f->path), err, errcap) != 0) {
        free(f);
        return SMS_E_CONFIG;
    }

    if (ported_table_open(&f->next, f->path, why, sizeof(why)) != 0) {
        snprintf(err, errcap, "%.200s: %s", f->path, why);
        free(f);
        return SMS_E_CONFIG;
    }

    /* a small file is there from the first message on */
    f->reading = 1;
    for (i = 0, rc = 1; i < PORTED_AT_ONCE && rc; i++) {
        rc = ported_step(f);
    }

    f->timer = h->loop->timer(h, rc ? 1 : f->every_ms, 0, ported_turn, f);
    if (f->timer == 0) {
        snprintf(err, errcap, "no timer");
        ported_table_close(&f->table);
        ported_table_close(&f->next);
        free(f);
        return SMS_E_NOMEM;
    }

    *inst = f;

    return SMS_OK;
}


static void
ported_exit(void *inst)
{
    ported_t  *f = inst;

    if (f->timer) {
        f->host->loop->stop(f->host, f->timer);
    }
    ported_table_close(&f->table);
    ported_table_close(&f->next);
    free(f);
}


static int
ported_ready(void *inst)
{
    ported_t  *f = inst;

    return f->table.fd >= 0;
}


static sms_rc_t
ported_lookup(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    const sms_msg_t  *msg;
    sms_network_t    *r;
    ported_t         *f = inst;
    uint64_t          number;
    uint32_t          i, k;
    int               rc;

    (void) call;

    for (i = 0; i < batch->n; i++) {

        msg = SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i);
        r = SMS_AT(sms_network_t, batch->results, batch->result_stride, i);

        for (k = 0, number = 0; k < msg->to.len && k < 15; k++) {
            number = number * 10 + (uint64_t) (msg->to.ptr[k] - '0');
        }

        rc = f->table.fd < 0 ? -1 : ported_table_find(&f->table, number, &r->mcc, &r->mnc);
        r->status = rc < 0 ? SMS_E_DOWN : SMS_OK;
        if (rc != 1) {
            r->mcc = 0;
            r->mnc = 0;
        }
    }

    return SMS_OK;
}


static const sms_ops_t  ported_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = ported_keys,
    .check = ported_check,
    .init = ported_init,
    .exit = ported_exit,
    .lookup_network = ported_lookup,
    .ready = ported_ready
};

SMS_PLUGIN("file", "0.1.0", "BSD-2-Clause", "Networks of ported numbers, out of a file",
           1u << SMS_KIND_LOOKUP, ported_ops);
