/*
 * Method and path to handler: the API at a glance is ngx_sms_endpoints.def.
 */
#ifndef NGX_SMS_ENDPOINTS_H
#define NGX_SMS_ENDPOINTS_H

#include "ngx_sms_request.h"


/*
 * Finds the endpoint of the request's method and path.  Returns
 * SMS_PROBLEM_NONE, SMS_PROBLEM_NOT_FOUND or SMS_PROBLEM_METHOD_NOT_ALLOWED
 * (which sets the Allow header).
 */
sms_problem_t ngx_sms_endpoint_find(ngx_http_request_t *r,
    const ngx_sms_endpoint_t **endpoint);

#endif /* NGX_SMS_ENDPOINTS_H */
