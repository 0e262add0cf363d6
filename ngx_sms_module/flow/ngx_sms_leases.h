/*
 * Leases: who of all workers and nodes may do a thing (D20).
 *
 * The row in the database is the only authority.  It runs 9 s by the
 * database's clock and is renewed every 3 s; a holder stops 6 s after the last
 * renewal that it sent and got confirmed, by its own monotonic clock, so it has
 * stopped before another can begin.  Candidates look every second, and sooner while
 * something is free: of a link's binds one at a time is taken, by whoever has the
 * least first.
 *
 * A lease is given back only when its holder says that nothing of its time is
 * under way any more, because whoever comes next takes what is left undone for
 * lost (D7).  A leaving worker waits for that, but not for ever; then, and when
 * it is stopped at once, it gives up the rest as the last thing it does.
 *
 * What a holder tells of its bind goes with the write that renews, and at once when
 * the bind's state has changed.
 */
#ifndef NGX_SMS_LEASES_H
#define NGX_SMS_LEASES_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_store_lease.h"


#define NGX_SMS_LEASE_TTL     9000      /* ms */
#define NGX_SMS_LEASE_RENEW   3000
#define NGX_SMS_LEASE_STOP    6000
#define NGX_SMS_LEASE_TICK    1000
#define NGX_SMS_LEASE_NEXT    100       /* for each that is held, and one     */
#define NGX_SMS_LEASES_MAX    512
#define NGX_SMS_LEASE_DRAIN   30000     /* a leaving worker waits this long   */


typedef struct {
    ngx_queue_t              queue;         /* private                        */
    ngx_str_t                name;
    int64_t                  epoch;         /* of the time it is held         */
    int64_t                  renewed_us;    /* monotonic                      */
    /* told from the loop; held 0: stop at once */
    void                   (*changed)(void *data, ngx_uint_t held);
    /* 1: work of the holder's time is under way.  NULL: never */
    ngx_uint_t             (*busy)(void *data);
    void                    *data;
    ngx_sms_store_bind_t    *bind;          /* NULL: nothing was told         */
    unsigned                 held:1;
    unsigned                 news:1;        /* of the bind, not yet written   */
    unsigned                 tainted:1;     /* to be released before it is
                                               wanted again                   */
    unsigned                 cleaning:1;    /* the release is on its way      */
    unsigned                 dropped:1;     /* to be released and forgotten   */
} ngx_sms_lease_t;


ngx_int_t ngx_sms_leases_init(const ngx_str_t *node, ngx_log_t *log);
/* the worker leaves: gives each back as soon as nothing is under way */
void ngx_sms_leases_release(void);
/* after the adapters have ended: gives up what is still held                  */
void ngx_sms_leases_exit(void);

/* begins to compete; the name is copied.  NULL: no memory or too many.  busy()
 * may be set then, and must be callable until ngx_sms_leases_exit()           */
ngx_sms_lease_t *ngx_sms_lease_want(const ngx_str_t *name,
    void (*changed)(void *data, ngx_uint_t held), void *data);
/* changed() is not called any more */
void ngx_sms_lease_drop(ngx_sms_lease_t *lease);

/*
 * Gives it up and competes again: the next time has a new epoch.  For a holder
 * that does not know what the database did in its name (a claim without an
 * answer): what was done under the old epoch becomes in doubt and is decided.
 */
void ngx_sms_lease_renounce(ngx_sms_lease_t *lease);

/* what the bind is at; copied.  Forgotten unless the lease is held           */
void ngx_sms_lease_tell(ngx_sms_lease_t *lease, const sms_bind_t *bind);

/* 1: what the holder does now is still the holder's to do */
ngx_uint_t ngx_sms_lease_valid(const ngx_sms_lease_t *lease);

#endif /* NGX_SMS_LEASES_H */
