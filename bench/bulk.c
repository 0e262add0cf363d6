#ifndef _GNU_SOURCE
#define _GNU_SOURCE                     /* open_memstream() */
#endif

#include "bulk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define BULK_POOL_MIN  64

/* places of digits, found once a request is written */
#define BULK_NUMBER    "+9053########"
#define BULK_ORDER     "##########nolu"
#define BULK_KEY       "########-####-####-####-############"

typedef struct {
    workload_request_t  request;
    uint32_t           *number;         /* one for each recipient              */
    uint32_t           *order;          /* norder of them                      */
    uint32_t            norder;
} bulk_body_t;

static struct {
    const char   *confirm;
    uint32_t      recipients, npool;
    void        (*write)(FILE *to, uint32_t account, uint64_t *state);
    bulk_body_t  *pool;
} bulk;


static void
bulk_confirm(FILE *to)
{
    if (bulk.confirm) {
        fprintf(to, "\"confirm\":%s,", bulk.confirm);
    }
}


static void
bulk_numbers(FILE *to)
{
    uint32_t  i;

    fputs("\"to\":[", to);

    for (i = 0; i < bulk.recipients; i++) {
        fprintf(to, "%s\"" BULK_NUMBER "\"", i ? "," : "");
    }

    fputs("]}", to);
}


static void
bulk_many(FILE *to, uint32_t account, uint64_t *state)
{
    char  text[512];

    (void) account;
    workload_text(text, sizeof(text), state);

    fprintf(to, "{\"class\":\"informational\",\"basis\":\"order_delivery\","
            "\"sender\":\"ORNEK\",\"text\":\"%s\",", text);
    bulk_confirm(to);
    bulk_numbers(to);
}


static void
bulk_each(FILE *to, uint32_t account, uint64_t *state)
{
    char      text[512];
    uint32_t  i;

    (void) account;

    fputs("{\"class\":\"informational\",\"basis\":\"order_delivery\","
          "\"sender\":\"ORNEK\",", to);
    bulk_confirm(to);
    fputs("\"messages\":[", to);

    for (i = 0; i < bulk.recipients; i++) {
        workload_text(text, sizeof(text), state);
        fprintf(to, "%s{\"to\":\"" BULK_NUMBER "\",\"text\":\"%s\"}", i ? "," : "", text);
    }

    fputs("]}", to);
}


static void
bulk_commercial(FILE *to, uint32_t account, uint64_t *state)
{
    (void) state;

    fprintf(to, "{\"class\":\"commercial\",\"recipient_type\":\"BIREYSEL\","
            "\"sender\":\"ORNEK\",\"text\":\"KAMPANYA: Pazar gunune kadar %%20 indirim. "
            "ornek.com.tr/k Ornek %u A.S. Mersis 0015001526400497 Tel 02121234567 "
            "Ret: MARKA%03u RET yaz 4605'e ucretsiz gonder\",",
            account + 1, account + 1);
    bulk_confirm(to);
    bulk_numbers(to);
}


static int
bulk_places(bulk_body_t *b)
{
    char        *p;
    uint32_t     n;

    b->number = calloc(bulk.recipients, sizeof(uint32_t));
    b->order = calloc(bulk.recipients, sizeof(uint32_t));

    if (b->number == NULL || b->order == NULL) {
        perror("bulk");
        return -1;
    }

    b->request.key = (uint32_t) (strstr(b->request.bytes, BULK_KEY) - b->request.bytes);

    for (n = 0, p = b->request.bytes; (p = strstr(p, BULK_NUMBER)); n++) {
        p += sizeof(BULK_NUMBER) - 1 - 8;
        b->number[n] = (uint32_t) (p - b->request.bytes);
    }

    for (n = 0, p = b->request.bytes; (p = strstr(p, BULK_ORDER)); n++) {
        /* nine digits and a blank */
        p[9] = ' ';
        b->order[n] = (uint32_t) (p - b->request.bytes);
        p += 10;
    }

    b->norder = n;

    return 0;
}


static int
bulk_write(bulk_body_t *b, uint32_t account, uint64_t *state)
{
    char    *body;
    FILE    *to;
    size_t   len;

    to = open_memstream(&body, &len);
    if (to == NULL) {
        perror("bulk");
        return -1;
    }

    bulk.write(to, account, state);
    fclose(to);

    to = open_memstream(&b->request.bytes, &b->request.len);
    if (to == NULL) {
        perror("bulk");
        return -1;
    }

    fprintf(to, "POST /v1/messages HTTP/1.1\r\n"
            "Host: 127.0.0.1\r\n"
            "Authorization: Bearer %s\r\n"
            "Content-Type: application/json\r\n"
            "Idempotency-Key: " BULK_KEY "\r\n"
            "Content-Length: %zu\r\n"
            "\r\n"
            "%s", workload_api_key(account), len, body);
    fclose(to);
    free(body);

    return bulk_places(b);
}


int
bulk_init(const char *shape, uint32_t recipients, const char *confirm)
{
    uint32_t  i, keys;
    uint64_t  state;

    bulk.write = strcmp(shape, "many") == 0 ? bulk_many
                 : strcmp(shape, "each") == 0 ? bulk_each
                 : strcmp(shape, "commercial") == 0 ? bulk_commercial : NULL;

    if (bulk.write == NULL || recipients == 0 || recipients > BULK_RECIPIENTS_MAX) {
        fprintf(stderr, "bulk: no such shape: %s of %u\n", shape, recipients);
        return -1;
    }

    keys = workload_keys();
    bulk.recipients = recipients;
    bulk.confirm = confirm;
    bulk.npool = keys * ((BULK_POOL_MIN + keys - 1) / keys);
    bulk.pool = calloc(bulk.npool, sizeof(bulk_body_t));

    if (bulk.pool == NULL) {
        perror("bulk");
        return -1;
    }

    state = 1;

    for (i = 0; i < bulk.npool; i++) {
        if (bulk_write(&bulk.pool[i], i % keys, &state) != 0) {
            return -1;
        }
    }

    return 0;
}


uint32_t
bulk_pool(void)
{
    return bulk.npool;
}


const workload_request_t *
bulk_request(uint64_t sequence)
{
    uint32_t      i;
    uint64_t      first;
    bulk_body_t  *b;

    b = &bulk.pool[sequence % bulk.npool];
    first = sequence * bulk.recipients;
    workload_uuid(b->request.bytes + b->request.key, sequence);

    for (i = 0; i < bulk.recipients; i++) {
        workload_digits(b->request.bytes + b->number[i], 8, workload_number(first + i));
    }

    for (i = 0; i < b->norder; i++) {
        workload_digits(b->request.bytes + b->order[i], 9, first + i);
    }

    return &b->request;
}
