#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sms/sms_json_read.h>

#include "http_conf.h"


typedef struct {
    http_conf_t       *c;
    const sms_conf_t  *conf;
    char              *err;
    size_t             errcap;
} http_reader_t;


static sms_rc_t
http_conf_bad(http_reader_t *r, const char *key, sms_str_t value, const char *what)
{
    snprintf(r->err, r->errcap, "%s \"%.*s\": %s", key, (int) value.len,
             value.len ? value.ptr : "", what);

    return SMS_E_CONFIG;
}


static int
http_conf_starts(sms_str_t s, const char *prefix)
{
    size_t  n;

    n = strlen(prefix);

    return s.len >= n && memcmp(s.ptr, prefix, n) == 0;
}


static int
http_conf_loopback(sms_str_t url)
{
    return http_conf_starts(url, "http://127.0.0.1:") || http_conf_starts(url, "http://127.0.0.1/")
           || http_conf_starts(url, "http://[::1]:") || http_conf_starts(url, "http://[::1]/");
}


static sms_rc_t
http_conf_table(http_reader_t *r, const char *key, http_table_kind_t kind,
    http_table_t *t, const char *words)
{
    char       what[320];
    uint32_t   i, n;
    sms_str_t  item;

    n = r->conf->count(r->conf, key);

    for (i = 0; i < n; i++) {
        item = r->conf->item(r->conf, key, i);

        if (http_table_add(t, kind, item) != SMS_OK) {
            snprintf(what, sizeof(what), "KEY=WORD is wanted, each key once, at most "
                     "%d; words are %s", HTTP_ENTRIES_MAX, words);
            return http_conf_bad(r, key, item, what);
        }
    }

    return SMS_OK;
}


/* ---- the request ------------------------------------------------------- */

static int
http_conf_token(sms_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if (!((s.ptr[i] >= 'a' && s.ptr[i] <= 'z') || (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z')
              || (s.ptr[i] >= '0' && s.ptr[i] <= '9')
              || memchr("!#$%&'*+-.^_`|~", s.ptr[i], 15)))
        {
            return 0;
        }
    }

    return s.len > 0;
}


static sms_rc_t
http_conf_header(http_reader_t *r, sms_str_t item)
{
    size_t          i;
    uint32_t        k;
    sms_str_t       value;
    http_header_t  *h;

    /* the host's HTTP client writes them by itself */
    static const char *const  own[] = {
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "TE",
        "Trailer", "Upgrade", "Accept-Encoding"
    };

    if (r->c->nheaders == HTTP_HEADERS_MAX) {
        snprintf(r->err, r->errcap, "header: more than %d", HTTP_HEADERS_MAX);
        return SMS_E_CONFIG;
    }

    h = &r->c->headers[r->c->nheaders];
    h->name = item;
    h->name.len = 0;

    for (i = 0; i < item.len && item.ptr[i] != ':'; i++) {
        h->name.len++;
    }

    if (i == item.len || !http_conf_token(h->name)) {
        return http_conf_bad(r, "header", item, "\"Name: value\" is wanted");
    }

    for (k = 0; k < sizeof(own) / sizeof(own[0]); k++) {
        if (strlen(own[k]) == h->name.len
            && strncasecmp(own[k], h->name.ptr, h->name.len) == 0)
        {
            return http_conf_bad(r, "header", item, "this header is written by itself");
        }
    }

    for (i++; i < item.len && item.ptr[i] == ' '; i++) {
        /* void */
    }

    value.ptr = item.ptr + i;
    value.len = item.len - i;
    r->c->has_type |= h->name.len == 12 && strncasecmp(h->name.ptr, "content-type", 12) == 0;
    r->c->nheaders++;

    return http_template_compile(&h->value, value, HTTP_PLACE_HEADER, "header", r->err,
                                 r->errcap);
}


static sms_str_t
http_conf_sample(void *data, http_variable_t variable)
{
    sms_str_t  one = SMS_STR("1");

    (void) data;
    (void) variable;

    return one;
}


static int
http_conf_nothing(void *data, const http_record_t *record)
{
    (void) data;
    (void) record;

    return 0;
}


