/*
 * smpp_data - a submit_sm as a data_sm (SMPP 3.4 4.7), for SMSCs that want that.
 * Pure.
 *
 * The text goes into message_payload, the validity into qos_time_to_live; priority,
 * protocol_id and replace_if_present have no place there.
 */
#ifndef SMPP_DATA_H
#define SMPP_DATA_H

#include "smpp_conf.h"
#include "smpp_pdu.h"

/* message_payload, what else the part has, and its validity */
typedef struct { char tlvs[SMPP_PAYLOAD_MAX + 2048]; } smpp_data_t;

/* Turns *pdu over; its strings stay those of the submit_sm, its optional parameters
 * are in *out.  "left_us": until the message expires.  SMS_OK, or SMS_E_INVAL: no
 * room.                                                                      */
sms_rc_t smpp_data_make(smpp_data_t *out, smpp_pdu_t *pdu,
    const smpp_conf_t *conf, int64_t left_us);

#endif /* SMPP_DATA_H */
