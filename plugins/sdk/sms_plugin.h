/*
 * sms_plugin.h - the whole contract between ngx_sms and a plugin.
 *
 * Include nothing else.  C11 or C++; no nginx, libpq or OpenSSL type appears.
 *
 * THREADS   Every function here, host or plugin, runs on the worker's event
 *           loop thread.  The one exception is sms_core_api_t.post().
 * TIME      A callback must return within SMS_CALLBACK_BUDGET_US.  It must not
 *           block: no connect(), no getaddrinfo(), no sleep, no file wait.
 * UNITS     *_us microseconds (since the Unix epoch if a point in time),
 *           *_ms milliseconds, *_micro millionths of the account's unit,
 *           sizes and lengths in bytes.
 * STRINGS   sms_str_t: pointer and length, UTF-8, never NUL-terminated.
 * MEMORY    Who allocates, frees.  A plugin never frees what the host gave it.
 *           Host memory is valid until the callback that received it returns,
 *           unless its comment says "until the call ends".  Strings that a
 *           plugin puts into results must live until the call ends: constants,
 *           or core->alloc().
 * GROWTH    Structs grow at the end only, within one ABI major.  Each table
 *           starts with its size; arrays carry a stride.  Use SMS_HAS() and
 *           SMS_AT(), never sizeof-based indexing of host arrays.
 *
 * HISTORY   0.1  first form.  While major is 0 a plugin loads only into a host
 *                of the same minor; from 1.0 on, into the same or a newer one.
 */
#ifndef SMS_PLUGIN_H
#define SMS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SMS_ABI_MAJOR           0
#define SMS_ABI_MINOR           1
#define SMS_CALLBACK_BUDGET_US  2000    /* for a call of at most 32 items       */
#define SMS_BATCH_MAX           1024

/* true when table "p" of type "T" was built with member "m" and m is set */
#define SMS_HAS(T, p, m)                                                       \
    ((p) && (p)->size >= offsetof(T, m) + sizeof((p)->m) && (p)->m)
/* element "i" of an array whose element size is only known at run time */
#define SMS_AT(T, base, stride, i)  ((T *) ((char *) (base) + (size_t) (stride) * (i)))
#define SMS_STR(literal)            { (literal), sizeof(literal) - 1 }

/* limits that both sides keep */
#define SMS_FINDINGS_MAX        256     /* of one text                          */
#define SMS_OPERATOR_ID_MAX     64      /* bytes                                */
#define SMS_READINGS            3       /* of one receipt's id                  */
#define SMS_LEASES_MAX          64      /* names of one instance                */
#define SMS_LEASE_NAME_MAX      32      /* bytes                                */
#define SMS_ATTRS_MAX           32      /* of one message                       */
#define SMS_DICT_KEY_MAX        255
#define SMS_DICT_VALUE_MAX      8192
#define SMS_AMOUNT_MAX          INT64_C(1000000000000000)   /* micro, of a message */
#define SMS_DEFER_MAX_US        (INT64_C(366) * 86400 * 1000000)

/* These two may never grow: their arrays have no stride. */
typedef struct { const char *ptr; size_t len; } sms_str_t;
typedef struct { sms_str_t name, value; } sms_kv_t;

/* One suspended plugin call.  Not a pointer: slot and generation, so a stale
 * or repeated use is refused with SMS_E_STALE instead of touching freed memory. */
typedef uint64_t sms_call_t;
typedef uint64_t sms_handle_t;          /* timer, watch, stream, request; 0 = none */

typedef enum sms_rc_e {
    SMS_OK        = 0,      /* finished; results are filled                       */
    SMS_PENDING   = 1,      /* the plugin will call complete() exactly once       */
    SMS_E_INVAL   = -1,     /* caller's mistake; a retry cannot help              */
    SMS_E_NOMEM   = -2,     SMS_E_BUSY   = -3,  /* back-pressure; retry later     */
    SMS_E_TIMEOUT = -4,     SMS_E_DENIED = -5,  /* capability not granted         */
    SMS_E_DOWN    = -6,     /* the far end is unreachable; retry later            */
    SMS_E_STALE   = -7,     /* token already completed or cancelled               */
    SMS_E_CONFIG  = -8,     SMS_E_INTERNAL = -9
} sms_rc_t;

