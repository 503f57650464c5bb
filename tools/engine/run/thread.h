/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of the daemon: a shard, its listeners, and how it ends. */
#ifndef ENGINE_RUN_THREAD_H
#define ENGINE_RUN_THREAD_H

#include "core/shard.h"
#include "net/listener.h"

struct thread {
    struct shard shard;
    struct listener *listeners; /* one for each of the settings' */
    uv_thread_t id;
    struct thread *peers; /* all threads of the daemon, this one too */
    uv_async_t wake;      /* capacity has changed somewhere */
    uv_async_t drain;     /* another thread wants this one to end */
    uv_timer_t second;    /* flushes logs */
    uv_timer_t watch;     /* while draining: is all done? */
    uint64_t drain_until;
    uint32_t connection_limit;
};

/* fds: one listening socket for each listener, the thread's from now on. 0 or a negative
 * libuv error. */
int thread_init(struct thread *threads, uint32_t index, const struct settings *settings,
                struct balancer *balancer, const int *fds);
/* Serve until drained. */
void thread_run(struct thread *t);
/* Free all that thread_init made. No thread may run any more: they wake one another. */
void thread_close(struct thread *t);
/* From any thread; a second call ends it at once. */
void thread_drain(struct thread *t);

#endif
