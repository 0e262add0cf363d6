#include "ngx_sms_json_read.h"

#include <threads.h>


/* a body with one message takes 2 KiB of it */
#define NGX_SMS_JSON_ROOM   16384
#define NGX_SMS_JSON_ALIGN  16


static void *ngx_sms_json_malloc(size_t n);
static void ngx_sms_json_free(void *p);


static _Alignas(NGX_SMS_JSON_ALIGN) u_char  ngx_sms_json_room[NGX_SMS_JSON_ROOM];

/* what is left of it begins there; NULL: no document is open */
static thread_local u_char  *ngx_sms_json_next;


json_t *
ngx_sms_json_open(const ngx_str_t *text, json_error_t *error)
{
    static ngx_uint_t  set;

    if (!set) {
        json_set_alloc_funcs(ngx_sms_json_malloc, ngx_sms_json_free);
        set = 1;
    }

    ngx_sms_json_next = ngx_sms_json_room;

    return json_loadb((const char *) text->data, text->len,
                      JSON_REJECT_DUPLICATES, error);
}


void
ngx_sms_json_close(json_t *root)
{
    json_decref(root);
    ngx_sms_json_next = NULL;
}


static void *
ngx_sms_json_malloc(size_t n)
{
    void  *p;

    if (ngx_sms_json_next == NULL
        || n > (size_t) (ngx_sms_json_room + NGX_SMS_JSON_ROOM
                         - ngx_sms_json_next))
    {
        return malloc(n);
    }

    p = ngx_sms_json_next;
    ngx_sms_json_next += ngx_align(n, NGX_SMS_JSON_ALIGN);

    return p;
}


static void
ngx_sms_json_free(void *p)
{
    if ((u_char *) p < ngx_sms_json_room
        || (u_char *) p >= ngx_sms_json_room + NGX_SMS_JSON_ROOM)
    {
        free(p);
    }
}
