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

/* The highest of n bytes' heights, n at least 16. */
static inline lanes highest(const uint8_t *p, size_t n)
{
    const uint8_t *last = p + n - LANES;
    lanes height = text_height(lanes_at(last));
    for (; p < last; p += LANES) {
        height = lanes_max(height, text_height(lanes_at(p)));
    }
    return height;
}

/* True when p[0..n), n from 1, inside [from, end) is printable ASCII; else it wants a
 * scan. Bytes around a short string are read too, and their bits shifted out. */
static inline bool text_is_usual(const uint8_t *p, size_t n, const uint8_t *from,
                                 const uint8_t *end)
{
    if (n >= LANES) {
        return odd_heights(highest(p, n)) == 0;
    }
    const size_t left = (size_t)(end - p);
    if (left >= LANES) {
        return odd_heights(text_height(lanes_at(p))) << (32 - n) == 0;
    }
    if ((size_t)(end - from) < LANES) {
        return false;
    }
    return odd_heights(text_height(lanes_at(end - LANES))) >> (LANES - left) << (32 - n) == 0;
}

/* True when p[0..n), n from 1 to NAME_QUICK, are letters and dashes, as nearly all
 * names are; else they want a scan. LANES bytes may be read even when n is less. */
enum { NAME_QUICK = 2 * LANES };
static inline bool name_is_quick(const uint8_t *p, size_t n)
{
    const unsigned odd = odd_in_name(lanes_at(p));
    return n <= LANES ? odd << (32 - n) == 0 : (odd | odd_in_name(lanes_at(p + n - LANES))) == 0;
}

/* The bytes p[0..n), n from 1 to 15, some of them twice: nothing beside them is read. */
static inline lanes lanes_short(const char *p, size_t n)
{
    uint64_t low, high;
    if (n >= 8) {
        memcpy(&low, p, 8);
        memcpy(&high, p + n - 8, 8);
    } else if (n >= 4) {
        uint32_t first, last;
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
        low = high = first | (uint64_t)last << 32;
    } else {
        const uint64_t three =
            (uint8_t)p[0] | (uint8_t)p[n / 2] << 8 | (uint32_t)(uint8_t)p[n - 1] << 16;
        low = high = three | three << 24 | three << 48;
    }
    return lanes_of(low, high);
}

/* True when p[0..n) are bytes of a token, n at least 1. */
static inline bool token_is(const char *p, size_t n)
{
    const unsigned odd = n < LANES
                             ? odd_in_name(lanes_short(p, n))
                             : odd_in_name(lanes_at(p)) | odd_in_name(lanes_at(p + n - LANES));
    return (odd == 0 && n <= (size_t)2 * LANES) || ajp_in_token_scan((const uint8_t *)p, n) == n;
}

#endif
