#include "ngx_sms_dict.h"

#include "ngx_sms_area.h"
#include "ngx_sms_counter.h"

#define NGX_SMS_DICT_SHARDS    16
#define NGX_SMS_DICT_CHUNK     124
#define NGX_SMS_DICT_NONE      UINT32_MAX
#define NGX_SMS_DICT_WAIT_US   2000
#define NGX_SMS_DICT_NUMBER    24

/* Key and value lie one after the other in a chain of chunks.  Everything is an
 * index into the shard's own arrays, never a pointer.                         */
typedef struct {
    uint64_t  hash;
    int64_t   expires_ms;                   /* monotonic; 0: never            */
    uint32_t  next;                         /* in the hash chain, or free list */
    uint32_t  chunk;
    uint16_t  value_len;
    uint8_t   key_len;
    uint8_t   used;                         /* since the hand passed          */
    uint32_t  live;
} ngx_sms_dict_entry_t;

typedef struct {
    uint32_t  next;
    u_char    data[NGX_SMS_DICT_CHUNK];
} ngx_sms_dict_chunk_t;

typedef struct {
    volatile ngx_atomic_t  holder;          /* pid, 0: free                   */
    uint32_t               nbuckets;        /* a power of two                 */
    uint32_t               nentries;
    uint32_t               nchunks;
    uint32_t               free_entry;
    uint32_t               free_chunk;
    uint32_t               chunks_left;
    uint32_t               hand;
    uint64_t               buckets;         /* offsets from the shard         */
    uint64_t               entries;
    uint64_t               chunks;
} ngx_sms_dict_shard_t;

struct ngx_sms_dict_s {
    uint64_t  stride;                       /* octets of a shard              */
    uint64_t  seed;
    u_char    pad[NGX_SMS_LINE - 2 * sizeof(uint64_t)];
};

#define ngx_sms_dict_buckets(s)   ((uint32_t *) ((u_char *) (s) + (s)->buckets))
#define ngx_sms_dict_entries(s)                                               \
    ((ngx_sms_dict_entry_t *) ((u_char *) (s) + (s)->entries))
#define ngx_sms_dict_chunks(s)                                                \
    ((ngx_sms_dict_chunk_t *) ((u_char *) (s) + (s)->chunks))


static void
ngx_sms_dict_reset(ngx_sms_dict_shard_t *s)
{
    uint32_t               i, *buckets;
    ngx_sms_dict_entry_t  *e;
    ngx_sms_dict_chunk_t  *c;

    buckets = ngx_sms_dict_buckets(s);
    e = ngx_sms_dict_entries(s);
    c = ngx_sms_dict_chunks(s);

    for (i = 0; i < s->nbuckets; i++) {
        buckets[i] = NGX_SMS_DICT_NONE;
    }

    for (i = 0; i < s->nentries; i++) {
        e[i].live = 0;
        e[i].next = i + 1 < s->nentries ? i + 1 : NGX_SMS_DICT_NONE;
    }

    for (i = 0; i < s->nchunks; i++) {
        c[i].next = i + 1 < s->nchunks ? i + 1 : NGX_SMS_DICT_NONE;
    }

    s->free_entry = 0;
    s->free_chunk = 0;
    s->chunks_left = s->nchunks;
    s->hand = 0;
}


ngx_int_t
ngx_sms_dict_area_init(ngx_sms_dict_t *dict, size_t size)
{
    size_t                 left, n;
    ngx_uint_t             i;
    ngx_sms_dict_shard_t  *s;

    if (size < sizeof(ngx_sms_dict_t) + NGX_SMS_DICT_SHARDS * 65536) {
        return NGX_ERROR;
    }

    dict->stride = (size - sizeof(ngx_sms_dict_t)) / NGX_SMS_DICT_SHARDS
                   / NGX_SMS_LINE * NGX_SMS_LINE;

    /* keys come from outside: nobody may know which of them collide */
    dict->seed = ((uint64_t) ngx_random() << 42) ^ ((uint64_t) ngx_random() << 21)
                 ^ (uint64_t) ngx_random() ^ (uint64_t) ngx_pid;

    for (i = 0; i < NGX_SMS_DICT_SHARDS; i++) {
        s = (ngx_sms_dict_shard_t *) ((u_char *) (dict + 1)
                                      + i * dict->stride);

        left = dict->stride - NGX_SMS_LINE;

        /* an entry, two chunks and two places in the hash each */
        n = left / (sizeof(ngx_sms_dict_entry_t)
                    + 2 * sizeof(ngx_sms_dict_chunk_t)
                    + 2 * sizeof(uint32_t));

        s->nbuckets = 1;

        while ((size_t) s->nbuckets * 2 <= n) {
            s->nbuckets *= 2;
        }

        s->nentries = (uint32_t) n;
        s->buckets = NGX_SMS_LINE;
        s->entries = s->buckets
                     + (s->nbuckets * sizeof(uint32_t) + 63) / 64 * 64;
        s->chunks = s->entries + n * sizeof(ngx_sms_dict_entry_t);
        s->nchunks = (uint32_t) ((dict->stride - s->chunks)
                                 / sizeof(ngx_sms_dict_chunk_t));

        ngx_sms_dict_reset(s);
    }

    return NGX_OK;
}


