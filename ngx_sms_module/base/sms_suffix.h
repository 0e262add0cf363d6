/*
 * sms_suffix.h - the operator's code at the end of a text.
 *
 * BTK 2016/DK-YED/211: the sending operator appends a space and its code of
 * four characters, [A-Z]ddd or [A-Z][A-Z]dd (B001, B038, RM00).  A customer's
 * text must not end with something that looks like one.
 */
#ifndef SMS_SUFFIX_H
#define SMS_SUFFIX_H

#include <stddef.h>


#define SMS_SUFFIX_CODE_LEN  4


/* 1 when the four characters are a code */
int sms_suffix_valid(const char *p, size_t n);

/*
 * 1 when the text ends with white space and a code, or is nothing but a code;
 * one full stop and white space behind the code do not hide it.  *begin (may
 * be NULL) is the code's offset.
 */
int sms_suffix_find(const char *p, size_t n, size_t *begin);


#endif /* SMS_SUFFIX_H */
