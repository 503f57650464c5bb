/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted rendezvous hashing: the cost is -log2(u) / weight of a hash u in (0, 1]. */
#include "balance/rendezvous.h"

enum { LOG_BITS = 24 }; /* of fraction */

static uint64_t mix(uint64_t x)
{
    /* The finaliser of SplitMix64. */
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* 64 - log2(x) as a fixed-point number, for x > 0. */
static uint64_t negative_log2(uint64_t x)
{
    unsigned top = 63 - (unsigned)__builtin_clzll(x);
    uint64_t mantissa = (x << (63 - top)) >> 32; /* in [2^31, 2^32): 1.0 to 2.0 */
    uint64_t log = (uint64_t)top << LOG_BITS;
    for (unsigned bit = LOG_BITS; bit-- > 0;) {
        mantissa = (mantissa * mantissa) >> 31;
        if (mantissa >> 32) {
            mantissa >>= 1;
            log |= (uint64_t)1 << bit;
        }
    }
    return ((uint64_t)64 << LOG_BITS) - log;
}

uint64_t rendezvous_hash(ajp_str text)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 0x100000001b3u;
    return mix(hash);
}

uint64_t rendezvous_cost(uint64_t key_hash, uint64_t worker_hash, uint32_t weight)
{
    uint64_t u = mix(key_hash ^ worker_hash);
    /* Scaled so that dividing by a weight of up to 1000 keeps its digits. */
    return (negative_log2(u ? u : 1) << 20) / (weight ? weight : 1);
}
