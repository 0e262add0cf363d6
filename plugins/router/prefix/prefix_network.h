/*
 * prefix_network.h - the file of networks: their names, codes and prefixes.
 *
 *   NAME  MCC-MNC[,MCC-MNC ...]  [PREFIX ...]
 *
 * Codes of one name are one network.  Prefixes serve numbers whose network nobody
 * else knows: no lookup, and not the Turkish numbering plan, which is built in.
 */
#ifndef PREFIX_NETWORK_H
#define PREFIX_NETWORK_H

#include <sms/sms_prefix.h>

#include "prefix_text.h"


#define PREFIX_NETWORK_CODE(mcc, mnc)  ((uint32_t) (mcc) * 1000 + (uint32_t) (mnc))

typedef struct { uint32_t code, first; } prefix_code_t;
typedef struct { prefix_word_t name; uint32_t line, code; } prefix_name_t;

typedef struct {
    char           *text;
    prefix_name_t  *names;
    uint32_t        nnames;
    prefix_code_t  *codes;              /* sorted                                 */
    uint32_t        ncodes;
    sms_prefix_t    tree;               /* value: the network's code              */
} prefix_network_t;


/* takes t->text over; 0, or -1 with err and nothing held */
int prefix_network_parse(prefix_network_t *nets, prefix_text_t *t);

/* the one code of a network that may have several; itself where it is not known */
uint32_t prefix_network_code(const prefix_network_t *nets, uint32_t code);

/* of a name, or of "286-01"; 0: neither */
uint32_t prefix_network_find(const prefix_network_t *nets, const char *p, size_t n);

/* of a number by its prefix; 0: not known */
uint32_t prefix_network_of(const prefix_network_t *nets, const char *to, size_t n);

/* also for one that was never filled */
void prefix_network_free(prefix_network_t *nets);


#endif /* PREFIX_NETWORK_H */
