/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts frames: two magic bytes, a length, that many bytes of payload. */
#include "decode.h"

size_t ajp_frame_want(const uint8_t *in, size_t len)
{
    return len < AJP_HEADER_SIZE ? AJP_HEADER_SIZE : AJP_HEADER_SIZE + (size_t)get16(in + 2);
}

enum { TO_CONTAINER = 0x1234, TO_SERVER = 0x4142 };

/* Judges less than a head by the bytes of the magic that are there. */
static bool may_be_magic(const uint8_t *in, size_t len)
{
    if (len < 2) {
        return len == 0 || in[0] == TO_CONTAINER >> 8 || in[0] == TO_SERVER >> 8;
    }
    return get16(in) == TO_CONTAINER || get16(in) == TO_SERVER;
}

ajp_status ajp_frame_next(const uint8_t *in, size_t len, const ajp_limits *lim, ajp_frame *f,
                          size_t *used)
{
    if (len < AJP_HEADER_SIZE) {
        return may_be_magic(in, len) ? AJP_MORE : AJP_ERR_MAGIC;
    }
    const uint32_t head = get32(in);
    const bool to_server = head >> 16 == TO_SERVER;
    if (!to_server && head >> 16 != TO_CONTAINER) {
        return AJP_ERR_MAGIC;
    }
    const uint16_t n = (uint16_t)head;
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
