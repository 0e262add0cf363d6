/*
 * iys_errand.h - the request that the database wants to be made of İYS.
 *
 * One at a time: the holder of the lease has one, other workers none.
 */
#ifndef IYS_ERRAND_H
#define IYS_ERRAND_H

#include "iys.h"

/* From init(): wants the lease, when the database is granted. */
void iys_errand_init(iys_t *iys);
void iys_errand_lease(iys_t *iys, sms_str_t name, int held);
void iys_errand_drain(iys_t *iys);
void iys_errand_free(iys_t *iys);

#endif /* IYS_ERRAND_H */
