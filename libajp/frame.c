/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts frames: two magic bytes, a length, that many bytes of payload. */
#include "decode.h"

size_t ajp_frame_want(const uint8_t *in, size_t len)
{
    return len < AJP_HEADER_SIZE ? AJP_HEADER_SIZE : AJP_HEADER_SIZE + (size_t)get16(in + 2);
}

ajp_status ajp_frame_next(const uint8_t *in, size_t len, const ajp_limits *lim, ajp_frame *f,
                          size_t *used)
{
    static const uint8_t second[2] = {0x34, 0x42};
    if (len == 0) {
        return AJP_MORE;
    }
    const bool to_server = in[0] == 0x41;
    if (in[0] != 0x12 && !to_server) {
        return AJP_ERR_MAGIC;
    }
    if (len > 1 && in[1] != second[to_server]) {
        return AJP_ERR_MAGIC;
    }
    if (len < AJP_HEADER_SIZE) {
        return AJP_MORE;
    }
    const uint16_t n = get16(in + 2);
    if ((uint32_t)n + AJP_HEADER_SIZE > limits_or_default(lim)->max_packet) {
        return AJP_ERR_FRAME_SIZE;
    }
    if (len - AJP_HEADER_SIZE < n) {
        return AJP_MORE;
    }
    f->payload = in + AJP_HEADER_SIZE;
    f->len = n;
    f->dir = to_server ? AJP_TO_SERVER : AJP_TO_CONTAINER;
    *used = (size_t)AJP_HEADER_SIZE + n;
    return AJP_OK;
}