typedef enum sms_kind_e {   /* bit numbers of sms_manifest_t.kinds; append only   */
    SMS_KIND_RULE, SMS_KIND_CONSENT, SMS_KIND_BILLING, SMS_KIND_ROUTER,
    SMS_KIND_OPERATOR, SMS_KIND_AUTH, SMS_KIND_NOTIFIER, SMS_KIND_PAYMENT,
    SMS_KIND_SIGNATURE, SMS_KIND_LOOKUP
} sms_kind_t;

/* ---- data that crosses the boundary: values are stored, never renumber -- */

typedef enum { SMS_CLASS_OTP = 1, SMS_CLASS_INFORMATIONAL, SMS_CLASS_COMMERCIAL,
               SMS_CLASS_EXEMPT } sms_class_t;
typedef enum { SMS_RECIPIENT_NONE, SMS_RECIPIENT_BIREYSEL, SMS_RECIPIENT_TACIR } sms_recipient_t;
typedef enum { SMS_BASIS_NONE, SMS_BASIS_SERVICE_USE, SMS_BASIS_MEMBERSHIP,
               SMS_BASIS_COLLECTION, SMS_BASIS_DATA_UPDATE, SMS_BASIS_ORDER_DELIVERY,
               SMS_BASIS_LEGAL_DUTY, SMS_BASIS_CAPITAL_MARKET, SMS_BASIS_OTHER } sms_basis_t;
typedef enum { SMS_EXEMPTION_NONE, SMS_EXEMPTION_OPERATOR, SMS_EXEMPTION_SCHOOL,
               SMS_EXEMPTION_ASSOCIATION, SMS_EXEMPTION_BROADCASTER,
               SMS_EXEMPTION_PUBLIC_BODY } sms_exemption_t;
typedef enum { SMS_ENC_GSM7 = 1, SMS_ENC_GSM7_TR_SINGLE, SMS_ENC_GSM7_TR_LOCKING,
               SMS_ENC_UCS2, SMS_ENC_BINARY } sms_encoding_t;
typedef enum { SMS_OWNER_UNKNOWN, SMS_OWNER_TACIR, SMS_OWNER_ESNAF, SMS_OWNER_PROFESSION,
               SMS_OWNER_ASSOCIATION, SMS_OWNER_PUBLIC, SMS_OWNER_FOREIGN,
               SMS_OWNER_PERSON } sms_owner_kind_t;

/* The brand on whose behalf a message is sent, and the legal person behind it
 * (Law 6563 m.8: who must be named in the text).  Until the call ends.         */
typedef struct sms_brand_s {
    uint32_t  size;
    uint32_t  owner_kind;               /* sms_owner_kind_t                       */
    uint64_t  id;                       /* of the brand; 0: the account has none  */
    uint64_t  owner_account;            /* consent and opt-outs belong to it      */
    uint32_t  iys_code, brand_code, retailer_code;   /* 0 = not registered        */
    uint32_t  reject_free;              /* 1: replies to reject_number are free   */
    sms_str_t name, title;              /* brand; trade title or full name        */
    sms_str_t mersis, vkn, tckn;        /* digits, or empty                       */
    sms_str_t registry_no;              /* professions, associations, foreign     */
    sms_str_t reject_keyword;           /* "ORNEK": the text says "ORNEK RET"     */
    sms_str_t reject_number;            /* "4605"                                 */
    sms_str_t contact;                  /* phone, fax or e-mail as texts show it  */
} sms_brand_t;

