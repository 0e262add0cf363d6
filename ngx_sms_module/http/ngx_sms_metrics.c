#include "ngx_sms_metrics.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_page.h"
#include "ngx_sms_respond.h"
#include "ngx_sms_store_operator.h"
#include "ngx_sms_tally.h"
#include "ngx_sms_worker.h"


#define NGX_SMS_METRICS_LINE  512


typedef struct {
    ngx_pool_t             *pool;
    ngx_chain_t            *first;
    ngx_chain_t           **last;
    ngx_buf_t              *b;
    ngx_http_request_t     *r;
    ngx_sms_store_query_t  *query;      /* NULL: not asked, or answered       */
} ngx_sms_metrics_t;

typedef struct {
    const char             *word;
    const char             *name;
    const char             *labels;
    const char             *help;
} ngx_sms_operator_metric_t;


static const ngx_sms_operator_metric_t  ngx_sms_operator_metrics[] = {
#define NGX_SMS_OPERATOR_METRIC(word, name, labels, help)                     \
    { word, name, labels, help },
#include "ngx_sms_operator_metric.def"
#undef NGX_SMS_OPERATOR_METRIC
    { NULL, NULL, NULL, NULL }
};


static void ngx_sms_metrics_told(void *data, const ngx_sms_pg_res_t *res);
static void ngx_sms_metrics_left(void *data);
static ngx_int_t ngx_sms_metrics_page(ngx_sms_metrics_t *page,
    const ngx_sms_pg_res_t *res);
static ngx_int_t ngx_sms_metrics_operators(ngx_sms_metrics_t *page,
    const ngx_sms_pg_res_t *res);
static u_char *ngx_sms_metrics_label(u_char *p, u_char *last, const char *name, size_t len,
    const ngx_str_t *value);
static ngx_int_t ngx_sms_metrics_visit(void *data, const ngx_sms_metric_t *m);
static ngx_int_t ngx_sms_metrics_histogram(ngx_sms_metrics_t *page,
    const ngx_sms_metric_t *m);
static u_char *ngx_sms_metrics_seconds(u_char *p, int64_t us);
static ngx_int_t ngx_sms_metrics_room(ngx_sms_metrics_t *page);
static ngx_int_t ngx_sms_metrics_plugins(ngx_sms_metrics_t *page);
static ngx_int_t ngx_sms_metrics_links(ngx_sms_metrics_t *page);


/*
 * What this node counts is in shared memory.  What operators are doing is known over
 * all nodes by the database alone; without its answer the page is told without them.
 */

ngx_int_t
ngx_sms_metrics_handler(ngx_http_request_t *r)
{
    ngx_sms_metrics_t   *page;
    ngx_pool_cleanup_t  *cln;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        (void) ngx_sms_respond_header(r, "Allow", "GET, HEAD", 9);
        return NGX_HTTP_NOT_ALLOWED;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_sms_metrics_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    page = cln->data;
    ngx_memzero(page, sizeof(ngx_sms_metrics_t));
    page->pool = r->pool;
    page->last = &page->first;
    page->r = r;
    cln->handler = ngx_sms_metrics_left;

    if (ngx_sms_store_ready()) {

        page->query = ngx_sms_store_operator_metrics(ngx_sms_metrics_told,
                                                     page);
        if (page->query) {
            r->main->count++;
            return NGX_DONE;
        }
    }

    return ngx_sms_metrics_page(page, NULL);
}


static void
ngx_sms_metrics_told(void *data, const ngx_sms_pg_res_t *res)
{
    ngx_sms_metrics_t  *page = data;

    ngx_connection_t  *c;

    page->query = NULL;
    c = page->r->connection;

    ngx_http_finalize_request(page->r,
                              ngx_sms_metrics_page(page,
                                                   res->rc == NGX_SMS_PG_OK
                                                   ? res : NULL));
    ngx_http_run_posted_requests(c);
}


static void
ngx_sms_metrics_left(void *data)
{
    ngx_sms_metrics_t  *page = data;

    if (page->query) {
        ngx_sms_store_query_forget(page->query);
        page->query = NULL;
    }
}


/* "res" NULL: the database did not tell of operators */

