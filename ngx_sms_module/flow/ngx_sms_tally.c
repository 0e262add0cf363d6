#include "ngx_sms_tally.h"

#include "ngx_sms_counter.h"
#include "ngx_sms_intake.h"
#include "ngx_sms_store.h"


typedef enum {
    NGX_SMS_TALLY_LOSSES = 0,
    NGX_SMS_TALLY_QUERIES,
    NGX_SMS_TALLY_ERRORS,
    NGX_SMS_TALLY_BATCHES,
    NGX_SMS_TALLY_RESENT,
    NGX_SMS_TALLY_RETRIED,
    NGX_SMS_TALLY_SPLIT,
    NGX_SMS_TALLY_FAILED,
    NGX_SMS_TALLY_MAX
} ngx_sms_tally_e;


static ngx_sms_zone_t  *ngx_sms_tally_zone;
static uint64_t         ngx_sms_tally_told[NGX_SMS_TALLY_MAX];

static const ngx_sms_counter_id_t  ngx_sms_tally_counters[] = {
    NGX_SMS_C_PG_LOSSES, NGX_SMS_C_PG_QUERIES, NGX_SMS_C_PG_ERRORS,
    NGX_SMS_C_PG_BATCHES, NGX_SMS_C_PG_RESENT, NGX_SMS_C_PG_RETRIED,
    NGX_SMS_C_PG_SPLIT, NGX_SMS_C_PG_FAILED
};


void
ngx_sms_tally_init(ngx_sms_zone_t *zone)
{
    ngx_sms_tally_zone = zone;
    ngx_memzero(ngx_sms_tally_told, sizeof(ngx_sms_tally_told));
}


void
ngx_sms_tally(void)
{
    uint64_t                  sums[NGX_SMS_TALLY_MAX];
    ngx_uint_t                i, ready;
    ngx_sms_pg_info_t         info;
    ngx_sms_pg_conn_t       **slot;
    ngx_sms_pg_batch_info_t   batch;

    ngx_memzero(sums, sizeof(sums));
    ready = 0;
    slot = &ngx_sms_store.write;

    for (i = 0; i < NGX_SMS_STORE_CONNS; i++) {

        if (slot[i] == NULL) {
            return;
        }

        ngx_sms_pg_conn_info(slot[i], &info);
        ready += ngx_sms_pg_conn_ready(slot[i]);
        sums[NGX_SMS_TALLY_LOSSES] += info.losses;
        sums[NGX_SMS_TALLY_QUERIES] += info.queries;
        sums[NGX_SMS_TALLY_ERRORS] += info.errors;
    }

    ngx_sms_intake_info(&batch);

    /* a batch is a query of its connection, and told apart */
    sums[NGX_SMS_TALLY_QUERIES] -= batch.sendings;
    sums[NGX_SMS_TALLY_BATCHES] = batch.batches;
    sums[NGX_SMS_TALLY_RESENT] = batch.resent;
    sums[NGX_SMS_TALLY_RETRIED] = batch.retried;
    sums[NGX_SMS_TALLY_SPLIT] = batch.split;
    sums[NGX_SMS_TALLY_FAILED] = batch.failed;

    for (i = 0; i < NGX_SMS_TALLY_MAX; i++) {

        if (sums[i] > ngx_sms_tally_told[i]) {
            ngx_sms_counter_add(ngx_sms_tally_zone, ngx_sms_tally_counters[i],
                                (int64_t) (sums[i] - ngx_sms_tally_told[i]));
            ngx_sms_tally_told[i] = sums[i];
        }
    }

    ngx_sms_counter_set(ngx_sms_tally_zone, NGX_SMS_C_PG_READY,
                        (int64_t) ready);
    ngx_sms_counter_set(ngx_sms_tally_zone, NGX_SMS_C_PG_NOT_READY,
                        (int64_t) (NGX_SMS_STORE_CONNS - ready));
    ngx_sms_counter_set(ngx_sms_tally_zone, NGX_SMS_C_PG_WAITING_ROWS,
                        (int64_t) batch.waiting_rows);
    ngx_sms_counter_set(ngx_sms_tally_zone, NGX_SMS_C_PG_INFLIGHT,
                        (int64_t) batch.inflight);
}
