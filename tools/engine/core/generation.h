/* SPDX-License-Identifier: Apache-2.0 */
/* One set of settings in force. A reload makes a new one; what began under the old one
 * ends under it, and the last to leave frees it. */
#ifndef ENGINE_CORE_GENERATION_H
#define ENGINE_CORE_GENERATION_H

#include "balance/balancer.h"
#include "base/list.h"
#include "config/settings.h"
#include "http/h1_parse.h"

/* Shared by all threads, immutable but for the balancer's atomics. */
struct generation {
    struct settings *settings;
    struct balancer *balancer;
    _Atomic uint32_t users;
};

/* Takes settings over, also when it fails: NULL with one message in error. The caller is
 * its first user. */
struct generation *generation_new(struct settings *settings, char *error, size_t error_cap);
void generation_leave(struct generation *g);

/* How many idle links to one worker one thread has, and its share of the bounds for all. */
struct idle_count {
    uint32_t now, opening; /* opening: to be idle, for no request */
    uint32_t connecting;   /* for a request, or to be idle */
    uint32_t min, max;
};

/* One thread's connections to the workers of one generation. */
struct pools {
    struct generation *generation;
    const struct settings *settings; /* the generation's, as balancer is */
    struct h1_limits heads;          /* what HTTP clients may say, by settings */
    struct balancer *balancer;
    struct list *idle;         /* by worker index: links that wait for a request */
    struct idle_count *counts; /* by worker index: of idle */
    struct list *waiting;      /* by worker index: exchanges that wait for a link */
    uint32_t users;            /* the shard while current, links, exchanges, doors */
    bool retired;              /* a newer one is in force: pool nothing any more */
    bool any_min;              /* some worker has a min_idle */
};

/* A user of g, with one user of its own. NULL: out of memory. */
struct pools *pools_new(struct generation *g);
static inline struct pools *pools_enter(struct pools *p)
{
    p->users++;
    return p;
}
/* p may be gone afterwards. NULL is fine. */
void pools_leave(struct pools *p);

#endif
