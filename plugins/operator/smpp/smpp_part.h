/*
 * smpp_part - one part of the host as a submit_sm.  Pure.
 *
 * The host has split and encoded; here the link's ways are added: how parts are
 * tied together (smpp_split), types of numbers, data_coding, septets packed or
 * not, validity, vendor parameters.
 */
#ifndef SMPP_PART_H
#define SMPP_PART_H

#include "smpp_conf.h"
#include "smpp_pdu.h"
#include "smpp_split.h"

#define SMPP_TLVS_MAX  (SMPP_PAYLOAD_MAX + 1024)

typedef struct {
    smpp_pdu_t    pdu;                  /* points into what follows            */
    smpp_split_t  split;
    char          text[SMPP_TEXT_MAX], period[SMPP_PERIOD_LEN + 1];
    char          tlvs[SMPP_TLVS_MAX];
} smpp_part_t;

/* Fills all of out->pdu but the sequence number.  "now_us" is wall time before
 * the message expires.  SMS_OK; SMS_E_INVAL: no room in short_message;
 * SMS_E_DENIED: not over this link (smpp_split_part).                         */
sms_rc_t smpp_part_encode(smpp_part_t *out, const smpp_conf_t *conf,
    const sms_part_t *part, int64_t now_us);

/* The type of number of what a message shows as its sender. */
smpp_numbering_t smpp_part_source(const smpp_conf_t *conf, sms_str_t from);

/* Why smpp_pdu_encode() or smpp_part_encode() refused the part. */
sms_reason_t smpp_part_blame(const smpp_part_t *p);

#endif /* SMPP_PART_H */
