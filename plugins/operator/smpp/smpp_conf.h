/*
 * smpp_conf - the configuration of one link: its keys (smpp_conf_keys, which
 * the host parses and documents) and their values in C.
 */
#ifndef SMPP_CONF_H
#define SMPP_CONF_H

#include "smpp_receipt.h"
#include "smpp_split.h"
#include "smpp_status.h"
#include "smpp_text.h"
#include "smpp_vendor.h"

#define SMPP_BINDS_MAX  64              /* leases of one plugin                */
#define SMPP_LIST_MAX   64

typedef enum { SMPP_BIND_TRANSCEIVER, SMPP_BIND_TRANSMITTER,
               SMPP_BIND_RECEIVER,
               SMPP_BIND_PAIRED         /* a transmitter and a receiver         */
} smpp_mode_t;
typedef enum { SMPP_SEPTETS_UNPACKED, SMPP_SEPTETS_PACKED } smpp_septets_t;

typedef struct {
    sms_str_t         host, tls_name, ca, cert, key;
    sms_str_t         system_id, password, system_type, service_type;
    sms_str_t         address_range;
    uint32_t          port, tls;
    smpp_mode_t       mode;
    uint32_t          binds, window, rate;
    uint32_t          enquire_ms, response_ms, connect_ms, inactivity_ms, stop_ms;
    uint32_t          reconnect_min_ms, reconnect_max_ms, throttle_ms;
    smpp_numbering_t  alpha, number, shortcode, dest;
    uint8_t           registered_delivery, esm_mode, priority, protocol_id;
    uint8_t           coding_gsm7, coding_turkish, coding_ucs2;
    uint8_t           default_alphabet; /* data_coding that inbound 0 means    */
    smpp_septets_t    septets;
    smpp_split_conf_t split;
    uint8_t           replace;
    uint32_t          data_sm;          /* 1: parts go as data_sm              */
    uint32_t          query, cancel;    /* 1: the SMSC has them                */
    uint32_t          absolute;         /* 1: validity is a time, not a period */
    uint32_t          validity_s;       /* most; 0: field left empty           */
    int32_t           clock_offset_s;
    smpp_id_format_t  message_id, receipt_id;
    uint32_t          unmarked;         /* 1: receipts come without their mark */
    uint32_t          nstatus, nerrors, nvendor, nshown, nwords;
    smpp_verdict_t    status[SMPP_LIST_MAX];
    smpp_verdict_t    errors[SMPP_LIST_MAX];
    smpp_receipt_word_t  words[SMPP_LIST_MAX];
    smpp_vendor_t     vendor[SMPP_VENDOR_MAX];
    smpp_vendor_t     shown[SMPP_VENDOR_MAX];   /* of what comes in            */
} smpp_conf_t;

extern const sms_conf_key_t  smpp_conf_keys[];

/* Strings stay the host's, valid until exit().  SMS_E_CONFIG and a sentence in
 * "err" when values do not fit together.                                      */
sms_rc_t smpp_conf_read(smpp_conf_t *c, const sms_conf_t *conf, char *err,
    size_t errcap);

#endif /* SMPP_CONF_H */
