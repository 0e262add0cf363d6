/*
 * ngx_sms_pg_error.h - what to do about an SQLSTATE, and how to say it.
 *
 * Classes: PostgreSQL appendix A.  An error that PostgreSQL reports is a
 * rollback; the question is only whether sending the same again can help.
 */
#ifndef NGX_SMS_PG_ERROR_H
#define NGX_SMS_PG_ERROR_H

#include <ngx_config.h>
#include <ngx_core.h>

struct pg_conn;
struct pg_result;

typedef enum {
    NGX_SMS_PG_ACT_NONE = 0,
    /* lost against a neighbour: the same again, soon (40, 55P03)            */
    NGX_SMS_PG_ACT_RETRY,
    /* the server is short of something: everybody waits (53)                */
    NGX_SMS_PG_ACT_WAIT,
    /* this server cannot help us now: connect anew, then the same again
     * (08, 57P01-57P05, 25006: the primary has moved)                       */
    NGX_SMS_PG_ACT_RECONNECT,
    /* somebody's row is at fault or too heavy (22, 23, P0, 54, 57014, …)    */
    NGX_SMS_PG_ACT_SPLIT,
    /* the statement or the role is wrong, whatever the row
     * (0A, 26, 28, 3D, 3F, 42)                                              */
    NGX_SMS_PG_ACT_FAIL
} ngx_sms_pg_action_t;

/* "sqlstate" is five characters or NULL (libpq made the error itself: the
 * connection is gone)                                                       */
ngx_sms_pg_action_t ngx_sms_pg_error_action(const char *sqlstate);
const char *ngx_sms_pg_error_action_name(ngx_sms_pg_action_t action);

/* One line per second, connection and reason, the swallowed ones are counted.
 * "who" and "reason" are static strings; at most NGX_SMS_PG_ERROR_REASONS pairs
 * are told apart.  "detail"
 * may be libpq's message: only its first line is written, trimmed, and DETAIL,
 * HINT and CONTEXT never are, because they quote values of rows.            */
#define NGX_SMS_PG_ERROR_REASONS  32

void ngx_sms_pg_error_log(ngx_uint_t level, ngx_log_t *log, const char *who,
    const char *reason, const char *sqlstate, const char *detail);

/* First line of "message" without "ERROR:" and without values: the primary
 * message of classes 22 and 23 may quote input ("invalid input syntax for type
 * uuid: \"…\""), so what stands between quotes is replaced by "…".  Returns
 * the length written, never more than "size" - 1, always NUL-terminated.    */
size_t ngx_sms_pg_error_trim(char *buf, size_t size, const char *message);

#endif /* NGX_SMS_PG_ERROR_H */
