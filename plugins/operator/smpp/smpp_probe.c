#include "smpp.h"


void
smpp_probe_send(smpp_bind_t *b)
{
    b->probe = smpp_window_sequence(&b->window);

    if (smpp_session_simple(b, (uint32_t) SMPP_CMD_ENQUIRE_LINK, ESME_ROK,
                            b->probe) != SMS_OK)
    {
        b->probe = 0;
    }
}


/* A peer that does not even read has as long to answer as one that does. */
void
smpp_probe(smpp_bind_t *b, int64_t now_us)
{
    if (b->probe_due_us || !smpp_session_leased(b)) {
        return;
    }

    b->probe_due_us = now_us + (int64_t) b->smpp->conf.response_ms * 1000;
    smpp_probe_send(b);
}


void
smpp_probe_suspect(smpp_bind_t *b)
{
    if (b->state == SMPP_BOUND && !b->suspect) {
        b->suspect = 1;
        smpp_probe(b, smpp_now(b->smpp));
    }
}
