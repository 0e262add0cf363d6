/* libs: -lexpat -lpcre2-8 */

/*
 * A template that was taken gives what it is said to be, whatever the text: JSON stays
 * JSON, XML stays XML, a header one line, a URL one word.
 *
 * First byte: the place; second: the length of the template; then it, then the text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sms/sms_json_read.h>

#include "../../plugins/operator/http/http_doc.c"
#include "../../plugins/operator/http/http_escape.c"
#include "../../plugins/operator/http/http_template.c"
#include "../../plugins/operator/http/http_xml.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static sms_str_t
fuzz_value(void *data, http_variable_t variable)
{
    (void) variable;
    return *(sms_str_t *) data;
}


static int
fuzz_record(void *data, const http_record_t *record)
{
    (void) data;
    (void) record;
    return 0;
}


static int
fuzz_good(http_place_t place, const http_text_t *out)
{
    int             good;
    size_t          i;
    sms_str_t       s = { out->p ? out->p : "", out->len };
    http_map_t      map;
    sms_json_doc_t  doc;

    switch (place) {

    case HTTP_PLACE_JSON:
        sms_json_read_init(&doc, NULL, NULL);
        /* a value may be the name of another member */
        good = sms_json_read(&doc, s.ptr, s.len) != NULL || doc.error == SMS_JSON_E_DUPLICATE;
        sms_json_read_free(&doc);
        return good;

    case HTTP_PLACE_XML:
        memset(&map, 0, sizeof(map));
        map.format = HTTP_DOC_XML;
        return http_doc_read(&map, s, fuzz_record, NULL) >= 0;

    default:
        for (i = 0; i < s.len; i++) {
            if ((unsigned char) s.ptr[i] < 0x20 || s.ptr[i] == 0x7f
                || (place == HTTP_PLACE_URL && s.ptr[i] == ' '))
            {
                return 0;
            }
        }

        return 1;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sms_str_t  one = SMS_STR("1");

    char             err[256];
    int              before;
    sms_str_t        text, value;
    http_text_t      out;
    http_place_t     place;
    http_template_t  t;

    if (size < 2 || size > 4096 || data[1] > size - 2) {
        return 0;
    }

    place = (http_place_t) (data[0] % 5);
    text.ptr = (const char *) data + 2;
    text.len = data[1];
    value.ptr = text.ptr + text.len;
    value.len = size - 2 - text.len;

    if (http_template_compile(&t, text, place, "k", err, sizeof(err)) != SMS_OK) {
        return 0;
    }

    memset(&out, 0, sizeof(out));
    http_template_render(&t, fuzz_value, &one, &out);
    before = !out.failed && fuzz_good(place, &out);
    http_text_free(&out);

    http_template_render(&t, fuzz_value, &value, &out);
    if (before && !out.failed && !fuzz_good(place, &out)) {
        abort();
    }
    http_text_free(&out);

    return 0;
}
