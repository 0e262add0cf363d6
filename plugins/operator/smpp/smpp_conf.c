#include <stdio.h>
#include <string.h>

#include "smpp_conf.h"


#define SMPP_KEY(name, type, required, def, choices, min, max, doc)           \
    { name, type, required, def, choices, doc, min, max }

const sms_conf_key_t  smpp_conf_keys[] = {

    SMPP_KEY("host", SMS_CONF_STR, 1, NULL, NULL, 0, 0,
        "address or name of the SMSC"),
    SMPP_KEY("port", SMS_CONF_INT, 0, "2775", NULL, 1, 65535,
        "its TCP port"),
    SMPP_KEY("tls", SMS_CONF_BOOL, 0, "off", NULL, 0, 0,
        "speak TLS from the first octet"),
    SMPP_KEY("tls_name", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "name that the SMSC's certificate must carry; default: host"),
    SMPP_KEY("ca", SMS_CONF_PATH, 0, NULL, NULL, 0, 0,
        "certificates to trust; default: the system's"),
    SMPP_KEY("cert", SMS_CONF_PATH, 0, NULL, NULL, 0, 0,
        "client certificate"),
    SMPP_KEY("key", SMS_CONF_PATH, 0, NULL, NULL, 0, 0,
        "key of the client certificate"),
    SMPP_KEY("system_id", SMS_CONF_STR, 1, NULL, NULL, 0, 0,
        "name of our account at the SMSC, at most 15 characters"),
    SMPP_KEY("password", SMS_CONF_SECRET, 0, NULL, NULL, 0, 0,
        "its password, at most 64 characters (8 by the standard)"),
    SMPP_KEY("system_type", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "type of system, where the operator asks for one"),
    SMPP_KEY("service_type", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "service_type of each submit, at most 5 characters"),
    SMPP_KEY("address_range", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "addresses served, where the operator asks for it"),
    SMPP_KEY("bind", SMS_CONF_ENUM, 0, "transceiver",
        "transceiver|transmitter|receiver|paired", 0, 0,
        "kind of session; paired: a transmitter and a receiver beside it; a "
        "transmitter alone gets no receipts on its own link"),
    SMPP_KEY("binds", SMS_CONF_INT, 0, "1", NULL, 1, SMPP_BINDS_MAX,
        "sessions at the same time, over all workers and nodes"),
    SMPP_KEY("window", SMS_CONF_INT, 0, "10", NULL, 1, 1024,
        "submits without an answer in one session; bounds what can be in doubt"),
    SMPP_KEY("rate", SMS_CONF_INT, 0, "0", NULL, 0, 1000000,
        "submits a second of the link, shared evenly by its binds; 0: no limit"),
    SMPP_KEY("enquire_link", SMS_CONF_MSEC, 0, "30s", NULL, 0, 3600000,
        "silence after which the session is probed; 0: never"),
    SMPP_KEY("response_timeout", SMS_CONF_MSEC, 0, "30s", NULL, 100, 600000,
        "an answer later than this never comes: the submit is in doubt"),
    SMPP_KEY("inactivity_timeout", SMS_CONF_MSEC, 0, "0", NULL, 0, 86400000,
        "a session over which nothing but probes went for so long is bound "
        "anew; 0: never"),
    SMPP_KEY("connect_timeout", SMS_CONF_MSEC, 0, "10s", NULL, 100, 120000,
        "time for connect and TLS handshake"),
    SMPP_KEY("reconnect_min", SMS_CONF_MSEC, 0, "1s", NULL, 10, 3600000,
        "first pause before connecting again; doubles, with jitter"),
    SMPP_KEY("reconnect_max", SMS_CONF_MSEC, 0, "60s", NULL, 10, 3600000,
        "longest pause; the first pause after refused credentials, which doubles "
        "up to ten times as much"),
    SMPP_KEY("throttle_wait", SMS_CONF_MSEC, 0, "1s", NULL, 10, 30000,
        "first pause after ESME_RTHROTTLED or ESME_RMSGQFUL; doubles up to 30s"),
    SMPP_KEY("stop_wait", SMS_CONF_MSEC, 0, "60s", NULL, 1000, 3600000,
        "how long the link rests after a status that is classed as stop"),
    SMPP_KEY("alpha_ton", SMS_CONF_INT, 0, "5", NULL, 0, 255,
        "type of number of a sender with letters"),
    SMPP_KEY("alpha_npi", SMS_CONF_INT, 0, "0", NULL, 0, 255,
        "numbering plan of a sender with letters"),
    SMPP_KEY("number_ton", SMS_CONF_INT, 0, "1", NULL, 0, 255,
        "type of number of a sender of 7 digits or more"),
    SMPP_KEY("number_npi", SMS_CONF_INT, 0, "1", NULL, 0, 255,
        "numbering plan of a sender of 7 digits or more"),
    SMPP_KEY("short_ton", SMS_CONF_INT, 0, "3", NULL, 0, 255,
        "type of number of a sender of up to 6 digits"),
    SMPP_KEY("short_npi", SMS_CONF_INT, 0, "0", NULL, 0, 255,
        "numbering plan of a sender of up to 6 digits"),
    SMPP_KEY("dest_ton", SMS_CONF_INT, 0, "1", NULL, 0, 255,
        "type of number of recipients"),
    SMPP_KEY("dest_npi", SMS_CONF_INT, 0, "1", NULL, 0, 255,
        "numbering plan of recipients"),
    SMPP_KEY("registered_delivery", SMS_CONF_INT, 0, "1", NULL, 0, 255,
        "1: a receipt for each submit; other bits as in SMPP 3.4 5.2.17"),
    SMPP_KEY("esm_mode", SMS_CONF_INT, 0, "0", NULL, 0, 3,
        "messaging mode bits of esm_class; 3: store and forward"),
    SMPP_KEY("priority", SMS_CONF_INT, 0, "0", NULL, 0, 3,
        "priority_flag of each submit"),
    SMPP_KEY("protocol_id", SMS_CONF_INT, 0, "0", NULL, 0, 255,
        "protocol_id of each submit"),
    SMPP_KEY("replace_if_present", SMS_CONF_BOOL, 0, "off", NULL, 0, 0,
        "on: the SMSC drops a message of the same sender, recipient and "
        "service_type that still waits there"),
    SMPP_KEY("submit", SMS_CONF_ENUM, 0, "submit_sm", "submit_sm|data_sm", 0, 0,
        "PDU that carries a part; data_sm has no protocol_id, priority and "
        "replace_if_present"),
    SMPP_KEY("query", SMS_CONF_BOOL, 0, "off", NULL, 0, 0,
        "on: the SMSC answers query_sm"),
    SMPP_KEY("cancel", SMS_CONF_BOOL, 0, "off", NULL, 0, 0,
        "on: the SMSC answers cancel_sm; asked by the part's id only"),
    SMPP_KEY("validity", SMS_CONF_MSEC, 0, "48h", NULL, 0, 2592000000,
        "longest validity_period sent (until the message expires); 0: the field "
        "stays empty"),
    SMPP_KEY("validity_form", SMS_CONF_ENUM, 0, "relative", "relative|absolute",
        0, 0, "how validity_period is written; absolute: by the clock of "
        "clock_offset"),
    SMPP_KEY("coding_gsm7", SMS_CONF_INT, 0, "0", NULL, 0, 255,
        "data_coding of GSM 7 bit"),
    SMPP_KEY("coding_turkish", SMS_CONF_INT, 0, "0", NULL, 0, 255,
        "data_coding of GSM 7 bit with a Turkish table; some gateways want 1"),
    SMPP_KEY("coding_ucs2", SMS_CONF_INT, 0, "8", NULL, 0, 255,
        "data_coding of UCS-2"),
    SMPP_KEY("default_alphabet", SMS_CONF_ENUM, 0, "gsm7",
        "gsm7|ascii|latin1", 0, 0,
        "what data_coding 0 means in messages from the SMSC"),
    SMPP_KEY("septets", SMS_CONF_ENUM, 0, "unpacked", "unpacked|packed", 0, 0,
        "GSM 7 bit on the wire: one septet an octet, or packed as on air"),
    SMPP_KEY("long", SMS_CONF_ENUM, 0, "udh8", "udh8|udh16|sar|payload", 0, 0,
        "how parts of one text are tied together: header with 8-bit or 16-bit "
        "reference, SAR parameters, or one submit with message_payload"),
    SMPP_KEY("turkish", SMS_CONF_BOOL, 0, "on", NULL, 0, 0,
        "off: the SMSC has no national language tables; such texts go as UCS-2 "
        "where that is as many parts, else over another link"),
    SMPP_KEY("suffix", SMS_CONF_ENUM, 0, "none", "none|by_operator|by_us", 0, 0,
        "the operator's code at the end of a text: nobody's, appended by the "
        "operator (room is left in the last part), or by us (once)"),
    SMPP_KEY("suffix_code", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "our own code of four characters, B001 say; for suffix by_us"),
    SMPP_KEY("message_id", SMS_CONF_ENUM, 0, "auto", "auto|decimal|hex|as_is",
        0, 0, "form of ids in answers to submit_sm"),
    SMPP_KEY("receipt_id", SMS_CONF_ENUM, 0, "auto", "auto|decimal|hex|as_is",
        0, 0, "form of ids in receipts; auto on either side: learned"),
    SMPP_KEY("clock_offset", SMS_CONF_INT, 0, "180", NULL, -840, 840,
        "minutes east of UTC of the SMSC's clock, a multiple of 15"),
    SMPP_KEY("status", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "command_status of this operator, CODE=WORD: " SMPP_STATUS_WORDS),
    SMPP_KEY("receipt_error", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "err: of this operator's receipts, CODE=REASON, as those of status"),
    SMPP_KEY("receipt_stat", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "stat: of this operator's receipts, WORD=STATE; states enroute, "
        "delivered, expired, deleted, undelivered, accepted, unknown, rejected"),
    SMPP_KEY("receipt_unmarked", SMS_CONF_BOOL, 0, "off", NULL, 0, 0,
        "on: also what reads as a receipt and is not marked as one by esm_class "
        "is a receipt; only where nobody but the SMSC can send such a text"),
    SMPP_KEY("tlv", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "optional parameter of each submit, TAG=TYPE:VALUE; types text, "
        "string, hex, int1, int2, int4; VALUE may be $class, $recipient_type, "
        "$basis, $exemption, $iys_code, $brand_code, $retailer_code, "
        "$owner_id, $brand, $account, $message_id, $encoding, $parts, "
        "$attr.NAME; without a value it is left out, and the next of its tag "
        "is tried"),
    SMPP_KEY("tlv_in", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "optional parameter of what the SMSC brings, TAG=TYPE:NAME: kept with "
        "the message as attribute NAME; types as those of tlv"),

    SMPP_KEY(NULL, 0, 0, NULL, NULL, 0, 0, NULL)
};


