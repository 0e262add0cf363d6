/*
 * ngx_sms_pg_conf.h - where the database is and how long anything may take.
 *
 * A connection string is libpq's keyword/value form ("host=… dbname=…"); it is
 * parsed at configuration so that "nginx -t" reports its mistakes.  What would
 * block a worker or change the socket behind nginx's back is refused there:
 *
 *   host            addresses, socket directories or names, also several
 *                   ("a,b,c" with one port or as many): tried in turn, one per
 *                   attempt.  Names are resolved at configuration, and at run
 *                   time by nginx's resolver when one is given.
 *   sslmode         disable, require, verify-ca, verify-full.  Unset: disable
 *                   on a socket directory and on loopback, else verify-full
 *                   when sslrootcert is given, else require.  prefer and allow
 *                   reconnect on a new socket and are refused.
 *   gssencmode      only disable, for the same reason.
 *   target_session_attrs  any, read-write, primary: our own first query looks.
 *   connect_timeout seconds; the deadline of one attempt.
 *   service, replication, client_encoding   refused.
 *
 * With TLS, libpq older than 15.19 is refused: 15.14 and 15.19 mended "SSL
 * error: bad length" and a hang with octets left inside OpenSSL.
 *
 * Lives in the configuration's pool; read-only in workers.
 */
#ifndef NGX_SMS_PG_CONF_H
#define NGX_SMS_PG_CONF_H

#include <ngx_config.h>
#include <ngx_core.h>

typedef struct {
    const char        **keywords;           /* ended by NULL                 */
    const char        **values;             /* password among them: never log */
    ngx_str_t           name;               /* "host:port" for logs          */
    ngx_str_t           host;               /* a name to resolve, or empty   */
    ngx_uint_t          hostaddr;           /* index in values, when host    */
    in_port_t           port;
} ngx_sms_pg_target_t;

typedef struct {
    ngx_array_t         targets;            /* ngx_sms_pg_target_t           */
    ngx_resolver_t     *resolver;           /* or NULL                       */
    ngx_msec_t          resolver_timeout;

    ngx_msec_t          connect_timeout;    /* one attempt, setup included   */
    ngx_msec_t          statement_timeout;
    ngx_msec_t          lock_timeout;
    ngx_uint_t          queue;              /* queries unanswered on one
                                               connection before NGX_AGAIN   */
    ngx_uint_t          queue_rows;         /* rows waiting in one batcher
                                               before NGX_BUSY               */
    ngx_uint_t          batch_rows;         /* of one batch                  */
    size_t              batch_size;         /* octets of one batch           */
    ngx_uint_t          inflight;           /* batches on the wire           */
    ngx_flag_t          unsafe;             /* D23: fsync and the like may be
                                               off; tests only               */
    unsigned            tls:1;
} ngx_sms_pg_conf_t;

/* every number NGX_CONF_UNSET* so that ngx_conf_set_*_slot can fill it      */
void ngx_sms_pg_conf_unset(ngx_sms_pg_conf_t *conf);

/* Defaults (5 s, 5 s, 2 s, 1024, 20000, 1000, 1m, 2, off), then parses.
 * "resolver" may be NULL.  Errors are logged as emerg with cf; NGX_ERROR.   */
ngx_int_t ngx_sms_pg_conf_init(ngx_conf_t *cf, ngx_sms_pg_conf_t *conf,
    ngx_str_t *conninfo, ngx_resolver_t *resolver, ngx_msec_t resolver_timeout);

#endif /* NGX_SMS_PG_CONF_H */
