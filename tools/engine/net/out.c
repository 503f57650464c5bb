/* SPDX-License-Identifier: Apache-2.0 */
/* The stage lies in a pool block: iovec table first, then room for small pieces.
 * It lives from the first piece to the flush, so an idle connection holds none. */
#include "net/out.h"

#include <assert.h>
#include <string.h>

enum { STAGE_IOV = 48, SMALL_PIECE = 1024, COPY_PIECE = 4096 };

struct out_stage {
    int n;
    uint32_t used, cap; /* of bytes */
    struct iovec v[STAGE_IOV];
    uint8_t bytes[];
};
_Static_assert(sizeof(struct out_stage) <= OUT_STAGE_HEAD, "the stage's head fits its share");

void out_init(struct out *o)
{
    *o = (struct out){0};
}

static struct buf *stage_buf(struct out_stage *g)
{
    return (struct buf *)(void *)((uint8_t *)g - offsetof(struct buf, data));
}

static void stage_drop(struct out *o, struct loop *l)
{
    if (o->stage != NULL) {
        buf_give(&l->bufs, stage_buf(o->stage));
        o->stage = NULL;
    }
}

void out_clear(struct out *o, struct loop *l)
{
    stage_drop(o, l);
    while (o->backlog != NULL) {
        struct buf *b = o->backlog;

        o->backlog = b->next;
        buf_give(&l->bufs, b);
    }
    out_init(o);
}

static struct out_stage *stage_of(struct out *o, struct loop *l)
{
    struct out_stage *g = o->stage;

    if (g == NULL) {
        struct buf *b = buf_take(&l->bufs);

        if (b == NULL) {
            o->failed = true;
            return NULL;
        }
        g = (struct out_stage *)(void *)b->data;
        g->n = 0;
        g->used = 0;
        g->cap = l->bufs.block - (uint32_t)sizeof(*g);
        o->stage = g;
    }
    return g;
}

/* A stage with room for one more piece of n copied bytes, after a flush if need be. */
static struct out_stage *stage_room(struct out *o, struct stream *s, size_t n)
{
    struct out_stage *g = stage_of(o, s->loop);

    if (g != NULL && (g->n == STAGE_IOV || g->cap - g->used < n)) {
        if (!out_flush(o, s))
            return NULL;
        g = stage_of(o, s->loop);
    }
    return g;
}

uint8_t *out_reserve(struct out *o, struct stream *s, size_t cap)
{
    struct out_stage *g = stage_room(o, s, cap);

    assert(cap <= s->loop->bufs.block - OUT_STAGE_HEAD);
    return g != NULL ? g->bytes + g->used : NULL;
}

void out_commit(struct out *o, size_t n)
{
    struct out_stage *g = o->stage;
    uint8_t *at = g->bytes + g->used;
    struct iovec *last = g->n > 0 ? &g->v[g->n - 1] : NULL;

    if (n == 0)
        return;
    g->used += (uint32_t)n;
    if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == at)
        last->iov_len += n;
    else
        g->v[g->n++] = (struct iovec){at, n};
}

void out_copy(struct out *o, struct stream *s, const void *p, size_t n)
{
    const uint8_t *from = p;

    while (n > 0) {
        size_t piece = n < COPY_PIECE ? n : COPY_PIECE;
        uint8_t *to = out_reserve(o, s, piece);

        if (to == NULL)
            return;
        memcpy(to, from, piece);
        out_commit(o, piece);
        from += piece;
        n -= piece;
    }
}

void out_borrow(struct out *o, struct stream *s, const void *p, size_t n)
{
    struct out_stage *g = o->stage;

    if (n == 0)
        return;
    if (g != NULL && g->n > 0) {
        struct iovec *last = &g->v[g->n - 1];

        if ((const uint8_t *)last->iov_base + last->iov_len == (const uint8_t *)p) {
            last->iov_len += n; /* goes on where the last one ended */
            return;
        }
        if (n <= SMALL_PIECE) { /* a copy costs less than one more iovec */
            out_copy(o, s, p, n);
            return;
        }
    }
    g = stage_room(o, s, 0);
    if (g != NULL)
        g->v[g->n++] = (struct iovec){(void *)(uintptr_t)p, n};
}

