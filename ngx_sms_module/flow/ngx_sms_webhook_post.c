#include "ngx_sms_webhook_post.h"

#include "sms_hash.h"
#include "sms_id.h"
#include "sms_time.h"
#include "ngx_sms_timer.h"
#include "ngx_sms_work.h"


/* 26 digits, a prefix of 3, a time and two dots */
#define NGX_SMS_WEBHOOK_HEAD  (SMS_ID_LEN_MAX + NGX_INT64_LEN + 2)

/* "v1,", 32 octets in base64, and a space */
#define NGX_SMS_WEBHOOK_MAC   48

#define NGX_SMS_WEBHOOK_RETRY_MAX  3600     /* s */

#define ngx_sms_webhook_header(h, n, v, l)                                    \
    (h)->name.ptr = n;                                                        \
    (h)->name.len = sizeof(n) - 1;                                            \
    (h)->value.ptr = (const char *) (v);                                      \
    (h)->value.len = l


static void ngx_sms_webhook_post_event(sms_json_t *w,
    const ngx_sms_store_webhook_row_t *row, const ngx_str_t *unit);
static void ngx_sms_webhook_post_money(sms_json_t *w, const char *key,
    int64_t micro, const ngx_str_t *unit);
static ngx_int_t ngx_sms_webhook_post_copy(ngx_pool_t *pool, ngx_str_t *to,
    const ngx_str_t *from);
static ngx_int_t ngx_sms_webhook_post_start(ngx_sms_webhook_post_t *post,
    const ngx_sms_curl_guard_t *guard);
static size_t ngx_sms_webhook_post_sign(const ngx_str_t *secret,
    const u_char *text, size_t len, u_char *out);
static void ngx_sms_webhook_post_answer(void *data, const sms_http_res_t *res);
static void ngx_sms_webhook_post_end(ngx_sms_webhook_post_t *post,
    int32_t status);