static ngx_int_t
ngx_sms_metrics_page(ngx_sms_metrics_t *page, const ngx_sms_pg_res_t *res)
{
    ngx_sms_tally();

    if (ngx_sms_counter_visit(ngx_sms_worker.zone, ngx_sms_metrics_visit, page)
        != NGX_OK
        || ngx_sms_metrics_plugins(page) != NGX_OK
        || ngx_sms_metrics_links(page) != NGX_OK
        || (res && ngx_sms_metrics_operators(page, res) != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_sms_page_send(page->r, NGX_HTTP_OK,
                             "text/plain; version=0.0.4; charset=utf-8",
                             page->first);
}


/* the rows are in the order of the words */

static ngx_int_t
ngx_sms_metrics_operators(ngx_sms_metrics_t *page, const ngx_sms_pg_res_t *res)
{
    u_char                           *p;
    ngx_uint_t                        i;
    ngx_uint_t                        k;
    const char                       *word, *last;
    const ngx_str_t                  *value[3];
    ngx_sms_store_operator_row_t      row;
    const ngx_sms_operator_metric_t  *m, *before;

    before = NULL;

    for (i = 0; i < res->nrows; i++) {

        if (ngx_sms_store_operator_row(res, i, &row) != NGX_OK) {
            return NGX_ERROR;
        }

        for (m = ngx_sms_operator_metrics; m->word; m++) {
            if (row.metric.len == ngx_strlen(m->word)
                && ngx_strncmp(row.metric.data, m->word, row.metric.len) == 0)
            {
                break;
            }
        }

        /* of a schema that is newer than this module */
        if (m->word == NULL) {
            continue;
        }

        if (ngx_sms_metrics_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        if (m != before) {
            page->b->last = ngx_slprintf(page->b->last, page->b->end,
                                         "# HELP %s %s\n# TYPE %s gauge\n",
                                         m->name, m->help, m->name);
            before = m;

            if (ngx_sms_metrics_room(page) != NGX_OK) {
                return NGX_ERROR;
            }
        }

        p = ngx_slprintf(page->b->last, page->b->end, "%s{", m->name);

        /* one label is the row's own, two or three begin with its first columns */
        value[0] = &row.link;
        value[1] = &row.operator_name;
        value[2] = &row.extra;
        k = ngx_strchr(m->labels, ' ') ? 0 : 2;

        for (word = m->labels; *word; word = last) {

            last = strchr(word, ' ');
            last = last ? last : word + ngx_strlen(word);

            if (word != m->labels) {
                *p++ = ',';
            }

            p = ngx_sms_metrics_label(p, page->b->end, word,
                                      (size_t) (last - word), value[k++]);
            last += *last == ' ';
        }

        page->b->last = ngx_slprintf(p, page->b->end, "} %L\n", row.value);
    }

    return NGX_OK;
}


/* name="value", the value cut at 64 octets and escaped as the format asks */

static u_char *
ngx_sms_metrics_label(u_char *p, u_char *last, const char *name, size_t len,
    const ngx_str_t *value)
{
    size_t  i;

    p = ngx_slprintf(p, last, "%*s=\"", len, name);

    for (i = 0; i < value->len && i < 64; i++) {

        if (value->data[i] == '"' || value->data[i] == '\\') {
            *p++ = '\\';
        }

        *p++ = value->data[i] == '\n' ? ' ' : value->data[i];
    }

    *p++ = '"';

    return p;
}


/* makes sure that one line fits into the current buffer */

static ngx_int_t
ngx_sms_metrics_room(ngx_sms_metrics_t *page)
{
    ngx_chain_t  *cl;

    if (page->b && page->b->end - page->b->last >= NGX_SMS_METRICS_LINE) {
        return NGX_OK;
    }

    page->b = ngx_create_temp_buf(page->pool, 16 * NGX_SMS_METRICS_LINE);
    cl = ngx_alloc_chain_link(page->pool);

    if (page->b == NULL || cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = page->b;
    cl->next = NULL;
    *page->last = cl;
    page->last = &cl->next;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_metrics_visit(void *data, const ngx_sms_metric_t *m)
{
    ngx_sms_metrics_t  *page = data;

    u_char             *p;
    const char         *open, *close;

    static const char *const  types[] = {
        "untyped", "counter", "gauge", "histogram"
    };

    if (ngx_sms_metrics_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    if (m->first) {
        page->b->last = ngx_slprintf(page->b->last, page->b->end,
                                     "# HELP %s %s\n# TYPE %s %s\n", m->name,
                                     m->help, m->name, types[m->type]);
    }

    if (m->type == NGX_SMS_METRIC_HISTOGRAM) {
        return ngx_sms_metrics_histogram(page, m);
    }

    open = *m->labels ? "{" : "";
    close = *m->labels ? "}" : "";

    if (ngx_sms_metrics_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_slprintf(page->b->last, page->b->end, "%s%s%s%s ", m->name, open,
                     m->labels, close);

    if (m->unit == NGX_SMS_UNIT_SECONDS) {
        p = ngx_sms_metrics_seconds(p, m->value);
        *p++ = '\n';

    } else {
        p = ngx_slprintf(p, page->b->end, "%L\n", m->value);
    }

    page->b->last = p;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_metrics_histogram(ngx_sms_metrics_t *page, const ngx_sms_metric_t *m)
{
    u_char      *p;
    ngx_uint_t   i;
    const char  *comma;

    comma = *m->labels ? "," : "";

    for (i = 0; i < m->nbuckets; i++) {

        if (ngx_sms_metrics_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        p = ngx_slprintf(page->b->last, page->b->end, "%s_bucket{%s%sle=\"",
                         m->name, m->labels, comma);

        if (i == m->nbuckets - 1) {
            p = ngx_slprintf(p, page->b->end, "+Inf");

        } else if (m->unit == NGX_SMS_UNIT_SECONDS) {
            p = ngx_sms_metrics_seconds(p, m->bound[i]);

        } else {
            p = ngx_slprintf(p, page->b->end, "%L", m->bound[i]);
        }

        page->b->last = ngx_slprintf(p, page->b->end, "\"} %uL\n",
                                     m->bucket[i]);
    }

    if (ngx_sms_metrics_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_slprintf(page->b->last, page->b->end, "%s_sum%s%s%s ", m->name,
                     *m->labels ? "{" : "", m->labels, *m->labels ? "}" : "");

    if (m->unit == NGX_SMS_UNIT_SECONDS) {
        p = ngx_sms_metrics_seconds(p, m->sum);

    } else {
        p = ngx_slprintf(p, page->b->end, "%L", m->sum);
    }

    page->b->last = ngx_slprintf(p, page->b->end, "\n%s_count%s%s%s %uL\n",
                                 m->name, *m->labels ? "{" : "", m->labels,
                                 *m->labels ? "}" : "", m->count);

    return NGX_OK;
}


static u_char *
ngx_sms_metrics_seconds(u_char *p, int64_t us)
{
    return ngx_sprintf(p, "%L.%06L", us / 1000000, us % 1000000);
}


/* what this worker's plugins are: the counters above are of all workers */

static ngx_int_t
ngx_sms_metrics_plugins(ngx_sms_metrics_t *page)
{
    ngx_uint_t          i;
    ngx_array_t        *list;
    ngx_sms_plugin_t  **p;

    list = &ngx_sms_worker.plugins->all;
    p = list->elts;

    if (ngx_sms_metrics_room(page) != NGX_OK) {
        return NGX_ERROR;
    }

    page->b->last = ngx_slprintf(page->b->last, page->b->end,
                        "# HELP sms_plugin_up Plugins that work in the "
                        "worker that answers\n# TYPE sms_plugin_up gauge\n");

    for (i = 0; i < list->nelts; i++) {

        if (ngx_sms_metrics_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        page->b->last = ngx_slprintf(page->b->last, page->b->end,
                            "sms_plugin_up{kind=\"%s\",name=\"%V\"} %ui\n",
                            ngx_sms_plugin_kind_name(p[i]->kind), &p[i]->name,
                            ngx_sms_plugin_usable(p[i]));
    }

    return NGX_OK;
}


/* how links deliver, as the database said last: over all nodes */

static ngx_int_t
ngx_sms_metrics_links(ngx_sms_metrics_t *page)
{
    int64_t             success;
    ngx_uint_t          i, k, fallen;
    ngx_array_t        *list;
    ngx_sms_plugin_t  **p;

    static const char *const  heads[] = {
        "# HELP sms_link_success_ratio Parts delivered of those that ended, by "
        "link, in the window of sms_quality\n# TYPE sms_link_success_ratio "
        "gauge\n",
        "# HELP sms_link_fallen 1 where the link's delivery has fallen and "
        "messages take others\n# TYPE sms_link_fallen gauge\n"
    };

    list = &ngx_sms_worker.plugins->kinds[SMS_KIND_OPERATOR];
    p = list->elts;

    for (k = 0; k < 2; k++) {

        if (ngx_sms_metrics_room(page) != NGX_OK) {
            return NGX_ERROR;
        }

        page->b->last = ngx_slprintf(page->b->last, page->b->end, "%s",
                                     heads[k]);

        for (i = 0; i < list->nelts; i++) {

            success = ngx_sms_quality_success(p[i]->link, &fallen);

            if ((k == 0 && success < 0)
                || ngx_sms_metrics_room(page) != NGX_OK)
            {
                continue;
            }

            page->b->last = k ? ngx_slprintf(page->b->last, page->b->end,
                                    "sms_link_fallen{link=\"%V\"} %ui\n",
                                    &p[i]->name, fallen)
                              : ngx_slprintf(page->b->last, page->b->end,
                                    "sms_link_success_ratio{link=\"%V\"} "
                                    "%L.%03L\n", &p[i]->name, success / 1000,
                                    success % 1000);
        }
    }

    return NGX_OK;
}
