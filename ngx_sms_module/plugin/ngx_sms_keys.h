/*
 * A plugin's configuration keys: its key table and what the block says, made
 * into the sms_conf_t that check() and init() get.
 *
 * The same code runs in the probe child and in the worker, so what "nginx -t"
 * accepted is what init() sees.
 *
 *   STR    as written            INT    -5, 100 (min..max)
 *   MSEC   500ms 10s 2m, bare: s SIZE   512, 8k, 2m, 1g
 *   BOOL   on | off              ENUM   one of "choices"
 *   SECRET as STR, never shown   PATH   relative to nginx's prefix
 *   LIST   several values, on one line or on several
 *
 * Messages name the allowed values and never a secret's.
 */
#ifndef NGX_SMS_KEYS_H
#define NGX_SMS_KEYS_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "sms_json_write.h"
#include "sms_plugin.h"

#include "ngx_sms_plugin.h"


#define NGX_SMS_KEYS_MAX    128
#define NGX_SMS_KEYS_ERROR  512


typedef struct {
    const sms_conf_key_t    *key;           /* the plugin's                   */
    sms_str_t               *items;         /* 1, or more of a LIST           */
    uint32_t                 n;             /* 0: not given, no default       */
    int64_t                  num;
    unsigned                 given:1;
} ngx_sms_keys_entry_t;

typedef struct {
    sms_conf_t               conf;          /* first: what the plugin gets    */
    ngx_sms_keys_entry_t    *entries;
    ngx_uint_t               n;
} ngx_sms_keys_t;

typedef struct {
    ngx_int_t                value;         /* index in values; -1: the block */
    u_char                   text[NGX_SMS_KEYS_ERROR];  /* NUL-terminated     */
} ngx_sms_keys_error_t;


/* what stands in p's block, by the table of "ops"; strings are copied into pool.
 * NULL: *err tells.                                                          */
ngx_sms_keys_t *ngx_sms_keys_build(const sms_ops_t *ops, ngx_sms_plugin_t *p,
    ngx_pool_t *pool, ngx_sms_keys_error_t *err);

/* the array of keys: name, type, required, default, choices, min, max, doc,
 * value                                                                      */
void ngx_sms_keys_describe(const ngx_sms_keys_t *keys, sms_json_t *w);

#endif /* NGX_SMS_KEYS_H */
