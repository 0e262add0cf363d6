/*
 * Evidence: signs the heads of blocks that upkeep has made, and packs that are handed
 * over (sql/047_evidence.sql, sql/048_evidence_pack.sql).
 *
 * A pack is signed over its canonical form: JSON without blanks, keys in the order of
 * their octets, strings with \" \\ \b \f \n \r \t and \u00XX for other controls as the
 * only escapes, whole numbers.  The member "signature" is not part of it.
 */
#ifndef NGX_SMS_EVIDENCE_H
#define NGX_SMS_EVIDENCE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sms_sign.h"


/* key NULL: nothing is signed, and packs say so */
void ngx_sms_evidence_init(const ngx_sms_sign_t *key, ngx_log_t *log);
void ngx_sms_evidence_stop(void);

/* signs what waits for it; at most once at a time */
void ngx_sms_evidence_sign(void);

/*
 * Puts public_key, key_id and signature into "body", when it is a pack; it then lies in
 * the pool.  Anything else stays as it is.
 */
ngx_int_t ngx_sms_evidence_seal(ngx_pool_t *pool, ngx_str_t *body);

#endif /* NGX_SMS_EVIDENCE_H */
