/* SPDX-License-Identifier: Apache-2.0 */
/* Which address of a worker's host name is used: the first, until it is gone or does not answer. */
#ifndef ENGINE_BALANCE_ADDRESS_H
#define ENGINE_BALANCE_ADDRESS_H

#include "balance/worker.h"

#include <netdb.h>

/* Hints for getaddrinfo and the port as text. */
void address_hints(const struct worker *worker, struct addrinfo *hints, char *port, size_t cap);

/* The one of found to use now. current: in use, or NULL. next: it does not answer, so take the one
 * after it. Never NULL when found is not. */
const struct addrinfo *address_choose(const struct worker *worker, const struct addrinfo *found,
                                      const struct sockaddr *current, bool next);

bool address_same(const struct sockaddr *a, const struct sockaddr *b);
/* "127.0.0.1:8009", for the log. */
void address_text(const struct sockaddr *address, char *out, size_t cap);

#endif