ngx_sms_webhook_post_t *
ngx_sms_webhook_post_read(const ngx_sms_pg_res_t *res, ngx_uint_t *i,
    ngx_log_t *log)
{
    ngx_pool_t                   *pool;
    ngx_uint_t                    single;
    ngx_sms_webhook_post_t       *post;
    ngx_sms_store_webhook_row_t   row;

    if (ngx_sms_store_webhook_row(res, *i, &row) != NGX_OK || !row.first) {
        return NULL;
    }

    pool = ngx_sms_work_pool(1024, log);
    if (pool == NULL) {
        return NULL;
    }

    post = ngx_pcalloc(pool, sizeof(ngx_sms_webhook_post_t));

    if (post == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    post->pool = pool;
    post->log = log;
    post->account = row.account;
    ngx_memcpy(post->webhook, row.webhook, 16);
    ngx_memcpy(post->id, row.post, 16);
    single = row.single;
    sms_json_init(&post->body, NULL, NULL, 0);

    if (ngx_sms_webhook_post_copy(pool, &post->url, &row.url) != NGX_OK
        || ngx_sms_webhook_post_copy(pool, &post->secret, &row.secret)
           != NGX_OK
        || ngx_sms_webhook_post_copy(pool, &post->old_secret, &row.old_secret)
           != NGX_OK
        || ngx_sms_webhook_post_copy(pool, &post->unit, &row.unit) != NGX_OK)
    {
        goto failed;
    }

    if (!single) {
        sms_json_object(&post->body);
        sms_json_key(&post->body, "events");
        sms_json_array(&post->body);
    }

    do {
        if (row.event.len) {
            sms_json_raw(&post->body, (char *) row.event.data, row.event.len);
            post->events++;

        } else if (!row.none) {
            ngx_sms_webhook_post_event(&post->body, &row, &post->unit);
            post->events++;
        }

        if (++*i == res->nrows) {
            break;
        }

        if (ngx_sms_store_webhook_row(res, *i, &row) != NGX_OK) {
            goto failed;
        }

    } while (!row.first);

    if (!single) {
        sms_json_end(&post->body);
        sms_json_end(&post->body);
    }

    if (post->events == 0 || sms_json_done(&post->body) == SMS_JSON_OK) {
        return post;
    }

failed:

    ngx_sms_webhook_post_destroy(post);

    return NULL;
}


static void
ngx_sms_webhook_post_event(sms_json_t *w,
    const ngx_sms_store_webhook_row_t *row, const ngx_str_t *unit)
{
    char    id[SMS_ID_LEN_MAX], at[SMS_TIME_TEXT_LEN];
    u_char  text[64], *p;
    size_t  n;

    sms_time_print(row->final_us, at);

    sms_json_object(w);
    sms_json_key(w, "type");
    p = ngx_snprintf(text, sizeof(text), "message.%V", &row->state);
    sms_json_str(w, (char *) text, p - text);
    sms_json_key(w, "timestamp");
    sms_json_str(w, at, SMS_TIME_TEXT_LEN);

    sms_json_key(w, "data");
    sms_json_object(w);
    sms_json_key(w, "id");
    n = sms_id_print("msg", row->id, id);
    sms_json_str(w, id, n);
    sms_json_key(w, "submission_id");
    n = sms_id_print("sub", row->submission, id);
    sms_json_str(w, id, n);
    sms_json_key(w, "to");
    p = ngx_snprintf(text, sizeof(text), "+%L", row->to);
    sms_json_str(w, (char *) text, p - text);
    sms_json_key(w, "state");
    sms_json_str(w, (char *) row->state.data, row->state.len);
    sms_json_key(w, "code");

    if (row->code.len) {
        sms_json_str(w, (char *) row->code.data, row->code.len);

    } else {
        sms_json_null(w);
    }

    sms_json_key(w, "parts");
    sms_json_int(w, row->parts);
    ngx_sms_webhook_post_money(w, "price", row->price_micro, unit);

    if (row->refunded_micro) {
        ngx_sms_webhook_post_money(w, "refunded", row->refunded_micro, unit);

    } else {
        sms_json_key(w, "refunded");
        sms_json_null(w);
    }

    sms_json_key(w, "test");
    sms_json_bool(w, row->test != 0);
    sms_json_key(w, "final_at");
    sms_json_str(w, at, SMS_TIME_TEXT_LEN);
    sms_json_end(w);
    sms_json_end(w);
}


static void
ngx_sms_webhook_post_money(sms_json_t *w, const char *key, int64_t micro,
    const ngx_str_t *unit)
{
    sms_json_key_n(w, key, ngx_strlen(key));
    sms_json_object(w);
    sms_json_key(w, "amount_micro");
    sms_json_int(w, micro);
    sms_json_key(w, "unit");
    sms_json_str(w, (char *) unit->data, unit->len);
    sms_json_end(w);
}


static ngx_int_t
ngx_sms_webhook_post_copy(ngx_pool_t *pool, ngx_str_t *to,
    const ngx_str_t *from)
{
    to->len = from->len;
    to->data = ngx_pnalloc(pool, from->len);

    if (to->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(to->data, from->data, from->len);

    return NGX_OK;
}


void
ngx_sms_webhook_post_send(ngx_sms_webhook_post_t *post,
    const ngx_sms_curl_guard_t *guard, ngx_sms_webhook_post_pt done)
{
    post->done = done;
    post->sent_us = ngx_sms_timer_mono_us();

    if (post->events == 0) {
        /* the messages were too old to be kept: there is nothing to tell */
        ngx_sms_webhook_post_end(post, 200);
        return;
    }

    if (ngx_sms_webhook_post_start(post, guard) != NGX_OK) {
        ngx_sms_webhook_post_end(post, SMS_E_INTERNAL);
    }
}


static ngx_int_t
ngx_sms_webhook_post_start(ngx_sms_webhook_post_t *post,
    const ngx_sms_curl_guard_t *guard)
{
    u_char         *p, *text, *body;
    u_char          signature[2 * NGX_SMS_WEBHOOK_MAC];
    size_t          id, len, n;
    sms_rc_t        rc;
    sms_kv_t        headers[4];
    sms_http_req_t  req;

    /* what is signed ends with what is sent */

    text = ngx_pnalloc(post->pool, NGX_SMS_WEBHOOK_HEAD + post->body.len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    id = sms_id_print("whk", post->id, (char *) text);
    p = ngx_sprintf(text + id, ".%T.", ngx_time());
    body = p;
    len = post->body.len;
    p = ngx_cpymem(p, post->body.buf, len);
    sms_json_free(&post->body);

    n = ngx_sms_webhook_post_sign(&post->secret, text, p - text, signature);

    if (n == 0) {
        return NGX_ERROR;
    }

    if (post->old_secret.len) {
        signature[n++] = ' ';
        n += ngx_sms_webhook_post_sign(&post->old_secret, text, p - text,
                                       signature + n);
    }

    ngx_sms_webhook_header(&headers[0], "Content-Type", "application/json",
                           sizeof("application/json") - 1);
    ngx_sms_webhook_header(&headers[1], "webhook-id", text, id);
    ngx_sms_webhook_header(&headers[2], "webhook-timestamp", text + id + 1,
                           (size_t) (body - 1 - (text + id + 1)));
    ngx_sms_webhook_header(&headers[3], "webhook-signature", signature, n);

    ngx_memzero(&req, sizeof(sms_http_req_t));
    req.size = sizeof(sms_http_req_t);
    req.method.ptr = "POST";
    req.method.len = 4;
    req.url.ptr = (const char *) post->url.data;
    req.url.len = post->url.len;
    req.body.ptr = (const char *) body;
    req.body.len = len;
    req.headers = headers;
    req.nheaders = 4;
    req.timeout_ms = NGX_SMS_WEBHOOK_TIMEOUT;

    post->request = ngx_sms_curl_request(&req, guard,
                                         ngx_sms_webhook_post_answer, post,
                                         post->log, &rc);

    if (post->request == NULL) {
        ngx_sms_webhook_post_end(post, rc);
    }

    return NGX_OK;
}


/* "v1," and the base64; 0: no memory */

static size_t
ngx_sms_webhook_post_sign(const ngx_str_t *secret, const u_char *text,
    size_t len, u_char *out)
{
    u_char     mac[SMS_HASH_LEN];
    ngx_str_t  raw, base64;

    if (sms_hash_hmac(secret->data, secret->len, text, len, mac) != 0) {
        return 0;
    }

    raw.data = mac;
    raw.len = SMS_HASH_LEN;
    base64.data = ngx_cpymem(out, "v1,", 3);
    ngx_encode_base64(&base64, &raw);

    return 3 + base64.len;
}


static void
ngx_sms_webhook_post_answer(void *data, const sms_http_res_t *res)
{
    ngx_int_t                seconds;
    uint32_t                 i;
    ngx_sms_webhook_post_t  *post = data;

    post->request = NULL;

    if (res->rc != SMS_OK) {
        ngx_sms_webhook_post_end(post, res->rc);
        return;
    }

    for (i = 0; i < res->nheaders; i++) {
        if (res->headers[i].name.len == sizeof("retry-after") - 1
            && ngx_memcmp(res->headers[i].name.ptr, "retry-after",
                          sizeof("retry-after") - 1) == 0)
        {
            /* a date is not read: the schedule is late enough */
            seconds = ngx_atoi((u_char *) res->headers[i].value.ptr,
                               res->headers[i].value.len);
            post->retry_s = (int32_t) ngx_min(ngx_max(seconds, 0),
                                              NGX_SMS_WEBHOOK_RETRY_MAX);
        }
    }

    ngx_sms_webhook_post_end(post, (int32_t) res->status);
}


static void
ngx_sms_webhook_post_end(ngx_sms_webhook_post_t *post, int32_t status)
{
    post->status = status;
    post->took_us = ngx_sms_timer_mono_us() - post->sent_us;
    post->ended = 1;
    post->done(post);
}


void
ngx_sms_webhook_post_destroy(ngx_sms_webhook_post_t *post)
{
    if (post->request) {
        ngx_sms_curl_abort(post->request);
    }

    sms_json_free(&post->body);
    ngx_destroy_pool(post->pool);
}
