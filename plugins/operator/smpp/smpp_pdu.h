/*
 * smpp_pdu - SMPP 3.4 (issue 1.2) protocol data units, octets to structs and
 * back.  Pure: no clock, no memory, no socket.
 *
 * A PDU on the wire is four 32-bit big-endian words (command_length with
 * itself, command_id, command_status, sequence_number), the mandatory fields
 * of its shape (smpp_pdu.def), and optional parameters (TLVs) up to
 * command_length.
 *
 * Decoding copies nothing: strings point into the octets given, without their
 * NUL.  It is lenient about lengths that the standard bounds and peers exceed,
 * and strict about everything that could leave the PDU.  An answer (bit 31 of
 * command_id) may lack its whole body, as 4.1.2 and 4.4.2 allow after errors.
 *
 * Encoding writes command_length itself and refuses what exceeds a field.
 */
#ifndef SMPP_PDU_H
#define SMPP_PDU_H

#include <stddef.h>
#include <stdint.h>

#include "sms_plugin.h"
#include "smpp_pdu.def"

#define SMPP_HEADER_LEN  16
#define SMPP_PDU_MAX     16384  /* longer is taken for a lost frame boundary */
#define SMPP_ANSWER      0x80000000u

#define SMPP_FIELD_S(name, max)  sms_str_t name;
#define SMPP_FIELD_O(name)       uint8_t name;
#define SMPP_FIELD_M(name)       sms_str_t name;
#define SMPP_STRUCT(shape)                                                    \
    typedef struct {                                                          \
        uint8_t first;                                                        \
        SMPP_FIELDS_##shape(SMPP_FIELD_S, SMPP_FIELD_O, SMPP_FIELD_M)         \
    } smpp_##shape##_t;

SMPP_SHAPES(SMPP_STRUCT)

#define SMPP_COMMAND_ID(name, id, shape)  SMPP_CMD_##name = (int) id,
#define SMPP_SHAPE_ID(shape)              SMPP_SHAPE_##shape,
#define SMPP_UNION(shape)                 smpp_##shape##_t shape;

enum { SMPP_PDUS(SMPP_COMMAND_ID) };     /* SMPP_CMD_SUBMIT_SM ...           */
typedef enum { SMPP_SHAPES(SMPP_SHAPE_ID) SMPP_SHAPE_UNKNOWN } smpp_shape_t;

/* "shape" says which member of "u" holds the fields */
typedef struct {
    uint32_t      command;
    uint32_t      status;
    uint32_t      sequence;
    smpp_shape_t  shape;
    union { SMPP_SHAPES(SMPP_UNION) } u;
    sms_str_t     tlvs;                 /* all optional parameters, encoded    */
} smpp_pdu_t;

/* esm_class, 5.2.12 */
enum {
    SMPP_ESM_TYPE = 0x3C, SMPP_ESM_RECEIPT = 0x04, SMPP_ESM_DELIVERY_ACK = 0x08,
    SMPP_ESM_MANUAL_ACK = 0x10, SMPP_ESM_INTERMEDIATE = 0x20,
    SMPP_ESM_UDHI = 0x40
};

/* optional parameters that the session reads or writes, 5.3.2 */
enum {
    SMPP_TLV_QOS_TIME_TO_LIVE = 0x0017,
    SMPP_TLV_RECEIPTED_MESSAGE_ID = 0x001E, SMPP_TLV_SAR_REF = 0x020C,
    SMPP_TLV_SAR_TOTAL = 0x020E, SMPP_TLV_SAR_SEQUENCE = 0x020F,
    SMPP_TLV_NETWORK_ERROR_CODE = 0x0423, SMPP_TLV_MESSAGE_PAYLOAD = 0x0424,
    SMPP_TLV_MESSAGE_STATE = 0x0427
};

/* Length of the PDU that begins at "p": 0 when more octets are needed to tell,
 * -1 when no PDU of this standard can begin so.  The PDU may still be longer
 * than "n".                                                                  */
int32_t smpp_pdu_length(const char *p, size_t n);

/* "p" holds exactly one PDU of smpp_pdu_length() octets.  SMS_OK, or a
 * command_status for the answer: ESME_RINVCMDLEN, ESME_RINVCMDID (header
 * decoded, shape unknown), ESME_RINVMSGLEN, ESME_RINVOPTPARSTREAM.           */
uint32_t smpp_pdu_decode(smpp_pdu_t *pdu, const char *p, size_t n);

/* Octets written, or 0: "cap" too small, a field too long, a NUL inside a
 * C-octet string, an unknown command.                                        */
size_t smpp_pdu_encode(const smpp_pdu_t *pdu, char *p, size_t cap);

/* "SUBMIT_SM", or "unknown" */
const char *smpp_pdu_name(uint32_t command);

/* Optional parameters one by one: 1 and *tag, *value; 0 at the end; -1 when
 * what is left is no TLV.  *rest begins as pdu->tlvs.                        */
int smpp_tlv_next(sms_str_t *rest, uint16_t *tag, sms_str_t *value);

/* The first TLV of "tag": 1 and *value, or 0. */
int smpp_tlv_find(sms_str_t tlvs, uint16_t tag, sms_str_t *value);

/* Appends a TLV to buf[*len], 1; 0 when it does not fit. */
int smpp_tlv_put(char *buf, size_t cap, size_t *len, uint16_t tag,
    sms_str_t value);

#endif /* SMPP_PDU_H */
