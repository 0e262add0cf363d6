#include "ngx_sms_round_route.h"

#include "sms_lane.h"
#include "sms_msisdn.h"
#include "ngx_sms_halts.h"


#define NGX_SMS_LOOKUP_TIMEOUT  3000
#define NGX_SMS_ROUTE_TIMEOUT   3000


static ngx_int_t ngx_sms_round_eligible(ngx_sms_round_t *round);
static ngx_int_t ngx_sms_round_untried(ngx_sms_round_t *round, sms_msg_t *m,
    const ngx_str_t *tried);
static void ngx_sms_round_place(sms_msg_t *m, int64_t number);
static void ngx_sms_round_route(ngx_sms_round_t *round);
static void ngx_sms_round_routed(ngx_sms_round_t *round, ngx_uint_t i,
    uint32_t link);
static ngx_int_t ngx_sms_round_queue(ngx_sms_round_t *round, ngx_uint_t i,
    const sms_route_t *route);
static ngx_int_t ngx_sms_round_only(ngx_sms_round_t *round, ngx_uint_t i);
static ngx_uint_t ngx_sms_round_left(const ngx_str_t *tried, uint32_t link);
static void ngx_sms_round_tried(ngx_sms_round_t *round, ngx_uint_t i);


/*
 * Where the numbers are served now: the next lookup for what none has answered.  A
 * network that is not known is that of the number's prefix.
 */

void
ngx_sms_round_lookup(ngx_sms_round_t *round)
{
    ngx_uint_t          i;
    ngx_array_t        *list;
    ngx_sms_plugin_t  **plugin;

    round->asking = 0;

    if (!round->looking && ngx_sms_round_eligible(round) != NGX_OK) {

        for (i = 0; i < round->n; i++) {
            if (round->answers[i].outcome == 0) {
                ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_WAIT,
                                     "no-route");
            }
        }
    }

    round->looking = 1;
    list = &round->conf->judge.plugins->kinds[SMS_KIND_LOOKUP];
    plugin = list->elts;

    while (round->nlookup < list->nelts) {

        round->nasked = 0;

        for (i = 0; i < round->n; i++) {
            if (round->answers[i].outcome == 0 && !round->st.rows[i].test
                && !round->looked[i])
            {
                round->asked[round->nasked++] = i;
            }
        }

        if (round->nasked == 0) {
            break;
        }

        if (ngx_sms_round_run(round, plugin[round->nlookup++],
                              NGX_SMS_OP_LOOKUP_NETWORK,
                              NGX_SMS_LOOKUP_TIMEOUT)
            == NGX_OK)
        {
            return;
        }
    }

    ngx_sms_round_route(round);
}


void
ngx_sms_round_networks(ngx_sms_round_t *round)
{
    ngx_uint_t            i, k;
    ngx_sms_run_t        *run;
    const sms_network_t  *network;

    run = round->run;

    for (k = 0; run->results && k < round->nasked; k++) {

        i = round->asked[k];
        network = ngx_sms_run_result(run, sms_network_t, k);

        if (network->status == SMS_OK && network->mcc) {
            round->st.msgs[i].mcc = network->mcc;
            round->st.msgs[i].mnc = network->mnc;
            round->looked[i] = 1;
        }
    }

    round->run = NULL;
    ngx_sms_plugin_run_free(run);
    ngx_sms_round_lookup(round);
}


/* what lookups and routers go by; it is mostly the same as that of the row before */

