/*
 * network_answer.h - the network out of an answer's JSON.
 */
#ifndef NETWORK_ANSWER_H
#define NETWORK_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "sms_plugin.h"

/* names and places with dots: "result.0.mcc"; either the first two or the last */
typedef struct { sms_str_t mcc, mnc, mccmnc; } network_paths_t;


/*
 * 1: mcc (1 .. 999) and mnc; 0: the answer knows no network (a value is not there,
 * null, empty or 0); -1: it is no JSON, or a value is nothing of the sort.
 */
int network_answer_read(const network_paths_t *paths, const char *body, size_t n,
    uint16_t *mcc, uint16_t *mnc);


#endif /* NETWORK_ANSWER_H */
