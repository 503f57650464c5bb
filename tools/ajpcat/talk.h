/* SPDX-License-Identifier: Apache-2.0 */
/* One AJP connection in a capture: talk_frames.c cuts the two byte streams into packets (finding
 * AJP by its magic, and finding it again after a gap), talk.c, talk_client.c and talk_server.c pair
 * the packets into exchanges. */
#ifndef AJPCAT_TALK_H
#define AJPCAT_TALK_H

#include "exchange.h"
#include "strangers.h"
#include "tcp.h"

/* One AJP packet as it was seen. */
struct packet {
    bool from_client;
    const uint8_t *payload;
    size_t len;
    size_t intact;   /* payload bytes before the first that was not captured */
    uint64_t offset; /* of its head in its direction's stream */
    uint64_t first_frame, last_frame, first_ns, last_ns;
};

struct talk;

struct talk_watcher {
    struct ledger *ledger;
    struct body_need body;
    bool keep_heads;             /* keep the packets with headers */
    const uint64_t *now_ns;      /* time of the last frame, NULL: none is known */
    struct acquaintances *known; /* NULL: what comes should be AJP */
    void *user;
    /* Called for each packet that belongs to an exchange; m is NULL when it does not decode. */
    void (*message)(void *user, struct exchange *e, const struct packet *p, const ajp_message *m);
};

struct talk_half {
    struct text buf; /* the beginning of a packet that is not whole yet */
    uint64_t offset; /* stream offset of buf's first byte */
    uint64_t first_frame, first_ns;
    size_t damage; /* place of the first byte not captured in buf; SIZE_MAX: none */
    enum { HALF_NEW, HALF_SYNCED, HALF_SEEKING, HALF_IGNORED } state;
};

struct talk {
    const struct talk_watcher *watcher;
    const struct tcp_flow *flow;
    struct talk_half half[2];
    int client;   /* side that speaks as web server, -1: not known yet */
    bool lossy;   /* bytes were lost somewhere: be less strict */
    bool doubt;   /* ... and since then no whole request came, which shows whose turn it is */
    bool large;   /* the container has sent a packet of more than 8192 bytes */
    bool proxied; /* a PROXY head came, of which no exchange tells yet */
    struct exchange *stranger; /* stands for a connection without AJP */
    uint64_t requests, answers, cpings;
    struct exchange *first, *last;             /* requests that are not final */
    struct exchange *first_cping, *last_cping; /* CPings that are not answered */
};

struct talk *talk_new(const struct talk_watcher *w, const struct tcp_flow *flow);
void talk_data(struct talk *t, int side, const uint8_t *bytes, size_t len, const struct segment *s);
void talk_gap(struct talk *t, int side, uint64_t len, const struct segment *s);
void talk_free(struct talk *t);

/* From talk_frames.c to the others. */
void talk_packet(struct talk *t, const struct packet *p);
/* at: a packet without payload, for the place and time. */
void talk_lost(struct talk *t, const struct packet *at, uint64_t len);
void talk_noise(struct talk *t, const struct packet *at, const uint8_t *p, size_t len,
                bool other_magic);

/* Accepts all that can be understood. */
extern const ajp_limits talk_limits;

#endif
