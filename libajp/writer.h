/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's inner half: phases, and checked puts of strings. */
#ifndef AJP_WRITER_PRIVATE_H
#define AJP_WRITER_PRIVATE_H
#include "mem.h"
#include "number.h"
#include "text.h"
#include <ajp/encode.h>

enum writer_phase {
    PHASE_EMPTY,
    PHASE_REQUEST_HEADERS,
    PHASE_RESPONSE_HEADERS,
    PHASE_ATTRS,
    PHASE_ATTRS_ONLY,
    PHASE_DONE,
};

static inline size_t writer_room(const ajp_writer *w)
{
    return (size_t)(w->end - w->p);
}

/* The first failure sticks. */
void ajp_in_writer_fail(ajp_writer *w, ajp_status st);

/* A copy of bytes that are mostly few: most of memcpy's cost is the call. */
static inline void copy_few(uint8_t *to, const char *from, size_t n)
{
    if (n > 64) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        for (size_t i = 0; i < n - 16; i += 16) {
            memcpy(to + i, from + i, 16);
        }
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else if (n > 0) {
        to[0] = (uint8_t)from[0];
        to[n / 2] = (uint8_t)from[n / 2];
        to[n - 1] = (uint8_t)from[n - 1];
    }
}

/* A string where there is room for it; returns the place behind it. */
static inline uint8_t *place_string(uint8_t *p, ajp_str s, uint32_t *controls)
{
    put16(p, s.len);
    copy_few(p + 2, s.ptr, s.len);
    p[2 + s.len] = 0;
    *controls += string_framing(s.len);
    return p + 3 + s.len;
}

static inline uint8_t *place_nullable(uint8_t *p, ajp_str s, uint32_t *controls)
{
    if (s.ptr != NULL) {
        return place_string(p, s, controls);
    }
    put16(p, 0xffff);
    return p + 2;
}

/* True when head and the strings fit; a length may be anything. A writer that
 * has failed has no room. */
static inline bool writer_fits(ajp_writer *w, size_t head, size_t first, size_t second)
{
    if ((first | second) < 2u * AJP_PACKET_MAX && head + first + second <= writer_room(w)) {
        return true;
    }
    ajp_in_writer_fail(w, AJP_ERR_SPACE);
    return false;
}

/* Closes the header block, and writes the stored method when there is one. */
void ajp_in_begin_attrs(ajp_writer *w);

/* The stored method, in whatever place. */
void ajp_in_put_stored_method(ajp_writer *w, ajp_str method);

#endif
