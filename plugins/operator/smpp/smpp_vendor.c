#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sms/sms_utf8.h>

#include "smpp_pdu.h"
#include "smpp_vendor.h"


static const char *const  smpp_vendor_types[] = {
    "text", "string", "hex", "int1", "int2", "int4", NULL
};

/* order of smpp_vendor_variable_t, after LITERAL */
static const char *const  smpp_vendor_variables[] = {
    "class", "recipient_type", "basis", "exemption", "iys_code", "brand_code",
    "retailer_code", "owner_id", "brand", "account", "message_id", "encoding",
    "parts", NULL
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

        if (n > (UINT64_MAX - (uint64_t) c) / (uint64_t) base) {
            return 0;
        }

        n = n * (uint64_t) base + (uint64_t) c;
    }

    *out = n;

    return 1;
}


/* Octets of a number of this type; 0: it is no number, or does not fit them. */
static size_t
smpp_vendor_int(smpp_vendor_type_t type, sms_str_t s, uint64_t *out)
{
    size_t  n;

    n = (size_t) 1 << (type - SMPP_VENDOR_INT1);

    return smpp_vendor_number(s, out) && *out >> (8 * n) == 0 ? n : 0;
}


static int
smpp_vendor_name(sms_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (!(s.ptr[i] >= 'a' && s.ptr[i] <= 'z')
            && !(s.ptr[i] >= '0' && s.ptr[i] <= '9') && s.ptr[i] != '_')
        {
            return 0;
        }
    }

    return s.len != 0;
}


static int
smpp_vendor_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}


/* Hexadecimal digits to octets; how many, 0: there are none, or odd, or others. */
static size_t
smpp_vendor_unhex(sms_str_t s, char *out)
{
    int     high, low;
    size_t  i;

    for (i = 0; s.len % 2 == 0 && i < s.len / 2; i++) {
        high = smpp_vendor_digit(s.ptr[2 * i]);
        low = smpp_vendor_digit(s.ptr[2 * i + 1]);

        if (high < 0 || low < 0) {
            return 0;
        }

        out[i] = (char) (high << 4 | low);
    }

    return s.len % 2 == 0 ? i : 0;
}


/* TAG=TYPE:VALUE */
static sms_rc_t
smpp_vendor_halves(sms_str_t item, smpp_vendor_t *v)
{
    int          i;
    uint64_t     n;
    sms_str_t    tag, type;
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

    v->literal.ptr = colon + 1;
    v->literal.len = type.len - (size_t) (colon - type.ptr) - 1;
    type.len = (size_t) (colon - type.ptr);
    v->tag = (uint16_t) n;
    v->variable = SMPP_VENDOR_LITERAL;
    i = smpp_vendor_word(smpp_vendor_types, type);

    if (i < 0 || v->literal.len == 0
        || v->literal.len > SMPP_VENDOR_VALUE_MAX)
    {
        return SMS_E_CONFIG;
    }

    v->type = (smpp_vendor_type_t) i;

    return SMS_OK;
}


sms_rc_t
smpp_vendor_parse(sms_str_t item, smpp_vendor_t *v)
{
    int        i;
    char       octets[SMPP_VENDOR_VALUE_MAX];
    uint64_t   n;
    sms_str_t  value;

    if (smpp_vendor_halves(item, v) != SMS_OK) {
        return SMS_E_CONFIG;
    }

    value = v->literal;

    if (value.ptr[0] == '$') {
        value.ptr++;
        value.len--;

        if (value.len > 5 && memcmp(value.ptr, "attr.", 5) == 0) {
            v->variable = SMPP_VENDOR_ATTR;
            v->literal.ptr = value.ptr + 5;
            v->literal.len = value.len - 5;

            return smpp_vendor_name(v->literal) ? SMS_OK : SMS_E_CONFIG;
        }

        i = smpp_vendor_word(smpp_vendor_variables, value);

        if (i < 0) {
            return SMS_E_CONFIG;
        }

        v->variable = (smpp_vendor_variable_t) (i + 1);

        return SMS_OK;
    }

    if (v->type == SMPP_VENDOR_HEX) {
        return smpp_vendor_unhex(value, octets) ? SMS_OK : SMS_E_CONFIG;
    }

    return v->type < SMPP_VENDOR_INT1 || smpp_vendor_int(v->type, value, &n)
           ? SMS_OK : SMS_E_CONFIG;
}


sms_rc_t
smpp_vendor_parse_in(sms_str_t item, smpp_vendor_t *v)
{
    return smpp_vendor_halves(item, v) == SMS_OK && smpp_vendor_name(v->literal)
           ? SMS_OK : SMS_E_CONFIG;
}


