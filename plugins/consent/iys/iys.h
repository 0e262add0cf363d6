/*
 * iys.h - what the files of consent/iys share.
 *
 * The plugin asks İYS (İleti Yönetim Sistemi, Law 6563 and the regulation on
 * commercial electronic messages, m.5/3 and m.11) whether a number has an
 * approval for a brand, and says GRANTED only for a number that İYS listed in
 * this very answer.  Whatever else happens ends in an answer that does not
 * permit sending.
 *
 *   iys.c         keys, ops, instance
 *   iys_call.c    one suspended consent_lookup(): its items and results
 *   iys_query.c   one request to İYS: numbers of many calls, sending, retries
 *   iys_answer.c  what İYS's answer means for those who wait for it
 *   iys_pump.c    when the next request leaves: pace, token, stops
 *   iys_token.c   the OAuth token, shared by all workers
 *   iys_budget.c  requests a second, single queries an hour, tokens an hour
 *   iys_halt.c    until when not to ask, and why
 *   iys_status.c  bodies and answers of the status queries; pure
 *   iys_ask.c     requests that no message waits for: pages, lists, files
 *   iys_errand.c  what the database wants of İYS, in the worker with the lease:
 *                 consents declared, changes, days, partners, histories
 *   iys_push.c    what İYS posts to us
 *   iys_base64.c  base64; pure
 *   iys_error.c   error bodies and the code table; pure
 *
 * Times are microseconds since the epoch from core->now_us().  Nothing here
 * outlives the instance; everything runs on the worker's loop.
 */
#ifndef IYS_H
#define IYS_H

#include "sms_plugin.h"

#include "iys_error.h"
#include "iys_status.h"

#define IYS_SECOND_US    ((int64_t) 1000000)
#define IYS_HOUR_US      (3600 * IYS_SECOND_US)
#define IYS_STOP_US      (900 * IYS_SECOND_US)  /* ask a refused account again */
#define IYS_TRIES_MAX    3              /* sends of one query, first included   */
#define IYS_SENT_MAX     16             /* requests in flight, one worker       */
#define IYS_TOKEN_MAX    16384          /* a JWT that names many brands is long */
#define IYS_HALTS_MAX    8
#define IYS_URL_MAX      1024           /* base_url is checked to leave 256     */
#define IYS_PUSH_SECRET_MAX  255        /* bytes of user, and of password       */

typedef struct iys_s        iys_t;
typedef struct iys_call_s   iys_call_t;
typedef struct iys_query_s  iys_query_t;
typedef struct iys_ask_s    iys_ask_t;
typedef struct iys_job_s    iys_job_t;
typedef struct iys_arrival_s  iys_arrival_t;

typedef enum {
    IYS_METRIC_REQUEST,                 /* requests sent, tokens included       */
    IYS_METRIC_CLIENT_ERROR,            /* 400 401 403 404 422: quality gate    */
    IYS_METRIC_FAILURE,                 /* no answer, 5xx, unreadable           */
    IYS_METRIC_THROTTLED,               /* 429                                  */
    IYS_METRIC_TOKEN,                   /* token requests                       */
    IYS_METRIC_SINGLE,                  /* single status queries                */
    IYS_METRIC_NUMBER,                  /* numbers asked for                    */
    IYS_METRIC_GRANTED,                 /* numbers listed                       */
    IYS_METRIC_ALARM,                   /* needs a person: account, credentials */
    IYS_METRIC_DECLARED,                /* declared consents that have ended    */
    IYS_METRIC_FEED,                    /* rows of the feed                     */
    IYS_METRIC_READ,                    /* rows of whatever else is read        */
    IYS_METRIC_PUSH,                    /* movements that a push told first     */
    IYS_METRIC_PUSH_DENIED,             /* pushes without the password, unreadable */
    IYS_METRIC_PUSH_RETURNED,           /* pushes not stored in time            */
    IYS_METRIC_REFUSAL,                 /* refusals put into the mirror         */
    IYS_METRIC_GAP,                     /* feeds with a gap                     */
    IYS_METRIC_DRIFT,                   /* differences of days                  */
    IYS_METRIC_LAG,                     /* gauge: the feed furthest behind, s   */
    IYS_METRICS
} iys_metric_t;

