/* SPDX-License-Identifier: Apache-2.0 */
/* The access log's line of a request that was refused before it was whole: what is known of it. */
#ifndef ENGINE_FRONT_REFUSED_H
#define ENGINE_FRONT_REFUSED_H

#include "front/conn.h"
#include "http/h1_parse.h"

/* How it ended. */
struct refused {
    ajp_str client;
    uint64_t since;  /* ms: its first byte came; 0: just now */
    uint64_t bytes;  /* of our answer's body */
    uint16_t status; /* 0: none was sent */
    const char *reason;
};

/* rx begins with the head of it, whole or not. */
void refused_head(struct conn *c, const struct h1_limits *lim, const struct refused *how);
/* No request at all could be read. */
void refused_packet(struct conn *c, const struct refused *how);
/* Fill x->head with what in[0..len), a Forward Request that does not decode, has before its fault.
 */
void refused_read(struct exchange *x, const uint8_t *in, size_t len, const ajp_limits *lim);

#endif
