#include "ngx_sms_probe.h"

#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>

#include "ngx_sms_loader.h"
#include "ngx_sms_timer.h"


#define NGX_SMS_PROBE_MAGIC  0x534d5350     /* a plugin may write to any fd   */


typedef struct {
    uint32_t               magic;
    int32_t                rc;              /* NGX_OK or NGX_ERROR            */
    ngx_sms_keys_error_t   err;
} ngx_sms_probe_verdict_t;


static void ngx_sms_probe_child(ngx_sms_plugin_t *p, ngx_cycle_t *cycle,
    int fd);
static ngx_int_t ngx_sms_probe_drop(ngx_cycle_t *cycle);
static void ngx_sms_probe_judge(ngx_sms_plugin_t *p, ngx_cycle_t *cycle,
    ngx_sms_probe_verdict_t *v);
static ngx_int_t ngx_sms_probe_read(int fd, ngx_sms_probe_verdict_t *v);
static void ngx_sms_probe_ended(ngx_pid_t pid, int status,
    ngx_sms_keys_error_t *err);
static ngx_int_t ngx_sms_probe_say(ngx_sms_keys_error_t *err, const char *fmt,
    ...);


ngx_int_t
ngx_sms_probe(ngx_sms_plugin_t *p, ngx_cycle_t *cycle,
    ngx_sms_keys_error_t *err)
{
    int                      fds[2], status;
    pid_t                    pid, got;
    sigset_t                 block, before;
    ngx_int_t                rc;
    ngx_sms_probe_verdict_t  v;

    if (pipe2(fds, O_CLOEXEC) == -1) {
        return ngx_sms_probe_say(err, "pipe() failed (%d: %s)",
                                 (int) ngx_errno, strerror(ngx_errno));
    }

    /* In single process mode nginx's handler would collect the child.  What
       was blocked before stays so. */

    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    (void) sigprocmask(SIG_BLOCK, &block, &before);

    pid = fork();

    if (pid == -1) {
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        (void) close(fds[0]);
        (void) close(fds[1]);
        return ngx_sms_probe_say(err, "fork() failed (%d: %s)",
                                 (int) ngx_errno, strerror(ngx_errno));
    }

    if (pid == 0) {
        (void) close(fds[0]);
        ngx_sms_probe_child(p, cycle, fds[1]);
    }

    (void) close(fds[1]);

    rc = ngx_sms_probe_read(fds[0], &v);

    (void) close(fds[0]);

    /* its verdict is given; destructors and threads of a plugin are not waited
       for */

    (void) kill(pid, SIGKILL);

    status = 0;

    do {
        got = waitpid(pid, &status, 0);
    } while (got == -1 && ngx_errno == NGX_EINTR);

    (void) sigprocmask(SIG_SETMASK, &before, NULL);

    if (rc == NGX_OK) {
        *err = v.err;
        err->text[NGX_SMS_KEYS_ERROR - 1] = '\0';

        if (err->value < -1
            || err->value >= (ngx_int_t) p->values.nelts)
        {
            err->value = -1;
        }

        return v.rc == NGX_OK ? NGX_OK : NGX_ERROR;
    }

    if (rc == NGX_AGAIN) {
        return ngx_sms_probe_say(err, "check() did not end within %d ms",
                                 NGX_SMS_PROBE_MS);
    }

    ngx_sms_probe_ended(got, status, err);

    return NGX_ERROR;
}


static void
ngx_sms_probe_child(ngx_sms_plugin_t *p, ngx_cycle_t *cycle, int fd)
{
    int                      sig;
    char                    *at;
    size_t                   left;
    ssize_t                  n;
    sigset_t                 none;
    struct rlimit            lim;
    struct sigaction         sa;
    ngx_sms_probe_verdict_t  v;

    /* nginx's handlers act on the master's state */

    ngx_memzero(&sa, sizeof(sa));
    sa.sa_handler = SIG_DFL;
    sigemptyset(&sa.sa_mask);

    for (sig = 1; sig < NSIG; sig++) {
        if (sig != SIGPIPE) {
            (void) sigaction(sig, &sa, NULL);
        }
    }

    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

    lim.rlim_cur = 0;
    lim.rlim_max = 0;
    (void) setrlimit(RLIMIT_CORE, &lim);

    ngx_memzero(&v, sizeof(v));
    v.magic = NGX_SMS_PROBE_MAGIC;
    v.rc = NGX_ERROR;
    v.err.value = -1;

    if (ngx_sms_probe_drop(cycle) != NGX_OK) {
        (void) ngx_sms_probe_say(&v.err, "the probe could not give up its "
                                 "privileges (%d: %s)", (int) ngx_errno,
                                 strerror(ngx_errno));
    } else {
        ngx_sms_probe_judge(p, cycle, &v);
    }

    at = (char *) &v;
    left = sizeof(v);

    while (left) {
        n = write(fd, at, left);

        if (n == -1 && ngx_errno != NGX_EINTR) {
            break;
        }

        if (n > 0) {
            at += n;
            left -= n;
        }
    }

    _exit(0);
}


