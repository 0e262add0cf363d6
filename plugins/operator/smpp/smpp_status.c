#include <string.h>

#include "smpp_status.h"


typedef struct {
    const char    *name;
    smpp_class_t   klass;
    sms_reason_t   reason;
} smpp_status_word_t;

static const smpp_status_word_t  smpp_status_words[] = {
    { "retry",          SMPP_CLASS_RETRY,     SMS_REASON_OTHER },
    { "throttled",      SMPP_CLASS_THROTTLED, SMS_REASON_OTHER },
    { "down",           SMPP_CLASS_DOWN,      SMS_REASON_OTHER },
    { "failover",       SMPP_CLASS_FAILOVER,  SMS_REASON_OTHER },
    { "stop",           SMPP_CLASS_STOP,      SMS_REASON_OTHER },
    { "invalid_number", SMPP_CLASS_FINAL,     SMS_REASON_INVALID_NUMBER },
    { "sender",         SMPP_CLASS_FINAL,     SMS_REASON_SENDER },
    { "content",        SMPP_CLASS_FINAL,     SMS_REASON_CONTENT },
    { "consent",        SMPP_CLASS_FINAL,     SMS_REASON_CONSENT },
    { "blacklist",      SMPP_CLASS_FINAL,     SMS_REASON_BLACKLIST },
    { "sim_changed",    SMPP_CLASS_FINAL,     SMS_REASON_SIM_CHANGED },
    { "expired",        SMPP_CLASS_FINAL,     SMS_REASON_EXPIRED },
    { "ported",         SMPP_CLASS_FINAL,     SMS_REASON_PORTED },
    { "other",          SMPP_CLASS_FINAL,     SMS_REASON_OTHER }
};


static int
smpp_status_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c = (char) (c | 0x20);

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    return 16;
}


static int
smpp_status_number(sms_str_t s, uint32_t *out)
{
    int       base, digit;
    size_t    i;
    uint64_t  n;

    base = 10;
    i = 0;

    if (s.len > 2 && s.ptr[0] == '0' && (s.ptr[1] | 0x20) == 'x') {
        base = 16;
        i = 2;
    }

    if (i == s.len) {
        return 0;
    }

    for (n = 0; i < s.len; i++) {
        digit = smpp_status_digit(s.ptr[i]);

        if (digit >= base) {
            return 0;
        }

        n = n * (uint64_t) base + (uint64_t) digit;

        if (n > UINT32_MAX) {
            return 0;
        }
    }

    *out = (uint32_t) n;

    return 1;
}


sms_rc_t
smpp_status_parse(sms_str_t item, smpp_verdict_t *v)
{
    size_t      i, rest;
    sms_str_t   code;
    const char *eq;

    eq = item.len ? memchr(item.ptr, '=', item.len) : NULL;

    if (eq == NULL) {
        return SMS_E_CONFIG;
    }

    code.ptr = item.ptr;
    code.len = (size_t) (eq - item.ptr);

    if (!smpp_status_number(code, &v->code)) {
        return SMS_E_CONFIG;
    }

    rest = item.len - code.len - 1;

    for (i = 0; i < sizeof(smpp_status_words) / sizeof(smpp_status_words[0]);
         i++)
    {
        if (strlen(smpp_status_words[i].name) == rest
            && memcmp(smpp_status_words[i].name, eq + 1, rest) == 0)
        {
            v->klass = smpp_status_words[i].klass;
            v->reason = smpp_status_words[i].reason;
            return SMS_OK;
        }
    }

    return SMS_E_CONFIG;
}


smpp_verdict_t
smpp_status_judge(uint32_t code, const smpp_verdict_t *over, uint32_t n)
{
    uint32_t        i;
    smpp_verdict_t  v;

    for (i = 0; i < n; i++) {
        if (over[i].code == code) {
            return over[i];
        }
    }

    v.code = code;

    switch (code) {

#define SMPP_STATUS(name, code_, klass_, reason_)                             \
    case code_:                                                               \
        v.klass = SMPP_CLASS_##klass_;                                        \
        v.reason = SMS_REASON_##reason_;                                      \
        break;
#include "smpp_status.def"
#undef SMPP_STATUS

    default:
        v.klass = SMPP_CLASS_FINAL;
        v.reason = SMS_REASON_OTHER;
    }

    return v;
}


const char *
smpp_status_name(uint32_t code)
{
    switch (code) {

#define SMPP_STATUS(name, code_, klass_, reason_)                             \
    case code_:                                                               \
        return #name;
#include "smpp_status.def"
#undef SMPP_STATUS

    default:
        return "vendor";
    }
}
