/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of addresses and networks, and whether a peer is of one. */
#ifndef ENGINE_NET_NETWORKS_H
#define ENGINE_NET_NETWORKS_H

#include "config/settings.h"

/* "10.0.0.0/8", "192.0.2.1", "2001:db8::/32". False: it is none, or has bits behind its length. */
bool network_parse(const char *text, struct network *out);
/* As it is parsed again. */
void network_print(const struct network *network, char *out, size_t cap);

/* The other end of fd. A peer over a Unix socket, or that has gone, is of none. */
bool networks_hold_peer(const struct network_list *list, int fd);

#endif
