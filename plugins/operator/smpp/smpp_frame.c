#include <string.h>

#include "smpp.h"


static void
smpp_frame_malformed(smpp_bind_t *b, const smpp_pdu_t *pdu, uint32_t status)
{
    smpp_count(b->smpp, SMPP_METRIC_MALFORMED, 1);
    smpp_log(b->smpp, SMS_LOG_WARN, "bind %s: malformed PDU: command=0x%x %s",
             b->name, pdu->command, smpp_status_name(status));

    if (pdu->command == (uint32_t) SMPP_CMD_SUBMIT_SM_RESP
        || pdu->command == (uint32_t) SMPP_CMD_DATA_SM_RESP
        || pdu->command == (uint32_t) SMPP_CMD_QUERY_SM_RESP
        || pdu->command == (uint32_t) SMPP_CMD_CANCEL_SM_RESP)
    {
        /* an answer all the same; its id, if any, is lost */
        smpp_result_answer(b, pdu);

    } else if (pdu->command == (uint32_t) SMPP_CMD_DELIVER_SM
               || pdu->command == (uint32_t) SMPP_CMD_DATA_SM)
    {
        smpp_session_simple(b, pdu->command | SMPP_ANSWER, status,
                            pdu->sequence);

    } else if (!(pdu->command & SMPP_ANSWER)) {
        smpp_session_simple(b, (uint32_t) SMPP_CMD_GENERIC_NACK, status,
                            pdu->sequence);
    }
}


static void
smpp_frame_pdu(smpp_bind_t *b, const char *p, size_t n)
{
    uint32_t    status;
    smpp_pdu_t  pdu;

    status = smpp_pdu_decode(&pdu, p, n);

    if (status != ESME_ROK) {
        smpp_frame_malformed(b, &pdu, status);
        return;
    }

    switch (pdu.command) {

    case (uint32_t) SMPP_CMD_BIND_TRANSCEIVER_RESP:
    case (uint32_t) SMPP_CMD_BIND_TRANSMITTER_RESP:
    case (uint32_t) SMPP_CMD_BIND_RECEIVER_RESP:
        if (b->state == SMPP_BIND_SENT) {
            smpp_session_bound(b, &pdu);
        }

        break;

    case (uint32_t) SMPP_CMD_GENERIC_NACK:
        if (b->state == SMPP_BIND_SENT) {
            if (pdu.status == ESME_ROK) {
                pdu.status = ESME_RINVCMDID;
            }

            smpp_session_bound(b, &pdu);
            break;
        }

        if (b->probe_due_us && pdu.sequence == b->probe) {
            /* it knows no enquire_link, but it is there */
            b->probe_due_us = 0;
            b->suspect = 0;
            break;
        }

        /* an SMSC that could not even read a submit has not taken it */
        if (pdu.status == ESME_ROK) {
            pdu.status = ESME_RUNKNOWNERR;
        }

        smpp_result_answer(b, &pdu);
        break;

    case (uint32_t) SMPP_CMD_SUBMIT_SM_RESP:
    case (uint32_t) SMPP_CMD_DATA_SM_RESP:
    case (uint32_t) SMPP_CMD_QUERY_SM_RESP:
    case (uint32_t) SMPP_CMD_CANCEL_SM_RESP:
        smpp_result_answer(b, &pdu);
        break;

    case (uint32_t) SMPP_CMD_DELIVER_SM:
    case (uint32_t) SMPP_CMD_DATA_SM:
        if (b->state >= SMPP_BOUND) {
            b->active_us = smpp_now(b->smpp);
            smpp_deliver_add(b, p, n);

        } else {
            smpp_session_simple(b, pdu.command | SMPP_ANSWER,
                                ESME_RINVBNDSTS, pdu.sequence);
        }

        break;

    case (uint32_t) SMPP_CMD_ENQUIRE_LINK:
        smpp_session_simple(b, (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP, ESME_ROK,
                            pdu.sequence);
        break;

    case (uint32_t) SMPP_CMD_ENQUIRE_LINK_RESP:
        b->probe_due_us = 0;
        b->suspect = 0;
        break;

    case (uint32_t) SMPP_CMD_UNBIND:
        if (b->state == SMPP_BOUND) {
            smpp_session_unbinds(b, pdu.sequence);

        } else {
            smpp_deliver_flush(b);
            smpp_session_simple(b, (uint32_t) SMPP_CMD_UNBIND_RESP, ESME_ROK,
                                pdu.sequence);
            smpp_session_close(b, 0);
        }

        break;

    case (uint32_t) SMPP_CMD_UNBIND_RESP:
        if (b->state == SMPP_UNBIND_SENT) {
            smpp_deliver_flush(b);
            smpp_session_close(b, 0);
        }

        break;

    case (uint32_t) SMPP_CMD_OUTBIND:
    case (uint32_t) SMPP_CMD_ALERT_NOTIFICATION:
        /* neither has an answer, and neither changes what we do */
        break;

    default:
        if (!(pdu.command & SMPP_ANSWER)) {
            smpp_session_simple(b, (uint32_t) SMPP_CMD_GENERIC_NACK,
                                ESME_RINVCMDID, pdu.sequence);
        }
    }
}


size_t
smpp_frame_data(void *data, sms_handle_t s, const char *p, size_t n)
{
    size_t        used;
    int32_t       len;
    smpp_bind_t  *b;

    b = data;
    used = 0;

    if (s != b->stream) {
        return n;
    }

    if (b->enquire_us) {
        b->enquire_us = smpp_now(b->smpp)
                        + (int64_t) b->smpp->conf.enquire_ms * 1000;
    }

    while (used < n) {
        len = smpp_pdu_length(p + used, n - used);

        if (len < 0) {
            smpp_count(b->smpp, SMPP_METRIC_MALFORMED, 1);
            smpp_told_failure(b, SMS_LOG_ERROR, 0,
                              "session lost: command_length is no length");
            smpp_deliver_flush(b);
            smpp_session_simple(b, (uint32_t) SMPP_CMD_GENERIC_NACK,
                                ESME_RINVCMDLEN, 0);
            smpp_session_close(b, 0);
            return n;
        }

        if (len == 0 || (size_t) len > n - used) {
            break;
        }

        smpp_frame_pdu(b, p + used, (size_t) len);

        if (s != b->stream) {
            return n;
        }

        used += (size_t) len;
    }

    smpp_deliver_flush(b);
    smpp_submit_pump(b->smpp);
    smpp_session_settle(b);

    if (s == b->stream) {
        smpp_session_arm(b);
    }

    return used;
}
