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


#define PREFIX_LINKS_MAX   8            /* sms_route_t.link                       */
#define PREFIX_WEIGHT_MAX  1000000
#define PREFIX_CLASSES     4            /* sms_class_t 1 .. 4                     */
#define PREFIX_FILE_MAX    (4u << 20)   /* bytes                                  */

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
    char           reason[64];          /* "prefix=90532 line=12"                 */
    uint32_t       reason_len;
    prefix_link_t  links[PREFIX_LINKS_MAX];
} prefix_rule_t;

typedef struct {
    char           *text;               /* the file                               */
    size_t          len;
    prefix_rule_t  *rules;
    uint32_t        n, cap;
    sms_prefix_t    tree[PREFIX_CLASSES + 1];   /* by class; value: index of rule */
} prefix_table_t;


/*
 * Reads and parses a file ("path" is not NUL-terminated).  0; or -1 with one
 * sentence in err ("routes.txt:12: ...") and the table empty.
 */
int prefix_table_read(prefix_table_t *t, const char *path, size_t npath, char *err,
    size_t errcap);

/* The same for a text, which is copied; "name" is for err. */
int prefix_table_parse(prefix_table_t *t, const char *name, const char *p, size_t n,
    char *err, size_t errcap);

/* The rule of a destination and class (1 .. 4), or NULL. */
const prefix_rule_t *prefix_table_find(const prefix_table_t *t, uint32_t klass,
    const char *to, size_t n);

/*
 * Link ids of a rule for one message, in order of preference; returns how many.
 * Depends on rule and id only.
 */
uint32_t prefix_table_order(const prefix_rule_t *rule, const uint8_t id[16],
    uint32_t out[PREFIX_LINKS_MAX]);

/* also for a table that was never filled */
void prefix_table_free(prefix_table_t *t);


#endif /* PREFIX_TABLE_H */
