/* The router's three files: whatever they say, an answer, or a sentence; and a lookup. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/router/prefix/prefix_cost.c"
#include "../../plugins/router/prefix/prefix_network.c"
#include "../../plugins/router/prefix/prefix_table.c"
#include "../../plugins/router/prefix/prefix_text.c"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


static uint32_t
number_of(const void *data, const char *p, size_t n)
{
    (void) data;
    return n ? (uint32_t) (unsigned char) *p % 9 : 0;
}


static void
look(const prefix_table_t *t, const prefix_cost_t *costs)
{
    static const char *const  numbers[] = { "905321234567", "4917", "", "1" };

    const prefix_rule_t  *r;
    prefix_choice_t       choice;
    prefix_what_t         what;
    uint32_t              out[PREFIX_LINKS_MAX], i, k, n;
    uint8_t               id[16];

    for (i = 0; i < 16; i++) {

        memset(&what, 0, sizeof(what));
        memset(id, (int) i, sizeof(id));
        what.klass = i % 4 + 1;
        what.to = numbers[i % 3];
        what.nto = strlen(what.to);
        what.account = i % 5;
        what.sender = "ORNEK AS";
        what.nsender = i % 9;
        what.network = i % 2 ? 286002 : 0;
        memcpy(what.country, i % 3 ? "TR" : "DE", 2);
        memset(&choice, 0, sizeof(choice));
        choice.prefer = (prefix_prefer_t) (i % 3);
        choice.costs = costs;

        r = prefix_table_find(t, &what);
        if (r == NULL) {
            continue;
        }
        ENSURE(r->nlinks >= 1 && r->nlinks <= PREFIX_LINKS_MAX);
        n = prefix_table_order(r, id, &what, &choice, out);
        ENSURE(n == r->nlinks);
        for (k = 0; k < n; k++) {
            ENSURE(out[k] >= 1 && out[k] <= n);
        }
    }
}


/* "routes", 0, "networks", 0, "costs" */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char        *p = (const char *) data, *a, *b;
    prefix_network_t   nets;
    prefix_table_t     table;
    prefix_cost_t      costs;
    prefix_text_t      t;
    uint32_t           i, k;
    char               err[160];

    a = size ? memchr(p, '\0', size) : NULL;
    b = a ? memchr(a + 1, '\0', size - (size_t) (a + 1 - p)) : NULL;
    memset(&nets, 0, sizeof(nets));
    memset(&costs, 0, sizeof(costs));

    if (a) {
        ENSURE(prefix_text_open(&t, "n", a + 1,
                                (size_t) ((b ? b : p + size) - a - 1), err, sizeof(err)) == 0);
        (void) prefix_network_parse(&nets, &t);
    }
    if (b) {
        ENSURE(prefix_text_open(&t, "c", b + 1, (size_t) (p + size - b - 1), err, sizeof(err))
               == 0);
        (void) prefix_cost_parse(&costs, &t, number_of, NULL);
    }

    if (prefix_table_parse(&table, &nets, "r", p, a ? (size_t) (a - p) : size, err,
                           sizeof(err)) == 0)
    {
        for (i = 0; i < table.n; i++) {
            for (k = 0; k < table.rules[i].nlinks; k++) {
                table.rules[i].links[k].id = k + 1;
            }
        }
        look(&table, &costs);
    } else {
        ENSURE(memchr(err, '\0', sizeof(err)) && err[0] == 'r' && table.n == 0);
    }

    prefix_table_free(&table);
    prefix_network_free(&nets);
    prefix_cost_free(&costs);

    return 0;
}
