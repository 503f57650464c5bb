/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes: controls that no text may hold, and the token of HTTP names. */
#ifndef AJP_TEXT_H
#define AJP_TEXT_H
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

/* True when p[0..n) are bytes of a token. */
bool ajp_in_token_is(const uint8_t *p, size_t n);

/* The same by the plain loop and by blocks of 16, on machines that have them. */
size_t ajp_in_text_controls_plain(const uint8_t *p, size_t n);
size_t ajp_in_text_controls_narrow(const uint8_t *p, size_t n);

#endif
