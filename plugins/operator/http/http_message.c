/*
 * What the variables of a template say about one message.
 */
#include <stdio.h>
#include <string.h>

#include <sms/sms_utf8.h>
#include <sms/sms_uuid.h>

#include "http_conf.h"


typedef struct {
    const char   *name, *text;
} http_name_t;

/* by value; the text is what is written where no choice says otherwise */
static const http_name_t  http_classes[] = {
    { NULL, "" }, { "otp", "otp" }, { "informational", "informational" },
    { "commercial", "commercial" }, { "exempt", "exempt" }, { NULL, NULL }
};

static const http_name_t  http_recipients[] = {
    { "none", "" }, { "bireysel", "BIREYSEL" }, { "tacir", "TACIR" }, { NULL, NULL }
};

static const http_name_t  http_bases[] = {
    { "none", "" }, { "service_use", "service_use" }, { "membership", "membership" },
    { "collection", "collection" }, { "data_update", "data_update" },
    { "order_delivery", "order_delivery" }, { "legal_duty", "legal_duty" },
    { "capital_market", "capital_market" }, { "other", "other" }, { NULL, NULL }
};

static const http_name_t  http_exemptions[] = {
    { "none", "" }, { "operator", "operator" }, { "school", "school" },
    { "association", "association" }, { "broadcaster", "broadcaster" },
    { "public_body", "public_body" }, { NULL, NULL }
};

static const http_name_t  http_encodings[] = {
    { NULL, "" }, { "gsm7", "gsm7" }, { "turkish_single", "turkish_single" },
    { "turkish_locking", "turkish_locking" }, { "ucs2", "ucs2" },
    { "binary", "binary" }, { NULL, NULL }
};


static const http_name_t *
http_names(http_variable_t variable)
{
    switch (variable) {
    case HTTP_VAR_CLASS:
        return http_classes;
    case HTTP_VAR_RECIPIENT_TYPE:
        return http_recipients;
    case HTTP_VAR_BASIS:
        return http_bases;
    case HTTP_VAR_EXEMPTION:
        return http_exemptions;
    case HTTP_VAR_ENCODING:
        return http_encodings;
    default:
        return NULL;
    }
}


int
http_choice_parse(sms_str_t item, http_choice_t *choice)
{
    uint32_t            i;
    sms_str_t           name;
    const char         *colon, *eq;
    const http_name_t  *names;

    colon = item.len ? memchr(item.ptr, ':', item.len) : NULL;
    eq = item.len ? memchr(item.ptr, '=', item.len) : NULL;

    if (colon == NULL || eq == NULL || eq < colon) {
        return 0;
    }

    name.ptr = item.ptr;
    name.len = (size_t) (colon - item.ptr);
    choice->variable = http_variable_find(name);
    names = http_names(choice->variable);
    name.ptr = colon + 1;
    name.len = (size_t) (eq - colon - 1);

    for (i = 0; names && names[i].text; i++) {
        if (names[i].name && strlen(names[i].name) == name.len
            && memcmp(names[i].name, name.ptr, name.len) == 0)
        {
            choice->value = i;
            choice->text.ptr = eq + 1;
            choice->text.len = (size_t) (item.ptr + item.len - eq - 1);
            return 1;
        }
    }

    return 0;
}


static sms_str_t
http_message_choice(const http_message_t *m, http_variable_t variable, uint32_t value)
{
    uint32_t            i;
    sms_str_t           s;
    const http_name_t  *names;

    for (i = 0; i < m->conf->nchoices; i++) {
        if (m->conf->choices[i].variable == variable
            && m->conf->choices[i].value == value)
        {
            return m->conf->choices[i].text;
        }
    }

    names = http_names(variable);

    for (i = 0; i < value && names[i].text; i++) {
        /* void */
    }

    s.ptr = names[i].text ? names[i].text : "";
    s.len = strlen(s.ptr);

    return s;
}


/* empty where there is none */
static sms_str_t
http_message_number(http_message_t *m, uint64_t n)
{
    char       text[24];
    int        len;
    sms_str_t  s;

    if (n) {
        len = snprintf(text, sizeof(text), "%llu", (unsigned long long) n);
        http_text_add(&m->scratch, text, (size_t) len);
    }

    s.ptr = m->scratch.p;
    s.len = m->scratch.len;

    return s;
}


/* hexadecimal UTF-16, big endian: what is called "unicode" by many gateways */
static void
http_message_ucs2(http_message_t *m, sms_str_t text)
{
    char         hex[8];
    size_t       n;
    uint32_t     cp, unit[2];
    const char  *p, *end;
    unsigned     i, k, units;

    end = text.ptr + text.len;

    for (p = text.ptr; p < end; /* void */ ) {
        cp = sms_utf8_next(&p, end);
        cp = cp == SMS_UTF8_BAD ? 0xFFFD : cp;
        unit[0] = cp;
        units = 1;

        if (cp > 0xFFFF) {
            unit[0] = 0xD800 + ((cp - 0x10000) >> 10);
            unit[1] = 0xDC00 + ((cp - 0x10000) & 0x3FF);
            units = 2;
        }

        for (i = 0, n = 0; i < units; i++) {
            for (k = 0; k < 4; k++) {
                hex[n++] = "0123456789ABCDEF"[unit[i] >> (12 - 4 * k) & 15];
            }
        }

        http_text_add(&m->scratch, hex, n);
    }
}


