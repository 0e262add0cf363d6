/* libs: -ljansson */

/*
 * What İYS, or whoever stands in its place, may answer: the readers of
 * consent/iys take any octets.  First octet: which reader; the rest: the body.
 */
#include "../../plugins/consent/iys/iys_error.c"
#include "../../plugins/consent/iys/iys_status.c"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
fuzz_bulk(sms_str_t body, uint32_t max)
{
    uint32_t           i;
    static iys_bulk_t  a;

    if (iys_status_bulk_read(body, max, &a) != SMS_OK) {
        assert(a.n == 0);
        return;
    }

    assert(a.n <= max && a.n <= IYS_BATCH_MAX);
    assert(strlen(a.request_id) > 0 && strlen(a.request_id) <= IYS_PROOF_MAX);

    for (i = 0; i < a.n; i++) {
        assert(a.listed[i] >= UINT64_C(905000000000)
               && a.listed[i] <= UINT64_C(905999999999));
    }
}


static void
fuzz_single(uint32_t http, sms_str_t body)
{
    iys_single_t  a;

    if (iys_status_single_read(http, body, UINT64_C(905321112233),
                               SMS_RECIPIENT_TACIR, &a)
        != SMS_OK)
    {
        return;
    }

    assert(a.record >= IYS_RECORD_NONE && a.record <= IYS_RECORD_RET);
    assert((a.record == IYS_RECORD_NONE) == (a.transaction_id[0] == '\0'));
    assert(http == 200 || a.record == IYS_RECORD_NONE);
}


static void
fuzz_error(uint32_t http, sms_str_t body)
{
    size_t               i, j;
    iys_faults_t         f;
    const iys_error_t   *e;

    (void) iys_error_read(body, &f);
    assert(f.n <= IYS_FAULTS_MAX);

    for (i = 0; i < f.n; i++) {
        assert(f.fault[i].index >= -1);

        for (j = 0; f.fault[i].code[j] != '\0'; j++) {
            assert(f.fault[i].code[j] > 0x2f && f.fault[i].code[j] < 0x7b);
        }
    }

    e = iys_error_judge(http, &f);
    assert(e != NULL && e->klass >= IYS_ERROR_RETRY
           && e->klass <= IYS_ERROR_REQUEST);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                   *copy;
    sms_str_t               body;
    static const uint32_t   http[] = {
        200, 204, 400, 401, 403, 404, 408, 422, 429, 500, 503, 302
    };

    if (size == 0) {
        return 0;
    }

    /* of exactly that size: a read behind the end is seen */

    copy = malloc(size - 1);

    if (copy == NULL) {
        return 0;
    }

    memcpy(copy, data + 1, size - 1);
    body.ptr = copy;
    body.len = size - 1;

    switch (data[0] % 4) {
    case 0:
        fuzz_bulk(body, 1 + data[0] * 4);
        break;
    case 1:
        fuzz_single(http[data[0] / 4 % 12], body);
        break;
    case 2:
        fuzz_single(data[0] / 4 % 2 ? 404 : 200, body);
        break;
    default:
        fuzz_error(http[data[0] / 4 % 12], body);
    }

    free(copy);

    return 0;
}
