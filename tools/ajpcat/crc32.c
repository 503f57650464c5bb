/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32: long runs by carry-less multiplication where the processor has it (after Gopal et al.,
 * "Fast CRC Computation for Generic Polynomials", Intel 2009), the rest eight bytes a step. */
#include "crc32.h"

#include <pthread.h>
#include <stdbool.h>

static uint32_t tables[8][256];
static bool has_clmul;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = (c & 1) ? 0xedb88320u ^ (c >> 1) : c >> 1;
        tables[0][i] = c;
    }
    for (int t = 1; t < 8; t++) {
        for (uint32_t i = 0; i < 256; i++)
            tables[t][i] = tables[0][tables[t - 1][i] & 0xff] ^ (tables[t - 1][i] >> 8);
    }
#ifdef __x86_64__
    has_clmul = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
}

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("pclmul,sse4.1"))) static __m128i fold(__m128i x, __m128i by, __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

__attribute__((target("pclmul,sse4.1"))) static __m128i load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* 128 bits down to 32, by Barrett's reduction. */
__attribute__((target("pclmul,sse4.1"))) static uint32_t reduce(__m128i x, __m128i by16)
{
    const __m128i mask = _mm_setr_epi32(~0, 0, ~0, 0);
    const __m128i by8 = _mm_set_epi64x(0, 0x0163cd6124);
    const __m128i poly = _mm_set_epi64x(0x01f7011641, 0x01db710641);
    x = _mm_xor_si128(_mm_srli_si128(x, 8), _mm_clmulepi64_si128(x, by16, 0x10));
    __m128i rest = _mm_srli_si128(x, 4);
    x = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(x, mask), by8, 0x00), rest);
    __m128i q = _mm_clmulepi64_si128(_mm_and_si128(x, mask), poly, 0x10);
    q = _mm_clmulepi64_si128(_mm_and_si128(q, mask), poly, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(x, q), 1);
}

/* len is at least 64 and a multiple of 16. */
__attribute__((target("pclmul,sse4.1"))) static uint32_t by_clmul(uint32_t crc, const uint8_t *p,
                                                                  size_t len)
{
    const __m128i by64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
    const __m128i by16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
    __m128i a = _mm_xor_si128(load(p), _mm_cvtsi32_si128((int)crc));
    __m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
    for (p += 64, len -= 64; len >= 64; p += 64, len -= 64) {
        a = fold(a, by64, load(p));
        b = fold(b, by64, load(p + 16));
        c = fold(c, by64, load(p + 32));
        d = fold(d, by64, load(p + 48));
    }
    a = fold(fold(fold(a, by16, b), by16, c), by16, d);
    for (; len >= 16; p += 16, len -= 16)
        a = fold(a, by16, load(p));
    return reduce(a, by16);
}
#else
static uint32_t by_clmul(uint32_t crc, const uint8_t *p, size_t len)
{
    (void)p;
    (void)len;
    return crc;
}
#endif

static uint32_t by_table(uint32_t crc, const uint8_t *p, size_t len)
{
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                              (uint32_t)p[3] << 24);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^
              tables[0][p[7]];
    }
    for (; len > 0; len--, p++)
        crc = tables[0][(crc ^ *p) & 0xff] ^ (crc >> 8);
    return crc;
}

uint32_t crc32_add(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    pthread_once(&once, prepare);
    crc = ~crc;
    if (has_clmul && len >= 64) {
        size_t run = len & ~(size_t)15;
        crc = by_clmul(crc, p, run);
        p += run;
        len -= run;
    }
    return ~by_table(crc, p, len);
}
