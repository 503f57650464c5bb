/* SPDX-License-Identifier: Apache-2.0 */
/* Looks a worker's host name up again: now and then, and while the worker is down. */
#ifndef ENGINE_BALANCE_LOOKUP_H
#define ENGINE_BALANCE_LOOKUP_H

#include "balance/balancer.h"
#include "net/name_query.h"

#include <uv.h>

struct lookup {
    uv_async_t found;
    struct name_query *query; /* NULL: none is under way */
    struct worker *worker;
    uint64_t due_ms;
    bool never; /* the host is an address */
    void (*ended)(struct lookup *lookup);
};

void lookup_init(struct lookup *lookup, struct worker *worker, uv_loop_t *loop, uint64_t now_ms);
/* Starts one when it is time. */
void lookup_tick(struct lookup *lookup, uint64_t now_ms);
/* No worker is touched any more. True: ended will be called, later, and soon. */
bool lookup_drop(struct lookup *lookup);

#endif
