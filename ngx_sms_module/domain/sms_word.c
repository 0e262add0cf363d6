#include "sms_word.h"

#include <stdio.h>
#include <string.h>

#include "sms_plugin.h"


const sms_word_t  sms_word_class[] = {
    { "otp", SMS_CLASS_OTP },
    { "informational", SMS_CLASS_INFORMATIONAL },
    { "commercial", SMS_CLASS_COMMERCIAL },
    { "exempt", SMS_CLASS_EXEMPT },
    { NULL, 0 }
};

const sms_word_t  sms_word_recipient_type[] = {
    { "BIREYSEL", SMS_RECIPIENT_BIREYSEL },
    { "TACIR", SMS_RECIPIENT_TACIR },
    { NULL, 0 }
};

const sms_word_t  sms_word_basis[] = {
    { "service_use", SMS_BASIS_SERVICE_USE },
    { "membership", SMS_BASIS_MEMBERSHIP },
    { "collection", SMS_BASIS_COLLECTION },
    { "data_update", SMS_BASIS_DATA_UPDATE },
    { "order_delivery", SMS_BASIS_ORDER_DELIVERY },
    { "legal_duty", SMS_BASIS_LEGAL_DUTY },
    { "capital_market", SMS_BASIS_CAPITAL_MARKET },
    { "other", SMS_BASIS_OTHER },
    { NULL, 0 }
};

const sms_word_t  sms_word_exemption[] = {
    { "operator", SMS_EXEMPTION_OPERATOR },
    { "school", SMS_EXEMPTION_SCHOOL },
    { "association", SMS_EXEMPTION_ASSOCIATION },
    { "broadcaster", SMS_EXEMPTION_BROADCASTER },
    { "public_body", SMS_EXEMPTION_PUBLIC_BODY },
    { NULL, 0 }
};

const sms_word_t  sms_word_encoding[] = {
    { "gsm7", SMS_ENC_GSM7 },
    { "turkish_single", SMS_ENC_GSM7_TR_SINGLE },
    { "turkish_locking", SMS_ENC_GSM7_TR_LOCKING },
    { "ucs2", SMS_ENC_UCS2 },
    { NULL, 0 }
};

const sms_word_t  sms_word_severity[] = {
    { "off", SMS_SEVERITY_OFF },
    { "warn", SMS_SEVERITY_WARN },
    { "confirm", SMS_SEVERITY_CONFIRM },
    { "block", SMS_SEVERITY_BLOCK },
    { NULL, 0 }
};

const sms_word_t  sms_word_owner_kind[] = {
    { "tacir", SMS_OWNER_TACIR },
    { "esnaf", SMS_OWNER_ESNAF },
    { "profession", SMS_OWNER_PROFESSION },
    { "association", SMS_OWNER_ASSOCIATION },
    { "public", SMS_OWNER_PUBLIC },
    { "foreign", SMS_OWNER_FOREIGN },
    { "person", SMS_OWNER_PERSON },
    { NULL, 0 }
};

const sms_word_t  sms_word_consent[] = {
    { "granted", SMS_CONSENT_GRANTED },
    { "refused", SMS_CONSENT_REFUSED },
    { "not_granted", SMS_CONSENT_NOT_GRANTED },
    { "unknown", SMS_CONSENT_UNKNOWN },
    { NULL, 0 }
};

const sms_word_t  sms_word_scope[] = {
    { "messages:send", SMS_SCOPE_MESSAGES_SEND },
    { "messages:read", SMS_SCOPE_MESSAGES_READ },
    { "balance:read", SMS_SCOPE_BALANCE_READ },
    { "webhooks:manage", SMS_SCOPE_WEBHOOKS_MANAGE },
    { "compliance:manage", SMS_SCOPE_COMPLIANCE_MANAGE },
    { "inbox:read", SMS_SCOPE_INBOX_READ },
    { "inbox:write", SMS_SCOPE_INBOX_WRITE },
    { "consents:read", SMS_SCOPE_CONSENTS_READ },
    { "consents:write", SMS_SCOPE_CONSENTS_WRITE },
    { "evidence:read", SMS_SCOPE_EVIDENCE_READ },
    { "evidence:write", SMS_SCOPE_EVIDENCE_WRITE },
    { "admin", SMS_SCOPE_ADMIN },
    { NULL, 0 }
};


int
sms_word_value(const sms_word_t *table, const char *name, size_t len)
{
    for ( /* void */ ; table->name; table++) {
        if (strlen(table->name) == len && memcmp(table->name, name, len) == 0) {
            return table->value;
        }
    }

    return -1;
}


const char *
sms_word_name(const sms_word_t *table, int value)
{
    for ( /* void */ ; table->name; table++) {
        if (table->value == value) {
            return table->name;
        }
    }

    return "";
}


size_t
sms_word_list(const sms_word_t *table, char *out, size_t cap)
{
    int          n;
    size_t       used;
    const char  *sep;

    used = 0;
    sep = "";

    for ( /* void */ ; table->name; table++) {
        n = snprintf(out + used, cap - used, "%s%s", sep, table->name);

        if (n < 0 || (size_t) n >= cap - used) {
            break;
        }

        used += (size_t) n;
        sep = table[1].name && table[2].name == NULL ? " or " : ", ";
    }

    return used;
}
