/* SPDX-License-Identifier: Apache-2.0 */
/* Weighted rendezvous hashing: every instance that knows the same workers chooses the same one. */
#ifndef ENGINE_BALANCE_RENDEZVOUS_H
#define ENGINE_BALANCE_RENDEZVOUS_H

#include <ajp/base.h>

uint64_t rendezvous_hash(ajp_str text);

/* What worker costs this key: the lowest cost wins. Integers only, so that machines agree. */
uint64_t rendezvous_cost(uint64_t key_hash, uint64_t worker_hash, uint32_t weight);

#endif
