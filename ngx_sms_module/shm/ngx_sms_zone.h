/*
 * ngx_sms_zone.h - the one shared memory zone, "zone=name:size".
 *
 * Holds, in this order: worker slots, counters, plugin metrics, rate buckets,
 * dictionary.  Each has its own discipline (atomics, or own locks that survive
 * a dead holder); nginx's slab mutex is used only while the zone is made.
 *
 * RELOAD  The memory is kept when name, size and layout are the same.  When the
 * layout differs (another version of the module in the same master), the new
 * configuration gets fresh memory and old workers keep the old one until they
 * end.  A zone is lost when nginx is restarted or upgraded.
 */
#ifndef NGX_SMS_ZONE_H
#define NGX_SMS_ZONE_H

#include <ngx_config.h>
#include <ngx_core.h>

#define NGX_SMS_ZONE_MIN  (4 * 1024 * 1024)

typedef struct ngx_sms_slots_s     ngx_sms_slots_t;
typedef struct ngx_sms_counters_s  ngx_sms_counters_t;
typedef struct ngx_sms_rates_s     ngx_sms_rates_t;
typedef struct ngx_sms_dict_s      ngx_sms_dict_t;

typedef struct {                            /* one per process, not shared    */
    ngx_shm_zone_t      *shm_zone;
    ngx_sms_slots_t     *slots;
    ngx_sms_counters_t  *counters;
    ngx_sms_rates_t     *rates;
    ngx_sms_dict_t      *dict;
    ngx_uint_t           slot;              /* of this worker; set by
                                               ngx_sms_slot_claim()           */
    unsigned             adopted:1;         /* kept over a reload             */
} ngx_sms_zone_t;

/* "value" is "zone=name:size" or "name:size".  NULL after an emerg line.  The
 * pointers inside are valid from init_module on.                             */
ngx_sms_zone_t *ngx_sms_zone_add(ngx_conf_t *cf, ngx_str_t *value, void *tag);

/* same, parsed already */
ngx_sms_zone_t *ngx_sms_zone_create(ngx_conf_t *cf, ngx_str_t *name,
    size_t size, void *tag);

#endif /* NGX_SMS_ZONE_H */
