/*
 * The table of keys; docs/DIRECTIVES.md repeats it.
 */
#include "http_conf.h"


#define HTTP_KEY(name, type, required, def, choices, min, max, doc)           \
    { name, type, required, def, choices, doc, min, max }

const sms_conf_key_t  http_conf_keys[] = {

    HTTP_KEY("url", SMS_CONF_STR, 1, NULL, NULL, 0, 0,
        "address that takes messages, a template; https, or http with plain on"),
    HTTP_KEY("method", SMS_CONF_ENUM, 0, "POST", "POST|GET|PUT", 0, 0,
        "method of the request"),
    HTTP_KEY("body_type", SMS_CONF_ENUM, 0, "json", "json|form|xml|none", 0, 0,
        "what the body is; decides how values are escaped in it"),
    HTTP_KEY("body", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "the body, a template"),
    HTTP_KEY("header", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "\"Name: value\", a template behind the colon"),
    HTTP_KEY("username", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "$username, and the first half of $basic_auth"),
    HTTP_KEY("password", SMS_CONF_SECRET, 0, NULL, NULL, 0, 0,
        "$password, and the second half of $basic_auth"),
    HTTP_KEY("token", SMS_CONF_SECRET, 0, NULL, NULL, 0, 0,
        "$token"),
    HTTP_KEY("word", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "VARIABLE:VALUE=TEXT: how the operator writes a value of class, "
        "recipient_type, basis, exemption or encoding"),
    HTTP_KEY("plain", SMS_CONF_BOOL, 0, "off", NULL, 0, 0,
        "allow http:// to other machines: anybody on the way reads along"),
    HTTP_KEY("ca", SMS_CONF_PATH, 0, NULL, NULL, 0, 0,
        "certificates to trust; default: the system's"),
    HTTP_KEY("cert", SMS_CONF_PATH, 0, NULL, NULL, 0, 0,
        "client certificate"),
    HTTP_KEY("key", SMS_CONF_PATH, 0, NULL, NULL, 0, 0,
        "key of the client certificate"),
    HTTP_KEY("timeout", SMS_CONF_MSEC, 0, "30s", NULL, 100, 50000,
        "an answer later than this never comes: the message is in doubt"),
    HTTP_KEY("concurrency", SMS_CONF_INT, 0, "8", NULL, 1, 16,
        "requests at the same time; bounds what can be in doubt"),
    HTTP_KEY("rate", SMS_CONF_INT, 0, "0", NULL, 0, 100000,
        "messages a second; 0: no limit"),
    HTTP_KEY("throttle_wait", SMS_CONF_MSEC, 0, "1s", NULL, 10, 30000,
        "first pause after throttled without Retry-After; doubles up to 30s"),
    HTTP_KEY("reconnect_min", SMS_CONF_MSEC, 0, "1s", NULL, 10, 3600000,
        "first pause after down or no answer; doubles"),
    HTTP_KEY("reconnect_max", SMS_CONF_MSEC, 0, "60s", NULL, 10, 3600000,
        "longest pause"),
    HTTP_KEY("stop_wait", SMS_CONF_MSEC, 0, "60s", NULL, 10, 3600000,
        "rest after stop, until one message tries again"),

    HTTP_KEY("answer", SMS_CONF_ENUM, 0, "json", "json|xml|text|none", 0, 0,
        "what the answer is"),
    HTTP_KEY("answer_id", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where the answer has the operator's id; default: it uses $message_id"),
    HTTP_KEY("answer_code", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where the answer has the code that status names"),
    HTTP_KEY("http_status", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "STATUS=WORD for statuses of HTTP that mean something else here, "
        "429=down or 5xx=failover"),
    HTTP_KEY("status", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "CODE=WORD for codes of answers: sent, retry, throttled, down, failover, "
        "stop, unknown, or final as invalid_number, sender, content, consent, "
        "blacklist, sim_changed, expired, ported, other; codes that are not listed "
        "are final"),

    HTTP_KEY("callback_url", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "$callback_url: address of our location; may name $callback_secret"),
    HTTP_KEY("callback_secret", SMS_CONF_SECRET, 0, NULL, NULL, 0, 0,
        "what a callback must bring"),
    HTTP_KEY("callback_secret_in", SMS_CONF_STR, 0, "header:X-Callback-Secret", NULL, 0, 0,
        "where it brings it: header:NAME (also behind Bearer), query:NAME, or "
        "basic for the password of basic authentication"),
    HTTP_KEY("callback_allow", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "addresses and networks that callbacks come from, 192.0.2.0/24"),
    HTTP_KEY("callback_answer", SMS_CONF_STR, 0, "OK", NULL, 0, 0,
        "what the operator is told when its callback is stored"),
    HTTP_KEY("time_format", SMS_CONF_ENUM, 0, "rfc3339",
        "rfc3339|local|dotted|unix|unix_ms", 0, 0,
        "times in callbacks; local is 2026-04-22 12:30:00, dotted 22.04.2026 "
        "12:30:00, both in Turkey"),
    HTTP_KEY("receipt_path", SMS_CONF_STR, 0, "/receipt", NULL, 0, 0,
        "how the path of callbacks with receipts ends"),
    HTTP_KEY("receipt_format", SMS_CONF_ENUM, 0, "json", "json|xml|form|query", 0, 0,
        "what such a callback is"),
    HTTP_KEY("receipt_list", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where its receipts are; the fields' places begin there"),
    HTTP_KEY("receipt_id", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where a receipt has the id; default: no receipts come"),
    HTTP_KEY("receipt_status", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the status that receipt_state names"),
    HTTP_KEY("receipt_error", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the code that receipt_reason names"),
    HTTP_KEY("receipt_time", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the time"),
    HTTP_KEY("receipt_to", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the recipient's number"),
    HTTP_KEY("receipt_state", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "STATUS=STATE: enroute, delivered, expired, deleted, undelivered, "
        "accepted, unknown, rejected"),
    HTTP_KEY("receipt_reason", SMS_CONF_LIST, 0, NULL, NULL, 0, 0,
        "CODE=REASON: invalid_number, sender, content, consent, blacklist, "
        "sim_changed, expired, ported, other"),
    HTTP_KEY("inbound_path", SMS_CONF_STR, 0, "/inbound", NULL, 0, 0,
        "how the path of callbacks with messages ends"),
    HTTP_KEY("inbound_format", SMS_CONF_ENUM, 0, "json", "json|xml|form|query", 0, 0,
        "what such a callback is"),
    HTTP_KEY("inbound_list", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where its messages are; the fields' places begin there"),
    HTTP_KEY("inbound_id", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where a message has the operator's id, by which repetitions are known"),
    HTTP_KEY("inbound_from", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the number it comes from; default: no messages come"),
    HTTP_KEY("inbound_to", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the number it was sent to"),
    HTTP_KEY("inbound_text", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the text"),
    HTTP_KEY("inbound_time", SMS_CONF_STR, 0, NULL, NULL, 0, 0,
        "where it has the time"),

    HTTP_KEY(NULL, 0, 0, NULL, NULL, 0, 0, NULL)
};
