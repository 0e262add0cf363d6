/*
 * prepaid.c - billing by dated tariffs of the database; grant: db.
 *
 * Prices are those of sms.tariffs(), kept in memory and read again every
 * "refresh".  A quote is price of one part x parts and finishes in the call.
 * There is no hold: the host's ledger keeps the funds (sms_plugin.h).
 *
 *   before the first load     the whole call is SMS_E_BUSY
 *   a refresh fails           the old prices stay, and that is logged once
 *   no price                  SMS_E_INVAL, tariff "no-tariff"
 *   the price is null         SMS_E_INVAL, tariff "not-sold"
 *   otherwise                 tariff "<number>/<prefix>/<class>@<valid from>"
 *
 * A table with one row that cannot be a price is refused as a whole: leaving
 * that row out would charge the price of a shorter prefix.
 */
#include "sms_plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sms/sms_time.h>

#include "prepaid_prices.h"


#define PREPAID_RETRY_MIN_MS  200
#define PREPAID_RETRY_MAX_MS  5000
#define PREPAID_COLUMNS       6
#define PREPAID_TARIFF_MAX    80

/*
 * Prices that were in force this long ago are asked for, too: a message is
 * priced as of its acceptance, and workers' and database's clocks differ.
 */
#define PREPAID_LOOK_BACK_US  (INT64_C(3600) * 1000000)

typedef struct {
    sms_host_t        *host;
    uint32_t           refresh_ms, retry_ms;
    uint32_t           statement;
    uint32_t           loaded;          /* 1 after the first load                 */
    uint32_t           asking;          /* a query is under way                   */
    uint32_t           failing;         /* the last load failed and was logged    */
    sms_handle_t       timer;
    prepaid_prices_t   prices;
} prepaid_t;

static void prepaid_load(void *data);

static const char *const  prepaid_classes[] = {
    "", "otp", "informational", "commercial", "exempt"
};

/* "-infinity" is no number; the year 1 is early enough */
static const char  prepaid_sql[] =
    "select tariff, prefix, class,"
    " (extract(epoch from greatest(valid_from, '0001-01-01 00:00:00+00')) * 1000000)::int8,"
    " price_micro, unit"
    " from sms.tariffs($1::timestamptz)"
    " where valid_from < '9999-01-01 00:00:00+00'";


static const sms_conf_key_t  prepaid_keys[] = {
    { .name = "refresh", .type = SMS_CONF_MSEC, .def = "30s", .min = 1000,
      .max = 3600000, .doc = "how often the tariffs are read again" },
    { .name = NULL }
};


static void
prepaid_log(prepaid_t *p, sms_level_t level, const char *what, const char *cause)
{
    char  line[160];
    int   n;

    n = snprintf(line, sizeof(line), "%s: %s", what, cause);
    if (n >= (int) sizeof(line)) {
        n = (int) sizeof(line) - 1;
    }
    p->host->core->log(p->host, level, line, (size_t) n);
}


/* One shot; when no timer can be had, the next quote starts the load. */
static void
prepaid_later(prepaid_t *p, uint32_t ms)
{
    p->timer = p->host->loop->timer(p->host, ms, 0, prepaid_load, p);
}


static void
prepaid_failed(prepaid_t *p, const char *cause)
{
    if (!p->failing) {
        p->failing = 1;
        prepaid_log(p, SMS_LOG_WARN,
                    p->loaded ? "tariffs not read again, old prices stay"
                              : "tariffs not read, nothing is sold yet",
                    cause);
    }

    prepaid_later(p, p->retry_ms);
    p->retry_ms = p->retry_ms < PREPAID_RETRY_MAX_MS / 2 ? p->retry_ms * 2
                                                         : PREPAID_RETRY_MAX_MS;
}


/* decimal with an optional '-'; 0, or -1 */
static int
prepaid_number(sms_str_t s, int64_t *v)
{
    int64_t  n;
    size_t   i, minus;

    minus = s.len && s.ptr[0] == '-';
    if (s.ptr == NULL || s.len == minus || s.len - minus > 18) {
        return -1;
    }

    n = 0;
    for (i = minus; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return -1;
        }
        n = n * 10 + (s.ptr[i] - '0');
    }
    *v = minus ? -n : n;

    return 0;
}


