/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes: controls that no text may hold, and the token of HTTP names. */
#ifndef AJP_TEXT_H
#define AJP_TEXT_H
#include "mem.h"
#include <ajp/base.h>

/* 1 for a control: below 0x20 but HTAB, or DEL. */
extern const uint8_t ajp_in_control_table[256];

/* Controls among the length word and the NUL of a string of n bytes: almost always
 * both bytes of a small number count, or all but the low one. */
static inline uint32_t string_framing(size_t n)
{
    uint32_t count = 2u + ajp_in_control_table[n & 0xff];
    if (n >= 0x900) { /* only then can the high byte be a tab, or no control */
        count = count - 1 + ajp_in_control_table[n >> 8];
    }
    return count;
}

/* How many controls p[0..n) holds. */
size_t ajp_in_text_controls(const uint8_t *p, size_t n);

/* Index of the first control in p[0..n), or n. */
size_t ajp_in_text_scan(const uint8_t *p, size_t n);

/* Index of the first byte of p[0..n) that no token may hold, or n. */
size_t ajp_in_token_scan(const uint8_t *p, size_t n);

/* The same by the plain loop and by blocks of 16, on machines that have them. */
size_t ajp_in_text_controls_plain(const uint8_t *p, size_t n);
size_t ajp_in_text_controls_narrow(const uint8_t *p, size_t n);

/* True when all eight bytes are letters or '-', which is what most names are made
 * of. Bit 7 of each byte tells; a byte that has it already is none. */
static inline bool word_is_usual(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x80 * ones;
    const uint64_t lower = word | 0x20 * ones;
    const uint64_t from_a = lower + (0x80 - 'a') * ones;
    const uint64_t past_z = lower + (0x80 - 'z' - 1) * ones;
    const uint64_t not_dash = (word ^ '-' * ones) + 0x7f * ones;
    const uint64_t usual = (from_a & ~past_z) | ~not_dash;
    return ((usual & ~word) & high) == high;
}

/* True when p[0..n) are bytes of a token. Inlined: the walk over a header block
 * keeps its registers. */
static inline bool token_is(const uint8_t *p, size_t n)
{
    uint64_t word, last;
    if (n >= 8) {
        size_t i = 0;
        memcpy(&last, p + n - 8, 8);
        bool usual = word_is_usual(last);
        for (; usual && i + 8 < n; i += 8) {
            memcpy(&word, p + i, 8);
            usual = word_is_usual(word);
        }
        if (usual) {
            return true;
        }
    } else if (n >= 4) {
        uint32_t half, rest;
        memcpy(&half, p, 4);
        memcpy(&rest, p + n - 4, 4);
        if (word_is_usual((uint64_t)half << 32 | rest)) {
            return true;
        }
    }
    return ajp_in_token_scan(p, n) == n;
}

#endif
