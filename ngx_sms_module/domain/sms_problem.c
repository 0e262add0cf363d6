#include "sms_problem.h"

#include <string.h>


static const sms_problem_info_t  sms_problems[] = {
    { "none", 500, "", "" },
#define SMS_PROBLEM(name, code, status, en, tr)  { code, status, en, tr },
#include "sms_problem.def"
#undef SMS_PROBLEM
};


const sms_problem_info_t *
sms_problem_info(sms_problem_t problem)
{
    if (problem <= SMS_PROBLEM_NONE || problem >= SMS_PROBLEM_COUNT) {
        problem = SMS_PROBLEM_INTERNAL;
    }

    return &sms_problems[problem];
}


sms_problem_t
sms_problem_find(const char *code, size_t len)
{
    int  i;

    for (i = SMS_PROBLEM_NONE + 1; i < SMS_PROBLEM_COUNT; i++) {
        if (strlen(sms_problems[i].code) == len
            && memcmp(sms_problems[i].code, code, len) == 0)
        {
            return (sms_problem_t) i;
        }
    }

    return SMS_PROBLEM_NONE;
}
