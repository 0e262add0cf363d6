/*
 * When and how often an account sends, as its profile says: sending window, rates,
 * ceilings of OTPs, and repeated texts.
 */
#ifndef NGX_SMS_PACE_H
#define NGX_SMS_PACE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include <jansson.h>

#include "sms_plugin.h"
#include "sms_window.h"


typedef enum {
    NGX_SMS_QUIET_OFF = 0,
    NGX_SMS_QUIET_WARN,                     /* told                           */
    NGX_SMS_QUIET_HOLD                      /* kept until it opens            */
} ngx_sms_quiet_e;

/* ceilings of OTPs to one number (C11), by span */
typedef enum {
    NGX_SMS_OTP_MINUTE = 0,
    NGX_SMS_OTP_HOUR,
    NGX_SMS_OTP_DAY,
    NGX_SMS_OTP_SPANS
} ngx_sms_otp_span_e;

typedef struct {
    uint32_t                 seconds;       /* 0: not looked at               */
    unsigned                 warn:1;        /* told, not refused              */
} ngx_sms_repeat_t;

typedef struct {
    ngx_uint_t               quiet;         /* ngx_sms_quiet_e                */
    ngx_uint_t               quiet_classes; /* bit 1 << sms_class_t           */
    sms_window_t             window;
    uint32_t                 otp[NGX_SMS_OTP_SPANS];    /* 0: no ceiling      */
    ngx_sms_repeat_t         repeats[SMS_CLASS_EXEMPT + 1]; /* by class       */
    unsigned                 rated:1;       /* it, or a sender of it, has a
                                               rate                           */
} ngx_sms_pace_t;


/*
 * Reads "pace", "otp_limits" and "repeats" of the account's profile.  Where nothing is
 * set: warned of 09:00 to 21:00 for commercial messages (R-6T), no rate, no ceiling but
 * what the profile says, repeats not looked at.
 */
void ngx_sms_pace_read(ngx_sms_pace_t *pace, const json_t *account);

#endif /* NGX_SMS_PACE_H */
