/*
 * The API's errors (RFC 9457 problem types).
 *
 * The table is sms_problem.def; this gives it a number, a code, a status and
 * a title in two languages.  Codes are stable inside /v1.
 */
#ifndef SMS_PROBLEM_H
#define SMS_PROBLEM_H

#include <stddef.h>


typedef enum {
    SMS_PROBLEM_NONE = 0,
#define SMS_PROBLEM(name, code, status, en, tr)  SMS_PROBLEM_##name,
#include "sms_problem.def"
#undef SMS_PROBLEM
    SMS_PROBLEM_COUNT
} sms_problem_t;


typedef struct {
    const char   *code;         /* "invalid-json"                             */
    int           status;       /* HTTP                                       */
    const char   *title_en;
    const char   *title_tr;
} sms_problem_info_t;


/* never NULL; an unknown number is SMS_PROBLEM_INTERNAL */
const sms_problem_info_t *sms_problem_info(sms_problem_t problem);

/* the problem with this code, or SMS_PROBLEM_NONE */
sms_problem_t sms_problem_find(const char *code, size_t len);

#endif /* SMS_PROBLEM_H */
