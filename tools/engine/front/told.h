/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says of requests that go on without a part of theirs: now and then, not each time.
 */
#ifndef ENGINE_FRONT_TOLD_H
#define ENGINE_FRONT_TOLD_H

#include "core/exchange.h"

/* head->dropped was left out. */
void told_dropped(struct shard *sh, const struct head *head);
/* head->upgrade was asked for, which AJP cannot carry: told once in the life of the daemon. */
void told_upgrade(const struct head *head);

#endif
