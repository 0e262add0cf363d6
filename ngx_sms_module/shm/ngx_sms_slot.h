/*
 * ngx_sms_slot.h - who works here: pid, heartbeat, and what a worker is doing.
 *
 * Each worker owns one slot from init_process to exit_process.  Around every
 * call into a plugin the host writes which plugin and which operation; when the
 * worker dies, the one that takes its place reads there whom to blame.
 *
 * Every field is one aligned word written by its owner alone, so a death at any
 * point leaves a slot that can be read.  A worker is dead when its pid is gone
 * or belongs to a process with another start time.
 */
#ifndef NGX_SMS_SLOT_H
#define NGX_SMS_SLOT_H

#include "ngx_sms_zone.h"

/* workers of all generations together; those above share counters of slot
 * ngx_worker % NGX_SMS_SLOTS and have no blame                               */
#define NGX_SMS_SLOTS       128
#define NGX_SMS_SLOT_NONE   ((ngx_uint_t) -1)

typedef struct {
    ngx_uint_t   slot;
    ngx_pid_t    pid;
    ngx_uint_t   worker;                    /* ngx_worker                     */
    int64_t      started_ms;                /* Unix time                      */
    int64_t      heartbeat_ms;
    ngx_uint_t   alive;
    ngx_uint_t   plugin;                    /* 1-based; 0: in no plugin       */
    ngx_uint_t   operation;
    int64_t      since_ms;                  /* of plugin and operation        */
} ngx_sms_slot_info_t;

/* In init_process.  NGX_OK; NGX_DONE and *dead filled when a worker of the same
 * number died without releasing its slot, which this one now has; NGX_DECLINED
 * when all slots are taken (zone->slot is then shared, without blame).       */
ngx_int_t ngx_sms_slot_claim(ngx_sms_zone_t *zone, ngx_sms_slot_info_t *dead);
/* in exit_process */
void ngx_sms_slot_release(ngx_sms_zone_t *zone);

void ngx_sms_slot_beat(ngx_sms_zone_t *zone);
/* returns what stood there, so that nested calls can put it back            */
uint64_t ngx_sms_slot_enter(ngx_sms_zone_t *zone, ngx_uint_t plugin,
    ngx_uint_t operation);
void ngx_sms_slot_leave(ngx_sms_zone_t *zone, uint64_t before);

/* "i" from 0 to NGX_SMS_SLOTS - 1; NGX_DECLINED: nobody there               */
ngx_int_t ngx_sms_slot_read(ngx_sms_zone_t *zone, ngx_uint_t i,
    ngx_sms_slot_info_t *info);

#endif /* NGX_SMS_SLOT_H */
