/* SPDX-License-Identifier: Apache-2.0 */
/* The protocols towards clients. */
#ifndef ENGINE_FRONT_FRONT_H
#define ENGINE_FRONT_FRONT_H

#include "core/shard.h"

/* Take over an accepted socket. */
void front_ajp_accept(struct shard *sh, struct door *door, int fd);
void front_http1_accept(struct shard *sh, struct door *door, int fd);

/* Close connections that are between requests and are to end (conn_ending); the others
 * end with their request. */
void front_drain(struct shard *sh);
/* Close all, whatever they are at. */
void front_close_all(struct shard *sh);

#endif