static uint32_t
smpp_conf_u32(const sms_conf_t *conf, const char *name)
{
    return (uint32_t) conf->num(conf, name);
}


static smpp_numbering_t
smpp_conf_numbering(const sms_conf_t *conf, const char *ton, const char *npi)
{
    smpp_numbering_t  n;

    n.ton = (uint8_t) conf->num(conf, ton);
    n.npi = (uint8_t) conf->num(conf, npi);

    return n;
}


static sms_rc_t
smpp_conf_bad(char *err, size_t errcap, const char *what, sms_str_t value)
{
    snprintf(err, errcap, "%s: \"%.*s\"", what, (int) value.len,
             value.len ? value.ptr : "");

    return SMS_E_CONFIG;
}


static sms_rc_t
smpp_conf_verdicts(const sms_conf_t *conf, const char *name,
    smpp_verdict_t *out, uint32_t *n, char *err, size_t errcap)
{
    uint32_t   i;
    sms_str_t  item;

    *n = conf->count(conf, name);

    if (*n > SMPP_LIST_MAX) {
        snprintf(err, errcap, "%s: more than %d", name, SMPP_LIST_MAX);
        return SMS_E_CONFIG;
    }

    for (i = 0; i < *n; i++) {
        item = conf->item(conf, name, i);

        if (smpp_status_parse(item, &out[i]) != SMS_OK) {
            snprintf(err, errcap, "%s: \"%.*s\" is not CODE=WORD; words are "
                     SMPP_STATUS_WORDS, name, (int) item.len,
                     item.len ? item.ptr : "");
            return SMS_E_CONFIG;
        }
    }

    return SMS_OK;
}


