/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets of all threads. */
#ifndef ENGINE_RUN_SOCKETS_H
#define ENGINE_RUN_SOCKETS_H

#include "run/thread.h"

/* One order for each thread, to be freed by the caller. The listeners of g that old, which may be
 * NULL, does not have are bound: one socket a thread. NULL, with nothing bound and one message in
 * error. */
struct order **sockets_order(struct generation *g, const struct generation *old, uint32_t threads,
                             char *error, size_t error_cap);

/* Orders that no thread was given. */
void sockets_forget(struct order **orders, uint32_t threads);

/* "listening SCHEME://HOST:PORT", a line for each, on standard output. */
void sockets_announce(const struct settings *settings, const struct shard *sh);

#endif