static uint64_t
ngx_sms_dict_hash(ngx_sms_dict_t *dict, ngx_str_t *key)
{
    size_t    i;
    uint64_t  h;

    h = dict->seed ^ UINT64_C(14695981039346656037);

    for (i = 0; i < key->len; i++) {
        h ^= key->data[i];
        h *= UINT64_C(1099511628211);
        h ^= h >> 29;
    }

    h ^= h >> 32;
    h *= UINT64_C(0x94d049bb133111eb);
    h ^= h >> 31;

    return h;
}


static int64_t
ngx_sms_dict_now_ms(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


static int64_t
ngx_sms_dict_now_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


/* A holder that died may have left the shard half written: who finds it takes
 * the lock over and empties the shard.  A holder that is only slow (stopped,
 * paged out) is left alone, and the caller does without.                     */
static ngx_int_t
ngx_sms_dict_lock(ngx_sms_zone_t *zone, ngx_sms_dict_shard_t *s)
{
    int64_t            start;
    ngx_uint_t         i;
    ngx_atomic_uint_t  holder;

    start = 0;

    for ( ;; ) {

        for (i = 0; i < 64; i++) {

            if (s->holder == 0
                && ngx_atomic_cmp_set(&s->holder, 0,
                                      (ngx_atomic_uint_t) ngx_pid))
            {
                return NGX_OK;
            }

            ngx_cpu_pause();
        }

        holder = s->holder;

        /* one's own pid can only be that of a dead process before us */

        if (holder != 0
            && ((ngx_pid_t) holder == ngx_pid
                || ngx_sms_slot_pid_gone((ngx_pid_t) holder))
            && ngx_atomic_cmp_set(&s->holder, holder,
                                  (ngx_atomic_uint_t) ngx_pid))
        {
            ngx_sms_dict_reset(s);
            ngx_sms_counter_inc(zone, NGX_SMS_C_DICT_RESET);
            return NGX_OK;
        }

        if (start == 0) {
            start = ngx_sms_dict_now_us();

        } else if (ngx_sms_dict_now_us() - start > NGX_SMS_DICT_WAIT_US) {
            return NGX_AGAIN;
        }

        ngx_sched_yield();
    }
}


static void
ngx_sms_dict_unlock(ngx_sms_dict_shard_t *s)
{
    ngx_memory_barrier();
    (void) ngx_atomic_cmp_set(&s->holder, (ngx_atomic_uint_t) ngx_pid, 0);
}


static ngx_uint_t
ngx_sms_dict_same_key(ngx_sms_dict_shard_t *s, ngx_sms_dict_entry_t *e,
    ngx_str_t *key)
{
    size_t                 n, at;
    uint32_t               chunk;
    ngx_sms_dict_chunk_t  *c;

    if (e->key_len != key->len) {
        return 0;
    }

    c = ngx_sms_dict_chunks(s);
    chunk = e->chunk;

    for (at = 0; at < key->len; at += n) {
        n = ngx_min(key->len - at, NGX_SMS_DICT_CHUNK);

        if (ngx_memcmp(c[chunk].data, key->data + at, n) != 0) {
            return 0;
        }

        chunk = c[chunk].next;
    }

    return 1;
}


/* octets "from" .. "from + len" of what an entry's chain holds */
static void
ngx_sms_dict_copy_out(ngx_sms_dict_shard_t *s, ngx_sms_dict_entry_t *e,
    size_t from, u_char *p, size_t len)
{
    size_t                 n;
    uint32_t               chunk;
    ngx_sms_dict_chunk_t  *c;

    c = ngx_sms_dict_chunks(s);

    for (chunk = e->chunk; from >= NGX_SMS_DICT_CHUNK && len;
         from -= NGX_SMS_DICT_CHUNK)
    {
        chunk = c[chunk].next;
    }

    while (len) {
        n = ngx_min(len, NGX_SMS_DICT_CHUNK - from);
        ngx_memcpy(p, c[chunk].data + from, n);

        p += n;
        len -= n;
        from = 0;
        chunk = c[chunk].next;
    }
}


static void
ngx_sms_dict_copy_in(ngx_sms_dict_shard_t *s, ngx_sms_dict_entry_t *e,
    size_t from, const u_char *p, size_t len)
{
    size_t                 n;
    uint32_t               chunk;
    ngx_sms_dict_chunk_t  *c;

    c = ngx_sms_dict_chunks(s);

    for (chunk = e->chunk; from >= NGX_SMS_DICT_CHUNK && len;
         from -= NGX_SMS_DICT_CHUNK)
    {
        chunk = c[chunk].next;
    }

    while (len) {
        n = ngx_min(len, NGX_SMS_DICT_CHUNK - from);
        ngx_memcpy(c[chunk].data + from, p, n);

        p += n;
        len -= n;
        from = 0;
        chunk = c[chunk].next;
    }
}


static uint32_t
ngx_sms_dict_need(size_t octets)
{
    return octets ? (uint32_t) ((octets + NGX_SMS_DICT_CHUNK - 1)
                                / NGX_SMS_DICT_CHUNK)
                  : 1;
}


static void
ngx_sms_dict_remove(ngx_sms_dict_shard_t *s, uint32_t i)
{
    uint32_t              *link, chunk, next, n;
    ngx_sms_dict_entry_t  *e;
    ngx_sms_dict_chunk_t  *c;

    e = ngx_sms_dict_entries(s);
    c = ngx_sms_dict_chunks(s);

    link = &ngx_sms_dict_buckets(s)[e[i].hash & (s->nbuckets - 1)];

    while (*link != i) {
        link = &e[*link].next;
    }

    *link = e[i].next;

    n = ngx_sms_dict_need((size_t) e[i].key_len + e[i].value_len);

    for (chunk = e[i].chunk; n != 0; n--) {
        next = c[chunk].next;
        c[chunk].next = s->free_chunk;
        s->free_chunk = chunk;
        s->chunks_left++;
        chunk = next;
    }

    e[i].live = 0;
    e[i].next = s->free_entry;
    s->free_entry = i;
}


static uint32_t
ngx_sms_dict_find(ngx_sms_dict_shard_t *s, uint64_t hash, ngx_str_t *key)
{
    uint32_t               i;
    ngx_sms_dict_entry_t  *e;

    e = ngx_sms_dict_entries(s);
    i = ngx_sms_dict_buckets(s)[hash & (s->nbuckets - 1)];

    while (i != NGX_SMS_DICT_NONE) {

        if (e[i].hash == hash && ngx_sms_dict_same_key(s, &e[i], key)) {

            if (e[i].expires_ms && e[i].expires_ms <= ngx_sms_dict_now_ms()) {
                ngx_sms_dict_remove(s, i);
                return NGX_SMS_DICT_NONE;
            }

            e[i].used = 1;
            return i;
        }

        i = e[i].next;
    }

    return NGX_SMS_DICT_NONE;
}


/* Makes room by the clock: each entry that was used gets one more round. */
static ngx_int_t
ngx_sms_dict_room(ngx_sms_zone_t *zone, ngx_sms_dict_shard_t *s, uint32_t need)
{
    int64_t                now;
    uint32_t               steps, i;
    ngx_sms_dict_entry_t  *e;

    if (need > s->nchunks) {
        return NGX_ERROR;
    }

    if (s->free_entry != NGX_SMS_DICT_NONE && s->chunks_left >= need) {
        return NGX_OK;
    }

    e = ngx_sms_dict_entries(s);
    now = ngx_sms_dict_now_ms();

    for (steps = 0; steps < 2 * s->nentries; steps++) {

        i = s->hand;
        s->hand = i + 1 < s->nentries ? i + 1 : 0;

        if (!e[i].live) {
            continue;
        }

        if (e[i].expires_ms && e[i].expires_ms <= now) {
            ngx_sms_dict_remove(s, i);

        } else if (e[i].used) {
            e[i].used = 0;
            continue;

        } else {
            ngx_sms_dict_remove(s, i);
            ngx_sms_counter_inc(zone, NGX_SMS_C_DICT_EVICTED);
        }

        if (s->chunks_left >= need) {
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_sms_dict_insert(ngx_sms_zone_t *zone, ngx_sms_dict_shard_t *s,
    uint64_t hash, ngx_str_t *key, const u_char *value, size_t len,
    ngx_msec_t ttl_ms)
{
    uint32_t               i, need, n, *link, *bucket;
    ngx_sms_dict_entry_t  *e;
    ngx_sms_dict_chunk_t  *c;

    need = ngx_sms_dict_need(key->len + len);

    if (ngx_sms_dict_room(zone, s, need) != NGX_OK) {
        return NGX_ERROR;
    }

    c = ngx_sms_dict_chunks(s);

    i = s->free_entry;
    e = &ngx_sms_dict_entries(s)[i];
    s->free_entry = e->next;

    link = &e->chunk;

    for (n = 0; n < need; n++) {
        *link = s->free_chunk;
        s->free_chunk = c[*link].next;
        link = &c[*link].next;
    }

    *link = NGX_SMS_DICT_NONE;
    s->chunks_left -= need;

    e->hash = hash;
    e->key_len = (uint8_t) key->len;
    e->value_len = (uint16_t) len;
    e->expires_ms = ttl_ms ? ngx_sms_dict_now_ms() + (int64_t) ttl_ms : 0;
    e->used = 1;
    e->live = 1;

    ngx_sms_dict_copy_in(s, e, 0, key->data, key->len);
    ngx_sms_dict_copy_in(s, e, key->len, value, len);

    bucket = &ngx_sms_dict_buckets(s)[hash & (s->nbuckets - 1)];
    e->next = *bucket;
    *bucket = i;

    return NGX_OK;
}


static ngx_int_t
ngx_sms_dict_open(ngx_sms_zone_t *zone, ngx_str_t *key, uint64_t *hash,
    ngx_sms_dict_shard_t **s)
{
    ngx_sms_dict_t  *dict = zone->dict;

    if (key->len == 0 || key->len > NGX_SMS_DICT_KEY) {
        return NGX_ERROR;
    }

    *hash = ngx_sms_dict_hash(dict, key);
    *s = (ngx_sms_dict_shard_t *) ((u_char *) (dict + 1)
                                   + (*hash >> 60) * dict->stride);

    return ngx_sms_dict_lock(zone, *s);
}


ngx_int_t
ngx_sms_dict_get(ngx_sms_zone_t *zone, ngx_str_t *key, u_char *buf, size_t cap,
    size_t *len)
{
    uint32_t               i;
    uint64_t               hash;
    ngx_int_t              rc;
    ngx_sms_dict_entry_t  *e;
    ngx_sms_dict_shard_t  *s;

    rc = ngx_sms_dict_open(zone, key, &hash, &s);
    if (rc != NGX_OK) {
        return rc;
    }

    i = ngx_sms_dict_find(s, hash, key);
    rc = NGX_DECLINED;

    if (i != NGX_SMS_DICT_NONE) {
        e = &ngx_sms_dict_entries(s)[i];
        *len = e->value_len;
        ngx_sms_dict_copy_out(s, e, e->key_len, buf, ngx_min(*len, cap));
        rc = NGX_OK;
    }

    ngx_sms_dict_unlock(s);

    return rc;
}


static ngx_int_t
ngx_sms_dict_put(ngx_sms_zone_t *zone, ngx_str_t *key, ngx_str_t *value,
    ngx_msec_t ttl_ms, ngx_uint_t replace)
{
    uint32_t               i;
    uint64_t               hash;
    ngx_int_t              rc;
    ngx_sms_dict_shard_t  *s;

    if (value->len > NGX_SMS_DICT_VALUE) {
        return NGX_ERROR;
    }

    rc = ngx_sms_dict_open(zone, key, &hash, &s);
    if (rc != NGX_OK) {
        return rc;
    }

    i = ngx_sms_dict_find(s, hash, key);

    if (i != NGX_SMS_DICT_NONE && !replace) {
        rc = NGX_DECLINED;

    } else {
        if (i != NGX_SMS_DICT_NONE) {
            ngx_sms_dict_remove(s, i);
        }

        rc = ngx_sms_dict_insert(zone, s, hash, key, value->data, value->len,
                                 ttl_ms);
    }

    ngx_sms_dict_unlock(s);

    return rc;
}


ngx_int_t
ngx_sms_dict_set(ngx_sms_zone_t *zone, ngx_str_t *key, ngx_str_t *value,
    ngx_msec_t ttl_ms)
{
    return ngx_sms_dict_put(zone, key, value, ttl_ms, 1);
}


ngx_int_t
ngx_sms_dict_add(ngx_sms_zone_t *zone, ngx_str_t *key, ngx_str_t *value,
    ngx_msec_t ttl_ms)
{
    return ngx_sms_dict_put(zone, key, value, ttl_ms, 0);
}


static ngx_int_t
ngx_sms_dict_number(ngx_sms_dict_shard_t *s, ngx_sms_dict_entry_t *e,
    int64_t *number)
{
    char    text[NGX_SMS_DICT_NUMBER], *end;

    if (e->value_len == 0 || e->value_len >= sizeof(text)) {
        return NGX_ERROR;
    }

    ngx_sms_dict_copy_out(s, e, e->key_len, (u_char *) text, e->value_len);
    text[e->value_len] = '\0';

    ngx_set_errno(0);
    *number = strtoll(text, &end, 10);

    return *end == '\0' && ngx_errno == 0 ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_sms_dict_incr(ngx_sms_zone_t *zone, ngx_str_t *key, int64_t by,
    ngx_msec_t ttl_ms, int64_t *now)
{
    u_char                 text[NGX_SMS_DICT_NUMBER];
    size_t                 len;
    int64_t                number, expires;
    uint32_t               i;
    uint64_t               hash;
    ngx_int_t              rc;
    ngx_sms_dict_entry_t  *e;
    ngx_sms_dict_shard_t  *s;

    rc = ngx_sms_dict_open(zone, key, &hash, &s);
    if (rc != NGX_OK) {
        return rc;
    }

    number = 0;
    expires = 0;
    i = ngx_sms_dict_find(s, hash, key);

    if (i != NGX_SMS_DICT_NONE) {
        e = &ngx_sms_dict_entries(s)[i];
        expires = e->expires_ms;

        if (ngx_sms_dict_number(s, e, &number) != NGX_OK) {
            rc = NGX_ERROR;
            goto done;
        }
    }

    if (__builtin_add_overflow(number, by, &number)) {
        rc = NGX_ERROR;
        goto done;
    }

    len = ngx_sprintf(text, "%L", number) - text;

    if (i != NGX_SMS_DICT_NONE) {
        ngx_sms_dict_remove(s, i);
    }

    /* what was removed has just made room, and its place is first in line */
    rc = ngx_sms_dict_insert(zone, s, hash, key, text, len,
                             i == NGX_SMS_DICT_NONE ? ttl_ms : 0);

    if (rc == NGX_OK) {
        if (i != NGX_SMS_DICT_NONE) {
            i = ngx_sms_dict_find(s, hash, key);
            ngx_sms_dict_entries(s)[i].expires_ms = expires;
        }

        *now = number;
    }

done:

    ngx_sms_dict_unlock(s);

    return rc;
}


ngx_int_t
ngx_sms_dict_delete(ngx_sms_zone_t *zone, ngx_str_t *key)
{
    uint32_t               i;
    uint64_t               hash;
    ngx_int_t              rc;
    ngx_sms_dict_shard_t  *s;

    rc = ngx_sms_dict_open(zone, key, &hash, &s);
    if (rc != NGX_OK) {
        return rc;
    }

    i = ngx_sms_dict_find(s, hash, key);

    if (i != NGX_SMS_DICT_NONE) {
        ngx_sms_dict_remove(s, i);

    } else {
        rc = NGX_DECLINED;
    }

    ngx_sms_dict_unlock(s);

    return rc;
}