typedef struct sms_msg_s {              /* read-only for the plugin               */
    uint8_t   id[16];                   /* UUIDv7; the idempotency key downstream */
    uint64_t  account;
    sms_str_t to;                       /* E.164 digits, no '+'                   */
    sms_str_t from;                     /* sender (header) as it will be shown    */
    sms_str_t text;                     /* NFC                                    */
    int64_t   accepted_us, expires_us;
    uint8_t   klass;                    /* sms_class_t ("class" is a C++ keyword) */
    uint8_t   recipient_type;           /* sms_recipient_t                        */
    uint8_t   basis, exemption;         /* sms_basis_t, sms_exemption_t           */
    uint8_t   encoding;                 /* sms_encoding_t the customer pays for   */
    uint8_t   test;                     /* 1: sandbox key; no operator, no money  */
    uint16_t  parts;
    uint16_t  attempt;                  /* 1 on the first submit                  */
    uint16_t  mcc, mnc;                 /* 0 = unknown                            */
    char      country[2];               /* ISO 3166-1 alpha-2, zeros = unknown    */
    uint32_t  tariff;                   /* of the account                         */
    uint32_t  link;                     /* chosen link; 0 before routing          */
    const sms_brand_t *brand;           /* never NULL                             */
    sms_str_t audience;                 /* exempt sends: name of the declared group */
    int64_t   sim_trusted_since_us;     /* otp: 0 = do not check                  */
    const sms_kv_t *attrs;  uint32_t nattrs;  uint32_t reserved;  /* set by the host's
                                           administrator: of the account          */
    /* routers: the links that may carry it (sender approved, class, encoding,
     * address in the text), in the order of host->links; NULL: not asked       */
    const uint32_t *eligible;  uint32_t neligible;  uint32_t reserved2;
} sms_msg_t;

/* Results.  Every one of a batch starts with "status": SMS_OK or the item's own
 * error.                                                                       */

/* rule.  A rule reports findings; the host applies the account's severities,
 * never below the finding's "floor".  Repairs are made from the last place to the
 * first; those of one place keep their order.  An empty repair: there is none.  */
typedef enum { SMS_SEVERITY_OFF, SMS_SEVERITY_WARN, SMS_SEVERITY_CONFIRM,
               SMS_SEVERITY_BLOCK } sms_severity_t;
typedef struct sms_finding_s {
    sms_str_t code;                     /* stable slug: "missing-identity"        */
    uint32_t  severity, floor;          /* proposed; nobody may lower under floor */
    uint32_t  begin, len;               /* place in msg->text, bytes; len 0: none */
    sms_str_t detail_tr, detail_en;     /* one sentence each, for people          */
    sms_str_t repair;                   /* instead of begin .. begin + len        */
    sms_str_t source;                   /* "R-31 Yon. m.8": law or convention     */
} sms_finding_t;
typedef enum { SMS_PASS = 1, SMS_DEFER } sms_action_t;
typedef struct { int32_t status; uint32_t action;                    /* sms_action_t */
                 int64_t defer_until_us; const sms_finding_t *findings;
                 uint32_t nfindings, stride; sms_str_t version; } sms_verdict_t;

/* consent.  GRANTED only from İYS's own answer about this number; as_of_us is
 * when İYS made that statement, never when a feed was polled.                  */
typedef enum { SMS_CONSENT_GRANTED = 1, SMS_CONSENT_REFUSED,
               SMS_CONSENT_NOT_GRANTED,  /* no approval: refusal or no record     */
               SMS_CONSENT_UNKNOWN } sms_consent_state_t;
typedef struct { int32_t status; uint32_t state; int64_t as_of_us;
                 sms_str_t proof, code; } sms_consent_t;

/* billing.  quote must finish in the call.  Without hold the host's own ledger
 * keeps the funds, in the commit that accepts the message.                     */
typedef struct { int32_t status; char unit[4];  int64_t amount_micro;  /* whole message */
                 sms_str_t tariff, policy; } sms_quote_t;
typedef struct { uint8_t msg_id[16]; uint64_t account; int64_t amount_micro;
                 uint32_t outcome, reserved; } sms_hold_t;      /* outcome: 1 keep 2 refund */
typedef struct { int32_t status; uint32_t retry_after_ms; } sms_ack_t;

/* router.  Links in order of preference, out of msg->eligible: shares are to be
 * right among those.  None: "reason" says why, "not-eligible" where a way is known
 * and none of its links is eligible.                                           */
typedef struct { int32_t status; uint32_t nlinks; uint32_t link[8];
                 sms_str_t reason; } sms_route_t;

