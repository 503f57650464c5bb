/* SPDX-License-Identifier: Apache-2.0 */
/* Why no worker can take a request, for people. */
#ifndef ENGINE_BALANCE_EXPLAIN_H
#define ENGINE_BALANCE_EXPLAIN_H

#include "balance/balancer.h"

enum { EXPLAIN_ROOM = 1024 };

/* What is the matter with each worker that the pick's path belongs to, as "nodeA: down for 12 s,
 * connection refused; nodeB: stopped". As many as fit. Takes the balancer's lock: not for each
 * request. */
const char *balancer_explain(const struct balancer *balancer, const struct pick *pick,
                             char out[EXPLAIN_ROOM]);

#endif
