/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's share of the daemon: its loop, its connections, its idle links.
 * Threads meet only in the settings (immutable) and the balancer (atomics). */
#ifndef ENGINE_CORE_SHARD_H
#define ENGINE_CORE_SHARD_H

#include "base/access_log.h"
#include "core/generation.h"
#include "http/head.h"
#include "net/listener.h"
#include "net/loop.h"

struct exchange;
struct back_ops;

struct shard {
    struct loop loop;
    const struct settings *settings; /* those in force: pools->generation's */
    struct pools *pools;             /* in force: requests that begin now use them */
    const struct back_ops *backs[2]; /* by enum proto; NULL: not built in */
    struct access_log *access_log;   /* NULL: off */
    struct list doors;
    struct list conns;   /* every client connection */
    struct list stalled; /* those of them that have not read all, the longest wait first */
    struct again relief; /* when memory is short */
    struct list links;   /* every connection to a worker */
    void (*wake_all)(struct shard *sh); /* capacity has changed: every thread looks again */
    struct exchange *free_exchanges;
    struct field *parsed; /* of the head that is being read */
    uint32_t parsed_room;
    uint64_t requests;                   /* begun so far */
    uint64_t window_at, window_requests; /* of the retry budget: ms, and requests before it */
    uint32_t window_retries;
    uint64_t dropped, dropped_told;   /* requests that lost a field, since it was told: ms */
    uint64_t unusable, unusable_told; /* requests that no worker could take, likewise */
    uint32_t conn_count;
    uint32_t index;
    bool draining; /* finish what is open, begin nothing */
};

/* Where connections come in. It outlives a reload, and, when the reload took it away,
 * stays until its last connection has gone. */
struct door {
    struct listener listener;
    const struct listener_settings *settings;
    struct pools *pools; /* whose generation holds settings */
    struct list node;    /* in shard.doors */
    uint32_t conn_count;
    bool closing; /* its connections end with their request */
    bool shut;    /* the listener's handle has gone */
};

static inline uint64_t shard_now(const struct shard *sh)
{
    return loop_now(&sh->loop);
}

#endif