static ngx_int_t
ngx_sms_round_eligible(ngx_sms_round_t *round)
{
    uint32_t              *list, n;
    sms_msg_t             *m;
    ngx_uint_t             i;
    ngx_sms_plugins_t     *plugins;
    ngx_sms_store_row_t   *row, *last;
    ngx_sms_ineligible_e   why;
    ngx_sms_route_what_t   what;

    plugins = round->conf->judge.plugins;
    last = NULL;
    list = NULL;
    n = 0;

    round->looked = ngx_pcalloc(round->pool, round->n);
    round->why = ngx_pcalloc(round->pool, round->n);

    if (round->looked == NULL || round->why == NULL) {
        return NGX_ERROR;
    }

    why = NGX_SMS_INELIGIBLE_NOT;

    for (i = 0; i < round->n; i++) {

        row = &round->st.rows[i];
        m = &round->st.msgs[i];

        if (round->answers[i].outcome || row->test) {
            continue;
        }

        if (last == NULL || row->account != last->account
            || row->klass != last->klass || row->encoding != last->encoding
            || row->sender.data != last->sender.data
            || row->text.data != last->text.data)
        {
            what.sender = ngx_sms_account_sender(round->st.accounts[i],
                                                 &row->sender);
            what.klass = (ngx_uint_t) row->klass;
            what.encoding = (ngx_uint_t) row->encoding;
            what.text = row->text;
            what.address = -1;

            list = ngx_sms_route_eligible(plugins, &what, round->pool, &n,
                                          &why);
            if (list == NULL) {
                return NGX_ERROR;
            }

            last = row;
        }

        m->eligible = list;
        m->neligible = n;
        round->why[i] = (u_char) why;

        if (row->tried.len
            && ngx_sms_round_untried(round, m, &row->tried) != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (plugins->kinds[SMS_KIND_ROUTER].nelts) {
            ngx_sms_round_place(m, row->to);
        }
    }

    return NGX_OK;
}


/* without those that have said that another shall */

static ngx_int_t
ngx_sms_round_untried(ngx_sms_round_t *round, sms_msg_t *m,
    const ngx_str_t *tried)
{
    uint32_t  *list, k, n;

    list = ngx_palloc(round->pool, (m->neligible + 1) * sizeof(uint32_t));
    if (list == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (k = 0; k < m->neligible; k++) {
        if (!ngx_sms_round_left(tried, m->eligible[k])) {
            list[n++] = m->eligible[k];
        }
    }

    m->eligible = list;
    m->neligible = n;

    return NGX_OK;
}


static void
ngx_sms_round_place(sms_msg_t *m, int64_t number)
{
    sms_msisdn_t  place;

    if (sms_msisdn_from_number(number, &place) == SMS_MSISDN_OK) {
        m->mcc = place.mcc;
        m->mnc = place.mnc;
        m->country[0] = place.country[0];
        m->country[1] = place.country[1];
    }
}


/* the next router for what has no link yet; then all is stored */

static void
ngx_sms_round_route(ngx_sms_round_t *round)
{
    ngx_uint_t          i;
    ngx_array_t        *list;
    ngx_sms_plugin_t  **plugin;

    list = &round->conf->judge.plugins->kinds[SMS_KIND_ROUTER];
    plugin = list->elts;
    round->routing = 1;

    while (round->nth < list->nelts) {

        round->nasked = 0;

        for (i = 0; i < round->n; i++) {
            if (round->answers[i].outcome == 0 && !round->st.rows[i].test
                && round->st.msgs[i].neligible)
            {
                round->asked[round->nasked++] = i;
            }
        }

        if (round->nasked == 0) {
            break;
        }

        if (ngx_sms_round_run(round, plugin[round->nth++],
                               NGX_SMS_OP_ROUTER_CHOOSE,
                               NGX_SMS_ROUTE_TIMEOUT)
            == NGX_OK)
        {
            return;
        }
    }

    for (i = 0; i < round->n; i++) {

        if (round->answers[i].outcome) {
            continue;
        }

        if (ngx_sms_round_only(round, i) == NGX_OK) {
            continue;
        }

        if (round->st.rows[i].tried.len && !round->unrouted) {
            ngx_sms_round_tried(round, i);
            continue;
        }

        ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_WAIT,
                             round->why[i] == NGX_SMS_INELIGIBLE_STOPPED
                             ? "link-stopped" : "no-route");
    }

    round->done(round->data);
}


void
ngx_sms_round_routes(ngx_sms_round_t *round)
{
    ngx_uint_t          k;
    ngx_sms_run_t      *run;
    const sms_route_t  *route;

    run = round->run;
    round->unrouted |= run->results == NULL;

    for (k = 0; run->results && k < round->nasked; k++) {

        route = ngx_sms_run_result(run, sms_route_t, k);

        if (route->status != SMS_OK) {
            round->unrouted = 1;
            continue;
        }

        (void) ngx_sms_round_queue(round, round->asked[k], route);
    }

    round->run = NULL;
    ngx_sms_plugin_run_free(run);
    ngx_sms_round_route(round);
}


/*
 * What only a drained link could carry waits here, and not in its lanes: from there
 * it may just have been taken to be routed anew.
 */

static void
ngx_sms_round_routed(ngx_sms_round_t *round, ngx_uint_t i, uint32_t link)
{
    if (ngx_sms_halt_of(round->conf->judge.plugins, link)
        != NGX_SMS_LINK_OPEN)
    {
        ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_WAIT, "link-drained");
        return;
    }

    round->answers[i].lane = sms_lane(link,
                                      (unsigned) round->st.rows[i].klass);
    ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_QUEUE, NULL);
}


