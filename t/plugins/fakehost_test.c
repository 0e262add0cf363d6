/*
 * fakehost_test.c - the fake host keeps what fakehost.h promises.
 *
 * A small plugin inside this file uses every table; each test is a line of TAP.
 */
#include "fakehost.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    sms_host_t   *host;
    sms_call_t    call;
    int           ticks, posts, done, writable, opened, closed, leases, reads;
    sms_rc_t      why;
    char          got[64];
    size_t        ngot;
    int64_t       rows, status;
    uint32_t      stmt, counter;
    int64_t       level, wait, size;
    char          path[256];
    uint32_t      nwords;
} user_t;

static unsigned  tests, failures;


static void
is(long long got, long long want, const char *what)
{
    int  pass = got == want;

    failures += !pass;
    printf("%s %u - %s\n", pass ? "ok" : "not ok", ++tests, what);
    if (!pass) {
        printf("# got %lld, expected %lld\n", got, want);
    }
}


static const sms_conf_key_t  user_keys[] = {
    { .name = "level", .type = SMS_CONF_ENUM, .def = "mid", .choices = "low|mid|high",
      .doc = "Level." },
    { .name = "wait", .type = SMS_CONF_MSEC, .def = "5s", .min = 10, .max = 60000,
      .doc = "Wait." },
    { .name = "size", .type = SMS_CONF_SIZE, .def = "4k", .doc = "Size." },
    { .name = "file", .type = SMS_CONF_PATH, .doc = "File." },
    { .name = "word", .type = SMS_CONF_LIST, .doc = "Words." },
    { .name = "on", .type = SMS_CONF_BOOL, .def = "off", .doc = "On." },
    { .name = "key", .type = SMS_CONF_SECRET, .required = 1, .doc = "Key." },
    { .name = NULL }
};


static sms_rc_t
user_init(sms_host_t *h, const sms_conf_t *conf, void **inst, char *err, size_t errcap)
{
    static user_t  user;

    sms_str_t  s;

    (void) err;
    (void) errcap;
    memset(&user, 0, sizeof(user));
    user.host = h;
    user.level = conf->num(conf, "level");
    user.wait = conf->num(conf, "wait");
    user.size = conf->num(conf, "size");
    user.nwords = conf->count(conf, "word");
    s = conf->str(conf, "file");
    snprintf(user.path, sizeof(user.path), "%.*s", (int) s.len, s.len ? s.ptr : "");
    if (h->db) {
        user.stmt = h->db->prepare(h, "SELECT price FROM tariff WHERE id = $1");
        user.counter = h->metric->define(h, 1, "user_total", "Calls.");
    }
    *inst = &user;

    return SMS_OK;
}


static void
user_exit(void *inst)
{
    ((user_t *) inst)->host = NULL;
}


static void
user_lease(void *inst, sms_str_t name, int held, uint64_t epoch)
{
    (void) name;
    (void) epoch;
    ((user_t *) inst)->leases += held ? 1 : 100;
}


static void
user_cancel(void *inst, sms_call_t call)
{
    (void) call;
    ((user_t *) inst)->call = 0;
}


static sms_rc_t
user_run(void *inst, sms_call_t call, const sms_batch_t *batch)
{
    (void) batch;
    ((user_t *) inst)->call = call;

    return SMS_PENDING;
}


static const sms_ops_t  ops = {
    .size = sizeof(sms_ops_t), .conf_key_stride = sizeof(sms_conf_key_t),
    .conf_keys = user_keys, .init = user_init, .exit = user_exit, .lease = user_lease,
    .cancel = user_cancel, .rule_evaluate = user_run
};

static void  user_tick(void *d) { ((user_t *) d)->ticks++; }
static void  user_post(void *d) { ((user_t *) d)->posts++; }


static void
user_done(void *d, sms_rc_t rc)
{
    user_t  *u = d;

    u->done++;
    u->why = rc;
}


static void
user_http(void *d, const sms_http_res_t *r)
{
    user_t  *u = d;

    u->why = r->rc;
    u->status = r->status;
    u->ngot = r->body.len;
    memcpy(u->got, r->body.ptr ? r->body.ptr : "", r->body.len);
}


static void
user_rows(void *d, const sms_db_res_t *r)
{
    user_t     *u = d;
    sms_str_t   s;

    u->why = r->rc;
    u->rows = r->nrows;
    if (r->nrows) {
        s = r->cell(r->row_set, 1, 0);
        u->ngot = s.len;
        memcpy(u->got, s.ptr, s.len);
        u->status = r->cell(r->row_set, 0, 1).ptr == NULL;
    }
}


