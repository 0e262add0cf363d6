/*
 * http_conf - the keys of a link over HTTP, read and checked.
 */
#ifndef HTTP_CONF_H
#define HTTP_CONF_H

#include "http_doc.h"
#include "http_status.h"
#include "http_template.h"

#define HTTP_HEADERS_MAX   16
#define HTTP_NETS_MAX      64
#define HTTP_CHOICES_MAX   64

/* fields of an answer */
enum { HTTP_ANSWER_ID, HTTP_ANSWER_CODE, HTTP_ANSWER_FIELDS };
/* fields of a receipt */
enum { HTTP_RECEIPT_ID, HTTP_RECEIPT_STATUS, HTTP_RECEIPT_ERROR, HTTP_RECEIPT_TIME,
       HTTP_RECEIPT_TO, HTTP_RECEIPT_FIELDS };
/* fields of an inbound message */
enum { HTTP_INBOUND_ID, HTTP_INBOUND_FROM, HTTP_INBOUND_TO, HTTP_INBOUND_TEXT,
       HTTP_INBOUND_TIME, HTTP_INBOUND_FIELDS };

typedef enum { HTTP_TIME_RFC3339, HTTP_TIME_LOCAL, HTTP_TIME_DOTTED, HTTP_TIME_UNIX,
               HTTP_TIME_UNIX_MS } http_time_t;

typedef enum { HTTP_BODY_JSON, HTTP_BODY_FORM, HTTP_BODY_XML, HTTP_BODY_NONE } http_body_t;

/* where a callback brings the secret */
typedef enum { HTTP_SECRET_HEADER, HTTP_SECRET_QUERY, HTTP_SECRET_BASIC } http_secret_t;

typedef struct {
    sms_str_t         name;
    http_template_t   value;
} http_header_t;

/* "class:otp=4": how one value of a variable is written for this operator */
typedef struct {
    http_variable_t   variable;
    uint32_t          value;
    sms_str_t         text;
} http_choice_t;

typedef struct {
    uint8_t           address[16];      /* IPv4 as ::ffff:a.b.c.d              */
    unsigned          bits;
} http_net_t;

typedef struct {
    sms_str_t         method;
    http_template_t   url, body;
    http_body_t       body_type;
    http_header_t     headers[HTTP_HEADERS_MAX];
    uint32_t          nheaders;
    int               has_type;         /* a Content-Type of its own           */
    sms_str_t         username, password, token;
    sms_tls_t         tls;
    uint32_t          timeout_ms, concurrency, rate;
    uint32_t          throttle_ms, reconnect_min_ms, reconnect_max_ms, stop_ms;
    http_choice_t     choices[HTTP_CHOICES_MAX];
    uint32_t          nchoices;

    http_map_t        answer;
    http_table_t      statuses, codes;  /* of HTTP, of the operator            */

    sms_str_t         callback_secret, secret_name;
    http_secret_t     secret_in;
    http_net_t        nets[HTTP_NETS_MAX];
    uint32_t          nnets;
    sms_str_t         callback_answer;
    http_text_t       callback_url;     /* rendered                            */
    http_time_t       time_format;
    sms_str_t         receipt_path, inbound_path;
    http_map_t        receipt, inbound;
    http_table_t      states, reasons;
} http_conf_t;

extern const sms_conf_key_t  http_conf_keys[];

/* Strings stay those of "conf".  SMS_OK, or an error with a sentence; also then
 * http_conf_free() is due.                                                     */
sms_rc_t http_conf_read(http_conf_t *c, const sms_conf_t *conf, char *err, size_t errcap);
void http_conf_free(http_conf_t *c);

/* http_message.c: the request of one message */
typedef struct {
    const http_conf_t  *conf;
    const sms_msg_t    *msg;
    int64_t             now_us;
    http_text_t         scratch;
} http_message_t;

sms_str_t http_message_value(void *message, http_variable_t variable);
/* "text" of a choice; 0: no such value of this variable, or no choices at all */
int http_choice_parse(sms_str_t item, http_choice_t *choice);

#endif /* HTTP_CONF_H */
