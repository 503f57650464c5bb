/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's inner half: phases, and checked puts of strings. */
#ifndef AJP_WRITER_PRIVATE_H
#define AJP_WRITER_PRIVATE_H
#include "compiler.h"
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

/* The copies below judge what passes through them: most strings are short, and most of
 * memcpy's cost would be the call. */

/* Copies n bytes, from 1 to 15, and returns them all, some of them twice. */
static inline lanes copy_short(uint8_t *to, const char *from, size_t n)
{
    if (n >= 8) {
        const lanes v = lanes_halves(from, from + n - 8);
        lanes_put_halves(to, to + n - 8, v);
        return v;
    }
    if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + n - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + n - 4, &last, 4);
        return lanes_twice(first | (uint64_t)last << 32);
    }
    const uint8_t first = (uint8_t)from[0], mid = (uint8_t)from[n / 2], last = (uint8_t)from[n - 1];
    to[0] = first;
    to[n / 2] = mid;
    to[n - 1] = last;
    const uint64_t three = first | (unsigned)mid << 8 | (uint32_t)last << 16;
    return lanes_twice(three | three << 24 | three << 48);
}

/* Copies n bytes; 0 when all are printable ASCII. */
static inline unsigned copy_text(uint8_t *to, const char *from, size_t n)
{
    if (n < LANES) {
        return n == 0 ? 0 : odd_heights(text_height(copy_short(to, from, n)));
    }
    const size_t last = n - LANES;
    const lanes front = lanes_at(from), back = lanes_at(from + last);
    lanes height = lanes_max(text_height(front), text_height(back));
    lanes_put(to, front);
    lanes_put(to + last, back);
    for (size_t i = LANES; i < last; i += LANES) {
        const lanes v = lanes_at(from + i);
        lanes_put(to + i, v);
        height = lanes_max(height, text_height(v));
    }
    return odd_heights(height);
}

/* Copies a name of n bytes, from 1; 0 when it is one of letters and dashes, and copied.
 * Others, and those longer than NAME_QUICK, want a scan. */
static inline unsigned copy_name(uint8_t *to, const char *from, size_t n)
{
    if (n < LANES) {
        return odd_in_name(copy_short(to, from, n));
    }
    if (n > NAME_QUICK) {
        return 1;
    }
    const lanes front = lanes_at(from), back = lanes_at(from + n - LANES);
    lanes_put(to, front);
    lanes_put(to + n - LANES, back);
    return odd_in_name(front) | odd_in_name(back);
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

static inline uint8_t *place_nullable(uint8_t *p, ajp_str s, unsigned *odd)
{
    if (s.ptr != NULL) {
        return place_text(p, s, odd);
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

/* Fails the writer if text that copy_text found odd holds a control. */
void ajp_in_check_odd(ajp_writer *w, ajp_str text);

/* Closes the header block, and writes the stored method when there is one. */
void ajp_in_begin_attrs(ajp_writer *w);

/* The stored method, in whatever place. */
void ajp_in_put_stored_method(ajp_writer *w, ajp_str method);

#endif
