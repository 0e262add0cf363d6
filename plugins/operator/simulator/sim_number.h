/*
 * sim_number.h - what the simulated operator does with a number.
 *
 * The last digits of the recipient decide, so that a test or a customer with a
 * sandbox key can ask for each outcome; a percentage may fail besides, chosen
 * by a hash of the number and therefore the same in every run.
 */
#ifndef SIM_NUMBER_H
#define SIM_NUMBER_H

#include "sms_plugin.h"

/* one list of suffixes each; a number may be in several                          */
typedef enum {
    SIM_UNDELIVERABLE,                  /* sent, then receipt UNDELIVERED         */
    SIM_EXPIRED,                        /* sent, then receipt EXPIRED             */
    SIM_REJECTED,                       /* refused at submit, final               */
    SIM_THROTTLED,                      /* THROTTLED on attempts 1 and 2          */
    SIM_UNANSWERED,                     /* taken, but no answer: UNKNOWN          */
    SIM_NO_RECEIPT,                     /* sent, and never heard of again         */
    SIM_STUCK,                          /* attempt 1 is kept, no answer, no receipt;
                                           a cancel takes it back                 */
    SIM_LISTS
} sim_list_t;

typedef struct sim_numbers_s {
    const sms_conf_t  *conf;            /* the lists stay there, until exit()     */
    uint32_t           count[SIM_LISTS];
    uint32_t           fail_percent;
} sim_numbers_t;

typedef struct sim_fate_s {
    uint32_t  outcome, reason, operator_code, retry_after_ms;
    uint32_t  receipt;                  /* sms_receipt_state_t; 0: none comes     */
    uint32_t  receipt_code;             /* err: of the receipt                    */
} sim_fate_t;

extern const char *const  sim_list_names[SIM_LISTS];

void sim_numbers_init(sim_numbers_t *n, const sms_conf_t *conf, uint32_t fail_percent);
/* SMS_OK, or SMS_E_CONFIG with a text when a suffix is not 1 to 15 digits        */
sms_rc_t sim_numbers_check(const sms_conf_t *conf, char *err, size_t errcap);
/* attempt: from 1, as in sms_msg_t                                               */
sim_fate_t sim_number_fate(const sim_numbers_t *n, sms_str_t to, uint32_t attempt);
/* 1: that attempt is one that a cancel takes back                                */
int sim_number_stuck(const sim_numbers_t *n, sms_str_t to, uint32_t attempt);

#endif /* SIM_NUMBER_H */
