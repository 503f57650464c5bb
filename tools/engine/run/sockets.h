/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets of all threads. */
#ifndef ENGINE_RUN_SOCKETS_H
#define ENGINE_RUN_SOCKETS_H

#include "run/thread.h"

/* Bind the listeners of g that old, which may be NULL, does not have: one socket a thread,
 * put into the orders. False, with nothing bound and one message in error. */
bool sockets_bind(const struct generation *g, const struct generation *old, struct order **orders,
                  uint32_t threads, char *error, size_t error_cap);

/* "listening SCHEME://HOST:PORT", a line for each, on standard output. */
void sockets_announce(const struct settings *settings, const struct shard *sh);

#endif
