#include "ngx_sms_stored.h"

#include <jansson.h>

#include "sms_time.h"
#include "sms_word.h"


static ngx_int_t ngx_sms_stored_take(ngx_sms_stored_t *st, ngx_pool_t *pool,
    ngx_sms_store_row_t *rows, ngx_uint_t n);
static ngx_int_t ngx_sms_stored_str(ngx_pool_t *pool, ngx_str_t *s,
    ngx_str_t last[2]);
static void ngx_sms_stored_accounts(ngx_sms_stored_t *st);
static void ngx_sms_stored_account(ngx_sms_profile_wait_t *wait, ngx_int_t rc);
static void ngx_sms_stored_message(ngx_sms_stored_t *st, ngx_uint_t i);
static void ngx_sms_stored_declared(sms_msg_t *m, const ngx_str_t *doc,
    ngx_pool_t *pool);


static const sms_brand_t  ngx_sms_stored_no_brand = {
    .size = sizeof(sms_brand_t)
};


ngx_int_t
ngx_sms_stored_read(ngx_sms_stored_t *st, ngx_pool_t *pool,
    const ngx_sms_pg_res_t *res, ngx_sms_stored_rows_pt read)
{
    ngx_uint_t            n;
    ngx_sms_store_row_t  *rows;

    ngx_memzero(st, sizeof(ngx_sms_stored_t));

    if (read(res, pool, &rows, &n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_sms_stored_take(st, pool, rows, n);
}


ngx_int_t
ngx_sms_stored_copy(ngx_sms_stored_t *st, ngx_pool_t *pool,
    const ngx_sms_store_row_t *rows, ngx_uint_t n)
{
    ngx_sms_store_row_t  *own;

    ngx_memzero(st, sizeof(ngx_sms_stored_t));

    own = ngx_palloc(pool, n * sizeof(ngx_sms_store_row_t));
    if (own == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(own, rows, n * sizeof(ngx_sms_store_row_t));

    return ngx_sms_stored_take(st, pool, own, n);
}


/* the rows are in the pool, what they point to is not */

static ngx_int_t
ngx_sms_stored_take(ngx_sms_stored_t *st, ngx_pool_t *pool,
    ngx_sms_store_row_t *rows, ngx_uint_t n)
{
    ngx_str_t             sender[2], text[2], doc[2], tried[2];
    ngx_uint_t            i;
    ngx_sms_store_row_t  *row;

    ngx_memzero(sender, sizeof(sender));
    ngx_memzero(text, sizeof(text));
    ngx_memzero(doc, sizeof(doc));
    ngx_memzero(tried, sizeof(tried));

    st->pool = pool;
    st->rows = rows;
    st->msgs = ngx_pcalloc(pool, n * sizeof(sms_msg_t));
    st->accounts = ngx_pcalloc(pool, n * sizeof(ngx_sms_account_t *));

    if (st->msgs == NULL || st->accounts == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        row = &rows[i];

        if (ngx_sms_stored_str(pool, &row->sender, sender) != NGX_OK
            || ngx_sms_stored_str(pool, &row->text, text) != NGX_OK
            || ngx_sms_stored_str(pool, &row->doc, doc) != NGX_OK
            || ngx_sms_stored_str(pool, &row->tried, tried) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    st->n = n;

    return NGX_OK;
}


/* "last": the string before it and its copy, which often are this one's, too */

static ngx_int_t
ngx_sms_stored_str(ngx_pool_t *pool, ngx_str_t *s, ngx_str_t last[2])
{
    if (s->len == 0) {
        s->data = (u_char *) "";
        return NGX_OK;
    }

    if (s->data != last[0].data || s->len != last[0].len) {

        last[0] = *s;
        last[1].len = s->len;
        last[1].data = ngx_pstrdup(pool, s);

        if (last[1].data == NULL) {
            return NGX_ERROR;
        }
    }

    *s = last[1];

    return NGX_OK;
}


void
ngx_sms_stored_load(ngx_sms_stored_t *st, void (*done)(void *data), void *data)
{
    st->done = done;
    st->data = data;
    st->wait.done = ngx_sms_stored_account;
    st->wait.data = st;

    ngx_sms_stored_accounts(st);
}


static void
ngx_sms_stored_accounts(ngx_sms_stored_t *st)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    while (st->next < st->n) {

        i = st->next;

        if (i && st->rows[i].account == st->rows[i - 1].account) {
            st->accounts[i] = st->accounts[i - 1];

            if (st->accounts[i]) {
                ngx_sms_account_hold(st->accounts[i]);
            }

            st->next++;
            continue;
        }

        rc = ngx_sms_profile_by_account(st->rows[i].account, &st->wait);

        if (rc == NGX_AGAIN) {
            return;
        }

        st->accounts[i] = rc == NGX_OK ? st->wait.account : NULL;
        st->next++;
    }

    for (i = 0; i < st->n; i++) {
        ngx_sms_stored_message(st, i);
    }

    st->done(st->data);
}


static void
ngx_sms_stored_account(ngx_sms_profile_wait_t *wait, ngx_int_t rc)
{
    ngx_sms_stored_t  *st = wait->data;

    st->accounts[st->next] = rc == NGX_OK ? wait->account : NULL;
    st->next++;
    ngx_sms_stored_accounts(st);
}


void
ngx_sms_stored_release(ngx_sms_stored_t *st)
{
    ngx_uint_t  i;

    ngx_sms_profile_forget(&st->wait);

    for (i = 0; i < st->n; i++) {
        if (st->accounts[i]) {
            ngx_sms_account_release(st->accounts[i]);
            st->accounts[i] = NULL;
        }
    }
}


static void
ngx_sms_stored_message(ngx_sms_stored_t *st, ngx_uint_t i)
{
    u_char               *p;
    sms_msg_t            *m;
    ngx_sms_brand_t      *brand;
    ngx_sms_account_t    *account;
    ngx_sms_store_row_t  *row;

    m = &st->msgs[i];
    row = &st->rows[i];
    account = st->accounts[i];
    brand = account && row->brand
            ? ngx_sms_account_brand_no(account, (uint64_t) row->brand) : NULL;

    ngx_memcpy(m->id, row->id, 16);
    m->account = (uint64_t) row->account;
    p = ngx_pnalloc(st->pool, NGX_INT64_LEN);

    if (p) {
        m->to.ptr = (const char *) p;
        m->to.len = (size_t) (ngx_sprintf(p, "%L", row->to) - p);
    }

    m->from.ptr = (const char *) row->sender.data;
    m->from.len = row->sender.len;
    m->text.ptr = (const char *) row->text.data;
    m->text.len = row->text.len;
    m->accepted_us = row->accepted_us;
    m->expires_us = row->expires_us;
    m->klass = (uint8_t) row->klass;
    m->recipient_type = (uint8_t) row->recipient_type;
    m->encoding = (uint8_t) row->encoding;
    m->test = (uint8_t) row->test;
    m->parts = (uint16_t) row->parts;
    m->attempt = (uint16_t) row->attempt;
    m->tariff = account ? account->tariff : 0;
    m->attrs = account ? account->attrs : NULL;
    m->nattrs = account ? (uint32_t) account->nattrs : 0;
    m->brand = brand ? &brand->b : &ngx_sms_stored_no_brand;

    if (row->klass == SMS_CLASS_OTP || row->klass == SMS_CLASS_EXEMPT) {
        ngx_sms_stored_declared(m, &row->doc, st->pool);
    }
}


/* the fields of the declaration that operators ask for */

static void
ngx_sms_stored_declared(sms_msg_t *m, const ngx_str_t *doc, ngx_pool_t *pool)
{
    int          value;
    char        *p;
    json_t      *root, *exemption, *trusted, *audience;

    root = json_loadb((const char *) doc->data, doc->len, 0, NULL);

    exemption = json_object_get(root, "exemption");

    if (json_is_string(exemption)) {
        value = sms_word_value(sms_word_exemption,
                               json_string_value(exemption),
                               json_string_length(exemption));
        m->exemption = value > 0 ? (uint8_t) value : 0;
    }

    trusted = json_object_get(root, "sim_trusted_since");

    if (json_is_string(trusted)) {
        (void) sms_time_parse(json_string_value(trusted),
                              json_string_length(trusted),
                              &m->sim_trusted_since_us);
    }

    audience = json_object_get(root, "audience");

    if (json_is_string(audience)) {
        p = ngx_pnalloc(pool, json_string_length(audience));

        if (p) {
            ngx_memcpy(p, json_string_value(audience),
                       json_string_length(audience));
            m->audience.ptr = p;
            m->audience.len = json_string_length(audience);
        }
    }

    json_decref(root);
}
