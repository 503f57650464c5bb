/* SPDX-License-Identifier: Apache-2.0 */
/* The tap: what passes on AJP connections, as a capture, to whoever connects to a Unix
 * socket. It is taken above TLS, so encrypted hops can be seen; and it takes no root. */
#ifndef ENGINE_NET_TAP_H
#define ENGINE_NET_TAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <uv.h>

/* Those that listen now: no byte is looked at while there are none. */
extern _Atomic int tap_clients;

/* One connection as the capture shows it; made when its first bytes pass. */
struct tap_flow;

static inline bool tap_active(void)
{
    return atomic_load_explicit(&tap_clients, memory_order_relaxed) != 0;
}

/* Bytes that passed on the socket fd, towards us or away. *flow is NULL at first. */
void tap_received(struct tap_flow **flow, int fd, const void *data, size_t n);
void tap_sent(struct tap_flow **flow, int fd, const struct iovec *v, size_t n);
/* The connection has ended. */
void tap_ended(struct tap_flow **flow);

struct tap;

/* Listen at path, on l. NULL with one message in error. */
struct tap *tap_start(const char *path, uv_loop_t *l, char *error, size_t error_cap);
/* The loop has to turn once more for its handle. handed_down: a successor has the path now.
 * tap may be NULL. */
void tap_stop(struct tap *tap, bool handed_down);

#endif