/* operator.  The host splits and encodes; one item is one part.                */
typedef struct sms_part_s {
    const sms_msg_t *msg;
    uint16_t  number, total;            /* part n of m, from 1                    */
    uint8_t   data_coding;              /* SMPP 3.4 5.2.19: 0x00, 0x08, 0x04 ...  */
    uint8_t   encoding;                 /* sms_encoding_t of payload              */
    uint8_t   reserved[2];
    sms_str_t udh;                      /* with its length octet; empty: none     */
    sms_str_t payload;                  /* one septet an octet, or UCS-2 BE       */
} sms_part_t;
typedef enum { SMS_SUBMIT_SENT = 1, SMS_SUBMIT_REJECTED, SMS_SUBMIT_RETRY,
               SMS_SUBMIT_THROTTLED,
               SMS_SUBMIT_UNKNOWN,      /* written, no answer: the host decides   */
               SMS_SUBMIT_FAILOVER,     /* not over this link; over another, at once */
               SMS_SUBMIT_STOP          /* as RETRY, and the link rests: it refuses
                                           whatever comes, until retry_after_ms   */
} sms_outcome_t;
typedef enum { SMS_REASON_NONE, SMS_REASON_INVALID_NUMBER, SMS_REASON_SENDER,
               SMS_REASON_CONTENT, SMS_REASON_CONSENT, SMS_REASON_BLACKLIST,
               SMS_REASON_SIM_CHANGED, SMS_REASON_EXPIRED, SMS_REASON_OTHER,
               SMS_REASON_PORTED        /* the number is another operator's now   */
} sms_reason_t;
typedef struct { int32_t status; uint32_t outcome, reason, retry_after_ms;
                 uint32_t operator_code, reserved; sms_str_t operator_id; } sms_submit_t;

/* A part that was submitted before: asked about, or to be taken back.          */
typedef struct sms_sent_s {
    const sms_msg_t *msg;
    uint16_t  number, total;
    uint32_t  reserved;
    sms_str_t operator_id;              /* as operator_submit gave it; empty: no
                                           answer came                            */
    int64_t   submitted_us;
} sms_sent_t;
/* SMS_OK and state 0: the operator does not know it.  E_INVAL: it cannot be asked
 * (no id, or the operator has no such question).                               */
typedef struct { int32_t status; uint32_t state;                /* sms_receipt_state_t */
                 uint32_t operator_code, reason; int64_t at_us; } sms_asked_t;

/* What one bind of a link is at; told to whoever runs the installation.        */
typedef enum { SMS_BIND_DOWN, SMS_BIND_CONNECTING, SMS_BIND_BINDING, SMS_BIND_BOUND,
               SMS_BIND_WAITING,        /* back-off after a failure, until retry_us */
               SMS_BIND_RESTING         /* the operator refuses whatever comes    */
} sms_bind_state_t;
typedef struct sms_bind_s {
    uint32_t  size, state;              /* sms_bind_state_t                       */
    uint32_t  window, inflight;         /* parts                                  */
    uint32_t  rate, throttled;          /* parts a second now, 0: unbounded; times
                                           the operator asked for less, so far    */
    int64_t   since_us, retry_us;
    uint32_t  error_code, reserved;     /* the last failure: the operator's code  */
    sms_str_t error;                    /* and a sentence without personal data   */
} sms_bind_t;

typedef struct { sms_str_t scheme, secret, client_ip; } sms_credential_t;
typedef struct { int32_t status; uint32_t scopes; uint64_t account;
                 int64_t ttl_ms; } sms_principal_t;
typedef struct { uint8_t msg_id[16]; uint64_t account; int64_t at_us; uint32_t state;
                 uint32_t operator_code; sms_str_t url, body; } sms_event_t;
/* lookup.  Where the number is served now: MCC and MNC (ITU-T E.212); 0 and 0: not
 * known, and the message is routed by the prefix of its number.                */
typedef struct { int32_t status; uint16_t mcc, mnc; uint32_t flags, reserved;
                 sms_str_t network; } sms_network_t;

/* A batch: n items in, n results out, same order.  Valid until the call ends. */
typedef struct sms_batch_s {
    uint32_t    size;                   /* of this struct in the host             */
    uint32_t    n;                      /* 1 .. SMS_BATCH_MAX                     */
    const void *items;    uint32_t item_stride;   uint32_t result_stride;
    void       *results;                /* zeroed by the host                     */
    int64_t     deadline_us;            /* the host cancels after this            */
} sms_batch_t;

typedef sms_rc_t (*sms_run_pt)(void *inst, sms_call_t call, const sms_batch_t *batch);

