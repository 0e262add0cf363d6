/*
 * Pages where people approve (sql/034_consent_form.sql): the database makes them.
 */
#ifndef NGX_SMS_STORE_FORM_H
#define NGX_SMS_STORE_FORM_H

#include "ngx_sms_store.h"


extern const ngx_sms_pg_stmt_t  ngx_sms_store_form_stmt;        /* on "read"  */


/*
 * Status and page (HTML) of a link.  "body": a form as browsers send it, in ASCII;
 * its data NULL: the page is looked at only.  NULL when it could not be sent; done()
 * then never runs.
 */
ngx_sms_store_query_t *ngx_sms_store_form(const ngx_str_t *token,
    const ngx_str_t *ip, const ngx_str_t *body, ngx_sms_pg_done_pt done,
    void *data);

#endif /* NGX_SMS_STORE_FORM_H */
