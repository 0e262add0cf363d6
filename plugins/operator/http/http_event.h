/*
 * http_event - records of a callback as events for the host.
 */
#ifndef HTTP_EVENT_H
#define HTTP_EVENT_H

#include "http_conf.h"

typedef struct {
    sms_host_t         *host;
    const http_conf_t  *conf;
    int                 receipts;
    uint32_t            n, cap, bad;
    int                 failed;         /* no memory                           */
    sms_inbound_t      *events;
    char              **rooms;          /* of the strings, one an event        */
} http_events_t;

void http_events_init(http_events_t *e, sms_host_t *host, const http_conf_t *conf,
    int receipts);

/* an http_record_pt: a record of no use is counted, and the others go on */
int http_events_add(void *events, const http_record_t *record);
sms_rc_t http_events_deliver(http_events_t *e, void (*done)(void *data, sms_rc_t rc),
    void *data);
void http_events_free(http_events_t *e);

/* us; 0: unreadable, or more than ten minutes ahead of now_us */
int64_t http_event_time(http_time_t format, sms_str_t s, int64_t now_us);

/* A number as the host compares them: digits with the country, "905321234567".
 * Short numbers and names stay.  "out" has room for s.len + 2; its length.     */
size_t http_event_number(sms_str_t s, char *out);

#endif /* HTTP_EVENT_H */
