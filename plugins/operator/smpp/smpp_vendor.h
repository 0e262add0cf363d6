/*
 * smpp_vendor - optional parameters (TLVs) that an operator asks for with every
 * submit_sm, or sends with a deliver_sm.  Pure.
 *
 * What law and carriers want beside the text (class, İYS code, brand code ...)
 * has no place in SMPP 3.4, so each operator has its own tags (0x1400 to 0x3FFF
 * are the vendors', 5.3.1).  The configuration names them:
 *
 *     tlv 0x1411=string:$attr.partner     C-octet string, the account's own
 *     tlv 0x1411=string:ORTAK01           ... or this, where it has none
 *     tlv 0x1502=int1:$class              integers of 1, 2 or 4 octets
 *     tlv 0x1503=text:BULK                octets without a NUL
 *     tlv 0x1504=hex:0A0B                 octets as hexadecimal digits
 *
 * Variables: class, recipient_type, basis, exemption (numbers of
 * sms_plugin.h), iys_code, brand_code, retailer_code, owner_id (VKN, else TCKN,
 * else MERSIS of the brand's owner), brand, account, message_id (hexadecimal),
 * encoding, parts, and attr.NAME of the message's attributes.
 * A parameter whose variable is empty or 0 is left out; of several with one tag
 * the first that has a value is sent.
 *
 * What comes in is named the same way: tlv_in 0x1411=string:partner.  What does
 * not fit its type is shown as hexadecimal digits, for nothing may be lost.
 */
#ifndef SMPP_VENDOR_H
#define SMPP_VENDOR_H

#include "sms_plugin.h"

#define SMPP_VENDOR_MAX        32
#define SMPP_VENDOR_VALUE_MAX  64       /* octets of a literal, of a name      */
#define SMPP_VENDOR_SHOWN_MAX  256      /* octets of a value that are shown    */

typedef enum { SMPP_VENDOR_TEXT, SMPP_VENDOR_STRING, SMPP_VENDOR_HEX,
               SMPP_VENDOR_INT1, SMPP_VENDOR_INT2,
               SMPP_VENDOR_INT4 } smpp_vendor_type_t;
typedef enum {
    SMPP_VENDOR_LITERAL, SMPP_VENDOR_CLASS, SMPP_VENDOR_RECIPIENT_TYPE,
    SMPP_VENDOR_BASIS, SMPP_VENDOR_EXEMPTION, SMPP_VENDOR_IYS_CODE,
    SMPP_VENDOR_BRAND_CODE, SMPP_VENDOR_RETAILER_CODE, SMPP_VENDOR_OWNER_ID,
    SMPP_VENDOR_BRAND, SMPP_VENDOR_ACCOUNT, SMPP_VENDOR_MESSAGE_ID,
    SMPP_VENDOR_ENCODING, SMPP_VENDOR_PARTS, SMPP_VENDOR_ATTR
} smpp_vendor_variable_t;

typedef struct {
    uint16_t                tag;
    smpp_vendor_type_t      type;
    smpp_vendor_variable_t  variable;
    sms_str_t               literal;    /* or the attribute's name             */
} smpp_vendor_t;

/* SMS_OK or SMS_E_CONFIG; "literal" points into "item". */
sms_rc_t smpp_vendor_parse(sms_str_t item, smpp_vendor_t *v);

/* The same of TAG=TYPE:NAME; "literal" is the name: a-z, 0-9 and '_'. */
sms_rc_t smpp_vendor_parse_in(sms_str_t item, smpp_vendor_t *v);

/* Appends the parameters for "msg"; octets written, those that do not fit are
 * left out.                                                                   */
size_t smpp_vendor_put(const smpp_vendor_t *v, uint32_t n,
    const sms_msg_t *msg, char *buf, size_t cap);

/* Shows those of "tlvs" that are named: up to n of *kv, their values appended to
 * *to, which must have room for twice the octets of "tlvs" and 12 octets for each
 * of n.  Returns how many.                                                    */
uint32_t smpp_vendor_get(const smpp_vendor_t *v, uint32_t n, sms_str_t tlvs,
    sms_kv_t *kv, char **to);

#endif /* SMPP_VENDOR_H */
