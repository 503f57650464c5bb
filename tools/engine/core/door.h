/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of a door's life. */
#ifndef ENGINE_CORE_DOOR_H
#define ENGINE_CORE_DOOR_H

#include "core/shard.h"

/* Memory for one, to be opened or freed. NULL: there is none. */
struct door *door_new(void);
/* d, which is the shard's from now on, is a door on the socket fd, which is its own; accepted()
 * gets its connections. False: out of memory or descriptors, d is freed and fd closed. */
bool door_open(struct door *d, struct shard *sh, const struct listener_settings *settings, int fd,
               void (*accepted)(struct listener *l, int fd),
               const char *(*full)(struct listener *l), void *owner);
/* Settings of a newer generation, the shard's, for the same address. */
void door_renew(struct shard *sh, struct door *d, const struct listener_settings *settings);
/* No more connections; d goes with its last one. */
void door_close(struct door *d);
/* One connection less. */
void door_leave(struct door *d);

#endif