/* ---- configuration ------------------------------------------------------ */

typedef enum { SMS_CONF_STR = 1, SMS_CONF_INT, SMS_CONF_MSEC, SMS_CONF_SIZE,
               SMS_CONF_BOOL, SMS_CONF_ENUM, SMS_CONF_SECRET,
               SMS_CONF_PATH,           /* relative to nginx's prefix; made absolute */
               SMS_CONF_LIST            /* may be given several times             */
} sms_conf_type_t;
typedef struct sms_conf_key_s {         /* the host parses, checks, documents,    */
    const char *name;                   /* redacts secrets and draws the panel    */
    uint32_t    type, required;         /* form from this table; ends at name 0   */
    const char *def, *choices, *doc;    /* choices: "a|b|c"                       */
    int64_t     min, max;               /* numbers; 0,0 = no bound                */
} sms_conf_key_t;
typedef struct sms_link_s { uint32_t id, flags;
                 sms_str_t name, operator_name; } sms_link_t;

typedef struct sms_conf_s {             /* valid until exit()                     */
    size_t    size;
    sms_str_t (*str)(const struct sms_conf_s *c, const char *name);
    /* ENUM: index in choices; BOOL: 0 or 1; MSEC, SIZE: ms, bytes */
    int64_t   (*num)(const struct sms_conf_s *c, const char *name);
    uint32_t  (*count)(const struct sms_conf_s *c, const char *name);
    sms_str_t (*item)(const struct sms_conf_s *c, const char *name, uint32_t i);
    const sms_link_t *links;            /* every link that is configured          */
    uint32_t  nlinks, link_stride;
} sms_conf_t;

/* ---- what the host offers -----------------------------------------------
 *
 * No callback (opened, data, closed, done, lease ...) runs from inside the
 * function that asks for it, but complete() may call straight back into the
 * plugin's operations.  Arguments of deliver(), put(), query() and request()
 * are copied before they return.  stop(), close() and abort() are legal from
 * any callback; stop() ends a handle of any sort, without its callback.
 * Nothing may be called after exit() has returned.
 */

typedef enum { SMS_LOG_ERROR = 1, SMS_LOG_WARN, SMS_LOG_NOTICE, SMS_LOG_INFO,
               SMS_LOG_DEBUG } sms_level_t;
struct sms_host_s;
typedef const struct sms_host_s sms_host_t;
typedef void (*sms_fn)(void *data);

typedef struct {                                            /* always granted     */
    size_t   size;
    void     (*log)(sms_host_t *h, sms_level_t level, const char *msg, size_t len);
    int64_t  (*now_us)(sms_host_t *h);
    int64_t  (*mono_us)(sms_host_t *h);                     /* monotonic          */
    /* until the call ends, aligned to 8; NULL on failure or above 1 MiB a call */
    void    *(*alloc)(sms_host_t *h, sms_call_t call, size_t n);
    sms_rc_t (*complete)(sms_host_t *h, sms_call_t call, sms_rc_t rc); /* OK or E_*  */
    sms_rc_t (*post)(sms_host_t *h, sms_fn fn, void *data); /* ANY THREAD: run fn on the loop */
    /* Compete for a lease of this plugin over all workers and nodes; ops->lease()
     * tells when it is won or lost.  From init() on, until lease_drop().         */
    sms_rc_t (*lease_want)(sms_host_t *h, sms_str_t name);
    void     (*lease_drop)(sms_host_t *h, sms_str_t name);
    /* 1: still held; to be asked before each write to the far end */
    int      (*lease_valid)(sms_host_t *h, sms_str_t name);
    void     (*window_open)(sms_host_t *h);             /* operator_window() grew: claim again */
    /* operators: the bind of the lease "name" has changed; copied                */
    void     (*bind_told)(sms_host_t *h, sms_str_t name, const sms_bind_t *bind);
} sms_core_api_t;

