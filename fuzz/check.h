/* SPDX-License-Identifier: Apache-2.0 */
/* What every target shares: a check that ends the run, input in portions, and
 * the claim that a view lies inside the bytes it came from. */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H
#include <ajp/ajp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(claim) ((claim) ? (void)0 : fuzz_fail(#claim, __FILE__, __LINE__))

static inline void fuzz_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
    abort();
}

/* Input as a list of portions; an empty input gives zeros. */
struct portions {
    const uint8_t *p, *end;
};

static inline uint8_t take8(struct portions *in)
{
    return in->p < in->end ? *in->p++ : 0;
}

static inline uint16_t take16(struct portions *in)
{
    const unsigned high = take8(in);
    return (uint16_t)(high << 8 | take8(in));
}

/* Up to n bytes, fewer when there are fewer. */
static inline ajp_str take_bytes(struct portions *in, size_t n)
{
    const size_t left = (size_t)(in->end - in->p);
    const ajp_str s = ajp_str_of((const char *)in->p, n < left ? n : left);
    in->p += s.len;
    return s;
}

static inline void check_inside(ajp_str s, const uint8_t *bytes, size_t len)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    CHECK(s.len == 0 || (p >= bytes && s.len < len && p + s.len < bytes + len));
}

static inline bool same_str(ajp_str a, ajp_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Limits with the leniency that a number spells. */
static inline ajp_limits limits_of(uint16_t bits)
{
    ajp_limits lim = ajp_limits_default;
    lim.max_packet = AJP_PACKET_MAX;
    lim.lenient = bits & 0xfffu;
    return lim;
}

#endif
