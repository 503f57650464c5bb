/* SPDX-License-Identifier: Apache-2.0 */
/* An idle connection holds its struct and nothing else: blocks come when bytes do. */
#include "front/conn.h"

#include "core/door.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG_HIGH = 32 * 1024, BACKLOG_LOW = 16 * 1024, ROOM_MIN = 1024 };
enum {
    LINGER_MS = 2000,      /* between bytes of a peer that should have ended */
    LINGER_MAX_MS = 30000, /* in all */
    LINGER_BYTES = 64 * 1024 * 1024,
};

static void on_closed(struct stream *s)
{
    struct conn *c = CONTAINER_OF(s, struct conn, stream);

    c->ops->free(c);
}

void conn_close(struct conn *c, bool reset)
{
    if (c->closed)
        return;
    c->closed = true;
    list_remove(&c->node);
    list_remove(&c->stalled);
    c->shard->conn_count--;
    door_leave(c->door);
    deadline_drop(&c->shard->loop.wheel, &c->deadline);
    out_clear(&c->out, &c->shard->loop);
    buf_give(&c->shard->loop.bufs, c->rx);
    c->rx = NULL;
    stream_close(&c->stream, reset);
}

static bool may_linger(const struct conn *c)
{
    return c->lingering && out_backlog(&c->out) == 0 && shard_now(c->shard) < c->linger_until;
}

/* What comes of a connection that is to end is thrown away. */
static void drain_input(struct conn *c)
{
    struct loop *l = &c->shard->loop;
    long n = stream_recv(&c->stream, l->scratch, l->scratch_size);

    if (n == 0 && out_backlog(&c->out) > 0) /* it waits for the rest of our reply */
        stream_want_read(&c->stream, false);
    else if (n == 0 || n == STREAM_FAILED || (n > 0 && (size_t)n > c->linger_left))
        conn_close(c, false);
    if (n <= 0 || c->closed)
        return;
    c->linger_left -= (uint32_t)n;
    if (may_linger(c))
        conn_arm(c, LINGER_MS);
}

/* All has been sent of a connection that is to end. Closed at once, whatever the peer still sends
 * would be answered with a reset, which may overtake our last words (RFC 9112 9.6). */
static void finished(struct conn *c, bool linger)
{
    if (!linger) {
        conn_close(c, false);
        return;
    }
    c->lingering = true;
    c->linger_until = shard_now(c->shard) + LINGER_MAX_MS;
    c->unsent = SIZE_MAX;
    stream_shutdown(&c->stream);
    stream_want(&c->stream, true, false);
    conn_arm(c, LINGER_MS);
}

/* The peer was silent for long. Does it still take what our socket holds for it? */
static bool still_takes(struct conn *c)
{
    const size_t unsent = stream_unsent(&c->stream), before = c->unsent;

    c->unsent = unsent;
    return may_linger(c) && unsent > 0 && unsent < before;
}

/* What the peer has not got of all that was meant for it. */
static size_t undelivered(const struct conn *c)
{
    return out_backlog(&c->out) + c->out.lost + stream_unsent(&c->stream);
}

/* status: where no reply has begun. */
static void give_up(struct conn *c, uint16_t status, const char *reason)
{
    struct exchange *x = c->x;
    size_t left;

    if (x == NULL)
        return;
    left = undelivered(c);
    c->x = NULL;
    exchange_cancel(x, reason);
    x->bytes_down = left < x->bytes_down ? x->bytes_down - left : 0;
    exchange_log(x, x->begun ? x->status : status);
    exchange_give(x);
}

void conn_abandon(struct conn *c, const char *reason)
{
    give_up(c, CONN_CLIENT_LEFT, reason);
}

void conn_cut(struct conn *c, const char *reason)
{
    give_up(c, 0, reason);
}

/* Not by the peer: what there was to say could not be said. */
static bool failed_here(const struct conn *c)
{
    return c->out.failed && c->stream.error == 0 && c->stream.why == NULL;
}

static RARE void broken(struct conn *c)
{
    if (failed_here(c))
        conn_cut(c, "reply does not fit, or memory ran out");
    else
        conn_abandon(c, "client went away");
    conn_close(c, false);
}

