/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange on a client's connection: a request packet and its body there, an answer back. */
#ifndef AJPCAT_FETCH_H
#define AJPCAT_FETCH_H

#include "client.h"

struct fetch {
    struct client *client;
    void *user;
    /* Up to most bytes of the body; 0: its end. NULL: the request has none. */
    size_t (*read)(void *user, uint8_t *to, size_t most);
    /* What comes back; either may be NULL. Interim heads (1xx) come too. */
    void (*head)(void *user, const ajp_response *r);
    void (*body)(void *user, const uint8_t *data, size_t len);
    /* What was seen. */
    uint16_t status;                      /* 0: no head came */
    uint64_t up, down;                    /* bytes of the bodies */
    uint64_t start_ns, first_ns, last_ns; /* 0: did not happen */
};

/* Sends the Forward Request packet[0..len) and what the server asks for. The connection may be used
 * again when ajp_session_idle says so. After a failure client->why tells it. */
enum client_result fetch_run(struct fetch *f, const uint8_t *packet, size_t len);

#endif
