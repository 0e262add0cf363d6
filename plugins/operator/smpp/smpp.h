/*
 * smpp - operator plugin for SMPP 3.4: the instance and its sessions.
 *
 * One instance is one link in one worker.  It wants "binds" leases, named "1",
 * "2" ...; for each that it holds it keeps one session (smpp_bind_t) with the
 * SMSC, or a pair of them: a transmitter, which is what the rest sees, and a
 * receiver beside it.  What belongs where:
 *
 *   smpp_session  connect, bind, unbind, reconnect
 *   smpp_frame    octets to PDUs, and each PDU to whom it concerns
 *   smpp_told     what a bind is at, told to the host; failures, logged once
 *   smpp_probe    enquire_link
 *   smpp_submit   parts of operator_submit calls: queue and window
 *   smpp_result   what became of them
 *   smpp_ask      query_sm and cancel_sm, which go the same way
 *   smpp_deliver  deliver_sm and data_sm upwards, answered when committed
 *
 * The rest is pure: smpp_data, smpp_pdu, smpp_window, smpp_rate, smpp_text, smpp_split,
 * smpp_part, smpp_receipt, smpp_id, smpp_status, smpp_vendor, smpp_conf.
 *
 * What was written to a stream and not answered ends as SMS_SUBMIT_UNKNOWN;
 * what was not written, as SMS_SUBMIT_RETRY.  Nothing is ever written twice
 * here: the host decides.
 */
#ifndef SMPP_H
#define SMPP_H

#include "smpp_conf.h"
#include "smpp_pdu.h"
#include "smpp_rate.h"
#include "smpp_window.h"

typedef struct smpp_s          smpp_t;
typedef struct smpp_bind_s     smpp_bind_t;
typedef struct smpp_job_s      smpp_job_t;      /* an operator_submit call     */
typedef struct smpp_unit_s     smpp_unit_t;     /* one part of it              */
typedef struct smpp_arrival_s  smpp_arrival_t;  /* inbound events on their way */

typedef enum {
    SMPP_IDLE,                          /* no lease, or the worker leaves      */
    SMPP_WAIT,                          /* until the next try to connect       */
    SMPP_CONNECT,
    SMPP_BIND_SENT,
    SMPP_BOUND,
    SMPP_UNBIND_SENT,
    SMPP_UNBIND_GOT                     /* answered when nothing is in flight  */
} smpp_state_t;

#define SMPP_DELIVER_MAX  64            /* events in one call of deliver()     */

typedef struct { const char *ptr; size_t len; } smpp_frame_t;

struct smpp_bind_s {
    smpp_t         *smpp;
    smpp_bind_t    *pair;               /* the other one of a pair             */
    uint32_t        second;             /* the receiver of it                  */
    smpp_mode_t     mode;               /* never PAIRED                        */
    smpp_state_t    state;
    int64_t         since_us;           /* of the state, wall time             */
    char            name[12];           /* of the lease, "1" ...               */
    uint64_t        epoch;
    uint32_t        generation;         /* of the connection                   */
    uint32_t        failures;           /* since a session that lasted         */
    uint32_t        behind;             /* waits for whoever tries first       */
    uint32_t        unbind;             /* sequence number of theirs           */
    uint32_t        wanted;             /* the lease is competed for           */
    uint32_t        held;               /* ... and won, as lease() told        */
    uint32_t        blocked;            /* stream said busy                    */
    uint32_t        suspect;            /* an answer did not come in time      */
    uint32_t        arrivals;           /* inbound events not yet answered     */
    uint32_t        bound_metric;
    uint32_t        error_code;         /* of the last failure                 */
    char            error[96];
    char            logged[96];         /* what the log has been told of it    */
    int64_t         logged_us;
    uint32_t        again;              /* times it came again since           */
    int64_t         told_us;            /* of what the host was told           */
    uint32_t        told_used, told_rate, told_throttled, told_rest;
    uint32_t        nframes;
    uint32_t        probe;              /* our enquire_link; 0: not yet written */
    uint32_t        timer_keeps;        /* the worker waits for it             */
    sms_handle_t    stream, timer;
    int64_t         timer_us;           /* when the timer fires; 0: none       */
    int64_t         state_due_us;       /* end of patience or of waiting       */
    int64_t         enquire_us;         /* next enquire_link                   */
    int64_t         probe_due_us;       /* answer to ours; 0: none is out      */
    int64_t         bound_us;
    int64_t         active_us;          /* the last that was no probe          */
    smpp_window_t   window;
    smpp_rate_t     rate;
    smpp_frame_t    frames[SMPP_DELIVER_MAX];
};

enum {
    SMPP_METRIC_SUBMITS, SMPP_METRIC_SENT, SMPP_METRIC_REJECTED,
    SMPP_METRIC_RETRY, SMPP_METRIC_THROTTLED, SMPP_METRIC_UNKNOWN,
    SMPP_METRIC_LATE, SMPP_METRIC_RECEIPTS, SMPP_METRIC_MESSAGES,
    SMPP_METRIC_REFUSED, SMPP_METRIC_MALFORMED, SMPP_METRIC_CONNECTS,
    SMPP_METRIC_BIND_FAILED, SMPP_METRIC_FAILOVER, SMPP_METRIC_STOP,
    SMPP_METRIC_BOUND, SMPP_METRIC_ANSWER_US, SMPP_METRICS
};