/* It has not read for so long that its connection is given up. */
static RARE void stalled(struct conn *c)
{
    char peer[46];

    conn_address(c, false, peer, NULL);
    log_event(LEVEL_INFO, "client_cut", "client=%s unread=%zu reason=\"timeouts.write_stall\"",
              peer, out_backlog(&c->out));
    conn_cut(c, "client reads nothing (timeouts.write_stall)");
    conn_close(c, false);
}

/* After a flush: those that have not read all are kept in order. */
static void note_stall(struct conn *c)
{
    struct shard *sh = c->shard;

    if (!list_empty(&c->stalled))
        list_remove(&c->stalled);
    if (out_backlog(&c->out) == 0)
        return;
    list_add(sh->stalled.prev, &c->stalled);
    if (buf_over(&sh->loop.bufs))
        loop_again(&sh->loop, &sh->relief);
}

/* Whatever the client has to do next has its time: to read, or to send what the worker waits for.
 */
static void await_client(struct conn *c)
{
    if (out_backlog(&c->out) > 0)
        conn_arm(c, conn_settings(c)->timeouts.write_stall);
    else if (conn_wants(c))
        conn_arm(c, conn_settings(c)->timeouts.body);
}

/* Little waits to be sent: the worker goes on. */
static void release(struct conn *c)
{
    if (!c->paused || out_backlog(&c->out) > BACKLOG_LOW)
        return;
    c->paused = false;
    if (c->x != NULL)
        exchange_pause(c->x, false);
}

static void on_writable(struct conn *c)
{
    if (out_backlog(&c->out) == 0)
        return;
    if (!out_flush(&c->out, &c->stream)) {
        broken(c);
        return;
    }
    note_stall(c);
    if (out_backlog(&c->out) == 0 && c->finishing) {
        finished(c, c->lingering);
        return;
    }
    if (c->x == NULL && out_backlog(&c->out) <= BACKLOG_LOW && !c->finishing) {
        if (c->choked)
            stream_want_read(&c->stream, true);
        c->choked = false;
        c->ops->resume(c);
        return;
    }
    await_client(c);
    release(c);
}

static void on_event(struct stream *s, bool readable, bool writable)
{
    struct conn *c = CONTAINER_OF(s, struct conn, stream);

    if (writable)
        on_writable(c);
    if (!readable || c->closed)
        return;
    if (c->finishing)
        drain_input(c);
    else
        c->ops->readable(c);
}

static void on_ended(struct stream *s)
{
    struct conn *c = CONTAINER_OF(s, struct conn, stream);

    if (c->closed || c->finishing || c->x == NULL) /* reading or sending tells in good time */
        return;
    if (s->broken)
        broken(c);
    else
        c->ops->ended(c);
}

static void on_late(struct deadline *d)
{
    struct conn *c = CONTAINER_OF(d, struct conn, deadline);

    if (c->finishing && still_takes(c))
        conn_arm(c, LINGER_MS);
    else if (out_backlog(&c->out) > 0)
        stalled(c);
    else if (c->finishing)
        conn_close(c, false);
    else if (c->x == NULL || c->x->wanted) /* else it is the worker's turn, which has its own */
        c->ops->late(c);
}

