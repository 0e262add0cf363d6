#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sms_gsm7.h"
#include "sms_segment.h"
#include "sms_translit.h"
#include "sms_utf8.h"

#define G7  SMS_SEGMENT_GSM7
#define SS  SMS_SEGMENT_TR_SINGLE
#define LS  SMS_SEGMENT_TR_LOCKING
#define U2  SMS_SEGMENT_UCS2

#define NO  0, 0, { 0 }                 /* not encodable                  */


/*
 * Test texts are written as in the tables of the encoding notes: "a*152 €
 * a*151" is 152 times a, a euro sign, 151 times a.  "_" stands for a space.
 */
static size_t
build(const char *recipe, char *out)
{
    long         times;
    size_t       n, len;
    const char  *p, *end;

    n = 0;

    for (p = recipe; *p; p = *end ? end + 1 : end) {
        end = strchr(p, ' ');
        end = end ? end : p + strlen(p);
        len = (size_t) (end - p);
        times = 1;

        if (memchr(p, '*', len) != NULL && len > 2) {
            len = (size_t) ((const char *) memchr(p, '*', len) - p);
            times = atol(p + len + 1);
        }

        while (times--) {
            memcpy(out + n, p, len);

            if (len == 1 && *p == '_') {
                out[n] = ' ';
            }

            n += len;
        }
    }

    return n;
}


typedef struct {
    unsigned  units, parts;
    unsigned  sizes[8];                 /* 0: not looked at               */
} expect_t;

typedef struct {
    const char  *name, *recipe;
    expect_t     enc[5];                /* by encoding                    */
} vector_t;


