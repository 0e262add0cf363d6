/* libs: -ljansson */
/* Answers of a service of networks, and lines of the file of ported numbers. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/lookup/file/ported_table.c"
#include "../../plugins/lookup/http/network_answer.c"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    network_paths_t  paths;
    uint64_t         number;
    uint16_t         mcc, mnc;
    int              rc;

    memset(&paths, 0, sizeof(paths));
    paths.mcc = (sms_str_t) SMS_STR("r.0.mcc");
    paths.mnc = (sms_str_t) SMS_STR("r.0.mnc");
    rc = network_answer_read(&paths, (const char *) data, size, &mcc, &mnc);
    ENSURE(rc == 1 ? mcc >= 1 && mcc <= 999 && mnc <= 999 : mcc == 0 && mnc == 0);

    paths.mccmnc = (sms_str_t) SMS_STR("n");
    rc = network_answer_read(&paths, (const char *) data, size, &mcc, &mnc);
    ENSURE(rc == 1 ? mcc >= 1 && mcc <= 999 && mnc <= 999 : mcc == 0 && mnc == 0);

    if (ported_line((const char *) data, size, &number, &mcc, &mnc) == 1) {
        ENSURE(mcc >= 1 && mcc <= 999 && mnc <= 999 && number < 1000000000000000u);
    }

    return 0;
}
