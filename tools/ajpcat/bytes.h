/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a captured frame. Reads past its end give zeros, steps past it set short_of, so
 * that a dissector can look first and ask once. */
#ifndef AJPCAT_BYTES_H
#define AJPCAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *at;
    size_t len;
    size_t wire; /* length left on the wire, at least len */
    bool short_of;
};

static inline uint8_t get8(const struct bytes *b, size_t at)
{
    return at < b->len ? b->at[at] : 0;
}

static inline uint16_t get16(const struct bytes *b, size_t at)
{
    return (uint16_t)(get8(b, at) << 8 | get8(b, at + 1));
}

static inline uint32_t get32(const struct bytes *b, size_t at)
{
    return (uint32_t)get16(b, at) << 16 | get16(b, at + 2);
}

/* Little-endian. */
static inline uint16_t get16_le(const struct bytes *b, size_t at)
{
    return (uint16_t)(get8(b, at + 1) << 8 | get8(b, at));
}

static inline uint32_t get32_le(const struct bytes *b, size_t at)
{
    return (uint32_t)get16_le(b, at + 2) << 16 | get16_le(b, at);
}

static inline void skip(struct bytes *b, size_t n)
{
    if (n > b->len) {
        b->short_of = true;
        n = b->len;
    }
    b->at += n;
    b->len -= n;
    b->wire -= n;
}

/* No more than n bytes belong to it. */
static inline void limit(struct bytes *b, size_t n)
{
    if (n < b->wire)
        b->wire = n;
    if (n < b->len)
        b->len = n;
}

#endif
