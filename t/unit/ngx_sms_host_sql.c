/* How many parameters a plugin's statement has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../ngx_sms_module/plugin/ngx_sms_host_sql.c"


static void
statements(void **state)
{
    size_t  i;

    static const struct {
        const char  *sql;
        int          n;
    } cases[] = {
        { "", 0 },
        { "select 1", 0 },
        { "select $1", 1 },
        { "select $2, $1, $2", 2 },
        { "select $10 + $9", 10 },
        { "select '$5', \"$6\", $1", 1 },
        { "select 'it''s $5', $1", 1 },
        { "select '\\', $1", 1 },
        { "select E'\\'$5', $2", 2 },
        { "select e'\\\\', $2", 2 },
        { "select $1 -- and $2\n + $3", 3 },
        { "select $1 -- and $2", 1 },
        { "select /* $4 /* $5 */ $6 */ $1", 1 },
        { "select $$ $4 $$, $1", 1 },
        { "select $t$ $4 $$ $5 $t$, $1", 1 },
        { "select a$4, $1", 1 },
        { "select $64", 64 },
        { "select $1::int[1], $2::text", 2 },
        { "select $ 1", 0 },
        { "select $65", -1 },
        { "select $99999999999999999999", -1 },
        { "select $0", -1 },
        { "select 'open", -1 },
        { "select \"open", -1 },
        { "select E'open\\'", -1 },
        { "select /* open", -1 },
        { "select $a$ open $b$", -1 }
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ngx_sms_host_sql_params(cases[i].sql) != cases[i].n) {
            fail_msg("\"%s\": %d instead of %d", cases[i].sql,
                     ngx_sms_host_sql_params(cases[i].sql), cases[i].n);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(statements)
    };

    return cmocka_run_group_tests_name("ngx_sms_host_sql", tests, NULL, NULL);
}
