/* Replies: bounded, NUL-terminated, and a refusal survives what is around it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms_keyword.h"

#define ENSURE(x)  do { if (!(x)) { abort(); } } while (0)


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           *text;
    sms_keyword_t   k, with;

    sms_keyword_parse((const char *) data, size, &k);
    ENSURE(k.kind >= SMS_KEYWORD_OTHER && k.kind <= SMS_KEYWORD_ONAY);
    ENSURE(k.len <= SMS_KEYWORD_TEXT_MAX && k.keyword[k.len] == '\0');
    ENSURE(k.len == 0 || (k.keyword[0] != ' ' && k.keyword[k.len - 1] != ' '));

    if (k.len) {
        ENSURE(sms_keyword_names(&k, k.keyword, k.len));
    }

    (void) sms_keyword_names(&k, (const char *) data, size);
    (void) sms_keyword_reserved((const char *) data, size);

    text = malloc(size + 8);
    ENSURE(text != NULL);

    memcpy(text, "\nret\n ", 6);
    memcpy(text + 6, data, size);
    sms_keyword_parse(text, size + 6, &with);
    ENSURE(with.kind == SMS_KEYWORD_RET);

    memcpy(text, data, size);
    memcpy(text + size, " \nret\n", 6);
    sms_keyword_parse(text, size + 6, &with);
    ENSURE(with.kind == SMS_KEYWORD_RET);

    free(text);

    return 0;
}
