#include "ngx_sms_sign.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "sms_hash.h"


static void ngx_sms_sign_free(void *data);
static int ngx_sms_sign_no_password(char *buf, int size, int rwflag,
    void *data);


ngx_sms_sign_t *
ngx_sms_sign_load(ngx_pool_t *pool, const char *file, const char **why)
{
    BIO                 *bio;
    size_t               len;
    uint8_t              hash[SMS_HASH_LEN];
    EVP_PKEY            *pkey;
    ngx_sms_sign_t      *key;
    ngx_pool_cleanup_t  *cln;

    bio = BIO_new_file(file, "r");

    if (bio == NULL) {
        *why = "the file cannot be read";
        ERR_clear_error();
        return NULL;
    }

    pkey = PEM_read_bio_PrivateKey(bio, NULL, ngx_sms_sign_no_password, NULL);
    BIO_free(bio);

    if (pkey == NULL || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
        *why = "it is not an Ed25519 private key in PEM form without a password; "
               "\"openssl genpkey -algorithm ED25519 -out FILE\" makes one";
        EVP_PKEY_free(pkey);
        ERR_clear_error();
        return NULL;
    }

    *why = "there is no memory";
    key = ngx_pcalloc(pool, sizeof(ngx_sms_sign_t));
    cln = ngx_pool_cleanup_add(pool, 0);
    len = NGX_SMS_SIGN_PUBLIC_LEN;

    if (key == NULL || cln == NULL
        || EVP_PKEY_get_raw_public_key(pkey, key->public_key, &len) != 1
        || sms_hash_sha256(key->public_key, len, hash) != 0)
    {
        EVP_PKEY_free(pkey);
        return NULL;
    }

    sms_hash_hex(hash, NGX_SMS_SIGN_ID_LEN, key->id);
    key->pkey = pkey;
    cln->handler = ngx_sms_sign_free;
    cln->data = pkey;

    return key;
}


static void
ngx_sms_sign_free(void *data)
{
    EVP_PKEY_free(data);
}


/* or OpenSSL would ask whoever starts nginx */

static int
ngx_sms_sign_no_password(char *buf, int size, int rwflag, void *data)
{
    (void) buf;
    (void) size;
    (void) rwflag;
    (void) data;

    return -1;
}


ngx_int_t
ngx_sms_sign(const ngx_sms_sign_t *key, const void *text, size_t len,
    u_char signature[NGX_SMS_SIGN_LEN])
{
    int          ok;
    size_t       n;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();
    n = NGX_SMS_SIGN_LEN;
    ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1
         && EVP_DigestSign(ctx, signature, &n, text, len) == 1
         && n == NGX_SMS_SIGN_LEN;
    EVP_MD_CTX_free(ctx);

    return ok ? NGX_OK : NGX_ERROR;
}
