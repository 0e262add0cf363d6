/*
 * The worker's cache of profiles, by API key and by account.
 *
 * An entry is good for NGX_SMS_PROFILE_TTL or until the database announces a
 * change of its account.  Several who ask for the same profile at once share
 * one query.
 */
#ifndef NGX_SMS_PROFILES_H
#define NGX_SMS_PROFILES_H

#include "ngx_sms_account.h"


#define NGX_SMS_PROFILE_TTL       30000     /* ms; notices come first         */
#define NGX_SMS_PROFILE_NONE_TTL  1000      /* of "there is no such key"      */
#define NGX_SMS_PROFILES_MAX      10000     /* entries of one worker          */


typedef struct ngx_sms_profile_wait_s  ngx_sms_profile_wait_t;

struct ngx_sms_profile_wait_s {
    ngx_queue_t              queue;         /* private                        */
    ngx_sms_account_t       *account;       /* result, held for the caller    */
    ngx_sms_key_t           *key;           /* of a look-up by key            */
    void                   (*done)(ngx_sms_profile_wait_t *wait, ngx_int_t rc);
    void                    *data;
    unsigned                 waiting:1;
};


void ngx_sms_profiles_init(void);
void ngx_sms_profiles_done(void);

/*
 * NGX_OK        wait->account (and key) are there
 * NGX_DECLINED  there is no such key or account
 * NGX_AGAIN     wait->done(wait, NGX_OK, NGX_DECLINED or NGX_ERROR) follows
 * NGX_ERROR     the database cannot be asked now
 */
ngx_int_t ngx_sms_profile_by_key(const ngx_str_t *key,
    ngx_sms_profile_wait_t *wait);
ngx_int_t ngx_sms_profile_by_account(int64_t account,
    ngx_sms_profile_wait_t *wait);

/* the caller does not wait any more */
void ngx_sms_profile_forget(ngx_sms_profile_wait_t *wait);

/* account 0: all of them */
void ngx_sms_profiles_drop(int64_t account);

#endif /* NGX_SMS_PROFILES_H */
