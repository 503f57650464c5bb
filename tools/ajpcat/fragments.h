/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments of IP packets put together, in bounded memory: of the many that may be open, the one
 * that waits longest is given up. */
#ifndef AJPCAT_FRAGMENTS_H
#define AJPCAT_FRAGMENTS_H

#include "bytes.h"

struct fragment_key {
    uint8_t from[16], to[16]; /* IPv4 in the first four */
    uint32_t id;
    uint8_t protocol, is_v6; /* no padding: compared as bytes */
    uint8_t zero[2];
};

struct fragments;

struct fragments *fragments_new(void);
void fragments_free(struct fragments *f);

/* Adds bytes at an offset; more: others follow. True: *whole is the packet's content, valid until
 * fragments_release. */
bool fragments_add(struct fragments *f, const struct fragment_key *key, const struct bytes *part,
                   size_t offset, bool more, uint64_t time_ns, struct bytes *whole);
void fragments_release(struct fragments *f);

#endif