bool conn_open(struct conn *c, struct shard *sh, struct door *door, int fd,
               const struct conn_ops *ops)
{
    int on = 1;

    if (stream_open(&c->stream, &sh->loop, fd, door->settings->tls) != 0) {
        close(fd);
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    c->stream.on_event = on_event;
    c->stream.on_closed = on_closed;
    c->stream.on_ended = on_ended;
    c->ops = ops;
    c->shard = sh;
    c->door = door;
    door->conn_count++;
    out_init(&c->out);
    deadline_init(&c->deadline, on_late);
    list_add(&sh->conns, &c->node);
    list_init(&c->stalled);
    sh->conn_count++;
    stream_want(&c->stream, true, false);
    return true;
}

bool conn_full(const struct conn *c)
{
    return c->rx != NULL && buf_room(&c->shard->loop.bufs, c->rx) == 0;
}

long conn_fill(struct conn *c)
{
    struct buf_pool *pool = &c->shard->loop.bufs;
    struct buf *b = c->rx;
    long n;

    if (b == NULL && (b = c->rx = buf_take(pool)) == NULL)
        return STREAM_FAILED;
    if (buf_room(pool, b) < ROOM_MIN && b->start > c->kept) {
        memmove(b->data + c->kept, b->data + b->start, buf_len(b));
        b->end = c->kept + (uint32_t)buf_len(b);
        b->start = c->kept;
    }
    if (buf_room(pool, b) == 0)
        return STREAM_AGAIN;
    n = stream_recv(&c->stream, b->data + b->end, buf_room(pool, b));
    if (n > 0)
        b->end += (uint32_t)n;
    else if (b->end == 0) { /* nothing held: stay light */
        buf_give(pool, b);
        c->rx = NULL;
    }
    return n;
}

void conn_consumed(struct conn *c)
{
    if (c->rx != NULL && c->rx->start == c->rx->end) {
        c->rx->start = c->kept;
        c->rx->end = c->kept;
    }
}

void conn_next(struct conn *c)
{
    struct buf *b = c->rx;

    c->kept = 0;
    if (b == NULL)
        return;
    if (buf_len(b) == 0) {
        buf_give(&c->shard->loop.bufs, b);
        c->rx = NULL;
        return;
    }
    memmove(b->data, b->data + b->start, buf_len(b));
    b->end = (uint32_t)buf_len(b);
    b->start = 0;
}

void conn_ended(struct conn *c, bool broken)
{
    if (!broken && c->x == NULL && out_backlog(&c->out) > 0) {
        stream_want_read(&c->stream, false);
        conn_finish(c, false);
    } else {
        conn_close(c, false);
    }
}

long conn_peek(struct conn *c)
{
    long n = stream_peek(&c->stream);

    if (n != STREAM_AGAIN) /* nothing after all, or not whole yet: it may still end */
        stream_want_read(&c->stream, false);
    return n;
}

void conn_hold(struct conn *c)
{
    stream_want_read(&c->stream, false);
    if (c->stream.ended)
        on_ended(&c->stream);
}

bool conn_settle(struct conn *c)
{
    bool waited = out_backlog(&c->out) > 0;

    if (c->closed)
        return false;
    if (!out_flush(&c->out, &c->stream)) {
        broken(c);
        return false;
    }
    note_stall(c);
    if (waited || out_backlog(&c->out) > 0)
        await_client(c);
    release(c); /* when all is sent here, nothing tells that the socket takes more */
    if (!c->paused && out_backlog(&c->out) > BACKLOG_HIGH && c->x != NULL) {
        c->paused = true;
        exchange_pause(c->x, true);
    }
    return true;
}

bool conn_choke(struct conn *c)
{
    if (c->x != NULL || out_backlog(&c->out) <= BACKLOG_HIGH)
        return false;
    c->choked = true;
    stream_want_read(&c->stream, false);
    return true;
}

void conn_finish(struct conn *c, bool linger)
{
    if (c->closed || c->finishing)
        return;
    c->finishing = true;
    c->lingering = linger;
    c->linger_left = LINGER_BYTES;
    if (!out_flush(&c->out, &c->stream)) {
        broken(c);
    } else if (out_backlog(&c->out) == 0) {
        finished(c, linger);
    } else {
        conn_arm(c, conn_settings(c)->timeouts.write_stall);
        note_stall(c);
    }
}

void conn_address(const struct conn *c, bool ours, char text[46], uint16_t *port)
{
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof(a);
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;
    struct sockaddr_in *four = (struct sockaddr_in *)&a;

    if (ours)
        getsockname(c->stream.fd, (struct sockaddr *)&a, &len);
    else
        getpeername(c->stream.fd, (struct sockaddr *)&a, &len);
    text[0] = '\0';
    if (a.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &six->sin6_addr, text, 46);
    else
        inet_ntop(AF_INET, &four->sin_addr, text, 46);
    if (port != NULL)
        *port = ntohs(a.ss_family == AF_INET6 ? six->sin6_port : four->sin_port);
}
