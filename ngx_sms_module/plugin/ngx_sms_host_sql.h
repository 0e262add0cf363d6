/*
 * How many parameters a statement has: the highest $n outside of quotes and
 * comments (PostgreSQL 15 manual, 4.1).  Plain C.
 */
#ifndef NGX_SMS_HOST_SQL_H
#define NGX_SMS_HOST_SQL_H

#define NGX_SMS_HOST_SQL_PARAMS  64

/* 0 .. NGX_SMS_HOST_SQL_PARAMS; -1: more than that, $0, or a quote or comment
 * without its end                                                            */
int ngx_sms_host_sql_params(const char *sql);

#endif /* NGX_SMS_HOST_SQL_H */