static const vector_t  vectors[] = {
    { "V1", "Merhaba",
      { [G7] = { 7, 1, { 7 } }, [SS] = { 7, 1, { 7 } }, [LS] = { 7, 1, { 7 } },
        [U2] = { 7, 1, { 7 } } } },
    { "V2", "a*160",
      { [G7] = { 160, 1, { 160 } }, [SS] = { 160, 2, { 149, 11 } },
        [LS] = { 160, 2, { 149, 11 } }, [U2] = { 160, 3, { 67, 67, 26 } } } },
    { "V3", "a*161",
      { [G7] = { 161, 2, { 153, 8 } }, [SS] = { 161, 2, { 149, 12 } },
        [LS] = { 161, 2, { 149, 12 } }, [U2] = { 161, 3, { 67, 67, 27 } } } },
    { "V4", "a*306",
      { [G7] = { 306, 2, { 153, 153 } }, [SS] = { 306, 3, { 149, 149, 8 } },
        [LS] = { 306, 3, { 149, 149, 8 } }, [U2] = { 306, 5, { 67 } } } },
    { "V4", "a*307",
      { [G7] = { 307, 3, { 153, 153, 1 } }, [SS] = { 307, 3, { 149 } },
        [LS] = { 307, 3, { 149 } }, [U2] = { 307, 5, { 67 } } } },
    { "V5", "€*80",
      { [G7] = { 160, 1, { 160 } }, [SS] = { 160, 2, { 148, 12 } },
        [LS] = { 80, 1, { 80 } }, [U2] = { 80, 2, { 67, 13 } } } },
    { "V5", "€*81",
      { [G7] = { 162, 2, { 152, 10 } }, [SS] = { 162, 2, { 148, 14 } },
        [LS] = { 81, 1, { 81 } }, [U2] = { 81, 2, { 67, 14 } } } },
    { "V6", "a*152 € a*152",
      { [G7] = { 306, 3, { 152, 153, 1 } }, [SS] = { 306, 3, { 0 } },
        [LS] = { 305, 3, { 149, 149, 7 } }, [U2] = { 305, 5, { 67 } } } },
    { "V7", "a*152 € a*151",
      { [G7] = { 305, 2, { 152, 153 } }, [SS] = { 305, 3, { 0 } },
        [LS] = { 304, 3, { 0 } }, [U2] = { 304, 5, { 0 } } } },
    { "V8", "a*459",
      { [G7] = { 459, 3, { 153, 153, 153 } }, [SS] = { 459, 4, { 0 } },
        [LS] = { 459, 4, { 0 } }, [U2] = { 459, 7, { 0 } } } },
    { "V8", "a*460",
      { [G7] = { 460, 4, { 153, 153, 153, 1 } }, [SS] = { 460, 4, { 0 } },
        [LS] = { 460, 4, { 0 } }, [U2] = { 460, 7, { 0 } } } },
    { "V9", "ş*77",
      { [G7] = { NO }, [SS] = { 154, 1, { 154 } }, [LS] = { 77, 1, { 77 } },
        [U2] = { 77, 2, { 67, 10 } } } },
    { "V9", "ş*78",
      { [G7] = { NO }, [SS] = { 156, 2, { 148, 8 } }, [LS] = { 78, 1, { 78 } },
        [U2] = { 78, 2, { 67, 11 } } } },
    { "V10", "ş*148",
      { [G7] = { NO }, [SS] = { 296, 2, { 148, 148 } },
        [LS] = { 148, 1, { 148 } }, [U2] = { 148, 3, { 67, 67, 14 } } } },
    { "V10", "ş*149",
      { [G7] = { NO }, [SS] = { 298, 3, { 148, 148, 2 } },
        [LS] = { 149, 1, { 149 } }, [U2] = { 149, 3, { 67, 67, 15 } } } },
    { "V11", "ş*155",
      { [G7] = { NO }, [SS] = { 310, 3, { 148, 148, 14 } },
        [LS] = { 155, 1, { 155 } }, [U2] = { 155, 3, { 67, 67, 21 } } } },
    { "V11", "ş*156",
      { [G7] = { NO }, [SS] = { 312, 3, { 148, 148, 16 } },
        [LS] = { 156, 2, { 149, 7 } }, [U2] = { 156, 3, { 67, 67, 22 } } } },
    { "V12", "ş*298",
      { [G7] = { NO }, [SS] = { 596, 5, { 148, 148, 148, 148, 4 } },
        [LS] = { 298, 2, { 149, 149 } }, [U2] = { 298, 5, { 67 } } } },
    { "V12", "ş*299",
      { [G7] = { NO }, [SS] = { 598, 5, { 148, 148, 148, 148, 6 } },
        [LS] = { 299, 3, { 149, 149, 1 } }, [U2] = { 299, 5, { 67 } } } },
    { "V13", "a*153 ş",
      { [G7] = { NO }, [SS] = { 155, 1, { 155 } }, [LS] = { 154, 1, { 154 } },
        [U2] = { 154, 3, { 67, 67, 20 } } } },
    { "V14", "a*154 ş",
      { [G7] = { NO }, [SS] = { 156, 2, { 149, 7 } },
        [LS] = { 155, 1, { 155 } }, [U2] = { 155, 3, { 67, 67, 21 } } } },
    { "V15", "a*148 ş a*148",
      { [G7] = { NO }, [SS] = { 298, 3, { 148, 149, 1 } },
        [LS] = { 297, 2, { 149, 148 } }, [U2] = { 297, 5, { 67 } } } },
    { "V16", "a*148 ş a*147",
      { [G7] = { NO }, [SS] = { 297, 2, { 148, 149 } },
        [LS] = { 296, 2, { 149, 147 } }, [U2] = { 296, 5, { 67 } } } },
    { "V17", "ж*70",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO }, [U2] = { 70, 1, { 70 } } } },
    { "V17", "ж*71",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO },
        [U2] = { 71, 2, { 67, 4 } } } },
    { "V17", "ж*134",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO },
        [U2] = { 134, 2, { 67, 67 } } } },
    { "V17", "ж*135",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO },
        [U2] = { 135, 3, { 67, 67, 1 } } } },
    { "V18", "😀*35",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO }, [U2] = { 70, 1, { 70 } } } },
    { "V18", "😀*36",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO },
        [U2] = { 72, 2, { 66, 6 } } } },
    { "V19", "a*66 😀 a*66",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO },
        [U2] = { 134, 3, { 66, 67, 1 } } } },
    { "V20", "a*66 😀 a*3",
      { [G7] = { NO }, [SS] = { NO }, [LS] = { NO },
        [U2] = { 71, 2, { 66, 5 } } } },
    { "V21", "ĞğİıŞşç",
      { [G7] = { NO }, [SS] = { 14, 1, { 14 } }, [LS] = { 7, 1, { 7 } },
        [U2] = { 7, 1, { 7 } } } },
    { "V22", "ABCÇÖÜçöü",
      { [G7] = { NO }, [SS] = { 10, 1, { 10 } }, [LS] = { 9, 1, { 9 } },
        [U2] = { 9, 1, { 9 } } } },
    { "V23", "è _ ve _ ş",
      { [G7] = { NO }, [SS] = { 7, 1, { 7 } }, [LS] = { NO },
        [U2] = { 6, 1, { 6 } } } },
    { "V24", "[İndirim] _ €5",
      { [G7] = { NO }, [SS] = { 16, 1, { 16 } }, [LS] = { 14, 1, { 14 } },
        [U2] = { 12, 1, { 12 } } } },
    { "V25", "ÇÖÜöü",
      { [G7] = { 5, 1, { 5 } }, [SS] = { 5, 1, { 5 } }, [LS] = { 5, 1, { 5 } },
        [U2] = { 5, 1, { 5 } } } },
};


