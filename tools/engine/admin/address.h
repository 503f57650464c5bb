/* SPDX-License-Identifier: Apache-2.0 */
/* Where an admin server listens: "unix:PATH" or "HOST:PORT". */
#ifndef ENGINE_ADMIN_ADDRESS_H
#define ENGINE_ADMIN_ADDRESS_H

#include <stddef.h>

/* A socket that listens there, or connects to it when connecting. -1 with one message. */
int admin_listen(const char *address, char *error, size_t error_cap);
int admin_connect(const char *address, char *error, size_t error_cap);

#endif