/* what comes out of the template is what it is said to be */
static sms_rc_t
http_conf_body_check(http_reader_t *r, sms_str_t body)
{
    int              ok;
    char             what[160];
    http_map_t       map;
    sms_str_t        text;
    http_text_t      sample;
    sms_json_doc_t   doc;

    if (r->c->body_type != HTTP_BODY_JSON && r->c->body_type != HTTP_BODY_XML) {
        return SMS_OK;
    }

    memset(&sample, 0, sizeof(sample));
    memset(&map, 0, sizeof(map));
    http_template_render(&r->c->body, http_conf_sample, NULL, &sample);
    text.ptr = sample.p ? sample.p : "";
    text.len = sample.len;

    if (r->c->body_type == HTTP_BODY_JSON) {
        sms_json_read_init(&doc, NULL, NULL);
        ok = sms_json_read(&doc, text.ptr, text.len) != NULL;
        snprintf(what, sizeof(what), "is no JSON when it is filled in: line %u, %s",
                 doc.line, doc.what ? doc.what : "");
        sms_json_read_free(&doc);

    } else {
        map.format = HTTP_DOC_XML;
        ok = http_doc_read(&map, text, http_conf_nothing, NULL) >= 0;
        snprintf(what, sizeof(what), "is no well-formed XML when it is filled in");
    }

    ok = ok && !sample.failed;
    http_text_free(&sample);

    return ok ? SMS_OK : http_conf_bad(r, "body", body, what);
}


/* credentials are named where there are some; and an id comes from somewhere */
static sms_rc_t
http_conf_uses(http_reader_t *r)
{
    uint32_t           i;
    uint64_t           uses;
    const http_conf_t  *c = r->c;
    http_variable_t    missing;

    uses = c->url.uses | c->body.uses;

    for (i = 0; i < c->nheaders; i++) {
        uses |= c->headers[i].value.uses;
    }

#define HTTP_USES(v)  (uses & (UINT64_C(1) << (v)))

    missing = HTTP_USES(HTTP_VAR_USERNAME) && c->username.len == 0 ? HTTP_VAR_USERNAME
              : HTTP_USES(HTTP_VAR_PASSWORD) && c->password.len == 0 ? HTTP_VAR_PASSWORD
              : HTTP_USES(HTTP_VAR_TOKEN) && c->token.len == 0 ? HTTP_VAR_TOKEN
              : HTTP_USES(HTTP_VAR_BASIC_AUTH) && c->username.len == 0 ? HTTP_VAR_USERNAME
              : HTTP_USES(HTTP_VAR_CALLBACK_URL) && c->callback_url.len == 0
              ? HTTP_VAR_CALLBACK_URL
              : HTTP_USES(HTTP_VAR_CALLBACK_SECRET) && c->callback_secret.len == 0
              ? HTTP_VAR_CALLBACK_SECRET : HTTP_VARS;

    if (missing != HTTP_VARS) {
        snprintf(r->err, r->errcap, "a template needs \"%s\", which is not set",
                 http_variable_name(missing));
        return SMS_E_CONFIG;
    }

    if (!HTTP_USES(HTTP_VAR_TO) && !HTTP_USES(HTTP_VAR_TO_LOCAL)) {
        snprintf(r->err, r->errcap, "neither url nor body nor header has $to or "
                 "$to_local: for whom is it?");
        return SMS_E_CONFIG;
    }

    if (!HTTP_USES(HTTP_VAR_TEXT) && !HTTP_USES(HTTP_VAR_TEXT_UCS2)) {
        snprintf(r->err, r->errcap, "neither url nor body nor header has $text or "
                 "$text_ucs2: what is sent?");
        return SMS_E_CONFIG;
    }

    if (c->answer.path[HTTP_ANSWER_ID].len == 0 && !HTTP_USES(HTTP_VAR_MESSAGE_ID)) {
        snprintf(r->err, r->errcap, "without answer_id receipts can name $message_id "
                 "only, and no template gives it to the operator");
        return SMS_E_CONFIG;
    }

#undef HTTP_USES

    return SMS_OK;
}