static const char  real_life[] =
    "KAMPANYA: Yaz sezonunda tüm ürünlerde %30 indirim başladı! Şimdi "
    "mağazalarımıza bekliyoruz. Örnek Mağazacılık A.Ş. Mersis:0123456789012345 "
    "Tel:08501234567 Ret için ORNEK RET yaz 4605'e gönder.";


static void
expect(const char *name, const sms_segment_profile_t *pf, const char *text,
    size_t n, const expect_t *e)
{
    int                  rc;
    unsigned             i, sum;
    sms_segment_t        s;
    sms_segment_part_t   parts[16];

    rc = sms_segment_count(pf, text, n, &s, parts, 16);

    if (rc == SMS_SEGMENT_OK ? (e->units != s.units || e->parts != s.parts)
                             : e->parts != 0)
    {
        fail_msg("%s encoding %u: rc %d, %u/%u instead of %u/%u", name,
                 pf->force, rc, s.units, s.parts, e->units, e->parts);
    }

    if (e->parts == 0) {
        assert_int_equal(rc, SMS_SEGMENT_E_ENCODING);
        assert_true(s.costly_len > 0);
        return;
    }

    sum = 0;

    for (i = 0; i < s.parts; i++) {
        if (e->sizes[i] && e->sizes[i] != parts[i].units) {
            fail_msg("%s encoding %u: part %u has %u units, not %u", name,
                     pf->force, i, parts[i].units, e->sizes[i]);
        }

        assert_int_equal(parts[i].begin,
                         i ? parts[i - 1].begin + parts[i - 1].len : 0);
        sum += parts[i].units;
    }

    assert_int_equal(sum, s.units);
    assert_int_equal(parts[s.parts - 1].begin + parts[s.parts - 1].len, n);
    assert_int_equal(s.left, (s.parts > 1 ? s.multi : s.single)
                             - parts[s.parts - 1].units);
}


static void
test_vectors(void **state)
{
    char                    text[4096];
    size_t                  i, n;
    sms_segment_profile_t   pf;

    (void) state;

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        n = build(vectors[i].recipe, text);

        memset(&pf, 0, sizeof(pf));

        for (pf.force = G7; pf.force <= U2; pf.force++) {
            expect(vectors[i].name, &pf, text, n, &vectors[i].enc[pf.force]);
        }
    }
}


static void
test_ref16(void **state)
{
    char                    text[4096];
    size_t                  i, n;
    sms_segment_profile_t   pf;

    static const struct {
        const char  *recipe;
        uint8_t      force;
        expect_t     e;
    } rows[] = {
        { "a*306", G7, { 306, 3, { 152, 152, 2 } } },
        { "a*459", G7, { 459, 4, { 152, 152, 152, 3 } } },
        { "a*152 € a*151", G7, { 305, 3, { 152, 152, 1 } } },
        { "ş*298", LS, { 298, 3, { 148, 148, 2 } } },
        { "ж*134", U2, { 134, 3, { 66, 66, 2 } } },
        { "a*304", G7, { 304, 2, { 152, 152 } } },
        { "a*160", G7, { 160, 1, { 160 } } },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = build(rows[i].recipe, text);
        memset(&pf, 0, sizeof(pf));
        pf.ref_bits = 16;
        pf.force = rows[i].force;
        expect(rows[i].recipe, &pf, text, n, &rows[i].e);
    }
}


static void
test_capacity(void **state)
{
    (void) state;

    assert_int_equal(sms_segment_capacity(G7, 8, 0), 160);
    assert_int_equal(sms_segment_capacity(G7, 8, 1), 153);
    assert_int_equal(sms_segment_capacity(G7, 16, 1), 152);
    assert_int_equal(sms_segment_capacity(SS, 8, 0), 155);
    assert_int_equal(sms_segment_capacity(SS, 8, 1), 149);
    assert_int_equal(sms_segment_capacity(SS, 16, 1), 148);
    assert_int_equal(sms_segment_capacity(LS, 16, 0), 155);
    assert_int_equal(sms_segment_capacity(LS, 8, 1), 149);
    assert_int_equal(sms_segment_capacity(LS, 16, 1), 148);
    assert_int_equal(sms_segment_capacity(U2, 8, 0), 70);
    assert_int_equal(sms_segment_capacity(U2, 8, 1), 67);
    assert_int_equal(sms_segment_capacity(U2, 16, 1), 66);
}