static sms_str_t
smpp_vendor_attr(sms_str_t name, const sms_msg_t *msg)
{
    uint32_t  i;

    for (i = 0; i < msg->nattrs; i++) {
        if (msg->attrs[i].name.len == name.len
            && memcmp(msg->attrs[i].name.ptr, name.ptr, name.len) == 0)
        {
            return msg->attrs[i].value;
        }
    }

    return (sms_str_t) { NULL, 0 };
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

    case SMPP_VENDOR_ENCODING:
        n = msg->encoding;
        break;

    case SMPP_VENDOR_PARTS:
        n = msg->parts;
        break;

    case SMPP_VENDOR_ATTR:
        return smpp_vendor_attr(v->literal, msg);

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


/* The value's octets; 0: none, or none of this type. */
static size_t
smpp_vendor_octets(smpp_vendor_type_t type, sms_str_t s, char *out, size_t cap)
{
    size_t    i, n;
    uint64_t  number;

    if (s.len == 0 || s.len >= cap) {
        return 0;
    }

    switch (type) {

    case SMPP_VENDOR_HEX:
        return smpp_vendor_unhex(s, out);

    case SMPP_VENDOR_INT1:
    case SMPP_VENDOR_INT2:
    case SMPP_VENDOR_INT4:
        n = smpp_vendor_int(type, s, &number);

        for (i = n; i > 0; i--) {
            out[i - 1] = (char) number;
            number >>= 8;
        }

        return n;

    default:
        memcpy(out, s.ptr, s.len);
        n = s.len;

        if (type == SMPP_VENDOR_STRING) {
            out[n++] = 0;
        }

        return n;
    }
}


size_t
smpp_vendor_put(const smpp_vendor_t *v, uint32_t n, const sms_msg_t *msg,
    char *buf, size_t cap)
{
    char       scratch[40], value[256];
    size_t     len;
    uint32_t   i;
    sms_str_t  s, put, found;

    len = 0;

    for (i = 0; i < n; i++) {
        put.ptr = buf;
        put.len = len;

        if (smpp_tlv_find(put, v[i].tag, &found)) {
            continue;
        }

        s = smpp_vendor_value(&v[i], msg, scratch, sizeof(scratch));
        s.len = smpp_vendor_octets(v[i].type, s, value, sizeof(value));
        s.ptr = value;

        if (s.len) {
            smpp_tlv_put(buf, cap, &len, v[i].tag, s);
        }
    }

    return len;
}


static size_t
smpp_vendor_hex(sms_str_t s, char *out)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        out[2 * i] = "0123456789abcdef"[(uint8_t) s.ptr[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[(uint8_t) s.ptr[i] & 15];
    }

    return 2 * s.len;
}


/* Text that a person may read: UTF-8 without control characters. */
static int
smpp_vendor_readable(sms_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if ((uint8_t) s.ptr[i] < 0x20 || s.ptr[i] == 0x7F) {
            return 0;
        }
    }

    return sms_utf8_valid(s.ptr, s.len);
}


static size_t
smpp_vendor_show(smpp_vendor_type_t type, sms_str_t s, char *out)
{
    size_t     i;
    uint32_t   number;
    sms_str_t  text;

    switch (type) {

    case SMPP_VENDOR_TEXT:
    case SMPP_VENDOR_STRING:
        text = s;

        while (text.len && text.ptr[text.len - 1] == 0) {
            text.len--;
        }

        if (!smpp_vendor_readable(text)) {
            break;
        }

        if (text.len) {
            memcpy(out, text.ptr, text.len);
        }

        return text.len;

    case SMPP_VENDOR_INT1:
    case SMPP_VENDOR_INT2:
    case SMPP_VENDOR_INT4:
        if (s.len != (size_t) 1 << (type - SMPP_VENDOR_INT1)) {
            break;
        }

        for (i = 0, number = 0; i < s.len; i++) {
            number = number << 8 | (uint8_t) s.ptr[i];
        }

        return (size_t) snprintf(out, 12, "%" PRIu32, number);

    default:
        break;
    }

    return smpp_vendor_hex(s, out);
}


uint32_t
smpp_vendor_get(const smpp_vendor_t *v, uint32_t n, sms_str_t tlvs,
    sms_kv_t *kv, char **to)
{
    uint32_t   i, count;
    sms_str_t  s;

    for (i = 0, count = 0; i < n; i++) {

        if (!smpp_tlv_find(tlvs, v[i].tag, &s)) {
            continue;
        }

        if (s.len > SMPP_VENDOR_SHOWN_MAX) {
            s.len = SMPP_VENDOR_SHOWN_MAX;
        }

        kv[count].name = v[i].literal;
        kv[count].value.ptr = *to;
        kv[count].value.len = smpp_vendor_show(v[i].type, s, *to);
        *to += kv[count].value.len;
        count++;
    }

    return count;
}
