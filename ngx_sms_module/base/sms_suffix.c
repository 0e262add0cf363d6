#include "sms_suffix.h"


static int
sms_suffix_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}


static int
sms_suffix_is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static int
sms_suffix_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}


int
sms_suffix_valid(const char *p, size_t n)
{
    return n == SMS_SUFFIX_CODE_LEN && sms_suffix_is_upper(p[0])
           && (sms_suffix_is_upper(p[1]) || sms_suffix_is_digit(p[1]))
           && sms_suffix_is_digit(p[2]) && sms_suffix_is_digit(p[3]);
}


int
sms_suffix_find(const char *p, size_t n, size_t *begin)
{
    while (n && sms_suffix_is_space(p[n - 1])) {
        n--;
    }

    if (n && p[n - 1] == '.') {
        n--;
    }

    if (n < SMS_SUFFIX_CODE_LEN
        || !sms_suffix_valid(p + n - SMS_SUFFIX_CODE_LEN, SMS_SUFFIX_CODE_LEN)
        || (n > SMS_SUFFIX_CODE_LEN
            && !sms_suffix_is_space(p[n - SMS_SUFFIX_CODE_LEN - 1])))
    {
        return 0;
    }

    if (begin != NULL) {
        *begin = n - SMS_SUFFIX_CODE_LEN;
    }

    return 1;
}
