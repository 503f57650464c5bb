/* SPDX-License-Identifier: Apache-2.0 */
/* Find the first byte outside a class: 16 at a time where SSE2 is there, else by table.
 * In line, for they are most of the parser's time (tests/bench/h1_bench.c). */
#ifndef ENGINE_HTTP_H1_SCAN_H
#define ENGINE_HTTP_H1_SCAN_H

#include "http/h1_rules.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline const uint8_t *h1_scan_class(const uint8_t *p, const uint8_t *end, uint8_t bits)
{
    while (p < end && h1_class[*p] & bits)
        p++;
    return p;
}

#ifdef __SSE2__

static inline __m128i h1_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline __m128i h1_eq(__m128i v, char c)
{
    return _mm_cmpeq_epi8(v, _mm_set1_epi8(c));
}

/* Signed compares: bytes from 0x80 up count as negative, so they fail every "at least". */
static inline __m128i h1_within(__m128i v, char low, char high)
{
    return _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8((char)(low - 1))),
                         _mm_cmplt_epi8(v, _mm_set1_epi8((char)(high + 1))));
}

static inline unsigned h1_stops_value(__m128i v)
{
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);

    control = _mm_andnot_si128(h1_eq(v, '\t'), control);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, h1_eq(v, 0x7f)));
}

static inline unsigned h1_stops_name(__m128i v)
{
    __m128i letter = h1_within(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z');
    __m128i good = _mm_or_si128(_mm_or_si128(letter, h1_within(v, '0', '9')), h1_eq(v, '-'));

    return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}

static inline unsigned h1_stops_query(__m128i v)
{
    __m128i good = _mm_andnot_si128(h1_eq(v, '#'), h1_within(v, 0x21, 0x7e));

    return (unsigned)_mm_movemask_epi8(good) ^ 0xffff;
}

static inline unsigned h1_stops_path(__m128i v)
{
    __m128i thought = _mm_or_si128(_mm_or_si128(h1_eq(v, '%'), h1_eq(v, ';')),
                                   _mm_or_si128(h1_eq(v, '.'), h1_eq(v, '\\')));

    thought = _mm_or_si128(thought, _mm_or_si128(h1_eq(v, '#'), h1_eq(v, '?')));
    return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(thought, h1_within(v, 0x21, 0x7e))) ^
           0xffff;
}

static inline const uint8_t *h1_scan_wide(const uint8_t *p, const uint8_t *end, uint8_t bits,
                                          unsigned (*stops)(__m128i))
{
    while ((size_t)(end - p) >= 16) {
        unsigned at = stops(h1_load(p));
        if (at != 0)
            return p + __builtin_ctz(at);
        p += 16;
    }
    return h1_scan_class(p, end, bits);
}

static inline const uint8_t *h1_scan_value(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_wide(p, end, H1_VALUE, h1_stops_value);
}

static inline const uint8_t *h1_scan_name(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_wide(p, end, H1_NAME, h1_stops_name);
}

static inline const uint8_t *h1_scan_query(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_wide(p, end, H1_QUERY, h1_stops_query);
}

static inline const uint8_t *h1_scan_path(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_wide(p, end, H1_PATH, h1_stops_path);
}

#else

static inline const uint8_t *h1_scan_value(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_class(p, end, H1_VALUE);
}

static inline const uint8_t *h1_scan_name(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_class(p, end, H1_NAME);
}

static inline const uint8_t *h1_scan_query(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_class(p, end, H1_QUERY);
}

static inline const uint8_t *h1_scan_path(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_class(p, end, H1_PATH);
}

#endif

/* Most names hold nothing but letters, digits and '-'; the rest of the token is rare. */
static inline const uint8_t *h1_scan_token(const uint8_t *p, const uint8_t *end)
{
    return h1_scan_class(h1_scan_name(p, end), end, H1_TOKEN);
}

#endif
