/*
 * smpp_status - what a command_status means for the message that it answers.
 *
 * The table of SMPP 3.4 stands in smpp_status.def.  Codes that it does not
 * name (0x400 to 0x4FF are the vendor's own) are final: a refusal for consent
 * or content may hide behind any of them, and must not be tried again.  The
 * configuration re-classifies codes for one operator:
 *
 *     status 0x0455=consent      final, reason consent
 *     status 1044=retry
 *     status 0x0410=stop         the account is refused: the link rests
 *
 * The same notation names the err: values of receipts (receipt_error).
 */
#ifndef SMPP_STATUS_H
#define SMPP_STATUS_H

#include <stdint.h>

#include "sms_plugin.h"

#define SMPP_STATUS(name, code, klass, reason)  name = code,
enum {
#include "smpp_status.def"
};
#undef SMPP_STATUS

typedef enum {
    SMPP_CLASS_OK, SMPP_CLASS_FINAL, SMPP_CLASS_RETRY, SMPP_CLASS_THROTTLED,
    SMPP_CLASS_DOWN,
    SMPP_CLASS_FAILOVER,                /* over another link                   */
    SMPP_CLASS_STOP                     /* retry, and the link rests           */
} smpp_class_t;

typedef struct {
    uint32_t      code;
    smpp_class_t  klass;
    sms_reason_t  reason;
} smpp_verdict_t;

/* "retry, throttled, ...": what a WORD may be, for people */
#define SMPP_STATUS_WORDS  "retry, throttled, down, failover, stop, or final "  \
    "as invalid_number, sender, content, consent, blacklist, sim_changed, "    \
    "expired, ported, other"

/* Parses "CODE=WORD": CODE decimal or 0x…, WORD of SMPP_STATUS_WORDS: a class, or
 * a reason, which is final.  SMS_OK or SMS_E_CONFIG.                         */
sms_rc_t smpp_status_parse(sms_str_t item, smpp_verdict_t *v);

/* The verdict on "code": of the n overrides, else of the table. */
smpp_verdict_t smpp_status_judge(uint32_t code, const smpp_verdict_t *over,
    uint32_t n);

/* "ESME_RTHROTTLED", or "vendor" */
const char *smpp_status_name(uint32_t code);

#endif /* SMPP_STATUS_H */
