/*
 * sim_number.c - the fate of a number.
 */
#include "sim_number.h"

#include <stdio.h>
#include <string.h>

/* SMPP 3.4, 5.1.3 */
#define SIM_ESME_RINVDSTADR  0x0b
#define SIM_ESME_RTHROTTLED  0x58

const char *const  sim_list_names[SIM_LISTS] = {
    "undeliverable", "expired", "rejected", "throttled", "unanswered", "no_receipt",
    "stuck"
};


void
sim_numbers_init(sim_numbers_t *n, const sms_conf_t *conf, uint32_t fail_percent)
{
    uint32_t  i;

    n->conf = conf;
    n->fail_percent = fail_percent;
    for (i = 0; i < SIM_LISTS; i++) {
        n->count[i] = conf->count(conf, sim_list_names[i]);
    }
}


sms_rc_t
sim_numbers_check(const sms_conf_t *conf, char *err, size_t errcap)
{
    sms_str_t  s;
    uint32_t   i, k;
    size_t     m;

    for (i = 0; i < SIM_LISTS; i++) {
        for (k = 0; k < conf->count(conf, sim_list_names[i]); k++) {
            s = conf->item(conf, sim_list_names[i], k);
            for (m = 0; m < s.len && s.ptr[m] >= '0' && s.ptr[m] <= '9'; m++) {
                /* digits */
            }
            if (s.len == 0 || s.len > 15 || m < s.len) {
                snprintf(err, errcap, "%s: \"%.*s\" is not the end of a number",
                         sim_list_names[i], (int) s.len, s.len ? s.ptr : "");
                return SMS_E_CONFIG;
            }
        }
    }

    return SMS_OK;
}


static int
sim_number_listed(const sim_numbers_t *n, sim_list_t list, sms_str_t to)
{
    sms_str_t  s;
    uint32_t   i;

    for (i = 0; i < n->count[list]; i++) {
        s = n->conf->item(n->conf, sim_list_names[list], i);
        if (s.len <= to.len && memcmp(to.ptr + to.len - s.len, s.ptr, s.len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* FNV-1a: neighbouring numbers must not share a fate */
static uint32_t
sim_number_hash(sms_str_t to)
{
    uint32_t  h;
    size_t    i;

    h = 2166136261u;
    for (i = 0; i < to.len; i++) {
        h = (h ^ (unsigned char) to.ptr[i]) * 16777619u;
    }

    return h ^ (h >> 15);
}


sim_fate_t
sim_number_fate(const sim_numbers_t *n, sms_str_t to, uint32_t attempt)
{
    sim_fate_t  f;

    memset(&f, 0, sizeof(f));
    f.outcome = SMS_SUBMIT_SENT;
    f.receipt = SMS_RECEIPT_DELIVERED;

    if (sim_number_listed(n, SIM_REJECTED, to)) {
        f.outcome = SMS_SUBMIT_REJECTED;
        f.reason = SMS_REASON_INVALID_NUMBER;
        f.operator_code = SIM_ESME_RINVDSTADR;
        f.receipt = 0;
        return f;
    }
    if (attempt <= 2 && sim_number_listed(n, SIM_THROTTLED, to)) {
        f.outcome = SMS_SUBMIT_THROTTLED;
        f.operator_code = SIM_ESME_RTHROTTLED;
        f.retry_after_ms = 1000;
        f.receipt = 0;
        return f;
    }

    if (sim_number_stuck(n, to, attempt)) {
        f.outcome = SMS_SUBMIT_UNKNOWN;
        f.receipt = 0;
        return f;
    }
    if (sim_number_listed(n, SIM_UNANSWERED, to)) {
        f.outcome = SMS_SUBMIT_UNKNOWN;
    }
    if (sim_number_listed(n, SIM_UNDELIVERABLE, to)
        || sim_number_hash(to) % 100 < n->fail_percent)
    {
        f.receipt = SMS_RECEIPT_UNDELIVERED;
        f.receipt_code = 1;
    }
    if (sim_number_listed(n, SIM_EXPIRED, to)) {
        f.receipt = SMS_RECEIPT_EXPIRED;
        f.receipt_code = 2;
    }
    if (sim_number_listed(n, SIM_NO_RECEIPT, to)) {
        f.receipt = 0;
    }

    return f;
}


int
sim_number_stuck(const sim_numbers_t *n, sms_str_t to, uint32_t attempt)
{
    return attempt == 1 && sim_number_listed(n, SIM_STUCK, to);
}
