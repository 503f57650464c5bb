/* SPDX-License-Identifier: Apache-2.0 */
/* The one get and put pair for integers on the wire, and decimal text. */
#ifndef AJP_NUMBER_H
#define AJP_NUMBER_H
#include <ajp/base.h>

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get64(const uint8_t *p) /* in one sum: compilers make it one load */
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | p[7];
}

static inline void put16(uint8_t *p, size_t n)
{
    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
}

static inline bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The number that the last n of the 8 bytes before end spell, n from 1 to 8, or -1:
 * digits are summed up in pairs, fours and eights. */
static inline int64_t decimal_of_few(const uint8_t *end, size_t n)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t kept = UINT64_MAX >> (64 - 8 * n);
    uint64_t v = (get64(end - 8) & kept) - ('0' * ones & kept);
    if ((v | (v + 0x76 * ones)) & 0x80 * ones) { /* a digit is at most 9 = 0x7f - 0x76 */
        return -1;
    }
    v = (v & 0x00ff00ff00ff00ffu) + 10 * (v >> 8 & 0x00ff00ff00ff00ffu);
    v = (v & 0x0000ffff0000ffffu) + 100 * (v >> 16 & 0x0000ffff0000ffffu);
    return (int64_t)((v & 0xffffffffu) + 10000 * (v >> 32));
}

/* A Content-Length: digits only, at least one, at most 2^63-1; else -1. */
static inline int64_t decimal_of(const uint8_t *p, size_t n)
{
    const uint64_t most = INT64_MAX;
    uint64_t v = 0;
    if (n == 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        const unsigned digit = (unsigned)p[i] - '0';
        if (digit > 9) {
            return -1;
        }
        if (i >= 18 && (v > most / 10 || v * 10 > most - digit)) { /* 18 digits always fit */
            return -1;
        }
        v = v * 10 + digit;
    }
    return (int64_t)v;
}

#endif
