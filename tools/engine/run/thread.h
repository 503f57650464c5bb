/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of the daemon: a shard, its doors, and how settings reach it. */
#ifndef ENGINE_RUN_THREAD_H
#define ENGINE_RUN_THREAD_H

#include "core/door.h"

/* A new door, to be opened. */
struct order_door {
    int fd; /* -1: there is one already */
    struct door *door;
};

/* What a thread is to do next; it frees the order. All memory that this takes is in it. */
struct order {
    struct generation *generation;
    struct pools *pools;       /* the thread's, from then on */
    struct order_door doors[]; /* by listener of the settings */
};

struct thread {
    struct shard shard;
    struct thread *peers; /* all threads of the daemon, this one too */
    uint32_t peer_count;
    uv_thread_t id;
    _Atomic(struct order *) order;
    uv_async_t ordered; /* order is set */
    uv_async_t drain;   /* another thread wants this one to end */
    uv_async_t wake;    /* capacity has changed somewhere */
    uv_timer_t second;  /* flushes logs */
    uv_timer_t watch;   /* while draining: is all done? */
    uint64_t drain_until;
    uint32_t connection_limit;
};

/* An order that uses g. NULL: out of memory. */
struct order *order_new(struct generation *g);
/* One that no thread has followed: its sockets are closed. */
void order_free(struct order *order);

/* All of these return 0 or a negative libuv error. */

/* order is taken over: the thread's first. */
int thread_init(struct thread *threads, uint32_t index, struct order *order);
/* All but the first, which is the caller's to run. Ends the program when one cannot be. */
void threads_start(struct thread *threads, uint32_t count, const char *program);
/* Serve until drained. */
void thread_run(struct thread *t);
/* From any thread: another generation. False: the last order has not been followed yet. */
bool thread_order(struct thread *t, struct order *order);
/* From any thread; a second call ends it at once. */
void thread_drain(struct thread *t);
/* Free all that thread_init made. No thread may run any more: they wake one another. */
void thread_close(struct thread *t);

/* The same address, so one socket serves both. */
bool same_listener(const struct listener_settings *a, const struct listener_settings *b);

#endif
