/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that the program's predecessor handed down (binary upgrade), or a
 * service manager. Used while starting, by the main thread alone. */
#ifndef ENGINE_NET_INHERIT_H
#define ENGINE_NET_INHERIT_H

#include <stdbool.h>
#include <sys/socket.h>

/* Names in the environment: how many sockets there are, from descriptor 3 on; who is to be told
 * when they are served; and the descriptor of what that one was told at run time, with a comma and
 * its own process id. */
#define INHERIT_COUNT "AJP_INHERITED_SOCKETS"
#define INHERIT_FROM  "AJP_UPGRADE_FROM"
#define INHERIT_STATE "AJP_UPGRADE_STATE"

/* Look at the environment, once. */
void inherit_init(void);
/* True when some socket was handed down and not taken yet. */
bool inherit_any(void);
/* The socket that listens at addr (port 0: any port of that address), now the caller's; -1:
 * there is none. */
int inherit_take(const struct sockaddr *addr, socklen_t len);
/* What the predecessor was told at run time, now the caller's; -1: it hands nothing over. */
int inherit_take_state(void);
/* Close what nobody took, and let the predecessor drain. */
void inherit_done(void);

/* The listening sockets that this process has open: at most cap of them. */
int inherit_list(int *fds, int cap);

#endif
