/*
 * prepaid_prices.h - dated prices by tariff, class and longest prefix.
 *
 * Built once from the rows of sms.tariffs(), then only read.  A price is that
 * of one part, in millionths of its unit.
 *
 * Which price a message has: of all prefixes of the destination for which some
 * price of its tariff and class is in force at that time, the longest; of its
 * prices the one that came into force last.  A prefix whose first price lies in
 * the future does not hide a shorter one that is in force today.
 */
#ifndef PREPAID_PRICES_H
#define PREPAID_PRICES_H

#include <stddef.h>
#include <stdint.h>


#define PREPAID_PREFIX_MAX  15          /* E.164                                  */
#define PREPAID_CLASS_MAX   4           /* sms_class_t                            */
#define PREPAID_CLOSED      (-1)        /* price_micro: this destination is not sold */

typedef struct {
    int64_t   valid_from_us;
    int64_t   price_micro;              /* or PREPAID_CLOSED                      */
    uint64_t  prefix;                   /* a 1, then the digits: "0090" is 10090  */
    uint32_t  tariff;
    uint32_t  next;                     /* older price of the same key; internal  */
    uint8_t   klass;
    char      unit[4];                  /* three letters and a zero octet         */
} prepaid_price_t;

typedef struct {
    prepaid_price_t  *prices;
    uint32_t          n, cap;
    uint32_t         *slots;            /* hash of (tariff, class, prefix)        */
    uint32_t          mask;             /* slots - 1; a power of two              */
    uint16_t          lengths;          /* bit l: some prefix has l digits        */
} prepaid_prices_t;


/* Room for n prices in an empty table.  0, or -1 without memory. */
int prepaid_prices_init(prepaid_prices_t *t, uint32_t n);

/*
 * Adds one price, in any order.  0, or -1 when a value is out of its range, the
 * table is full, or tariff, class, prefix and date are there already.
 */
int prepaid_prices_add(prepaid_prices_t *t, const prepaid_price_t *price);

/* Digits to prepaid_price_t.prefix; 0: more than 15, or not digits */
uint64_t prepaid_prices_prefix(const char *p, size_t n);

/* The price for a destination at a time, or NULL.  Lives as long as the table. */
const prepaid_price_t *prepaid_prices_find(const prepaid_prices_t *t,
    uint32_t tariff, uint8_t klass, const char *to, size_t n, int64_t at_us);

void prepaid_prices_free(prepaid_prices_t *t);


#endif /* PREPAID_PRICES_H */
