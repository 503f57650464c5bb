/* SPDX-License-Identifier: Apache-2.0 */
/* Every thread binds every address: the kernel then spreads the connections. */
#include "run/sockets.h"

#include "net/inherit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has(const struct generation *g, const struct listener_settings *l)
{
    if (g == NULL)
        return false;
    for (size_t i = 0; i < g->settings->listener_count; i++)
        if (same_listener(&g->settings->listeners[i], l))
            return true;
    return false;
}

/* One listener in all threads. 0 or a negative errno. */
static int bind_one(const struct listener_settings *l, size_t at, struct order **orders,
                    uint32_t threads)
{
    uint16_t port = l->port;
    bool shared = threads > 1;

    if (shared && port != 0 &&
        !inherit_any()) { /* SO_REUSEPORT would share with another daemon unseen */
        int probe = listener_bind(l->host.ptr, &port, false);

        if (probe < 0)
            return probe;
        close(probe);
    }
    for (uint32_t t = 0; t < threads; t++) {
        int fd = listener_bind(l->host.ptr, &port, shared);

        if (fd < 0)
            return fd;
        orders[t]->doors[at].fd = fd;
        orders[t]->doors[at].door = door_new();
        if (orders[t]->doors[at].door == NULL)
            return -ENOMEM;
    }
    return 0;
}

static bool bind_all(const struct generation *g, const struct generation *old,
                     struct order **orders, uint32_t threads, char *error, size_t error_cap)
{
    for (size_t i = 0; i < g->settings->listener_count; i++) {
        const struct listener_settings *l = &g->settings->listeners[i];
        int rc = has(old, l) ? 0 : bind_one(l, i, orders, threads);

        if (rc != 0) {
            snprintf(error, error_cap, "cannot listen on %s://%s:%u: %s",
                     scheme_name(l->proto, l->secure), l->host.ptr, l->port, strerror(-rc));
            return false;
        }
    }
    return true;
}

void sockets_forget(struct order **orders, uint32_t threads)
{
    for (uint32_t t = 0; t < threads; t++)
        if (orders[t] != NULL)
            order_free(orders[t]);
    free(orders);
}

/* NULL: out of memory. */
static struct order **orders_new(struct generation *g, uint32_t threads)
{
    struct order **orders = calloc(threads, sizeof(struct order *));

    for (uint32_t t = 0; orders != NULL && t < threads; t++) {
        orders[t] = order_new(g);
        if (orders[t] == NULL) {
            sockets_forget(orders, threads);
            return NULL;
        }
    }
    return orders;
}

struct order **sockets_order(struct generation *g, const struct generation *old, uint32_t threads,
                             char *error, size_t error_cap)
{
    struct order **orders = orders_new(g, threads);

    if (orders == NULL) {
        snprintf(error, error_cap, "out of memory");
        return NULL;
    }
    if (bind_all(g, old, orders, threads, error, error_cap))
        return orders;
    sockets_forget(orders, threads);
    return NULL;
}

void sockets_announce(const struct settings *settings, const struct shard *sh)
{
    const struct list *at = sh->doors.next;

    for (size_t i = 0; i < settings->listener_count; i++, at = at->next) {
        const struct door *d = CONTAINER_OF(at, struct door, node);
        struct sockaddr_storage a = {0};
        socklen_t len = sizeof(a);
        bool six = strchr(d->settings->host.ptr, ':') != NULL;
        char text[320];

        getsockname(d->listener.fd, (struct sockaddr *)&a, &len);
        snprintf(text, sizeof(text), "listening %s://%s%s%s:%u",
                 scheme_name(d->settings->proto, d->settings->secure), six ? "[" : "",
                 d->settings->host.ptr, six ? "]" : "",
                 ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                               : ((struct sockaddr_in *)&a)->sin_port));
        log_output(text);
    }
}
