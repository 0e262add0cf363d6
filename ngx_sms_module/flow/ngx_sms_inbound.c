#include "ngx_sms_inbound.h"

#include "sms_keyword.h"
#include "sms_msisdn.h"
#include "sms_segment.h"
#include "sms_time.h"
#include "ngx_sms_counter.h"
#include "ngx_sms_leases.h"
#include "ngx_sms_store_inbound.h"
#include "ngx_sms_timer.h"
#include "ngx_sms_work.h"


#define NGX_SMS_INBOUND_TICK     1000       /* ms                             */
#define NGX_SMS_INBOUND_TAKE     50         /* messages of one take           */
#define NGX_SMS_INBOUND_NOTICES  50
#define NGX_SMS_INBOUND_HIDE_US  30000000   /* well above a deadline          */
#define NGX_SMS_INBOUND_DAYS     1          /* business days to decide        */


/* one that was put, until its operator is answered */
typedef struct {
    ngx_sms_inbound_pt        done;
    void                     *data;
} ngx_sms_inbound_wait_t;


static void ngx_sms_inbound_stored(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inbound_done(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inbound_answer(ngx_sms_inbound_wait_t *wait, sms_rc_t rc);
static ngx_int_t ngx_sms_inbound_understand(const ngx_sms_pg_res_t *res,
    ngx_uint_t row, ngx_sms_pg_done_pt done, void *data);
static int64_t ngx_sms_inbound_number(const ngx_str_t *from);
static void ngx_sms_inbound_effect(const ngx_sms_pg_res_t *res);

static void ngx_sms_inbound_lease(void *data, ngx_uint_t held);
static void ngx_sms_inbound_tick(void *data);
static void ngx_sms_inbound_taken(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inbound_late(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inbound_notices(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inbound_noticed(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_inbound_measure(ngx_sms_store_notice_t *notice);


static ngx_sms_zone_t         *ngx_sms_inbound_zone;
static ngx_log_t              *ngx_sms_inbound_log;
static ngx_sms_lease_t        *ngx_sms_inbound_held;
static ngx_sms_timer_t         ngx_sms_inbound_timer;
static ngx_sms_store_query_t  *ngx_sms_inbound_taking;
static ngx_sms_store_query_t  *ngx_sms_inbound_noticing;


ngx_int_t
ngx_sms_inbound_init(ngx_sms_zone_t *zone, ngx_log_t *log)
{
    ngx_str_t  name = ngx_string("inbound");

    ngx_sms_inbound_zone = zone;
    ngx_sms_inbound_log = log;
    ngx_sms_inbound_taking = NULL;
    ngx_sms_inbound_noticing = NULL;
    ngx_sms_timer_housekeeping(&ngx_sms_inbound_timer, ngx_sms_inbound_tick,
                               NULL, log);

    ngx_sms_inbound_held = ngx_sms_lease_want(&name, ngx_sms_inbound_lease,
                                              NULL);

    return ngx_sms_inbound_held ? NGX_OK : NGX_ERROR;
}


/* what is taken and not read is taken again by the next holder */

void
ngx_sms_inbound_stop(void)
{
    ngx_sms_timer_stop(&ngx_sms_inbound_timer);

    if (ngx_sms_inbound_taking) {
        ngx_sms_store_query_forget(ngx_sms_inbound_taking);
        ngx_sms_inbound_taking = NULL;
    }

    if (ngx_sms_inbound_noticing) {
        ngx_sms_store_query_forget(ngx_sms_inbound_noticing);
        ngx_sms_inbound_noticing = NULL;
    }
}


ngx_int_t
ngx_sms_inbound_put(uint32_t link, const sms_inbound_t *ev,
    ngx_sms_inbound_pt done, void *data)
{
    sms_segment_udh_t        h;
    ngx_sms_inbound_wait_t  *wait;
    ngx_sms_store_inbound_t  in;

    ngx_memzero(&in, sizeof(ngx_sms_store_inbound_t));
    in.from.data = (u_char *) ev->from.ptr;
    in.from.len = ev->from.len;
    in.to.data = (u_char *) ev->to.ptr;
    in.to.len = ev->to.len;
    in.octets.data = (u_char *) ev->octets.ptr;
    in.octets.len = ev->octets.len;
    in.udh.data = (u_char *) ev->udh.ptr;
    in.udh.len = ev->udh.len;
    in.data_coding = (int32_t) ev->data_coding;
    in.attrs = ev->attrs;
    in.nattrs = ev->nattrs;
    in.at_us = ev->at_us;
    in.attrs = ev->attrs;
    in.nattrs = ev->nattrs;
    in.total = 1;
    in.seq = 1;

    if (ev->udh.len
        && sms_segment_udh_read((const uint8_t *) ev->udh.ptr, ev->udh.len, &h)
           == SMS_SEGMENT_OK
        && h.ref_bits)
    {
        in.ref = h.ref_bits << 16 | h.ref;
        in.total = h.total;
        in.seq = h.seq;
    }

    wait = ngx_alloc(sizeof(ngx_sms_inbound_wait_t), ngx_sms_inbound_log);
    if (wait == NULL) {
        return NGX_ERROR;
    }

    wait->done = done;
    wait->data = data;

    if (ngx_sms_store_inbound_put(link, &in, ngx_sms_timer_now_us(),
                                  ngx_sms_inbound_stored, wait)
        == NULL)
    {
        ngx_free(wait);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_sms_inbound_stored(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_inbound_wait_t  *wait = data;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_inbound_log, 0,
                      "sms inbound: not stored: sqlstate=%s", res->sqlstate);
        ngx_sms_inbound_answer(wait, SMS_E_DOWN);
        return;
    }

    if (res->nrows == 0
        || ngx_sms_inbound_understand(res, 0, ngx_sms_inbound_done, wait)
           != NGX_OK)
    {
        /* it waits for its other parts, is known, or is read later */
        ngx_sms_inbound_answer(wait, SMS_OK);
    }
}


static void
ngx_sms_inbound_done(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_inbound_effect(res);
    ngx_sms_inbound_answer(data, SMS_OK);
}


static void
ngx_sms_inbound_answer(ngx_sms_inbound_wait_t *wait, sms_rc_t rc)
{
    wait->done(wait->data, rc);
    ngx_free(wait);
}


/* joins, decodes, parses, and has the database do the rest */

static ngx_int_t
ngx_sms_inbound_understand(const ngx_sms_pg_res_t *res, ngx_uint_t row,
    ngx_sms_pg_done_pt done, void *data)
{
    char                  *text;
    size_t                 cap;
    uint8_t               *scratch;
    ngx_int_t              rc;
    ngx_pool_t            *pool;
    sms_keyword_t          k;
    ngx_sms_store_read_t   read;
    ngx_sms_store_whole_t  whole;

    rc = NGX_ERROR;

    pool = ngx_sms_work_pool(4096, ngx_sms_inbound_log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_sms_store_inbound_row(res, row, pool, &whole) != NGX_OK) {
        goto failed;
    }

    cap = sms_joined_room(whole.octets, whole.nparts);
    scratch = ngx_pnalloc(pool, whole.octets + 1);
    text = ngx_pnalloc(pool, cap);

    if (scratch == NULL || text == NULL) {
        goto failed;
    }

    ngx_memzero(&read, sizeof(ngx_sms_store_read_t));
    read.id = whole.id;
    read.text.data = (u_char *) text;

    (void) sms_joined_text(whole.parts, whole.nparts, (unsigned) whole.total,
                           scratch, text, cap, &read.text.len);

    sms_keyword_parse(text, read.text.len, &k);
    read.kind = k.kind;
    read.words.data = (u_char *) k.keyword;
    read.words.len = k.len;
    read.from = ngx_sms_inbound_number(&whole.from);
    read.decide_us = sms_time_deadline(ngx_min(whole.at_us,
                                               ngx_sms_timer_now_us()),
                                       NGX_SMS_INBOUND_DAYS);

    if (ngx_sms_store_inbound_read(&read, ngx_sms_timer_now_us(), done, data)
        != NULL)
    {
        rc = NGX_OK;
    }

failed:

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_inbound_log, 0,
                      "sms inbound: cannot be read now");
    }

    ngx_destroy_pool(pool);

    return rc;
}


/*
 * Whose number.  A refusal is kept of whatever looks like a number: one that our
 * plan does not know may still be written to.  0: a service or a name.
 */

static int64_t
ngx_sms_inbound_number(const ngx_str_t *from)
{
    size_t        i;
    int64_t       n;
    sms_msisdn_t  m;

    if (sms_msisdn_parse((const char *) from->data, from->len, &m)
        == SMS_MSISDN_OK)
    {
        return m.number;
    }

    i = from->len && from->data[0] == '+' ? 1 : 0;
    n = 0;

    if (from->len - i < 7 || from->len - i > 15) {
        return 0;
    }

    for ( /* void */ ; i < from->len; i++) {

        if (from->data[i] < '0' || from->data[i] > '9') {
            return 0;
        }

        n = n * 10 + (from->data[i] - '0');
    }

    return n;
}


static void
ngx_sms_inbound_effect(const ngx_sms_pg_res_t *res)
{
    int64_t     optouts, ended;
    ngx_uint_t  fresh;

    if (res->rc != NGX_SMS_PG_OK
        || ngx_sms_store_inbound_effect(res, &fresh, &optouts, &ended)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_sms_inbound_log, 0,
                      "sms inbound: not read: sqlstate=%s", res->sqlstate);
        return;
    }

    ngx_sms_counter_add(ngx_sms_inbound_zone, NGX_SMS_C_INBOUND,
                        fresh ? 1 : 0);
    ngx_sms_counter_add(ngx_sms_inbound_zone, NGX_SMS_C_OPTOUTS, optouts);
}


static void
ngx_sms_inbound_lease(void *data, ngx_uint_t held)
{
    (void) data;

    if (held) {
        ngx_sms_timer_start(&ngx_sms_inbound_timer, 1);

    } else {
        ngx_sms_timer_stop(&ngx_sms_inbound_timer);
    }
}


static void
ngx_sms_inbound_tick(void *data)
{
    int64_t  now;

    (void) data;

    ngx_sms_timer_start(&ngx_sms_inbound_timer, NGX_SMS_INBOUND_TICK);

    if (!ngx_sms_lease_valid(ngx_sms_inbound_held)) {
        return;
    }

    now = ngx_sms_timer_now_us();

    if (ngx_sms_inbound_taking == NULL) {
        ngx_sms_inbound_taking = ngx_sms_store_inbound_take(now,
                                     NGX_SMS_INBOUND_TAKE,
                                     ngx_sms_inbound_taken, NULL);
    }

    if (ngx_sms_inbound_noticing == NULL) {
        ngx_sms_inbound_noticing = ngx_sms_store_notice_take(now,
                                       now + NGX_SMS_INBOUND_HIDE_US,
                                       NGX_SMS_INBOUND_NOTICES,
                                       ngx_sms_inbound_notices, NULL);
    }
}


static void
ngx_sms_inbound_taken(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t  i;

    (void) data;

    ngx_sms_inbound_taking = NULL;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_inbound_log, 0,
                      "sms inbound: cannot take: sqlstate=%s", res->sqlstate);
        return;
    }

    for (i = 0; i < res->nrows; i++) {
        if (ngx_sms_inbound_understand(res, i, ngx_sms_inbound_late, NULL)
            != NGX_OK)
        {
            return;
        }
    }
}


static void
ngx_sms_inbound_late(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    ngx_sms_inbound_effect(res);
}


static void
ngx_sms_inbound_notices(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_uint_t              i;
    ngx_sms_store_notice_t  list[NGX_SMS_INBOUND_NOTICES];

    (void) data;

    ngx_sms_inbound_noticing = NULL;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_inbound_log, 0,
                      "sms inbound: cannot take notices: sqlstate=%s",
                      res->sqlstate);
        return;
    }

    for (i = 0; i < res->nrows && i < NGX_SMS_INBOUND_NOTICES; i++) {

        if (ngx_sms_store_notice_row(res, i, &list[i]) != NGX_OK) {
            return;
        }

        ngx_sms_inbound_measure(&list[i]);
    }

    if (i) {
        ngx_sms_inbound_noticing = ngx_sms_store_notice_put(list, i,
                                       ngx_sms_timer_now_us(),
                                       ngx_sms_inbound_noticed, NULL);
    }
}


