/* libs: -ljansson */

/*
 * The token answer of İYS, and a token record out of the shared dictionary:
 * any octets.  What is read survives being packed and unpacked.
 */
#include "../../plugins/consent/iys/iys.c"
#include "../../plugins/consent/iys/iys_answer.c"
#include "../../plugins/consent/iys/iys_ask.c"
#include "../../plugins/consent/iys/iys_base64.c"
#include "../../plugins/consent/iys/iys_budget.c"
#include "../../plugins/consent/iys/iys_call.c"
#include "../../plugins/consent/iys/iys_errand.c"
#include "../../plugins/consent/iys/iys_error.c"
#include "../../plugins/consent/iys/iys_halt.c"
#include "../../plugins/consent/iys/iys_pump.c"
#include "../../plugins/consent/iys/iys_push.c"
#include "../../plugins/consent/iys/iys_query.c"
#include "../../plugins/consent/iys/iys_status.c"
#include "../../plugins/consent/iys/iys_token.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_NOW  (INT64_C(1772440000) * IYS_SECOND_US)


static void
fuzz_token(const iys_token_t *t)
{
    const char  *p;

    assert(t->access[0] != '\0' && strlen(t->access) <= IYS_TOKEN_MAX);

    for (p = t->access; *p != '\0'; p++) {
        assert(*p > 0x20 && *p < 0x7f);     /* a header line stays one line */
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                *copy;
    size_t               len;
    sms_str_t            body;
    static iys_token_t   t, back;
    static char          packed[2 * IYS_TOKEN_MAX + 128];

    if (size == 0) {
        return 0;
    }

    copy = malloc(size - 1);

    if (copy == NULL) {
        return 0;
    }

    memcpy(copy, data + 1, size - 1);
    body.ptr = copy;
    body.len = size - 1;

    if (data[0] % 2 == 0) {

        if (iys_token_read(body, FUZZ_NOW, &t) == SMS_OK) {
            fuzz_token(&t);
            assert(t.access_until_us > FUZZ_NOW
                   && t.access_until_us <= FUZZ_NOW + 86400 * IYS_SECOND_US);

            assert(iys_token_pack(&t, packed, sizeof(packed), &len) == SMS_OK);
            body.ptr = packed;
            body.len = len;
            assert(iys_token_unpack(body, &back) == SMS_OK);
            assert(strcmp(t.access, back.access) == 0
                   && t.issued_us == back.issued_us
                   && t.access_until_us == back.access_until_us
                   && t.refresh_until_us == back.refresh_until_us);
        }

    } else if (iys_token_unpack(body, &t) == SMS_OK) {
        fuzz_token(&t);
    }

    free(copy);

    return 0;
}
