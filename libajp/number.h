/* SPDX-License-Identifier: Apache-2.0 */
/* The one get and put pair for integers on the wire, and decimal text. */
#ifndef AJP_NUMBER_H
#define AJP_NUMBER_H
#include "mem.h"
#include <ajp/base.h>

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
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

/* Eight bytes, the first of them lowest. */
static inline uint64_t eight_of(const uint8_t *p)
{
    uint64_t v = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(&v, p, sizeof v);
#else
    for (int i = 0; i < 8; i++) {
        v |= (uint64_t)p[i] << 8 * i;
    }
#endif
    return v;
}

/* The number that the last n of the 8 bytes before end spell, n from 1 to 8, or -1:
 * digits are summed up in pairs, fours and eights. */
static inline int64_t decimal_of_few(const uint8_t *end, size_t n)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t kept = UINT64_MAX << (64 - 8 * n);
    uint64_t v = (eight_of(end - 8) ^ '0' * ones) & kept; /* a digit is now 0 to 9 */
    if (((v | (v + 0x76 * ones)) & 0x80 * ones) != 0) {   /* 0x76 + 9 is 0x7f */
        return -1;
    }
    v = v * 10 + (v >> 8);
    v = (v & 0x000000ff000000ffu) * 0x000f424000000064u +      /* 1000000, 100 */
        (v >> 16 & 0x000000ff000000ffu) * 0x0000271000000001u; /* 10000, 1 */
    return (int64_t)(v >> 32);
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
