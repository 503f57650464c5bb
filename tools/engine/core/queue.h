/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait until their worker has a connection to spare. Each thread has a
 * queue per worker; the cap on connections is one for all threads. None of them was sent, so each
 * may go to another worker, of whatever method it is (R1); one of a session does so only when its
 * own worker cannot be used, or lets it wait in vain. */
#ifndef ENGINE_CORE_QUEUE_H
#define ENGINE_CORE_QUEUE_H

#include "core/exchange.h"

/* Count one more connection to w in; false: it has all that it may have. */
bool capacity_take(struct worker *w, uint64_t now);
/* One connection less; whoever waits for it is told, in whatever thread. */
void capacity_give(struct shard *sh, struct worker *w);

/* x->worker has none for x. True: it has one by now, go on. False: x waits, and back->start is
 * called again when it is worth a try; or x is at another worker, or has failed. */
bool queue_wait(struct exchange *x);
/* Is what goes to w kept until w answers? Not by who is about to end, or has newer settings: nobody
 * looks for the answer there. */
bool queue_holds(const struct shard *sh, const struct pools *p, const struct worker *w);
/* x->worker does not answer: likewise, until it does. x waits for as long as it would for its reply
 * had it been sent, and has no line to be too long: a worker without a cap would have had them all.
 */
bool queue_hold(struct exchange *x);
/* x waits no longer. */
void queue_leave(struct exchange *x);

/* A connection to w is free in this thread: the next in line takes it. False: nobody waits. */
bool queue_serve(struct pools *p, struct worker *w);
/* One more of those that wait, if there is room for it: a connection has come about, or not. */
void queue_next(struct shard *sh, struct pools *p, struct worker *w);
/* As queue_serve, one that waits for another worker. */
bool queue_court(struct shard *sh, struct pools *p, struct worker *w);
/* Would it be of use to another thread, and to nobody here? */
bool queue_elsewhere(const struct pools *p, const struct worker *w, uint64_t now);
/* Capacity, health or activation changed: serve who waits here, and move who need not. */
void queue_look_again(struct shard *sh);

#endif
