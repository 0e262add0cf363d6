#include "ngx_sms_send.h"

#include "ngx_sms_send_text.h"

#include "sms_id.h"
#include "sms_json_read.h"
#include "sms_utf8.h"
#include "sms_word.h"
#include "ngx_sms_field.h"


/*
 * The body of POST /v1/messages, read strictly: a misspelt field would send
 * the wrong thing to many people and cost money, so nothing unknown passes.
 */

#define NGX_SMS_REFERENCE_MAX  64


typedef struct {
    ngx_sms_submission_t    *sub;
    ngx_sms_fields_t         fields;    /* of the body           */
    size_t                   entries;   /* of "to" or "messages" */
} ngx_sms_read_t;


static void ngx_sms_read_json_fault(ngx_sms_submission_t *sub,
    const sms_json_doc_t *doc);
static void ngx_sms_read_declaration(ngx_sms_read_t *rd);
static void ngx_sms_read_sender(ngx_sms_read_t *rd);
static void ngx_sms_read_brand(ngx_sms_read_t *rd);
static void ngx_sms_read_times(ngx_sms_read_t *rd);
static void ngx_sms_read_encoding(ngx_sms_read_t *rd);
static void ngx_sms_read_confirm(ngx_sms_read_t *rd);
static ngx_int_t ngx_sms_read_recipients(ngx_sms_read_t *rd);
static ngx_int_t ngx_sms_read_to(ngx_sms_read_t *rd,
    const sms_json_node_t *to);
static ngx_int_t ngx_sms_read_messages(ngx_sms_read_t *rd,
    const sms_json_node_t *messages);
static ngx_int_t ngx_sms_read_texts(ngx_sms_read_t *rd);
static ngx_sms_recipient_t *ngx_sms_read_recipient(ngx_sms_read_t *rd,
    const sms_json_node_t *to, const char *place, ngx_uint_t ord);


/* the place of a name, and of its value */
enum {
    NGX_SMS_READ_CLASS = 0, NGX_SMS_READ_BASIS, NGX_SMS_READ_EXEMPTION,
    NGX_SMS_READ_AUDIENCE, NGX_SMS_READ_RECIPIENT_TYPE, NGX_SMS_READ_BRAND,
    NGX_SMS_READ_SENDER, NGX_SMS_READ_TEXT, NGX_SMS_READ_TO,
    NGX_SMS_READ_MESSAGES, NGX_SMS_READ_CONFIRM, NGX_SMS_READ_ENCODING,
    NGX_SMS_READ_SCHEDULE_AT, NGX_SMS_READ_VALIDITY_S,
    NGX_SMS_READ_REFERENCE, NGX_SMS_READ_SIM_TRUSTED_SINCE,
    NGX_SMS_READ_FIELDS
};

static const ngx_str_t  ngx_sms_read_fields[] = {
    ngx_string("class"), ngx_string("basis"), ngx_string("exemption"),
    ngx_string("audience"), ngx_string("recipient_type"), ngx_string("brand"),
    ngx_string("sender"), ngx_string("text"), ngx_string("to"),
    ngx_string("messages"), ngx_string("confirm"), ngx_string("encoding"),
    ngx_string("schedule_at"), ngx_string("validity_s"),
    ngx_string("reference"), ngx_string("sim_trusted_since"), ngx_null_string
};

_Static_assert(sizeof(ngx_sms_read_fields) / sizeof(ngx_str_t)
               == NGX_SMS_READ_FIELDS + 1
               && NGX_SMS_READ_FIELDS <= NGX_SMS_FIELDS_MAX,
               "a name for each");

/* of a check, which has texts and no recipients */
#define NGX_SMS_READ_TEXTS  NGX_SMS_READ_TO

static const ngx_str_t  ngx_sms_read_check_fields[] = {
    ngx_string("class"), ngx_string("basis"), ngx_string("exemption"),
    ngx_string("audience"), ngx_string("recipient_type"), ngx_string("brand"),
    ngx_string("sender"), ngx_string("text"), ngx_string("texts"), ngx_null_string
};

/* the same of one of "messages" */
enum {
    NGX_SMS_READ_MESSAGE_TO = 0,
    NGX_SMS_READ_MESSAGE_TEXT,
    NGX_SMS_READ_MESSAGE_REFERENCE,
    NGX_SMS_READ_MESSAGE_RECIPIENT_TYPE
};

