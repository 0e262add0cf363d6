/*
 * sms_msisdn.h - telephone numbers as people write them, to E.164.
 *
 * Turkish mobile numbers: 05XXXXXXXXX, 5XXXXXXXXX, 905XXXXXXXXX, +905XXXXXXXXX
 * and 00905XXXXXXXXX, with space, '-', '.', '(' and ')' anywhere.  Other
 * countries only with '+' or '00'.  The prefix table (sms_msisdn.def) is that
 * of the BTK numbering plan; numbers are portable since 2008, so the operator
 * is a hint.  Calling codes and lengths are in sms_country.def.
 */
#ifndef SMS_MSISDN_H
#define SMS_MSISDN_H

#include <stddef.h>
#include <stdint.h>


/* results; the texts of sms_msisdn_slug() are stable */
enum {
    SMS_MSISDN_OK = 0,
    SMS_MSISDN_E_EMPTY,         /* no digit at all                                */
    SMS_MSISDN_E_CHARACTER,     /* something else than digits and separators      */
    SMS_MSISDN_E_SHORT,
    SMS_MSISDN_E_LONG,
    SMS_MSISDN_E_EXTRA_ZERO,    /* +90 0532 ...                                   */
    SMS_MSISDN_E_LANDLINE,      /* 2xx, 3xx, 4xx                                  */
    SMS_MSISDN_E_SPECIAL,       /* 444, 0800, 0850, 0900 ...                      */
    SMS_MSISDN_E_PAGING,        /* 512, 524, 592, 594, 596                        */
    SMS_MSISDN_E_NOT_MOBILE,    /* Turkish, and not a mobile number otherwise     */
    SMS_MSISDN_E_COUNTRY        /* no such calling code                           */
};

/* flags */
#define SMS_MSISDN_UNKNOWN_PREFIX  0x01u    /* 5xx that the table does not have: warn */
#define SMS_MSISDN_KKTC            0x02u    /* Northern Cyprus blocks of +90      */
#define SMS_MSISDN_FOREIGN         0x04u    /* not +90; the caller decides        */

typedef struct {
    int64_t      number;        /* 905321234567                                   */
    char         text[17];      /* "+905321234567", NUL-terminated                */
    uint8_t      text_len;
    uint8_t      flags;
    char         country[2];    /* ISO 3166-1; "TR"                               */
    uint16_t     mcc, mnc;      /* of the prefix; 0: unknown.  Turkish only       */
    const char  *network;       /* operator that the prefix was given to; "" else */
} sms_msisdn_t;


/* On an error the struct is zeroed. */
int sms_msisdn_parse(const char *p, size_t n, sms_msisdn_t *m);

/* The same for digits that are already E.164 (no '+'), as stored. */
int sms_msisdn_from_number(int64_t number, sms_msisdn_t *m);

/* "empty", "bad-character", ... ; "ok" for 0 */
const char *sms_msisdn_slug(int error);

/*
 * Digits with all but the first five (three when foreign) and the last two
 * hidden, for logs and screens: "+90532*****67".  Returns the length; "out" is
 * NUL-terminated.
 */
size_t sms_msisdn_mask(int64_t number, char out[20]);


#endif /* SMS_MSISDN_H */
