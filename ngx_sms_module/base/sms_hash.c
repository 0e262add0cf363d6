#include "sms_hash.h"

#include <string.h>
#include <threads.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>


/*
 * Looked up once: an implicit fetch on each call costs more than hashing a
 * short text does.
 */
static EVP_MD    *sms_hash_md;
static once_flag  sms_hash_once = ONCE_FLAG_INIT;


static void
sms_hash_fetch(void)
{
    sms_hash_md = EVP_MD_fetch(NULL, "SHA256", NULL);
}


void
sms_hash_done(void)
{
    EVP_MD_free(sms_hash_md);
    sms_hash_md = NULL;
}


int
sms_hash_sha256(const void *p, size_t n, uint8_t out[32])
{
    /* kept: making and freeing it costs as much as hashing a short text */
    static thread_local EVP_MD_CTX  *ctx;

    call_once(&sms_hash_once, sms_hash_fetch);

    if (ctx == NULL) {
        ctx = EVP_MD_CTX_new();
    }

    if (ctx == NULL || sms_hash_md == NULL
        || EVP_DigestInit_ex2(ctx, sms_hash_md, NULL) != 1
        || EVP_DigestUpdate(ctx, p, n) != 1
        || EVP_DigestFinal_ex(ctx, out, NULL) != 1)
    {
        memset(out, 0, SMS_HASH_LEN);
        return -1;
    }

    return 0;
}


int
sms_hash_hmac(const void *key, size_t nkey, const void *p, size_t n,
    uint8_t out[32])
{
    call_once(&sms_hash_once, sms_hash_fetch);

    /* OpenSSL takes a NULL key for "the last one" */

    if (sms_hash_md == NULL || nkey > INT32_MAX
        || HMAC(sms_hash_md, nkey ? key : "", (int) nkey, p, n, out, NULL)
           == NULL)
    {
        memset(out, 0, SMS_HASH_LEN);
        return -1;
    }

    return 0;
}


void
sms_hash_hex(const uint8_t *p, size_t n, char *out)
{
    size_t  i;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < n; i++) {
        out[2 * i] = hex[p[i] >> 4];
        out[2 * i + 1] = hex[p[i] & 0x0F];
    }
}


static int
sms_hash_nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }

    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }

    return -1;
}


int
sms_hash_unhex(const char *p, size_t n, uint8_t *out)
{
    int     high, low;
    size_t  i;

    if (n % 2) {
        return -1;
    }

    for (i = 0; i < n / 2; i++) {
        high = sms_hash_nibble(p[2 * i]);
        low = sms_hash_nibble(p[2 * i + 1]);

        if (high < 0 || low < 0) {
            return -1;
        }

        out[i] = (uint8_t) (high << 4 | low);
    }

    return 0;
}


int
sms_hash_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}