static const ngx_str_t  ngx_sms_read_message_fields[] = {
    ngx_string("to"), ngx_string("text"), ngx_string("reference"),
    ngx_string("recipient_type"), ngx_null_string
};


ngx_int_t
ngx_sms_send_read(ngx_sms_submission_t *sub, ngx_str_t *body)
{
    ngx_int_t               rc;
    sms_json_doc_t          doc;
    ngx_sms_read_t          rd;
    const sms_json_node_t  *root;

    rd.sub = sub;
    sms_json_read_init(&doc, NULL, NULL);
    root = sms_json_read(&doc, (const char *) body->data, body->len);
    rc = NGX_OK;

    if (root == NULL) {
        ngx_sms_read_json_fault(sub, &doc);
        goto done;
    }

    if (!sms_json_is(root, SMS_JSON_OBJECT)) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD, "",
                                 "the body must be an object");
        goto done;
    }

    ngx_memzero(&rd.fields, sizeof(ngx_sms_fields_t));
    ngx_sms_send_fields(sub, root, "", sub->check ? ngx_sms_read_check_fields
                                                  : ngx_sms_read_fields,
                        &rd.fields);
    ngx_sms_read_declaration(&rd);
    ngx_sms_read_sender(&rd);
    ngx_sms_read_brand(&rd);

    if (sub->check) {
        rc = ngx_sms_read_texts(&rd);
        goto done;
    }

    ngx_sms_read_times(&rd);
    ngx_sms_read_encoding(&rd);
    ngx_sms_read_confirm(&rd);
    ngx_sms_send_field_copy(sub, &rd.fields, NGX_SMS_READ_REFERENCE,
                            NGX_SMS_REFERENCE_MAX, &sub->reference);
    rc = ngx_sms_read_recipients(&rd);

done:

    sms_json_read_free(&doc);

    return rc;
}


static void
ngx_sms_read_json_fault(ngx_sms_submission_t *sub, const sms_json_doc_t *doc)
{
    sms_problem_t  problem;

    switch (doc->error) {

    case SMS_JSON_E_DUPLICATE:
        problem = SMS_PROBLEM_DUPLICATE_KEY;
        break;

    case SMS_JSON_E_UTF8:
        problem = SMS_PROBLEM_INVALID_UTF8;
        break;

    case SMS_JSON_E_NOMEM:
        problem = SMS_PROBLEM_INTERNAL;
        break;

    default:
        problem = SMS_PROBLEM_INVALID_JSON;
    }

    ngx_sms_submission_fault(sub, problem, "", "line %ud, column %ud: %s",
                             doc->line, doc->column, doc->what);
}


static void
ngx_sms_read_declaration(ngx_sms_read_t *rd)
{
    int                    value;
    ngx_sms_submission_t  *sub;

    sub = rd->sub;

    if (rd->fields.value[NGX_SMS_READ_CLASS] == NULL) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_CLASS, "/class",
            "declare what this is: otp, informational, commercial or exempt");
        return;
    }

    value = ngx_sms_send_field_word(sub, &rd->fields, NGX_SMS_READ_CLASS,
                                    sms_word_class);
    if (value <= 0) {
        return;
    }

    sub->klass = (ngx_uint_t) value;

    value = ngx_sms_send_field_word(sub, &rd->fields,
                                    NGX_SMS_READ_RECIPIENT_TYPE,
                                    sms_word_recipient_type);
    sub->recipient_type = value > 0 ? (ngx_uint_t) value : 0;

    if (sub->recipient_type && sub->klass != SMS_CLASS_COMMERCIAL) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
            "/recipient_type", "only a commercial message has one");
    }

    value = ngx_sms_send_field_word(sub, &rd->fields, NGX_SMS_READ_BASIS,
                                    sms_word_basis);
    sub->basis = value > 0 ? (ngx_uint_t) value : 0;

    if (sub->klass == SMS_CLASS_INFORMATIONAL) {

        if (sub->basis == 0) {
            sub->basis = sub->account->basis_default;
        }

    } else if (sub->basis) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD, "/basis",
            "only an informational message has one");
    }

    value = ngx_sms_send_field_word(sub, &rd->fields, NGX_SMS_READ_EXEMPTION,
                                    sms_word_exemption);
    sub->exemption = value > 0 ? (ngx_uint_t) value : 0;
    ngx_sms_send_field_copy(sub, &rd->fields, NGX_SMS_READ_AUDIENCE,
                            NGX_SMS_REFERENCE_MAX, &sub->audience);

    if (sub->klass == SMS_CLASS_EXEMPT) {

        if (sub->exemption == 0) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_FIELD,
                "/exemption", "an exempt message names its exemption");

        } else if (!(sub->account->exemptions
                     & ((ngx_uint_t) 1 << sub->exemption)))
        {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_EXEMPTION_NOT_GRANTED,
                "/exemption", "ask the host to grant this exemption");
        }

        if (sub->audience.len == 0) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_FIELD,
                "/audience", "an exempt message names the group it goes to");
        }

    } else if (sub->exemption || sub->audience.len) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
            sub->exemption ? "/exemption" : "/audience",
            "only an exempt message has one");
    }
}


