#include <string.h>

#include "smpp_split.h"


typedef struct {
    sms_segment_profile_t  profile;
    sms_segment_t          count;
    sms_segment_part_t     parts[SMS_SEGMENT_PARTS_MAX];
} smpp_split_layout_t;


static int
smpp_split_national(uint8_t encoding)
{
    return encoding == SMS_ENC_GSM7_TR_SINGLE
           || encoding == SMS_ENC_GSM7_TR_LOCKING;
}


static int
smpp_split_fits(smpp_split_layout_t *l, const sms_msg_t *msg, uint16_t total)
{
    return sms_segment_count(&l->profile, msg->text.ptr, msg->text.len,
                             &l->count, l->parts, SMS_SEGMENT_PARTS_MAX)
           == SMS_SEGMENT_OK && l->count.parts == total;
}


/* Our own code, already there: the customer wrote it, and once is enough (C8). */
static int
smpp_split_suffixed(const smpp_split_conf_t *conf, sms_str_t text)
{
    size_t  begin;

    return sms_suffix_find(text.ptr, text.len, &begin)
           && memcmp(text.ptr + begin, conf->append + 1, SMS_SUFFIX_CODE_LEN)
              == 0;
}


/* The layout that is as many parts as were charged; what the account counts at
 * the end is not known here, only what the link needs there.                 */
static sms_rc_t
smpp_split_lay(smpp_split_layout_t *l, const smpp_split_conf_t *conf,
    const sms_msg_t *msg, uint8_t encoding, uint16_t total)
{
    int  bits, free_end;

    memset(&l->profile, 0, sizeof(sms_segment_profile_t));
    l->profile.force = encoding;
    l->profile.max_parts = SMS_SEGMENT_PARTS_MAX;
    free_end = 1;

    if (conf->suffix == SMPP_SUFFIX_BY_OPERATOR) {
        free_end = 0;

    } else if (conf->suffix == SMPP_SUFFIX_BY_US
               && !smpp_split_suffixed(conf, msg->text))
    {
        free_end = 0;
        l->profile.append = conf->append;
    }

    for (bits = conf->how == SMPP_LONG_UDH16 ? 16 : 8; bits; bits -= 8) {
        l->profile.ref_bits = (uint8_t) bits;
        l->profile.suffix = SMS_SEGMENT_SUFFIX_DEFAULT;

        if (smpp_split_fits(l, msg, total)) {
            return SMS_OK;
        }

        l->profile.suffix = 0;

        if (free_end && smpp_split_fits(l, msg, total)) {
            return SMS_OK;
        }
    }

    return SMS_E_DENIED;
}


/* Drops the concatenation from a header that we made: it comes first in it. */
static void
smpp_split_untie(sms_segment_out_t *o)
{
    size_t  skip;

    skip = (size_t) o->udh[2] + 2;
    o->udh_len = (uint8_t) (o->udh_len - skip);
    memmove(o->udh + 1, o->udh + 1 + skip, o->udh_len - 1u);
    o->udh[0] = (uint8_t) (o->udh_len - 1);

    if (o->udh_len == 1) {
        o->udh_len = 0;
    }
}


/* Appends part "k" to out->text. */
static sms_rc_t
smpp_split_put(smpp_split_t *out, const smpp_split_layout_t *l,
    const sms_msg_t *msg, unsigned k)
{
    sms_segment_out_t  o;

    if (sms_segment_split(&l->profile, &l->count, &l->parts[k - 1],
                          msg->text.ptr, msg->text.len, k, out->ref, &o)
        != SMS_SEGMENT_OK)
    {
        return SMS_E_DENIED;
    }

    if (out->udh.len == 0 && o.udh_len) {

        if (out->how != SMPP_LONG_UDH8) {
            smpp_split_untie(&o);
        }

        memcpy(out->header, o.udh, o.udh_len);
        out->udh.ptr = (const char *) out->header;
        out->udh.len = o.udh_len;
    }

    if (o.payload_len > sizeof(out->text) - SMS_SEGMENT_UDH_MAX
                        - out->payload.len)
    {
        return SMS_E_DENIED;
    }

    memcpy(out->text + out->payload.len, o.payload, o.payload_len);
    out->payload.len += o.payload_len;

    return SMS_OK;
}


sms_rc_t
smpp_split_part(smpp_split_t *out, const smpp_split_conf_t *conf,
    const sms_part_t *part)
{
    int                   whole;
    sms_rc_t              rc;
    uint8_t               encoding;
    unsigned              k;
    const sms_msg_t      *msg;
    smpp_split_layout_t   layout;

    msg = part->msg;
    encoding = part->encoding;
    whole = part->total == 1 && msg->parts > 1;

    out->how = SMPP_LONG_UDH8;
    out->encoding = encoding;
    out->udh = part->udh;
    out->payload = part->payload;

    if (smpp_split_national(encoding) && !conf->turkish) {
        encoding = SMS_ENC_UCS2;
    }

    if (encoding == SMS_ENC_BINARY
        || (!whole && encoding == part->encoding
            && conf->suffix == SMPP_SUFFIX_NONE
            && (part->total == 1 || conf->how == SMPP_LONG_UDH8
                || conf->how == SMPP_LONG_PAYLOAD)))
    {
        return SMS_OK;
    }

    rc = smpp_split_lay(&layout, conf, msg, encoding,
                        whole ? msg->parts : part->total);
    if (rc != SMS_OK) {
        return rc;
    }

    out->encoding = encoding;
    /* the host's: the random end of the id tells texts to one number apart */
    out->ref = (uint16_t) (msg->id[14] << 8 | msg->id[15]);
    out->number = (uint8_t) part->number;
    out->total = (uint8_t) part->total;
    out->how = whole ? SMPP_LONG_PAYLOAD
               : part->total > 1 && conf->how == SMPP_LONG_SAR
                 ? SMPP_LONG_SAR : SMPP_LONG_UDH8;
    out->udh.len = 0;
    out->payload.ptr = out->text;
    out->payload.len = 0;

    if (!whole) {
        return part->number && part->number <= part->total
               ? smpp_split_put(out, &layout, msg, part->number)
               : SMS_E_DENIED;
    }

    for (k = 1; k <= layout.count.parts && rc == SMS_OK; k++) {
        rc = smpp_split_put(out, &layout, msg, k);
    }

    return rc;
}
