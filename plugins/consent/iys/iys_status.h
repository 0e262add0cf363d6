/*
 * iys_status.h - bodies and answers of İYS's two status queries, type MESAJ.
 *
 *   bulk    POST .../consents/{recipientType}/status/MESAJ  {"recipients":[..]}
 *           answers {"requestId","list":[numbers that are ONAY now]}; a refusal
 *           and no record look the same: the number is absent
 *   single  POST .../consents/status  {"recipient","recipientType","type"}
 *           answers the record; what it answers when there is none is not
 *           documented: 404 with an error body, 204, or 200 without "status"
 *           are taken for it, and nothing else is
 *
 * An answer that is not exactly of this shape is refused whole: a number
 * counts as approved only when nothing about the answer is in doubt.
 *
 * Numbers are Turkish mobile numbers as integers, 905XXXXXXXXX.
 * Pure: no clock, no host.
 */
#ifndef IYS_STATUS_H
#define IYS_STATUS_H

#include "sms_plugin.h"

#define IYS_BATCH_MAX    1000
#define IYS_PROOF_MAX    64             /* requestId: a UUID; transactionId: 64 hex */
#define IYS_NUMBER_LEN   12

/* {"recipients":[]} and for each number +905XXXXXXXXX, quotes and comma */
#define IYS_BULK_BODY_MAX(n)  (24 + (size_t) (n) * (IYS_NUMBER_LEN + 4))
#define IYS_SINGLE_BODY_MAX   96

typedef struct {
    char      request_id[IYS_PROOF_MAX + 1];
    uint32_t  n;
    uint64_t  listed[IYS_BATCH_MAX];    /* as told: may repeat                  */
} iys_bulk_t;

typedef enum {
    IYS_RECORD_NONE = 1, IYS_RECORD_ONAY, IYS_RECORD_RET
} iys_record_t;

typedef struct {
    uint32_t  record;                   /* iys_record_t                         */
    char      transaction_id[IYS_PROOF_MAX + 1];    /* empty without a record   */
} iys_single_t;

/* From E.164 digits without '+'.  SMS_E_INVAL: not a Turkish mobile number;
 * one such number makes İYS refuse the other 999.                             */
sms_rc_t iys_status_number(sms_str_t digits, uint64_t *number);

/* BIREYSEL, TACIR; NULL for anything else. */
const char *iys_status_recipient(uint32_t recipient_type);

/* Both return the length; the buffer holds IYS_..._BODY_MAX bytes. */
size_t iys_status_bulk_body(const uint64_t *numbers, uint32_t n, char *buf);
size_t iys_status_single_body(uint64_t number, uint32_t recipient_type,
    char *buf);

/* Body of a 200.  "max": how many numbers were asked. */
sms_rc_t iys_status_bulk_read(sms_str_t body, uint32_t max, iys_bulk_t *a);

/* http: 200, 204 or 404. */
sms_rc_t iys_status_single_read(uint32_t http, sms_str_t body, uint64_t number,
    uint32_t recipient_type, iys_single_t *a);

#endif /* IYS_STATUS_H */