typedef struct {
    uint32_t  iys_code, brand_code;
    uint32_t  recipient_type;           /* sms_recipient_t                      */
} iys_group_t;

/* A number of a call that waits for an answer. */
typedef struct {
    iys_call_t  *call;
    uint32_t     item;                  /* in the call's batch                  */
    uint32_t     number;                /* in the query's numbers               */
} iys_waiter_t;

/* What one item of a batch is told.  "code" is a literal. */
typedef struct {
    sms_rc_t             status;
    sms_consent_state_t  state;
    int64_t              as_of_us;
    const char          *proof;         /* copied into the call; NULL: none     */
    const char          *code;
} iys_outcome_t;

typedef enum {
    IYS_HALT_TOKEN = 't',               /* id: user                             */
    IYS_HALT_PAUSE = 'p',               /* id: far end                          */
    IYS_HALT_SINGLE = 's',              /* id: far end                          */
    IYS_HALT_HISTORY = 'h',             /* id: far end                          */
    IYS_HALT_ACCOUNT = 'a',             /* id: iys_code                         */
    IYS_HALT_BRAND = 'b'                /* id: iys_code << 32 | brand_code      */
} iys_halt_kind_t;

typedef struct {
    uint32_t     kind;
    uint64_t     id;
    int64_t      until_us;
    const char  *code;
} iys_halt_t;

typedef struct {
    int64_t       issued_us;            /* 0: none; also the token's identity   */
    int64_t       access_until_us, refresh_until_us;
    char          access[IYS_TOKEN_MAX + 1];
    char          refresh[IYS_TOKEN_MAX + 1];
    sms_handle_t  request;
    char         *body;                 /* of the request in flight             */
    size_t        body_len;
    char          url[IYS_URL_MAX];
    uint32_t      by_refresh;           /* what the request in flight tries     */
    uint32_t      failures;             /* in a row, for the back-off           */
    char          packed[2 * IYS_TOKEN_MAX + 128];
} iys_token_t;

typedef struct {                        /* iys_errand.c                           */
    sms_str_t     push_url, push_username, push_password;
    char         *conf;                 /* JSON for sms.iys_take; NULL: no db  */
    char          push_secret[(2 * IYS_PUSH_SECRET_MAX + 1 + 2) / 3 * 4 + 1];
    uint32_t      stmt_take, stmt_done, stmt_state, stmt_push;
    uint32_t      held, draining, taking, ticks;
    uint32_t      jobs;                 /* errands under way                    */
    iys_job_t    *stored;               /* of them, those at the database       */
    sms_handle_t  timer;
    int64_t       lag_s;                /* this worker's share of the gauge     */
} iys_errand_t;

struct iys_s {
    sms_host_t   *host;

    sms_str_t     base_url;             /* without a slash at the end           */
    sms_str_t     username, password;
    uint32_t      rate, batch, timeout_ms;
    uint32_t      tacir_not_refused;
    sms_tls_t     tls;
    const sms_tls_t *tls_used;          /* NULL: the system's authorities       */

    uint64_t      far_id;               /* of base_url                          */
    uint64_t      user_id;              /* of base_url and username             */
    uint32_t      metric[IYS_METRICS];

    iys_token_t   token;
    iys_halt_t    halts[IYS_HALTS_MAX]; /* what the dictionary had no room for  */
    uint32_t      nhalts;
    int64_t       slot_us;              /* pace without the dictionary          */

    iys_query_t  *waiting, *waiting_last;
    iys_query_t  *sent;
    iys_ask_t    *asks, *asks_last;     /* have not left                        */
    iys_ask_t    *asked;                /* in flight                            */
    uint32_t      nsent;                /* of both                              */

    sms_handle_t  pump_timer;
    uint32_t      pump_slot;            /* the armed timer owns a slot          */
    uint32_t      pumping;

    iys_call_t   *calls;
    iys_call_t   *finished;             /* answered, complete() not yet called  */
    iys_arrival_t  *arrivals;           /* pushes that are being stored         */
    iys_errand_t    errand;
};


