#include "prefix_network.h"

#include <stdlib.h>
#include <string.h>


/* "286-01": MCC of three digits, MNC of one to three; 0: is none */
static uint32_t
prefix_code_read(const char *p, size_t n)
{
    prefix_word_t  mcc = { 0, 3 }, mnc = { 4, 0 };
    int64_t        a, b;

    if (n < 5 || n > 7 || p[3] != '-') {
        return 0;
    }

    mnc.len = (uint32_t) n - 4;
    a = prefix_text_number(p, mcc, 3);
    b = prefix_text_number(p, mnc, 3);

    return a < 1 || b < 0 ? 0 : PREFIX_NETWORK_CODE(a, b);
}


static int
prefix_code_compare(const void *one, const void *two)
{
    const prefix_code_t  *a = one, *b = two;

    return a->code < b->code ? -1 : a->code > b->code;
}


static int
prefix_network_line(prefix_network_t *nets, prefix_text_t *t)
{
    prefix_word_t   w, item;
    prefix_name_t  *name;
    prefix_code_t  *code;
    uint32_t        i, first, value;
    void           *more;
    int             again;

    more = realloc(nets->names, (nets->nnames + 1) * sizeof(prefix_name_t));
    if (more == NULL) {
        return prefix_text_error(t, "out of memory");
    }
    nets->names = more;

    name = &nets->names[nets->nnames];
    name->name = prefix_text_word(t);
    name->line = t->line;

    for (i = 0; i < nets->nnames; i++) {
        if (nets->names[i].name.len == name->name.len
            && memcmp(t->text + nets->names[i].name.at, t->text + name->name.at,
                      name->name.len) == 0)
        {
            return prefix_text_error(t, "network \"%.*s\" is in line %u already",
                                     prefix_text_shown(t->text, name->name),
                                     t->text + name->name.at, nets->names[i].line);
        }
    }

    w = prefix_text_word(t);
    first = 0;

    for (again = 1; prefix_text_item(t->text, &w, &item, &again); /* void */ ) {

        value = prefix_code_read(t->text + item.at, item.len);
        if (value == 0) {
            return prefix_text_error(t, "\"%.*s\" is no MCC-MNC (NAME MCC-MNC PREFIX ...)",
                                     prefix_text_shown(t->text, item), t->text + item.at);
        }

        for (i = 0; i < nets->ncodes; i++) {
            if (nets->codes[i].code == value) {
                return prefix_text_error(t, "%.*s is there already", (int) item.len,
                                         t->text + item.at);
            }
        }

        more = realloc(nets->codes, (nets->ncodes + 1) * sizeof(prefix_code_t));
        if (more == NULL) {
            return prefix_text_error(t, "out of memory");
        }
        nets->codes = more;

        first = first ? first : value;
        code = &nets->codes[nets->ncodes++];
        code->code = value;
        code->first = first;
    }

    name->code = first;
    nets->nnames++;

    while ((w = prefix_text_word(t)).len) {

        switch (w.len > 15 ? SMS_PREFIX_E_INVALID
                           : sms_prefix_add(&nets->tree, t->text + w.at, w.len, first))
        {
        case SMS_PREFIX_OK:
            break;
        case SMS_PREFIX_E_EXISTS:
            return prefix_text_error(t, "prefix %.*s is there already", (int) w.len,
                                     t->text + w.at);
        case SMS_PREFIX_E_NOMEM:
            return prefix_text_error(t, "out of memory");
        default:
            return prefix_text_error(t, "prefix \"%.*s\" is not of at most 15 digits",
                                     prefix_text_shown(t->text, w), t->text + w.at);
        }
    }

    return 0;
}


int
prefix_network_parse(prefix_network_t *nets, prefix_text_t *t)
{
    int  rc;

    memset(nets, 0, sizeof(*nets));
    nets->text = t->text;

    while ((rc = prefix_text_next(t)) == 1) {
        rc = prefix_network_line(nets, t);
        if (rc != 0) {
            break;
        }
    }

    if (rc != 0) {
        prefix_network_free(nets);
        return -1;
    }

    if (nets->ncodes) {
        qsort(nets->codes, nets->ncodes, sizeof(prefix_code_t), prefix_code_compare);
    }

    return 0;
}


uint32_t
prefix_network_code(const prefix_network_t *nets, uint32_t code)
{
    const prefix_code_t  *c;
    prefix_code_t         key;

    if (nets->ncodes == 0) {
        return code;
    }

    key.code = code;
    c = bsearch(&key, nets->codes, nets->ncodes, sizeof(prefix_code_t), prefix_code_compare);

    return c ? c->first : code;
}


uint32_t
prefix_network_find(const prefix_network_t *nets, const char *p, size_t n)
{
    uint32_t  i;

    for (i = 0; i < nets->nnames; i++) {
        if (nets->names[i].name.len == n
            && memcmp(nets->text + nets->names[i].name.at, p, n) == 0)
        {
            return nets->names[i].code;
        }
    }

    return prefix_network_code(nets, prefix_code_read(p, n));
}


uint32_t
prefix_network_of(const prefix_network_t *nets, const char *to, size_t n)
{
    uint32_t  code;

    return sms_prefix_find(&nets->tree, to, n, &code) < 0 ? 0 : code;
}


void
prefix_network_free(prefix_network_t *nets)
{
    sms_prefix_free(&nets->tree);
    free(nets->codes);
    free(nets->names);
    free(nets->text);
    memset(nets, 0, sizeof(*nets));
}