/* S1 .. S5, and both ways of adding the suffix */
static void
test_suffix(void **state)
{
    char                    text[4096];
    size_t                  i, n;
    sms_segment_profile_t   pf;

    static const struct {
        const char  *name, *recipe;
        uint8_t      force;
        expect_t     e;
    } rows[] = {
        { "S1", "a*155", G7, { 160, 1, { 160 } } },
        { "S1", "a*156", G7, { 161, 2, { 153, 8 } } },
        { "S2", "a*301", G7, { 306, 2, { 153, 153 } } },
        { "S2", "a*302", G7, { 307, 3, { 153, 148, 6 } } },
        { "S3", "a*454", G7, { 459, 3, { 153, 153, 153 } } },
        { "S3", "a*455", G7, { 460, 4, { 153, 153, 148, 6 } } },
        { "S4", "ş a*148", SS, { 155, 1, { 155 } } },
        { "S4", "ş a*148", LS, { 154, 1, { 154 } } },
        { "S5", "ş a*149", SS, { 156, 2, { 149, 7 } } },
        { "S5", "ş a*149", LS, { 155, 1, { 155 } } },
        { "BTK fourth part", "a*607", G7, { 612, 4, { 153, 153, 153, 153 } } },
        { "BTK fourth part", "a*608", G7, { 613, 5, { 153, 153, 153, 148, 6 } } },
        { "ESC moves along", "a*300 €", G7, { 307, 3, { 153, 147, 7 } } },
        { "only a suffix", "", G7, { 5, 1, { 5 } } },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = build(rows[i].recipe, text);
        memset(&pf, 0, sizeof(pf));
        pf.force = rows[i].force;
        pf.suffix = SMS_SEGMENT_SUFFIX_DEFAULT;
        expect(rows[i].name, &pf, text, n, &rows[i].e);

        pf.append = " B002";
        expect(rows[i].name, &pf, text, n, &rows[i].e);
    }
}


static void
test_real_life(void **state)
{
    char                    text[512];
    size_t                  n;
    expect_t                e;
    sms_segment_profile_t   pf;

    (void) state;

    assert_int_equal(sms_utf8_count(real_life, strlen(real_life)), 192);

    memset(&pf, 0, sizeof(pf));
    n = strlen(real_life);

    e = (expect_t) { 203, 2, { 149, 54 } };
    pf.force = SS;
    expect("T", &pf, real_life, n, &e);

    e = (expect_t) { 192, 2, { 149, 43 } };
    pf.force = LS;
    expect("T", &pf, real_life, n, &e);

    e = (expect_t) { 192, 3, { 67, 67, 58 } };
    pf.force = U2;
    expect("T", &pf, real_life, n, &e);

    pf.suffix = 5;

    e = (expect_t) { 208, 2, { 149, 59 } };
    pf.force = SS;
    expect("T", &pf, real_life, n, &e);

    e = (expect_t) { 197, 2, { 149, 48 } };
    pf.force = LS;
    expect("T", &pf, real_life, n, &e);

    e = (expect_t) { 197, 3, { 67, 67, 63 } };
    pf.force = U2;
    expect("T", &pf, real_life, n, &e);

    n = sms_translit(real_life, n, SMS_TRANSLIT_FULL, text, NULL);
    pf.force = SMS_SEGMENT_AUTO;

    e = (expect_t) { 197, 2, { 153, 44 } };
    expect("T", &pf, text, n, &e);

    pf.suffix = 0;
    e = (expect_t) { 192, 2, { 153, 39 } };
    expect("T", &pf, text, n, &e);
}


