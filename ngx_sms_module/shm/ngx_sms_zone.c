#include "ngx_sms_zone.h"

#include "ngx_sms_area.h"

#define NGX_SMS_ZONE_MAGIC    UINT64_C(0x736d737a6f6e6531)  /* "smszone1"      */
/* raise it when an area's structure changes without changing its size        */
#define NGX_SMS_ZONE_VERSION  1

/* the head of the memory, offsets from itself */
typedef struct {
    uint64_t  magic;
    uint64_t  version;
    uint64_t  shape;                        /* of what the areas are made     */
    uint64_t  slots;
    uint64_t  counters;
    uint64_t  rates;
    uint64_t  dict;
    uint64_t  size;
} ngx_sms_zone_root_t;

#define ngx_sms_zone_up(n)  (((n) + 127) & ~(size_t) 127)


static ngx_int_t ngx_sms_zone_init(ngx_shm_zone_t *shm_zone, void *data);


/* Everything that decides where things lie.  FNV-1a over the numbers. */
static uint64_t
ngx_sms_zone_shape(void)
{
    size_t      numbers[4];
    uint64_t    h;
    ngx_uint_t  i, k;

    numbers[0] = ngx_sms_slot_area_size();
    numbers[1] = ngx_sms_counter_area_size();
    numbers[2] = NGX_SMS_ZONE_VERSION;
    numbers[3] = sizeof(ngx_sms_zone_root_t);

    h = UINT64_C(14695981039346656037);

    for (i = 0; i < 4; i++) {
        for (k = 0; k < 8; k++) {
            h ^= (numbers[i] >> (8 * k)) & 0xff;
            h *= UINT64_C(1099511628211);
        }
    }

    return h;
}


static ngx_uint_t
ngx_sms_zone_fits(ngx_shm_zone_t *shm_zone)
{
    ngx_slab_pool_t      *pool;
    ngx_sms_zone_root_t  *root;

    pool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (pool == NULL || pool->data == NULL) {
        return 0;
    }

    root = pool->data;

    return root->magic == NGX_SMS_ZONE_MAGIC
           && root->version == NGX_SMS_ZONE_VERSION
           && root->shape == ngx_sms_zone_shape();
}


/* Of the configuration that runs now, if any.  Asked before nginx decides to
 * reuse the memory, because the old workers still live in it: what does not
 * fit must be left to them, not made over.                                   */
static ngx_shm_zone_t *
ngx_sms_zone_old(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_shm_zone_t   *zones;

    if (cf->cycle->old_cycle == NULL
        || cf->cycle->old_cycle->shared_memory.size == 0)
    {
        return NULL;
    }

    part = &cf->cycle->old_cycle->shared_memory.part;
    zones = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            zones = part->elts;
            i = 0;
        }

        if (zones[i].shm.name.len == name->len
            && ngx_strncmp(zones[i].shm.name.data, name->data, name->len) == 0)
        {
            return &zones[i];
        }
    }
}


ngx_sms_zone_t *
ngx_sms_zone_create(ngx_conf_t *cf, ngx_str_t *name, size_t size, void *tag)
{
    ngx_shm_zone_t  *shm_zone, *old;
    ngx_sms_zone_t  *zone;

    if (size < NGX_SMS_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small, it needs at least %uz",
                           name, (size_t) NGX_SMS_ZONE_MIN);
        return NULL;
    }

    shm_zone = ngx_shared_memory_add(cf, name, size, tag);
    if (shm_zone == NULL) {
        return NULL;
    }

    if (shm_zone->data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate zone \"%V\"", name);
        return NULL;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_sms_zone_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->shm_zone = shm_zone;

    shm_zone->init = ngx_sms_zone_init;
    shm_zone->data = zone;

    old = ngx_sms_zone_old(cf, name);

    if (old != NULL && old->tag == tag && old->shm.size == size
        && !ngx_sms_zone_fits(old))
    {
        shm_zone->noreuse = 1;
    }

    return zone;
}


ngx_sms_zone_t *
ngx_sms_zone_add(ngx_conf_t *cf, ngx_str_t *value, void *tag)
{
    u_char     *colon;
    ssize_t     size;
    ngx_str_t   name, text;

    name = *value;

    if (name.len > 5 && ngx_strncmp(name.data, "zone=", 5) == 0) {
        name.data += 5;
        name.len -= 5;
    }

    colon = ngx_strlchr(name.data, name.data + name.len, ':');

    if (colon == NULL || colon == name.data) {
        goto invalid;
    }

    text.data = colon + 1;
    text.len = name.data + name.len - text.data;
    name.len = colon - name.data;

    size = ngx_parse_size(&text);

    if (size == NGX_ERROR) {
        goto invalid;
    }

    return ngx_sms_zone_create(cf, &name, (size_t) size, tag);

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid zone \"%V\", want zone=name:size", value);
    return NULL;
}


static void
ngx_sms_zone_point(ngx_sms_zone_t *zone, ngx_sms_zone_root_t *root)
{
    u_char  *base = (u_char *) root;

    zone->slots = (ngx_sms_slots_t *) (base + root->slots);
    zone->counters = (ngx_sms_counters_t *) (base + root->counters);
    zone->rates = (ngx_sms_rates_t *) (base + root->rates);
    zone->dict = (ngx_sms_dict_t *) (base + root->dict);
}


static ngx_int_t
ngx_sms_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                size, left, rates;
    ngx_sms_zone_t       *zone;
    ngx_slab_pool_t      *pool;
    ngx_sms_zone_root_t  *root;

    zone = shm_zone->data;
    pool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data != NULL || shm_zone->shm.exists) {

        if (!ngx_sms_zone_fits(shm_zone)) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "zone \"%V\" has another layout",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }

        zone->adopted = 1;
        ngx_sms_zone_point(zone, pool->data);
        return NGX_OK;
    }

    /* one piece of all pages but a few, which the slab keeps for itself */

    if (pool->pfree < 8) {
        goto small;
    }

    size = (pool->pfree - 4) * ngx_pagesize;

    root = ngx_slab_alloc(pool, size);
    if (root == NULL) {
        goto small;
    }

    ngx_memzero(root, size);

    root->size = size;
    root->version = NGX_SMS_ZONE_VERSION;
    root->shape = ngx_sms_zone_shape();

    root->slots = ngx_sms_zone_up(sizeof(ngx_sms_zone_root_t));
    root->counters = root->slots
                     + ngx_sms_zone_up(ngx_sms_slot_area_size());
    root->rates = root->counters
                  + ngx_sms_zone_up(ngx_sms_counter_area_size());

    if (root->rates >= size) {
        goto small;
    }

    left = size - root->rates;

    /* a bucket is 16 octets: an eighth of 16 MiB holds 100,000 of them */
    rates = ngx_sms_zone_up(left / 8);
    root->dict = root->rates + rates;

    ngx_sms_zone_point(zone, root);

    if (ngx_sms_rate_area_init(zone->rates, rates) != NGX_OK
        || ngx_sms_dict_area_init(zone->dict, size - root->dict) != NGX_OK)
    {
        goto small;
    }

    root->magic = NGX_SMS_ZONE_MAGIC;
    pool->data = root;

    return NGX_OK;

small:

    ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                  "zone \"%V\" is too small", &shm_zone->shm.name);
    return NGX_ERROR;
}