/* as ngx_worker_process_init() does */
static ngx_int_t
ngx_sms_probe_drop(ngx_cycle_t *cycle)
{
    uid_t            uid;
    gid_t            gid;
    const char      *name;
    ngx_core_conf_t *ccf;
    struct passwd   *pwd;

    if (geteuid() != 0) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->user != (uid_t) NGX_CONF_UNSET_UINT) {
        name = ccf->username;
        uid = ccf->user;
        gid = ccf->group;

    } else {
        /* no "user" so far: nginx will take its default after the whole
           configuration was read */
        name = NGX_USER;
        pwd = getpwnam(name);

        if (pwd == NULL) {
            return NGX_ERROR;
        }

        uid = pwd->pw_uid;
        gid = pwd->pw_gid;
    }

    if (uid == 0) {
        return NGX_OK;
    }

    if (initgroups(name, gid) == -1 || setgid(gid) == -1
        || setuid(uid) == -1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_sms_probe_judge(ngx_sms_plugin_t *p, ngx_cycle_t *cycle,
    ngx_sms_probe_verdict_t *v)
{
    char             why[256];
    u_char           cause[NGX_SMS_KEYS_ERROR];
    sms_rc_t         rc;
    ngx_pool_t      *pool;
    ngx_sms_keys_t  *keys;
    const sms_ops_t *ops;

    ops = ngx_sms_loader_open(p, cause, sizeof(cause));
    if (ops == NULL) {
        (void) ngx_sms_probe_say(&v->err, "\"%V\" %s", &p->path, cause);
        return;
    }

    pool = ngx_create_pool(4096, cycle->log);
    if (pool == NULL) {
        (void) ngx_sms_probe_say(&v->err, "no memory");
        return;
    }

    keys = ngx_sms_keys_build(ops, p, pool, &v->err);
    if (keys == NULL) {
        return;
    }

    if (SMS_HAS(sms_ops_t, ops, check)) {
        ngx_memzero(why, sizeof(why));

        rc = ops->check(&keys->conf, why, sizeof(why));

        why[sizeof(why) - 1] = '\0';

        if (rc != SMS_OK) {
            (void) ngx_sms_probe_say(&v->err, "check() refused the "
                                     "configuration: %s",
                                     why[0] ? why : "it gave no reason");
            return;
        }
    }

    v->rc = NGX_OK;
}


/* NGX_OK, NGX_AGAIN: not in time, NGX_ERROR: the child ended without one */
static ngx_int_t
ngx_sms_probe_read(int fd, ngx_sms_probe_verdict_t *v)
{
    int             n;
    char           *at;
    size_t          left;
    ssize_t         got;
    int64_t         until, ms;
    struct pollfd   pfd;

    at = (char *) v;
    left = sizeof(ngx_sms_probe_verdict_t);
    until = ngx_sms_timer_mono_us() + (int64_t) NGX_SMS_PROBE_MS * 1000;

    while (left) {
        ms = (until - ngx_sms_timer_mono_us() + 999) / 1000;

        if (ms <= 0) {
            return NGX_AGAIN;
        }

        pfd.fd = fd;
        pfd.events = POLLIN;

        n = poll(&pfd, 1, (int) ms);

        if (n == 0 || (n == -1 && ngx_errno == NGX_EINTR)) {
            continue;
        }

        got = read(fd, at, left);

        if (got == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (n == -1 || got <= 0) {
            return NGX_ERROR;
        }

        at += got;
        left -= got;
    }

    return v->magic == NGX_SMS_PROBE_MAGIC ? NGX_OK : NGX_ERROR;
}


static void
ngx_sms_probe_ended(ngx_pid_t pid, int status, ngx_sms_keys_error_t *err)
{
    if (pid != -1 && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
        (void) ngx_sms_probe_say(err, "it crashed on signal %d (%s) when it "
                                 "was loaded and checked", WTERMSIG(status),
                                 strsignal(WTERMSIG(status)));
        return;
    }

    (void) ngx_sms_probe_say(err, "it ended the process when it was loaded and "
                             "checked");
}


static ngx_int_t
ngx_sms_probe_say(ngx_sms_keys_error_t *err, const char *fmt, ...)
{
    u_char   *p;
    va_list   args;

    va_start(args, fmt);
    p = ngx_vslprintf(err->text, err->text + NGX_SMS_KEYS_ERROR - 1, fmt,
                      args);
    va_end(args);

    *p = '\0';
    err->value = -1;

    return NGX_ERROR;
}
