#include "ngx_sms_round.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_ids.h"
#include "ngx_sms_round_route.h"
#include "ngx_sms_work.h"


#define NGX_SMS_CONSENT_TIMEOUT 20000

/* consent unknown, no route: looked at again after as long as it has waited */
#define NGX_SMS_AGAIN_MIN_US    2000000
#define NGX_SMS_AGAIN_MAX_US    30000000


static void ngx_sms_round_consent(void *data);
static void ngx_sms_round_leave(ngx_sms_round_t *round);
static void ngx_sms_round_ran(ngx_sms_run_t *run);
static void ngx_sms_round_consents(ngx_sms_round_t *round);
static void ngx_sms_round_mirror(ngx_sms_round_t *round);
static void ngx_sms_round_mirrored(void *data, const ngx_sms_pg_res_t *res);


ngx_sms_round_t *
ngx_sms_round_create(const ngx_sms_screen_conf_t *conf, ngx_sms_zone_t *zone,
    const ngx_sms_pg_res_t *res, ngx_log_t *log)
{
    ngx_uint_t        i;
    ngx_pool_t       *pool;
    ngx_sms_round_t  *round;

    pool = ngx_sms_work_pool(65536, log);
    if (pool == NULL) {
        return NULL;
    }

    round = ngx_pcalloc(pool, sizeof(ngx_sms_round_t));

    if (round == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    round->pool = pool;
    round->conf = conf;
    round->zone = zone;
    round->log = log;

    if (ngx_sms_store_screen_groups(res, pool, &round->groups, &round->ngroups,
                                    &round->together)
        != NGX_OK
        || ngx_sms_stored_read(&round->st, pool, res, ngx_sms_store_screen_rows)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0, "sms screen: unreadable rows");
        ngx_destroy_pool(pool);
        return NULL;
    }

    round->n = round->st.n;
    round->answers = ngx_pcalloc(pool, round->n
                                       * sizeof(ngx_sms_store_screened_t));
    round->asked = ngx_pcalloc(pool, round->n * sizeof(ngx_uint_t));

    if (round->answers == NULL || round->asked == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    for (i = 0; i < round->n; i++) {
        round->answers[i].id = round->st.rows[i].id;
        round->answers[i].account = round->st.rows[i].account;
        round->answers[i].group = round->st.rows[i].group;
        round->answers[i].parts = (int16_t) round->st.rows[i].parts;
    }

    return round;
}


void
ngx_sms_round_start(ngx_sms_round_t *round, void (*done)(void *data),
    void *data)
{
    round->done = done;
    round->data = data;

    ngx_sms_stored_load(&round->st, ngx_sms_round_consent, round);
}


ngx_uint_t
ngx_sms_round_judged(const ngx_sms_round_t *round)
{
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < round->n; i++) {
        n += round->answers[i].outcome != NGX_SMS_SCREEN_LEAVE;
    }

    return n;
}


void
ngx_sms_round_destroy(ngx_sms_round_t *round)
{
    if (round->run) {
        ngx_sms_plugin_run_abandon(round->run);
    }

    ngx_sms_stored_release(&round->st);
    ngx_destroy_pool(round->pool);
}


/*
 * Permission comes only from a status answer, and its age counts at submit: an
 * answer in the mirror serves while it is in the younger half of its life, so
 * that it does not grow too old in the queue.
 */

