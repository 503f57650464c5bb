/* SPDX-License-Identifier: Apache-2.0 */
/* From a captured frame to its TCP segment, through whatever carries it: see layers.h. */
#ifndef AJPCAT_DISSECT_H
#define AJPCAT_DISSECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct peer {
    uint8_t address[16]; /* IPv4 in the first four */
    uint16_t port;
    uint8_t is_v6;
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct segment {
    struct peer from, to;
    uint32_t seq, ack;
    uint8_t flags;
    const uint8_t *data;
    size_t len;     /* captured */
    size_t missing; /* payload bytes that the snap length cut off */
    uint64_t time_ns;
    uint64_t frame; /* number in the file, from 1 */
};

/* Whether frames of this link type can be read. */
bool dissect_knows(int link_type);

struct dissector; /* keeps fragments, and counts what holds no TCP */
struct text;

struct dissector *dissector_new(void);
void dissector_free(struct dissector *d);

/* False: no TCP in there (or not to be found). Sets all of *out but time and frame; its data is
 * valid until the next call. wire_len is the length before the snap length cut. */
bool dissect(struct dissector *d, int link_type, const uint8_t *frame, size_t len, size_t wire_len,
             uint64_t time_ns, struct segment *out);

/* How many frames held none, and "3 of ARP, 1 of UDP"; nothing is dissected after that. */
uint64_t dissector_passed(const struct dissector *d);
void dissector_tell(struct dissector *d, struct text *out);

enum { PEER_TEXT = 64 };
void peer_format(const struct peer *p, char out[PEER_TEXT]);

/* For each packet of a capture, hence inline. */
static inline bool peer_equal(const struct peer *a, const struct peer *b)
{
    return a->port == b->port && a->is_v6 == b->is_v6 &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

#endif
