/*
 * A submission: one accepted request with its bodies and recipients.
 *
 * It is made by http/ from the request, judged (rules, price, route) and
 * written by intake, and it outlives the request: a batch whose outcome is not
 * known is resent unchanged after the client has gone (D1).  So it has a pool
 * of its own and is freed by the last who holds it.
 *
 * Money is micro-units of the account's unit, times are microseconds since the
 * epoch, text is UTF-8 in NFC.
 */
#ifndef NGX_SMS_SUBMISSION_H
#define NGX_SMS_SUBMISSION_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"
#include "sms_problem.h"
#include "sms_segment.h"
#include "ngx_sms_pg_batch.h"
#include "ngx_sms_account.h"
#include "ngx_sms_route.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_RECIPIENTS_MAX    1000
#define NGX_SMS_TEXTS_MAX         100   /* of a check                         */
#define NGX_SMS_KEY_HASH          16    /* octets of it that are kept         */
#define NGX_SMS_VALIDITY_DEFAULT  86400
#define NGX_SMS_VALIDITY_MIN      60
#define NGX_SMS_VALIDITY_MAX      172800
#define NGX_SMS_OTP_VALIDITY      180
#define NGX_SMS_OTP_VALIDITY_MIN  30
#define NGX_SMS_OTP_VALIDITY_MAX  600
#define NGX_SMS_SCHEDULE_MAX_S    (366 * 86400)


/* one fault of the request: what the client must mend, and where */
typedef struct {
    sms_problem_t            problem;
    ngx_str_t                pointer;       /* RFC 6901, "" = the whole body  */
    ngx_str_t                detail;
} ngx_sms_fault_t;


/* a finding of a rule, with the severity that holds for this account */
typedef struct {
    sms_finding_t            f;             /* strings live in the pool       */
    ngx_uint_t               severity;      /* sms_severity_t                 */
    ngx_str_t                plugin;
    ngx_str_t                version;       /* of the rule data               */
    ngx_str_t                waiver;        /* of the host, else empty        */
    unsigned                 confirmed:1;
} ngx_sms_finding_t;


/* rules that have judged, also where they found nothing */
typedef struct {
    ngx_str_t                plugin;
    ngx_str_t                version;       /* of the rule data               */
} ngx_sms_rule_t;


typedef struct {
    const u_char            *id;            /* of the message that stores it  */
    ngx_str_t                text;
    ngx_str_t                pointer;       /* "/text" or "/messages/3/text"  */
    sms_segment_t            count;         /* encoding, parts, what costs    */
    sms_problem_t            problem;       /* of this text                   */
    ngx_str_t                detail;
    ngx_array_t              findings;      /* ngx_sms_finding_t              */
    uint32_t                *eligible;      /* links; before routing NULL     */
    uint32_t                 neligible;
    ngx_sms_ineligible_e     ineligible;    /* the nearest of those that may
                                               not carry it                   */
    ngx_uint_t               accepted;      /* recipients that use it         */

    /* of flow/ngx_sms_reprice.c, in a preview or check; -1: no price */
    ngx_str_t                repaired;      /* empty: nothing to repair       */
    sms_segment_t            repaired_count;
    int64_t                  price_micro;   /* of a check                     */
    int64_t                  repaired_micro;
    unsigned                 control:1;     /* has a control character        */
} ngx_sms_body_t;


typedef struct {
    u_char                   id[16];
    ngx_uint_t               ord;           /* place in the request, from 0   */
    ngx_uint_t               body;          /* index into bodies              */
    int64_t                  to;            /* E.164 digits                   */
    ngx_str_t                given;         /* as the client wrote it         */
    ngx_str_t                reference;
    uint8_t                  recipient_type;
    uint8_t                  test;
    uint16_t                 mcc, mnc;      /* of the prefix, or looked up    */
    char                     country[2];
    char                     digits[16];    /* of "to", no NUL                */
    uint8_t                  ndigits;
    uint32_t                 link;          /* 0: none chosen                 */
    uint8_t                  routed;        /* a router knew a way            */
    uint8_t                  noted;         /* of flow/ngx_sms_recent.c       */
    uint8_t                  looked;        /* its network was looked up      */
    int64_t                  price_micro;
    sms_problem_t            problem;       /* why it is rejected; 0: is not  */
    ngx_str_t                detail;
} ngx_sms_recipient_t;


typedef struct ngx_sms_submission_s  ngx_sms_submission_t;

typedef void (*ngx_sms_submission_pt)(ngx_sms_submission_t *sub);

struct ngx_sms_submission_s {
    ngx_pool_t              *pool;
    ngx_log_t               *log;
    ngx_uint_t               holders;       /* request, batch, plugin run     */

    u_char                   id[16];        /* that of its first message      */
    ngx_sms_account_t       *account;       /* held                           */
    ngx_sms_key_t           *key;           /* of that account                */
    int64_t                  accepted_us;