static sms_rc_t
smpp_conf_vendors(const sms_conf_t *conf, const char *name,
    sms_rc_t (*parse)(sms_str_t item, smpp_vendor_t *v), smpp_vendor_t *out,
    uint32_t *n, char *err, size_t errcap)
{
    uint32_t   i;
    sms_str_t  item;

    *n = conf->count(conf, name);

    if (*n > SMPP_VENDOR_MAX) {
        snprintf(err, errcap, "%s: more than %d", name, SMPP_VENDOR_MAX);
        return SMS_E_CONFIG;
    }

    for (i = 0; i < *n; i++) {
        item = conf->item(conf, name, i);

        if (parse(item, &out[i]) != SMS_OK) {
            snprintf(err, errcap, "%s: not a %s: \"%.*s\"", name,
                     parse == smpp_vendor_parse
                     ? "TAG=TYPE:VALUE (types text, string, hex, int1, int2, "
                       "int4)"
                     : "TAG=TYPE:NAME (a name: a-z, 0-9, _)",
                     (int) item.len, item.ptr);
            return SMS_E_CONFIG;
        }
    }

    return SMS_OK;
}


static sms_rc_t
smpp_conf_words(smpp_conf_t *c, const sms_conf_t *conf, char *err,
    size_t errcap)
{
    uint32_t   i;
    sms_str_t  item;

    c->nwords = conf->count(conf, "receipt_stat");

    if (c->nwords > SMPP_LIST_MAX) {
        snprintf(err, errcap, "receipt_stat: more than %d", SMPP_LIST_MAX);
        return SMS_E_CONFIG;
    }

    for (i = 0; i < c->nwords; i++) {
        item = conf->item(conf, "receipt_stat", i);

        if (!smpp_receipt_word(item, &c->words[i])) {
            return smpp_conf_bad(err, errcap, "receipt_stat: not a WORD=STATE "
                                 "(enroute, delivered, expired, deleted, "
                                 "undelivered, accepted, unknown, rejected)",
                                 item);
        }
    }

    return SMS_OK;
}