static void  user_opened(void *d, sms_handle_t s) { (void) s; ((user_t *) d)->opened++; }
static void  user_writable(void *d, sms_handle_t s) { (void) s; ((user_t *) d)->writable++; }


/* takes four octets at a time */
static size_t
user_data(void *d, sms_handle_t s, const char *p, size_t n)
{
    user_t  *u = d;

    (void) s;
    u->reads++;
    if (n < 4) {
        return 0;
    }
    memcpy(u->got + u->ngot, p, 4);
    u->ngot += 4;

    return 4;
}


static void
user_closed(void *d, sms_handle_t s, sms_rc_t why)
{
    user_t  *u = d;

    (void) s;
    u->closed++;
    u->why = why;
}


static const sms_stream_cb_t  user_cb = {
    sizeof(sms_stream_cb_t), user_opened, user_data, user_writable, user_closed
};


static size_t
peer_data(void *d, fakehost_t *fh, sms_handle_t s, const char *p, size_t n)
{
    size_t  *sum = d;

    (void) p;
    *sum += n;
    fakehost_peer_send(fh, s, "12345678abc", 11, 3);

    return n;
}


static fakehost_t *
begin(user_t **u)
{
    static const char *const  conf[] = { "key=s" };

    fakehost_t  *fh;
    char         err[128];

    fh = fakehost_new();
    is(fakehost_start(fh, &ops, conf, 1, err, sizeof(err)), SMS_OK, "starts");
    *u = fakehost_instance(fh);

    return fh;
}


static void
test_conf(void)
{
    static const char *const  bad[][3] = {
        { "key=s", "colour=red", "unknown key" }, { "key=s", "level=top", "no choice" },
        { "key=s", "wait=5", "below nothing" }, { "key=s", "wait=9ms", "below min" },
        { "key=s", "wait=61s", "above max" }, { "key=s", "wait=soon", "no time" },
        { "key=s", "size=4x", "no size" }, { "key=s", "on=yes", "no on|off" },
        { "key=s", "file=", "empty path" }, { "key=s", "key=t", "given twice" },
        { "level=low", "on=on", "required key missing" }, { "key=s", "level", "no value" }
    };
    static const char *const  good[] = {
        "key=s", "level=high", "wait=250ms", "size=2m", "file=x/y", "word=a", "word=b"
    };

    fakehost_t  *fh;
    user_t      *u;
    char         err[128];
    size_t       i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fh = fakehost_new();
        err[0] = '\0';
        if (strcmp(bad[i][2], "below nothing") == 0) {
            is(fakehost_start(fh, &ops, bad[i], 2, err, sizeof(err)), SMS_OK,
               "a bare number is seconds");
        } else {
            is(fakehost_start(fh, &ops, bad[i], 2, err, sizeof(err)), SMS_E_CONFIG, bad[i][2]);
            is(err[0] != '\0', 1, "and says why");
        }
        fakehost_free(fh);
    }

    fh = fakehost_new();
    is(fakehost_start(fh, &ops, good, 7, err, sizeof(err)), SMS_OK, "all types are read");
    u = fakehost_instance(fh);
    is(u->level, 2, "ENUM is the index of the choice");
    is(u->wait, 250, "MSEC");
    is(u->size, 2097152, "SIZE");
    is(u->path[0], '/', "PATH is absolute");
    is(u->nwords, 2, "LIST");
    fakehost_free(fh);
}


static void
test_time(void)
{
    fakehost_t    *fh;
    user_t        *u;
    sms_handle_t   t;
    int64_t        mono;

    fh = begin(&u);
    mono = u->host->core->mono_us(u->host);
    (void) u->host->loop->timer(u->host, 100, 0, user_tick, u);
    t = u->host->loop->timer(u->host, 200, 0, user_tick, u);
    is(fakehost_left(fh), 2, "two timers are held");
    is(fakehost_advance(fh, 99), 0, "nothing before its time");
    is(fakehost_advance(fh, 1), 1, "one at its time");
    u->host->loop->stop(u->host, t);
    (void) fakehost_advance(fh, 1000);
    is(u->ticks, 1, "a stopped timer does not run");
    is(fakehost_now(fh) - FAKEHOST_EPOCH_US, 1100000, "the clock has moved");
    is(u->host->core->mono_us(u->host) - mono, 1100000, "and the monotonic one");
    fakehost_fail(fh, FAKEHOST_ON_TIMER, 2, SMS_E_NOMEM);
    is(u->host->loop->timer(u->host, 1, 0, user_tick, u) != 0, 1, "first timer: had");
    is((long long) u->host->loop->timer(u->host, 1, 0, user_tick, u), 0, "second: fails");
    is(u->host->loop->timer(u->host, 1, 0, user_tick, u) != 0, 1, "third: had");
    is(fakehost_used(fh, FAKEHOST_ON_TIMER), 3, "uses are counted");
    fakehost_free(fh);
}


