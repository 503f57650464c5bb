/* SPDX-License-Identifier: Apache-2.0 */
/* Where an admin server listens: "unix:PATH" or "HOST:PORT". */
#ifndef ENGINE_ADMIN_ADDRESS_H
#define ENGINE_ADMIN_ADDRESS_H

#include "net/local.h"

/* The path of a Unix socket; NULL: it is none. */
const char *admin_path(const char *address);

/* "unix:PATH", or a port on loopback. */
bool admin_is_address(const char *address);

/* A socket that listens there. access and local are for a Unix socket; local's path is the
 * address's. -1 with one message. */
int admin_listen(const char *address, const struct local_access *access, struct local_socket *local,
                 char *error, size_t error_cap);
/* One that is connected to it. -1 with one message. */
int admin_connect(const char *address, char *error, size_t error_cap);

#endif