static int
prepaid_row(const sms_db_res_t *r, uint32_t row, prepaid_price_t *price)
{
    sms_str_t  cell;
    int64_t    tariff, klass;

    memset(price, 0, sizeof(*price));

    if (prepaid_number(r->cell(r->row_set, row, 0), &tariff) != 0
        || tariff < 0 || tariff > INT32_MAX
        || prepaid_number(r->cell(r->row_set, row, 2), &klass) != 0
        || klass < 1 || klass > PREPAID_CLASS_MAX
        || prepaid_number(r->cell(r->row_set, row, 3), &price->valid_from_us) != 0)
    {
        return -1;
    }
    price->tariff = (uint32_t) tariff;
    price->klass = (uint8_t) klass;

    cell = r->cell(r->row_set, row, 1);
    if (cell.ptr == NULL) {
        return -1;
    }
    price->prefix = prepaid_prices_prefix(cell.ptr, cell.len);

    cell = r->cell(r->row_set, row, 4);
    if (cell.ptr == NULL) {
        price->price_micro = PREPAID_CLOSED;

    } else if (prepaid_number(cell, &price->price_micro) != 0 || price->price_micro < 0) {
        return -1;
    }

    cell = r->cell(r->row_set, row, 5);
    if (cell.ptr == NULL || cell.len != 3) {
        return -1;
    }
    memcpy(price->unit, cell.ptr, 3);

    return 0;
}


static void
prepaid_loaded(void *data, const sms_db_res_t *r)
{
    prepaid_t         *p = data;
    prepaid_price_t    price;
    prepaid_prices_t   fresh;
    uint32_t           i;
    char               cause[64];

    p->asking = 0;

    if (r->rc != SMS_OK) {
        snprintf(cause, sizeof(cause), "rc=%d sqlstate=%.5s", r->rc, r->sqlstate);
        prepaid_failed(p, cause);
        return;
    }

    if (r->nrows && r->ncols != PREPAID_COLUMNS) {
        prepaid_failed(p, "sms.tariffs() has other columns");
        return;
    }

    if (prepaid_prices_init(&fresh, r->nrows) != 0) {
        prepaid_failed(p, "out of memory");
        return;
    }

    for (i = 0; i < r->nrows; i++) {
        if (prepaid_row(r, i, &price) != 0 || prepaid_prices_add(&fresh, &price) != 0) {
            snprintf(cause, sizeof(cause), "row %" PRIu32 " is no price", i + 1);
            prepaid_prices_free(&fresh);
            prepaid_failed(p, cause);
            return;
        }
    }

    prepaid_prices_free(&p->prices);
    p->prices = fresh;

    if (p->failing || !p->loaded) {
        snprintf(cause, sizeof(cause), "prices=%" PRIu32, fresh.n);
        prepaid_log(p, fresh.n ? SMS_LOG_NOTICE : SMS_LOG_WARN,
                    fresh.n ? "tariffs read" : "there are no tariffs, nothing is sold",
                    cause);
    }
    p->loaded = 1;
    p->failing = 0;
    p->retry_ms = PREPAID_RETRY_MIN_MS;
    prepaid_later(p, p->refresh_ms);
}


static void
prepaid_load(void *data)
{
    prepaid_t  *p = data;
    sms_str_t   param;
    sms_rc_t    rc;
    char        now[SMS_TIME_TEXT_LEN], cause[32];

    p->timer = 0;
    sms_time_print(p->host->core->now_us(p->host) - PREPAID_LOOK_BACK_US, now);
    param.ptr = now;
    param.len = sizeof(now);

    p->asking = 1;
    rc = p->host->db->query(p->host, p->statement, &param, 1, prepaid_loaded, p);
    if (rc != SMS_OK) {
        p->asking = 0;
        snprintf(cause, sizeof(cause), "rc=%d", rc);
        prepaid_failed(p, cause);
    }
}


static sms_rc_t
prepaid_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    prepaid_t  *p;

    if (h->db == NULL) {
        snprintf(err, errcap, "billing/prepaid needs the grant \"db\"");
        return SMS_E_DENIED;
    }

    p = calloc(1, sizeof(prepaid_t));
    if (p == NULL) {
        snprintf(err, errcap, "out of memory");
        return SMS_E_NOMEM;
    }

    p->host = h;
    p->refresh_ms = (uint32_t) conf->num(conf, "refresh");
    p->retry_ms = PREPAID_RETRY_MIN_MS;
    p->statement = h->db->prepare(h, prepaid_sql);
    if (p->statement == 0) {
        snprintf(err, errcap, "the statement over sms.tariffs() cannot be prepared");
        free(p);
        return SMS_E_INTERNAL;
    }

    /* the database connection comes up after init() */
    prepaid_later(p, 0);
    *inst = p;

    return SMS_OK;
}


