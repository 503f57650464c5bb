/* SPDX-License-Identifier: Apache-2.0 */
/* The protocols towards clients. */
#ifndef ENGINE_FRONT_FRONT_H
#define ENGINE_FRONT_FRONT_H

#include "core/shard.h"

/* Take over an accepted socket. */
void front_ajp_accept(struct shard *sh, struct door *door, int fd);
void front_http1_accept(struct shard *sh, struct door *door, int fd);

/* Connections that are to end (conn_ending): those between requests get a moment more, since a
 * request may be on its way; the others end with theirs. */
void front_drain(struct shard *sh);
/* Memory is short: of what clients can make us hold, what they do not read is most. So those go
 * that have not read for longest, until it suffices. */
void front_relieve(struct again *a);
/* Close all, whatever they are at. */
void front_close_all(struct shard *sh);

#endif