static sms_rc_t
http_conf_request(http_reader_t *r)
{
    uint32_t           i, n;
    sms_rc_t           rc;
    sms_str_t          url, body;
    http_conf_t       *c = r->c;
    const sms_conf_t  *conf = r->conf;

    static const char *const  methods[] = { "POST", "GET", "PUT" };
    static const http_place_t  places[] = { HTTP_PLACE_JSON, HTTP_PLACE_FORM,
                                            HTTP_PLACE_XML, HTTP_PLACE_FORM };

    url = conf->str(conf, "url");
    body = conf->str(conf, "body");
    c->method.ptr = methods[conf->num(conf, "method")];
    c->method.len = strlen(c->method.ptr);
    c->body_type = (http_body_t) conf->num(conf, "body_type");
    c->username = conf->str(conf, "username");
    c->password = conf->str(conf, "password");
    c->token = conf->str(conf, "token");

    if (!http_conf_starts(url, "https://")
        && !(http_conf_starts(url, "http://")
             && (conf->num(conf, "plain") || http_conf_loopback(url))))
    {
        return http_conf_bad(r, "url", url, "https:// is wanted (http:// to 127.0.0.1 "
                             "and [::1], or elsewhere with plain on)");
    }

    rc = http_template_compile(&c->url, url, HTTP_PLACE_URL, "url", r->err, r->errcap);

    if (rc != SMS_OK) {
        return rc;
    }

    if ((c->body_type == HTTP_BODY_NONE) != (body.len == 0)) {
        return http_conf_bad(r, "body", body, "a body_type and a body belong together; "
                             "body_type none has no body");
    }

    rc = http_template_compile(&c->body, body, places[c->body_type], "body", r->err,
                               r->errcap);

    if (rc != SMS_OK) {
        return rc;
    }

    n = conf->count(conf, "header");

    for (i = 0; i < n; i++) {
        rc = http_conf_header(r, conf->item(conf, "header", i));

        if (rc != SMS_OK) {
            return rc;
        }
    }

    c->nchoices = conf->count(conf, "word");

    for (i = 0; i < c->nchoices; i++) {
        if (i == HTTP_CHOICES_MAX
            || !http_choice_parse(conf->item(conf, "word", i), &c->choices[i]))
        {
            return http_conf_bad(r, "word", conf->item(conf, "word", i),
                                 "VARIABLE:VALUE=TEXT is wanted, at most 64; variables "
                                 "are class, recipient_type, basis, exemption, encoding, "
                                 "values those of the API");
        }
    }

    return http_conf_body_check(r, body);
}


