#include "ngx_sms_store_screen.h"


static const uint32_t  ngx_sms_types_screen_take[] = {
    NGX_SMS_PG_INT4, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_UUID_ARRAY,
    NGX_SMS_PG_BOOL
};
static const uint32_t  ngx_sms_types_consent_put[] = {
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT8_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_UUID, NGX_SMS_PG_TEXT
};
static const uint32_t  ngx_sms_types_due_release[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_INT4
};
static const uint32_t  ngx_sms_types_screened[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT8_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY,
    NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_TEXT_ARRAY, NGX_SMS_PG_TEXT_ARRAY
};
static const uint32_t  ngx_sms_types_screened_submission[] = {
    NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT4_ARRAY,
    NGX_SMS_PG_INT4, NGX_SMS_PG_INT8, NGX_SMS_PG_TEXT,

    NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY,
    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_TEXT_ARRAY,

    NGX_SMS_PG_INT4_ARRAY, NGX_SMS_PG_UUID_ARRAY, NGX_SMS_PG_INT2_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_INT2_ARRAY, NGX_SMS_PG_TIMESTAMPTZ_ARRAY, NGX_SMS_PG_TEXT_ARRAY,
    NGX_SMS_PG_TEXT_ARRAY
};


const ngx_sms_pg_stmt_t  ngx_sms_store_take_stmts[] = {
    { .name = "screen_take",
      .sql = "SELECT place, message_id, \"to\", rtype, enc, parts, own_text,"
             " verdict, consent_state, consent_as_of, tried,"
             " account_id, submission_id, class, brand_id, owner_account,"
             " sender, body, accepted_at, expires_at, test, doc"
             " FROM sms.screen_take($1, $2, $3, $4)",
      .nparams = 4, .types = ngx_sms_types_screen_take },

    { .name = "consent_put",
      .sql = "SELECT sms.consent_put($1, $2, $3, $4, $5, $6, $7, $8)",
      .nparams = 8, .types = ngx_sms_types_consent_put }
};

const ngx_sms_pg_stmt_t  ngx_sms_store_screen_stmts[] = {
    { .name = "due_release",
      .sql = "SELECT sms.due_release($1, $2)",
      .nparams = 2, .types = ngx_sms_types_due_release },

    { .name = "screened",
      .sql = "SELECT sms.screened($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
             " $11, $12)",
      .nparams = 12, .types = ngx_sms_types_screened },

    { .name = "screened_submission",
      .sql = "SELECT sms.screened_submission($1, $2, $3, $4, $5, $6, $7, $8,"
             " $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)",
      .nparams = 21, .types = ngx_sms_types_screened_submission }
};


/* in the order of the statement: what differs within a group, what does not */

static const ngx_sms_store_column_t  ngx_sms_store_take_place =
    ngx_sms_store_column(group, INT, 1);

static const ngx_sms_store_column_t  ngx_sms_store_take_columns[] = {
    ngx_sms_store_column(id, UUID, 0),
    ngx_sms_store_column(to, INT, 0),
    ngx_sms_store_column(recipient_type, INT, 0),
    ngx_sms_store_column(encoding, INT, 0),
    ngx_sms_store_column(parts, INT, 0),
    ngx_sms_store_column(text, TEXT, 1),
    ngx_sms_store_column(verdict, INT, 1),
    ngx_sms_store_column(consent, INT, 1),
    ngx_sms_store_column(consent_as_of_us, TIME, 1),
    ngx_sms_store_column(tried, TEXT, 1)
};

static const ngx_sms_store_column_t  ngx_sms_store_take_groups[] = {
    ngx_sms_store_column(account, INT, 0),
    ngx_sms_store_column(submission, UUID, 0),
    ngx_sms_store_column(klass, INT, 0),
    ngx_sms_store_column(brand, INT, 1),
    ngx_sms_store_column(owner, INT, 1),
    ngx_sms_store_column(sender, TEXT, 0),
    ngx_sms_store_column(text, TEXT, 1),
    ngx_sms_store_column(accepted_us, TIME, 0),
    ngx_sms_store_column(expires_us, TIME, 0),
    ngx_sms_store_column(test, BOOL, 0),
    ngx_sms_store_column(doc, TEXT, 1)
};

