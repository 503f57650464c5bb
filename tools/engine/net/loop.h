/* SPDX-License-Identifier: Apache-2.0 */
/* What every connection of one thread shares: event loop, time, memory. */
#ifndef ENGINE_NET_LOOP_H
#define ENGINE_NET_LOOP_H

#include "base/buf.h"
#include "net/deadline.h"

#include <stdbool.h>
#include <uv.h>

enum { SCRATCH_TIGHT = 16 * 1024 };

/* A descriptor whose changes are told once each, as epoll's EPOLL* bits. */
struct watch {
    void (*changed)(struct watch *w, uint32_t events);
};

/* Begin to fetch n bytes that will be needed after the next system call: with many connections
 * nothing of them is in the nearer caches any more. Only a hint: any address will do. */
static inline void fetch_ahead(const void *p, size_t n)
{
    for (uintptr_t at = (uintptr_t)p, end = at + n; at < end; at += 64)
        __builtin_prefetch((const void *)at, 1);
}

/* Something to be done once more in the next turn, whatever the sockets say. */
struct again {
    struct list node;
    void (*run)(struct again *a);
};

struct loop {
    uv_loop_t uv;
    uv_timer_t tick;
    int epoll;         /* every watch, and libuv's own descriptor */
    bool stopped;      /* loop_run is to return */
    struct list again; /* in the next turn */
    struct deadline_wheel wheel;
    uint64_t ticked_at, grace_until; /* no deadline is reached before the latter */
    struct buf_pool bufs;            /* receive and send blocks */
    uint8_t *scratch; /* one receive of any connection, for the length of a callback */
    size_t scratch_size;
    uint8_t *record;  /* one TLS record on its way out; NULL until there is TLS */
    uint64_t date_at; /* second that date was made for */
    char date[30];    /* "Sun, 06 Nov 1994 08:49:37 GMT" */
};

/* packet_size: the largest AJP packet; blocks hold one and some more. 0 or a negative
 * libuv error. */
int loop_init(struct loop *l, uint32_t packet_size);
/* Every handle but the loop's own must be closed already; else UV_EBUSY. */
int loop_close(struct loop *l);

/* Turn until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* Do what there is to do; wait: at least one thing, if it takes long. */
void loop_turn(struct loop *l, bool wait);

/* Tell w about fd, beginning with what is true already. 0 or a negative errno. */
int loop_watch(struct loop *l, struct watch *w, int fd);
/* As is due before fd is closed. w must stay until the end of this turn. */
void loop_unwatch(struct loop *l, int fd);

/* Milliseconds on the loop's clock, read once per turn. */
static inline uint64_t loop_now(const struct loop *l)
{
    return uv_now(&l->uv);
}

/* Bytes that one receive into scratch may bring, behind have that lie there: little when memory
 * is short, since all of it may have to wait for a peer that does not read. */
static inline size_t loop_scratch_room(const struct loop *l, size_t have)
{
    size_t room = l->scratch_size - have;

    return room > SCRATCH_TIGHT && buf_tight(&l->bufs) ? SCRATCH_TIGHT : room;
}

/* Let a run in the next turn, once. again_init first; again_drop before its memory goes. */
void loop_again(struct loop *l, struct again *a);

static inline void again_init(struct again *a, void (*run)(struct again *a))
{
    list_init(&a->node);
    a->run = run;
}

static inline void again_drop(struct again *a)
{
    list_remove(&a->node);
}

/* The value of an HTTP Date field, 29 bytes, made at most once a second. */
const char *loop_date(struct loop *l);

/* Let d be reached in ms milliseconds; 0 means never. */
static inline void loop_deadline(struct loop *l, struct deadline *d, uint64_t ms)
{
    if (ms == 0)
        deadline_clear(d);
    else
        deadline_set(&l->wheel, d, loop_now(l) + ms);
}

#endif
