#include "ngx_sms_counter.h"

#include "ngx_sms_area.h"
#include "ngx_sms_slot.h"

#define NGX_SMS_METRIC_NAME   64
#define NGX_SMS_METRIC_LABEL  96
#define NGX_SMS_METRIC_HELP   128

/* a histogram's cells: the buckets (not cumulative), then the sum */
#define NGX_SMS_HISTOGRAM_CELLS  (NGX_SMS_BUCKETS + 1)

typedef struct {
    ngx_sms_metric_type_t   type;
    ngx_sms_unit_t          unit;
    const char             *name;
    const char             *labels;
    const char             *help;
} ngx_sms_counter_def_t;

/* A metric of a plugin.  "state" is published last: a reader that sees READY
 * sees the rest, and a writer that died before it left nothing behind.        */
typedef struct {
    volatile ngx_atomic_t  state;           /* 0 free, pid filling, 1 READY   */
    ngx_uint_t             type;
    ngx_uint_t             cell;
    char                   name[NGX_SMS_METRIC_NAME];       /* without prefix */
    char                   labels[NGX_SMS_METRIC_LABEL];
    char                   help[NGX_SMS_METRIC_HELP];
} ngx_sms_counter_plugin_t;

#define NGX_SMS_METRIC_READY  1

/* where each fixed one begins: an enum does the sums */
#define NGX_SMS_WIDTH_COUNTER    1
#define NGX_SMS_WIDTH_GAUGE      1
#define NGX_SMS_WIDTH_HISTOGRAM  NGX_SMS_HISTOGRAM_CELLS