static void
ngx_sms_read_sender(ngx_sms_read_t *rd)
{
    ngx_str_t              name;
    ngx_sms_submission_t  *sub;

    sub = rd->sub;

    if (ngx_sms_send_field_str(sub, &rd->fields, NGX_SMS_READ_SENDER, 16, &name)
        != NGX_OK)
    {
        return;
    }

    if (name.len == 0) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_FIELD, "/sender",
                                 "name an approved sender of the account");
        return;
    }

    sub->sender = ngx_sms_account_sender(sub->account, &name);

    if (sub->sender == NULL) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_UNKNOWN_SENDER, "/sender",
                                 "\"%V\" is not a sender of this account; "
                                 "senders are case-sensitive", &name);
        return;
    }

    if (sub->klass
        && !(sub->sender->classes & ((ngx_uint_t) 1 << sub->klass)))
    {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_SENDER_CLASS, "/sender",
                                 "\"%V\" is not approved for %s messages",
                                 &name,
                                 sms_word_name(sms_word_class,
                                               (int) sub->klass));
    }
}


static void
ngx_sms_read_brand(ngx_sms_read_t *rd)
{
    u_char                 id[16];
    ngx_str_t              text;
    ngx_sms_submission_t  *sub;

    static ngx_sms_brand_t  none = { .b.size = sizeof(sms_brand_t) };

    sub = rd->sub;

    if (ngx_sms_send_field_str(sub, &rd->fields, NGX_SMS_READ_BRAND, 64, &text)
        != NGX_OK)
    {
        return;
    }

    if (text.len) {

        if (sms_id_parse("brd", (const char *) text.data, text.len, id) != 0) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_ID, "/brand",
                                     "a brand id is \"brd_\" and 26 "
                                     "characters");
            return;
        }

        sub->brand = ngx_sms_account_brand(sub->account, id);

        if (sub->brand == NULL) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_UNKNOWN_BRAND, "/brand",
                                     "the account may not send for this "
                                     "brand");
            return;
        }
    }

    if (sub->sender && sub->sender->brand) {

        /* the header belongs to the brand whose consent is asked */
        if (sub->brand && sub->brand != sub->sender->brand) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_UNKNOWN_BRAND, "/brand",
                                     "the sender \"%V\" belongs to another "
                                     "brand", &sub->sender->name);
        }

        sub->brand = sub->sender->brand;
    }

    if (sub->klass == SMS_CLASS_COMMERCIAL && sub->sender) {

        if (sub->brand == NULL) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_FIELD, "/brand",
                                     "a commercial message is sent for a "
                                     "brand");

        } else if (sub->brand->b.iys_code == 0
                   || sub->brand->b.brand_code == 0)
        {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_BRAND_NOT_REGISTERED,
                                     "/brand", "without an İYS code nothing "
                                     "commercial may be sent (R-10)");

        } else if (sub->brand->no_right) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_BRAND_NOT_AUTHORISED,
                                     "/brand", "choose this installation as "
                                     "the brand's iş ortağı at iys.org.tr, "
                                     "with a right for MESAJ (R-55)");

        } else if (sub->brand->no_subscription) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_BRAND_NOT_AUTHORISED,
                                     "/brand", "the provider's subscription "
                                     "in İYS does not run: renew it at "
                                     "iys.org.tr (R-10)");

        } else if (sub->brand->late) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_CONSENTS_OVERDUE,
                                     "/brand", "load what GET "
                                     "/v1/consents:export tells into İYS, and "
                                     "say so with POST /v1/consents:confirm "
                                     "(R-22)");
        }
    }

    if (sub->brand == NULL) {
        sub->brand = &none;
    }
}