    ngx_uint_t               klass;         /* sms_class_t                    */
    ngx_uint_t               basis;
    ngx_uint_t               exemption;
    ngx_str_t                audience;
    ngx_uint_t               recipient_type;    /* the default                */
    ngx_sms_brand_t         *brand;
    ngx_sms_sender_t        *sender;
    ngx_str_t                reference;
    ngx_array_t              confirm;       /* ngx_str_t codes                */
    ngx_uint_t               encoding;      /* forced sms_encoding_t, 0 auto  */
    int64_t                  schedule_us;   /* 0: now                         */
    int64_t                  expires_us;
    int64_t                  sim_trusted_since_us;
    ngx_uint_t               validity_s;
    unsigned                 test:1;
    unsigned                 preview:1;
    unsigned                 check:1;       /* of texts: a preview without
                                               recipients                     */
    unsigned                 repriced:1;
    unsigned                 identified:1;  /* the recipients' ids are unused */
    unsigned                 ascii:1;       /* transliterate the text         */

    u_char                   key_hash[32];  /* SHA-256 of the idempotency key,
                                               where "keyed"; as the next two */
    u_char                   request_hash[32];
    u_char                   text_hash[32];

    ngx_array_t              bodies;        /* ngx_sms_body_t                 */
    ngx_array_t              recipients;    /* ngx_sms_recipient_t            */
    ngx_uint_t               naccepted;
    int64_t                  total_micro;

    /* the request as a whole cannot be taken */
    sms_problem_t            problem;
    ngx_array_t              faults;        /* ngx_sms_fault_t                */

    /* of each rule plugin that has judged it: evidence of what it was judged by */
    ngx_array_t              rules;         /* ngx_sms_rule_t                 */

    /* rendered once, stored, and told again on a replay (D6) */
    ngx_str_t                doc;           /* declaration, JSON              */
    ngx_str_t                rejected;      /* JSON array, empty: none        */
    unsigned                 replayed:1;

    /* of flow/ngx_sms_recent.c */
    unsigned                 otp_noted:3;   /* bit: ngx_sms_otp_span_e        */

    /* of flow/ngx_sms_judge.c */
    struct ngx_sms_run_s    *run;           /* the plugin call that works     */
    struct ngx_sms_run_s    *taking;        /* whose results are being read   */
    const void              *judge;         /* ngx_sms_judge_conf_t           */
    ngx_sms_timer_t         *busy;          /* a plugin is asked again then   */
    ngx_msec_t               judge_until;
    ngx_uint_t               step;
    ngx_uint_t               nth;           /* plugin of the step             */
    ngx_array_t              asked;         /* ngx_uint_t recipients of run   */

    /* of flow/ngx_sms_intake.c */
    ngx_sms_pg_entry_t       entry;
    ngx_sms_submission_pt    render;        /* fills doc and rejected         */
    ngx_sms_submission_t    *key_next;      /* of those whose key is on its   */
    ngx_sms_submission_t   **key_link;      /* way; who points to this one    */
    ngx_uint_t               rounds;        /* judged again so often          */
    ngx_uint_t               nparts;
    unsigned                 keyed:1;
    unsigned                 alone:1;       /* in a batch of its own          */
    unsigned                 hashed:1;      /* text_hash is set               */
    unsigned                 claimed:1;     /* with its acceptance            */

    ngx_sms_submission_pt    done;          /* continuation; NULL: client left */
    void                    *data;          /* of the continuation            */
};


/* whose entry of a batch this is */
#define ngx_sms_submission_of(e)                                              \
    ngx_queue_data(e, ngx_sms_submission_t, entry)


/* a submission with one holder, or NULL */
ngx_sms_submission_t *ngx_sms_submission_create(ngx_log_t *log);

void ngx_sms_submission_hold(ngx_sms_submission_t *sub);

/* the last release frees it */
void ngx_sms_submission_release(ngx_sms_submission_t *sub);

/* 1: it needs consent, or waits for its time or its place in a rate, and goes through
 * screen */
ngx_uint_t ngx_sms_submission_held(const ngx_sms_submission_t *sub);

/* notes a fault; the first one names the problem of the answer */
void ngx_sms_submission_fault(ngx_sms_submission_t *sub, sms_problem_t problem,
    const char *pointer, const char *fmt, ...);

/*
 * Tells the client what is no fault: a finding of the host itself, as a warning, which
 * an account's severity "off" for "code" silences.  Texts are copied; "code" and
 * "source" are constants.
 */
void ngx_sms_submission_notice(ngx_sms_submission_t *sub, ngx_sms_body_t *body,
    const char *code, const char *source, const u_char *tr, size_t ntr,
    const u_char *en, size_t nen);

/* marks one recipient as rejected, with words for the client */
void ngx_sms_submission_reject(ngx_sms_submission_t *sub,
    ngx_sms_recipient_t *rcpt, sms_problem_t problem, const char *fmt, ...);

/*
 * Counts what is still accepted and sums the price.  When nothing is left the
 * submission gets a problem: that of the recipients where they all share one,
 * no-recipient-accepted otherwise.
 */
void ngx_sms_submission_sum(ngx_sms_submission_t *sub);

/*
 * The text with all repairs of its findings, from its pool, and what it would count.
 * NGX_DECLINED: there are none; NGX_ERROR: no memory.
 */
ngx_int_t ngx_sms_submission_repair(ngx_sms_submission_t *sub,
    ngx_sms_body_t *body, ngx_str_t *text, sms_segment_t *count);

/* fills "m" for the plugins; valid as long as the submission */
void ngx_sms_submission_message(ngx_sms_submission_t *sub,
    ngx_sms_body_t *body, ngx_sms_recipient_t *rcpt, sms_msg_t *m);

#endif /* NGX_SMS_SUBMISSION_H */