/* NGX_OK: over a link of the route; else NGX_DECLINED */

static ngx_int_t
ngx_sms_round_queue(ngx_sms_round_t *round, ngx_uint_t i,
    const sms_route_t *route)
{
    uint32_t  link;

    link = ngx_sms_route_pick(round->conf->judge.plugins, &round->st.msgs[i],
                              route);
    if (link == 0) {
        return NGX_DECLINED;
    }

    ngx_sms_round_routed(round, i, link);

    return NGX_OK;
}


/* the same of what needs no router: test keys, and the only link there is */

static ngx_int_t
ngx_sms_round_only(ngx_sms_round_t *round, ngx_uint_t i)
{
    uint32_t                     link;
    sms_route_t                  only;
    const ngx_sms_judge_conf_t  *judge;

    judge = &round->conf->judge;

    if (round->st.rows[i].test) {

        link = ngx_sms_route_sandbox(judge->plugins, &judge->sandbox);

        if (link == 0 || ngx_sms_round_left(&round->st.rows[i].tried, link)) {
            return NGX_DECLINED;
        }

        ngx_sms_round_routed(round, i, link);

        return NGX_OK;
    }

    if (judge->plugins->kinds[SMS_KIND_ROUTER].nelts
        || judge->plugins->links != 1)
    {
        return NGX_DECLINED;
    }

    ngx_memzero(&only, sizeof(sms_route_t));
    only.nlinks = 1;
    only.link[0] = judge->plugins->link[0].id;

    return ngx_sms_round_queue(round, i, &only);
}


/* 1: the link is among those of "sender-refused 2 7" */

static ngx_uint_t
ngx_sms_round_left(const ngx_str_t *tried, uint32_t link)
{
    size_t     i;
    uint32_t   id;

    for (i = 0; i < tried->len && tried->data[i] != ' '; i++) {
        /* the cause */
    }

    for (id = 0; i < tried->len; i++) {

        if (tried->data[i] == ' ') {
            id = 0;
            continue;
        }

        id = id * 10 + (uint32_t) (tried->data[i] - '0');

        if (id == link && (i + 1 == tried->len || tried->data[i + 1] == ' ')) {
            return 1;
        }
    }

    return 0;
}


/* no other link is left: it ends for what the last one said */

static void
ngx_sms_round_tried(ngx_sms_round_t *round, ngx_uint_t i)
{
    size_t     n;
    char      *code;
    ngx_str_t *tried;

    tried = &round->st.rows[i].tried;

    for (n = 0; n < tried->len && tried->data[n] != ' '; n++) {
        /* the cause */
    }

    code = ngx_pnalloc(round->pool, n + 1);

    if (code == NULL) {
        ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_REFUSE, "no-other-link");
        return;
    }

    ngx_memcpy(code, tried->data, n);
    code[n] = '\0';
    ngx_sms_round_decide(round, i, NGX_SMS_SCREEN_REFUSE, code);
}
