/*
 * sms_json_write.h - JSON (RFC 8259) into a growing buffer.
 *
 *   sms_json_t  w;
 *
 *   sms_json_init(&w, NULL, NULL, 1 << 20);
 *   sms_json_object(&w);
 *   sms_json_key(&w, "to");  sms_json_str(&w, to, len);
 *   sms_json_end(&w);
 *   if (sms_json_done(&w) != SMS_JSON_OK) ...
 *
 * The writer sets commas and colons, and closes what end() closes.  Errors are
 * sticky: after the first one nothing is written, and sms_json_done() tells it.
 * Output is always valid UTF-8: malformed bytes become U+FFFD.  Quote, reverse
 * solidus and controls are escaped, and U+2028, U+2029 too, which JavaScript
 * before 2019 takes for line ends.
 */
#ifndef SMS_JSON_WRITE_H
#define SMS_JSON_WRITE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>


#define SMS_JSON_DEPTH_MAX   32

#define SMS_JSON_OK          0
#define SMS_JSON_E_NOMEM     (-1)
#define SMS_JSON_E_TOO_LONG  (-2)       /* above the maximum of init()            */
#define SMS_JSON_E_MISUSE    (-3)       /* value without key, end without begin,
                                           nested too deep, two roots, not ended  */

/* As realloc(): p NULL allocates.  Old memory is freed by its success. */
typedef void *(*sms_json_grow_pt)(void *data, void *p, size_t old, size_t n);

typedef struct {
    char              *buf;             /* the caller takes it over from done()   */
    size_t             len, cap, max;
    size_t             first;           /* cap to begin with; 0: 1 KiB            */
    sms_json_grow_pt   grow;
    void              *data;
    int                error;
    uint32_t           depth;
    uint32_t           objects;         /* bit: the level is an object            */
    uint32_t           filled;          /* bit: the level has a member            */
    uint8_t            keyed;           /* a key waits for its value              */
    uint8_t            rooted;          /* the one root value has begun           */
} sms_json_t;


/* grow NULL: realloc(), and sms_json_free() frees.  max 0: no limit. */
void sms_json_init(sms_json_t *w, sms_json_grow_pt grow, void *data, size_t max);

/* Before the first byte: how many there will be, or so. */
void sms_json_reserve(sms_json_t *w, size_t n);

void sms_json_object(sms_json_t *w);
void sms_json_array(sms_json_t *w);
void sms_json_end(sms_json_t *w);       /* of the innermost object or array       */

/* A string literal: it is not escaped. */
#define sms_json_key(w, key)                                                  \
    sms_json_key_text(w, "\"" key "\":", sizeof("\"" key "\":") - 1)

void sms_json_key_n(sms_json_t *w, const char *p, size_t n);    /* is escaped     */

/* Where a key of n bytes, with quotes and colon, is to be put; NULL: nowhere. */
char *sms_json_key_place(sms_json_t *w, size_t n);

void sms_json_str(sms_json_t *w, const char *p, size_t n);
void sms_json_cstr(sms_json_t *w, const char *s);       /* NULL writes null       */
void sms_json_ascii(sms_json_t *w, const char *p, size_t n);    /* of plain bytes only,
                                           unchecked: ids, numbers, words         */
void sms_json_int(sms_json_t *w, int64_t v);
void sms_json_bool(sms_json_t *w, int v);
void sms_json_null(sms_json_t *w);
void sms_json_raw(sms_json_t *w, const char *p, size_t n); /* one JSON value, unchecked */

/* All members of an object that was written before, "{...}", unchecked. */
void sms_json_members(sms_json_t *w, const char *object, size_t n);

/* The error, or E_MISUSE while something is open or nothing was written. */
int sms_json_done(const sms_json_t *w);

/* How many of the bytes at p stand for themselves in a string: visible ASCII. */
size_t sms_json_plain(const char *p, size_t n);

/* Forgets the text, keeps buffer and settings. */
void sms_json_reset(sms_json_t *w);

/* Only for the default grow; zeroes the writer. */
void sms_json_free(sms_json_t *w);


/* with its length known to the compiler, it is a few moves */
static inline void
sms_json_key_text(sms_json_t *w, const char *text, size_t n)
{
    char  *p;

    p = sms_json_key_place(w, n);

    if (p != NULL) {
        memcpy(p, text, n);
    }
}


#endif /* SMS_JSON_WRITE_H */
