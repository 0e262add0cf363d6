#include "ngx_sms_judge_route.h"

#include "ngx_sms_route.h"


static void ngx_sms_judge_no_link(ngx_sms_submission_t *sub,
    ngx_sms_recipient_t *rcpt, ngx_uint_t known);


/* a lookup that fails leaves the network of the prefix */

void
ngx_sms_judge_take_networks(ngx_sms_submission_t *sub)
{
    ngx_uint_t            i, *asked;
    ngx_sms_recipient_t  *rcpt;
    const sms_network_t  *network;

    rcpt = sub->recipients.elts;
    asked = sub->asked.elts;

    for (i = 0; sub->taking->results && i < sub->asked.nelts; i++) {

        network = ngx_sms_run_result(sub->taking, sms_network_t, i);

        if (network->status == SMS_OK && network->mcc) {
            rcpt[asked[i]].mcc = network->mcc;
            rcpt[asked[i]].mnc = network->mnc;
            rcpt[asked[i]].looked = 1;
        }
    }
}


/* of each text: it is the same for all its recipients */

void
ngx_sms_judge_eligible(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf)
{
    ngx_uint_t             i;
    ngx_sms_body_t        *body;
    ngx_sms_route_what_t   what;

    body = sub->bodies.elts;

    for (i = 0; i < sub->bodies.nelts && !sub->test; i++) {

        what.sender = sub->sender;
        what.klass = sub->klass;
        what.encoding = body[i].count.encoding;
        what.text = body[i].text;
        what.address = -1;

        body[i].eligible = ngx_sms_route_eligible(conf->plugins, &what,
                                                  sub->pool,
                                                  &body[i].neligible,
                                                  &body[i].ineligible);
        if (body[i].eligible == NULL) {
            sub->problem = SMS_PROBLEM_INTERNAL;
            return;
        }
    }
}


void
ngx_sms_judge_take_routes(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf)
{
    ngx_uint_t            i, *asked;
    const sms_route_t    *route;
    ngx_sms_recipient_t  *rcpt;

    rcpt = sub->recipients.elts;
    asked = sub->asked.elts;

    for (i = 0; i < sub->asked.nelts; i++) {

        route = ngx_sms_run_result(sub->taking, sms_route_t, i);

        if (route->status != SMS_OK) {
            continue;
        }

        rcpt[asked[i]].link
            = ngx_sms_route_pick(conf->plugins,
                                 ngx_sms_run_item(sub->taking, sms_msg_t, i),
                                 route);
        rcpt[asked[i]].routed |= ngx_sms_route_known(route);
    }
}


/* no router, or none of its links may carry the sender */

void
ngx_sms_judge_unrouted(ngx_sms_submission_t *sub,
    const ngx_sms_judge_conf_t *conf)
{
    ngx_uint_t            i;
    sms_route_t           only;
    ngx_sms_body_t       *body;
    ngx_sms_recipient_t  *rcpt;

    ngx_memzero(&only, sizeof(sms_route_t));

    /* an installation with one operator needs no router */
    if (conf->plugins->kinds[SMS_KIND_ROUTER].nelts == 0
        && conf->plugins->links == 1)
    {
        only.nlinks = 1;
        only.link[0] = conf->plugins->link[0].id;
    }

    rcpt = sub->recipients.elts;

    for (i = 0; i < sub->recipients.nelts; i++) {

        if (rcpt[i].problem != SMS_PROBLEM_NONE || rcpt[i].link) {
            continue;
        }

        body = (ngx_sms_body_t *) sub->bodies.elts + rcpt[i].body;

        if (sub->test) {
            rcpt[i].link = ngx_sms_route_sandbox(conf->plugins,
                                                 &conf->sandbox);

        } else if (only.nlinks && body->neligible) {
            rcpt[i].link = only.link[0];
        }

        if (rcpt[i].link == 0) {
            ngx_sms_judge_no_link(sub, &rcpt[i], only.nlinks || rcpt[i].routed
                                                 || body->neligible == 0);
        }
    }
}


static void
ngx_sms_judge_no_link(ngx_sms_submission_t *sub, ngx_sms_recipient_t *rcpt,
    ngx_uint_t known)
{
    ngx_sms_body_t  *body;

    body = (ngx_sms_body_t *) sub->bodies.elts + rcpt->body;

    if (sub->test || !known || body->ineligible == NGX_SMS_INELIGIBLE_NOT) {
        ngx_sms_submission_reject(sub, rcpt, SMS_PROBLEM_NO_ROUTE,
                                  sub->test ? "no sandbox is configured"
                                            : "no link goes there");
        return;
    }

    if (body->ineligible == NGX_SMS_INELIGIBLE_STOPPED) {
        ngx_sms_submission_reject(sub, rcpt, SMS_PROBLEM_ROUTE_STOPPED,
                                  "ask the operator desk");
        return;
    }

    if (body->ineligible == NGX_SMS_INELIGIBLE_SENDER) {
        ngx_sms_submission_reject(sub, rcpt, SMS_PROBLEM_SENDER_ROUTE,
                                  "\"%V\" is not approved on the operator "
                                  "of any route", &sub->sender->name);
        return;
    }

    ngx_sms_submission_reject(sub, rcpt, SMS_PROBLEM_NOT_CARRIED, "%s",
                              ngx_sms_route_reason(body->ineligible));
}
