/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: watches all workers of a balancer from one loop. */
#ifndef ENGINE_BALANCE_HEALTH_H
#define ENGINE_BALANCE_HEALTH_H

#include "balance/balancer.h"

#include "net/loop.h"

struct health_prober;

/* One prober per balancer. NULL when memory or handles run out. */
struct health_prober *health_start(struct balancer *balancer, struct loop *loop);
/* Closes all handles; the memory goes once the
 * loop has run the close callbacks, so run the loop afterwards. The balancer must outlive those.
 * NULL is fine. */
void health_stop(struct health_prober *prober);

#endif
