/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's share of the daemon: its loop, its connections, its idle links.
 * Threads meet only in the settings (immutable) and the balancer (atomics). */
#ifndef ENGINE_CORE_SHARD_H
#define ENGINE_CORE_SHARD_H

#include "balance/balancer.h"
#include "base/access_log.h"
#include "config/settings.h"
#include "net/loop.h"

struct exchange;
struct back_ops;

struct shard {
    struct loop loop;
    const struct settings *settings;
    struct balancer *balancer;
    const struct back_ops *backs[2];    /* by enum proto; NULL: not built in */
    struct access_log *access_log;      /* NULL: off */
    struct list conns;                  /* every client connection */
    struct list links;                  /* every connection to a worker */
    struct list *idle;                  /* by worker index: links that wait for a request */
    struct list *waiting;               /* by worker index: exchanges that wait for a connection */
    void (*wake_all)(struct shard *sh); /* capacity has changed: every thread looks again */
    struct exchange *free_exchanges;
    uint64_t requests; /* begun so far */
    uint32_t conn_count;
    uint32_t index;
    bool draining; /* finish what is open, begin nothing */
};

static inline uint64_t shard_now(const struct shard *sh)
{
    return loop_now(&sh->loop);
}

#endif
