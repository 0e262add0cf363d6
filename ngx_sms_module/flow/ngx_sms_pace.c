#include "ngx_sms_pace.h"

#include "sms_word.h"


#define NGX_SMS_PACE_OPENS   540            /* minutes: 09:00, 21:00          */
#define NGX_SMS_PACE_CLOSES  1260
#define NGX_SMS_PACE_DAY     1440


static void ngx_sms_pace_window(ngx_sms_pace_t *pace, const json_t *object);
static void ngx_sms_pace_repeats(ngx_sms_pace_t *pace, json_t *map);
static uint32_t ngx_sms_pace_number(const json_t *object, const char *name,
    uint32_t max);


void
ngx_sms_pace_read(ngx_sms_pace_t *pace, const json_t *account)
{
    ngx_uint_t     i;
    const json_t  *object;

    static const char  *spans[NGX_SMS_OTP_SPANS] = { "minute", "hour", "day" };

    ngx_memzero(pace, sizeof(ngx_sms_pace_t));
    pace->quiet = NGX_SMS_QUIET_WARN;
    pace->quiet_classes = (ngx_uint_t) 1 << SMS_CLASS_COMMERCIAL;
    pace->window.opens = NGX_SMS_PACE_OPENS;
    pace->window.closes = NGX_SMS_PACE_CLOSES;
    pace->window.days = SMS_WINDOW_DAYS;

    object = json_object_get(account, "otp_limits");

    for (i = 0; i < NGX_SMS_OTP_SPANS; i++) {
        pace->otp[i] = ngx_sms_pace_number(object, spans[i], NGX_MAX_INT32_VALUE);
    }

    ngx_sms_pace_repeats(pace, json_object_get(account, "repeats"));

    object = json_object_get(account, "pace");

    if (json_is_object(object)) {
        pace->rated = json_is_true(json_object_get(object, "rated"));
        ngx_sms_pace_window(pace, object);
    }
}


static void
ngx_sms_pace_window(ngx_sms_pace_t *pace, const json_t *object)
{
    int          value;
    size_t       i;
    json_t      *item;
    uint32_t     opens, closes;
    const char  *mode;

    mode = json_string_value(json_object_get(object, "quiet"));

    if (mode == NULL) {
        return;
    }

    if (ngx_strcmp(mode, "off") == 0) {
        pace->quiet = NGX_SMS_QUIET_OFF;
        return;
    }

    opens = ngx_sms_pace_number(object, "opens", NGX_SMS_PACE_DAY);
    closes = ngx_sms_pace_number(object, "closes", NGX_SMS_PACE_DAY);

    pace->quiet = ngx_strcmp(mode, "hold") == 0 ? NGX_SMS_QUIET_HOLD
                                                : NGX_SMS_QUIET_WARN;
    pace->window.opens = (uint16_t) opens;
    pace->window.closes = (uint16_t) closes;
    pace->window.days = 0;
    pace->quiet_classes = 0;

    json_array_foreach(json_object_get(object, "days"), i, item) {
        value = (int) json_integer_value(item);

        if (value >= 1 && value <= 7) {
            pace->window.days |= (uint8_t) (1 << (value - 1));
        }
    }

    json_array_foreach(json_object_get(object, "classes"), i, item) {
        value = json_is_string(item)
                ? sms_word_value(sms_word_class, json_string_value(item),
                                 json_string_length(item))
                : -1;

        if (value > SMS_CLASS_OTP) {
            pace->quiet_classes |= (ngx_uint_t) 1 << value;
        }
    }
}


static void
ngx_sms_pace_repeats(ngx_sms_pace_t *pace, json_t *map)
{
    int                value;
    json_t            *item;
    const char        *name, *action;
    ngx_sms_repeat_t  *repeat;

    json_object_foreach(map, name, item) {

        value = sms_word_value(sms_word_class, name, ngx_strlen(name));

        if (value < SMS_CLASS_OTP || value > SMS_CLASS_EXEMPT) {
            continue;
        }

        action = json_string_value(json_object_get(item, "action"));
        repeat = &pace->repeats[value];
        repeat->seconds = ngx_sms_pace_number(item, "seconds", 7 * 86400);
        repeat->warn = action && ngx_strcmp(action, "warn") == 0;
    }
}


static uint32_t
ngx_sms_pace_number(const json_t *object, const char *name, uint32_t max)
{
    json_int_t  value;

    value = json_integer_value(json_object_get(object, name));

    return value > 0 && value <= (json_int_t) max ? (uint32_t) value : 0;
}
