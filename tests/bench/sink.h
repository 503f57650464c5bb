/* SPDX-License-Identifier: Apache-2.0 */
/* What the sink's loop and its two protocols share. */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
enum { STEP_BAD = 1 << 30 };

/* Takes what it can of n bytes and says how much (0: more is needed first); may set out. */
typedef size_t step_fn(struct conn *c, const uint8_t *p, size_t n);

struct conn {
    int fd;
    bool blocked; /* out waits for room in the socket */
    bool taking;  /* AJP: the next packet is body */
    bool endless; /* AJP: the upload has no length; an empty packet ends it */
    step_fn *step;
    const uint8_t *out;
    size_t out_len;
    size_t body_left; /* of an upload */
    size_t skip;      /* AJP: of this body packet */
    uint8_t *carry;   /* an incomplete head */
    size_t carry_len;
    uint8_t ask[7]; /* AJP: GET_BODY */
    struct conn *next_dead;
};

extern size_t sink_packet_size;
step_fn sink_step_http, sink_step_ajp;

#endif
