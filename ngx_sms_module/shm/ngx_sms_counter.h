/*
 * ngx_sms_counter.h - counters, gauges and histograms of all workers.
 *
 * The fixed ones stand in ngx_sms_counter.def, one line each; plugins define
 * theirs at init.  Each worker writes into its own cells (cache lines of its
 * own), atomically because a slot may be shared when there are very many
 * workers; a reader adds them up.  Counters and histograms outlive the worker,
 * gauges count only while their worker lives.
 *
 * Nothing personal in names or labels (no number, no account name).
 */
#ifndef NGX_SMS_COUNTER_H
#define NGX_SMS_COUNTER_H

#include "ngx_sms_zone.h"

typedef enum {
    NGX_SMS_METRIC_COUNTER = 1,             /* as in sms_metric_api_t.define  */
    NGX_SMS_METRIC_GAUGE,
    NGX_SMS_METRIC_HISTOGRAM
} ngx_sms_metric_type_t;

/* What a value counts; decides a histogram's buckets and how sums are printed */
typedef enum {
    NGX_SMS_UNIT_ONE = 0,                   /* 1 2 5 10 … 10000               */
    NGX_SMS_UNIT_SECONDS                    /* added in us, shown in seconds:
                                               100 us … 10 s                  */
} ngx_sms_unit_t;

#define NGX_SMS_BUCKETS       17            /* the last is +Inf               */

typedef enum {
#define NGX_SMS_COUNTER(id, type, unit, name, labels, help)  NGX_SMS_C_##id,
#include "ngx_sms_counter.def"
#undef NGX_SMS_COUNTER
    NGX_SMS_C_MAX
} ngx_sms_counter_id_t;

/* metrics that plugins may define in all, and their cells: 1, or 18 each for
 * a histogram                                                                */
#define NGX_SMS_METRICS       128
#define NGX_SMS_METRIC_CELLS  512

typedef struct {                            /* handed to the visitor          */
    const char             *name;
    const char             *labels;         /* "a=\"b\",c=\"d\"" or ""        */
    const char             *help;
    ngx_sms_metric_type_t   type;
    ngx_sms_unit_t          unit;
    ngx_uint_t              first;          /* first of this name: HELP, TYPE */
    int64_t                 value;          /* counter, gauge                 */
    uint64_t                count;          /* histogram                      */
    int64_t                 sum;            /* us for NGX_SMS_UNIT_SECONDS    */
    ngx_uint_t              nbuckets;       /* with +Inf                      */
    uint64_t                bucket[NGX_SMS_BUCKETS];    /* cumulative         */
    int64_t                 bound[NGX_SMS_BUCKETS];     /* us or ones         */
} ngx_sms_metric_t;

typedef ngx_int_t (*ngx_sms_counter_visit_pt)(void *data,
    const ngx_sms_metric_t *m);

/* counter: n >= 0; gauge: any n; histogram: one observation of n             */
void ngx_sms_counter_add(ngx_sms_zone_t *zone, ngx_sms_counter_id_t id,
    int64_t n);
#define ngx_sms_counter_inc(zone, id)  ngx_sms_counter_add(zone, id, 1)
/* gauge: this worker's share                                                 */
void ngx_sms_counter_set(ngx_sms_zone_t *zone, ngx_sms_counter_id_t id,
    int64_t value);

/* In every worker, at init of a plugin: the same name of the same plugin gets
 * the same number everywhere.  "name" as in [a-z_][a-z0-9_]*, at most 63; it is
 * shown as sms_plugin_<name>{plugin="…"}.  0: table full, bad name, or defined
 * with another type.                                                         */
uint32_t ngx_sms_counter_define(ngx_sms_zone_t *zone, const char *plugin,
    ngx_sms_metric_type_t type, const char *name, const char *help);
void ngx_sms_counter_plugin_add(ngx_sms_zone_t *zone, uint32_t metric,
    int64_t n);

/* Visits all, those of one name in a row.  Stops at the first that is not
 * NGX_OK and returns it.                                                     */
ngx_int_t ngx_sms_counter_visit(ngx_sms_zone_t *zone,
    ngx_sms_counter_visit_pt visit, void *data);

/* a slot was claimed: its gauges start at 0 (called by ngx_sms_slot_claim)   */
void ngx_sms_counter_reset_gauges(ngx_sms_zone_t *zone, ngx_uint_t slot);

#endif /* NGX_SMS_COUNTER_H */