static void
test_choice(void **state)
{
    int                    rc;
    char                   text[512];
    size_t                 i, n;
    sms_segment_t          s;
    sms_segment_profile_t  pf;

    static const struct {
        const char  *recipe;
        uint8_t      shift;
        uint8_t      encoding;
        unsigned     costly, costly_len;
    } rows[] = {
        { "", 0, G7, 0, 0 },
        { "abc€[]", 0, G7, 0, 0 },
        { "ÇÖÜöü", 0, G7, 0, 0 },
        { "aç", 0, SS, 1, 2 },
        { "aç", SMS_SEGMENT_SHIFT_LOCKING, LS, 1, 2 },
        { "aç", SMS_SEGMENT_SHIFT_NONE, U2, 1, 2 },
        { "è _ ve _ ş", SMS_SEGMENT_SHIFT_LOCKING, SS, 6, 2 },
        { "è _ ve _ ş", SMS_SEGMENT_SHIFT_SINGLE, SS, 6, 2 },
        { "şaş ж", 0, U2, 5, 2 },
        { "şaş ж", SMS_SEGMENT_SHIFT_LOCKING, U2, 5, 2 },
        { "şaş ж", SMS_SEGMENT_SHIFT_NONE, U2, 0, 2 },
        { "ab 😀 ş", 0, U2, 2, 4 },
        { "`", 0, U2, 0, 1 },
        { "it\u2019s", 0, U2, 2, 3 },
    };

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        n = build(rows[i].recipe, text);
        memset(&pf, 0, sizeof(pf));
        pf.shift = rows[i].shift;
        rc = sms_segment_count(&pf, text, n, &s, NULL, 0);

        assert_int_equal(rc, SMS_SEGMENT_OK);
        assert_int_equal(s.encoding, rows[i].encoding);
        assert_int_equal(s.costly, rows[i].costly);
        assert_int_equal(s.costly_len, rows[i].costly_len);
    }
}


static void
test_errors(void **state)
{
    char                   text[70000];
    sms_segment_t          s;
    sms_segment_out_t      out;
    sms_segment_part_t     parts[2];
    sms_segment_profile_t  pf;

    (void) state;

    memset(text, 'a', sizeof(text));
    memset(&pf, 0, sizeof(pf));

    assert_int_equal(sms_segment_count(&pf, "a\xFF", 2, &s, NULL, 0),
                     SMS_SEGMENT_E_UTF8);

    /* the default of seven parts */
    assert_int_equal(sms_segment_count(&pf, text, 1071, &s, NULL, 0), 0);
    assert_int_equal(s.parts, 7);
    assert_int_equal(sms_segment_count(&pf, text, 1072, &s, NULL, 0),
                     SMS_SEGMENT_E_TOO_LONG);
    assert_int_equal(s.parts, 8);

    pf.max_parts = 1;
    assert_int_equal(sms_segment_count(&pf, text, 160, &s, NULL, 0), 0);
    assert_int_equal(sms_segment_count(&pf, text, 161, &s, parts, 2),
                     SMS_SEGMENT_E_TOO_LONG);
    assert_int_equal(s.parts, 2);
    assert_int_equal(parts[1].units, 8);

    pf.max_parts = 255;
    assert_int_equal(sms_segment_count(&pf, text, 255 * 153, &s, NULL, 0), 0);
    assert_int_equal(s.parts, 255);
    assert_int_equal(sms_segment_count(&pf, text, 255 * 153 + 1, &s, NULL, 0),
                     SMS_SEGMENT_E_TOO_LONG);
    assert_int_equal(s.parts, SMS_SEGMENT_PARTS_MAX + 1);
    assert_int_equal(sms_segment_count(&pf, text, sizeof(text), &s, NULL, 0),
                     SMS_SEGMENT_E_TOO_LONG);

    /* nothing is written behind the caller's array */
    parts[1].units = 4711;
    assert_int_equal(sms_segment_count(&pf, text, 400, &s, parts, 1), 0);
    assert_int_equal(s.parts, 3);
    assert_int_equal(parts[0].units, 153);
    assert_int_equal(parts[1].units, 4711);

    pf.shift = 3;
    assert_int_equal(sms_segment_count(&pf, text, 1, &s, NULL, 0),
                     SMS_SEGMENT_E_PROFILE);
    pf.shift = 0;
    pf.ref_bits = 12;
    assert_int_equal(sms_segment_count(&pf, text, 1, &s, NULL, 0),
                     SMS_SEGMENT_E_PROFILE);
    pf.ref_bits = 0;
    pf.suffix = 5;
    pf.append = " B[02";
    assert_int_equal(sms_segment_count(&pf, text, 1, &s, NULL, 0),
                     SMS_SEGMENT_E_PROFILE);
    pf.append = NULL;
    pf.suffix = 0;

    /* split checks what it is given */
    assert_int_equal(sms_segment_count(&pf, text, 200, &s, parts, 2), 0);
    assert_int_equal(sms_segment_split(&pf, &s, &parts[0], text, 200, 0, 1,
                                       &out), SMS_SEGMENT_E_PROFILE);
    assert_int_equal(sms_segment_split(&pf, &s, &parts[0], text, 200, 3, 1,
                                       &out), SMS_SEGMENT_E_PROFILE);
    assert_int_equal(sms_segment_split(&pf, &s, &parts[1], text, 199, 2, 1,
                                       &out), SMS_SEGMENT_E_PROFILE);
    parts[0].len = 170;
    assert_int_equal(sms_segment_split(&pf, &s, &parts[0], text, 200, 1, 1,
                                       &out), SMS_SEGMENT_E_PROFILE);
}