static void
test_calls(void)
{
    fakehost_batch_t  *b;
    fakehost_t        *fh;
    user_t            *u;
    sms_call_t         old, call;
    void              *p;

    fh = begin(&u);
    b = fakehost_batch(FAKEHOST_RULE_EVALUATE, 3, 0, 0);
    call = fakehost_call(fh, FAKEHOST_RULE_EVALUATE, &b->batch);
    is(fakehost_call_state(fh, call), FAKEHOST_CALL_OPEN, "PENDING is open");
    p = u->host->core->alloc(u->host, call, 100);
    is(p != NULL, 1, "alloc for an open call");
    is(u->host->core->complete(u->host, call, SMS_PENDING), SMS_E_INVAL, "no such end");
    is(u->host->core->complete(u->host, call, SMS_OK), SMS_OK, "completed");
    is(fakehost_call_rc(fh, call), SMS_OK, "with its code");
    is(u->host->core->complete(u->host, call, SMS_OK), SMS_E_STALE, "twice is stale");
    fakehost_call_end(fh, call);
    is(u->host->core->complete(u->host, call, SMS_OK), SMS_E_STALE, "ended is stale");
    old = call;
    call = fakehost_call(fh, FAKEHOST_RULE_EVALUATE, &b->batch);
    is((uint32_t) call, (uint32_t) old, "the slot is used again");
    is(u->host->core->complete(u->host, old, SMS_OK), SMS_E_STALE, "an old token is not it");
    is(fakehost_call_state(fh, call), FAKEHOST_CALL_OPEN, "and hurts nobody");
    fakehost_cancel(fh, call);
    is((long long) u->call, 0, "cancel() was called");
    is(u->host->core->complete(u->host, call, SMS_OK), SMS_E_STALE, "cancelled is stale");
    is(u->host->core->alloc(u->host, call, 1) == NULL, 1, "no alloc after the end");
    is(fakehost_violations(fh), 6, "each misuse was noted");
    fakehost_call_end(fh, call);
    fakehost_batch_free(b);
    fakehost_free(fh);
}


static void *
thread_run(void *d)
{
    user_t  *u = d;

    usleep(20000);
    (void) u->host->core->post(u->host, user_post, u);

    return NULL;
}


static void
user_readable(void *d, int fd, uint32_t ready)
{
    user_t  *u = d;
    char     c;

    u->reads += (ready & SMS_FD_READ) && read(fd, &c, 1) == 1;
}


static void
test_loop(void)
{
    fakehost_t    *fh;
    pthread_t      thread;
    user_t        *u;
    sms_handle_t   w;
    int            fds[2];

    fh = begin(&u);
    if (pthread_create(&thread, NULL, thread_run, u) != 0 || pipe(fds) != 0) {
        abort();
    }
    (void) fakehost_live(fh, 200);
    pthread_join(thread, NULL);
    is(u->posts, 1, "post() from a thread runs on the loop");

    w = u->host->loop->watch(u->host, fds[0], SMS_FD_READ, user_readable, u);
    is(fakehost_step(fh), 0, "nothing to read");
    is(write(fds[1], "ab", 2), 2, "two octets");
    is(fakehost_step(fh) + fakehost_step(fh), 2, "level-triggered");
    is(u->reads, 2, "both read");
    is(u->host->loop->rewatch(u->host, w, 0), SMS_OK, "rewatch");
    is(write(fds[1], "c", 1), 1, "a third");
    is(fakehost_step(fh), 0, "is not wanted");
    u->host->loop->stop(u->host, w);
    close(fds[0]);
    close(fds[1]);
    is(fakehost_left(fh) + fakehost_violations(fh), 0, "nothing left, nothing misused");
    fakehost_free(fh);
}


