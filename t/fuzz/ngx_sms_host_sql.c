/* Any text as a statement: the scanner ends, and within its bounds. */
#include "../../ngx_sms_module/plugin/ngx_sms_host_sql.c"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int    n;
    char  *sql;

    sql = malloc(size + 1);
    if (sql == NULL) {
        return 0;
    }

    memcpy(sql, data, size);
    sql[size] = '\0';

    n = ngx_sms_host_sql_params(sql);
    assert(n >= -1 && n <= NGX_SMS_HOST_SQL_PARAMS);

    free(sql);

    return 0;
}
