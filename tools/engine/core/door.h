/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of a door's life. */
#ifndef ENGINE_CORE_DOOR_H
#define ENGINE_CORE_DOOR_H

#include "core/shard.h"

/* A door on the socket fd, which is its own from now on; accepted() gets its connections.
 * NULL: out of memory or descriptors, fd is closed. */
struct door *door_open(struct shard *sh, const struct listener_settings *settings, int fd,
                       void (*accepted)(struct listener *l, int fd),
                       const char *(*full)(struct listener *l), void *owner);
/* Settings of a newer generation, the shard's, for the same address. */
void door_renew(struct shard *sh, struct door *d, const struct listener_settings *settings);
/* No more connections; d goes with its last one. */
void door_close(struct door *d);
/* One connection less. */
void door_leave(struct door *d);

#endif
