/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that is drained tells how many sessions it still has, and is stopped when there are none
 * or its time is over. */
#ifndef ENGINE_BALANCE_DRAIN_H
#define ENGINE_BALANCE_DRAIN_H

#include "balance/balancer.h"

/* About once a second for every worker, from one thread. */
void drain_tick(struct worker *worker, uint64_t now_ms);

#endif