#define NGX_SMS_TAKE_COLUMNS                                                  \
    (sizeof(ngx_sms_store_take_columns) / sizeof(ngx_sms_store_take_columns[0]))
#define NGX_SMS_TAKE_GROUPS                                                   \
    (sizeof(ngx_sms_store_take_groups) / sizeof(ngx_sms_store_take_groups[0]))

#define NGX_SMS_TAKE_ID          1
#define NGX_SMS_TAKE_ACCOUNT     (1 + NGX_SMS_TAKE_COLUMNS)
#define NGX_SMS_TAKE_SUBMISSION  (NGX_SMS_TAKE_ACCOUNT + 1)


static ngx_sms_store_query_t *ngx_sms_store_screen_send(ngx_sms_pg_conn_t *pc,
    ngx_sms_store_query_t *q, ngx_int_t failed);
static void ngx_sms_store_screen_passed(const ngx_sms_store_screened_t *m,
    ngx_sms_pg_array_t *a, ngx_uint_t lane, ngx_uint_t proof);
static void ngx_sms_store_screen_other(const ngx_sms_store_screened_t *m,
    ngx_sms_pg_array_t *a);
static void ngx_sms_store_screen_text(ngx_sms_pg_array_t *a,
    const ngx_str_t *s);
static void ngx_sms_store_screen_time(ngx_sms_pg_array_t *a, int64_t us);


static ngx_sms_store_query_t *
ngx_sms_store_screen_send(ngx_sms_pg_conn_t *pc, ngx_sms_store_query_t *q,
    ngx_int_t failed)
{
    if (failed) {
        ngx_destroy_pool(q->pool);
        return NULL;
    }

    return ngx_sms_store_query_send(pc, q, NGX_SMS_FLOW_DEADLINE) == NGX_OK
           ? q : NULL;
}


ngx_sms_store_query_t *
ngx_sms_store_due_release(int32_t limit, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_screen_stmts[NGX_SMS_STMT_DUE_RELEASE], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_pg_param_time(&q->params[0], now_us);
    ngx_sms_pg_param_int4(&q->params[1], limit);
    q->q.background = 1;

    return ngx_sms_store_screen_send(ngx_sms_store.flow, q, 0);
}


