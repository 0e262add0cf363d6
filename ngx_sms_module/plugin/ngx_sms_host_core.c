#include "ngx_sms_host.h"

#include "ngx_sms_call.h"
#include "ngx_sms_guard.h"
#include "ngx_sms_post.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_HOST_LOG_MAX  1024


typedef struct {
    ngx_sms_plugin_t   *plugin;
    sms_fn              fn;
    void               *data;
} ngx_sms_host_post_t;


static void ngx_sms_host_log(sms_host_t *h, sms_level_t level,
    const char *msg, size_t len);
static int64_t ngx_sms_host_now_us(sms_host_t *h);
static int64_t ngx_sms_host_mono_us(sms_host_t *h);
static void *ngx_sms_host_alloc(sms_host_t *h, sms_call_t call, size_t n);
static sms_rc_t ngx_sms_host_complete(sms_host_t *h, sms_call_t call,
    sms_rc_t rc);
static sms_rc_t ngx_sms_host_post(sms_host_t *h, sms_fn fn, void *data);
static void ngx_sms_host_posted(void *data);
static sms_rc_t ngx_sms_host_lease_want(sms_host_t *h, sms_str_t name);
static void ngx_sms_host_lease_drop(sms_host_t *h, sms_str_t name);
static int ngx_sms_host_lease_valid(sms_host_t *h, sms_str_t name);
static void ngx_sms_host_window_open(sms_host_t *h);
static void ngx_sms_host_window(ngx_event_t *ev);
static void ngx_sms_host_bind_told(sms_host_t *h, sms_str_t name,
    const sms_bind_t *bind);


const sms_core_api_t  ngx_sms_host_core = {
    sizeof(sms_core_api_t),
    ngx_sms_host_log,
    ngx_sms_host_now_us,
    ngx_sms_host_mono_us,
    ngx_sms_host_alloc,
    ngx_sms_host_complete,
    ngx_sms_host_post,
    ngx_sms_host_lease_want,
    ngx_sms_host_lease_drop,
    ngx_sms_host_lease_valid,
    ngx_sms_host_window_open,
    ngx_sms_host_bind_told
};


static void
ngx_sms_host_log(sms_host_t *h, sms_level_t level, const char *msg, size_t len)
{
    u_char             *p, text[NGX_SMS_HOST_LOG_MAX];
    size_t              i;
    ngx_str_t           line;
    ngx_uint_t          l;
    ngx_sms_plugin_t   *plugin;

    static const ngx_uint_t  levels[] = {
        NGX_LOG_ERR, NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_NOTICE, NGX_LOG_INFO,
        NGX_LOG_DEBUG
    };

    plugin = ngx_sms_host_plugin(h);
    l = levels[level <= SMS_LOG_DEBUG ? level : SMS_LOG_ERROR];

    if (plugin->live->log->log_level < l) {
        return;
    }

    /* one line stays one line, whatever a peer made the plugin write */

    len = ngx_min(len, NGX_SMS_HOST_LOG_MAX);

    for (p = text, i = 0; i < len; i++) {
        *p++ = ((u_char) msg[i] < ' ' || msg[i] == 0x7f) ? ' '
                                                         : (u_char) msg[i];
    }

    line.data = text;
    line.len = len;

    ngx_log_error(l, plugin->live->log, 0, "sms %V: %V", &plugin->name, &line);
}


/* exact, not nginx's cached time: that has milliseconds, and MSG ids and
 * receipts are ordered by this */
static int64_t
ngx_sms_host_now_us(sms_host_t *h)
{
    return ngx_sms_timer_now_us();
}


static int64_t
ngx_sms_host_mono_us(sms_host_t *h)
{
    return ngx_sms_timer_mono_us();
}


static void *
ngx_sms_host_alloc(sms_host_t *h, sms_call_t call, size_t n)
{
    return ngx_sms_call_alloc(ngx_sms_host_plugin(h), call, n);
}


static sms_rc_t
ngx_sms_host_complete(sms_host_t *h, sms_call_t call, sms_rc_t rc)
{
    return ngx_sms_call_complete(ngx_sms_host_plugin(h), call, rc);
}


/* any thread: nothing of nginx may be touched here */
static sms_rc_t
ngx_sms_host_post(sms_host_t *h, sms_fn fn, void *data)
{
    ngx_sms_host_post_t  *post;

    if (fn == NULL) {
        return SMS_E_INVAL;
    }

    post = malloc(sizeof(ngx_sms_host_post_t));
    if (post == NULL) {
        return SMS_E_NOMEM;
    }

    post->plugin = ngx_sms_host_plugin(h);
    post->fn = fn;
    post->data = data;

    switch (ngx_sms_post(ngx_sms_host_posted, post)) {

    case NGX_OK:
        return SMS_OK;

    case NGX_BUSY:
        free(post);
        return SMS_E_BUSY;

    default:
        free(post);
        return SMS_E_DOWN;
    }
}


static void
ngx_sms_host_posted(void *data)
{
    sms_fn                fn;
    void                 *fn_data;
    ngx_sms_guard_t       guard;
    ngx_sms_plugin_t     *p;
    ngx_sms_host_post_t  *post = data;

    p = post->plugin;
    fn = post->fn;
    fn_data = post->data;

    free(post);

    ngx_sms_guard_enter(&guard, p, NGX_SMS_GUARD_POST);
    fn(fn_data);
    (void) ngx_sms_guard_leave(&guard);
}


static sms_rc_t
ngx_sms_host_lease_want(sms_host_t *h, sms_str_t name)
{
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    if (name.len == 0 || name.len > SMS_LEASE_NAME_MAX) {
        return SMS_E_INVAL;
    }

    return p->plugins->hooks->lease_want(p, name);
}


static void
ngx_sms_host_lease_drop(sms_host_t *h, sms_str_t name)
{
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);
    p->plugins->hooks->lease_drop(p, name);
}


static int
ngx_sms_host_lease_valid(sms_host_t *h, sms_str_t name)
{
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    return p->plugins->hooks->lease_valid(p, name);
}


static void
ngx_sms_host_window_open(sms_host_t *h)
{
    ngx_sms_plugin_live_t  *live;

    live = ngx_sms_host_plugin(h)->live;

    live->window.handler = ngx_sms_host_window;
    live->window.data = live->plugin;
    live->window.log = live->log;

    /* a hundred answers in one read are one claim */
    ngx_post_event(&live->window, &ngx_posted_events);
}


static void
ngx_sms_host_window(ngx_event_t *ev)
{
    ngx_sms_plugin_t  *p = ev->data;

    if (ngx_sms_plugin_usable(p)) {
        p->plugins->hooks->window_open(p);
    }
}


static void
ngx_sms_host_bind_told(sms_host_t *h, sms_str_t name, const sms_bind_t *bind)
{
    sms_bind_t         told;
    ngx_sms_plugin_t  *p;

    p = ngx_sms_host_plugin(h);

    if (bind == NULL || bind->size < offsetof(sms_bind_t, error)
        || bind->state > SMS_BIND_RESTING)
    {
        return;
    }

    /* an older plugin's is shorter */
    ngx_memzero(&told, sizeof(sms_bind_t));
    ngx_memcpy(&told, bind, ngx_min(bind->size, sizeof(sms_bind_t)));
    told.size = sizeof(sms_bind_t);

    p->plugins->hooks->bind_told(p, name, &told);
}
