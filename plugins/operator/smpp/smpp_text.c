#include <string.h>

#include <sms/sms_gsm7.h>
#include <sms/sms_time.h>

#include "smpp_text.h"


int
smpp_text_split_udh(sms_str_t *text, sms_str_t *udh)
{
    size_t  len;

    if (text->len == 0) {
        return 0;
    }

    len = (size_t) (uint8_t) text->ptr[0] + 1;

    if (len > text->len) {
        return 0;
    }

    udh->ptr = text->ptr;
    udh->len = len;
    text->ptr += len;
    text->len -= len;

    return 1;
}


uint8_t
smpp_text_alphabet(uint8_t data_coding)
{
    static const uint8_t  group[] = { 0x00, 0x04, 0x08, 0x00 };

    switch (data_coding >> 4) {

    case 0x0:
        /* SMPP's own list comes first; 0x0C would be 23.038's reserved one */
        return data_coding == 0x02 ? 0x04 : data_coding;

    case 0x1:
    case 0x4:
    case 0x5:
        return group[data_coding >> 2 & 3];

    case 0xC:
    case 0xD:
        return 0x00;

    case 0xE:
        return 0x08;

    case 0xF:
        return data_coding & 0x04 ? 0x04 : 0x00;

    default:
        return data_coding;
    }
}


size_t
smpp_text_pack(sms_str_t septets, size_t udh_len, char *out, size_t cap)
{
    return sms_gsm7_pack((const uint8_t *) septets.ptr, septets.len,
                         sms_gsm7_fill(udh_len), (uint8_t *) out, cap);
}


size_t
smpp_text_unpack(sms_str_t octets, size_t udh_len, char *out, size_t cap)
{
    size_t    n;
    unsigned  fill;

    fill = sms_gsm7_fill(udh_len);
    n = octets.len * 8 < fill ? 0 : (octets.len * 8 - fill) / 7;

    if (n > cap) {
        n = cap;
    }

    if (n == 0) {
        return 0;
    }

    n = sms_gsm7_unpack((const uint8_t *) octets.ptr, octets.len, fill,
                        (uint8_t *) out, n);

    /* seven spare bits look like one more septet: '@', or the CR that 23.038
     * puts there (6.1.2.3.1)                                                 */
    if (n > 0 && fill + n * 7 == octets.len * 8
        && (out[n - 1] == 0 || out[n - 1] == 0x0D))
    {
        n--;
    }

    return n;
}


size_t
smpp_text_ascii(sms_str_t text, uint8_t alphabet, char *out, size_t cap)
{
    size_t   i, step, n;
    uint8_t  high, low;

    step = alphabet == 0x08 ? 2 : 1;

    for (i = 0, n = 0; i + step <= text.len && n < cap; i += step) {
        high = step == 2 ? (uint8_t) text.ptr[i] : 0;
        low = (uint8_t) text.ptr[i + step - 1];

        if (high == 0 && (low == 0 || low == '\r' || low == '\t')) {
            low = ' ';
        }

        /* octets above ASCII stay as in an answer, which knows no alphabet */
        out[n++] = (char) (high || low == 0x7F || (low < 0x20 && low != '\n')
                           || (low > 0x7F && step == 2) ? '?' : low);

        /* the only letter of receipts that GSM 7 bit keeps elsewhere */
        if (alphabet == 0x00 && low == 0x11) {
            out[n - 1] = '_';
        }
    }

    return n;
}


smpp_sender_kind_t
smpp_text_sender_kind(sms_str_t from)
{
    size_t  i;

    i = from.len && from.ptr[0] == '+' ? 1 : 0;

    if (i == from.len) {
        return SMPP_SENDER_ALPHA;
    }

    for (/* void */; i < from.len; i++) {
        if (from.ptr[i] < '0' || from.ptr[i] > '9') {
            return SMPP_SENDER_ALPHA;
        }
    }

    return from.len <= 6 ? SMPP_SENDER_SHORT : SMPP_SENDER_NUMBER;
}


void
smpp_text_period(uint32_t seconds, char out[SMPP_PERIOD_LEN + 1])
{
    size_t    i;
    uint32_t  field[4];

    if (seconds > 30 * 86400) {
        seconds = 30 * 86400;
    }

    field[0] = seconds / 86400;
    field[1] = seconds / 3600 % 24;
    field[2] = seconds / 60 % 60;
    field[3] = seconds % 60;

    memcpy(out, "000000000000000R", SMPP_PERIOD_LEN + 1);

    for (i = 0; i < 4; i++) {
        out[4 + 2 * i] = (char) ('0' + field[i] / 10);
        out[5 + 2 * i] = (char) ('0' + field[i] % 10);
    }
}


void
smpp_text_time(int64_t us, int32_t offset_s, char out[SMPP_PERIOD_LEN + 1])
{
    int       year, month, mday, field[8];
    size_t    i;
    int32_t   day, second;
    int64_t   local;

    local = us / 1000000 + offset_s;
    day = (int32_t) (local / 86400);
    second = (int32_t) (local % 86400);
    sms_time_date(day, &year, &month, &mday);

    field[0] = year % 100;
    field[1] = month;
    field[2] = mday;
    field[3] = second / 3600;
    field[4] = second / 60 % 60;
    field[5] = second % 60;
    field[6] = 0;
    field[7] = (offset_s < 0 ? -offset_s : offset_s) / 900;

    for (i = 0; i < 6; i++) {
        out[2 * i] = (char) ('0' + field[i] / 10);
        out[2 * i + 1] = (char) ('0' + field[i] % 10);
    }

    out[12] = '0';
    out[13] = (char) ('0' + field[7] / 10);
    out[14] = (char) ('0' + field[7] % 10);
    out[15] = offset_s < 0 ? '-' : '+';
    out[16] = 0;
}


int
smpp_text_when(sms_str_t text, int64_t *us)
{
    int      field[7];
    size_t   i;
    int32_t  day;
    int64_t  second;

    static const int  most[] = { 99, 12, 31, 23, 59, 59, 48 };
    static const int  place[] = { 0, 2, 4, 6, 8, 10, 13 };

    if (text.len != SMPP_PERIOD_LEN
        || (text.ptr[15] != '+' && text.ptr[15] != '-'))
    {
        return 0;
    }

    for (i = 0; i < 15; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return 0;
        }
    }

    for (i = 0; i < 7; i++) {
        field[i] = (text.ptr[place[i]] - '0') * 10 + text.ptr[place[i] + 1] - '0';

        if (field[i] > most[i]) {
            return 0;
        }
    }

    if (sms_time_day(2000 + field[0], field[1], field[2], &day) != 0) {
        return 0;
    }

    second = (int64_t) day * 86400 + field[3] * 3600 + field[4] * 60 + field[5];
    second -= (text.ptr[15] == '-' ? -1 : 1) * field[6] * 900;
    *us = second * 1000000;

    return 1;
}


sms_str_t
smpp_text_address(sms_str_t address, uint8_t ton)
{
    if (address.len && address.ptr[0] == '+') {
        address.ptr++;
        address.len--;

    } else if (ton == 1 && address.len > 2 && address.ptr[0] == '0'
               && address.ptr[1] == '0')
    {
        address.ptr += 2;
        address.len -= 2;
    }

    return address;
}
