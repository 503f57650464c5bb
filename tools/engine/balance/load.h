/* SPDX-License-Identifier: Apache-2.0 */
/* How loaded a worker is by the balancing method, and what share of the load it is due. */
#ifndef ENGINE_BALANCE_LOAD_H
#define ENGINE_BALANCE_LOAD_H

#include "balance/balancer.h"

enum { SHARE_UNIT = 1024 }; /* of a weight of 1 */

/* What counts against its share of the requests of that weighting. */
struct tally *load_tally(const struct worker *worker, uint32_t weighting);
/* In it: what the route says, or its own. */
uint32_t load_weight(const struct worker *worker, uint32_t weighting);
/* That, less while it starts slowly. Never 0. */
uint32_t load_share(const struct worker *worker, uint32_t weighting, uint64_t now_ms);
/* Connections it may have, fewer while it starts slowly; 0: no limit. */
uint32_t load_capacity(const struct worker *worker, uint64_t now_ms);

uint64_t load_of(const struct worker *worker, uint32_t weighting, enum method method);
/* Of a and b the one that has less for its share: below 0 for a. */
int load_compare(uint64_t load_a, uint32_t share_a, uint64_t load_b, uint32_t share_b);

/* The worker was chosen. */
void load_charge(struct worker *worker, enum method method, const struct pick *pick);
/* Now and then; does its work once a second. What is long ago counts for less. */
void load_decay(struct balancer *balancer, uint64_t now_ms);
/* A worker that comes back starts level with the most loaded, not with a debt to make up. */
void load_level(struct worker *worker);

#endif
