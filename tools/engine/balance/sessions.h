/* SPDX-License-Identifier: Apache-2.0 */
/* About how many sessions a worker has: ids seen lately, counted without being kept. A bit per hash
 * and period; what is seen in no period of the idle time is forgotten. */
#ifndef ENGINE_BALANCE_SESSIONS_H
#define ENGINE_BALANCE_SESSIONS_H

#include <ajp/base.h>

struct sessions;

/* NULL when memory runs out; every function takes NULL. idle_ms: a session unseen for so long is
 * over. */
struct sessions *sessions_new(uint32_t idle_ms, uint64_t now_ms);
void sessions_free(struct sessions *sessions);

/* From any thread, without a lock. id: without its route. */
void sessions_seen(struct sessions *sessions, ajp_str id, uint64_t now_ms);
/* Within a few parts of a hundred, up to some hundred thousand. */
uint64_t sessions_count(struct sessions *sessions, uint64_t now_ms);
/* Has it watched for a whole idle time, so that a count of 0 means none? */
bool sessions_settled(const struct sessions *sessions, uint64_t now_ms);
/* As if it had seen what from saw; both have the same idle time. False: they have not. */
bool sessions_inherit(struct sessions *sessions, const struct sessions *from);

#endif