static void
prepaid_exit(void *inst)
{
    prepaid_t  *p = inst;

    if (p->timer) {
        p->host->loop->stop(p->host, p->timer);
    }
    prepaid_prices_free(&p->prices);
    free(p);
}


static char *
prepaid_put(char *p, uint64_t v)
{
    char    digits[20];
    size_t  i;

    i = sizeof(digits);
    do {
        digits[--i] = (char) ('0' + v % 10);
        v /= 10;
    } while (v);

    memcpy(p, digits + i, sizeof(digits) - i);

    return p + (sizeof(digits) - i);
}


/* what explain shows; the time is UTC, or missing when it always held */
static sms_str_t
prepaid_tariff_text(const prepaid_price_t *price, char *buf)
{
    char  *p, *slash;

    slash = prepaid_put(buf, price->tariff);

    /* the 1 that keeps the zeros of a prefix gives way */
    p = prepaid_put(slash, price->prefix);
    *slash = '/';
    *p++ = '/';
    p = stpcpy(p, prepaid_classes[price->klass]);
    if (price->valid_from_us > SMS_TIME_MIN) {
        *p++ = '@';
        sms_time_print(price->valid_from_us, p);
        p += SMS_TIME_TEXT_LEN;
    }

    return (sms_str_t) { buf, (size_t) (p - buf) };
}


static void
prepaid_quote_one(const prepaid_t *p, const sms_msg_t *msg, sms_quote_t *q, char *buf)
{
    const prepaid_price_t  *price;

    price = prepaid_prices_find(&p->prices, msg->tariff, msg->klass, msg->to.ptr,
                                msg->to.len, msg->accepted_us);
    if (price == NULL) {
        q->status = SMS_E_INVAL;
        q->tariff = (sms_str_t) SMS_STR("no-tariff");
        return;
    }

    if (price->price_micro == PREPAID_CLOSED) {
        q->status = SMS_E_INVAL;
        q->tariff = (sms_str_t) SMS_STR("not-sold");
        return;
    }

    if (msg->parts == 0
        || __builtin_mul_overflow(price->price_micro, (int64_t) msg->parts, &q->amount_micro))
    {
        q->amount_micro = 0;
        q->status = SMS_E_INVAL;
        q->tariff = (sms_str_t) SMS_STR("no-amount");
        return;
    }

    q->status = SMS_OK;
    memcpy(q->unit, price->unit, sizeof(q->unit));
    q->tariff = prepaid_tariff_text(price, buf);
}


static sms_rc_t
prepaid_quote(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    prepaid_t  *p = inst;
    uint32_t    i;
    char       *text;

    if (p->timer == 0 && !p->asking) {
        prepaid_load(p);
    }

    if (!p->loaded) {
        return SMS_E_BUSY;
    }

    /* a refresh may replace the table before the call ends */
    text = p->host->core->alloc(p->host, call, (size_t) batch->n * PREPAID_TARIFF_MAX);
    if (text == NULL) {
        return SMS_E_NOMEM;
    }

    for (i = 0; i < batch->n; i++) {
        prepaid_quote_one(p, SMS_AT(const sms_msg_t, batch->items, batch->item_stride, i),
                          SMS_AT(sms_quote_t, batch->results, batch->result_stride, i),
                          text + (size_t) i * PREPAID_TARIFF_MAX);
    }

    return SMS_OK;
}


static int
prepaid_ready(void *inst)
{
    prepaid_t  *p = inst;

    return p->loaded;
}


static const sms_ops_t  prepaid_ops = {
    .size = sizeof(sms_ops_t),
    .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = prepaid_keys,
    .init = prepaid_init,
    .exit = prepaid_exit,
    .billing_quote = prepaid_quote,
    .ready = prepaid_ready
};

SMS_PLUGIN("prepaid", "0.1.0", "BSD-2-Clause", "Prices by dated tariffs of the database",
           1u << SMS_KIND_BILLING, prepaid_ops);
