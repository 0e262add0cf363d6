/*
 * iys_base64.h - RFC 4648, section 4.  Pure.
 */
#ifndef IYS_BASE64_H
#define IYS_BASE64_H

#include "sms_plugin.h"

/* malloc(), NUL-terminated; NULL: no memory. */
char *iys_base64(sms_str_t s);

#endif /* IYS_BASE64_H */
