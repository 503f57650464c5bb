/* SPDX-License-Identifier: Apache-2.0 */
/* Text scans: the one file with SIMD in it, each loop beside its plain twin. */
#include "text.h"

#if defined(AJP_NO_SIMD)
#elif defined(__SSE2__)
#include <emmintrin.h>
#define BLOCK 16
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define WIDE 32
#endif
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define BLOCK 16
#endif

const uint8_t ajp_in_control_table[256] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, /* HTAB is text */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, [0x7f] = 1,
};

/* One bit a byte value: letters, digits and !#$%&'*+-.^_`|~ */
static const uint32_t token_set[8] = {0x00000000u, 0x03ff6cfau, 0xc7fffffeu, 0x57ffffffu};

size_t ajp_in_text_controls_plain(const uint8_t *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += ajp_in_control_table[p[i]];
    }
    return count;
}

#if defined(BLOCK)

/* Loaded at n, the mask of the last n of 16 lanes. */
static const uint8_t last_lanes[32] = {[16] = 255, 255, 255, 255, 255, 255, 255, 255,
                                       255,        255, 255, 255, 255, 255, 255, 255};

#if defined(__SSE2__)

typedef __m128i lanes;

static inline lanes lanes_at(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline lanes lanes_and(lanes a, lanes b)
{
    return _mm_and_si128(a, b);
}

/* 0xff in each byte that is a control. */
static inline lanes controls_of(lanes v)
{
    const lanes low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    const lanes tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    const lanes del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f));
    return _mm_or_si128(_mm_andnot_si128(tab, low), del);
}

/* The bytes of 0xff that sum holds, each a -1. */
static inline lanes lanes_sub(lanes sum, lanes hits)
{
    return _mm_sub_epi8(sum, hits);
}

static inline size_t lanes_total(lanes sum)
{
    const lanes halves = _mm_sad_epu8(sum, _mm_setzero_si128());
    return (size_t)(uint32_t)_mm_cvtsi128_si32(halves) + (size_t)_mm_extract_epi16(halves, 4);
}

static inline lanes lanes_none(void)
{
    return _mm_setzero_si128();
}

#else

typedef uint8x16_t lanes;

static inline lanes lanes_at(const uint8_t *p)
{
    return vld1q_u8(p);
}

static inline lanes lanes_and(lanes a, lanes b)
{
    return vandq_u8(a, b);
}

static inline lanes controls_of(lanes v)
{
    const lanes low = vcltq_u8(v, vdupq_n_u8(0x20));
    const lanes tab = vceqq_u8(v, vdupq_n_u8('\t'));
    const lanes del = vceqq_u8(v, vdupq_n_u8(0x7f));
    return vorrq_u8(vbicq_u8(low, tab), del);
}

static inline lanes lanes_sub(lanes sum, lanes hits)
{
    return vsubq_u8(sum, hits);
}

static inline size_t lanes_total(lanes sum)
{
    return vaddlvq_u8(sum);
}

static inline lanes lanes_none(void)
{
    return vdupq_n_u8(0);
}

#endif

/* At most 255 blocks: a lane counts no further. */
static size_t count_run(const uint8_t *p, size_t blocks)
{
    lanes sum = lanes_none(), other = lanes_none();
    for (; blocks >= 4; blocks -= 4, p += (size_t)4 * BLOCK) { /* a fifth less per block */
        sum = lanes_sub(sum, controls_of(lanes_at(p)));
        other = lanes_sub(other, controls_of(lanes_at(p + BLOCK)));
        sum = lanes_sub(sum, controls_of(lanes_at(p + (size_t)2 * BLOCK)));
        other = lanes_sub(other, controls_of(lanes_at(p + (size_t)3 * BLOCK)));
    }
    for (; blocks > 0; blocks--, p += BLOCK) {
        sum = lanes_sub(sum, controls_of(lanes_at(p)));
    }
    return lanes_total(sum) + lanes_total(other);
}

size_t ajp_in_text_controls_narrow(const uint8_t *p, size_t n)
{
    const size_t rest = n % BLOCK;
    size_t blocks = n / BLOCK, count = 0;
    if (blocks == 0) {
        return ajp_in_text_controls_plain(p, n);
    }
    for (; blocks > 255; blocks -= 255, p += (size_t)255 * BLOCK) {
        count += count_run(p, 255);
    }
    count += count_run(p, blocks);
    /* the rest, as lanes of a block that ends with it */
    const lanes last = controls_of(lanes_at(p + blocks * BLOCK + rest - BLOCK));
    return count +
           lanes_total(lanes_sub(lanes_none(), lanes_and(last, lanes_at(last_lanes + rest))));
}

#if defined(WIDE)

/* The same with AVX2, for processors that have it: half the time of a packet's scan,
 * which is a quarter of its decoding. At most 255 blocks. */
__attribute__((target("avx2"))) static size_t count_wide_run(const uint8_t *p, size_t blocks)
{
    const __m256i most = _mm256_set1_epi8(0x1f), tab = _mm256_set1_epi8('\t');
    const __m256i del = _mm256_set1_epi8(0x7f), none = _mm256_setzero_si256();
    __m256i sum = none;
    for (; blocks > 0; blocks--, p += WIDE) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)p);
        const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, most), v);
        const __m256i text = _mm256_cmpeq_epi8(v, tab);
        const __m256i hits =
            _mm256_or_si256(_mm256_andnot_si256(text, low), _mm256_cmpeq_epi8(v, del));
        sum = _mm256_sub_epi8(sum, hits);
    }
    const __m256i quarters = _mm256_sad_epu8(sum, none);
    const __m128i halves =
        _mm_add_epi64(_mm256_castsi256_si128(quarters), _mm256_extracti128_si256(quarters, 1));
    return (size_t)(uint32_t)_mm_cvtsi128_si32(halves) + (size_t)_mm_extract_epi16(halves, 4);
}

size_t ajp_in_text_controls(const uint8_t *p, size_t n)
{
    size_t blocks = n / WIDE, count = 0;
    if (blocks < 4 || !__builtin_cpu_supports("avx2")) {
        return ajp_in_text_controls_narrow(p, n);
    }
    for (; blocks > 255; blocks -= 255, p += (size_t)255 * WIDE) {
        count += count_wide_run(p, 255);
    }
    return count + count_wide_run(p, blocks) +
           ajp_in_text_controls_narrow(p + blocks * WIDE, n % WIDE);
}

#else

size_t ajp_in_text_controls(const uint8_t *p, size_t n)
{
    return ajp_in_text_controls_narrow(p, n);
}

#endif

#else

size_t ajp_in_text_controls(const uint8_t *p, size_t n)
{
    return ajp_in_text_controls_plain(p, n);
}

size_t ajp_in_text_controls_narrow(const uint8_t *p, size_t n)
{
    return ajp_in_text_controls_plain(p, n);
}

#endif

size_t ajp_in_text_scan(const uint8_t *p, size_t n)
{
    size_t i = 0;
#if defined(BLOCK)
    while (n - i >= BLOCK && count_run(p + i, 1) == 0) {
        i += BLOCK;
    }
#endif
    while (i < n && ajp_in_control_table[p[i]] == 0) {
        i++;
    }
    return i;
}

size_t ajp_in_token_scan(const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && (token_set[p[i] >> 5] >> (p[i] & 31) & 1u) != 0) {
        i++;
    }
    return i;
}