/* by what the account pays, as any message of its own */

static void
ngx_sms_inbound_measure(ngx_sms_store_notice_t *notice)
{
    int                    rc;
    sms_segment_t          s;
    sms_segment_profile_t  pf;

    ngx_memzero(&pf, sizeof(sms_segment_profile_t));
    pf.shift = notice->locking ? SMS_SEGMENT_SHIFT_LOCKING
                               : SMS_SEGMENT_SHIFT_SINGLE;
    pf.suffix = notice->suffix ? SMS_SEGMENT_SUFFIX_DEFAULT : 0;
    pf.max_parts = (uint8_t) notice->max_parts;

    rc = sms_segment_count(&pf, (const char *) notice->text.data,
                           notice->text.len, &s, NULL, 0);

    if (rc != SMS_SEGMENT_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_inbound_log, 0,
                      "sms inbound: a notice cannot be sent: account=%L",
                      notice->account);
        return;
    }

    notice->encoding = s.encoding;
    notice->parts = s.parts;
}


static void
ngx_sms_inbound_noticed(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    ngx_sms_inbound_noticing = NULL;

    if (res->rc != NGX_SMS_PG_OK) {
        ngx_log_error(NGX_LOG_WARN, ngx_sms_inbound_log, 0,
                      "sms inbound: notices not stored: sqlstate=%s",
                      res->sqlstate);
    }
}
