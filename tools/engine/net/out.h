/* SPDX-License-Identifier: Apache-2.0 */
/* What is on its way out of one connection. Pieces gather while input is being
 * looked at and leave in one system call; a piece may be borrowed from the input
 * itself, and is copied only when the kernel did not take it. */
#ifndef ENGINE_NET_OUT_H
#define ENGINE_NET_OUT_H

#include "net/stream.h"

struct out_stage;

struct out {
    struct out_stage *stage;           /* pieces since the last flush; NULL: none */
    struct buf *backlog, *backlog_end; /* refused by the kernel, oldest first */
    size_t backlog_bytes;
    size_t lost; /* bytes that were given up, since failed */
    bool failed; /* the connection is broken, or memory ran out: close it */
};

void out_init(struct out *o);
/* Give everything back, sent or not. */
void out_clear(struct out *o, struct loop *l);

/* Room for up to cap bytes that stay contiguous; out_commit says how many were written.
 * cap is at most a pool block less OUT_STAGE_HEAD. NULL: failed. */
enum { OUT_STAGE_HEAD = 1024 };
uint8_t *out_reserve(struct out *o, struct stream *s, size_t cap);
void out_commit(struct out *o, size_t n);

/* Copy bytes in, of any length. */
void out_copy(struct out *o, struct stream *s, const void *p, size_t n);
/* Point at bytes that stay where they are until out_flush. */
void out_borrow(struct out *o, struct stream *s, const void *p, size_t n);

/* out_borrow and out_flush in one; goes straight to the kernel when nothing is ahead of it. */
bool out_send(struct out *o, struct stream *s, const void *p, size_t n);

/* Hand all to the kernel. What it refuses is copied to the backlog, and write
 * interest armed. False: the connection is broken. */
bool out_flush(struct out *o, struct stream *s);

/* Bytes that the kernel has not taken yet (staged ones not counted). */
static inline size_t out_backlog(const struct out *o)
{
    return o->backlog_bytes;
}

#endif