static void
ngx_sms_read_times(ngx_sms_read_t *rd)
{
    int64_t                 s, min, max, start;
    ngx_sms_submission_t   *sub;
    const sms_json_node_t  *value;

    sub = rd->sub;
    start = sub->accepted_us;

    sub->schedule_us = ngx_sms_send_field_time(sub, &rd->fields,
                                               NGX_SMS_READ_SCHEDULE_AT);
    sub->sim_trusted_since_us
        = ngx_sms_send_field_time(sub, &rd->fields,
                                  NGX_SMS_READ_SIM_TRUSTED_SINCE);

    if (sub->schedule_us) {

        if (sub->klass == SMS_CLASS_OTP) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_OTP_NOT_SCHEDULABLE,
                                     "/schedule_at", "a code is sent now or "
                                     "never");

        } else if (sub->schedule_us <= sub->accepted_us) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_SCHEDULE_IN_PAST,
                                     "/schedule_at", "choose a time to come");

        } else if (sub->schedule_us - sub->accepted_us
                   > (int64_t) NGX_SMS_SCHEDULE_MAX_S * 1000000)
        {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                     "/schedule_at", "at most a year ahead");
        }

        start = sub->schedule_us;
    }

    if (sub->sim_trusted_since_us && sub->klass != SMS_CLASS_OTP) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                 "/sim_trusted_since", "only an otp has one");
    }

    if (sub->klass == SMS_CLASS_OTP) {
        min = NGX_SMS_OTP_VALIDITY_MIN;
        max = NGX_SMS_OTP_VALIDITY_MAX;
        s = NGX_SMS_OTP_VALIDITY;

    } else {
        min = NGX_SMS_VALIDITY_MIN;
        max = NGX_SMS_VALIDITY_MAX;
        s = NGX_SMS_VALIDITY_DEFAULT;
    }

    value = rd->fields.value[NGX_SMS_READ_VALIDITY_S];

    if (value) {
        s = sms_json_is(value, SMS_JSON_INT) ? value->u.i : -1;

        if (s < min || s > max) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                     "/validity_s", "an integer from %L to %L",
                                     min, max);
            s = min;
        }
    }

    sub->validity_s = (ngx_uint_t) s;
    sub->expires_us = start + s * 1000000;
}


static void
ngx_sms_read_encoding(ngx_sms_read_t *rd)
{
    ngx_str_t              name;
    ngx_sms_submission_t  *sub;

    sub = rd->sub;

    if (ngx_sms_send_field_str(sub, &rd->fields, NGX_SMS_READ_ENCODING, 16,
                               &name)
        != NGX_OK
        || name.len == 0
        || (name.len == 4 && ngx_strncmp(name.data, "auto", 4) == 0))
    {
        return;
    }

    if (name.len == 5 && ngx_strncmp(name.data, "ascii", 5) == 0) {
        sub->ascii = 1;
        sub->encoding = SMS_ENC_GSM7;

    } else if (name.len == 4 && ngx_strncmp(name.data, "gsm7", 4) == 0) {
        sub->encoding = SMS_ENC_GSM7;

    } else if (name.len == 7 && ngx_strncmp(name.data, "turkish", 7) == 0) {
        sub->encoding = sub->account->encoding.shift == SMS_SEGMENT_SHIFT_LOCKING
                        ? SMS_ENC_GSM7_TR_LOCKING : SMS_ENC_GSM7_TR_SINGLE;

    } else if (name.len == 4 && ngx_strncmp(name.data, "ucs2", 4) == 0) {
        sub->encoding = SMS_ENC_UCS2;

    } else {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD, "/encoding",
                                 "one of auto, ascii, gsm7, turkish or ucs2");
    }
}


static void
ngx_sms_read_confirm(ngx_sms_read_t *rd)
{
    uint32_t                i;
    ngx_str_t              *code;
    const sms_json_node_t  *list, *item;

    list = rd->fields.value[NGX_SMS_READ_CONFIRM];

    if (list == NULL) {
        return;
    }

    if (!sms_json_is(list, SMS_JSON_ARRAY) || list->n > 32) {
        ngx_sms_submission_fault(rd->sub, SMS_PROBLEM_INVALID_FIELD,
                                 "/confirm", "a list of finding codes");
        return;
    }

    for (i = 0, item = sms_json_first(list); i < list->n;
         i++, item = sms_json_next(item))
    {

        if (!sms_json_is(item, SMS_JSON_STR) || item->n > 64) {
            ngx_sms_submission_fault(rd->sub, SMS_PROBLEM_INVALID_FIELD,
                                     "/confirm", "a list of finding codes");
            return;
        }

        code = ngx_array_push(&rd->sub->confirm);
        if (code == NULL) {
            return;
        }

        code->len = item->n;
        code->data = ngx_pnalloc(rd->sub->pool, code->len + 1);

        if (code->data == NULL) {
            rd->sub->confirm.nelts--;
            return;
        }

        ngx_memcpy(code->data, item->u.p, code->len);
        code->data[code->len] = '\0';
    }
}