enum { SMS_FD_READ = 1, SMS_FD_WRITE = 2, SMS_FD_ERROR = 4 };
typedef void (*sms_fd_fn)(void *data, int fd, uint32_t ready);
typedef struct {
    size_t   size;
    /* one shot; 0 on failure.  keep_worker 1: a worker that is told to leave
     * waits for it; 0: it is dropped then                                        */
    sms_handle_t (*timer)(sms_host_t *h, uint32_t delay_ms, uint32_t keep_worker, sms_fn fn,
                          void *d);
    /* level-triggered; the plugin owns fd */
    sms_handle_t (*watch)(sms_host_t *h, int fd, uint32_t want, sms_fd_fn fn, void *d);
    sms_rc_t     (*rewatch)(sms_host_t *h, sms_handle_t w, uint32_t want);
    /* before close(fd); fn will not run again */
    void         (*stop)(sms_host_t *h, sms_handle_t any);
} sms_loop_api_t;

typedef struct {                        /* a TCP or TLS connection run by the host */
    size_t   size;
    void     (*opened)(void *d, sms_handle_t s);
    /* returns bytes used; the rest comes again, in front of what follows; at least
     * 64 KiB are kept so                                                         */
    size_t   (*data)(void *d, sms_handle_t s, const char *p, size_t n);
    void     (*writable)(void *d, sms_handle_t s);          /* after SMS_E_BUSY   */
    void     (*closed)(void *d, sms_handle_t s, sms_rc_t why); /* last call       */
} sms_stream_cb_t;
typedef struct {                        /* TLS 1.2 or newer, always verified      */
    size_t    size;
    sms_str_t server_name;              /* empty: the host given to connect()     */
    sms_str_t ca_file;                  /* empty: the system's                    */
    sms_str_t cert_file, key_file;      /* empty: no client certificate           */
} sms_tls_t;
typedef struct {
    size_t   size;
    /* "peer" is an address or a name, resolved by nginx's resolver; tls NULL: plain */
    sms_handle_t (*connect)(sms_host_t *h, sms_str_t peer, uint32_t port, const sms_tls_t *tls,
                            uint32_t timeout_ms, const sms_stream_cb_t *cb, void *d);
    /* from opened() on; copies all or none; E_BUSY above 256 KiB queued */
    sms_rc_t (*write)(sms_host_t *h, sms_handle_t s, const void *p, size_t n);
    /* after what is queued; closed() still comes */
    void     (*close)(sms_host_t *h, sms_handle_t s);
} sms_stream_api_t;

typedef struct { size_t size;  sms_str_t method, url, body;
                 const sms_kv_t *headers;  uint32_t nheaders, timeout_ms;
                 const sms_tls_t *tls; } sms_http_req_t;
enum { SMS_HTTP_WRITTEN = 1 };          /* bytes had left: it may have been acted upon */
typedef struct { sms_rc_t rc; uint32_t status; const sms_kv_t *headers;
                 uint32_t nheaders, flags; sms_str_t body; } sms_http_res_t;
typedef struct {
    size_t   size;
    /* no redirects; https is verified; answers above 8 MiB end in SMS_E_INVAL    */
    sms_handle_t (*request)(sms_host_t *h, const sms_http_req_t *q,
                            void (*done)(void *d, const sms_http_res_t *r), void *d);
    void     (*abort)(sms_host_t *h, sms_handle_t q);       /* done will not run  */
} sms_http_api_t;

typedef struct { sms_rc_t rc; uint32_t nrows, ncols, flags; char sqlstate[8];
                 /* text format; SQL NULL: ptr 0 */
                 sms_str_t (*cell)(const void *row_set, uint32_t row, uint32_t col);
                 const void *row_set; } sms_db_res_t;
typedef struct {
    size_t   size;
    uint32_t (*prepare)(sms_host_t *h, const char *sql);    /* init() only; 0 on failure */
    /* parameters in text format; ptr 0 is NULL.  E_DOWN: no database now         */
    sms_rc_t (*query)(sms_host_t *h, uint32_t stmt, const sms_str_t *params, uint32_t n,
                      void (*done)(void *d, const sms_db_res_t *r), void *d);
} sms_db_api_t;

/* Shared by all workers; a cache: anything may be gone at any time.  get: E_STALE
 * means not there, a value over "cap" is cut and *len is whole.  ttl_ms 0: for as
 * long as there is room; incr() keeps the ttl of a key that is there.           */
