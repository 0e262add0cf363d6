#include "ngx_sms_slot.h"

#include "ngx_sms_area.h"
#include "ngx_sms_counter.h"

/* Words of one owner.  "what" holds plugin and operation in one word, so that a
 * reader never sees the plugin of one call with the operation of another.     */
typedef struct {
    volatile ngx_atomic_t  pid;             /* 0: free; taken by CAS          */
    volatile ngx_atomic_t  born;            /* start time of the process      */
    volatile ngx_atomic_t  worker;
    volatile ngx_atomic_t  started_ms;
    volatile ngx_atomic_t  heartbeat_ms;
    volatile ngx_atomic_t  what;
    volatile ngx_atomic_t  since_ms;
    u_char                 pad[NGX_SMS_LINE - 7 * sizeof(ngx_atomic_t)];
} ngx_sms_slot_cell_t;

struct ngx_sms_slots_s {
    ngx_sms_slot_cell_t  cell[NGX_SMS_SLOTS];
};

_Static_assert(sizeof(ngx_sms_slot_cell_t) == NGX_SMS_LINE, "slot is padded");


size_t
ngx_sms_slot_area_size(void)
{
    return sizeof(ngx_sms_slots_t);
}


static int64_t
ngx_sms_slot_now_ms(void)
{
    ngx_time_t  *tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + tp->msec;
}


ngx_uint_t
ngx_sms_slot_pid_gone(ngx_pid_t pid)
{
    return kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


/* Field 22 of /proc/<pid>/stat, after the name, which may hold anything but
 * ends at the last ')' (proc(5)).  0: cannot be told.                        */
static ngx_atomic_uint_t
ngx_sms_slot_born(ngx_pid_t pid)
{
    int         fd;
    char        buf[1024], *p;
    u_char      path[64];
    ssize_t     n;
    ngx_uint_t  field;

    *ngx_snprintf(path, sizeof(path) - 1, "/proc/%P/stat", pid) = '\0';

    fd = open((char *) path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, buf, sizeof(buf) - 1);
    (void) close(fd);

    if (n <= 0) {
        return 0;
    }

    buf[n] = '\0';

    p = strrchr(buf, ')');
    if (p == NULL) {
        return 0;
    }

    for (field = 2; field < 22; field++) {
        p = strchr(p + 1, ' ');

        if (p == NULL) {
            return 0;
        }
    }

    return strtoul(p + 1, NULL, 10);
}


static ngx_uint_t
ngx_sms_slot_dead(ngx_sms_slot_cell_t *cell, ngx_pid_t pid)
{
    ngx_atomic_uint_t  born, now;

    if (ngx_sms_slot_pid_gone(pid)) {
        return 1;
    }

    born = cell->born;
    now = ngx_sms_slot_born(pid);

    return born != 0 && now != 0 && born != now;
}


static void
ngx_sms_slot_copy(ngx_sms_slot_cell_t *cell, ngx_uint_t i,
    ngx_sms_slot_info_t *info)
{
    ngx_atomic_uint_t  what;

    what = cell->what;

    info->slot = i;
    info->pid = (ngx_pid_t) cell->pid;
    info->worker = cell->worker;
    info->started_ms = (int64_t) cell->started_ms;
    info->heartbeat_ms = (int64_t) cell->heartbeat_ms;
    info->plugin = what >> 16;
    info->operation = what & 0xffff;
    info->since_ms = (int64_t) cell->since_ms;
    info->alive = info->pid != 0 && !ngx_sms_slot_dead(cell, info->pid);
}


/* "from" is the pid that was seen there; nobody else may have it now */
static ngx_uint_t
ngx_sms_slot_take(ngx_sms_slot_cell_t *cell, ngx_atomic_uint_t from)
{
    if (!ngx_atomic_cmp_set(&cell->pid, from, (ngx_atomic_uint_t) ngx_pid)) {
        return 0;
    }

    cell->born = ngx_sms_slot_born(ngx_pid);
    cell->worker = ngx_worker;
    cell->what = 0;
    cell->since_ms = 0;
    cell->started_ms = (ngx_atomic_uint_t) ngx_sms_slot_now_ms();
    cell->heartbeat_ms = cell->started_ms;

    return 1;
}


ngx_int_t
ngx_sms_slot_claim(ngx_sms_zone_t *zone, ngx_sms_slot_info_t *dead)
{
    ngx_uint_t            i, pass;
    ngx_sms_slot_cell_t  *cell;
    ngx_sms_slot_info_t   info;

    /* first the dead predecessor, whose blame must be read; then a free slot;
     * at last one of any dead worker                                         */

    for (pass = 0; pass < 3; pass++) {

        for (i = 0; i < NGX_SMS_SLOTS; i++) {
            cell = &zone->slots->cell[i];
            ngx_sms_slot_copy(cell, i, &info);

            if (pass == 1) {
                if (info.pid != 0 || !ngx_sms_slot_take(cell, 0)) {
                    continue;
                }

                zone->slot = i;
                ngx_sms_counter_reset_gauges(zone, i);
                return NGX_OK;
            }

            if (info.pid == 0 || info.alive
                || (pass == 0 && info.worker != ngx_worker)
                || !ngx_sms_slot_take(cell, (ngx_atomic_uint_t) info.pid))
            {
                continue;
            }

            *dead = info;
            zone->slot = i;
            ngx_sms_counter_reset_gauges(zone, i);
            return NGX_DONE;
        }
    }

    zone->slot = NGX_SMS_SLOT_NONE;

    return NGX_DECLINED;
}


void
ngx_sms_slot_release(ngx_sms_zone_t *zone)
{
    ngx_sms_slot_cell_t  *cell;

    if (zone->slot == NGX_SMS_SLOT_NONE) {
        return;
    }

    cell = &zone->slots->cell[zone->slot];

    if ((ngx_pid_t) cell->pid == ngx_pid) {
        cell->what = 0;
        cell->pid = 0;
    }
}


void
ngx_sms_slot_beat(ngx_sms_zone_t *zone)
{
    if (zone->slot != NGX_SMS_SLOT_NONE) {
        zone->slots->cell[zone->slot].heartbeat_ms =
            (ngx_atomic_uint_t) ngx_sms_slot_now_ms();
    }
}


uint64_t
ngx_sms_slot_enter(ngx_sms_zone_t *zone, ngx_uint_t plugin,
    ngx_uint_t operation)
{
    uint64_t              before;
    ngx_sms_slot_cell_t  *cell;

    if (zone->slot == NGX_SMS_SLOT_NONE) {
        return 0;
    }

    cell = &zone->slots->cell[zone->slot];
    before = cell->what;

    cell->since_ms = (ngx_atomic_uint_t) ngx_sms_slot_now_ms();
    cell->what = plugin << 16 | (operation & 0xffff);

    /* the compiler must not move it behind the call that may crash */
    ngx_memory_barrier();

    return before;
}


void
ngx_sms_slot_leave(ngx_sms_zone_t *zone, uint64_t before)
{
    ngx_memory_barrier();

    if (zone->slot != NGX_SMS_SLOT_NONE) {
        zone->slots->cell[zone->slot].what = before;
    }
}


ngx_int_t
ngx_sms_slot_read(ngx_sms_zone_t *zone, ngx_uint_t i,
    ngx_sms_slot_info_t *info)
{
    if (i >= NGX_SMS_SLOTS) {
        return NGX_DECLINED;
    }

    ngx_sms_slot_copy(&zone->slots->cell[i], i, info);

    return info->pid != 0 ? NGX_OK : NGX_DECLINED;
}
