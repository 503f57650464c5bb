/* SPDX-License-Identifier: Apache-2.0 */
/* A connection, plain or inside TLS: the same calls for both. */
#ifndef AJPCAT_LINK_H
#define AJPCAT_LINK_H

#include "secure.h"

#include <sys/socket.h>

struct link {
    int fd;                /* -1: none */
    struct secure *secure; /* NULL: plain */
};

/* As recv and send that do not block: EAGAIN when it is to be waited. */
static inline ssize_t link_recv(struct link *l, void *to, size_t cap)
{
    return l->secure ? secure_recv(l->secure, to, cap) : recv(l->fd, to, cap, MSG_DONTWAIT);
}

static inline ssize_t link_send(struct link *l, const void *from, size_t len)
{
    return l->secure ? secure_send(l->secure, from, len)
                     : send(l->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Bytes are there though the socket has none. */
static inline bool link_holds(const struct link *l)
{
    return l->secure && secure_holds(l->secure);
}

/* Begins TLS on the socket. False: no memory. */
bool link_secure(struct link *l, struct tls_context *side);
/* Sees a handshake through within ms milliseconds, blocking; true at once when plain. On failure
 * why says why. */
bool link_shake(struct link *l, int ms, struct text *why);
/* In words, after a call failed. */
const char *link_why(const struct link *l);
/* No more will be sent. */
void link_end(struct link *l);
void link_close(struct link *l);

#endif