static ngx_int_t
ngx_sms_read_texts(ngx_sms_read_t *rd)
{
    u_char                  pointer[32];
    uint32_t                i;
    ngx_uint_t              body;
    ngx_sms_submission_t   *sub;
    const sms_json_node_t  *text, *texts, *item;

    sub = rd->sub;
    text = rd->fields.value[NGX_SMS_READ_TEXT];
    texts = rd->fields.value[NGX_SMS_READ_TEXTS];

    if ((text == NULL) == (texts == NULL)
        || (texts && (!sms_json_is(texts, SMS_JSON_ARRAY) || texts->n == 0
                      || texts->n > NGX_SMS_TEXTS_MAX)))
    {
        ngx_sms_submission_fault(sub, texts ? SMS_PROBLEM_INVALID_FIELD
                                            : SMS_PROBLEM_MISSING_FIELD,
                                 texts ? "/texts" : "/text",
                                 "give \"text\", or \"texts\" with 1 to %d of "
                                 "them", NGX_SMS_TEXTS_MAX);
        return NGX_OK;
    }

    if (text) {
        return ngx_sms_send_text(sub, text, "/text", &body);
    }

    for (i = 0, item = sms_json_first(texts); i < texts->n;
         i++, item = sms_json_next(item))
    {
        *ngx_sprintf(pointer, "/texts/%uD", i) = '\0';

        if (ngx_sms_send_text(sub, item, (const char *) pointer, &body)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_read_recipients(ngx_sms_read_t *rd)
{
    ngx_sms_submission_t   *sub;
    const sms_json_node_t  *to, *messages, *list;

    sub = rd->sub;
    to = rd->fields.value[NGX_SMS_READ_TO];
    messages = rd->fields.value[NGX_SMS_READ_MESSAGES];

    if ((to == NULL) == (messages == NULL)) {
        ngx_sms_submission_fault(sub, to ? SMS_PROBLEM_INVALID_FIELD
                                         : SMS_PROBLEM_MISSING_FIELD,
                                 to ? "/messages" : "/to",
                                 "give either \"text\" with \"to\", or "
                                 "\"messages\"");
        return NGX_OK;
    }

    list = to ? to : messages;
    rd->entries = list->n;

    if (!sms_json_is(list, SMS_JSON_ARRAY) || rd->entries == 0) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                 to ? "/to" : "/messages",
                                 "a list with 1 to %d entries",
                                 NGX_SMS_RECIPIENTS_MAX);
        return NGX_OK;
    }

    if (rd->entries > NGX_SMS_RECIPIENTS_MAX) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_TOO_MANY_RECIPIENTS,
                                 to ? "/to" : "/messages",
                                 "%uz recipients; at most %d fit in one "
                                 "request", rd->entries,
                                 NGX_SMS_RECIPIENTS_MAX);
        return NGX_OK;
    }

    if (sub->klass == SMS_CLASS_OTP && rd->entries > 1) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_OTP_ONE_RECIPIENT,
                                 to ? "/to" : "/messages",
                                 "%uz recipients", rd->entries);
        return NGX_OK;
    }

    return to ? ngx_sms_read_to(rd, to) : ngx_sms_read_messages(rd, messages);
}


