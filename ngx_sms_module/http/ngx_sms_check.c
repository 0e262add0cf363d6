#include "ngx_sms_check.h"

#include "ngx_sms_preview.h"
#include "ngx_sms_respond.h"


static void ngx_sms_check_text(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_sms_body_t *body);


void
ngx_sms_check_answer(ngx_sms_ctx_t *ctx)
{
    sms_json_t             w;
    ngx_uint_t             i;
    ngx_sms_body_t        *body;
    ngx_sms_submission_t  *sub;

    sub = ctx->submission;

    /* a request that cannot be read has nothing to check */
    if (sub->problem != SMS_PROBLEM_NONE
        && sms_problem_info(sub->problem)->status != 422)
    {
        ngx_sms_respond_submission_problem(ctx, sub);
        return;
    }

    ngx_sms_respond_json_init(&w, ctx->r->pool);
    sms_json_object(&w);
    ngx_sms_preview_problem(&w, sub);
    sms_json_key(&w, "texts");
    sms_json_array(&w);

    body = sub->bodies.elts;

    for (i = 0; i < sub->bodies.nelts; i++) {
        ngx_sms_check_text(&w, sub, &body[i]);
    }

    sms_json_end(&w);
    ngx_sms_respond_findings(&w, sub, 1);
    sms_json_end(&w);
    ngx_sms_respond_written(ctx, NGX_HTTP_OK, &w);
}


static void
ngx_sms_check_text(sms_json_t *w, ngx_sms_submission_t *sub,
    ngx_sms_body_t *body)
{
    ngx_uint_t          k;
    ngx_sms_finding_t  *finding;

    sms_json_object(w);
    sms_json_key(w, "pointer");
    ngx_sms_respond_json_str(w, &body->pointer);

    /* whether a send of it would be taken, as far as the text is concerned */
    sms_json_key(w, "problem");

    if (body->problem == SMS_PROBLEM_NONE) {
        sms_json_null(w);

    } else {
        sms_json_cstr(w, sms_problem_info(body->problem)->code);
    }

    sms_json_key(w, "confirm");
    sms_json_array(w);

    finding = body->findings.elts;

    for (k = 0; k < body->findings.nelts; k++) {
        if (finding[k].severity == SMS_SEVERITY_CONFIRM) {
            sms_json_str(w, finding[k].f.code.ptr, finding[k].f.code.len);
        }
    }

    sms_json_end(w);
    ngx_sms_preview_count(w, &body->count);
    ngx_sms_preview_price(w, sub, sub->repriced ? body->price_micro : -1);
    ngx_sms_preview_repaired(w, sub, body);
    sms_json_end(w);
}
