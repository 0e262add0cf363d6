#include "otp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* the keys of workload's own requests begin with its smaller numbers */
#define OTP_KEYS  ((uint64_t) 1 << 40)

static workload_request_t  otp_pool[OTP_POOL];


static int
otp_write(workload_request_t *r, const char *key, const char *confirm)
{
    int   n, body_len;
    char  body[512], request[1024];

    body_len = snprintf(body, sizeof(body),
                        "{\"class\":\"otp\",\"sender\":\"ORNEK\",\"text\":\"Ornek girisi icin "
                        "dogrulama kodunuz ######. Kimseyle paylasmayin.\",%s%s%s"
                        "\"to\":[\"+" OTP_PREFIX "########\"]}",
                        confirm ? "\"confirm\":" : "", confirm ? confirm : "",
                        confirm ? "," : "");

    n = snprintf(request, sizeof(request),
                 "POST /v1/messages HTTP/1.1\r\n"
                 "Host: 127.0.0.1\r\n"
                 "Authorization: Bearer %s\r\n"
                 "Content-Type: application/json\r\n"
                 "Idempotency-Key: ########-####-####-####-############\r\n"
                 "Content-Length: %d\r\n"
                 "\r\n"
                 "%s", key, body_len, body);

    if (body_len >= (int) sizeof(body) || n >= (int) sizeof(request)) {
        fprintf(stderr, "otp: request too long\n");
        return -1;
    }

    r->bytes = strdup(request);
    if (r->bytes == NULL) {
        perror("otp");
        return -1;
    }

    r->len = (size_t) n;
    r->key = (uint32_t) (strstr(request, "########-####") - request);
    r->order = (uint32_t) (strstr(request, "######. ") - request);
    r->number = (uint32_t) (strstr(request, "+" OTP_PREFIX) + 5 - request);

    return 0;
}


int
otp_init(const char *confirm)
{
    uint32_t  i;

    for (i = 0; i < OTP_POOL; i++) {
        if (otp_write(&otp_pool[i], workload_api_key(i % workload_keys()), confirm) != 0) {
            return -1;
        }
    }

    return 0;
}


uint64_t
otp_number(uint64_t sequence)
{
    return 905400000000 + sequence % WORKLOAD_SEQUENCES;
}


const workload_request_t *
otp_request(uint64_t sequence)
{
    workload_request_t  *r;

    r = &otp_pool[sequence % OTP_POOL];
    workload_uuid(r->bytes + r->key, OTP_KEYS + sequence);
    workload_digits(r->bytes + r->order, 6, workload_number(sequence));
    workload_digits(r->bytes + r->number, 8, otp_number(sequence));

    return r;
}
