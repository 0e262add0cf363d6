/*
 * sms_prefix.h - longest prefix of a digit string.
 *
 * Built once (router, tariffs), then looked up any number of times without
 * allocation.  The empty prefix is allowed and matches everything.  A node is
 * 44 bytes; a digit of a prefix costs at most one node.
 */
#ifndef SMS_PREFIX_H
#define SMS_PREFIX_H

#include <stddef.h>
#include <stdint.h>


#define SMS_PREFIX_DIGITS_MAX  18

#define SMS_PREFIX_OK        0
#define SMS_PREFIX_E_INVALID (-1)       /* not digits, or too many                */
#define SMS_PREFIX_E_NOMEM   (-2)
#define SMS_PREFIX_E_EXISTS  (-3)       /* this prefix is there; its value stays  */

typedef struct sms_prefix_node_s  sms_prefix_node_t;

typedef struct {                        /* all zeros is an empty tree             */
    sms_prefix_node_t  *nodes;
    uint32_t            n, cap;
} sms_prefix_t;


/* "value" is the caller's, any number but UINT32_MAX. */
int sms_prefix_add(sms_prefix_t *t, const char *digits, size_t n,
    uint32_t value);

/*
 * The length of the longest prefix in the tree, with its value; -1 when none
 * matches.  Stops at the first character that is not a digit.
 */
int sms_prefix_find(const sms_prefix_t *t, const char *digits, size_t n,
    uint32_t *value);

/* The same for a number, 0 or above. */
int sms_prefix_find_number(const sms_prefix_t *t, int64_t number,
    uint32_t *value);

void sms_prefix_free(sms_prefix_t *t);


#endif /* SMS_PREFIX_H */
