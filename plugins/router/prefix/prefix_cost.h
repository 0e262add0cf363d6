/*
 * prefix_cost.h - the file of costs: what a part costs over each link.
 *
 *   LINK  PREFIX  CLASS  COST
 *
 * PREFIX and CLASS as in the routes; of the lines of a link the longest prefix
 * counts, and at one length the one that names the class.  COST has up to six
 * decimals, in whatever currency: links are compared by it, nothing else.
 */
#ifndef PREFIX_COST_H
#define PREFIX_COST_H

#include <sms/sms_prefix.h>

#include "prefix_text.h"


#define PREFIX_COST_UNKNOWN  UINT32_MAX
#define PREFIX_COST_MAX      1000000000     /* millionths                         */

typedef struct {
    uint32_t      id;                   /* of the link                            */
    sms_prefix_t  tree[5];              /* by class, 0: any; value: millionths    */
} prefix_cost_link_t;

typedef struct {
    prefix_cost_link_t  *links;
    uint32_t             n;
} prefix_cost_t;

/* the id of a configured link, or 0 */
typedef uint32_t (*prefix_cost_link_pt)(const void *data, const char *p, size_t n);


/* 0, or -1 with err and nothing held; t->text is freed */
int prefix_cost_parse(prefix_cost_t *c, prefix_text_t *t, prefix_cost_link_pt link,
    const void *data);

/* millionths, or PREFIX_COST_UNKNOWN */
uint32_t prefix_cost_find(const prefix_cost_t *c, uint32_t link, uint32_t klass,
    const char *to, size_t n);

void prefix_cost_free(prefix_cost_t *c);


#endif /* PREFIX_COST_H */
