#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define WORKLOAD_KEYS_MAX  1000
#define WORKLOAD_KEY_LEN   55
#define WORKLOAD_TEXT_MIN  120
#define WORKLOAD_TEXT_MAX  160

/* delivered and failed: one callback a message */
#define WORKLOAD_DLR_MASK  "3"

#define WORKLOAD_COUNT(a)  (sizeof(a) / sizeof((a)[0]))

static workload_request_t  workload_pool[WORKLOAD_POOL];
static char                workload_list[WORKLOAD_KEYS_MAX][WORKLOAD_KEY_LEN + 1];
static size_t              workload_nkeys;

/* one of each, in this order; the order number stands between */
static const char *const  workload_names[] = {
    "Ayşe", "Mehmet", "Çiğdem", "Ömer", "Gülşah", "İbrahim", "Şükrü", "Zeynep",
    "Uğur", "Özge", "Işıl", "Tuğba", "Hüseyin", "Nurgül", "Çağrı", "Doğan"
};

static const char *const  workload_greetings[] = {
    "iyi bayramlar", "mutlu yıllar", "doğum gününüz kutlu olsun", "hayırlı bayramlar"
};

static const char *const  workload_news[] = {
    "kargoya verildi", "yola çıktı", "hazırlanıyor", "şubemize ulaştı",
    "dağıtıma çıkarıldı", "komşunuza bırakıldı"
};

static const char *const  workload_when[] = {
    "bugün öğleden sonra", "yarın sabah", "akşam saatlerinde", "Çarşamba günü",
    "üç iş günü içinde", "öğle arasında"
};

static const char *const  workload_places[] = {
    "Kadıköy", "Beşiktaş", "Üsküdar", "Çankaya", "Karşıyaka", "Nilüfer", "Şişli"
};


/* splitmix64, by Sebastiano Vigna: a permutation of 64 bits */

static uint64_t
workload_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;

    return x ^ (x >> 31);
}


static const char *
workload_pick(const char *const *list, size_t n, uint64_t *state)
{
    *state = workload_mix(*state);

    return list[*state % n];
}

#define workload_one(list, state)  workload_pick(list, WORKLOAD_COUNT(list), state)


static size_t
workload_characters(const char *s)
{
    size_t  n;

    for (n = 0; *s; s++) {
        n += ((unsigned char) *s & 0xc0) != 0x80;
    }

    return n;
}


void
workload_text(char *to, size_t size, uint64_t *state)
{
    size_t  n;

    do {
        snprintf(to, size, "Sayın %s, ##########nolu siparişiniz %s; %s %s adresinizde. "
                 "Anketimize katılın. Ailenize %s dileriz.",
                 workload_one(workload_names, state), workload_one(workload_news, state),
                 workload_one(workload_when, state), workload_one(workload_places, state),
                 workload_one(workload_greetings, state));
        n = workload_characters(to);

    } while (n < WORKLOAD_TEXT_MIN || n > WORKLOAD_TEXT_MAX);
}


static int
workload_read_keys(const char *path)
{
    FILE  *f;

    f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        return -1;
    }

    while (workload_nkeys < WORKLOAD_KEYS_MAX
           && fscanf(f, "%55s", workload_list[workload_nkeys]) == 1)
    {
        workload_nkeys++;
    }

    fclose(f);

    if (workload_nkeys == 0) {
        fprintf(stderr, "%s: no keys\n", path);
        return -1;
    }

    return 0;
}


static int
workload_keep(workload_request_t *r, const char *request, int n)
{
    if (n >= WORKLOAD_REQUEST_MAX) {
        fprintf(stderr, "workload: request too long\n");
        return -1;
    }

    r->bytes = strdup(request);
    if (r->bytes == NULL) {
        return -1;
    }

    r->len = (size_t) n;

    return 0;
}


static int
workload_write_single(workload_request_t *r, const char *key, const char *confirm,
    const char *text)
{
    int   n, body_len;
    char  body[1024], request[WORKLOAD_REQUEST_MAX];

    body_len = snprintf(body, sizeof(body),
                        "{\"class\":\"informational\",\"basis\":\"order_delivery\","
                        "\"sender\":\"ORNEK\",\"text\":\"%s\",%s%s%s"
                        "\"to\":[\"+9053########\"]}",
                        text, confirm ? "\"confirm\":" : "", confirm ? confirm : "",
                        confirm ? "," : "");

    if (body_len >= (int) sizeof(body)) {
        fprintf(stderr, "workload: body too long\n");
        return -1;
    }

    n = snprintf(request, sizeof(request),
                 "POST /v1/messages HTTP/1.1\r\n"
                 "Host: 127.0.0.1\r\n"
                 "Authorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\n"
                 "Idempotency-Key: ########-####-####-####-############\r\n"
                 "Content-Length: %d\r\n"
                 "\r\n"
                 "%s", key, body_len, body);

    if (workload_keep(r, request, n) != 0) {
        return -1;
    }

    r->key = (uint32_t) (strstr(request, "########-####") - request);
    r->order = (uint32_t) (strstr(request, "##########nolu") - request);
    r->number = (uint32_t) (strstr(request, "+9053") + 5 - request);

    /* the order number is nine digits and a blank */
    r->bytes[r->order + 9] = ' ';

    return 0;
}


