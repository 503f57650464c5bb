/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes: controls that no text may hold, and the token of HTTP names. Each
 * has two readings: a quick one of 16 bytes at once, inlined into the walks, that
 * says yes to nearly all that real peers send, and a careful one for the rest. */
#ifndef AJP_TEXT_H
#define AJP_TEXT_H
#include "lanes.h"
#include <ajp/base.h>

/* 1 for a control: below 0x20 but HTAB, or DEL. */
extern const uint8_t ajp_in_control_table[256];

/* Index of the first control in p[0..n), or n. */
size_t ajp_in_text_scan(const uint8_t *p, size_t n);

/* Index of the first byte of p[0..n) that no token may hold, or n. */
size_t ajp_in_token_scan(const uint8_t *p, size_t n);

/* How far a byte stands above the space, controls wrapped to the top. */
static inline lanes text_height(lanes v)
{
    return lanes_less(v, lanes_fill(' '));
}

/* Bits of what is not printable ASCII: DEL is the first height that is none. */
static inline unsigned odd_heights(lanes height)
{
    return lanes_bits(lanes_from(height, 0x7f - ' '));
}

/* Bits of what is neither a letter nor '-'. */
static inline unsigned odd_in_name(lanes v)
{
    const lanes letter = lanes_less(lanes_or(v, lanes_fill(0x20)), lanes_fill('a'));
    return lanes_bits(lanes_but(lanes_from(letter, 26), lanes_same(v, lanes_fill('-'))));
}

/* The first n of 16 bits, n up to 16. */
static inline unsigned first_bits(unsigned bits, size_t n)
{
    return bits & ((1u << n) - 1);
}

/* 0 when p[0..n) are printable ASCII. LANES bytes may be read even when n is less. */
static inline unsigned text_odd(const uint8_t *p, size_t n)
{
    lanes height = text_height(lanes_at(p));
    if (n <= LANES) {
        return first_bits(odd_heights(height), n);
    }
    const uint8_t *last = p + n - LANES;
    height = lanes_max(height, text_height(lanes_at(last)));
    for (p += LANES; p < last; p += LANES) {
        height = lanes_max(height, text_height(lanes_at(p)));
    }
    return odd_heights(height);
}

/* True when p[0..n) inside [from, end), of which nothing else may be read, are printable
 * ASCII; else they want a scan. */
static inline bool text_is_usual(const uint8_t *p, size_t n, const uint8_t *from,
                                 const uint8_t *end)
{
    const size_t left = (size_t)(end - p);
    if (left >= LANES) {
        return text_odd(p, n) == 0;
    }
    if ((size_t)(end - from) < LANES) {
        return false;
    }
    return first_bits(odd_heights(text_height(lanes_at(end - LANES))) >> (LANES - left), n) == 0;
}

/* 0 when p[0..n), n from 1 to NAME_QUICK, are letters and dashes, as nearly all names
 * are; else they want a scan. LANES bytes may be read even when n is less. */
enum { NAME_QUICK = 2 * LANES };
static inline unsigned name_odd(const uint8_t *p, size_t n)
{
    const unsigned odd = odd_in_name(lanes_at(p));
    return n <= LANES ? first_bits(odd, n) : odd | odd_in_name(lanes_at(p + n - LANES));
}

#endif
