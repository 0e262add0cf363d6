/*
 * iys_query.h - inside of a query, for the two files that know it.
 *
 *   iys_query.c   gathers numbers, builds the request and sends it
 *   iys_answer.c  reads what came, tells who waits, or sends it again
 *
 * A query is on iys->waiting, or on iys->sent between iys_query_send() and the
 * answer.  It is freed with its last waiter.
 */
#ifndef IYS_QUERY_H
#define IYS_QUERY_H

#include "iys.h"

#define IYS_QUERY_SLOTS  2048           /* power of two, twice IYS_BATCH_MAX   */


struct iys_query_s {
    iys_query_t   *prev, *next;
    iys_t         *iys;
    iys_group_t    group;
    uint32_t       single;              /* one number, by single status        */
    uint32_t       conflict;            /* TACIR without record: its BIREYSEL  */
    uint32_t       sent;
    uint32_t       tries;
    uint32_t       reauthed;
    int64_t        not_before_us;
    int64_t        sent_us;
    int64_t        as_of_us;            /* of the first of a single's answers  */
    int64_t        token_us;            /* which token it was sent with        */
    sms_handle_t   request;
    char          *authorization, *body;
    sms_kv_t       headers[3];
    char           url[IYS_URL_MAX];

    iys_waiter_t  *waiters;
    uint32_t       nwaiters, waiters_max;
    uint32_t       n, max;
    uint16_t      *slots;               /* index + 1 by number; bulk only      */
    uint64_t      *numbers;
};


iys_query_t *iys_query_create(iys_t *iys, const iys_group_t *group,
    uint32_t single);
void iys_query_free(iys_query_t *q);    /* unlinks, aborts */
void iys_query_wait(iys_query_t *q, int first);
sms_rc_t iys_query_waiter(iys_query_t *q, uint32_t number, iys_call_t *call,
    uint32_t item);

/* The slot that holds the number, or the free one where it belongs. */
uint16_t *iys_query_slot(const iys_query_t *q, uint64_t number);

void iys_query_request_free(iys_query_t *q);
/* Back from sent to waiting. */
void iys_query_again(iys_query_t *q, int64_t not_before_us);
/* The same with back-off; after the last try: UNKNOWN with status and code. */
void iys_query_retry(iys_query_t *q, int64_t now, sms_rc_t status,
    const char *code);
/* Tells everybody who waits, and frees the query. */
void iys_query_answer_all(iys_query_t *q, const iys_outcome_t *o);

/* iys_answer.c; for http->request() */
void iys_answer_done(void *data, const sms_http_res_t *r);

#endif /* IYS_QUERY_H */