/* as a form would; the order number's place stays as it is */

static void
workload_escape(char *to, const char *text)
{
    static const char  hex[] = "0123456789ABCDEF", plain[] = "-._~#";

    for ( ; *text; text++) {

        if ((*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z')
            || (*text >= 'a' && *text <= 'z') || strchr(plain, *text))
        {
            *to++ = *text;

        } else if (*text == ' ') {
            *to++ = '+';

        } else {
            *to++ = '%';
            *to++ = hex[(unsigned char) *text >> 4];
            *to++ = hex[*text & 15];
        }
    }

    *to = 0;
}


static int
workload_write_kannel(workload_request_t *r, uint16_t callback, const char *text)
{
    int   n;
    char  escaped[3 * 512], receipt[192], request[WORKLOAD_REQUEST_MAX];

    workload_escape(escaped, text);
    receipt[0] = 0;

    if (callback) {
        snprintf(receipt, sizeof(receipt), "&dlr-mask=" WORKLOAD_DLR_MASK
                 "&dlr-url=http%%3A%%2F%%2F127.0.0.1%%3A%u%%2F%%3Ftype%%3D%%25d%%26id%%3D"
                 "##########", callback);
    }

    n = snprintf(request, sizeof(request),
                 "GET /cgi-bin/sendsms?username=bench&password=bench&from=ORNEK"
                 "&to=9053########&charset=UTF-8&coding=0&text=%s%s HTTP/1.1\r\n"
                 "Host: 127.0.0.1\r\n"
                 "\r\n", escaped, receipt);

    if (workload_keep(r, request, n) != 0) {
        return -1;
    }

    r->number = (uint32_t) (strstr(request, "&to=9053") + 8 - request);
    r->order = (uint32_t) (strstr(request, "##########nolu") - request);
    r->id = callback ? (uint32_t) (strstr(request, "id%3D") + 5 - request) : 0;
    r->bytes[r->order + 9] = '+';

    return 0;
}


int
workload_init(const workload_conf_t *conf)
{
    int       rc;
    char      text[512];
    size_t    i;
    uint64_t  state;

    if (conf->shape == WORKLOAD_SINGLE && workload_read_keys(conf->keys) != 0) {
        return -1;
    }

    state = 1;

    for (i = 0; i < WORKLOAD_POOL; i++) {
        workload_text(text, sizeof(text), &state);

        rc = conf->shape == WORKLOAD_KANNEL
             ? workload_write_kannel(&workload_pool[i], conf->callback, text)
             : workload_write_single(&workload_pool[i], workload_list[i % workload_nkeys],
                                     conf->confirm, text);
        if (rc != 0) {
            return -1;
        }
    }

    return 0;
}


void
workload_digits(char *to, size_t n, uint64_t value)
{
    while (n--) {
        to[n] = (char) ('0' + value % 10);
        value /= 10;
    }
}


uint64_t
workload_number(uint64_t sequence)
{
    return (sequence * 48271 + 11) % WORKLOAD_SEQUENCES;
}


void
workload_uuid(char *to, uint64_t sequence)
{
    size_t    i;
    uint64_t  high, low, x;

    static const char  hex[] = "0123456789abcdef";

    high = workload_mix(sequence);
    low = workload_mix(high ^ sequence);

    for (i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            continue;
        }

        x = i < 18 ? high : low;
        to[i] = hex[x & 15];

        if (i < 18) {
            high >>= 4;

        } else {
            low >>= 4;
        }
    }
}


uint32_t
workload_keys(void)
{
    return (uint32_t) workload_nkeys;
}


const char *
workload_api_key(uint32_t account)
{
    return workload_list[account];
}


const workload_request_t *
workload_request(uint64_t sequence)
{
    workload_request_t  *r;

    r = &workload_pool[sequence % WORKLOAD_POOL];

    if (r->key) {
        workload_uuid(r->bytes + r->key, sequence);
    }

    if (r->id) {
        workload_digits(r->bytes + r->id, 10, sequence);
    }

    workload_digits(r->bytes + r->order, 9, sequence);
    workload_digits(r->bytes + r->number, 8, workload_number(sequence));

    return r;
}
