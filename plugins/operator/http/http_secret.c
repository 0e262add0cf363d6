/*
 * From whom a callback is.
 */
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include <sms/sms_hash.h>

#include "http.h"


#define HTTP_BASIC_MAX  512             /* bytes of "user:password"            */


int
http_net_has(const http_net_t *nets, uint32_t n, sms_str_t ip)
{
    char      text[64];
    uint8_t   a[16], v4[4], mask;
    uint32_t  i;
    unsigned  whole;

    if (ip.len == 0 || ip.len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, ip.ptr, ip.len);
    text[ip.len] = '\0';

    if (inet_pton(AF_INET, text, v4) == 1) {
        memset(a, 0, 10);
        a[10] = 0xff;
        a[11] = 0xff;
        memcpy(a + 12, v4, 4);

    } else if (inet_pton(AF_INET6, text, a) != 1) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        whole = nets[i].bits / 8;
        mask = (uint8_t) (0xff00 >> nets[i].bits % 8);

        if (memcmp(a, nets[i].address, whole) == 0
            && (whole == 16 || ((a[whole] ^ nets[i].address[whole]) & mask) == 0))
        {
            return 1;
        }
    }

    return 0;
}


static int
http_secret_equal(sms_str_t secret, sms_str_t given)
{
    return secret.len == given.len && sms_hash_equal(secret.ptr, given.ptr, secret.len);
}


static sms_str_t
http_secret_header(const sms_http_in_t *in, const char *name, size_t len)
{
    uint32_t   i;
    sms_str_t  none = { NULL, 0 };

    for (i = 0; i < in->nheaders; i++) {
        if (in->headers[i].name.len == len
            && strncasecmp(in->headers[i].name.ptr, name, len) == 0)
        {
            return in->headers[i].value;
        }
    }

    return none;
}


typedef struct {
    sms_str_t  secret;
    int        good;
} http_secret_asked_t;


static int
http_secret_query(void *data, const http_record_t *record)
{
    http_secret_asked_t  *asked = data;

    asked->good = record->field[0].ptr != NULL
                  && http_secret_equal(asked->secret, record->field[0]);

    return 0;
}


static int
http_secret_digit(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+' ? 62 : c == '/' ? 63 : -1;
}


/* the password of "user:password" in base64 (RFC 7617) */
static int
http_secret_basic(sms_str_t secret, sms_str_t given)
{
    int        digit;
    char       plain[HTTP_BASIC_MAX], *colon;
    size_t     i, n;
    uint32_t   bits;
    unsigned   have;
    sms_str_t  password;

    if (given.len > HTTP_BASIC_MAX) {
        return 0;
    }

    for (i = 0, n = 0, bits = 0, have = 0; i < given.len && given.ptr[i] != '='; i++) {
        digit = http_secret_digit(given.ptr[i]);

        if (digit < 0) {
            return 0;
        }

        bits = (bits << 6 | (uint32_t) digit) & 0xffffff;
        have += 6;

        if (have >= 8) {
            have -= 8;
            plain[n++] = (char) (bits >> have);
        }
    }

    colon = n ? memchr(plain, ':', n) : NULL;

    if (colon == NULL) {
        return 0;
    }

    password.ptr = colon + 1;
    password.len = (size_t) (plain + n - password.ptr);

    return http_secret_equal(secret, password);
}


static int
http_secret_brought(const http_conf_t *c, const sms_http_in_t *in)
{
    sms_str_t            value;
    http_map_t           map;
    http_secret_asked_t  asked;

    switch (c->secret_in) {

    case HTTP_SECRET_QUERY:
        memset(&map, 0, sizeof(map));
        map.format = HTTP_DOC_QUERY;
        map.n = 1;
        map.path[0] = c->secret_name;

        asked.secret = c->callback_secret;
        asked.good = 0;
        (void) http_doc_read(&map, in->query, http_secret_query, &asked);

        return asked.good;

    case HTTP_SECRET_BASIC:
        value = http_secret_header(in, "authorization", 13);

        if (value.len < 6 || strncasecmp(value.ptr, "basic ", 6) != 0) {
            return 0;
        }

        value.ptr += 6;
        value.len -= 6;

        return http_secret_basic(c->callback_secret, value);

    default:
        value = http_secret_header(in, c->secret_name.ptr, c->secret_name.len);

        if (value.len > 7 && strncasecmp(value.ptr, "bearer ", 7) == 0) {
            value.ptr += 7;
            value.len -= 7;
        }

        return value.len && http_secret_equal(c->callback_secret, value);
    }
}


int
http_secret_good(const http_conf_t *c, const sms_http_in_t *in)
{
    if (c->nnets == 0 && c->callback_secret.len == 0) {
        return 0;
    }

    if (c->nnets && !http_net_has(c->nets, c->nnets, in->client_ip)) {
        return 0;
    }

    return c->callback_secret.len == 0 || http_secret_brought(c, in);
}
