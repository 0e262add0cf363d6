/* libs: -lexpat -lpcre2-8 */
/* cflags: -D_GNU_SOURCE -DPCRE2_CODE_UNIT_WIDTH=8 */

/*
 * What an operator writes, as an answer and as a callback: fields lie in what was
 * read, verdicts are within their enums, events within the contract.
 *
 * First byte: the format, and whether there is a list; then the text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/operator/http/http_answer.c"
#include "../../plugins/operator/http/http_doc.c"
#include "../../plugins/operator/http/http_event.c"
#include "../../plugins/operator/http/http_secret.c"
#include "../../plugins/operator/http/http_status.c"
#include "../../plugins/operator/http/http_xml.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static http_conf_t  conf;


static int64_t
fuzz_now(sms_host_t *h)
{
    (void) h;
    return INT64_C(1767258000000000);
}


static void
fuzz_map(http_map_t *m, int format, int list, uint32_t n)
{
    static const char *const  json[] = { "id", "a.0.b", "/c~1d/0", "t", "f" };
    static const char *const  xml[] = { "id", "@id", "a/b", ".", "r/@x" };
    static const char *const  text[] = { "ID:(\\d+)", "^(a+)+$", "(?i)x(y)?", "", "." };

    uint32_t  i;

    memset(m, 0, sizeof(*m));
    m->format = (http_format_t) format;
    m->n = n;

    for (i = 0; i < n; i++) {
        const char  *s = format == HTTP_DOC_XML ? xml[i] : format == HTTP_DOC_TEXT ? text[i]
            : json[i];

        m->path[i].ptr = s;
        m->path[i].len = strlen(s);
    }

    m->list.ptr = format == HTTP_DOC_XML ? "l/r" : "r";
    m->list.len = list ? strlen(m->list.ptr) : 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                   what[128];
    int                    format, list, kind;
    uint32_t               i;
    sms_str_t              text;
    http_answer_t          a;
    http_events_t          e;
    sms_http_res_t         res;
    sms_http_in_t          in;
    struct sms_host_s      host;
    static sms_core_api_t  core = { .size = sizeof(sms_core_api_t), .now_us = fuzz_now };

    if (size < 2 || size > 65536) {
        return 0;
    }

    if (conf.states.n == 0) {
        (void) http_table_add(&conf.states, HTTP_TABLE_STATE, (sms_str_t) SMS_STR("1=delivered"));
        (void) http_table_add(&conf.codes, HTTP_TABLE_ANSWER, (sms_str_t) SMS_STR("0=sent"));
        conf.callback_secret = (sms_str_t) SMS_STR("s");
        conf.secret_in = HTTP_SECRET_QUERY;
        conf.secret_name = (sms_str_t) SMS_STR("id");
    }

    format = data[0] % 6;
    list = data[0] / 6 & 1;
    conf.time_format = (http_time_t) (data[0] / 12 % 5);
    text.ptr = (const char *) data + 1;
    text.len = size - 1;

    fuzz_map(&conf.answer, format, 0, 2);
    if (!http_map_prepare(&conf.answer, what, sizeof(what))) {
        abort();
    }
    memset(&res, 0, sizeof(res));
    res.status = 200;
    res.body = text;
    http_answer_judge(&conf, &res, fuzz_now(NULL), &a);
    if (a.verdict.klass < HTTP_SENT || a.verdict.klass > HTTP_UNKNOWN
        || a.verdict.reason > SMS_REASON_PORTED || a.id_len > SMS_OPERATOR_ID_MAX
        || (a.verdict.klass == HTTP_SENT && a.id_len == 0))
    {
        abort();
    }
    (void) http_answer_retry_after(text, fuzz_now(NULL));
    http_map_free(&conf.answer);

    memset(&host, 0, sizeof(host));
    host.core = &core;

    for (kind = 0; kind < 2 && format != HTTP_DOC_TEXT; kind++) {
        fuzz_map(&conf.receipt, format, list, 5);
        http_events_init(&e, &host, &conf, kind);
        (void) http_doc_read(&conf.receipt, text, http_events_add, &e);

        for (i = 0; i < e.n; i++) {
            if (e.events[i].operator_id.len > SMS_OPERATOR_ID_MAX
                || e.events[i].reason > SMS_REASON_PORTED || e.events[i].octets.len % 2
                || e.events[i].at_us > fuzz_now(NULL)
                || (kind && e.events[i].state != SMS_RECEIPT_DELIVERED))
            {
                abort();
            }
        }

        http_events_free(&e);
    }

    memset(&in, 0, sizeof(in));
    in.query = text;
    in.client_ip = text;
    (void) http_secret_good(&conf, &in);
    (void) http_net_has(NULL, 0, text);
    (void) http_secret_basic(conf.callback_secret, text);

    return 0;
}
