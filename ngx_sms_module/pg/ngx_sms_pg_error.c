#include "ngx_sms_pg_error.h"

typedef struct {
    const char  *who;
    const char  *reason;
    time_t       second;
    ngx_uint_t   swallowed;
} ngx_sms_pg_reason_t;

typedef struct {
    const char           prefix[6];         /* class, or a whole sqlstate     */
    ngx_sms_pg_action_t  action;
} ngx_sms_pg_class_t;

/* the first that fits; whole codes stand before their class */
static const ngx_sms_pg_class_t  ngx_sms_pg_classes[] = {
    { "08",    NGX_SMS_PG_ACT_RECONNECT },
    { "25006", NGX_SMS_PG_ACT_RECONNECT },  /* read_only_sql_transaction      */
    { "57P",   NGX_SMS_PG_ACT_RECONNECT },  /* shutdown, crash, cannot connect */
    { "40",    NGX_SMS_PG_ACT_RETRY },      /* deadlock, serialization        */
    { "55P03", NGX_SMS_PG_ACT_RETRY },      /* lock_not_available             */
    { "53",    NGX_SMS_PG_ACT_WAIT },       /* disk, memory, connections      */
    { "0A",    NGX_SMS_PG_ACT_FAIL },
    { "25",    NGX_SMS_PG_ACT_FAIL },
    { "26",    NGX_SMS_PG_ACT_FAIL },       /* no such prepared statement     */
    { "28",    NGX_SMS_PG_ACT_FAIL },
    { "3D",    NGX_SMS_PG_ACT_FAIL },
    { "3F",    NGX_SMS_PG_ACT_FAIL },
    { "42",    NGX_SMS_PG_ACT_FAIL },       /* names, rights, syntax          */
    { "",      NGX_SMS_PG_ACT_SPLIT }
};

static ngx_sms_pg_reason_t  ngx_sms_pg_reasons[NGX_SMS_PG_ERROR_REASONS];


ngx_sms_pg_action_t
ngx_sms_pg_error_action(const char *sqlstate)
{
    const ngx_sms_pg_class_t  *class;

    if (sqlstate == NULL || sqlstate[0] == '\0') {
        return NGX_SMS_PG_ACT_RECONNECT;
    }

    class = ngx_sms_pg_classes;

    while (ngx_strncmp(sqlstate, class->prefix, ngx_strlen(class->prefix))
           != 0)
    {
        class++;
    }

    return class->action;
}


const char *
ngx_sms_pg_error_action_name(ngx_sms_pg_action_t action)
{
    static const char *const  names[] = {
        "none", "retry", "wait", "reconnect", "split", "fail"
    };

    return names[action];
}


size_t
ngx_sms_pg_error_trim(char *buf, size_t size, const char *message)
{
    char        quote;
    size_t      n;
    const char  *p;

    n = 0;

    if (size == 0) {
        return 0;
    }

    p = message ? message : "";

    while (*p == ' ' || *p == '\n') {
        p++;
    }

    quote = 0;

    for ( /* void */ ; *p != '\0' && *p != '\n' && n + 4 < size; p++) {

        if (quote) {
            if (*p == quote) {
                quote = 0;
                buf[n++] = *p;
            }

            continue;
        }

        /* 0x20 and below, and what a log reader may not expect */
        if ((u_char) *p < 0x20 || *p == 0x7f) {
            buf[n++] = ' ';
            continue;
        }

        buf[n++] = *p;

        if (*p == '"') {
            quote = *p;
            buf[n++] = '.';
            buf[n++] = '.';
        }
    }

    while (n > 0 && buf[n - 1] == ' ') {
        n--;
    }

    buf[n] = '\0';

    return n;
}


void
ngx_sms_pg_error_log(ngx_uint_t level, ngx_log_t *log, const char *who,
    const char *reason, const char *sqlstate, const char *detail)
{
    u_char                again[32];
    char                  text[256];
    time_t                now;
    ngx_uint_t            i, known, swallowed;
    ngx_sms_pg_reason_t  *r;

    now = ngx_time();
    r = &ngx_sms_pg_reasons[0];

    for (i = 0; i < NGX_SMS_PG_ERROR_REASONS; i++) {

        if (ngx_sms_pg_reasons[i].reason == reason
            && ngx_sms_pg_reasons[i].who == who)
        {
            r = &ngx_sms_pg_reasons[i];
            break;
        }

        /* an unused place has second 0, so the oldest gives way */
        if (ngx_sms_pg_reasons[i].second < r->second) {
            r = &ngx_sms_pg_reasons[i];
        }
    }

    known = r->reason == reason && r->who == who;

    if (known && r->second == now) {
        r->swallowed++;
        return;
    }

    swallowed = known ? r->swallowed : 0;

    r->who = who;
    r->reason = reason;
    r->second = now;
    r->swallowed = 0;

    (void) ngx_sms_pg_error_trim(text, sizeof(text), detail);

    again[0] = '\0';

    if (swallowed) {
        *ngx_snprintf(again, sizeof(again) - 1, " repeated=%ui", swallowed)
            = '\0';
    }

    ngx_log_error(level, log, 0, "sms pg: %s: %s:%s%s%s%s%s%s", who, reason,
                  sqlstate && sqlstate[0] ? " sqlstate=" : "",
                  sqlstate && sqlstate[0] ? sqlstate : "",
                  text[0] ? " (" : "", text, text[0] ? ")" : "", again);
}
