/* The parts that were sent last: found, shared, forgotten.  cflags: -Ingx_sms_module/store */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* what it takes of nginx and of the store, instead of their headers */
#define NGX_SMS_STORE_FLOW_H
#define ngx_calloc(size, log)  ((void) (log), calloc(1, size))
#define ngx_free               free
#define ngx_memcpy             memcpy
#define ngx_memcmp             memcmp

typedef unsigned char  u_char;
typedef uintptr_t      ngx_uint_t;
typedef struct { int unused; } ngx_log_t;
typedef struct { size_t len; u_char *data; } ngx_str_t;
typedef struct {
    u_char   id[16];
    int64_t  account, price_micro;
    int16_t  attempt, part, total, klass;
    int64_t  sent_us;
} ngx_sms_store_part_t;
typedef struct {
    const u_char  *id;
    int64_t        account, to, price_micro;
    int16_t        klass, attempt, part, total;
    ngx_str_t      operator_id;
} ngx_sms_store_submit_t;

static uint32_t  values = 0xFFFFFFFF;

static uint32_t
ngx_murmur_hash2(u_char *data, size_t len)
{
    size_t    i;
    uint32_t  hash;

    hash = 2166136261;

    for (i = 0; i < len; i++) {
        hash = (hash ^ data[i]) * 16777619;
    }

    return hash % values;
}

#include "../../ngx_sms_module/flow/ngx_sms_sent.c"


static void
put(ngx_sms_sent_t *sent, const char *id, int64_t to, int64_t account)
{
    u_char                  message[16] = { 1 };
    ngx_sms_store_submit_t  r = { .id = message, .account = account, .to = to,
                                  .price_micro = 7, .klass = 2, .attempt = 3,
                                  .part = 1, .total = 2 };

    r.operator_id.data = (u_char *) id;
    r.operator_id.len = strlen(id);
    message[15] = (u_char) account;
    ngx_sms_sent_put(sent, &r, 1000);
}


static int64_t
find(const ngx_sms_sent_t *sent, const char *id, int64_t to)
{
    ngx_str_t                    s = { strlen(id), (u_char *) id };
    const ngx_sms_store_part_t  *part;

    part = ngx_sms_sent_find(sent, &s, to);
    if (part == NULL) {
        return 0;
    }

    assert_int_equal(part->id[15], (u_char) part->account);
    assert_int_equal(part->price_micro, 7);
    assert_int_equal(part->klass, 2);
    assert_int_equal(part->attempt, 3);
    assert_int_equal(part->part, 1);
    assert_int_equal(part->total, 2);

    return part->account;
}


static void
found(void **state)
{
    char             longest[66];
    ngx_sms_sent_t  *sent;

    (void) state;
    sent = ngx_sms_sent_create(NULL);
    assert_non_null(sent);
    memset(longest, 'x', 65);
    longest[65] = '\0';

    assert_int_equal(find(sent, "a1", 5), 0);
    put(sent, "a1", 5, 10);
    put(sent, "b1", 6, 11);
    put(sent, longest + 1, 7, 12);
    put(sent, longest, 7, 13);

    assert_int_equal(find(sent, "a1", 5), 10);
    assert_int_equal(find(sent, "b1", 6), 11);
    assert_int_equal(find(sent, longest + 1, 7), 12);
    assert_int_equal(find(sent, longest, 7), 0);

    /* another number, or one that the receipt does not tell */
    assert_int_equal(find(sent, "a1", 6), 0);
    assert_int_equal(find(sent, "a1", 0), 0);
    assert_int_equal(find(sent, "a", 5), 0);

    ngx_sms_sent_destroy(sent);
}


static void
shared(void **state)
{
    ngx_sms_sent_t  *sent;

    (void) state;
    sent = ngx_sms_sent_create(NULL);
    assert_non_null(sent);

    put(sent, "same", 5, 10);
    put(sent, "same", 6, 11);
    put(sent, "other", 5, 12);

    assert_int_equal(find(sent, "same", 5), 0);
    assert_int_equal(find(sent, "same", 6), 0);
    assert_int_equal(find(sent, "other", 5), 12);

    put(sent, "same", 5, 13);
    assert_int_equal(find(sent, "same", 5), 0);

    ngx_sms_sent_destroy(sent);
}


/* the oldest goes for the newest, and nothing else does */

static void
forget(int n)
{
    int              i;
    char             id[16];
    ngx_sms_sent_t  *sent;

    sent = ngx_sms_sent_create(NULL);
    assert_non_null(sent);

    for (i = 1; i <= NGX_SMS_SENT_PARTS + n; i++) {
        snprintf(id, sizeof(id), "id-%d", i);
        put(sent, id, i, i);
    }

    for (i = 1; i <= NGX_SMS_SENT_PARTS + n; i++) {
        snprintf(id, sizeof(id), "id-%d", i);
        assert_int_equal(find(sent, id, i), i <= n ? 0 : i);
    }

    ngx_sms_sent_destroy(sent);
}


static void
forgotten(void **state)
{
    (void) state;

    forget(0);
    forget(1);
    forget(NGX_SMS_SENT_PARTS + 100);

    /* the same in chains of a dozen */
    values = NGX_SMS_SENT_PARTS / 12;
    forget(1000);
    values = 0xFFFFFFFF;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(found),
        cmocka_unit_test(shared),
        cmocka_unit_test(forgotten),
    };

    return cmocka_run_group_tests_name("ngx_sms_sent", tests, NULL, NULL);
}
