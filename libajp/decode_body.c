/* SPDX-License-Identifier: Apache-2.0 */
/* How a body packet divides into length, body, pad and slack. */
#include "decode.h"

static ajp_status shape_fault(struct body_shape *b, ajp_status st, size_t at)
{
    b->fault = (uint16_t)at;
    return st;
}

ajp_status ajp_in_data_shape(struct body_shape *b, const uint8_t *p, size_t len, uint32_t lenient)
{
    if (len == 0) { /* the short form of the end of a body */
        b->packet = b->tail = 0;
        return AJP_OK;
    }
    if (len < 2) {
        return shape_fault(b, AJP_ERR_TRUNCATED, 0);
    }
    const uint16_t n = get16(p);
    if (n > len - 2) {
        return shape_fault(b, AJP_ERR_TRUNCATED, 0);
    }
    if (n < len - 2 && (lenient & AJP_ALLOW_TRAILING) == 0) {
        return shape_fault(b, AJP_ERR_TRAILING, 2 + (size_t)n);
    }
    b->packet = n;
    b->tail = (uint16_t)(len - 2 - n);
    return AJP_OK;
}

ajp_status ajp_in_chunk_shape(struct body_shape *b, const uint8_t *p, size_t len, uint32_t lenient)
{
    if (len < 3) {
        return shape_fault(b, AJP_ERR_TRUNCATED, len);
    }
    const uint16_t n = get16(p + 1);
    if (n > len - 3) {
        return shape_fault(b, AJP_ERR_TRUNCATED, 1);
    }
    const size_t tail = len - 3 - n;
    if (tail == 0 && (lenient & AJP_ALLOW_NO_PAD) == 0) {
        return shape_fault(b, AJP_ERR_TRUNCATED, len);
    }
    if (tail > 1 && (lenient & AJP_ALLOW_TRAILING) == 0) {
        return shape_fault(b, AJP_ERR_TRAILING, 4 + (size_t)n);
    }
    b->packet = n;
    b->tail = (uint16_t)tail;
    return AJP_OK;
}
