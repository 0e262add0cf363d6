/*
 * smpp_split - what a link makes of a part: how parts are tied together, whose
 * code stands at the end, which alphabets the SMSC takes.  Pure.
 *
 * The host has split as the customer pays (D4): 8-bit references, the account's
 * alphabet.  Most links take that as it is.  Where a link is configured
 * otherwise the whole text is split again here, in the same way for each of its
 * parts, and never into another number of parts than was charged:
 *
 *   long     udh8     concatenation header with 8-bit reference, 23.040 9.2.3.24.1
 *            udh16    with 16-bit reference (9.2.3.24.8); with 8 bits where that
 *                     would need one part more
 *            sar      sar_msg_ref_num, sar_total_segments, sar_segment_seqnum
 *                     (SMPP 3.4 5.3.2.22 to 24); the SMSC makes the header
 *            payload  the whole text in message_payload (5.3.2.32); the SMSC splits
 *   suffix   the operator's code of BTK 2016/DK-YED/211: none is asked for,
 *            by_operator (room for it is left in the last part), or by_us, who
 *            then are the licence holder: once, behind the last part
 *   turkish  off: an SMSC without national language tables.  Such texts go as
 *            UCS-2 where that is as many parts, and over another link where not
 *
 * National language tables are named in a header of each part (9.2.3.24.15 and
 * 16) beside the concatenation, also where SAR or message_payload ties the parts.
 */
#ifndef SMPP_SPLIT_H
#define SMPP_SPLIT_H

#include <sms/sms_segment.h>
#include <sms/sms_suffix.h>

#include "sms_plugin.h"

#define SMPP_PAYLOAD_MAX  11264         /* octets of message_payload with header */

typedef enum { SMPP_LONG_UDH8, SMPP_LONG_UDH16, SMPP_LONG_SAR,
               SMPP_LONG_PAYLOAD } smpp_long_t;
typedef enum { SMPP_SUFFIX_NONE, SMPP_SUFFIX_BY_OPERATOR,
               SMPP_SUFFIX_BY_US } smpp_suffix_t;

typedef struct {
    smpp_long_t    how;
    smpp_suffix_t  suffix;
    uint32_t       turkish;             /* 1: national tables are taken        */
    char           append[SMS_SUFFIX_CODE_LEN + 2];     /* " B002"             */
} smpp_split_conf_t;

typedef struct {
    smpp_long_t  how;                   /* SAR: number and total are TLVs; PAYLOAD:
                                           the whole text; else as it stands   */
    uint8_t    encoding;                /* sms_encoding_t of payload           */
    uint8_t    number, total;           /* of SAR                              */
    uint16_t   ref;
    sms_str_t  udh, payload;            /* of the part given, or in "text"     */
    uint8_t    header[SMS_SEGMENT_UDH_MAX];
    char       text[SMPP_PAYLOAD_MAX];  /* one septet an octet, or UCS-2 BE    */
} smpp_split_t;

/* SMS_OK; SMS_E_DENIED: this link cannot carry the text in as many parts as were
 * charged, another one may.                                                  */
sms_rc_t smpp_split_part(smpp_split_t *out, const smpp_split_conf_t *conf,
    const sms_part_t *part);

#endif /* SMPP_SPLIT_H */