static sms_rc_t
smpp_conf_suffix(smpp_conf_t *c, sms_str_t code, char *err, size_t errcap)
{
    if ((c->split.suffix == SMPP_SUFFIX_BY_US) != (code.len != 0)) {
        snprintf(err, errcap, "suffix_code belongs to suffix by_us, and it to "
                 "suffix_code");
        return SMS_E_CONFIG;
    }

    if (code.len == 0) {
        return SMS_OK;
    }

    if (!sms_suffix_valid(code.ptr, code.len)) {
        return smpp_conf_bad(err, errcap, "suffix_code is not a letter, a letter "
                             "or digit, two digits", code);
    }

    c->split.append[0] = ' ';
    memcpy(c->split.append + 1, code.ptr, SMS_SUFFIX_CODE_LEN);

    return SMS_OK;
}


sms_rc_t
smpp_conf_read(smpp_conf_t *c, const sms_conf_t *conf, char *err,
    size_t errcap)
{
    uint32_t  i, k;

    static const uint8_t  alphabets[] = { 0x00, 0x01, 0x03 };

    memset(c, 0, sizeof(smpp_conf_t));

    c->host = conf->str(conf, "host");
    c->port = smpp_conf_u32(conf, "port");
    c->tls = smpp_conf_u32(conf, "tls");
    c->tls_name = conf->str(conf, "tls_name");
    c->ca = conf->str(conf, "ca");
    c->cert = conf->str(conf, "cert");
    c->key = conf->str(conf, "key");
    c->system_id = conf->str(conf, "system_id");
    c->password = conf->str(conf, "password");
    c->system_type = conf->str(conf, "system_type");
    c->service_type = conf->str(conf, "service_type");
    c->address_range = conf->str(conf, "address_range");
    c->mode = (smpp_mode_t) conf->num(conf, "bind");
    c->binds = smpp_conf_u32(conf, "binds");
    c->window = smpp_conf_u32(conf, "window");
    c->rate = smpp_conf_u32(conf, "rate");
    c->enquire_ms = smpp_conf_u32(conf, "enquire_link");
    c->response_ms = smpp_conf_u32(conf, "response_timeout");
    c->inactivity_ms = smpp_conf_u32(conf, "inactivity_timeout");
    c->connect_ms = smpp_conf_u32(conf, "connect_timeout");
    c->reconnect_min_ms = smpp_conf_u32(conf, "reconnect_min");
    c->reconnect_max_ms = smpp_conf_u32(conf, "reconnect_max");
    c->throttle_ms = smpp_conf_u32(conf, "throttle_wait");
    c->stop_ms = smpp_conf_u32(conf, "stop_wait");
    c->alpha = smpp_conf_numbering(conf, "alpha_ton", "alpha_npi");
    c->number = smpp_conf_numbering(conf, "number_ton", "number_npi");
    c->shortcode = smpp_conf_numbering(conf, "short_ton", "short_npi");
    c->dest = smpp_conf_numbering(conf, "dest_ton", "dest_npi");
    c->registered_delivery = (uint8_t) conf->num(conf, "registered_delivery");
    c->esm_mode = (uint8_t) conf->num(conf, "esm_mode");
    c->priority = (uint8_t) conf->num(conf, "priority");
    c->protocol_id = (uint8_t) conf->num(conf, "protocol_id");
    c->replace = (uint8_t) conf->num(conf, "replace_if_present");
    c->data_sm = smpp_conf_u32(conf, "submit");
    c->query = smpp_conf_u32(conf, "query");
    c->cancel = smpp_conf_u32(conf, "cancel");
    c->absolute = smpp_conf_u32(conf, "validity_form");
    c->validity_s = (uint32_t) (conf->num(conf, "validity") / 1000);
    c->coding_gsm7 = (uint8_t) conf->num(conf, "coding_gsm7");
    c->coding_turkish = (uint8_t) conf->num(conf, "coding_turkish");
    c->coding_ucs2 = (uint8_t) conf->num(conf, "coding_ucs2");
    c->default_alphabet = alphabets[conf->num(conf, "default_alphabet")];
    c->septets = (smpp_septets_t) conf->num(conf, "septets");
    c->split.how = (smpp_long_t) conf->num(conf, "long");
    c->split.turkish = smpp_conf_u32(conf, "turkish");
    c->split.suffix = (smpp_suffix_t) conf->num(conf, "suffix");
    c->unmarked = smpp_conf_u32(conf, "receipt_unmarked");
    c->message_id = (smpp_id_format_t) conf->num(conf, "message_id");
    c->receipt_id = (smpp_id_format_t) conf->num(conf, "receipt_id");
    c->clock_offset_s = (int32_t) conf->num(conf, "clock_offset") * 60;

    if (c->host.len == 0) {
        return smpp_conf_bad(err, errcap, "host is empty", c->host);
    }

    if (c->system_id.len == 0 || c->system_id.len > 15) {
        return smpp_conf_bad(err, errcap,
                             "system_id is not 1 to 15 characters",
                             c->system_id);
    }

    if (c->password.len > 64) {
        snprintf(err, errcap, "password is longer than 64 characters");
        return SMS_E_CONFIG;
    }

    if (c->system_type.len > 12) {
        return smpp_conf_bad(err, errcap,
                             "system_type is longer than 12 characters",
                             c->system_type);
    }

    if (c->service_type.len > 5) {
        return smpp_conf_bad(err, errcap,
                             "service_type is longer than 5 characters",
                             c->service_type);
    }

    if (c->address_range.len > 40) {
        return smpp_conf_bad(err, errcap,
                             "address_range is longer than 40 characters",
                             c->address_range);
    }

    if (smpp_conf_suffix(c, conf->str(conf, "suffix_code"), err, errcap)
        != SMS_OK)
    {
        return SMS_E_CONFIG;
    }

    if (c->binds > SMPP_BINDS_MAX / 2 && c->mode == SMPP_BIND_PAIRED) {
        snprintf(err, errcap, "binds is more than %d, which with bind paired are "
                 "two sessions each", SMPP_BINDS_MAX / 2);
        return SMS_E_CONFIG;
    }

    if (c->clock_offset_s % 900) {
        snprintf(err, errcap, "clock_offset is no multiple of 15 minutes");
        return SMS_E_CONFIG;
    }

    if (c->data_sm && c->replace) {
        snprintf(err, errcap, "replace_if_present does not exist with submit "
                 "data_sm");
        return SMS_E_CONFIG;
    }

    if (c->mode == SMPP_BIND_RECEIVER && (c->query || c->cancel)) {
        snprintf(err, errcap, "query and cancel need a session that may send; "
                 "bind is receiver");
        return SMS_E_CONFIG;
    }

    if (c->reconnect_min_ms > c->reconnect_max_ms) {
        snprintf(err, errcap, "reconnect_min is longer than reconnect_max");
        return SMS_E_CONFIG;
    }

    if ((c->cert.len == 0) != (c->key.len == 0)) {
        snprintf(err, errcap, "cert and key belong together");
        return SMS_E_CONFIG;
    }

    if (!c->tls && (c->tls_name.len || c->ca.len || c->cert.len)) {
        snprintf(err, errcap, "tls_name, ca, cert and key need tls on");
        return SMS_E_CONFIG;
    }

    if ((c->message_id == SMPP_ID_AS_IS) != (c->receipt_id == SMPP_ID_AS_IS)) {
        snprintf(err, errcap, "as_is is for message_id and receipt_id or for "
                 "neither: ids of two forms could not be compared");
        return SMS_E_CONFIG;
    }

    if (smpp_conf_verdicts(conf, "status", c->status, &c->nstatus, err, errcap)
            != SMS_OK
        || smpp_conf_verdicts(conf, "receipt_error", c->errors, &c->nerrors,
                              err, errcap) != SMS_OK)
    {
        return SMS_E_CONFIG;
    }

    if (smpp_conf_vendors(conf, "tlv", smpp_vendor_parse, c->vendor,
                          &c->nvendor, err, errcap) != SMS_OK
        || smpp_conf_vendors(conf, "tlv_in", smpp_vendor_parse_in, c->shown,
                             &c->nshown, err, errcap) != SMS_OK)
    {
        return SMS_E_CONFIG;
    }

    for (i = 1; i < c->nshown; i++) {
        for (k = 0; k < i; k++) {
            if (c->shown[k].tag == c->shown[i].tag) {
                return smpp_conf_bad(err, errcap, "tlv_in: a tag given before",
                                     conf->item(conf, "tlv_in", i));
            }
        }
    }

    return smpp_conf_words(c, conf, err, errcap);
}