struct ngx_sms_counter_row_s {
#define NGX_SMS_COUNTER(id, type, unit, name, labels, help)                   \
    ngx_atomic_t  id[NGX_SMS_WIDTH_##type];
#include "ngx_sms_counter.def"
#undef NGX_SMS_COUNTER
};

#define NGX_SMS_COUNTER_FIXED                                                 \
    (sizeof(struct ngx_sms_counter_row_s) / sizeof(ngx_atomic_t))
#define NGX_SMS_COUNTER_CELLS                                                 \
    ((NGX_SMS_COUNTER_FIXED + NGX_SMS_METRIC_CELLS + 15) / 16 * 16)

struct ngx_sms_counters_s {
    ngx_atomic_t              cells[NGX_SMS_SLOTS][NGX_SMS_COUNTER_CELLS];
    ngx_sms_counter_plugin_t  plugin[NGX_SMS_METRICS];
    volatile ngx_atomic_t     used;         /* of NGX_SMS_METRIC_CELLS        */
};

static const ngx_sms_counter_def_t  ngx_sms_counter_defs[] = {
#define NGX_SMS_COUNTER(id, type, unit, name, labels, help)                   \
    { NGX_SMS_METRIC_##type, NGX_SMS_UNIT_##unit, name, labels, help },
#include "ngx_sms_counter.def"
#undef NGX_SMS_COUNTER
};

static const uint16_t  ngx_sms_counter_cell[] = {
#define NGX_SMS_COUNTER(id, type, unit, name, labels, help)                   \
    offsetof(struct ngx_sms_counter_row_s, id) / sizeof(ngx_atomic_t),
#include "ngx_sms_counter.def"
#undef NGX_SMS_COUNTER
};

/* upper bounds, the last bucket has none */
static const int64_t  ngx_sms_counter_seconds[NGX_SMS_BUCKETS - 1] = {
    100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
    500000, 1000000, 2500000, 5000000, 10000000
};

static const int64_t  ngx_sms_counter_ones[NGX_SMS_BUCKETS - 1] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000,
    100000
};


size_t
ngx_sms_counter_area_size(void)
{
    return sizeof(ngx_sms_counters_t);
}


/* workers above the last slot share one; the adds are atomic */
static ngx_atomic_t *
ngx_sms_counter_row(ngx_sms_zone_t *zone)
{
    ngx_uint_t  slot;

    slot = zone->slot;

    if (slot == NGX_SMS_SLOT_NONE) {
        slot = ngx_worker % NGX_SMS_SLOTS;
    }

    return zone->counters->cells[slot];
}


static void
ngx_sms_counter_observe(ngx_atomic_t *cells, ngx_sms_unit_t unit, int64_t n)
{
    ngx_uint_t      i;
    const int64_t  *bounds;

    bounds = unit == NGX_SMS_UNIT_SECONDS ? ngx_sms_counter_seconds
                                          : ngx_sms_counter_ones;

    for (i = 0; i < NGX_SMS_BUCKETS - 1; i++) {
        if (n <= bounds[i]) {
            break;
        }
    }

    (void) ngx_atomic_fetch_add(&cells[i], 1);
    (void) ngx_atomic_fetch_add(&cells[NGX_SMS_BUCKETS],
                                (ngx_atomic_int_t) n);
}


void
ngx_sms_counter_add(ngx_sms_zone_t *zone, ngx_sms_counter_id_t id, int64_t n)
{
    ngx_atomic_t                 *cells;
    const ngx_sms_counter_def_t  *def;

    def = &ngx_sms_counter_defs[id];
    cells = ngx_sms_counter_row(zone) + ngx_sms_counter_cell[id];

    if (def->type == NGX_SMS_METRIC_HISTOGRAM) {
        ngx_sms_counter_observe(cells, def->unit, n);
        return;
    }

    (void) ngx_atomic_fetch_add(cells, (ngx_atomic_int_t) n);
}


void
ngx_sms_counter_set(ngx_sms_zone_t *zone, ngx_sms_counter_id_t id,
    int64_t value)
{
    ngx_sms_counter_row(zone)[ngx_sms_counter_cell[id]] =
        (ngx_atomic_uint_t) value;
}


static ngx_uint_t
ngx_sms_counter_name_good(const char *name)
{
    ngx_uint_t  i;

    for (i = 0; name[i] != '\0'; i++) {

        if ((name[i] >= 'a' && name[i] <= 'z') || name[i] == '_'
            || (i != 0 && name[i] >= '0' && name[i] <= '9'))
        {
            continue;
        }

        return 0;
    }

    return i != 0 && i < NGX_SMS_METRIC_NAME;
}


static ngx_uint_t
ngx_sms_counter_fill(ngx_sms_zone_t *zone, ngx_sms_counter_plugin_t *m,
    const char *labels, ngx_sms_metric_type_t type, const char *name,
    const char *help)
{
    u_char      *p;
    ngx_uint_t   need, cell;

    need = type == NGX_SMS_METRIC_HISTOGRAM ? NGX_SMS_HISTOGRAM_CELLS : 1;
    cell = ngx_atomic_fetch_add(&zone->counters->used, need);

    if (cell + need > NGX_SMS_METRIC_CELLS) {
        (void) ngx_atomic_fetch_add(&zone->counters->used,
                                    -(ngx_atomic_int_t) need);
        m->state = 0;
        return 0;
    }

    m->type = type;
    m->cell = NGX_SMS_COUNTER_FIXED + cell;

    ngx_cpystrn((u_char *) m->name, (u_char *) name, sizeof(m->name));
    ngx_cpystrn((u_char *) m->labels, (u_char *) labels, sizeof(m->labels));
    ngx_cpystrn((u_char *) m->help, (u_char *) help, sizeof(m->help));

    /* the exposition format ends a help text at a line feed */
    for (p = (u_char *) m->help; *p; p++) {
        if (*p < 0x20 || *p == '\\') {
            *p = ' ';
        }
    }

    ngx_memory_barrier();
    m->state = NGX_SMS_METRIC_READY;

    return 1;
}


uint32_t
ngx_sms_counter_define(ngx_sms_zone_t *zone, const char *plugin,
    ngx_sms_metric_type_t type, const char *name, const char *help)
{
    char                       labels[NGX_SMS_METRIC_LABEL];
    u_char                    *p;
    ngx_uint_t                 i, tries;
    ngx_atomic_uint_t          state;
    ngx_sms_counter_plugin_t  *m;

    if (type < NGX_SMS_METRIC_COUNTER || type > NGX_SMS_METRIC_HISTOGRAM
        || !ngx_sms_counter_name_good(name))
    {
        return 0;
    }

    *ngx_snprintf((u_char *) labels, sizeof(labels) - 1, "plugin=\"%s\"",
                  plugin) = '\0';

    for (p = (u_char *) plugin; *p; p++) {
        if (*p < 0x20 || *p == '"' || *p == '\\') {
            return 0;
        }
    }

    for (i = 0; i < NGX_SMS_METRICS; i++) {
        m = &zone->counters->plugin[i];

        for (tries = 0; /* void */ ; tries++) {
            state = m->state;

            if (state == NGX_SMS_METRIC_READY) {
                break;
            }

            /* a place whose filler died is taken over */

            if (state == 0 || (ngx_pid_t) state == ngx_pid
                || ngx_sms_slot_pid_gone((ngx_pid_t) state))
            {
                if (ngx_atomic_cmp_set(&m->state, state,
                                       (ngx_atomic_uint_t) ngx_pid))
                {
                    return ngx_sms_counter_fill(zone, m, labels, type, name,
                                                help)
                           ? (uint32_t) i + 1 : 0;
                }

                continue;
            }

            if (tries > 1000) {
                return 0;
            }

            ngx_sched_yield();
        }

        if (ngx_strcmp(m->name, name) == 0
            && ngx_strcmp(m->labels, labels) == 0)
        {
            return m->type == type ? (uint32_t) i + 1 : 0;
        }
    }

    return 0;
}


void
ngx_sms_counter_plugin_add(ngx_sms_zone_t *zone, uint32_t metric, int64_t n)
{
    ngx_atomic_t              *cells;
    ngx_sms_counter_plugin_t  *m;

    if (metric == 0 || metric > NGX_SMS_METRICS) {
        return;
    }

    m = &zone->counters->plugin[metric - 1];

    if (m->state != NGX_SMS_METRIC_READY) {
        return;
    }

    cells = ngx_sms_counter_row(zone) + m->cell;

    if (m->type == NGX_SMS_METRIC_HISTOGRAM) {
        ngx_sms_counter_observe(cells, NGX_SMS_UNIT_ONE, n);
        return;
    }

    (void) ngx_atomic_fetch_add(cells, (ngx_atomic_int_t) n);
}


void
ngx_sms_counter_reset_gauges(ngx_sms_zone_t *zone, ngx_uint_t slot)
{
    ngx_uint_t                 i;
    ngx_atomic_t              *row;
    ngx_sms_counter_plugin_t  *m;

    row = zone->counters->cells[slot];

    for (i = 0; i < NGX_SMS_C_MAX; i++) {
        if (ngx_sms_counter_defs[i].type == NGX_SMS_METRIC_GAUGE) {
            row[ngx_sms_counter_cell[i]] = 0;
        }
    }

    for (i = 0; i < NGX_SMS_METRICS; i++) {
        m = &zone->counters->plugin[i];

        if (m->state == NGX_SMS_METRIC_READY
            && m->type == NGX_SMS_METRIC_GAUGE)
        {
            row[m->cell] = 0;
        }
    }
}


static void
ngx_sms_counter_sum(ngx_sms_zone_t *zone, const u_char *alive, ngx_uint_t cell,
    ngx_sms_metric_t *m)
{
    ngx_uint_t       slot, i;
    ngx_atomic_t    *cells;
    const int64_t   *bounds;

    m->value = 0;
    m->count = 0;
    m->sum = 0;
    m->nbuckets = 0;

    if (m->type == NGX_SMS_METRIC_HISTOGRAM) {
        bounds = m->unit == NGX_SMS_UNIT_SECONDS ? ngx_sms_counter_seconds
                                                 : ngx_sms_counter_ones;
        m->nbuckets = NGX_SMS_BUCKETS;

        for (i = 0; i < NGX_SMS_BUCKETS; i++) {
            m->bucket[i] = 0;
            m->bound[i] = i < NGX_SMS_BUCKETS - 1 ? bounds[i] : INT64_MAX;
        }
    }

    for (slot = 0; slot < NGX_SMS_SLOTS; slot++) {
        cells = &zone->counters->cells[slot][cell];

        switch (m->type) {

        case NGX_SMS_METRIC_HISTOGRAM:
            for (i = 0; i < NGX_SMS_BUCKETS; i++) {
                m->bucket[i] += cells[i];
            }

            m->sum += (int64_t) cells[NGX_SMS_BUCKETS];
            break;

        case NGX_SMS_METRIC_GAUGE:
            if (alive[slot]) {
                m->value += (int64_t) cells[0];
            }

            break;

        default:
            m->value += (int64_t) cells[0];
        }
    }

    for (i = 1; i < m->nbuckets; i++) {
        m->bucket[i] += m->bucket[i - 1];
    }

    if (m->nbuckets) {
        m->count = m->bucket[NGX_SMS_BUCKETS - 1];
    }
}


/* the first of a name brings all of that name */
static ngx_int_t
ngx_sms_counter_visit_plugins(ngx_sms_zone_t *zone, const u_char *alive,
    ngx_sms_counter_visit_pt visit, void *data)
{
    char                       name[NGX_SMS_METRIC_NAME + 16];
    u_char                     seen[NGX_SMS_METRICS];
    ngx_int_t                  rc;
    ngx_uint_t                 i, k;
    ngx_sms_metric_t           m;
    ngx_sms_counter_plugin_t  *p, *q;

    ngx_memzero(seen, sizeof(seen));
    ngx_memzero(&m, sizeof(ngx_sms_metric_t));

    for (i = 0; i < NGX_SMS_METRICS; i++) {
        p = &zone->counters->plugin[i];

        if (seen[i] || p->state != NGX_SMS_METRIC_READY) {
            continue;
        }

        for (k = i; k < NGX_SMS_METRICS; k++) {
            q = &zone->counters->plugin[k];

            /* one name has one type on a page: another plugin's idea of it
             * would make the whole page invalid                             */

            if (q->state != NGX_SMS_METRIC_READY || q->type != p->type
                || ngx_strcmp(p->name, q->name) != 0)
            {
                continue;
            }

            seen[k] = 1;

            *ngx_snprintf((u_char *) name, sizeof(name) - 1, "sms_plugin_%s",
                          q->name) = '\0';

            m.name = name;
            m.labels = q->labels;
            m.help = p->help;
            m.type = q->type;
            m.unit = NGX_SMS_UNIT_ONE;
            m.first = k == i;

            ngx_sms_counter_sum(zone, alive, q->cell, &m);

            rc = visit(data, &m);
            if (rc != NGX_OK) {
                return rc;
            }
        }

        for (k = i + 1; k < NGX_SMS_METRICS; k++) {
            q = &zone->counters->plugin[k];

            if (q->state == NGX_SMS_METRIC_READY
                && ngx_strcmp(p->name, q->name) == 0)
            {
                seen[k] = 1;
            }
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_sms_counter_visit(ngx_sms_zone_t *zone, ngx_sms_counter_visit_pt visit,
    void *data)
{
    u_char                        alive[NGX_SMS_SLOTS];
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_sms_metric_t              m;
    ngx_sms_slot_info_t           info;
    const ngx_sms_counter_def_t  *def;

    for (i = 0; i < NGX_SMS_SLOTS; i++) {
        alive[i] = ngx_sms_slot_read(zone, i, &info) == NGX_OK && info.alive;
    }

    ngx_memzero(&m, sizeof(ngx_sms_metric_t));

    for (i = 0; i < NGX_SMS_C_MAX; i++) {
        def = &ngx_sms_counter_defs[i];

        m.first = m.name == NULL || ngx_strcmp(m.name, def->name) != 0;
        m.name = def->name;
        m.labels = def->labels;
        m.help = def->help;
        m.type = def->type;
        m.unit = def->unit;

        ngx_sms_counter_sum(zone, alive, ngx_sms_counter_cell[i], &m);

        rc = visit(data, &m);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_sms_counter_visit_plugins(zone, alive, visit, data);
}