static void
test_stream(void)
{
    static const fakehost_peer_t  peer = { .data = peer_data };

    fakehost_t    *fh;
    user_t        *u;
    sms_handle_t   s;
    size_t         sum;
    char          *big;

    fh = begin(&u);
    s = u->host->stream->connect(u->host, (sms_str_t) SMS_STR("nobody"), 2775, NULL, 1000,
                                 &user_cb, u);
    is(s != 0, 1, "connect gives a handle");
    (void) fakehost_advance(fh, 10);
    is(u->why, SMS_E_DOWN, "nobody listens");
    is(u->opened * 10 + u->closed, 1, "closed() and no opened()");

    sum = 0;
    fakehost_peer(fh, &peer, &sum);
    s = u->host->stream->connect(u->host, (sms_str_t) SMS_STR("smsc"), 2775, NULL, 1000,
                                 &user_cb, u);
    is(u->host->stream->write(u->host, s, "x", 1), SMS_E_INVAL, "not before opened()");
    (void) fakehost_advance(fh, 10);
    is(u->opened, 1, "opened");
    is(u->host->stream->write(u->host, s, "hello", 5), SMS_OK, "written");
    (void) fakehost_advance(fh, 10);
    is((long long) sum, 5, "the peer has it");
    is((long long) u->ngot, 8, "its answer came in pieces, the rest stays");
    is(memcmp(u->got, "12345678", 8), 0, "in order");
    big = calloc(1, 200000);
    is(u->host->stream->write(u->host, s, big, 200000), SMS_OK, "much fits");
    is(u->host->stream->write(u->host, s, big, 200000), SMS_E_BUSY, "more does not");
    (void) fakehost_step(fh);
    is(u->writable, 1, "writable() after BUSY");
    free(big);
    u->host->stream->close(u->host, s);
    (void) fakehost_advance(fh, 10);
    is(u->closed, 2, "closed() still comes");
    is(fakehost_violations(fh), 1, "one misuse was noted");
    fakehost_free(fh);
}


static void
test_socket(void)
{
    struct sockaddr_in  sin;
    socklen_t           len;
    fakehost_t         *fh;
    user_t             *u;
    sms_handle_t        s;
    char                buf[8];
    int                 ls, fd;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    len = sizeof(sin);
    ls = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(ls, (struct sockaddr *) &sin, len) != 0 || listen(ls, 1) != 0
        || getsockname(ls, (struct sockaddr *) &sin, &len) != 0)
    {
        abort();
    }

    fh = begin(&u);
    fakehost_real_sockets(fh, 1);
    s = u->host->stream->connect(u->host, (sms_str_t) SMS_STR("127.0.0.1"),
                                 ntohs(sin.sin_port), NULL, 1000, &user_cb, u);
    fd = accept(ls, NULL, NULL);
    (void) fakehost_live(fh, 50);
    is(u->opened, 1, "a real connection");
    is(u->host->stream->write(u->host, s, "ping", 4), SMS_OK, "written");
    (void) fakehost_live(fh, 50);
    is(read(fd, buf, sizeof(buf)), 4, "arrived");
    is(write(fd, "pong", 4), 4, "answered");
    (void) fakehost_live(fh, 50);
    is(memcmp(u->got, "pong", 4), 0, "read");
    close(fd);
    (void) fakehost_live(fh, 50);
    is(u->closed, 1, "the end is seen");
    close(ls);
    fakehost_free(fh);
}


