/* SPDX-License-Identifier: Apache-2.0 */
/* The one get and put pair for integers on the wire, and decimal text. */
#ifndef AJP_NUMBER_H
#define AJP_NUMBER_H
#include <ajp/base.h>

static inline uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
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
