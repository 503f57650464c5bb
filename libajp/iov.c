/* SPDX-License-Identifier: Apache-2.0 */
/* Framing around body bytes that stay where they are. */
#include "number.h"
#include <ajp/iov.h>

static const uint8_t pad = 0;

size_t ajp_data_head(uint8_t head[AJP_DATA_HEAD], uint16_t n)
{
    put16(head, 0x1234);
    put16(head + 2, (size_t)n + 2);
    put16(head + 4, n);
    return AJP_DATA_HEAD;
}

size_t ajp_chunk_head(uint8_t head[AJP_CHUNK_HEAD], uint16_t n)
{
    put16(head, 0x4142);
    put16(head + 2, (size_t)n + 4);
    head[4] = AJP_BODY_CHUNK;
    put16(head + 5, n);
    return AJP_CHUNK_HEAD;
}

uint8_t *ajp_wrap_data(uint8_t *body, uint16_t n)
{
    ajp_data_head(body - AJP_DATA_HEAD, n);
    return body - AJP_DATA_HEAD;
}

uint8_t *ajp_wrap_chunk(uint8_t *body, uint16_t n)
{
    ajp_chunk_head(body - AJP_CHUNK_HEAD, n);
    body[n] = 0;
    return body - AJP_CHUNK_HEAD;
}

static ajp_iov iov_of(const void *base, size_t len)
{
    union {
        const void *in;
        void *out;
    } cast = {base}; /* writev's iovec has no const, and writes nothing */
    ajp_iov v;
    v.base = cast.out;
    v.len = len;
    return v;
}

int ajp_data_iov(ajp_iov iov[2], uint8_t head[AJP_DATA_HEAD], const void *body, uint16_t n)
{
    iov[0] = iov_of(head, ajp_data_head(head, n));
    iov[1] = iov_of(body, n);
    return n > 0 ? 2 : 1;
}

int ajp_chunk_iov(ajp_iov iov[3], uint8_t head[AJP_CHUNK_HEAD], const void *body, uint16_t n)
{
    iov[0] = iov_of(head, ajp_chunk_head(head, n));
    if (n == 0) {
        iov[1] = iov_of(&pad, 1);
        return 2;
    }
    iov[1] = iov_of(body, n);
    iov[2] = iov_of(&pad, 1);
    return 3;
}