static void
ngx_sms_round_consent(void *data)
{
    ngx_sms_round_t  *round = data;

    int64_t               age;
    ngx_uint_t            i, pass;
    ngx_array_t          *list;
    ngx_sms_store_row_t  *row;
    ngx_sms_plugin_t    **plugin;

    round->nasked = 0;
    pass = 0;

    for (i = 0; i < round->n; i++) {

        row = &round->st.rows[i];

        if (row->verdict) {
            ngx_sms_round_decide(round, i, (ngx_uint_t) row->verdict, NULL);
            continue;
        }

        if (round->st.accounts[i] == NULL || row->text.len == 0) {
            ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_WAIT,
                                  "profile-unknown");
            continue;
        }

        if (row->klass != SMS_CLASS_COMMERCIAL || row->test) {
            pass++;
            continue;
        }

        /* the right to send for it may have ended since (C18) */
        if (round->st.msgs[i].brand->id == 0) {
            ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_WAIT,
                                  "brand-not-granted");
            continue;
        }

        if (row->consent == SMS_CONSENT_REFUSED) {
            round->answers[i].consent = SMS_CONSENT_REFUSED;
            round->answers[i].consent_as_of_us = row->consent_as_of_us;
            ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_REFUSE,
                                  "consent-refused");
            continue;
        }

        age = ngx_sms_timer_now_us() - row->consent_as_of_us;

        if (row->consent == SMS_CONSENT_GRANTED && age >= 0
            && age < (int64_t) round->conf->consent_max_age * 500)
        {
            round->answers[i].consent = SMS_CONSENT_GRANTED;
            round->answers[i].consent_as_of_us = row->consent_as_of_us;
            ngx_str_set(&round->answers[i].proof, "mirror");
            pass++;
            continue;
        }

        round->asked[round->nasked++] = i;
    }

    if (!round->whole && round->nasked && pass) {
        ngx_sms_round_leave(round);
    }

    if (round->nasked == 0) {
        ngx_sms_round_lookup(round);
        return;
    }

    list = &round->conf->judge.plugins->kinds[SMS_KIND_CONSENT];
    plugin = list->elts;
    round->asking = 1;

    if (list->nelts == 0
        || ngx_sms_round_run(round, plugin[0], NGX_SMS_OP_CONSENT_LOOKUP,
                              NGX_SMS_CONSENT_TIMEOUT)
           == NGX_ERROR)
    {
        for (i = 0; i < round->nasked; i++) {
            ngx_sms_round_decide(round, round->asked[i], NGX_SMS_SCREEN_WAIT,
                                  "consent-unknown");
        }

        ngx_sms_round_lookup(round);
    }
}


/* takes those that would have to be asked for out of the round */

static void
ngx_sms_round_leave(ngx_sms_round_t *round)
{
    ngx_uint_t  i, k, left;

    round->partial = 1;

    if (round->together) {

        for (i = 0; i < round->nasked; i++) {
            ngx_sms_round_decide(round, round->asked[i], NGX_SMS_SCREEN_LEAVE,
                                 NULL);
        }

        round->nasked = 0;
        return;
    }

    left = 0;
    k = 0;

    for (i = 0; i < round->n; i++) {

        if (left < round->nasked && round->asked[left] == i) {
            left++;
            ngx_sms_account_release(round->st.accounts[i]);
            continue;
        }

        round->st.rows[k] = round->st.rows[i];
        round->st.msgs[k] = round->st.msgs[i];
        round->st.accounts[k] = round->st.accounts[i];
        round->answers[k] = round->answers[i];
        round->answers[k].id = round->st.rows[k].id;
        k++;
    }

    round->n = k;
    round->st.n = k;
    round->nasked = 0;
}


/* NGX_ERROR: nothing was asked; else a step function goes on */

ngx_int_t
ngx_sms_round_run(ngx_sms_round_t *round, ngx_sms_plugin_t *plugin,
    ngx_uint_t op, ngx_msec_t timeout)
{
    ngx_uint_t      i;
    ngx_sms_run_t  *run;

    run = ngx_sms_run_create(round->nasked, sizeof(sms_msg_t),
                             round->log);
    if (run == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < round->nasked; i++) {
        *ngx_sms_run_item(run, sms_msg_t, i) = round->st.msgs[round->asked[i]];
    }

    run->timeout = timeout;
    run->done = ngx_sms_round_ran;
    run->data = round;
    round->run = run;

    if (ngx_sms_plugin_run(plugin, op, run) != NGX_AGAIN) {
        ngx_sms_round_ran(run);
    }

    return NGX_OK;
}


static void
ngx_sms_round_ran(ngx_sms_run_t *run)
{
    ngx_sms_round_t  *round = run->data;

    if (round->routing) {
        ngx_sms_round_routes(round);

    } else if (round->looking) {
        ngx_sms_round_networks(round);

    } else {
        ngx_sms_round_consents(round);
    }
}