static void
http_message_basic(http_message_t *m)
{
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789+/";

    char         out[4];
    size_t       i, k, n;
    uint32_t     bits;
    http_text_t  plain;

    memset(&plain, 0, sizeof(plain));
    http_text_add(&plain, m->conf->username.ptr, m->conf->username.len);
    http_text_add(&plain, ":", 1);
    http_text_add(&plain, m->conf->password.ptr, m->conf->password.len);
    m->scratch.failed |= plain.failed;

    for (i = 0; i < plain.len && !plain.failed; i += 3) {
        n = plain.len - i < 3 ? plain.len - i : 3;
        bits = 0;

        for (k = 0; k < 3; k++) {
            bits = bits << 8 | (k < n ? (unsigned char) plain.p[i + k] : 0);
        }

        for (k = 0; k < 4; k++) {
            out[k] = k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=';
        }

        http_text_add(&m->scratch, out, 4);
    }

    http_text_free(&plain);
}


static sms_str_t
http_message_scratch(const http_message_t *m)
{
    sms_str_t  s;

    s.ptr = m->scratch.p;
    s.len = m->scratch.failed ? 0 : m->scratch.len;

    return s;
}


sms_str_t
http_message_value(void *message, http_variable_t variable)
{
    char                 id[36];
    sms_str_t            s;
    http_message_t      *m = message;
    const sms_msg_t     *msg;
    const sms_brand_t   *brand;

    msg = m->msg;
    brand = msg->brand;
    m->scratch.len = 0;

    switch (variable) {

    case HTTP_VAR_TO:
        return msg->to;

    case HTTP_VAR_TO_LOCAL:
        s = msg->to;

        if (s.len == 12 && s.ptr[0] == '9' && s.ptr[1] == '0') {
            s.ptr += 2;
            s.len -= 2;
        }

        return s;

    case HTTP_VAR_SENDER:
        return msg->from;

    case HTTP_VAR_TEXT:
        return msg->text;

    case HTTP_VAR_TEXT_UCS2:
        http_message_ucs2(m, msg->text);
        return http_message_scratch(m);

    case HTTP_VAR_ENCODING:
        return http_message_choice(m, variable, msg->encoding);

    case HTTP_VAR_PARTS:
        return http_message_number(m, msg->parts);

    case HTTP_VAR_MESSAGE_ID:
        sms_uuid_print(msg->id, id);
        http_text_add(&m->scratch, id, sizeof(id));
        return http_message_scratch(m);

    case HTTP_VAR_ATTEMPT:
        return http_message_number(m, msg->attempt);

    case HTTP_VAR_VALIDITY:
        /* whole minutes, at least one: what has expired is not submitted */
        return http_message_number(m, msg->expires_us > m->now_us + 60000000
                                      ? (uint64_t) (msg->expires_us - m->now_us) / 60000000
                                      : 1);

    case HTTP_VAR_CLASS:
        return http_message_choice(m, variable, msg->klass);

    case HTTP_VAR_RECIPIENT_TYPE:
        return http_message_choice(m, variable, msg->recipient_type);

    case HTTP_VAR_BASIS:
        return http_message_choice(m, variable, msg->basis);

    case HTTP_VAR_EXEMPTION:
        return http_message_choice(m, variable, msg->exemption);

    case HTTP_VAR_IYS_CODE:
        return http_message_number(m, brand->iys_code);

    case HTTP_VAR_BRAND_CODE:
        return http_message_number(m, brand->brand_code);

    case HTTP_VAR_RETAILER_CODE:
        return http_message_number(m, brand->retailer_code);

    case HTTP_VAR_OWNER_ID:
        return brand->vkn.len ? brand->vkn
               : brand->tckn.len ? brand->tckn : brand->mersis;

    case HTTP_VAR_BRAND:
        return brand->name;

    case HTTP_VAR_ACCOUNT:
        return http_message_number(m, msg->account);

    case HTTP_VAR_USERNAME:
        return m->conf->username;

    case HTTP_VAR_PASSWORD:
        return m->conf->password;

    case HTTP_VAR_TOKEN:
        return m->conf->token;

    case HTTP_VAR_BASIC_AUTH:
        http_message_basic(m);
        return http_message_scratch(m);

    case HTTP_VAR_CALLBACK_URL:
        s.ptr = m->conf->callback_url.p;
        s.len = m->conf->callback_url.len;
        return s;

    case HTTP_VAR_CALLBACK_SECRET:
        return m->conf->callback_secret;

    default:
        s.ptr = NULL;
        s.len = 0;
        return s;
    }
}
