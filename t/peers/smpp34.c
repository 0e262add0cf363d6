/* libs: -lsmpp34 -ljansson
 *
 * smpp34.c - libsmpp34 (c-open-smpp-3.4) as an SMSC; see net_smpp for what a peer says.
 *
 *   smpp34 SCENARIO PORT
 *
 * The library packs and unpacks; one connection at a time, read without haste.
 */
#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libsmpp34/smpp34.h>
#include <libsmpp34/smpp34_structs.h>
#include <libsmpp34/smpp34_params.h>


#define SMPP34_INBOUND  0x1000          /* sequences from here: messages; above: receipts */
#define SMPP34_RECEIPT  0x10000

typedef union {
    bind_transceiver_t       bind;
    bind_transceiver_resp_t  bind_resp;
    submit_sm_t              submit;
    submit_sm_resp_t         submit_resp;
    deliver_sm_t             deliver;
    deliver_sm_resp_t        deliver_resp;
    enquire_link_t           enquire;
    unbind_t                 unbind;
    generic_nack_t           nack;
} smpp34_any_t;

static json_t    *scenario;
static uint32_t   receipts;
static unsigned   number = 1000;


static void
smpp34_say(json_t *row)
{
    json_dumpf(row, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(row);
}


static void
smpp34_send(int fd, void *pdu)
{
    int       len, at, n;
    uint8_t   buf[2048];

    if (smpp34_pack2(buf, sizeof(buf), &len, pdu) != 0) {
        fprintf(stderr, "smpp34: pack: %s\n", smpp34_strerror);
        exit(1);
    }

    for (at = 0; at < len; at += n) {
        n = (int) write(fd, buf + at, (size_t) (len - at));

        if (n <= 0) {
            return;
        }
    }
}


static int
smpp34_read(int fd, uint8_t *buf, size_t n)
{
    size_t   at;
    ssize_t  got;

    for (at = 0; at < n; at += (size_t) got) {
        got = read(fd, buf + at, n - at);

        if (got <= 0) {
            return 0;
        }
    }

    return 1;
}


static const char *
smpp34_string(const json_t *object, const char *key)
{
    const char  *s;

    s = json_string_value(json_object_get(object, key));

    return s ? s : "";
}


static void
smpp34_deliver(int fd, uint32_t sequence, uint8_t esm_class, const char *from,
    uint8_t ton, uint8_t npi, const char *to, const char *text)
{
    deliver_sm_t  d;

    memset(&d, 0, sizeof(d));
    d.command_id = DELIVER_SM;
    d.sequence_number = sequence;
    d.source_addr_ton = 1;
    d.source_addr_npi = 1;
    snprintf((char *) d.source_addr, sizeof(d.source_addr), "%s", from);
    d.dest_addr_ton = ton;
    d.dest_addr_npi = npi;
    snprintf((char *) d.destination_addr, sizeof(d.destination_addr), "%s", to);
    d.esm_class = esm_class;
    d.sm_length = (uint8_t) strlen(text);
    memcpy(d.short_message, text, d.sm_length);
    smpp34_send(fd, &d);
}


static int
smpp34_bind(int fd, const bind_transceiver_t *b)
{
    int                       good;
    size_t                    i;
    json_t                   *message;
    enquire_link_t            probe;
    bind_transceiver_resp_t   r;

    good = strcmp((const char *) b->system_id, smpp34_string(scenario, "system_id")) == 0
           && strcmp((const char *) b->password, smpp34_string(scenario, "password")) == 0;

    smpp34_say(json_pack("{s:s, s:i}", "event", "bind", "status",
                         good ? ESME_ROK : ESME_RINVPASWD));

    memset(&r, 0, sizeof(r));
    r.command_id = BIND_TRANSCEIVER_RESP;
    r.command_status = good ? ESME_ROK : ESME_RINVPASWD;
    r.sequence_number = b->sequence_number;
    memcpy(r.system_id, "libsmpp34", 10);
    smpp34_send(fd, &r);

    if (!good) {
        return 0;
    }

    json_array_foreach(json_object_get(scenario, "inbound"), i, message) {
        smpp34_deliver(fd, SMPP34_INBOUND + (uint32_t) i, 0, smpp34_string(message, "from"),
                       0, 1, smpp34_string(message, "to"), smpp34_string(message, "text"));
    }

    memset(&probe, 0, sizeof(probe));
    probe.command_id = ENQUIRE_LINK;
    probe.sequence_number = 1;
    smpp34_send(fd, &probe);

    return 1;
}


static void
smpp34_submit(int fd, const submit_sm_t *s)
{
    int               i, status;
    char              hex[2 * 256 + 1], text[160];
    const char       *stat;
    const json_t     *rule;
    submit_sm_resp_t  r;

    for (i = 0; i < s->sm_length; i++) {
        snprintf(hex + 2 * i, 3, "%02x", s->short_message[i]);
    }

    hex[2 * s->sm_length] = 0;
    smpp34_say(json_pack("{s:s, s:s, s:i, s:i, s:s}", "event", "submit",
                         "dest", (const char *) s->destination_addr,
                         "data_coding", s->data_coding, "esm_class", s->esm_class,
                         "octets", hex));

    rule = json_object_get(json_object_get(scenario, "number"),
                           (const char *) s->destination_addr);
    status = (int) json_integer_value(json_object_get(rule, "status"));

    memset(&r, 0, sizeof(r));
    r.command_id = SUBMIT_SM_RESP;
    r.command_status = (uint32_t) status;
    r.sequence_number = s->sequence_number;

    if (status == 0) {
        snprintf((char *) r.message_id, sizeof(r.message_id), "%u", ++number);
    }

    smpp34_send(fd, &r);

    if (status || s->registered_delivery == 0) {
        return;
    }

    stat = smpp34_string(rule, "receipt");
    snprintf(text, sizeof(text), "id:%u sub:001 dlvrd:001 submit date:2601011200 "
             "done date:2601011201 stat:%s err:%03d text:", number, *stat ? stat : "DELIVRD",
             (int) json_integer_value(json_object_get(rule, "err")));
    smpp34_deliver(fd, SMPP34_RECEIPT + receipts++, 4, (const char *) s->destination_addr,
                   s->source_addr_ton, s->source_addr_npi, (const char *) s->source_addr,
                   text);
}


/* 0: the session is over */
static int
smpp34_pdu(int fd, uint8_t *buf, int len)
{
    uint32_t       command;
    smpp34_any_t   pdu;
    enquire_link_t answer;

    memset(&pdu, 0, sizeof(pdu));
    memcpy(&command, buf + 4, 4);
    command = ntohl(command);

    if (smpp34_unpack2(&pdu, buf, len) != 0) {
        fprintf(stderr, "smpp34: unpack 0x%x: %s\n", command, smpp34_strerror);
        smpp34_say(json_pack("{s:s, s:i}", "event", "unpack", "command", command));
        return 0;
    }

    memset(&answer, 0, sizeof(answer));
    answer.sequence_number = pdu.enquire.sequence_number;

    switch (command) {

    case BIND_TRANSCEIVER:
        return smpp34_bind(fd, &pdu.bind);

    case SUBMIT_SM:
        smpp34_submit(fd, &pdu.submit);
        return 1;

    case DELIVER_SM_RESP:
        smpp34_say(json_pack("{s:s, s:i}", "event",
                             pdu.deliver_resp.sequence_number >= SMPP34_RECEIPT
                             ? "receipt_answer" : "inbound_answer",
                             "status", pdu.deliver_resp.command_status));
        return 1;

    case ENQUIRE_LINK:
        smpp34_say(json_pack("{s:s}", "event", "enquire"));
        answer.command_id = ENQUIRE_LINK_RESP;
        smpp34_send(fd, &answer);
        return 1;

    case ENQUIRE_LINK_RESP:
        smpp34_say(json_pack("{s:s}", "event", "enquire_answer"));
        return 1;

    case UNBIND:
        smpp34_say(json_pack("{s:s}", "event", "unbind"));
        answer.command_id = UNBIND_RESP;
        smpp34_send(fd, &answer);
        return 1;

    default:
        smpp34_say(json_pack("{s:s, s:i}", "event", "unknown", "command", command));
        return 1;
    }
}


int
main(int argc, char **argv)
{
    int                 fd, listener, on;
    uint8_t             buf[4096];
    uint32_t            len;
    json_error_t        error;
    struct sockaddr_in  sin;

    if (argc != 3 || (scenario = json_load_file(argv[1], 0, &error)) == NULL) {
        fprintf(stderr, "usage: smpp34 SCENARIO PORT\n");
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((uint16_t) atoi(argv[2]));
    listener = socket(AF_INET, SOCK_STREAM, 0);
    on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    if (bind(listener, (struct sockaddr *) &sin, sizeof(sin)) != 0
        || listen(listener, 8) != 0)
    {
        perror("smpp34: listen");
        return 1;
    }

    smpp34_say(json_pack("{s:s}", "event", "listening"));

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        while (smpp34_read(fd, buf, 4)) {
            memcpy(&len, buf, 4);
            len = ntohl(len);

            if (len < 16 || len > sizeof(buf) || !smpp34_read(fd, buf + 4, len - 4)
                || !smpp34_pdu(fd, buf, (int) len))
            {
                break;
            }
        }

        close(fd);
    }

    return 0;
}