ngx_sms_store_query_t *
ngx_sms_store_screen_take(int32_t limit, const ngx_sms_store_id_t *busy,
    ngx_uint_t nbusy, ngx_uint_t alone, int64_t now_us,
    ngx_sms_pg_done_pt done, void *data)
{
    ngx_int_t               failed;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      ids;
    ngx_sms_store_query_t  *q;

    q = ngx_sms_store_query_create(
            &ngx_sms_store_take_stmts[NGX_SMS_STMT_SCREEN_TAKE], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    ngx_sms_store_array(q, &ids, NGX_SMS_PG_UUID, nbusy);

    for (i = 0; i < nbusy; i++) {
        ngx_sms_pg_array_uuid(&ids, busy[i].id);
    }

    ngx_sms_pg_param_int4(&q->params[0], limit);
    ngx_sms_pg_param_time(&q->params[1], now_us);
    failed = ngx_sms_pg_param_array(&q->params[2], &ids) != NGX_OK;
    ngx_sms_pg_param_bool(&q->params[3], alone);
    q->q.background = 1;

    return ngx_sms_store_screen_send(ngx_sms_store.bulk, q, failed);
}


ngx_uint_t
ngx_sms_store_screen_empty(const ngx_sms_pg_res_t *res)
{
    return ngx_sms_pg_row_null(res, 0, NGX_SMS_TAKE_SUBMISSION);
}


ngx_int_t
ngx_sms_store_screen_groups(const ngx_sms_pg_res_t *res, ngx_pool_t *pool,
    ngx_sms_store_id_t **ids, ngx_uint_t *n, ngx_uint_t *together)
{
    uint32_t                 count;
    ngx_uint_t               i;
    ngx_sms_store_id_t      *list;
    ngx_sms_pg_cell_t        cell;
    ngx_sms_pg_cell_array_t  array;

    *together = !ngx_sms_pg_row_null(res, 0, 0)
                || ngx_sms_pg_row_null(res, 0, NGX_SMS_TAKE_ID);

    if (ngx_sms_pg_row_array(res, 0, *together ? NGX_SMS_TAKE_SUBMISSION
                                               : NGX_SMS_TAKE_ID,
                             &array, &count)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    list = ngx_palloc(pool, count * sizeof(ngx_sms_store_id_t));
    if (list == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < count; i++) {
        if (ngx_sms_pg_cell_array_next(&array, &cell) != 0
            || ngx_sms_pg_cell_uuid(&cell, list[i].id) != 0)
        {
            return NGX_ERROR;
        }
    }

    *ids = list;
    *n = count;

    return NGX_OK;
}


ngx_int_t
ngx_sms_store_screen_rows(const ngx_sms_pg_res_t *res, ngx_pool_t *pool,
    ngx_sms_store_row_t **rows, ngx_uint_t *n)
{
    int64_t                   group, last;
    uint32_t                  count, ngroups;
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_sms_store_row_t      *groups, *list;
    ngx_sms_pg_cell_array_t   array;

    count = 0;
    rc = ngx_sms_pg_row_array(res, 0, NGX_SMS_TAKE_ID, &array, &count);

    if (rc == NGX_ERROR
        || ngx_sms_pg_row_array(res, 0, NGX_SMS_TAKE_ACCOUNT, &array, &ngroups)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    groups = ngx_pcalloc(pool, ngroups * sizeof(ngx_sms_store_row_t));
    list = ngx_pcalloc(pool, count * sizeof(ngx_sms_store_row_t));

    if (groups == NULL || list == NULL
        || ngx_sms_store_row_columns(res, NGX_SMS_TAKE_ACCOUNT,
                                     ngx_sms_store_take_groups,
                                     NGX_SMS_TAKE_GROUPS, groups, ngroups)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    *rows = list;
    *n = count;

    if (count == 0) {
        return NGX_OK;
    }

    if (ngx_sms_store_row_columns(res, 0, &ngx_sms_store_take_place, 1, list,
                                  count)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    last = 1;

    for (i = 0; i < count; i++) {

        group = list[i].group ? list[i].group : (int64_t) i + 1;

        if (group < last || group > (int64_t) ngroups) {
            return NGX_ERROR;
        }

        list[i] = groups[group - 1];
        list[i].group = group;
        list[i].attempt = 1;
        last = group;
    }

    return ngx_sms_store_row_columns(res, NGX_SMS_TAKE_ID,
                                     ngx_sms_store_take_columns,
                                     NGX_SMS_TAKE_COLUMNS, list, count);
}


ngx_sms_store_query_t *
ngx_sms_store_screened(const ngx_sms_store_screened_t *list, ngx_uint_t n,
    int64_t now_us, ngx_sms_pg_done_pt done, void *data)
{
    ngx_int_t               failed;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      a[11];
    ngx_sms_store_query_t  *q;

    static const uint32_t  types[] = {
        NGX_SMS_PG_UUID, NGX_SMS_PG_INT8, NGX_SMS_PG_INT2, NGX_SMS_PG_INT4,
        NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT,
        NGX_SMS_PG_INT2, NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT,
        NGX_SMS_PG_TEXT
    };

    q = ngx_sms_store_query_create(
            &ngx_sms_store_screen_stmts[NGX_SMS_STMT_SCREENED], 0, done, data);
    if (q == NULL) {
        return NULL;
    }

    for (i = 0; i < 11; i++) {
        ngx_sms_store_array(q, &a[i], types[i], n);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_uuid(&a[0], list[i].id);
        ngx_sms_pg_array_int8(&a[1], list[i].account);
        ngx_sms_pg_array_int2(&a[2], (int16_t) list[i].outcome);

        if (list[i].lane) {
            ngx_sms_pg_array_int4(&a[3], list[i].lane);
        } else {
            ngx_sms_pg_array_null(&a[3]);
        }

        ngx_sms_store_screen_time(&a[4], list[i].fresh_until_us);
        ngx_sms_store_screen_time(&a[5], list[i].at_us);
        ngx_sms_store_screen_text(&a[6], &list[i].code);

        if (list[i].consent) {
            ngx_sms_pg_array_int2(&a[7], (int16_t) list[i].consent);
        } else {
            ngx_sms_pg_array_null(&a[7]);
        }

        ngx_sms_store_screen_time(&a[8], list[i].consent_as_of_us);
        ngx_sms_store_screen_text(&a[9], &list[i].proof);
        ngx_sms_store_screen_text(&a[10], &list[i].plugin);
    }

    failed = 0;
    ngx_sms_pg_param_time(&q->params[0], now_us);

    for (i = 0; i < 11; i++) {
        failed |= ngx_sms_pg_param_array(&q->params[i + 1], &a[i]) != NGX_OK;
    }

    return ngx_sms_store_screen_send(ngx_sms_store.flow, q, failed);
}


/*
 * Nearly all pass, into one lane, with one proof: what is the same in all is told
 * once.  Those that pass come from one plugin, or from none.
 */

ngx_sms_store_query_t *
ngx_sms_store_screened_submission(const ngx_sms_store_id_t *submissions,
    ngx_uint_t nsubmissions, const ngx_sms_store_screened_t *list,
    ngx_uint_t n, int64_t life_ms, int64_t now_us, ngx_sms_pg_done_pt done,
    void *data)
{
    int32_t                          count;
    ngx_int_t                        failed;
    ngx_uint_t                       i, k, lane, proof;
    ngx_sms_pg_array_t               a[17];
    ngx_sms_store_query_t           *q;
    const ngx_sms_store_screened_t  *first;

    static const uint32_t  types[] = {
        NGX_SMS_PG_UUID, NGX_SMS_PG_INT4,

        NGX_SMS_PG_UUID, NGX_SMS_PG_INT2, NGX_SMS_PG_TIMESTAMPTZ,
        NGX_SMS_PG_INT4, NGX_SMS_PG_TEXT,

        NGX_SMS_PG_INT4, NGX_SMS_PG_UUID, NGX_SMS_PG_INT2, NGX_SMS_PG_INT2,
        NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT, NGX_SMS_PG_INT2,
        NGX_SMS_PG_TIMESTAMPTZ, NGX_SMS_PG_TEXT, NGX_SMS_PG_TEXT
    };

    q = ngx_sms_store_query_create(
            &ngx_sms_store_screen_stmts[NGX_SMS_STMT_SCREENED_SUBMISSION], 0,
            done, data);
    if (q == NULL) {
        return NULL;
    }

    first = NULL;
    lane = 0;
    proof = 0;
    k = 0;

    for (i = 0; i < n; i++) {

        if (list[i].outcome != NGX_SMS_SCREEN_QUEUE) {
            continue;
        }

        k++;

        if (first == NULL) {
            first = &list[i];
            continue;
        }

        lane |= list[i].lane != first->lane;
        proof |= list[i].proof.len != first->proof.len
                 || ngx_memcmp(list[i].proof.data, first->proof.data,
                               first->proof.len) != 0;
    }

    for (i = 0; i < 17; i++) {
        ngx_sms_store_array(q, &a[i], types[i],
                            i < 2 ? nsubmissions : i < 7 ? k : n - k);
    }

    k = 0;

    for (i = 0; i < nsubmissions; i++) {

        ngx_sms_pg_array_uuid(&a[0], submissions[i].id);
        count = 0;

        for ( /* void */ ; k < n && list[k].group == (int64_t) i + 1; k++) {

            if (list[k].outcome == NGX_SMS_SCREEN_QUEUE) {
                ngx_sms_store_screen_passed(&list[k], &a[2], lane, proof);
                count++;

            } else {
                ngx_sms_store_screen_other(&list[k], &a[7]);
            }
        }

        ngx_sms_pg_array_int4(&a[1], count);
    }

    if (first && !proof && first->proof.len) {
        ngx_sms_store_screen_text(&a[6], &first->proof);
    }

    ngx_sms_pg_array_trim(&a[4]);

    failed = 0;
    ngx_sms_pg_param_time(&q->params[0], now_us);

    if (lane || first == NULL) {
        ngx_sms_pg_param_null(&q->params[3]);

    } else {
        ngx_sms_pg_param_int4(&q->params[3], first->lane);
    }

    ngx_sms_pg_param_int8(&q->params[4], life_ms);
    ngx_sms_pg_param_octets(&q->params[5],
                            first && first->plugin.len ? first->plugin.data
                                                       : NULL,
                            first ? first->plugin.len : 0);

    for (i = 0; i < 17; i++) {
        failed |= ngx_sms_pg_param_array(&q->params[i < 2 ? i + 1 : i + 4],
                                         &a[i])
                  != NGX_OK;
    }

    return ngx_sms_store_screen_send(ngx_sms_store.flow, q, failed);
}


static void
ngx_sms_store_screen_passed(const ngx_sms_store_screened_t *m,
    ngx_sms_pg_array_t *a, ngx_uint_t lane, ngx_uint_t proof)
{
    ngx_sms_pg_array_uuid(&a[0], m->id);
    ngx_sms_pg_array_int2(&a[1], m->parts);
    ngx_sms_store_screen_time(&a[2], m->consent_as_of_us);

    if (lane) {
        ngx_sms_pg_array_int4(&a[3], m->lane);
    }

    if (proof) {
        ngx_sms_store_screen_text(&a[4], &m->proof);
    }
}


static void
ngx_sms_store_screen_other(const ngx_sms_store_screened_t *m,
    ngx_sms_pg_array_t *a)
{
    ngx_sms_pg_array_int4(&a[0], (int32_t) m->group);
    ngx_sms_pg_array_uuid(&a[1], m->id);
    ngx_sms_pg_array_int2(&a[2], (int16_t) m->outcome);
    ngx_sms_pg_array_int2(&a[3], m->parts);
    ngx_sms_store_screen_time(&a[4], m->at_us);
    ngx_sms_store_screen_text(&a[5], &m->code);

    if (m->consent) {
        ngx_sms_pg_array_int2(&a[6], (int16_t) m->consent);

    } else {
        ngx_sms_pg_array_null(&a[6]);
    }

    ngx_sms_store_screen_time(&a[7], m->consent_as_of_us);
    ngx_sms_store_screen_text(&a[8], &m->proof);
    ngx_sms_store_screen_text(&a[9], &m->plugin);
}


static void
ngx_sms_store_screen_text(ngx_sms_pg_array_t *a, const ngx_str_t *s)
{
    ngx_sms_pg_array_text(a, s->len ? s->data : NULL, s->len);
}


static void
ngx_sms_store_screen_time(ngx_sms_pg_array_t *a, int64_t us)
{
    if (us) {
        ngx_sms_pg_array_time(a, us);

    } else {
        ngx_sms_pg_array_null(a);
    }
}


ngx_sms_store_query_t *
ngx_sms_store_consent_put(const ngx_sms_store_consent_t *list, ngx_uint_t n,
    const u_char batch[16], const char *source, ngx_sms_pg_done_pt done,
    void *data)
{
    ngx_int_t               failed;
    ngx_uint_t              i;
    ngx_sms_pg_array_t      a[6];
    ngx_sms_store_query_t  *q;

    static const uint32_t  types[] = {
        NGX_SMS_PG_INT8, NGX_SMS_PG_INT8, NGX_SMS_PG_INT2, NGX_SMS_PG_INT8,
        NGX_SMS_PG_INT2, NGX_SMS_PG_TIMESTAMPTZ
    };

    q = ngx_sms_store_query_create(
            &ngx_sms_store_take_stmts[NGX_SMS_STMT_CONSENT_PUT], 0, done,
            data);
    if (q == NULL) {
        return NULL;
    }

    for (i = 0; i < 6; i++) {
        ngx_sms_store_array(q, &a[i], types[i], n);
    }

    for (i = 0; i < n; i++) {
        ngx_sms_pg_array_int8(&a[0], list[i].owner);
        ngx_sms_pg_array_int8(&a[1], list[i].brand);
        ngx_sms_pg_array_int2(&a[2], list[i].recipient_type);
        ngx_sms_pg_array_int8(&a[3], list[i].number);
        ngx_sms_pg_array_int2(&a[4], list[i].state);
        ngx_sms_pg_array_time(&a[5], list[i].as_of_us);
    }

    failed = 0;

    for (i = 0; i < 6; i++) {
        failed |= ngx_sms_pg_param_array(&q->params[i], &a[i]) != NGX_OK;
    }

    ngx_sms_pg_param_uuid(&q->params[6], batch);
    ngx_sms_pg_param_octets(&q->params[7], source, ngx_strlen(source));

    return ngx_sms_store_screen_send(ngx_sms_store.bulk, q, failed);
}
