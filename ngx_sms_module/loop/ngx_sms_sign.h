/*
 * ngx_sms_sign.h - Ed25519 signatures (RFC 8032) with a key of the host.
 *
 * The key is read once, with the configuration, by whoever may read its file; workers
 * have it from there on.
 */
#ifndef NGX_SMS_SIGN_H
#define NGX_SMS_SIGN_H

#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_SMS_SIGN_LEN         64
#define NGX_SMS_SIGN_PUBLIC_LEN  32
#define NGX_SMS_SIGN_ID_LEN      16

typedef struct {
    void    *pkey;                                  /* EVP_PKEY               */
    u_char   public_key[NGX_SMS_SIGN_PUBLIC_LEN];
    /* the first half of its SHA-256 in hex, by which people compare keys     */
    char     id[2 * NGX_SMS_SIGN_ID_LEN + 1];
} ngx_sms_sign_t;


/*
 * Reads a private key in PEM form without a password ("openssl genpkey -algorithm
 * ED25519").  It lives as long as the pool.  NULL: "why" says what is wrong.
 */
ngx_sms_sign_t *ngx_sms_sign_load(ngx_pool_t *pool, const char *file,
    const char **why);

/* NGX_OK, or NGX_ERROR where OpenSSL has no memory */
ngx_int_t ngx_sms_sign(const ngx_sms_sign_t *key, const void *text, size_t len,
    u_char signature[NGX_SMS_SIGN_LEN]);

#endif /* NGX_SMS_SIGN_H */
