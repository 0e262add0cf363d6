/*
 * prefix_table.h - the routes file: parsed, and looked up.
 *
 * The syntax is explained in example.routes.  Parsing knows nothing of links;
 * names are resolved afterwards, so "nginx -t" can check a file alone.
 */
#ifndef PREFIX_TABLE_H
#define PREFIX_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <sms/sms_prefix.h>

#include "prefix_cost.h"
#include "prefix_network.h"
#include "prefix_text.h"


#define PREFIX_LINKS_MAX   8            /* sms_route_t.link                       */
#define PREFIX_WEIGHT_MAX  1000000
#define PREFIX_CLASSES     4            /* sms_class_t 1 .. 4                     */
#define PREFIX_SCOPES_MAX  200000

/* what a line may be limited to, from the weakest to the strongest */
enum { PREFIX_COUNTRY, PREFIX_NETWORK, PREFIX_SENDER, PREFIX_ACCOUNT, PREFIX_CONDITIONS };

typedef struct {
    uint32_t  name, len;                /* in the file's text                     */
    uint32_t  weight;
    uint32_t  group;                    /* 0, 1 ...; the same group: alternatives */
    uint32_t  id;                       /* of the link, after resolving           */
} prefix_link_t;

typedef struct {
    uint32_t       line;                /* in the file, from 1                    */
    uint32_t       nlinks;
    uint32_t       classes;             /* bit c: named; 0: every class not named */
    uint32_t       digits, ndigits;     /* the prefix, in the file's text         */
    prefix_word_t  only[PREFIX_CONDITIONS];     /* values with commas; len 0: any */
    char           reason[64];          /* "prefix=90532 line=12"                 */
    uint32_t       reason_len;
    prefix_link_t  links[PREFIX_LINKS_MAX];
} prefix_rule_t;

/* whom some lines are for; a member that is not limited is 0 */
typedef struct {
    uint32_t    mask;                   /* bits of conditions                     */
    uint32_t    network;                /* PREFIX_NETWORK_CODE                    */
    uint64_t    account;
    const char *sender;
    size_t      nsender;
    char        country[2];
} prefix_scope_key_t;

typedef struct {
    prefix_scope_key_t  key;
    sms_prefix_t        tree[PREFIX_CLASSES + 1];   /* by class; value: a rule    */
} prefix_scope_t;

typedef struct {
    char                   *text;       /* the file                               */
    prefix_rule_t          *rules;
    uint32_t                n, cap;
    prefix_scope_t         *scopes;     /* the first is everybody's               */
    uint32_t                nscopes, scopes_cap;
    uint32_t               *places;     /* hash of scopes, index + 1              */
    uint32_t                nplaces;    /* a power of two                         */
    uint32_t                masks;      /* bit m: there are scopes of mask m      */
} prefix_table_t;

/* a message, as far as lines look at it */
typedef struct {
    uint32_t     klass;
    const char  *to;
    size_t       nto;
    uint64_t     account;
    const char  *sender;
    size_t       nsender;
    uint32_t     network;               /* code, 0: not known                     */
    char         country[2];            /* zeros: not known                       */
} prefix_what_t;

typedef enum { PREFIX_BY_WEIGHT, PREFIX_CHEAPEST, PREFIX_BY_COST } prefix_prefer_t;

/* who may carry it, and by what is chosen */
typedef struct {
    const uint32_t       *eligible;     /* NULL: all                              */
    uint32_t              neligible;
    prefix_prefer_t       prefer;
    const prefix_cost_t  *costs;
} prefix_choice_t;


/*
 * Reads and parses a file ("path" is not NUL-terminated); "nets" may be empty.  0; or
 * -1 with one sentence in err ("routes.txt:12: ...") and the table empty.
 */
int prefix_table_read(prefix_table_t *t, const prefix_network_t *nets, const char *path,
    size_t npath, char *err, size_t errcap);

/* The same for a text, which is copied; "name" is for err. */
int prefix_table_parse(prefix_table_t *t, const prefix_network_t *nets, const char *name,
    const char *p, size_t n, char *err, size_t errcap);

/* The rule of a message, or NULL. */
const prefix_rule_t *prefix_table_find(const prefix_table_t *t, const prefix_what_t *what);

/*
 * Link ids of a rule for one message, in order of preference; returns how many.
 * Depends on rule, choice and id only.
 */
uint32_t prefix_table_order(const prefix_rule_t *rule, const uint8_t id[16],
    const prefix_what_t *what, const prefix_choice_t *choice,
    uint32_t out[PREFIX_LINKS_MAX]);

/* also for a table that was never filled */
void prefix_table_free(prefix_table_t *t);


#endif /* PREFIX_TABLE_H */
