/* SPDX-License-Identifier: Apache-2.0 */
/* The protocols towards workers. */
#ifndef ENGINE_BACK_BACK_H
#define ENGINE_BACK_BACK_H

#include "core/exchange.h"

extern const struct back_ops back_ajp;

/* Capacity changed somewhere: serve who waits here, or give up what others wait for. */
void links_look_again(struct shard *sh);
/* The shard has a newer generation than p: close what is idle of p, pool no more of it, and
 * let who waits for it choose anew. */
void links_retire(struct shard *sh, struct pools *p);
/* Those at work at workers that are down, and without a reply: they fail (health.on_down). */
void links_give_up(struct shard *sh);
/* Now and then: open what workers lack to their min_idle. */
void links_warm(struct shard *sh);
/* Close every link of the shard; those at work fail their exchange. */
void links_close_all(struct shard *sh);

#endif
