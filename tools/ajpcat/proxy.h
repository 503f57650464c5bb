/* SPDX-License-Identifier: Apache-2.0 */
/* One relayed connection of `ajpcat proxy`: bytes pass unchanged, and are shown on the way. */
#ifndef AJPCAT_PROXY_H
#define AJPCAT_PROXY_H

#include "filter.h"
#include "link.h"
#include "net.h"
#include "talk.h"
#include "view.h"

#include <poll.h>

struct proxy_output {
    struct view view;
    const struct view_kind *kind;
    const struct filter_node *filter; /* NULL: all */
    bool failed;                      /* standard output does not take more */
};

/* Who we are on either side; NULL where it is plain. */
struct proxy_sides {
    struct tls_context *listen, *to;
};

struct proxy_pair {
    struct {
        struct link link;
        int shaking;         /* the poll event that a TLS handshake waits for, 0: none */
        struct text waiting; /* bytes for it */
        bool eof, shut;
    } side[2]; /* 0: the web server, 1: the app server */
    bool connecting, broken;
    struct proxy_output *output;
    struct tcp_flow flow;
    struct ledger ledger;
    struct talk_watcher watcher;
    struct talk *talk;
    const struct exchange *shown; /* told before it was final */
    struct proxy_pair *next;
};

/* Connects to the app server. NULL with errno: that failed at once. */
struct proxy_pair *proxy_pair_new(int client_fd, const struct address *client,
                                  const struct address *server, const struct proxy_sides *sides,
                                  uint64_t number, struct proxy_output *output);
void proxy_pair_want(const struct proxy_pair *p, struct pollfd fds[2]);
/* False: it is over. */
bool proxy_pair_step(struct proxy_pair *p, const struct pollfd fds[2]);
void proxy_pair_free(struct proxy_pair *p);
void proxy_output_write(struct proxy_output *o);

#endif