typedef struct {
    size_t   size;
    sms_rc_t (*get)(sms_host_t *h, sms_str_t key, char *buf, size_t cap, size_t *len);
    sms_rc_t (*set)(sms_host_t *h, sms_str_t key, sms_str_t value, uint32_t ttl_ms);
    sms_rc_t (*incr)(sms_host_t *h, sms_str_t key, int64_t by, uint32_t ttl_ms, int64_t *now);
} sms_dict_api_t;

typedef struct {
    size_t   size;
    /* init() only; type 1 counter, 2 gauge, 3 histogram; 0 on failure */
    uint32_t (*define)(sms_host_t *h, uint32_t type, const char *name, const char *help);
    void     (*add)(sms_host_t *h, uint32_t metric, int64_t value);
} sms_metric_api_t;

typedef struct {                        /* durable: done(SMS_OK) means committed  */
    size_t   size;
    sms_rc_t (*put)(sms_host_t *h, sms_str_t topic, sms_str_t key, sms_str_t payload,
                    int64_t not_before_us, void (*done)(void *d, sms_rc_t rc), void *d);
} sms_outbox_api_t;

typedef enum { SMS_INBOUND_RECEIPT = 1, SMS_INBOUND_MESSAGE } sms_inbound_type_t;
typedef enum { SMS_RECEIPT_ENROUTE = 1, SMS_RECEIPT_DELIVERED, SMS_RECEIPT_EXPIRED,
               SMS_RECEIPT_DELETED, SMS_RECEIPT_UNDELIVERED, SMS_RECEIPT_ACCEPTED,
               SMS_RECEIPT_UNKNOWN,     /* SMPP 3.4 5.2.28                        */
               SMS_RECEIPT_REJECTED } sms_receipt_state_t;
typedef struct sms_inbound_s {
    uint32_t  type;                     /* sms_inbound_type_t                     */
    uint32_t  link;                     /* filled by the host                     */
    sms_str_t operator_id;              /* of the receipt's part, normal form     */
    sms_str_t to, from;                 /* as on the wire; digits without '+'     */
    sms_str_t octets, udh;              /* message: raw short_message, UDH apart  */
    uint32_t  data_coding;
    uint32_t  state;                    /* receipt: sms_receipt_state_t           */
    uint32_t  operator_code;            /* receipt: err:                          */
    uint32_t  reason;                   /* receipt: sms_reason_t where it tells   */
    int64_t   at_us;                    /* of the event; 0: unknown               */
    /* receipt: every way to read its id where operators write one number in two
     * bases, each reading in the same place for the whole link, empty: none.  All
     * empty: operator_id is the only one.  The host tries the others where
     * operator_id finds nothing, and then the destination must agree.            */
    sms_str_t readings[SMS_READINGS];
    uint32_t  reading, reserved;        /* 1..: which is operator_id; 0: not known */
    const sms_kv_t *attrs;              /* what else the operator said, UTF-8     */
    uint32_t  nattrs, reserved2;
} sms_inbound_t;
/* operator plugins: acknowledge upstream only from done(SMS_OK); after any other
 * answer the far end must send it again                                         */
typedef struct {
    size_t   size;
    sms_rc_t (*deliver)(sms_host_t *h, const sms_inbound_t *ev, uint32_t stride, uint32_t n,
                        void (*done)(void *d, sms_rc_t rc), void *d);
} sms_inbound_api_t;

struct sms_host_s {
    uint32_t size;   uint16_t abi_major, abi_minor;
    uint32_t worker, workers;
    uint32_t link;                      /* operator plugins: this instance's link */
    uint32_t nlinks;  uint32_t link_stride;  uint32_t reserved;
    const sms_link_t        *links;     /* every link that is configured          */
    sms_str_t                name;      /* of this instance in the configuration  */
    void    *impl;                      /* the host's; do not touch               */
    const sms_core_api_t    *core;      /* core and loop are never NULL           */
    const sms_loop_api_t    *loop;
    const sms_stream_api_t  *stream;    /* NULL from here on: not granted         */
    const sms_http_api_t    *http;
    const sms_db_api_t      *db;
    const sms_dict_api_t    *dict;
    const sms_metric_api_t  *metric;
    const sms_outbox_api_t  *outbox;
    const sms_inbound_api_t *inbound;
};

/* ---- what the plugin offers --------------------------------------------- */

