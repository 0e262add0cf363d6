/*
 * The words of the API for numbers that are stored and cross the plugin
 * contract: classes, recipient types, bases, exemptions, encodings, severities.
 *
 * The numbers are those of sms_plugin.h; both sides of the table are part of
 * a public contract and are only ever added to.
 */
#ifndef SMS_WORD_H
#define SMS_WORD_H

#include <stddef.h>


typedef struct {
    const char  *name;
    int          value;
} sms_word_t;


/* each table ends with a NULL name */
extern const sms_word_t  sms_word_class[];
extern const sms_word_t  sms_word_recipient_type[];
extern const sms_word_t  sms_word_basis[];
extern const sms_word_t  sms_word_exemption[];
extern const sms_word_t  sms_word_encoding[];
extern const sms_word_t  sms_word_severity[];
extern const sms_word_t  sms_word_owner_kind[];
extern const sms_word_t  sms_word_consent[];
extern const sms_word_t  sms_word_scope[];

/* the value of a word, or -1 */
int sms_word_value(const sms_word_t *table, const char *name, size_t len);

/* the word of a value, or "" */
const char *sms_word_name(const sms_word_t *table, int value);

/* "a, b or c" for messages; returns the length written, cut at cap */
size_t sms_word_list(const sms_word_t *table, char *out, size_t cap);


/* what a key may do, a bit each */
#define SMS_SCOPE_MESSAGES_SEND    0x01
#define SMS_SCOPE_MESSAGES_READ    0x02
#define SMS_SCOPE_BALANCE_READ     0x04
#define SMS_SCOPE_WEBHOOKS_MANAGE  0x08
#define SMS_SCOPE_COMPLIANCE_MANAGE  0x10
#define SMS_SCOPE_INBOX_READ       0x100
#define SMS_SCOPE_INBOX_WRITE      0x200
#define SMS_SCOPE_CONSENTS_READ    0x400
#define SMS_SCOPE_CONSENTS_WRITE   0x800
#define SMS_SCOPE_EVIDENCE_READ    0x1000
#define SMS_SCOPE_EVIDENCE_WRITE   0x2000
#define SMS_SCOPE_ADMIN            0x8000   /* the operator desk's, given on the
                                               installation's command line    */

#endif /* SMS_WORD_H */
