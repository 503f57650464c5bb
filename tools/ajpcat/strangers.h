/* SPDX-License-Identifier: Apache-2.0 */
/* Connections on which no AJP came: refused ones, and those on which something else is spoken.
 * Shown are those to servers that speak AJP, or to its port; of all others the number is told where
 * a capture holds no AJP at all. */
#ifndef AJPCAT_STRANGERS_H
#define AJPCAT_STRANGERS_H

#include "exchange.h"
#include "tally.h"
#include "tcp.h"

/* Who was seen to speak AJP so far. */
struct acquaintances {
    struct tally_set servers, clients; /* by address and port; by address */
    struct tally connections;          /* of others, by what they speak */
};

void acquaintances_add(struct acquaintances *a, const struct peer *client,
                       const struct peer *server);
void acquaintances_free(struct acquaintances *a);

/* "2 connections of HTTP to 192.0.2.1:80"; nothing is added after that. */
void acquaintances_tell(struct acquaintances *a, struct text *out);

/* Which end of a flow opened it. */
int stranger_client(const struct tcp_flow *f);

/* An exchange that stands for the connection, if it is one to be shown, or NULL. a NULL: all are.
 * first: what came on it, NULL: nothing but its SYN. */
struct exchange *stranger_begin(struct ledger *l, struct acquaintances *a, const struct tcp_flow *f,
                                const char *speech, const struct segment *first);

/* One that was open already when the capture began, and on which no AJP was found. */
void stranger_count(struct acquaintances *a, const struct tcp_flow *f);

/* A connection that was never open: shows it, if it is one to be shown. */
void stranger_refused(struct ledger *l, struct acquaintances *a, const struct tcp_flow *f,
                      uint64_t now_ns);

#endif