static ngx_int_t
ngx_sms_read_to(ngx_sms_read_t *rd, const sms_json_node_t *to)
{
    uint32_t                i;
    ngx_uint_t              body;
    ngx_sms_recipient_t    *rcpt;
    ngx_sms_submission_t   *sub;
    const sms_json_node_t  *item, *text;

    sub = rd->sub;

    text = rd->fields.value[NGX_SMS_READ_TEXT];

    if (text == NULL) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_FIELD, "/text",
                                 "the text to send");
        return NGX_OK;
    }

    if (sub->klass == SMS_CLASS_COMMERCIAL && sub->recipient_type == 0) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_RECIPIENT_TYPE,
                                 "/recipient_type",
                                 "BIREYSEL or TACIR (R-13)");
    }

    if (ngx_sms_send_text(sub, text, "/text", &body) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0, item = sms_json_first(to); i < to->n;
         i++, item = sms_json_next(item))
    {
        rcpt = ngx_sms_read_recipient(rd, item, "/to/%ui", i);

        if (rcpt) {
            rcpt->body = body;
            rcpt->recipient_type = (uint8_t) sub->recipient_type;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sms_read_messages(ngx_sms_read_t *rd, const sms_json_node_t *messages)
{
    int                     value;
    u_char                  prefix[32], pointer[48];
    uint32_t                i;
    ngx_uint_t              body;
    ngx_sms_fields_t        fields;
    ngx_sms_recipient_t    *rcpt;
    ngx_sms_submission_t   *sub;
    const sms_json_node_t  *item;

    sub = rd->sub;

    if (rd->fields.value[NGX_SMS_READ_TEXT]) {
        ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD, "/text",
                                 "with \"messages\" each has its own text");
    }

    for (i = 0, item = sms_json_first(messages); i < messages->n;
         i++, item = sms_json_next(item))
    {
        *ngx_sprintf(prefix, "/messages/%uD", i) = '\0';

        if (!sms_json_is(item, SMS_JSON_OBJECT)) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                     (const char *) prefix, "an object");
            continue;
        }

        ngx_sms_send_fields(sub, item, (const char *) prefix,
                            ngx_sms_read_message_fields, &fields);

        rcpt = ngx_sms_read_recipient(rd, fields.value[NGX_SMS_READ_MESSAGE_TO],
                                      "/messages/%ui/to", i);
        if (rcpt == NULL) {
            continue;
        }

        *ngx_sprintf(pointer, "%s/text", prefix) = '\0';

        if (ngx_sms_send_text(sub, fields.value[NGX_SMS_READ_MESSAGE_TEXT],
                              (const char *) pointer, &body)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        rcpt->body = body;
        ngx_sms_send_field_copy(sub, &fields, NGX_SMS_READ_MESSAGE_REFERENCE,
                                NGX_SMS_REFERENCE_MAX, &rcpt->reference);

        value = ngx_sms_send_field_word(sub, &fields,
                                        NGX_SMS_READ_MESSAGE_RECIPIENT_TYPE,
                                        sms_word_recipient_type);
        rcpt->recipient_type = (uint8_t) (value > 0 ? value
                                          : (int) sub->recipient_type);

        *ngx_sprintf(pointer, "%s/recipient_type", prefix) = '\0';

        if (sub->klass == SMS_CLASS_COMMERCIAL && rcpt->recipient_type == 0) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_MISSING_RECIPIENT_TYPE,
                                     (const char *) pointer,
                                     "BIREYSEL or TACIR (R-13)");

        } else if (value > 0 && sub->klass != SMS_CLASS_COMMERCIAL) {
            ngx_sms_submission_fault(sub, SMS_PROBLEM_INVALID_FIELD,
                                     (const char *) pointer,
                                     "only a commercial message has one");
        }
    }

    return NGX_OK;
}


/* "place" takes the number of the recipient, and is the pointer of a fault */

static ngx_sms_recipient_t *
ngx_sms_read_recipient(ngx_sms_read_t *rd, const sms_json_node_t *to,
    const char *place, ngx_uint_t ord)
{
    size_t                len;
    u_char                pointer[48];
    ngx_sms_recipient_t  *rcpt;

    len = sms_json_is(to, SMS_JSON_STR) ? to->n : 0;

    if (len == 0 || len > 64) {
        *ngx_sprintf(pointer, place, ord) = '\0';
        ngx_sms_submission_fault(rd->sub, to ? SMS_PROBLEM_INVALID_FIELD
                                             : SMS_PROBLEM_MISSING_FIELD,
                                 (const char *) pointer,
                                 "a phone number as a string");
        return NULL;
    }

    rcpt = ngx_array_push(&rd->sub->recipients);
    if (rcpt == NULL) {
        return NULL;
    }

    ngx_memzero(rcpt, sizeof(ngx_sms_recipient_t));
    rcpt->ord = ord;
    rcpt->test = (uint8_t) rd->sub->test;
    rcpt->given.data = ngx_pnalloc(rd->sub->pool, len);

    if (rcpt->given.data == NULL) {
        rd->sub->recipients.nelts--;
        return NULL;
    }

    rcpt->given.len = len;
    ngx_memcpy(rcpt->given.data, to->u.p, len);

    return rcpt;
}
