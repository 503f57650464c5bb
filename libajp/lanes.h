/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen bytes at once: with SSE2, with NEON, and in plain C for the rest. Each
 * question is answered by 16 bits, bit i for byte i: until then by the highest bit of
 * each byte, whatever the others are. lanes_from asks what is at least least, up to 0x80. */
#ifndef AJP_LANES_H
#define AJP_LANES_H
#include "mem.h"
#include <stdint.h>

enum { LANES = 16 };

#if defined(__SSE2__) && !defined(AJP_NO_SIMD)
#include <emmintrin.h>

typedef __m128i lanes;

static inline lanes lanes_at(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline lanes lanes_halves(const void *low, const void *high)
{
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)low),
                              _mm_loadl_epi64((const __m128i *)high));
}

static inline lanes lanes_twice(uint64_t eight)
{
    return _mm_set1_epi64x((long long)eight);
}

static inline void lanes_put(void *to, lanes v)
{
    _mm_storeu_si128((__m128i *)to, v);
}

static inline void lanes_put_halves(void *low, void *high, lanes v)
{
    _mm_storel_epi64((__m128i *)low, v);
    _mm_storel_epi64((__m128i *)high, _mm_unpackhi_epi64(v, v));
}

static inline lanes lanes_fill(uint8_t byte)
{
    return _mm_set1_epi8((char)byte);
}

static inline lanes lanes_less(lanes a, lanes b)
{
    return _mm_sub_epi8(a, b);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return _mm_max_epu8(a, b);
}

static inline lanes lanes_or(lanes a, lanes b)
{
    return _mm_or_si128(a, b);
}

static inline lanes lanes_but(lanes a, lanes b) /* a without b */
{
    return _mm_andnot_si128(b, a);
}

static inline lanes lanes_same(lanes a, lanes b)
{
    return _mm_cmpeq_epi8(a, b);
}

static inline lanes lanes_from(lanes v, uint8_t least)
{
    return _mm_adds_epu8(v, _mm_set1_epi8((char)(0x80 - least))); /* what is less stays below */
}

static inline unsigned lanes_bits(lanes v)
{
    return (unsigned)_mm_movemask_epi8(v);
}

#elif defined(__AARCH64EL__) && defined(__ARM_NEON) && !defined(AJP_NO_SIMD)
#include <arm_neon.h>

typedef uint8x16_t lanes;

static inline lanes lanes_at(const void *p)
{
    return vld1q_u8((const uint8_t *)p);
}

static inline lanes lanes_halves(const void *low, const void *high)
{
    return vcombine_u8(vld1_u8((const uint8_t *)low), vld1_u8((const uint8_t *)high));
}

static inline lanes lanes_twice(uint64_t eight)
{
    return vreinterpretq_u8_u64(vdupq_n_u64(eight));
}

static inline void lanes_put(void *to, lanes v)
{
    vst1q_u8((uint8_t *)to, v);
}

static inline void lanes_put_halves(void *low, void *high, lanes v)
{
    vst1_u8((uint8_t *)low, vget_low_u8(v));
    vst1_u8((uint8_t *)high, vget_high_u8(v));
}

static inline lanes lanes_fill(uint8_t byte)
{
    return vdupq_n_u8(byte);
}

static inline lanes lanes_less(lanes a, lanes b)
{
    return vsubq_u8(a, b);
}

static inline lanes lanes_max(lanes a, lanes b)
{
    return vmaxq_u8(a, b);
}

static inline lanes lanes_or(lanes a, lanes b)
{
    return vorrq_u8(a, b);
}

static inline lanes lanes_but(lanes a, lanes b) /* a without b */
{
    return vbicq_u8(a, b);
}

static inline lanes lanes_same(lanes a, lanes b)
{
    return vceqq_u8(a, b);
}

static inline lanes lanes_from(lanes v, uint8_t least)
{
    return vcgeq_u8(v, vdupq_n_u8(least));
}

/* Each byte keeps the bit of its place; three rounds of sums bring them together. */
static inline unsigned lanes_bits(lanes v)
{
    const lanes place = lanes_twice(0x8040201008040201u);
    const lanes bits = vandq_u8(v, place);
    const lanes pairs = vpaddq_u8(bits, bits), fours = vpaddq_u8(pairs, pairs);
    return vgetq_lane_u16(vreinterpretq_u16_u8(vpaddq_u8(fours, fours)), 0);
}

#else

typedef struct lanes {
    uint8_t at[LANES];
} lanes;

static inline lanes lanes_at(const void *p)
{
    lanes v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline lanes lanes_halves(const void *low, const void *high)
{
    uint64_t both[2];
    memcpy(&both[0], low, sizeof both[0]);
    memcpy(&both[1], high, sizeof both[1]);
    return lanes_at(both);
}

static inline lanes lanes_twice(uint64_t eight)
{
    return lanes_halves(&eight, &eight);
}

static inline void lanes_put(void *to, lanes v)
{
    memcpy(to, v.at, sizeof v.at);
}

static inline void lanes_put_halves(void *low, void *high, lanes v)
{
    memcpy(low, v.at, LANES / 2);
    memcpy(high, v.at + LANES / 2, LANES / 2);
}

static inline lanes lanes_fill(uint8_t byte)
{
    lanes v;
    memset(&v, byte, sizeof v);
    return v;
}

static inline lanes lanes_less(lanes a, lanes b)
{
    for (int i = 0; i < LANES; i++) {
        a.at[i] = (uint8_t)(a.at[i] - b.at[i]);
    }
    return a;
}

static inline lanes lanes_max(lanes a, lanes b)
{
    for (int i = 0; i < LANES; i++) {
        a.at[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i];
    }
    return a;
}

static inline lanes lanes_or(lanes a, lanes b)
{
    for (int i = 0; i < LANES; i++) {
        a.at[i] |= b.at[i];
    }
    return a;
}

static inline lanes lanes_but(lanes a, lanes b) /* a without b */
{
    for (int i = 0; i < LANES; i++) {
        a.at[i] &= (uint8_t)~b.at[i];
    }
    return a;
}

static inline lanes lanes_same(lanes a, lanes b)
{
    for (int i = 0; i < LANES; i++) {
        a.at[i] = a.at[i] == b.at[i] ? 0xff : 0;
    }
    return a;
}

static inline lanes lanes_from(lanes v, uint8_t least)
{
    for (int i = 0; i < LANES; i++) {
        v.at[i] = v.at[i] >= least ? 0xff : 0;
    }
    return v;
}

static inline unsigned lanes_bits(lanes v)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < LANES; i++) {
        bits |= (unsigned)(v.at[i] >> 7) << i;
    }
    return bits;
}

#endif

#endif
