#include "ngx_sms_quality.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_QUALITY_SUMS       512      /* a power of two                 */
#define NGX_SMS_QUALITY_STANDINGS  1024


typedef struct {
    ngx_sms_store_sum_t      rows[NGX_SMS_QUALITY_SUMS];    /* link 0: free   */
    ngx_uint_t               n;
} ngx_sms_quality_sums_t;

typedef struct {
    uint32_t                 link;
    uint8_t                  len;
    u_char                   sender[NGX_SMS_QUALITY_SENDER];
    int32_t                  success;
    ngx_uint_t               fallen;
} ngx_sms_quality_standing_t;


static ngx_sms_store_sum_t *ngx_sms_quality_sum(ngx_sms_quality_sums_t *sums,
    uint32_t link, const u_char *sender, size_t len);
static ngx_uint_t ngx_sms_quality_excused(ngx_uint_t reason);
static void ngx_sms_quality_tick(void *data);
static void ngx_sms_quality_flush(void);
static void ngx_sms_quality_told(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_quality_back(void);


static const ngx_sms_quality_conf_t  *ngx_sms_quality_conf;
static ngx_sms_zone_t                *ngx_sms_quality_zone;
static ngx_log_t                     *ngx_sms_quality_log;
static ngx_sms_timer_t                ngx_sms_quality_timer;
static ngx_sms_store_query_t         *ngx_sms_quality_query;

/* what is summed, and what is on its way */
static ngx_sms_quality_sums_t         ngx_sms_quality_now;
static ngx_sms_quality_sums_t         ngx_sms_quality_sent;

static ngx_sms_quality_standing_t
                        ngx_sms_quality_standings[NGX_SMS_QUALITY_STANDINGS];
static ngx_uint_t                     ngx_sms_quality_n;
static ngx_uint_t                     ngx_sms_quality_nfallen;


void
ngx_sms_quality_init(const ngx_sms_quality_conf_t *conf, ngx_sms_zone_t *zone,
    ngx_log_t *log)
{
    ngx_sms_quality_conf = conf;
    ngx_sms_quality_zone = zone;
    ngx_sms_quality_log = log;
    ngx_sms_quality_query = NULL;
    ngx_sms_quality_n = 0;
    ngx_sms_quality_nfallen = 0;
    ngx_memzero(&ngx_sms_quality_now, sizeof(ngx_sms_quality_sums_t));
    ngx_memzero(&ngx_sms_quality_sent, sizeof(ngx_sms_quality_sums_t));

    ngx_sms_timer_housekeeping(&ngx_sms_quality_timer, ngx_sms_quality_tick,
                               NULL, log);

    if (!conf->off) {
        ngx_sms_timer_start(&ngx_sms_quality_timer,
                            ngx_sms_timer_jitter(conf->flush));
    }
}


void
ngx_sms_quality_stop(void)
{
    ngx_sms_timer_stop(&ngx_sms_quality_timer);

    if (ngx_sms_quality_query == NULL && ngx_sms_quality_now.n) {
        ngx_sms_quality_flush();
    }
}


void
ngx_sms_quality_exit(void)
{
    ngx_sms_timer_stop(&ngx_sms_quality_timer);

    if (ngx_sms_quality_query) {
        ngx_sms_store_query_forget(ngx_sms_quality_query);
        ngx_sms_quality_query = NULL;
    }
}


/* NULL: there are too many, or the sender has no row */

static ngx_sms_store_sum_t *
ngx_sms_quality_sum(ngx_sms_quality_sums_t *sums, uint32_t link,
    const u_char *sender, size_t len)
{
    uint32_t              hash;
    ngx_uint_t            i;
    ngx_sms_store_sum_t  *s;

    if (len > NGX_SMS_QUALITY_SENDER) {
        len = 0;
    }

    hash = ngx_murmur_hash2((u_char *) sender, len) + link * 2654435761u;

    for (i = 0; i < NGX_SMS_QUALITY_SUMS; i++) {

        s = &sums->rows[(hash + i) % NGX_SMS_QUALITY_SUMS];

        if (s->link == link && s->len == len
            && ngx_memcmp(s->sender, sender, len) == 0)
        {
            return s;
        }

        if (s->link) {
            continue;
        }

        /* the last quarter is for links as such: there are few */
        if (len && sums->n >= NGX_SMS_QUALITY_SUMS * 3 / 4) {
            return ngx_sms_quality_sum(sums, link, sender, 0);
        }

        s->link = link;
        s->len = (uint8_t) len;
        ngx_memcpy(s->sender, sender, len);
        sums->n++;

        return s;
    }

    return NULL;
}


/* the message's own fault, whatever link it takes */

static ngx_uint_t
ngx_sms_quality_excused(ngx_uint_t reason)
{
    switch (reason) {

    case SMS_REASON_INVALID_NUMBER:
    case SMS_REASON_CONTENT:
    case SMS_REASON_CONSENT:
    case SMS_REASON_BLACKLIST:
    case SMS_REASON_SIM_CHANGED:
    case SMS_REASON_PORTED:
        return 1;

    default:
        return 0;
    }
}


void
ngx_sms_quality_submitted(uint32_t link, const ngx_str_t *sender,
    ngx_uint_t outcome, ngx_uint_t reason)
{
    ngx_uint_t            refused;
    ngx_sms_store_sum_t  *s;

    refused = outcome == SMS_SUBMIT_REJECTED || outcome == SMS_SUBMIT_FAILOVER
              || outcome == SMS_SUBMIT_STOP;

    if (ngx_sms_quality_conf->off
        || (outcome != SMS_SUBMIT_SENT
            && (!refused || ngx_sms_quality_excused(reason))))
    {
        return;
    }

    s = ngx_sms_quality_sum(&ngx_sms_quality_now, link, sender->data,
                            sender->len);
    if (s) {
        s->sent += !refused;
        s->rejected += (int32_t) refused;
    }
}


void
ngx_sms_quality_receipt(uint32_t link, const ngx_str_t *sender,
    ngx_uint_t state, ngx_uint_t reason, int64_t delay_us)
{
    ngx_sms_store_sum_t  *s;

    /* these are no end */
    if (ngx_sms_quality_conf->off || state == SMS_RECEIPT_ENROUTE
        || state == SMS_RECEIPT_ACCEPTED)
    {
        return;
    }

    s = ngx_sms_quality_sum(&ngx_sms_quality_now, link, sender->data,
                            sender->len);
    if (s == NULL) {
        return;
    }

    if (state != SMS_RECEIPT_DELIVERED) {

        if (ngx_sms_quality_excused(reason)) {
            s->excused++;

        } else {
            s->failed++;
        }

        return;
    }

    s->delivered++;

    if (delay_us >= 0) {
        s->timed++;
        s->delay_ms += delay_us / 1000;
        s->within_10s += delay_us <= 10000000;
        s->within_60s += delay_us <= 60000000;
        s->within_300s += delay_us <= 300000000;
    }
}


ngx_uint_t
ngx_sms_quality_fallen(uint32_t link, const sms_str_t *sender)
{
    ngx_uint_t                         i;
    const ngx_sms_quality_standing_t  *s;

    if (ngx_sms_quality_nfallen == 0) {
        return 0;
    }

    for (i = 0; i < ngx_sms_quality_n; i++) {

        s = &ngx_sms_quality_standings[i];

        if (s->link == link && s->fallen
            && (s->len == 0
                || (s->len == sender->len
                    && ngx_memcmp(s->sender, sender->ptr, s->len) == 0)))
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_sms_quality_canary(const uint8_t id[16])
{
    uint32_t    hash;

    hash = ngx_murmur_hash2((u_char *) id, 16);

    if (hash % 1000 >= ngx_sms_quality_conf->canary * 10) {
        return 0;
    }

    ngx_sms_counter_inc(ngx_sms_quality_zone, NGX_SMS_C_ROUTE_CANARY);

    return 1;
}


void
ngx_sms_quality_moved(void)
{
    ngx_sms_counter_inc(ngx_sms_quality_zone, NGX_SMS_C_ROUTE_MOVED);
}


int64_t
ngx_sms_quality_success(uint32_t link, ngx_uint_t *fallen)
{
    ngx_uint_t                         i;
    const ngx_sms_quality_standing_t  *s;

    *fallen = 0;

    for (i = 0; i < ngx_sms_quality_n; i++) {

        s = &ngx_sms_quality_standings[i];

        if (s->link == link && s->len == 0) {
            *fallen = s->fallen;
            return s->success;
        }
    }

    return -1;
}


static void
ngx_sms_quality_tick(void *data)
{
    (void) data;

    ngx_sms_timer_start(&ngx_sms_quality_timer, ngx_sms_quality_conf->flush);

    if (ngx_sms_quality_query == NULL) {
        ngx_sms_quality_flush();
    }
}


static void
ngx_sms_quality_flush(void)
{
    ngx_uint_t            i, n;
    ngx_sms_store_sum_t  *rows;

    ngx_sms_quality_sent = ngx_sms_quality_now;
    ngx_memzero(&ngx_sms_quality_now, sizeof(ngx_sms_quality_sums_t));

    rows = ngx_sms_quality_sent.rows;
    n = 0;

    for (i = 0; i < NGX_SMS_QUALITY_SUMS; i++) {
        if (rows[i].link) {
            rows[n++] = rows[i];
        }
    }

    ngx_sms_quality_query = ngx_sms_store_quality(rows, n,
                                ngx_sms_quality_conf, ngx_sms_timer_now_us(),
                                ngx_sms_quality_told, NULL);

    if (ngx_sms_quality_query == NULL) {
        ngx_sms_quality_back();
    }
}


static void
ngx_sms_quality_told(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t                   i;
    ngx_sms_store_standing_t     row;
    ngx_sms_quality_standing_t  *s;

    (void) data;

    ngx_sms_quality_query = NULL;

    if (res->rc != NGX_SMS_PG_OK) {

        if (res->rc == NGX_SMS_PG_ERROR) {
            ngx_log_error(NGX_LOG_WARN, ngx_sms_quality_log, 0,
                          "sms quality: sums not stored: sqlstate=%s",
                          res->sqlstate);
        }

        ngx_sms_quality_back();
        return;
    }

    ngx_sms_quality_n = 0;
    ngx_sms_quality_nfallen = 0;

    for (i = 0;
         i < res->nrows && ngx_sms_quality_n < NGX_SMS_QUALITY_STANDINGS;
         i++)
    {
        if (ngx_sms_store_standing(res, i, &row) != NGX_OK
            || row.sender.len > NGX_SMS_QUALITY_SENDER)
        {
            continue;
        }

        s = &ngx_sms_quality_standings[ngx_sms_quality_n++];
        s->link = row.link;
        s->len = (uint8_t) row.sender.len;
        ngx_memcpy(s->sender, row.sender.data, row.sender.len);
        s->success = (int32_t) row.success;
        s->fallen = row.fallen;
        ngx_sms_quality_nfallen += row.fallen;
    }
}


/* what was not stored goes with the next; there may be no room for all of it */

static void
ngx_sms_quality_back(void)
{
    ngx_uint_t            i;
    ngx_sms_store_sum_t  *s, *old;

    for (i = 0; i < ngx_sms_quality_sent.n; i++) {

        old = &ngx_sms_quality_sent.rows[i];
        s = ngx_sms_quality_sum(&ngx_sms_quality_now, old->link, old->sender,
                                old->len);
        if (s == NULL) {
            continue;
        }

        s->sent += old->sent;
        s->rejected += old->rejected;
        s->delivered += old->delivered;
        s->failed += old->failed;
        s->excused += old->excused;
        s->timed += old->timed;
        s->within_10s += old->within_10s;
        s->within_60s += old->within_60s;
        s->within_300s += old->within_300s;
        s->delay_ms += old->delay_ms;
    }
}
