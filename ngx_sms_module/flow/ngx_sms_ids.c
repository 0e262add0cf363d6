#include "ngx_sms_ids.h"

#include <sys/random.h>

#include "sms_uuid.h"
#include "ngx_sms_timer.h"


/* one system call serves 512 ids */
#define NGX_SMS_IDS_POOL  4096


static int ngx_sms_ids_random(void *data, uint8_t *buf, size_t n);


static sms_uuid_gen_t  ngx_sms_ids_gen;
static u_char          ngx_sms_ids_pool[NGX_SMS_IDS_POOL];
static size_t          ngx_sms_ids_left;


void
ngx_sms_ids_init(void)
{
    ngx_sms_ids_left = 0;
    sms_uuid_init(&ngx_sms_ids_gen, ngx_sms_ids_random, NULL);
}


ngx_int_t
ngx_sms_id_make(u_char id[16])
{
    return sms_uuid_make(&ngx_sms_ids_gen,
                         (uint64_t) (ngx_sms_timer_now_us() / 1000), id)
           == 0 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_sms_id_random(u_char *p, size_t n)
{
    return ngx_sms_ids_random(NULL, p, n) == 0 ? NGX_OK : NGX_ERROR;
}


static int
ngx_sms_ids_random(void *data, uint8_t *buf, size_t n)
{
    (void) data;

    if (n > NGX_SMS_IDS_POOL) {
        return -1;
    }

    if (ngx_sms_ids_left < n) {

        if (getrandom(ngx_sms_ids_pool, NGX_SMS_IDS_POOL, 0)
            != NGX_SMS_IDS_POOL)
        {
            ngx_sms_ids_left = 0;
            return -1;
        }

        ngx_sms_ids_left = NGX_SMS_IDS_POOL;
    }

    ngx_sms_ids_left -= n;
    ngx_memcpy(buf, ngx_sms_ids_pool + ngx_sms_ids_left, n);

    return 0;
}
