/* SPDX-License-Identifier: Apache-2.0 */
/* TCP streams put together from segments: reordering, retransmission, overlap, sequence wrap,
 * connections already open, and bytes that the capture never saw. */
#ifndef AJPCAT_TCP_H
#define AJPCAT_TCP_H

#include "dissect.h"

struct held; /* a segment that waits for earlier bytes */

struct tcp_half {
    uint32_t next;   /* sequence number of the next byte to deliver */
    uint32_t acked;  /* highest number that the other side has acknowledged */
    uint64_t offset; /* bytes delivered, lost ones included */
    bool known, ack_known, fin;
    bool seen; /* a segment of it, so that next is not just what the other side acknowledged */
};

/* What came first to end it: a FIN or a reset. */
struct tcp_ending {
    enum { TCP_OPEN, TCP_CLOSED, TCP_RESET } how;
    int side; /* whose */
    uint64_t frame, time_ns;
};

struct tcp_flow {
    struct peer ends[2]; /* ends[0] sent the first packet seen */
    struct tcp_half half[2];
    uint64_t number; /* among the file's connections, from 0 */
    bool from_syn;   /* the capture has its beginning */
    bool closed;
    struct tcp_ending ending;
    bool forgotten; /* its ports were used again, or there were too many: how it ended is not known
                     */
    unsigned syns;  /* that asked for it, seen before anything else */
    bool accepted;  /* ends[1] has answered with more than a reset */
    uint64_t first_frame, first_ns;
    uint32_t first_seq;
    struct held *held, **held_end;
    size_t held_bytes;
    unsigned held_count, held_for; /* packets of this flow since the hole was seen */
    void *user;                    /* the sink's */
    struct tcp_flow *chain;        /* same hash */
    struct tcp_flow *older, *newer;
    struct tcp_flow *prev_holding, *next_holding; /* flows with held segments */
    bool holding;
    struct tcp_flow *next_reset; /* flows that a reset ended, first the one of the oldest reset */
    uint64_t reset_frame;        /* 0: none */
};

/* What to do with the streams. side: who sent the bytes, 0 or 1 of flow->ends. */
struct tcp_sink {
    void *user;
    void (*data)(void *user, struct tcp_flow *flow, int side, const uint8_t *bytes, size_t len,
                 const struct segment *from);
    void (*gap)(void *user, struct tcp_flow *flow, int side, uint64_t len,
                const struct segment *at);
    /* No more will come; flow->user is not used again. */
    void (*closed)(void *user, struct tcp_flow *flow);
};

struct tcp_table;

struct tcp_table *tcp_table_new(const struct tcp_sink *sink);
void tcp_table_add(struct tcp_table *t, const struct segment *s);
/* Frame number of the oldest segment that waits, or of the SYN of the oldest connection whose reset
 * does; UINT64_MAX when none does. */
uint64_t tcp_table_oldest_held(const struct tcp_table *t);
/* Nothing comes for a while: what was reset is closed. */
void tcp_table_idle(struct tcp_table *t);
/* Delivers what can be delivered, closes every flow. */
void tcp_table_free(struct tcp_table *t);

#endif
