/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait until their worker has a connection to spare. Each thread has a
 * queue per worker; the cap on connections is one for all threads. */
#ifndef ENGINE_CORE_QUEUE_H
#define ENGINE_CORE_QUEUE_H

#include "core/exchange.h"

/* Count one more connection to w in; false: it has all that it may have. */
bool capacity_take(struct worker *w, uint64_t now);
/* One connection less; whoever waits for it is told, in whatever thread. */
void capacity_give(struct shard *sh, struct worker *w);

/* Let x wait for x->worker: back->start is called again when it is worth a try. False:
 * the queue is full. True with x->queued false: capacity came meanwhile, go on. */
bool queue_wait(struct exchange *x);
/* x waits no longer. */
void queue_leave(struct exchange *x);

/* A connection to w is free in this thread: the next in line takes it. False: nobody waits. */
bool queue_serve(struct pools *p, struct worker *w);
/* Somebody in another thread waits for w, and nobody here. */
bool queue_elsewhere(const struct pools *p, const struct worker *w);

#endif