struct smpp_s {
    sms_host_t      *host;
    smpp_conf_t      conf;
    smpp_bind_t     *binds;             /* conf.binds that submit, then receivers */
    uint32_t         nbinds;            /* all of them                         */
    uint32_t         proved;            /* the SMSC has let us in              */
    uint32_t         refusals;          /* of our credentials, in a row        */
    int64_t          refused_us;        /* no bind before                      */
    int64_t          rest_us;           /* no submit before: it refuses all    */
    smpp_id_book_t  *book;
    smpp_job_t      *jobs;
    smpp_unit_t     *queue, **queue_end;    /* parts not yet written           */
    uint32_t         nqueue;
    uint32_t         told;              /* window that the host knows of       */
    uint32_t         draining;
    sms_handle_t     timer;             /* queue: rate and deadlines           */
    int64_t          timer_us;
    uint64_t         random;
    smpp_arrival_t  *arrivals;
    uint32_t         id_width;          /* of ids padded with zeros; 0: none   */
    uint32_t         id_upper;          /* 1: hexadecimal digits A to F        */
    uint32_t         metric[SMPP_METRICS];
};

void smpp_log(smpp_t *smpp, sms_level_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void smpp_count(smpp_t *smpp, uint32_t metric, int64_t value);
int64_t smpp_now(smpp_t *smpp);         /* monotonic */
/* Asks the other workers how receipts write their ids. */
void smpp_learn(smpp_t *smpp);

/* ---- smpp_session ------------------------------------------------------- */

/* Competes for the bind's lease. */
sms_rc_t smpp_session_want(smpp_bind_t *b);
void smpp_session_lease(smpp_bind_t *b, int held, uint64_t epoch);
void smpp_session_drain(smpp_bind_t *b);
void smpp_session_free(smpp_bind_t *b);

/* 1: submits may be written now or soon (bound, lease valid, no doubt). */
int smpp_session_ready(smpp_bind_t *b);
/* Encodes and writes; SMS_E_INVAL when the PDU cannot be encoded. */
sms_rc_t smpp_session_send(smpp_bind_t *b, const smpp_pdu_t *pdu);
/* Ends the connection now; it is tried again after "wait_ms" (0: backoff). */
void smpp_session_close(smpp_bind_t *b, uint32_t wait_ms);
/* A new state, told to the host. */
void smpp_session_enter(smpp_bind_t *b, smpp_state_t state);
/* The answer to our bind. */
void smpp_session_bound(smpp_bind_t *b, const smpp_pdu_t *pdu);
/* Their unbind: answered when what is in flight has its answers. */
void smpp_session_unbinds(smpp_bind_t *b, uint32_t sequence);
/* 1: the bind is ours by this moment (D20) */
int smpp_session_leased(smpp_bind_t *b);
/* A PDU of a header alone. */
sms_rc_t smpp_session_simple(smpp_bind_t *b, uint32_t command, uint32_t status,
    uint32_t sequence);
/* Draining and nothing left: unbind. */
void smpp_session_settle(smpp_bind_t *b);
void smpp_session_arm(smpp_bind_t *b);

/* ---- smpp_frame --------------------------------------------------------- */

/* data() of a stream */
size_t smpp_frame_data(void *data, sms_handle_t s, const char *p, size_t n);

/* ---- smpp_told ---------------------------------------------------------- */

/* What the bind of this session is at. */
void smpp_told(smpp_bind_t *b);
/* When it should be told again although its state is the same; INT64_MAX: never */
int64_t smpp_told_due(const smpp_bind_t *b);
/* A failure: told, and logged as "bind 1: ..." unless it is the one that was
 * logged last, within the hour and without a session in between.            */
void smpp_told_failure(smpp_bind_t *b, sms_level_t level, uint32_t code,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The failure is every bind's, not that of this one alone. */
void smpp_told_link(const smpp_bind_t *b);
/* Why a stream closed, in words. */
const char *smpp_told_why(const smpp_bind_t *b, sms_rc_t why);
/* Bound: what fails next is news. */
void smpp_told_success(smpp_bind_t *b);

/* ---- smpp_probe --------------------------------------------------------- */

/* Asks whether the far end is there, if nobody is asking yet. */
void smpp_probe(smpp_bind_t *b, int64_t now_us);
/* Writes what was asked for and could not be written. */
void smpp_probe_send(smpp_bind_t *b);
/* An answer is overdue: probe the far end, submit nothing until it answers. */
void smpp_probe_suspect(smpp_bind_t *b);

/* ---- smpp_submit -------------------------------------------------------- */

sms_rc_t smpp_submit_run(void *inst, sms_call_t call,
    const sms_batch_t *batch);
void smpp_submit_cancel(void *inst, sms_call_t call);
uint32_t smpp_submit_window(void *inst);

void smpp_submit_pump(smpp_t *smpp);    /* write what can be written           */
void smpp_submit_free(smpp_t *smpp);

/* ---- smpp_result -------------------------------------------------------- */

/* An answer to what is in flight; one of another sort is an answer, too. */
void smpp_result_answer(smpp_bind_t *b, const smpp_pdu_t *pdu);
void smpp_result_expire(smpp_bind_t *b, int64_t now_us);
void smpp_result_lost(smpp_bind_t *b);  /* the connection is gone              */

/* ---- smpp_deliver ------------------------------------------------------- */

/* "p" is a deliver_sm or data_sm of "n" octets and stays until flush(). */
void smpp_deliver_add(smpp_bind_t *b, const char *p, size_t n);
void smpp_deliver_flush(smpp_bind_t *b);
void smpp_deliver_free(smpp_t *smpp);

#endif /* SMPP_H */
