#include "ngx_sms_quiet.h"

#include "sms_time.h"


#define NGX_SMS_QUIET_SOURCE  "R-6T"


static void ngx_sms_quiet_tell(ngx_sms_submission_t *sub, int64_t opens);


void
ngx_sms_quiet(ngx_sms_submission_t *sub)
{
    int64_t          start, opens;
    ngx_sms_pace_t  *pace;

    pace = &sub->account->pace;

    if (pace->quiet == NGX_SMS_QUIET_OFF || sub->test
        || sub->problem != SMS_PROBLEM_NONE || sub->klass == SMS_CLASS_OTP
        || (pace->quiet_classes & (ngx_uint_t) 1 << sub->klass) == 0)
    {
        return;
    }

    start = sub->schedule_us ? sub->schedule_us : sub->accepted_us;
    opens = sms_window_opens(&pace->window, start);

    if (opens == start) {
        return;
    }

    if (pace->quiet == NGX_SMS_QUIET_HOLD) {

        if (opens < 0 || opens >= sub->expires_us) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_QUIET_WINDOW,
                                     sub->schedule_us ? "/schedule_at"
                                                      : "/validity_s",
                                     "a longer validity, or another time");
            return;
        }

        sub->schedule_us = opens;
    }

    ngx_sms_quiet_tell(sub, opens);
}


static void
ngx_sms_quiet_tell(ngx_sms_submission_t *sub, int64_t opens)
{
    u_char  *p, *q, tr[256], en[256];
    char     local[SMS_TIME_LOCAL_LEN];

    sms_time_local_print(opens, local);

    if (sub->account->pace.quiet == NGX_SMS_QUIET_HOLD) {
        p = ngx_slprintf(tr, tr + sizeof(tr),
                         "Hesabın gönderim saatleri dışında: ileti %*s "
                         "(Türkiye saati) zamanına kadar bekletilir.",
                         (size_t) SMS_TIME_LOCAL_LEN, local);
        q = ngx_slprintf(en, en + sizeof(en),
                         "Outside the account's sending hours: it is held until "
                         "%*s, Turkish time.",
                         (size_t) SMS_TIME_LOCAL_LEN, local);

    } else {
        p = ngx_slprintf(tr, tr + sizeof(tr),
                         "Ticari iletiler için önerilen saatler dışında; "
                         "bekletilmez. Saatler %*s zamanında (Türkiye saati) "
                         "başlar.", (size_t) SMS_TIME_LOCAL_LEN, local);
        q = ngx_slprintf(en, en + sizeof(en),
                         "Outside the advised hours; it is not held. They "
                         "begin at %*s, Turkish time.",
                         (size_t) SMS_TIME_LOCAL_LEN, local);
    }

    ngx_sms_submission_notice(sub, sub->bodies.elts, "quiet-window",
                              NGX_SMS_QUIET_SOURCE, tr, (size_t) (p - tr), en,
                              (size_t) (q - en));
}
