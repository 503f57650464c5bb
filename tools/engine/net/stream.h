/* SPDX-License-Identifier: Apache-2.0 */
/* One connection as bytes in and bytes out. Plain TCP is one table of functions;
 * TLS is a second one, and nobody above this file can tell. */
#ifndef ENGINE_NET_STREAM_H
#define ENGINE_NET_STREAM_H

#include "net/loop.h"
#include "net/tap.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct stream;
struct stream_tls;
struct tls_context;

/* Results below 0 of stream_recv, stream_peek and stream_send. */
enum { STREAM_AGAIN = -1, STREAM_FAILED = -2 };

enum { STREAM_READABLE = 1, STREAM_WRITABLE = 2 };

struct stream_io {
    /* Bytes received, 0 at the peer's end of stream, or STREAM_*. */
    long (*recv)(struct stream *s, void *to, size_t cap);
    /* Bytes taken, possibly fewer than given, or STREAM_*. */
    long (*send)(struct stream *s, const struct iovec *v, int n);
    long (*peek)(struct stream *s);
    void (*watch)(struct stream *s);              /* s->wanted has changed: stream_await */
    void (*ready)(struct stream *s, int sockets); /* these of what it awaits of the socket */
    int (*connect_error)(struct stream *s);
    void (*shutdown)(struct stream *s);
    void (*close)(struct stream *s, bool reset); /* the descriptor is still open */
};

struct stream {
    struct watch socket;
    struct again again; /* the socket has more than was taken; or it is closed */
    struct loop *loop;
    const struct stream_io *io;
    struct stream_tls *tls; /* NULL: plain */
    struct tap_flow *flow;  /* NULL: nobody has looked on */
    bool tapped;            /* AJP passes here: shown to who listens at the tap */
    void (*on_event)(struct stream *s, bool readable, bool writable);
    /* The peer has ended or broken off, and nothing is read that would tell. NULL: never mind. */
    void (*on_ended)(struct stream *s);
    void (*on_closed)(struct stream *s); /* the memory may go now */
    const char *why;                     /* the last failure in words; NULL: as error says */
    int fd;
    int error;       /* errno of the last failure */
    uint8_t wanted;  /* by the user: STREAM_READABLE | STREAM_WRITABLE */
    uint8_t awaited; /* of the socket, by the table */
    uint8_t ready;   /* what the socket can do, until a call finds that it could not do all */
    bool ended;      /* the end or an error comes after the bytes that can be read: no call
                        that finds few bytes has found the last */
    bool broken;     /* what comes after them is an error */
    bool closing;
};

/* Take over fd, a non-blocking connected or connecting socket. Nothing is watched
 * until stream_want. tls: NULL for plain TCP; else the first events come after the
 * handshake. 0 or a negative libuv error (fd is then still the caller's). */
int stream_open(struct stream *s, struct loop *l, int fd, struct tls_context *tls);

/* A new socket that connects to addr. 0 or a negative errno. */
int stream_connect(struct stream *s, struct loop *l, const struct sockaddr *addr,
                   struct tls_context *tls);

/* Watch for these from now on. Costs nothing when it is no change. */
void stream_want(struct stream *s, bool readable, bool writable);

static inline void stream_want_read(struct stream *s, bool readable)
{
    stream_want(s, readable, (s->wanted & STREAM_WRITABLE) != 0);
}

static inline void stream_want_write(struct stream *s, bool writable)
{
    stream_want(s, (s->wanted & STREAM_READABLE) != 0, writable);
}

static inline long stream_recv(struct stream *s, void *to, size_t cap)
{
    long n = s->io->recv(s, to, cap);

    if (s->tapped && tap_active() && n > 0)
        tap_received(&s->flow, s->fd, to, (size_t)n);
    return n;
}

static inline long stream_send(struct stream *s, const struct iovec *v, int n)
{
    long sent = s->io->send(s, v, n);

    if (s->tapped && tap_active() && sent > 0)
        tap_sent(&s->flow, s->fd, v, (size_t)sent);
    return sent;
}

/* What stream_recv of one byte would give; the byte stays. */
static inline long stream_peek(struct stream *s)
{
    return s->io->peek(s);
}

/* The pending error of a connecting stream: 0 once it is connected. */
static inline int stream_connect_error(struct stream *s)
{
    return s->io->connect_error(s);
}

/* Have the kernel ask the peer's kernel now and then, and break the connection off when that says
 * nothing for patience_ms: its machine has gone, or the way to it. A peer that is only busy, or
 * stopped, is no matter for kernels. */
void stream_watch_peer(struct stream *s, uint32_t every_s, uint32_t patience_ms);
/* The connection stands, and all that was sent has come to the peer's kernel. */
bool stream_arrived(const struct stream *s);

/* The last failure in words that stay. */
const char *stream_why(const struct stream *s);

/* Bytes that the kernel took and the peer has not. */
size_t stream_unsent(const struct stream *s);

/* Tell the peer that no more will be sent; receiving goes on. */
static inline void stream_shutdown(struct stream *s)
{
    s->io->shutdown(s);
}

/* Close now; reset: with RST, so that the peer can not take what it got for whole.
 * on_closed follows later in the same turn of the loop or the next. */
void stream_close(struct stream *s, bool reset);

/* --- for tables --- */

/* Call io->ready when, and as often as, the socket can do these. */
void stream_await(struct stream *s, int events);

/* A call that receives or sends was given room for, or, cap bytes, and moved n (-1: none, and errno
 * says why). Whoever got less has what there was: the socket stays silent until that changes. */
static inline void stream_moved(struct stream *s, int what, long n, size_t cap)
{
    if (n < 0 || (n > 0 && (size_t)n < cap && !s->ended))
        s->ready &= (uint8_t)~what;
}

#endif