static bool backlog_add(struct out *o, struct loop *l, const uint8_t *p, size_t n)
{
    while (n > 0) {
        struct buf *b = o->backlog_end;
        size_t room = o->backlog != NULL ? buf_room(&l->bufs, b) : 0;
        size_t take = n < room ? n : room;

        if (room == 0) {
            b = buf_take(&l->bufs);
            if (b == NULL)
                return false;
            if (o->backlog == NULL)
                o->backlog = b;
            else
                o->backlog_end->next = b;
            o->backlog_end = b;
            continue;
        }
        memcpy(b->data + b->end, p, take);
        b->end += (uint32_t)take;
        o->backlog_bytes += take;
        p += take;
        n -= take;
    }
    return true;
}

/* Keep what the kernel did not take of the stage. */
static bool stage_keep(struct out *o, struct loop *l, size_t sent)
{
    struct out_stage *g = o->stage;

    for (int i = 0; i < g->n; i++) {
        size_t skip = sent < g->v[i].iov_len ? sent : g->v[i].iov_len;

        sent -= skip;
        if (!backlog_add(o, l, (uint8_t *)g->v[i].iov_base + skip, g->v[i].iov_len - skip))
            return false;
    }
    return true;
}

static bool backlog_send(struct out *o, struct stream *s)
{
    while (o->backlog != NULL) {
        struct iovec v[16];
        int n = 0;
        size_t given = 0;
        long sent;

        for (struct buf *b = o->backlog; b != NULL && n < 16; b = b->next, n++) {
            v[n] = (struct iovec){b->data + b->start, buf_len(b)};
            given += buf_len(b);
        }
        sent = stream_send(s, v, n);
        if (sent < 0)
            return sent == STREAM_AGAIN;
        o->backlog_bytes -= (size_t)sent;
        for (size_t left = (size_t)sent; left > 0;) {
            struct buf *b = o->backlog;
            size_t take = left < buf_len(b) ? left : buf_len(b);

            b->start += (uint32_t)take;
            left -= take;
            if (buf_len(b) == 0) {
                o->backlog = b->next;
                buf_give(&s->loop->bufs, b);
            }
        }
        if ((size_t)sent < given)
            return true;
    }
    return true;
}

static bool stage_send(struct out *o, struct stream *s)
{
    struct out_stage *g = o->stage;
    size_t total = 0;
    long sent;

    if (o->backlog != NULL)
        return stage_keep(o, s->loop, 0);
    for (int i = 0; i < g->n; i++)
        total += g->v[i].iov_len;
    sent = stream_send(s, g->v, g->n);
    if (sent == STREAM_FAILED)
        return false;
    if (sent < 0)
        sent = 0;
    return (size_t)sent == total || stage_keep(o, s->loop, (size_t)sent);
}

static void stage_lose(struct out *o)
{
    for (int i = 0; i < o->stage->n; i++)
        o->lost += o->stage->v[i].iov_len;
}

bool out_flush(struct out *o, struct stream *s)
{
    if (o->stage == NULL && o->backlog == NULL)
        return !o->failed; /* nothing to do: leave the interest alone */
    if (o->backlog != NULL && !o->failed && !backlog_send(o, s))
        o->failed = true;
    if (o->stage != NULL) {
        if (o->stage->n > 0 && !o->failed && !stage_send(o, s))
            o->failed = true;
        if (o->failed)
            stage_lose(o);
        stage_drop(o, s->loop);
    }
    if (!o->failed)
        stream_want_write(s, o->backlog != NULL);
    return !o->failed;
}

bool out_send(struct out *o, struct stream *s, const void *p, size_t n)
{
    struct iovec v = {(void *)(uintptr_t)p, n};
    size_t taken;
    long sent;

    if (o->stage != NULL || o->backlog != NULL || o->failed) {
        out_borrow(o, s, p, n);
        return out_flush(o, s);
    }
    sent = stream_send(s, &v, 1);
    taken = sent < 0 ? 0 : (size_t)sent;
    if (taken == n)
        return true;
    if (sent == STREAM_FAILED || !backlog_add(o, s->loop, (const uint8_t *)p + taken, n - taken)) {
        o->failed = true;
        o->lost += n - taken;
    } else {
        stream_want_write(s, true);
    }
    return !o->failed;
}