static void
test_services(void)
{
    static const char *const  cells[] = { "1", NULL, "2.50", "x" };

    sms_http_req_t  q;
    fakehost_t     *fh;
    sms_inbound_t   ev;
    sms_str_t       param;
    user_t         *u;
    int64_t         now;
    size_t          len;
    char            buf[16];

    fh = begin(&u);
    fakehost_http_answer(fh, "GET", "https://iys/", 204, "gone", 30);
    memset(&q, 0, sizeof(q));
    q.size = sizeof(q);
    q.method = (sms_str_t) SMS_STR("GET");
    q.url = (sms_str_t) SMS_STR("https://iys/status");
    q.timeout_ms = 1000;
    (void) u->host->http->request(u->host, &q, user_http, u);
    (void) fakehost_advance(fh, 29);
    is(u->status, 0, "no answer yet");
    (void) fakehost_advance(fh, 1);
    is(u->status, 204, "the rule answers");
    is(memcmp(u->got, "gone", 4), 0, "with its body");
    q.timeout_ms = 20;
    (void) u->host->http->request(u->host, &q, user_http, u);
    (void) fakehost_advance(fh, 20);
    is(u->why, SMS_E_TIMEOUT, "slower than the timeout");
    q.method = (sms_str_t) SMS_STR("POST");
    u->host->http->abort(u->host, u->host->http->request(u->host, &q, user_http, u));
    is(fakehost_waiting(fh), 0, "aborted");
    is(fakehost_http_count(fh), 3, "all were recorded");

    fakehost_db_answer(fh, "FROM tariff", 2, 2, cells);
    param = (sms_str_t) SMS_STR("7");
    is(u->host->db->query(u->host, u->stmt, &param, 1, user_rows, u), SMS_OK, "query");
    (void) fakehost_advance(fh, 5);
    is(u->rows, 2, "two rows");
    is(memcmp(u->got, "2.50", 4), 0, "a cell");
    is(u->status, 1, "NULL is NULL");
    is(strcmp(fakehost_db_sent(fh, 0), "SELECT price FROM tariff WHERE id = $1\n7"), 0,
       "recorded with its parameter");
    is(u->host->db->prepare(u->host, "SELECT 1"), 0, "no prepare() after init()");
    is(fakehost_violations(fh), 1, "and it is noted");
    fakehost_forgive(fh);

    is(u->host->dict->incr(u->host, (sms_str_t) SMS_STR("n"), 2, 1000, &now), SMS_OK, "incr");
    is(u->host->dict->incr(u->host, (sms_str_t) SMS_STR("n"), 3, 1000, &now), SMS_OK, "incr");
    is(now, 5, "sums up");
    is(u->host->dict->get(u->host, (sms_str_t) SMS_STR("n"), buf, sizeof(buf), &len), SMS_OK,
       "get");
    is((long long) len, 1, "one digit");
    (void) fakehost_advance(fh, 1000);
    is(fakehost_dict(fh, "n") == NULL, 1, "gone after its time");
    is(u->host->dict->get(u->host, (sms_str_t) SMS_STR("n"), buf, sizeof(buf), &len),
       SMS_E_STALE, "which get() tells");
    fakehost_dict_set(fh, "long", "0123456789abcdefghij");
    is(u->host->dict->get(u->host, (sms_str_t) SMS_STR("long"), buf, sizeof(buf), &len), SMS_OK,
       "a long value is cut");
    is((long long) len, 20, "and says how long it is");
    is(u->host->dict->incr(u->host, (sms_str_t) SMS_STR("long"), 1, 0, &now), SMS_E_INVAL,
       "text is no number");

    u->host->metric->add(u->host, u->counter, 4);
    is(fakehost_metric(fh, "user_total"), 4, "metric");

    fakehost_fail(fh, FAKEHOST_ON_COMMIT, 1, SMS_E_DOWN);
    is(u->host->outbox->put(u->host, param, param, param, 0, user_done, u), SMS_OK, "put");
    (void) fakehost_advance(fh, 5);
    is(u->why, SMS_E_DOWN, "not committed");
    is(u->host->outbox->put(u->host, param, param, param, 0, user_done, u), SMS_OK, "put");
    (void) fakehost_advance(fh, 5);
    is(u->why, SMS_OK, "committed");

    memset(&ev, 0, sizeof(ev));
    ev.type = SMS_INBOUND_RECEIPT;
    ev.operator_id = (sms_str_t) SMS_STR("abc");
    ev.state = SMS_RECEIPT_DELIVERED;
    is(u->host->inbound->deliver(u->host, &ev, sizeof(ev), 1, user_done, u), SMS_OK, "deliver");
    (void) fakehost_advance(fh, 5);
    is(u->done, 3, "done() three times");
    is(fakehost_inbound_count(fh), 1, "one event");
    is(fakehost_inbound(fh, 0)->link, 1, "the host filled in the link");
    is(fakehost_violations(fh), 0, "nothing misused");
    fakehost_free(fh);
}


static void
test_lease(void)
{
    fakehost_t  *fh;
    user_t      *u;
    sms_str_t    name = SMS_STR("1");

    fh = begin(&u);
    is(u->host->core->lease_want(u->host, name), SMS_OK, "wanted");
    is(u->host->core->lease_valid(u->host, name), 0, "not yet held");
    (void) fakehost_advance(fh, 1);
    is(u->host->core->lease_valid(u->host, name), 1, "won");
    fakehost_lease_take(fh, "1");
    (void) fakehost_advance(fh, 1);
    is(u->leases, 101, "won once, lost once");
    is(u->host->core->lease_valid(u->host, name), 0, "lost");
    fakehost_free(fh);
}


static void
test_grants(void)
{
    static const char *const  conf[] = { "key=s" };

    fakehost_t  *fh;
    user_t      *u;
    char         err[64];

    fh = fakehost_new();
    fakehost_grant(fh, FAKEHOST_DICT);
    is(fakehost_start(fh, &ops, conf, 1, err, sizeof(err)), SMS_OK, "starts with one grant");
    u = fakehost_instance(fh);
    is(u->host->db == NULL && u->host->stream == NULL && u->host->dict != NULL, 1,
       "what is not granted is NULL");
    fakehost_free(fh);
}


int
main(void)
{
    test_conf();
    test_time();
    test_calls();
    test_loop();
    test_stream();
    test_socket();
    test_services();
    test_lease();
    test_grants();
    printf("1..%u\n", tests);

    return failures != 0;
}
