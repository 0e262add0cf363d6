#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "smpp_pdu.h"
#include "smpp_vendor.h"


static const char *const  smpp_vendor_types[] = {
    "text", "string", "int1", "int2", "int4", NULL
};

/* order of smpp_vendor_variable_t, after LITERAL */
static const char *const  smpp_vendor_variables[] = {
    "class", "recipient_type", "basis", "exemption", "iys_code", "brand_code",
    "retailer_code", "owner_id", "brand", "account", "message_id", NULL
};


static int
smpp_vendor_word(const char *const *words, sms_str_t s)
{
    int  i;

    for (i = 0; words[i]; i++) {
        if (strlen(words[i]) == s.len && memcmp(words[i], s.ptr, s.len) == 0) {
            return i;
        }
    }

    return -1;
}


static int
smpp_vendor_number(sms_str_t s, uint64_t *out)
{
    int       base;
    char      c;
    size_t    i;
    uint64_t  n;

    base = 10;
    i = 0;

    if (s.len > 2 && s.ptr[0] == '0' && s.ptr[1] == 'x') {
        base = 16;
        i = 2;
    }

    if (i == s.len || s.len > 20) {
        return 0;
    }

    for (n = 0; i < s.len; i++) {
        c = s.ptr[i];

        if (c >= '0' && c <= '9') {
            c = (char) (c - '0');

        } else if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            c = (char) ((c | 0x20) - 'a' + 10);

        } else {
            return 0;
        }

        n = n * (uint64_t) base + (uint64_t) c;
    }

    *out = n;

    return 1;
}


sms_rc_t
smpp_vendor_parse(sms_str_t item, smpp_vendor_t *v)
{
    int          i;
    uint64_t     n;
    sms_str_t    tag, type, value;
    const char  *eq, *colon;

    eq = item.len ? memchr(item.ptr, '=', item.len) : NULL;

    if (eq == NULL) {
        return SMS_E_CONFIG;
    }

    tag.ptr = item.ptr;
    tag.len = (size_t) (eq - item.ptr);
    type.ptr = eq + 1;
    type.len = item.len - tag.len - 1;
    colon = type.len ? memchr(type.ptr, ':', type.len) : NULL;

    if (colon == NULL || !smpp_vendor_number(tag, &n) || n == 0 || n > 0xFFFF) {
        return SMS_E_CONFIG;
    }

    value.ptr = colon + 1;
    value.len = type.len - (size_t) (colon - type.ptr) - 1;
    type.len = (size_t) (colon - type.ptr);
    v->tag = (uint16_t) n;
    i = smpp_vendor_word(smpp_vendor_types, type);

    if (i < 0 || value.len == 0 || value.len > 64) {
        return SMS_E_CONFIG;
    }

    v->type = (smpp_vendor_type_t) i;
    v->variable = SMPP_VENDOR_LITERAL;
    v->literal = value;

    if (value.ptr[0] == '$') {
        value.ptr++;
        value.len--;
        i = smpp_vendor_word(smpp_vendor_variables, value);

        if (i < 0) {
            return SMS_E_CONFIG;
        }

        v->variable = (smpp_vendor_variable_t) (i + 1);

    } else if (v->type >= SMPP_VENDOR_INT1 && !smpp_vendor_number(value, &n)) {
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


static sms_str_t
smpp_vendor_value(const smpp_vendor_t *v, const sms_msg_t *msg, char *scratch,
    size_t cap)
{
    int                 len;
    size_t              i;
    uint64_t            n;
    sms_str_t           s;
    const sms_brand_t  *brand;

    brand = msg->brand;
    s.ptr = scratch;
    s.len = 0;
    n = 0;  /* NOLINT(clang-analyzer-deadcode.DeadStores): for gcc, which sees a path */

    switch (v->variable) {

    case SMPP_VENDOR_LITERAL:
        return v->literal;

    case SMPP_VENDOR_CLASS:
        n = msg->klass;
        break;

    case SMPP_VENDOR_RECIPIENT_TYPE:
        n = msg->recipient_type;
        break;

    case SMPP_VENDOR_BASIS:
        n = msg->basis;
        break;

    case SMPP_VENDOR_EXEMPTION:
        n = msg->exemption;
        break;

    case SMPP_VENDOR_IYS_CODE:
        n = brand->iys_code;
        break;

    case SMPP_VENDOR_BRAND_CODE:
        n = brand->brand_code;
        break;

    case SMPP_VENDOR_RETAILER_CODE:
        n = brand->retailer_code;
        break;

    case SMPP_VENDOR_OWNER_ID:
        return brand->vkn.len ? brand->vkn
               : brand->tckn.len ? brand->tckn : brand->mersis;

    case SMPP_VENDOR_BRAND:
        return brand->name;

    case SMPP_VENDOR_ACCOUNT:
        n = msg->account;
        break;

    case SMPP_VENDOR_MESSAGE_ID:
        for (i = 0; i < 16 && 2 * i + 2 <= cap; i++) {
            scratch[2 * i] = "0123456789abcdef"[msg->id[i] >> 4];
            scratch[2 * i + 1] = "0123456789abcdef"[msg->id[i] & 15];
        }

        s.len = 2 * i;
        return s;
    }

    if (n) {
        len = snprintf(scratch, cap, "%" PRIu64, n);
        s.len = len < 0 ? 0 : (size_t) len;
    }

    return s;
}


size_t
smpp_vendor_put(const smpp_vendor_t *v, uint32_t n, const sms_msg_t *msg,
    char *buf, size_t cap)
{
    int        octets;
    char       scratch[40], value[256];
    size_t     len;
    uint32_t   i;
    uint64_t   number;
    sms_str_t  s;

    len = 0;

    for (i = 0; i < n; i++) {
        s = smpp_vendor_value(&v[i], msg, scratch, sizeof(scratch));

        if (s.len == 0 || s.len >= sizeof(value)) {
            continue;
        }

        if (v[i].type >= SMPP_VENDOR_INT1) {
            if (!smpp_vendor_number(s, &number)) {
                continue;
            }

            octets = 1 << (v[i].type - SMPP_VENDOR_INT1);
            s.len = (size_t) octets;

            while (octets--) {
                value[octets] = (char) number;
                number >>= 8;
            }

        } else {
            memcpy(value, s.ptr, s.len);

            if (v[i].type == SMPP_VENDOR_STRING) {
                value[s.len++] = 0;
            }
        }

        s.ptr = value;
        smpp_tlv_put(buf, cap, &len, v[i].tag, s);
    }

    return len;
}