static void
ngx_sms_round_consents(ngx_sms_round_t *round)
{
    int64_t                    now;
    ngx_uint_t                 i, k;
    ngx_str_t                  s;
    ngx_sms_run_t             *run;
    sms_consent_t              none;
    const sms_consent_t       *c;
    ngx_sms_store_screened_t  *a;

    run = round->run;
    now = ngx_sms_timer_now_us();
    ngx_memzero(&none, sizeof(sms_consent_t));
    none.status = SMS_E_DOWN;

    for (k = 0; k < round->nasked; k++) {

        i = round->asked[k];
        a = &round->answers[i];
        c = run->results ? ngx_sms_run_result(run, sms_consent_t, k) : &none;

        s.data = (u_char *) c->proof.ptr;
        s.len = c->proof.len;
        a->proof.data = s.len ? ngx_pstrdup(round->pool, &s) : NULL;
        a->proof.len = a->proof.data ? s.len : 0;
        a->plugin = run->plugin->name;

        if (c->status != SMS_OK) {
            /* asking again cannot help where the item itself is at fault */
            a->consent = SMS_CONSENT_UNKNOWN;
            ngx_sms_round_decide(round, i, c->status == SMS_E_INVAL
                                            ? NGX_SMS_SCREEN_REFUSE
                                            : NGX_SMS_SCREEN_WAIT,
                                  "consent-unknown");
            continue;
        }

        a->consent = c->state;
        a->consent_as_of_us = c->as_of_us;

        switch (c->state) {

        case SMS_CONSENT_GRANTED:

            /* an answer from the future or of no time permits nothing */
            if (c->as_of_us <= 0 || c->as_of_us > now + 1000000
                || now - c->as_of_us
                   > (int64_t) round->conf->consent_max_age * 1000)
            {
                ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_WAIT,
                                      "consent-stale");
            }

            break;

        case SMS_CONSENT_REFUSED:
            ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_REFUSE,
                                  "consent-refused");
            break;

        case SMS_CONSENT_NOT_GRANTED:
            ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_REFUSE,
                                  "consent-not-granted");
            break;

        default:
            a->consent = SMS_CONSENT_UNKNOWN;
            ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_WAIT,
                                  "consent-unknown");
        }
    }

    ngx_sms_round_mirror(round);

    round->run = NULL;
    ngx_sms_plugin_run_free(run);
    ngx_sms_round_lookup(round);
}


/* what İYS said is kept, for the next campaign and for preview */

static void
ngx_sms_round_mirror(ngx_sms_round_t *round)
{
    u_char                     batch[16];
    ngx_uint_t                 i, k, n;
    ngx_sms_store_consent_t   *list;
    ngx_sms_store_screened_t  *a;

    list = ngx_pcalloc(round->pool,
                       round->nasked * sizeof(ngx_sms_store_consent_t));

    if (list == NULL || ngx_sms_id_make(batch) != NGX_OK) {
        return;
    }

    n = 0;

    for (k = 0; k < round->nasked; k++) {

        i = round->asked[k];
        a = &round->answers[i];

        if (a->consent == SMS_CONSENT_UNKNOWN || a->consent_as_of_us == 0) {
            continue;
        }

        list[n].owner = round->st.rows[i].owner;
        list[n].brand = round->st.rows[i].brand;
        list[n].number = round->st.rows[i].to;
        list[n].as_of_us = a->consent_as_of_us;
        list[n].recipient_type = (int16_t) round->st.rows[i].recipient_type;
        list[n].state = (int16_t) a->consent;
        n++;
    }

    if (n) {
        (void) ngx_sms_store_consent_put(list, n, batch, "status",
                                         ngx_sms_round_mirrored, NULL);
    }
}


static void
ngx_sms_round_mirrored(void *data, const ngx_sms_pg_res_t *res)
{
    (void) data;

    if (res->rc == NGX_SMS_PG_ERROR) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "sms screen: answers not mirrored: sqlstate=%s",
                      res->sqlstate);
    }
}


void
ngx_sms_round_decide(ngx_sms_round_t *round, ngx_uint_t i,
    ngx_uint_t outcome, const char *code)
{
    int64_t                    now, wait;
    ngx_sms_store_screened_t  *a;

    a = &round->answers[i];
    a->outcome = outcome;

    if (code) {
        a->code.data = (u_char *) code;
        a->code.len = ngx_strlen(code);
    }

    if (outcome == NGX_SMS_SCREEN_WAIT) {
        now = ngx_sms_timer_now_us();
        wait = now - round->st.rows[i].accepted_us;
        wait = ngx_max(ngx_min(wait, NGX_SMS_AGAIN_MAX_US),
                       NGX_SMS_AGAIN_MIN_US);
        a->at_us = now + wait;

    } else if (outcome == NGX_SMS_SCREEN_REFUSE) {
        ngx_sms_counter_inc(round->zone, NGX_SMS_C_REFUSED_SCREEN);

    } else if (outcome == NGX_SMS_SCREEN_QUEUE
               && a->consent == SMS_CONSENT_GRANTED)
    {
        a->fresh_until_us = a->consent_as_of_us
                   + (int64_t) round->conf->consent_max_age * 1000;
    }
}
