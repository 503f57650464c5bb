/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of fixed size. */
#include "mem.h"
#include "number.h"
#include <ajp/encode.h>

static size_t put_packet(uint8_t *out, uint16_t magic, const uint8_t *payload, size_t n)
{
    put16(out, magic);
    put16(out + 2, n);
    memcpy(out + AJP_HEADER_SIZE, payload, n);
    return AJP_HEADER_SIZE + n;
}

static size_t to_container(uint8_t *out, const uint8_t *payload, size_t n)
{
    return put_packet(out, 0x1234, payload, n);
}

static size_t to_server(uint8_t *out, const uint8_t *payload, size_t n)
{
    return put_packet(out, 0x4142, payload, n);
}

size_t ajp_make_cping(uint8_t *out)
{
    const uint8_t payload[] = {AJP_CPING};
    return to_container(out, payload, sizeof payload);
}

size_t ajp_make_cpong(uint8_t *out)
{
    const uint8_t payload[] = {AJP_CPONG};
    return to_server(out, payload, sizeof payload);
}

size_t ajp_make_end(uint8_t *out, bool reuse)
{
    const uint8_t payload[] = {AJP_END_RESPONSE, reuse};
    return to_server(out, payload, sizeof payload);
}

size_t ajp_make_get_body(uint8_t *out, uint16_t wanted)
{
    const uint8_t payload[] = {AJP_GET_BODY, (uint8_t)(wanted >> 8), (uint8_t)wanted};
    return to_server(out, payload, sizeof payload);
}

size_t ajp_make_body_end(uint8_t *out)
{
    const uint8_t payload[] = {0, 0}; /* the long form, which every container takes */
    return to_container(out, payload, sizeof payload);
}

size_t ajp_make_flush(uint8_t *out)
{
    const uint8_t payload[] = {AJP_BODY_CHUNK, 0, 0, 0};
    return to_server(out, payload, sizeof payload);
}
