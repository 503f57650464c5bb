/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: watches all workers of a balancer from one libuv loop. */
#ifndef ENGINE_BALANCE_HEALTH_H
#define ENGINE_BALANCE_HEALTH_H

#include "balance/balancer.h"

#include <uv.h>

struct health_prober;

/* One prober per balancer. NULL when memory or handles run out. */
struct health_prober *health_start(struct balancer *balancer, uv_loop_t *loop);
/* Call it when no other thread uses the balancer. Closes all handles; the memory goes once the
 * loop has run the close callbacks, so run the loop afterwards. The balancer must outlive those.
 * NULL is fine. */
void health_stop(struct health_prober *prober);

#endif
