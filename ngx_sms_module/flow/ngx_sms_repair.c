#include "ngx_sms_submission.h"


/*
 * Repairs are made from the last place to the first, and those of one place keep their
 * order (sms_plugin.h); read from the left that is the order of their places.
 */

ngx_int_t
ngx_sms_submission_repair(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    ngx_str_t *text, sms_segment_t *count)
{
    size_t                  len, pos;
    u_char                 *p;
    ngx_uint_t              i, k, n;
    ngx_sms_finding_t      *finding, **order;
    sms_segment_profile_t   pf;

    finding = body->findings.elts;
    order = ngx_palloc(sub->pool, (body->findings.nelts + 1)
                                  * sizeof(ngx_sms_finding_t *));
    if (order == NULL) {
        return NGX_ERROR;
    }

    len = body->text.len;
    n = 0;

    for (i = 0; i < body->findings.nelts; i++) {

        if (finding[i].f.repair.len == 0) {
            continue;
        }

        for (k = n++; k > 0 && order[k - 1]->f.begin > finding[i].f.begin; k--) {
            order[k] = order[k - 1];
        }

        order[k] = &finding[i];
        len += finding[i].f.repair.len;
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    p = ngx_pnalloc(sub->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    pos = 0;

    for (i = 0; i < n; i++) {

        /* what lies inside of another repair is gone with it */
        if (order[i]->f.begin < pos) {
            continue;
        }

        p = ngx_cpymem(p, body->text.data + pos, order[i]->f.begin - pos);
        p = ngx_cpymem(p, order[i]->f.repair.ptr, order[i]->f.repair.len);
        pos = order[i]->f.begin + order[i]->f.len;
    }

    p = ngx_cpymem(p, body->text.data + pos, body->text.len - pos);
    text->len = (size_t) (p - text->data);

    pf = sub->account->encoding;
    pf.force = (uint8_t) sub->encoding;

    (void) sms_segment_count(&pf, (const char *) text->data, text->len, count,
                             NULL, 0);

    return NGX_OK;
}
