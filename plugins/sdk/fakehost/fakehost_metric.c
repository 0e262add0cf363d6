/*
 * fakehost_metric.c - metrics, summed by name.
 */
#include "fakehost_impl.h"


static uint32_t
fakehost_metric_define(sms_host_t *h, uint32_t type, const char *name, const char *help)
{
    fakehost_metric_t  *m;
    sms_rc_t            rc;
    uint32_t            id;
    FAKEHOST_ENTER(h, "define()");

    id = 0;
    if (!fh->starting) {
        fakehost_fault(fh, "define() outside init()");

    } else if (type < 1 || type > 3 || name == NULL || help == NULL) {
        fakehost_fault(fh, "define() of a metric without type, name or help");

    } else if (!fakehost_failing(fh, FAKEHOST_ON_DEFINE, &rc)) {
        m = fakehost_grab(sizeof(*m));
        m->name = fakehost_copy(name, strlen(name));
        m->type = type;
        fakehost_push(&fh->metrics, m);
        id = (uint32_t) fh->metrics.n;
    }

    FAKEHOST_LEAVE();
    return id;
}


static void
fakehost_metric_add(sms_host_t *h, uint32_t metric, int64_t value)
{
    fakehost_metric_t  *m;
    FAKEHOST_ENTER(h, "add()");

    /* 0 is what define() returned when it failed, and is ignored by contract */
    if (metric > fh->metrics.n) {
        fakehost_fault(fh, "add() to a metric that was not defined");

    } else if (metric) {
        m = fh->metrics.at[metric - 1];
        m->sum += value;
        if (m->type == 1 && value < 0) {
            fakehost_fault(fh, "add() of a negative value to counter %s", m->name);
        }
    }

    FAKEHOST_LEAVE();
}


int64_t
fakehost_metric(fakehost_t *fh, const char *name)
{
    const fakehost_metric_t  *m;
    size_t                    i;

    for (i = 0; i < fh->metrics.n; i++) {
        m = fh->metrics.at[i];
        if (strcmp(m->name, name) == 0) {
            return m->sum;
        }
    }

    return 0;
}


void
fakehost_metric_table(fakehost_t *fh)
{
    fh->metric.size = sizeof(sms_metric_api_t);
    fh->metric.define = fakehost_metric_define;
    fh->metric.add = fakehost_metric_add;
}


void
fakehost_metric_clear(fakehost_t *fh)
{
    size_t  i;

    for (i = 0; i < fh->metrics.n; i++) {
        free(((fakehost_metric_t *) fh->metrics.at[i])->name);
    }
    fakehost_list_free(&fh->metrics);
}
