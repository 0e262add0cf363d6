/*
 * smpp_vendor - optional parameters (TLVs) that an operator asks for with every
 * submit_sm.  Pure.
 *
 * What law and carriers want beside the text (class, İYS code, brand code ...)
 * has no place in SMPP 3.4, so each operator has its own tags (0x1400 to 0x3FFF
 * are the vendors', 5.3.1).  The configuration names them:
 *
 *     tlv 0x1501=string:$iys_code     C-octet string
 *     tlv 0x1502=int1:$class          integers of 1, 2 or 4 octets
 *     tlv 0x1503=text:BULK            octets without a NUL
 *
 * Variables: class, recipient_type, basis, exemption (numbers of
 * sms_plugin.h), iys_code, brand_code, retailer_code, owner_id (VKN, else TCKN,
 * else MERSIS of the brand's owner), brand, account, message_id (hexadecimal).
 * A parameter whose variable is empty or 0 is left out.
 */
#ifndef SMPP_VENDOR_H
#define SMPP_VENDOR_H

#include "sms_plugin.h"

#define SMPP_VENDOR_MAX  16

typedef enum { SMPP_VENDOR_TEXT, SMPP_VENDOR_STRING, SMPP_VENDOR_INT1,
               SMPP_VENDOR_INT2, SMPP_VENDOR_INT4 } smpp_vendor_type_t;
typedef enum {
    SMPP_VENDOR_LITERAL, SMPP_VENDOR_CLASS, SMPP_VENDOR_RECIPIENT_TYPE,
    SMPP_VENDOR_BASIS, SMPP_VENDOR_EXEMPTION, SMPP_VENDOR_IYS_CODE,
    SMPP_VENDOR_BRAND_CODE, SMPP_VENDOR_RETAILER_CODE, SMPP_VENDOR_OWNER_ID,
    SMPP_VENDOR_BRAND, SMPP_VENDOR_ACCOUNT, SMPP_VENDOR_MESSAGE_ID
} smpp_vendor_variable_t;

typedef struct {
    uint16_t                tag;
    smpp_vendor_type_t      type;
    smpp_vendor_variable_t  variable;
    sms_str_t               literal;
} smpp_vendor_t;

/* SMS_OK or SMS_E_CONFIG; "literal" points into "item". */
sms_rc_t smpp_vendor_parse(sms_str_t item, smpp_vendor_t *v);

/* Appends the parameters for "msg"; octets written, those that do not fit are
 * left out.                                                                   */
size_t smpp_vendor_put(const smpp_vendor_t *v, uint32_t n,
    const sms_msg_t *msg, char *buf, size_t cap);

#endif /* SMPP_VENDOR_H */
