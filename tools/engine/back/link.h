/* SPDX-License-Identifier: Apache-2.0 */
/* One pooled connection to a worker. */
#ifndef ENGINE_BACK_LINK_H
#define ENGINE_BACK_LINK_H

#include "balance/address.h"
#include "base/rare.h"
#include "core/exchange.h"
#include "net/out.h"

enum link_state {
    LINK_CONNECTING,
    LINK_PINGING, /* CPing sent, waiting for the CPong; without x: to one sent within a request */
    LINK_SENDING, /* the kernel has not taken all of the Forward Request */
    LINK_WAITING, /* the request is out: reply and body go their ways */
    LINK_LEFT,    /* its client is gone: the rest of the reply is thrown away (leftover.c) */
    LINK_IDLE,    /* in the pool */
    LINK_CLOSED
};

struct link {
    struct stream stream;
    struct out out;
    struct ajp_session session;
    struct deadline deadline;
    struct list node; /* in shard.links */
    struct list pool; /* in pools.idle[worker] while LINK_IDLE */
    struct shard *shard;
    struct pools *pools;
    struct worker *worker;
    struct exchange *x; /* NULL: none at work */
    const void *client; /* what x->conn was, to be fetched ahead */
    struct buf *rest;   /* the beginning of a message whose end has not come */
    uint64_t idle_since;
    uint64_t asked_ms;  /* when a silent worker was, see silence.h */
    uint32_t patience;  /* ms without a byte of the reply until something is done */
    uint32_t carried;   /* requests so far */
    uint16_t data_left; /* bytes that the DATA packet begun still lacks */
    uint32_t waste;     /* LINK_LEFT: bytes that may still be thrown away */
    enum link_state state;
    bool reused;  /* has carried a request before this one */
    bool spoke;   /* some byte of the reply has come */
    bool asked;   /* and all that came asked for the request's body */
    bool taking;  /* bytes that came are being looked at further up the stack */
    bool opening; /* for no request: to keep the worker's min_idle */
    bool handed;  /* its capacity is another link's now */
    struct address_walk walk;
};

/* The most recently used idle link, out of the pool; NULL: none. */
struct link *link_take_idle(struct pools *p, const struct worker *w);
/* What we ran out of says nothing of a worker, at none of its addresses. */
bool link_own_lack(int error);
/* A link that has begun to connect; NULL with errno set. The caller has taken its capacity,
 * which goes back with the link. */
struct link *link_new(struct shard *sh, struct pools *p, struct worker *w,
                      void (*on_event)(struct stream *s, bool readable, bool writable),
                      void (*on_deadline)(struct deadline *d));
/* In place of l, which could not connect and is closed, a link that tries the worker's next
 * address, for the same request or none. NULL: there is no other address, and l is as it was. */
struct link *link_elsewhere(struct link *l);
/* It stands, handshake and all: the caller gives it another state. */
void link_connected(struct link *l);
/* Into the pool; the session is idle and nothing waits to be read. */
void link_put_idle(struct link *l);
/* Its reply is whole: into the pool, or closed. reuse: both ends would go on; rest: bytes that came
 * behind the reply, of which there must be none (K1). */
void link_done(struct link *l, bool reuse, size_t rest);
/* It is, but for a CPong that is owed: kept until that has come. False: closed. */
RARE bool link_await_pong(struct link *l, bool reuse);
/* No byte of its request has been sent after all: into the pool. */
void link_unused(struct link *l);
/* It was idle for as long as an idle link is kept: close it, unless the worker's min_idle says no.
 */
void link_expired(struct link *l);
/* Keep in[0..len), the beginning of a message, until the rest of it comes. */
bool link_keep_rest(struct link *l, const uint8_t *in, size_t len);
/* The other way round: no reply may ever find bytes of the one before it. */
size_t link_take_rest(struct link *l, uint8_t *to);

/* Close and, later, free. l->x must be NULL already. */
void link_close(struct link *l, bool reset);

#endif
