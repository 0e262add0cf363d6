/*
 * iys_errand.h - what the database wants of İYS: declared consents to be
 * brought there, and whatever İYS tells only when it is asked.
 *
 * The worker with the lease "errand", of all workers and nodes, takes requests
 * from the database (sms.iys_take), sends them, and hands over each answer as
 * it came (sms.iys_done): what it means, what follows, and when the next
 * request is due are one commit there.  Nothing is kept here: a worker may die
 * between any two steps, and the request is due again a little later.  Those
 * that write are of version 2 of İYS's interface, which answers a repetition
 * as it did the first time.
 */
#ifndef IYS_ERRAND_H
#define IYS_ERRAND_H

#include "iys.h"

/* Grant db: keys, statements, the lease.  Without it nothing is asked.
 * SMS_E_CONFIG: err says why.                                                 */
sms_rc_t iys_errand_init(iys_t *iys, const sms_conf_t *conf, char *err,
    size_t errcap);
sms_rc_t iys_errand_check(const sms_conf_t *conf, char *err, size_t errcap);
void iys_errand_lease(void *inst, sms_str_t name, int held, uint64_t epoch);
void iys_errand_drain(void *inst);
void iys_errand_free(iys_t *iys);

#endif /* IYS_ERRAND_H */
