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

/* Copies n bytes and returns bits that are 0 when all are printable ASCII. Most
 * strings are short: most of memcpy's cost would be the call. */
static inline unsigned copy_text(uint8_t *to, const char *from, size_t n)
{
    if (n >= LANES) {
        const size_t last = n - LANES;
        lanes v = lanes_at(from + last), height = text_height(v);
        lanes_put(to + last, v);
        for (size_t i = 0; i < last; i += LANES) {
            v = lanes_at(from + i);
            lanes_put(to + i, v);
            height = lanes_max(height, text_height(v));
        }
        return odd_heights(height);
    }
    if (n == 0) {
        return 0;
    }
    if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        to[0] = (uint8_t)from[0];
        to[n / 2] = (uint8_t)from[n / 2];
        to[n - 1] = (uint8_t)from[n - 1];
    }
    return odd_heights(text_height(lanes_short(from, n)));
}

/* A string where there is room for it; returns the place behind it, and adds to
 * *odd what copy_text says. */
static inline uint8_t *place_text(uint8_t *p, ajp_str s, unsigned *odd)
{
    put16(p, s.len);
    *odd |= copy_text(p + 2, s.ptr, s.len);
    p[2 + s.len] = 0;
    return p + 3 + s.len;
}

/* A string that is known to be text. */
static inline uint8_t *place_name(uint8_t *p, ajp_str s)
{
    unsigned odd = 0;
    return place_text(p, s, &odd);
}

static inline uint8_t *place_nullable(uint8_t *p, ajp_str s, unsigned *odd)
{
    if (s.ptr != NULL) {
        return place_text(p, s, odd);
    }
    put16(p, 0xffff);
    return p + 2;
}

/* True when head and a string fit at p, which is at or behind the writer's place. */
static inline bool place_fits(ajp_writer *w, const uint8_t *p, size_t head, size_t string)
{
    if (string < 2u * AJP_PACKET_MAX && head + string <= (size_t)(w->end - p)) {
        return true;
    }
    ajp_in_writer_fail(w, AJP_ERR_SPACE);
    return false;
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

/* Fails the writer if text that copy_text found odd holds a control. */
void ajp_in_check_odd(ajp_writer *w, ajp_str text);

/* Closes the header block, and writes the stored method when there is one. */
void ajp_in_begin_attrs(ajp_writer *w);

/* The stored method, in whatever place. */
void ajp_in_put_stored_method(ajp_writer *w, ajp_str method);

#endif
