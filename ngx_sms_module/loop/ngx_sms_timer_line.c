#include "ngx_sms_timer_line.h"


static void ngx_sms_timer_line_fire(void *data);


void
ngx_sms_timer_line_init(ngx_sms_timer_line_t *line, ngx_msec_t length,
    ngx_log_t *log)
{
    ngx_queue_init(&line->waits);
    line->length = length;
    ngx_sms_timer_housekeeping(&line->timer, ngx_sms_timer_line_fire, line,
                               log);
}


void
ngx_sms_timer_line_start(ngx_sms_timer_line_t *line,
    ngx_sms_timer_wait_t *wait)
{
    wait->line = line;
    wait->due = ngx_current_msec + line->length;
    ngx_queue_insert_tail(&line->waits, &wait->queue);

    /* one that runs for those who have left fires too early, and looks */
    if (!ngx_sms_timer_running(&line->timer)) {
        ngx_sms_timer_start(&line->timer, line->length);
    }

    line->timer.ev.cancelable = 0;
}


void
ngx_sms_timer_line_stop(ngx_sms_timer_wait_t *wait)
{
    ngx_sms_timer_line_t  *line;

    line = wait->line;

    if (line == NULL) {
        return;
    }

    ngx_queue_remove(&wait->queue);
    wait->line = NULL;

    if (ngx_queue_empty(&line->waits)) {
        line->timer.ev.cancelable = 1;
    }
}


static void
ngx_sms_timer_line_fire(void *data)
{
    ngx_sms_timer_line_t  *line = data;

    ngx_msec_int_t         left;
    ngx_sms_timer_wait_t  *wait;

    while (!ngx_queue_empty(&line->waits)) {

        wait = ngx_queue_data(ngx_queue_head(&line->waits),
                              ngx_sms_timer_wait_t, queue);
        left = (ngx_msec_int_t) (wait->due - ngx_current_msec);

        if (left > 0) {
            ngx_sms_timer_start(&line->timer, (ngx_msec_t) left);
            return;
        }

        ngx_sms_timer_line_stop(wait);
        wait->handler(wait->data);
    }
}