static sms_rc_t
http_conf_answer(http_reader_t *r)
{
    char               what[256];
    uint32_t           i;
    sms_rc_t           rc;
    http_conf_t       *c = r->c;
    const sms_conf_t  *conf = r->conf;

    c->answer.format = (http_format_t) conf->num(conf, "answer");
    c->answer.n = HTTP_ANSWER_FIELDS;
    c->answer.path[HTTP_ANSWER_ID] = conf->str(conf, "answer_id");
    c->answer.path[HTTP_ANSWER_CODE] = conf->str(conf, "answer_code");

    if (c->answer.format == HTTP_DOC_NONE
        && (c->answer.path[0].len || c->answer.path[1].len))
    {
        snprintf(r->err, r->errcap, "answer_id and answer_code need an answer other than "
                 "none");
        return SMS_E_CONFIG;
    }

    if (!http_map_prepare(&c->answer, what, sizeof(what))) {
        snprintf(r->err, r->errcap, "answer: %s", what);
        return SMS_E_CONFIG;
    }

    rc = http_conf_table(r, "http_status", HTTP_TABLE_ANSWER, &c->statuses, HTTP_WORDS);

    if (rc == SMS_OK) {
        rc = http_conf_table(r, "status", HTTP_TABLE_ANSWER, &c->codes, HTTP_WORDS);
    }

    if (rc != SMS_OK) {
        return rc;
    }

    for (i = 0; i < c->statuses.n; i++) {
        if (!http_status_key(c->statuses.entries[i].key)) {
            return http_conf_bad(r, "http_status", c->statuses.entries[i].key,
                                 "a status from 100 to 599, or 1xx to 5xx, is wanted");
        }
    }

    if (c->codes.n && c->answer.path[HTTP_ANSWER_CODE].len == 0) {
        snprintf(r->err, r->errcap, "status names codes, but answer_code does not say "
                 "where the answer has them");
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


/* ---- callbacks --------------------------------------------------------- */

static int
http_conf_net(sms_str_t item, http_net_t *net)
{
    char      text[64], *slash;
    long      bits, most;
    size_t    i;
    uint8_t   v4[4];

    if (item.len == 0 || item.len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, item.ptr, item.len);
    text[item.len] = '\0';
    slash = strchr(text, '/');

    if (slash) {
        *slash++ = '\0';
    }

    memset(net, 0, sizeof(http_net_t));
    most = 128;

    if (inet_pton(AF_INET, text, v4) == 1) {
        net->address[10] = 0xff;
        net->address[11] = 0xff;
        memcpy(net->address + 12, v4, 4);
        most = 32;

    } else if (inet_pton(AF_INET6, text, net->address) != 1) {
        return 0;
    }

    bits = most;

    if (slash) {
        for (i = 0, bits = 0; slash[i] >= '0' && slash[i] <= '9' && i < 3; i++) {
            bits = bits * 10 + (slash[i] - '0');
        }

        if (i == 0 || slash[i] != '\0' || bits > most) {
            return 0;
        }
    }

    net->bits = (unsigned) (bits + 128 - most);

    return 1;
}


static sms_rc_t
http_conf_secret(http_reader_t *r)
{
    sms_str_t     in;
    http_conf_t  *c = r->c;

    in = r->conf->str(r->conf, "callback_secret_in");
    c->callback_secret = r->conf->str(r->conf, "callback_secret");
    c->secret_name = in;

    if (http_conf_starts(in, "header:")) {
        c->secret_in = HTTP_SECRET_HEADER;
        c->secret_name.ptr += 7;
        c->secret_name.len -= 7;

    } else if (http_conf_starts(in, "query:")) {
        c->secret_in = HTTP_SECRET_QUERY;
        c->secret_name.ptr += 6;
        c->secret_name.len -= 6;

    } else if (in.len == 5 && memcmp(in.ptr, "basic", 5) == 0) {
        c->secret_in = HTTP_SECRET_BASIC;
        return SMS_OK;
    }

    if (c->secret_name.len == in.len || !http_conf_token(c->secret_name)) {
        return http_conf_bad(r, "callback_secret_in", in,
                             "header:NAME, query:NAME or basic is wanted");
    }

    return SMS_OK;
}


static sms_rc_t
http_conf_callback_url(http_reader_t *r)
{
    sms_rc_t         rc;
    sms_str_t        url;
    http_message_t   m;
    http_template_t  t;
    sms_msg_t        none;

    url = r->conf->str(r->conf, "callback_url");

    if (url.len == 0) {
        return SMS_OK;
    }

    rc = http_template_compile(&t, url, HTTP_PLACE_URL, "callback_url", r->err, r->errcap);

    if (rc != SMS_OK) {
        return rc;
    }

    if (t.uses & ~(UINT64_C(1) << HTTP_VAR_CALLBACK_SECRET)) {
        return http_conf_bad(r, "callback_url", url, "only $callback_secret may be named");
    }

    if (t.uses && r->c->callback_secret.len == 0) {
        return http_conf_bad(r, "callback_url", url, "needs callback_secret");
    }

    memset(&none, 0, sizeof(none));
    memset(&m, 0, sizeof(m));
    m.conf = r->c;
    m.msg = &none;
    http_template_render(&t, http_message_value, &m, &r->c->callback_url);
    http_text_free(&m.scratch);

    return r->c->callback_url.failed ? SMS_E_NOMEM : SMS_OK;
}


static void
http_conf_fields(http_reader_t *r, http_map_t *map, const char *what,
    const char *const *names, uint32_t n)
{
    char       key[32];
    uint32_t   i;

    static const http_format_t  formats[] = { HTTP_DOC_JSON, HTTP_DOC_XML, HTTP_DOC_FORM,
                                              HTTP_DOC_QUERY };

    snprintf(key, sizeof(key), "%s_format", what);
    map->format = formats[r->conf->num(r->conf, key)];
    snprintf(key, sizeof(key), "%s_list", what);
    map->list = r->conf->str(r->conf, key);
    map->n = n;

    for (i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "%s_%s", what, names[i]);
        map->path[i] = r->conf->str(r->conf, key);
    }
}


static sms_rc_t
http_conf_callback(http_reader_t *r)
{
    uint32_t           i;
    sms_rc_t           rc;
    http_conf_t       *c = r->c;
    const sms_conf_t  *conf = r->conf;

    static const char *const  receipt[] = { "id", "status", "error", "time", "to" };
    static const char *const  inbound[] = { "id", "from", "to", "text", "time" };

    c->callback_answer = conf->str(conf, "callback_answer");
    c->time_format = (http_time_t) conf->num(conf, "time_format");
    c->receipt_path = conf->str(conf, "receipt_path");
    c->inbound_path = conf->str(conf, "inbound_path");
    http_conf_fields(r, &c->receipt, "receipt", receipt, HTTP_RECEIPT_FIELDS);
    http_conf_fields(r, &c->inbound, "inbound", inbound, HTTP_INBOUND_FIELDS);
    c->nnets = conf->count(conf, "callback_allow");

    for (i = 0; i < c->nnets; i++) {
        if (i == HTTP_NETS_MAX
            || !http_conf_net(conf->item(conf, "callback_allow", i), &c->nets[i]))
        {
            return http_conf_bad(r, "callback_allow", conf->item(conf, "callback_allow", i),
                                 "an address or a network as 192.0.2.0/24 is wanted, at "
                                 "most 64");
        }
    }

    rc = http_conf_secret(r);

    if (rc == SMS_OK) {
        rc = http_conf_table(r, "receipt_state", HTTP_TABLE_STATE, &c->states, HTTP_STATES);
    }

    if (rc == SMS_OK) {
        rc = http_conf_table(r, "receipt_reason", HTTP_TABLE_REASON, &c->reasons,
                             HTTP_REASONS);
    }

    if (rc == SMS_OK) {
        rc = http_conf_callback_url(r);
    }

    if (rc != SMS_OK) {
        return rc;
    }

    if (c->receipt.path[HTTP_RECEIPT_ID].len
        && (c->receipt.path[HTTP_RECEIPT_STATUS].len == 0 || c->states.n == 0))
    {
        snprintf(r->err, r->errcap, "receipt_id needs receipt_status and receipt_state, "
                 "or nobody knows what a receipt says");
        return SMS_E_CONFIG;
    }

    if (c->inbound.path[HTTP_INBOUND_FROM].len
        && (c->inbound.path[HTTP_INBOUND_TO].len == 0
            || c->inbound.path[HTTP_INBOUND_TEXT].len == 0))
    {
        snprintf(r->err, r->errcap, "inbound_from needs inbound_to and inbound_text");
        return SMS_E_CONFIG;
    }

    if ((c->receipt.path[HTTP_RECEIPT_ID].len || c->inbound.path[HTTP_INBOUND_FROM].len)
        && c->callback_secret.len == 0 && c->nnets == 0)
    {
        snprintf(r->err, r->errcap, "receipts and messages need callback_secret or "
                 "callback_allow, or anybody could send them");
        return SMS_E_CONFIG;
    }

    return SMS_OK;
}


sms_rc_t
http_conf_read(http_conf_t *c, const sms_conf_t *conf, char *err, size_t errcap)
{
    sms_rc_t       rc;
    http_reader_t  r;

    memset(c, 0, sizeof(http_conf_t));
    r.c = c;
    r.conf = conf;
    r.err = err;
    r.errcap = errcap;

    c->timeout_ms = (uint32_t) conf->num(conf, "timeout");
    c->concurrency = (uint32_t) conf->num(conf, "concurrency");
    c->rate = (uint32_t) conf->num(conf, "rate");
    c->throttle_ms = (uint32_t) conf->num(conf, "throttle_wait");
    c->reconnect_min_ms = (uint32_t) conf->num(conf, "reconnect_min");
    c->reconnect_max_ms = (uint32_t) conf->num(conf, "reconnect_max");
    c->stop_ms = (uint32_t) conf->num(conf, "stop_wait");
    c->tls.size = sizeof(c->tls);
    c->tls.ca_file = conf->str(conf, "ca");
    c->tls.cert_file = conf->str(conf, "cert");
    c->tls.key_file = conf->str(conf, "key");

    if ((c->tls.cert_file.len == 0) != (c->tls.key_file.len == 0)) {
        snprintf(err, errcap, "cert and key belong together");
        return SMS_E_CONFIG;
    }

    if (c->reconnect_min_ms > c->reconnect_max_ms) {
        snprintf(err, errcap, "reconnect_min is longer than reconnect_max");
        return SMS_E_CONFIG;
    }

    rc = http_conf_request(&r);

    if (rc == SMS_OK) {
        rc = http_conf_answer(&r);
    }

    if (rc == SMS_OK) {
        rc = http_conf_callback(&r);
    }

    return rc == SMS_OK ? http_conf_uses(&r) : rc;
}


void
http_conf_free(http_conf_t *c)
{
    http_map_free(&c->answer);
    http_text_free(&c->callback_url);
}
