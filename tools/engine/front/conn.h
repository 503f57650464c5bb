/* SPDX-License-Identifier: Apache-2.0 */
/* What the connections of all fronts have in common: bytes in, bytes out, one
 * exchange at a time, and the several ways to end. */
#ifndef ENGINE_FRONT_CONN_H
#define ENGINE_FRONT_CONN_H

#include "base/rare.h"
#include "core/exchange.h"
#include "net/out.h"

struct conn;

struct conn_ops {
    void (*readable)(struct conn *c);
    /* The peer has sent its last byte while x is open and nothing is read: what is not in rx yet
     * lies before that. */
    void (*ended)(struct conn *c);
    /* Between requests, and little waits to be sent: go on with what rx holds. */
    void (*resume)(struct conn *c);
    /* Its deadline was reached. */
    void (*late)(struct conn *c);
    void (*free)(struct conn *c);
};

struct conn {
    struct stream stream;
    struct out out;
    struct deadline deadline;
    struct list node;    /* in shard.conns */
    struct list stalled; /* in shard.stalled, or alone */
    const struct conn_ops *ops;
    struct shard *shard;
    struct door *door;
    struct buf *rx;     /* [0, kept) the head of x; [start, end) not looked at yet */
    struct exchange *x; /* NULL: between requests */
    uint32_t kept;
    bool busy;      /* its own loop is at work further up the stack */
    bool paused;    /* the worker is held back: too much waits in out */
    bool choked;    /* between requests, and nothing is read: too much waits in out */
    bool finishing; /* close once out is empty */
    bool lingering; /* then read on behind our FIN, so that the peer sees our last words */
    bool closed;
    uint32_t linger_left;  /* bytes that are still thrown away */
    uint64_t linger_until; /* ms */
    size_t unsent;         /* of our last words, when they were last looked at */
};

/* The worker waits for bytes of the request's body. */
static inline bool conn_wants(const struct conn *c)
{
    return c->x != NULL && c->x->wanted;
}

/* Those of the open exchange; between requests, those in force. */
static inline const struct settings *conn_settings(const struct conn *c)
{
    return c->x != NULL ? c->x->began->settings : c->shard->settings;
}

/* In the access log, as others have it: the client left before any reply. */
enum { CONN_CLIENT_LEFT = 499 };

/* What a connection that is to end waits for one more request. */
enum { CONN_MOMENT_MS = 1000 };

/* Take over fd. False: fd was closed. */
bool conn_open(struct conn *c, struct shard *sh, struct door *door, int fd,
               const struct conn_ops *ops);

/* Read once into rx, behind what it holds. As stream_recv; STREAM_AGAIN too when rx is full. */
long conn_fill(struct conn *c);
/* True when rx holds all that a block can. */
bool conn_full(const struct conn *c);
static inline size_t conn_unread(const struct conn *c)
{
    return c->rx != NULL ? buf_len(c->rx) : 0;
}
/* The exchange is over: forget its head, keep what came behind it. */
void conn_next(struct conn *c);
/* rx->start moved: reuse the room of what was looked at. */
void conn_consumed(struct conn *c);

/* The peer has sent its last byte, or has broken off; x is given back already. What it has not
 * read of a reply yet is still sent to the former. */
void conn_ended(struct conn *c, bool broken);

/* Bytes came while none were expected: stop watching, or find that the peer has ended. As
 * stream_recv, of which no byte is taken: 0 at the end, STREAM_FAILED when it broke off. */
long conn_peek(struct conn *c);
/* Read no more for now. The peer's end is still told, though bytes lie before it: by ops->ended,
 * perhaps before this returns. One that breaks off ends the connection. */
void conn_hold(struct conn *c);

/* Send what has gathered; hold the worker back when too much remains. False: broken. */
bool conn_settle(struct conn *c);

/* True between requests while what the peer has not read is too much: what it sends waits too, or
 * a peer that asks and never reads would fill our memory. */
bool conn_choke(struct conn *c);

/* Send what has gathered, then close; linger when the peer may still be sending. */
void conn_finish(struct conn *c, bool linger);
/* The open exchange, if any, ends here: the client is gone. */
RARE void conn_abandon(struct conn *c, const char *reason);
/* Likewise, but it was us who ended it. */
RARE void conn_cut(struct conn *c, const char *reason);
/* Close now. An exchange must have been abandoned or given back already. */
void conn_close(struct conn *c, bool reset);

static inline void conn_arm(struct conn *c, uint32_t ms)
{
    loop_deadline(&c->shard->loop, &c->deadline, ms);
}

/* The daemon or this connection's door is about to close: no request after this one. */
static inline bool conn_ending(const struct conn *c)
{
    return c->shard->draining || c->door->closing;
}

/* The address of the other end, or of ours, as text; port may be NULL. */
void conn_address(const struct conn *c, bool ours, char text[46], uint16_t *port);

#endif
