/* SPDX-License-Identifier: Apache-2.0 */
/* Which address of a worker's host name is used: the one that answered last, at first the first.
 * Where it can not be connected to the others are tried at once, and who answers is kept. */
#ifndef ENGINE_BALANCE_ADDRESS_H
#define ENGINE_BALANCE_ADDRESS_H

#include "balance/worker.h"

#include <netdb.h>

/* A connect that goes through a worker's addresses. */
struct address_walk {
    uint32_t place; /* of the address tried now */
    uint32_t tried; /* before it */
};

/* Hints for getaddrinfo and the port as text. */
void address_hints(const struct worker *worker, struct addrinfo *hints, char *port, size_t cap);

/* What its name means now. The address in use stays in use while it is among them; else the first
 * of them is. From the prober's thread, not more than once a second; or before there are threads.
 * True: another one is in use now. */
bool address_set(struct worker *worker, const struct addrinfo *found);
/* False: its name was not found so far. */
#define ADDRESS_NOT_KNOWN "its host name is not found"
bool address_known(const struct worker *worker);
/* worker has just been made, with the same name and host as old: the address in use is the same, if
 * it still is one; all of them are, if its host was not found this time. */
void address_inherit(struct worker *worker, const struct worker *old);

/* The one in use. Stays valid for longer than any connect call takes, here and below. */
const struct sockaddr *worker_address(const struct worker *worker);

/* Begins with the one in use. */
const struct sockaddr *address_begin(const struct worker *worker, struct address_walk *walk);
/* The one that it is at; the one in use, if the name means others by now. */
const struct sockaddr *address_now(const struct worker *worker, const struct address_walk *walk);
/* The one to try instead; NULL: all of them were. */
const struct sockaddr *address_next(const struct worker *worker, struct address_walk *walk);
/* It answered: from any thread. */
void address_keep(struct worker *worker, const struct address_walk *walk);
/* Where address_next would go on, whatever is in use: the walk begins anew there. */
const struct sockaddr *address_resume(const struct worker *worker, struct address_walk *walk);

bool address_same(const struct sockaddr *a, const struct sockaddr *b);
/* "127.0.0.1:8009", for the log. */
void address_text(const struct sockaddr *address, char *out, size_t cap);

#endif
