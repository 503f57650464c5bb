/* SPDX-License-Identifier: Apache-2.0 */
/* Text scans: the one file with SIMD in it, each loop beside its plain twin. */
#include "text.h"

#if defined(AJP_NO_SIMD)
#elif defined(__SSE2__)
#include <emmintrin.h>
#define BLOCK 16
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define BLOCK 16
#endif

/* One bit a byte value: letters, digits and !#$%&'*+-.^_`|~ */
static const uint32_t token_set[8] = {0x00000000u, 0x03ff6cfau, 0xc7fffffeu, 0x57ffffffu};

size_t text_controls_plain(const uint8_t *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += is_control(p[i]);
    }
    return count;
}

#if defined(BLOCK) && defined(__SSE2__)

/* 0xff in each byte that is a control. */
static inline __m128i controls_of(__m128i v)
{
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
    return _mm_or_si128(_mm_andnot_si128(tab, low), del);
}

static size_t count_blocks(const uint8_t *p, size_t blocks)
{
    const __m128i zero = _mm_setzero_si128();
    __m128i sum = zero;
    while (blocks > 0) {
        /* a byte lane holds at most 255 */
        const size_t run = blocks < 255 ? blocks : 255;
        __m128i lanes = zero;
        for (size_t i = 0; i < run; i++) {
            lanes = _mm_sub_epi8(lanes, controls_of(_mm_loadu_si128((const __m128i *)p)));
            p += BLOCK;
        }
        sum = _mm_add_epi64(sum, _mm_sad_epu8(lanes, zero));
        blocks -= run;
    }
    sum = _mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum));
    return (size_t)(uint32_t)_mm_cvtsi128_si32(sum);
}

#elif defined(BLOCK)

static size_t count_blocks(const uint8_t *p, size_t blocks)
{
    size_t count = 0;
    for (size_t i = 0; i < blocks; i++, p += BLOCK) {
        const uint8x16_t v = vld1q_u8(p);
        const uint8x16_t low = vcltq_u8(v, vdupq_n_u8(0x20));
        const uint8x16_t tab = vceqq_u8(v, vdupq_n_u8('\t'));
        const uint8x16_t del = vceqq_u8(v, vdupq_n_u8(0x7f));
        const uint8x16_t hit = vorrq_u8(vbicq_u8(low, tab), del);
        count += vaddvq_u8(vshrq_n_u8(hit, 7));
    }
    return count;
}

#endif

size_t text_controls(const uint8_t *p, size_t n)
{
#if defined(BLOCK)
    const size_t whole = n / BLOCK;
    return count_blocks(p, whole) + text_controls_plain(p + whole * BLOCK, n % BLOCK);
#else
    return text_controls_plain(p, n);
#endif
}

size_t text_scan(const uint8_t *p, size_t n)
{
    size_t i = 0;
#if defined(BLOCK)
    while (n - i >= BLOCK && count_blocks(p + i, 1) == 0) {
        i += BLOCK;
    }
#endif
    while (i < n && !is_control(p[i])) {
        i++;
    }
    return i;
}

size_t token_scan(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && (token_set[p[i] >> 5] >> (p[i] & 31) & 1u) != 0) {
        i++;
    }
    return i;
}
