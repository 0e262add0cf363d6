/* libs: -lpcre2-8 */

/*
 * A message and its brand from bytes: places lie in the text, on the border of
 * characters, severities are not under their floors, and what was repaired is not
 * found again.
 *
 * First byte: class and owner; second: which data the brand has, and settings;
 * then the text.
 */
#include <stddef.h>
#include <stdint.h>

#include <sms/sms_utf8.h>

#include "../unit/content_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_findings(int utf8)
{
    const sms_finding_t  *f;
    const char           *p = judge_msg.text.ptr;
    uint32_t              i, end;

    for (i = 0; i < judge.nfindings; i++) {
        f = &judge.findings[i];
        end = f->begin + f->len;
        if ((uint64_t) f->begin + f->len > judge_msg.text.len || f->severity < f->floor
            || f->severity > SMS_SEVERITY_BLOCK || f->code.len == 0)
        {
            abort();
        }
        if (!utf8) {
            continue;
        }
        if ((f->begin < judge_msg.text.len && ((unsigned char) p[f->begin] & 0xc0) == 0x80)
            || (end < judge_msg.text.len && ((unsigned char) p[end] & 0xc0) == 0x80)
            || !sms_utf8_valid(f->repair.ptr, f->repair.len))
        {
            abort();
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char  out[JUDGE_ROOM];

    const char  *repaired[CONTENT_FINDINGS_MAX];
    size_t       n;
    uint32_t     i, k, nrepaired;
    int          utf8;

    if (size < 2 || size > 8192) {
        return 0;
    }

    judge_begin();
    judge_msg.klass = data[0] & 7;
    judge_brand.owner_kind = data[0] >> 3 & 7;
    judge.conf.tacir_identity = data[0] >> 6 & 1;
    judge.conf.esnaf_identity = data[0] >> 7;
    judge_brand.tckn = judge_str(data[1] & 1 ? "10000000146" : "");
    judge_brand.registry_no = judge_str(data[1] & 2 ? "İstanbul 123456-5" : "");
    if (data[1] & 4) {
        judge_brand.mersis = judge_str("");
    }
    if (data[1] & 8) {
        judge_brand.reject_keyword = judge_str("Örnek Giyim");
    }
    if (data[1] & 16) {
        judge_brand.reject_number = judge_str("");
    }
    if (!(data[1] >> 5 & 1)) {
        judge_brand.contact.len = 0;
    }
    judge.conf.nature_word = data[1] >> 6 & 1;
    judge_brand.reject_free = data[1] >> 7;

    data += 2;
    size -= 2;
    utf8 = sms_utf8_valid((const char *) data, size);
    judge_text((const char *) data, size);
    check_findings(utf8);

    if (!utf8 || judge.nfindings >= CONTENT_NUMBERS_MAX) {
        /* of very many wrong numbers only the first are reported */
        return 0;
    }

    for (i = 0, nrepaired = 0; i < judge.nfindings; i++) {
        if (judge.findings[i].repair.len) {
            /* one sentence for each row of the table */
            repaired[nrepaired++] = judge.findings[i].detail_tr.ptr;
        }
    }

    n = judge_repaired(out, sizeof(out));
    judge_text(out, n);
    check_findings(1);

    for (i = 0; i < judge.nfindings; i++) {
        for (k = 0; k < nrepaired && judge.findings[i].repair.len; k++) {
            if (judge.findings[i].detail_tr.ptr == repaired[k]) {
                fprintf(stderr, "still: %s\n%.*s\n", judge_codes(), (int) n, out);
                abort();
            }
        }
    }

    return 0;
}