typedef struct { sms_str_t method, path, query, client_ip, body;
                 const sms_kv_t *headers; uint32_t nheaders, reserved; } sms_http_in_t;
typedef struct { uint32_t status, nheaders; const sms_kv_t *headers;
                 sms_str_t body; } sms_http_out_t;

enum {                                  /* ops.flags, and of operator_flags()     */
    SMS_OPERATOR_WHOLE = 1,             /* gets whole messages, n = m = 1         */
    SMS_OPERATOR_NO_NATIONAL = 2        /* far end has no national language tables */
};

typedef struct sms_ops_s {
    uint32_t size;   uint32_t conf_key_stride;
    uint32_t flags;  uint32_t reserved;
    const sms_conf_key_t *conf_keys;
    /* In a throw-away child at "nginx -t" and reload.  No host services. */
    sms_rc_t (*check)(const sms_conf_t *conf, char *err, size_t errcap);
    /* Once per worker, after privileges are dropped.  E_*: the failure policy of
     * the configuration applies, and exit() is not called.                       */
    sms_rc_t (*init)(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap);
    void     (*lease)(void *inst, sms_str_t name, int held, uint64_t epoch);
    void     (*drain)(void *inst);                  /* no new calls will come     */
    void     (*exit)(void *inst);                   /* all calls ended; no done() comes after */
    /* Whoever returns SMS_PENDING offers it.  After it returns the batch is out of
     * bounds; a query or request that runs on may still end in its done().       */
    void     (*cancel)(void *inst, sms_call_t call);
    /* items -> results */
    sms_run_pt rule_evaluate;           /* sms_msg_t        -> sms_verdict_t      */
    sms_run_pt consent_lookup;          /* sms_msg_t        -> sms_consent_t      */
    sms_run_pt billing_quote;           /* sms_msg_t        -> sms_quote_t        */
    sms_run_pt billing_hold;            /* sms_hold_t       -> sms_ack_t          */
    sms_run_pt billing_settle;          /* sms_hold_t       -> sms_ack_t          */
    sms_run_pt billing_release;         /* sms_hold_t       -> sms_ack_t          */
    sms_run_pt router_choose;           /* sms_msg_t        -> sms_route_t        */
    sms_run_pt operator_submit;         /* sms_part_t       -> sms_submit_t       */
    sms_run_pt auth_check;              /* sms_credential_t -> sms_principal_t    */
    sms_run_pt notifier_send;           /* sms_event_t      -> sms_ack_t          */
    sms_run_pt lookup_network;          /* sms_msg_t        -> sms_network_t      */
    sms_run_pt http_in;                 /* sms_http_in_t    -> sms_http_out_t     */
    uint32_t (*operator_window)(void *inst);        /* parts it can take now      */
    /* 1: it can do its work; 0: not yet, and the host's health says "starting".
     * Missing: ready once init() has returned.                                   */
    int      (*ready)(void *inst);
    sms_run_pt operator_query;          /* sms_sent_t       -> sms_asked_t        */
    sms_run_pt operator_cancel;         /* sms_sent_t       -> sms_ack_t          */
    /* SMS_OPERATOR_* of this instance, beside ops.flags; asked once, after init() */
    uint32_t (*operator_flags)(void *inst);
} sms_ops_t;

/* Pointer-free, so the host reads it from the file before running any code. */
typedef struct sms_manifest_s {
    char     magic[8];                  /* "SMSPLUG"                              */
    uint32_t size;   uint16_t abi_major, abi_minor;
    uint32_t kinds;  uint32_t flags;
    char     name[32], version[32], license[32], summary[128];
} sms_manifest_t;

#define SMS_PLUGIN(name_, version_, license_, summary_, kinds_, ops_)          \
    __attribute__((visibility("default"), used, section(".sms_plugin")))       \
    const sms_manifest_t sms_plugin_manifest = { "SMSPLUG",                    \
        sizeof(sms_manifest_t), SMS_ABI_MAJOR, SMS_ABI_MINOR, (kinds_), 0,     \
        name_, version_, license_, summary_ };                                 \
    __attribute__((visibility("default"), used))                               \
    const sms_ops_t *const sms_plugin_ops = &(ops_)

#ifdef __cplusplus
}
#endif
#endif /* SMS_PLUGIN_H */
