/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing among the addresses of a host name. */
#include "balance/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void address_hints(const struct worker *worker, struct addrinfo *hints, char *port, size_t cap)
{
    *hints = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    snprintf(port, cap, "%u", worker->settings->port);
}

bool address_same(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;
        return x->sin6_port == y->sin6_port && x->sin6_scope_id == y->sin6_scope_id &&
               memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
    }
    const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
    return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
}

/* Tomcat's connector for localhost is on 127.0.0.1, resolvers name ::1 first. */
static const struct addrinfo *first_of(const struct worker *worker, const struct addrinfo *found)
{
    if (strcmp(worker->settings->host.ptr, "localhost") == 0)
        for (const struct addrinfo *at = found; at; at = at->ai_next)
            if (at->ai_family == AF_INET)
                return at;
    return found;
}

const struct addrinfo *address_choose(const struct worker *worker, const struct addrinfo *found,
                                      const struct sockaddr *current, bool next)
{
    for (const struct addrinfo *at = found; at && current; at = at->ai_next) {
        if (!address_same(at->ai_addr, current))
            continue;
        if (!next)
            return at;
        return at->ai_next ? at->ai_next : found;
    }
    return first_of(worker, found);
}

void address_text(const struct sockaddr *address, char *out, size_t cap)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, cap, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, cap, "%s:%u", host, ntohs(in->sin_port));
    }
}