/* iys.c */
void iys_log(iys_t *iys, sms_level_t level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void iys_count(iys_t *iys, iys_metric_t metric, int64_t value);
/* https, or plain http to this machine: a password crosses it. */
int iys_url_permitted(sms_str_t url);

/* iys_call.c */
sms_rc_t iys_call_lookup(void *inst, sms_call_t token, const sms_batch_t *batch);
void iys_call_cancel(void *inst, sms_call_t token);
void iys_call_free_all(iys_t *iys);
/* Result of one item.  The call completes at the next iys_call_flush(). */
void iys_call_answer(iys_call_t *call, uint32_t item, const iys_outcome_t *o);
/* Completes what is answered.  complete() may call back into the plugin, so
 * the caller holds no pointer to a call or a query over it.                   */
void iys_call_flush(iys_t *iys);

/* iys_query.c */
/* Puts a number into an open query of its group, or into a new one. */
sms_rc_t iys_query_add(iys_t *iys, const iys_group_t *group, uint64_t number,
    iys_call_t *call, uint32_t item);
void iys_query_forget(iys_t *iys, iys_call_t *call);  /* unanswered items stay */
/* Says UNKNOWN to everybody who waits for it, and frees it. */
void iys_query_fail(iys_query_t *q, sms_rc_t status, const char *code);
void iys_query_free_all(iys_t *iys);
/* The first waiting query that may leave at "now"; *next_us: else when. */
iys_query_t *iys_query_due(iys_t *iys, int64_t now, int64_t *next_us);
/* True when the query left; false: it was answered without a request. */
int iys_query_send(iys_query_t *q, int64_t now);

/* iys_pump.c */
void iys_pump(iys_t *iys);

/* iys_token.c */
typedef enum {
    IYS_TOKEN_READY = 1,
    IYS_TOKEN_NEEDED,                   /* iys_token_fetch() may be called      */
    IYS_TOKEN_FETCHING,                 /* by this worker: iys_pump() follows   */
    IYS_TOKEN_WAITING,                  /* another worker fetches it: look again */
    IYS_TOKEN_REFUSED                   /* do not ask now; see *code            */
} iys_token_state_t;

iys_token_state_t iys_token_state(iys_t *iys, int64_t now, const char **code);
void iys_token_fetch(iys_t *iys, int64_t now);
/* İYS answered 401 to the token issued then.  Others may have replaced it. */
void iys_token_reject(iys_t *iys, int64_t issued_us);
void iys_token_free(iys_t *iys);
/* Pure parts.  Times in seconds are İYS's own, from "now" on. */
sms_rc_t iys_token_read(sms_str_t body, int64_t now, iys_token_t *t);
sms_rc_t iys_token_pack(const iys_token_t *t, char *buf, size_t cap, size_t *len);
sms_rc_t iys_token_unpack(sms_str_t packed, iys_token_t *t);

/* iys_budget.c */
/* When the next request may leave, at "from" or later; reserves that moment. */
int64_t iys_budget_slot(iys_t *iys, int64_t from);
int iys_budget_single(iys_t *iys, int64_t now);     /* 0: none left this hour  */
int iys_budget_history(iys_t *iys, int64_t now);    /* 0: none left this hour  */
int iys_budget_token(iys_t *iys, int64_t now);      /* 0: none left this hour  */
void iys_budget_token_return(iys_t *iys, int64_t now);  /* it did not leave   */
int iys_budget_token_lock(iys_t *iys, int64_t now); /* 1: this worker fetches  */
int iys_budget_token_locked(iys_t *iys, int64_t now);
void iys_budget_token_unlock(iys_t *iys);

/* iys_halt.c */
void iys_halt_set(iys_t *iys, iys_halt_kind_t kind, uint64_t id,
    int64_t now, int64_t until_us, const char *code);
/* True while halted.  "until_us" and "code" may be NULL. */
int iys_halt_get(iys_t *iys, iys_halt_kind_t kind, uint64_t id, int64_t now,
    int64_t *until_us, const char **code);

/* iys_push.c */
extern const char  iys_push_sql[];

#endif /* IYS_H */
