/* SPDX-License-Identifier: Apache-2.0 */
/* A listening socket of one thread. Every thread has its own on the same address
 * (SO_REUSEPORT), so the kernel spreads the connections. */
#ifndef ENGINE_NET_LISTENER_H
#define ENGINE_NET_LISTENER_H

#include "net/loop.h"

#include <stdbool.h>
#include <sys/socket.h>

struct listener {
    uv_poll_t poll;
    struct deadline pause; /* accepting again after it could not */
    struct loop *loop;
    int fd;
    bool closed;
    /* A connection: fd is non-blocking and the callee's. */
    void (*accepted)(struct listener *l, int fd);
    /* Why there is no room now, to be asked again later; NULL: there is, as without it. */
    const char *(*full)(struct listener *l);
    /* listener_stop is done: the memory may go. */
    void (*stopped)(struct listener *l);
    void *owner; /* the user's */
};

/* A bound, listening, non-blocking socket, or a negative errno. shared: others will
 * bind the same address. *port: 0 picks one; set to what was bound. */
int listener_bind(const char *host, uint16_t *port, bool shared);
/* Could it? 0 or a negative errno. Nothing listens. The port may be in use, and a name is not
 * looked up: then it is 0. */
int listener_may_bind(const char *host, uint16_t port);

/* Accept on fd from now on; the other members are set already. */
int listener_start(struct listener *l, struct loop *loop, int fd);
/* No more connections; stopped() follows in a later turn of the loop. */
void listener_stop(struct listener *l);

#endif