/* a family of five code points and a letter with its mark stay whole */
static void
test_graphemes(void **state)
{
    char                   text[1024];
    size_t                 n;
    sms_segment_t          s;
    sms_segment_part_t     parts[7];
    sms_segment_profile_t  pf;

    (void) state;

    memset(&pf, 0, sizeof(pf));

    n = build("ж*64 👨\u200D👩\u200D👧 ж*10", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(s.units, 82);
    assert_int_equal(s.parts, 2);
    assert_int_equal(parts[0].units, 64);
    assert_int_equal(parts[1].units, 18);

    n = build("ж*66 x\u0316 ж*10", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(parts[0].units, 66);
    assert_int_equal(parts[1].units, 12);

    /* where keeping it whole would cost a part it is split */
    n = build("ж*66 x\u0316 ж*66", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(s.parts, 2);
    assert_int_equal(parts[0].units, 67);
    assert_int_equal(parts[1].units, 67);

    /* and one that is larger than a part */
    n = build("x \u0316*80", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(s.parts, 2);
    assert_int_equal(parts[0].units, 67);

    pf.suffix = 5;
    n = build("ж*128 👨\u200D👩\u200D👧", text);
    assert_int_equal(sms_segment_count(&pf, text, n, &s, parts, 7), 0);
    assert_int_equal(s.units, 141);
    assert_int_equal(s.parts, 3);
    assert_int_equal(parts[1].units, 61);
    assert_int_equal(parts[2].units, 13);
}


/* the shortcut for plain characters says what the tables say */
static void
test_single_characters(void **state)
{
    int                    rc;
    char                   c;
    unsigned               cost;
    sms_segment_t          s;
    sms_segment_profile_t  pf;

    static const unsigned  tables[] = {
        0, SMS_GSM7_DEFAULT, SMS_GSM7_SHIFT_TR, SMS_GSM7_LOCK_TR
    };

    (void) state;

    memset(&pf, 0, sizeof(pf));

    for (c = 0; c >= 0 && c < 127; c++) {
        for (pf.force = G7; pf.force <= LS; pf.force++) {
            cost = sms_gsm7_cost((uint32_t) c, tables[pf.force]);
            rc = sms_segment_count(&pf, &c, 1, &s, NULL, 0);

            assert_int_equal(rc, cost ? SMS_SEGMENT_OK
                                      : SMS_SEGMENT_E_ENCODING);
            assert_int_equal(s.units, cost);
        }

        assert_int_equal(sms_segment_count(&pf, &c, 1, &s, NULL, 0), 0);
        assert_int_equal(s.units, 1);
    }
}


/* and so does the one for eight of them, wherever the odd one stands */
static void
test_places(void **state)
{
    char                   text[24];
    size_t                 at;
    unsigned               c, cost;
    sms_segment_t          s;
    sms_segment_profile_t  pf;

    (void) state;

    memset(&pf, 0, sizeof(pf));
    memset(text, 'Z', sizeof(text));
    pf.force = G7;

    for (at = 0; at < sizeof(text); at++) {

        for (c = 0; c < 256; c++) {
            cost = c < 0x80 ? sms_gsm7_cost(c, SMS_GSM7_DEFAULT) : 0;
            text[at] = (char) c;

            assert_int_equal(sms_segment_count(&pf, text, sizeof(text), &s, NULL, 0),
                             c > 0x7F ? SMS_SEGMENT_E_UTF8
                             : cost ? SMS_SEGMENT_OK : SMS_SEGMENT_E_ENCODING);

            if (cost) {
                assert_int_equal(s.units, sizeof(text) - 1 + cost);

            } else if (c < 0x80) {
                assert_int_equal(s.costly, at);
            }
        }

        text[at] = 'z';
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_ref16),
        cmocka_unit_test(test_suffix),
        cmocka_unit_test(test_real_life),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_single_characters),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_graphemes),
    };

    return cmocka_run_group_tests_name("sms_segment", tests, NULL, NULL);
}
