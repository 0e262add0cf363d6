/*
 * What a worker knows of an account and of an API key.
 *
 * Profiles come from the database (sms.profile, sms.profiles) as JSON, are
 * kept for a few seconds and dropped at once when the database announces a
 * change.  They are immutable and counted: whoever works with one holds it, so
 * a change never pulls it away from under a request.
 */
#ifndef NGX_SMS_ACCOUNT_H
#define NGX_SMS_ACCOUNT_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_plugin.h"
#include "sms_segment.h"
#include "ngx_sms_pace.h"


#define NGX_SMS_OPERATORS_MAX  16       /* approved operators of one sender */


typedef enum {
    NGX_SMS_ACCOUNT_ACTIVE = 1,
    NGX_SMS_ACCOUNT_SUSPENDED,
    NGX_SMS_ACCOUNT_CLOSED
} ngx_sms_account_state_e;


typedef struct {
    sms_brand_t              b;             /* as the plugins see it          */
    u_char                   public_id[16];
    ngx_uint_t               late;          /* 1: a refusal is overdue in İYS    */
    ngx_uint_t               no_right;      /* 1: İYS says so                    */
    ngx_uint_t               no_subscription;
} ngx_sms_brand_t;


typedef struct {
    ngx_str_t                name;
    ngx_sms_brand_t         *brand;         /* NULL: of no brand              */
    ngx_uint_t               classes;       /* bit 1 << sms_class_t           */
    ngx_uint_t               noperators;
    ngx_str_t                operators[NGX_SMS_OPERATORS_MAX];
} ngx_sms_sender_t;


typedef struct {
    ngx_str_t                code;          /* of a finding                   */
    ngx_uint_t               severity;
} ngx_sms_severity_t;


/* what the host lets the account do below the floor of a finding (C6) */
typedef struct {
    ngx_str_t                id;            /* "wvr_..."                      */
    ngx_str_t                code;          /* of a finding                   */
    ngx_uint_t               severity;      /* confirm or warn                */
    time_t                   until;         /* a profile may outlive it       */
} ngx_sms_waiver_t;


typedef struct {
    ngx_pool_t              *pool;
    ngx_uint_t               holders;

    int64_t                  id;
    u_char                   public_id[16];
    ngx_uint_t               state;         /* ngx_sms_account_state_e        */
    char                     unit[4];       /* "TRY", "CRD"                   */
    uint32_t                 tariff;
    sms_segment_profile_t    encoding;      /* what the customer pays by (D4) */
    ngx_uint_t               exemptions;    /* bit 1 << sms_exemption_t       */
    ngx_uint_t               basis_default; /* sms_basis_t                    */
    ngx_uint_t               rate;          /* requests a minute, 0: default  */
    ngx_sms_pace_t           pace;
    ngx_array_t              severities;    /* ngx_sms_severity_t             */
    ngx_array_t              waivers;       /* ngx_sms_waiver_t               */
    sms_kv_t                *attrs;         /* shown to operators             */
    ngx_uint_t               nattrs;
    ngx_array_t              brands;        /* ngx_sms_brand_t                */
    ngx_array_t              senders;       /* ngx_sms_sender_t               */
} ngx_sms_account_t;


typedef struct {
    ngx_sms_account_t       *account;       /* owns the key's memory          */
    ngx_str_t                id;            /* public part of the key         */
    int64_t                  no;
    u_char                   hash[32];      /* SHA-256 of the whole key       */
    ngx_uint_t               scopes;        /* SMS_SCOPE_*                    */
    ngx_array_t              ranges;        /* ngx_cidr_t                     */
    unsigned                 test:1;
    unsigned                 ip_waived:1;
    unsigned                 revoked:1;
} ngx_sms_key_t;


/* reads the JSON of sms.profile(); NULL with a reason in *why on nonsense */
ngx_sms_key_t *ngx_sms_account_key_read(const char *json, size_t len,
    const u_char hash[32], ngx_log_t *log, const char **why);

/* reads the JSON of sms.profiles(): an account without a key */
ngx_sms_account_t *ngx_sms_account_read(const char *json, size_t len,
    ngx_log_t *log, const char **why);

/* both are made with one holder; a key is held through its account */
void ngx_sms_account_hold(ngx_sms_account_t *account);
void ngx_sms_account_release(ngx_sms_account_t *account);

/* NULL when there is none; "id" is the 16 octets of the public id */
ngx_sms_brand_t *ngx_sms_account_brand(ngx_sms_account_t *account,
    const u_char id[16]);
ngx_sms_brand_t *ngx_sms_account_brand_no(ngx_sms_account_t *account,
    uint64_t no);
ngx_sms_sender_t *ngx_sms_account_sender(ngx_sms_account_t *account,
    const ngx_str_t *name);

/* the account's severity for a finding, or "proposed" where it set none */
ngx_uint_t ngx_sms_account_severity(ngx_sms_account_t *account,
    sms_str_t code, ngx_uint_t proposed);

/*
 * The severity of a finding for this account at this time: its own or the proposed
 * one, never below the finding's floor, but for what the host waives.  "waiver", where
 * it is not NULL, gets the waiver that made it lower, or NULL; it is the account's.
 */
ngx_uint_t ngx_sms_account_judged(ngx_sms_account_t *account,
    const sms_finding_t *f, time_t now, ngx_sms_waiver_t **waiver);

#endif /* NGX_SMS_ACCOUNT_H */
