/*
 * iys_halt.c - until when not to ask, and why.
 *
 * A halt lies in the shared dictionary, so that one worker's refusal silences
 * all of them, as "<until_us> <code>".  When the dictionary has no room it is
 * kept here: a worker that forgets an H084 would start İYS's hour again.
 */
#include "iys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static sms_str_t
iys_halt_key(char *buf, size_t cap, uint32_t kind, uint64_t id)
{
    sms_str_t  key;

    key.ptr = buf;
    key.len = (size_t) snprintf(buf, cap, "iys:%c:%016" PRIx64, (char) kind,
                                id);

    return key;
}


static void
iys_halt_keep(iys_t *iys, const iys_halt_t *halt)
{
    uint32_t  i, oldest;

    oldest = 0;

    for (i = 0; i < iys->nhalts; i++) {
        if (iys->halts[i].kind == halt->kind && iys->halts[i].id == halt->id) {
            iys->halts[i] = *halt;
            return;
        }

        if (iys->halts[i].until_us < iys->halts[oldest].until_us) {
            oldest = i;
        }
    }

    if (iys->nhalts < IYS_HALTS_MAX) {
        oldest = iys->nhalts++;
    }

    iys->halts[oldest] = *halt;
}


void
iys_halt_set(iys_t *iys, iys_halt_kind_t kind, uint64_t id, int64_t now,
    int64_t until_us, const char *code)
{
    int         len;
    char        key[64], value[64];
    sms_str_t   v;
    iys_halt_t  halt;

    halt.kind = kind;
    halt.id = id;
    halt.until_us = until_us;
    halt.code = iys_error_literal(code, strlen(code));

    len = snprintf(value, sizeof(value), "%" PRId64 " %s", until_us,
                   halt.code);

    v.ptr = value;
    v.len = (size_t) len;

    if (until_us <= now) {
        return;
    }

    if (iys->host->dict->set(iys->host,
                             iys_halt_key(key, sizeof(key), kind, id), v,
                             (uint32_t) ((until_us - now) / 1000 + 1))
        != SMS_OK)
    {
        iys_halt_keep(iys, &halt);
    }
}


int
iys_halt_get(iys_t *iys, iys_halt_kind_t kind, uint64_t id, int64_t now,
    int64_t *until_us, const char **code)
{
    char         key[64], value[64], *end;
    size_t       len;
    int64_t      until;
    uint32_t     i;
    const char  *literal;

    until = 0;
    literal = "halted";

    if (iys->host->dict->get(iys->host,
                             iys_halt_key(key, sizeof(key), kind, id),
                             value, sizeof(value) - 1, &len)
        == SMS_OK && len < sizeof(value))
    {
        value[len] = '\0';
        until = strtoll(value, &end, 10);

        if (*end == ' ') {
            literal = iys_error_literal(end + 1, strlen(end + 1));
        }
    }

    for (i = 0; i < iys->nhalts; i++) {
        if (iys->halts[i].kind == kind && iys->halts[i].id == id
            && iys->halts[i].until_us > until)
        {
            until = iys->halts[i].until_us;
            literal = iys->halts[i].code;
        }
    }

    if (until <= now) {
        return 0;
    }

    if (until_us != NULL) {
        *until_us = until;
    }

    if (code != NULL) {
        *code = literal;
    }

    return 1;
}
