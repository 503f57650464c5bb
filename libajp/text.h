/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes: controls that no text may hold, and the token of HTTP names. */
#ifndef AJP_TEXT_H
#define AJP_TEXT_H
#include <ajp/base.h>

/* A control: below 0x20 but HTAB, or DEL. */
static inline uint32_t is_control(uint8_t c)
{
    return (uint32_t)((c < 0x20 && c != '\t') || c == 0x7f);
}

/* How many controls p[0..n) holds. */
size_t text_controls(const uint8_t *p, size_t n);

/* Index of the first control in p[0..n), or n. */
size_t text_scan(const uint8_t *p, size_t n);

/* Index of the first byte of p[0..n) that no token may hold, or n. */
size_t token_scan(const uint8_t *p, size_t n);

/* The plain loops, for machines without SSE2 or NEON and for tests. */
size_t text_controls_plain(const uint8_t *p, size_t n);

#endif
