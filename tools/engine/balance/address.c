/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of a host name, and which of them is in use: one atomic number says so. */
#include "balance/address.h"

#include "base/log.h"

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
static bool is_late(const struct worker *worker, const struct addrinfo *at)
{
    return at->ai_family != AF_INET && strcmp(worker->settings->host.ptr, "localhost") == 0;
}

static void add(struct address_set *set, const struct addrinfo *found)
{
    bool ip = found->ai_family == AF_INET || found->ai_family == AF_INET6;
    if (!ip || set->count == ADDRESSES_MAX || found->ai_addrlen > sizeof set->at[0])
        return;
    for (uint32_t i = 0; i < set->count; i++)
        if (address_same(&set->at[i].any, found->ai_addr))
            return;
    memcpy(&set->at[set->count++], found->ai_addr, found->ai_addrlen);
}

/* Otherwise the resolver's order is kept: it knows what this machine can reach. */
static struct address_set set_of(const struct worker *worker, const struct addrinfo *found)
{
    struct address_set set = {.count = 0};
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        if (!is_late(worker, at))
            add(&set, at);
    for (const struct addrinfo *at = found; at; at = at->ai_next)
        if (is_late(worker, at))
            add(&set, at);
    return set;
}

/* --- places: the number of a set, which is counted up, and an index in it --- */

enum { INDEX_BITS = 8, INDEX_MASK = (1 << INDEX_BITS) - 1 };

static uint32_t place_of(uint32_t number, uint32_t index)
{
    return number << INDEX_BITS | index;
}

static uint32_t number_of(uint32_t place)
{
    return place >> INDEX_BITS;
}

static const struct address_set *set_at(const struct worker *worker, uint32_t place)
{
    return &worker->addresses[number_of(place) % 2];
}

static const struct sockaddr *address_at(const struct worker *worker, uint32_t place)
{
    return &set_at(worker, place)->at[place & INDEX_MASK].any;
}

static uint32_t place_now(const struct worker *worker)
{
    return atomic_load_explicit(&worker->address_at, memory_order_acquire);
}

/* Where address is in set; its end: nowhere. */
static uint32_t index_of(const struct address_set *set, const struct sockaddr *address)
{
    uint32_t i = 0;
    while (i < set->count && !address_same(&set->at[i].any, address))
        i++;
    return i;
}

static bool same_set(const struct address_set *a, const struct address_set *b)
{
    uint32_t i = 0;
    while (i < a->count && i < b->count && address_same(&a->at[i].any, &b->at[i].any))
        i++;
    return i == a->count && i == b->count;
}

bool address_set(struct worker *worker, const struct addrinfo *found)
{
    struct address_set next = set_of(worker, found);
    uint32_t place = place_now(worker), number = number_of(place), index;
    const struct address_set *now = set_at(worker, place);
    if (next.count == 0 || same_set(now, &next))
        return false;
    worker->addresses[(number + 1) % 2] = next;
    do { /* a thread may find another one good in between */
        index = now->count > 0 ? index_of(&next, address_at(worker, place)) : next.count;
    } while (!atomic_compare_exchange_weak(&worker->address_at, &place,
                                           place_of(number + 1, index < next.count ? index : 0)));
    return now->count == 0 || index == next.count;
}

static void use(struct worker *worker, const struct sockaddr *address)
{
    uint32_t place = place_now(worker), index = index_of(set_at(worker, place), address);
    if (index < set_at(worker, place)->count)
        atomic_compare_exchange_strong(&worker->address_at, &place,
                                       place_of(number_of(place), index));
}

bool address_known(const struct worker *worker)
{
    return set_at(worker, place_now(worker))->count > 0;
}

void address_inherit(struct worker *worker, const struct worker *old)
{
    if (!address_known(worker))
        worker->addresses[number_of(place_now(worker)) % 2] = *set_at(old, place_now(old));
    if (address_known(old))
        use(worker, worker_address(old));
}

const struct sockaddr *worker_address(const struct worker *worker)
{
    return address_at(worker, place_now(worker));
}

const struct sockaddr *address_begin(const struct worker *worker, struct address_walk *walk)
{
    *walk = (struct address_walk){.place = place_now(worker)};
    return address_at(worker, walk->place);
}

const struct sockaddr *address_now(const struct worker *worker, const struct address_walk *walk)
{
    uint32_t now = place_now(worker);
    return address_at(worker, number_of(walk->place) == number_of(now) ? walk->place : now);
}

/* The one behind it; of a set that is no longer in force, the one in use. */
static uint32_t place_behind(const struct worker *worker, uint32_t place)
{
    uint32_t now = place_now(worker);
    if (number_of(now) != number_of(place) || set_at(worker, place)->count == 0)
        return now;
    return place_of(number_of(place), ((place & INDEX_MASK) + 1) % set_at(worker, place)->count);
}

const struct sockaddr *address_next(const struct worker *worker, struct address_walk *walk)
{
    if (++walk->tried >= set_at(worker, place_now(worker))->count)
        return NULL;
    walk->place = place_behind(worker, walk->place);
    return address_at(worker, walk->place);
}

const struct sockaddr *address_resume(const struct worker *worker, struct address_walk *walk)
{
    *walk = (struct address_walk){.place = place_behind(worker, walk->place)};
    return address_at(worker, walk->place);
}

void address_keep(struct worker *worker, const struct address_walk *walk)
{
    uint32_t now = place_now(worker);
    char name[80], from[64], to[64];
    if (walk->place == now || number_of(walk->place) != number_of(now))
        return;
    address_text(address_at(worker, now), from, sizeof from);
    address_text(address_at(worker, walk->place), to, sizeof to);
    if (atomic_compare_exchange_strong(&worker->address_at, &now, walk->place))
        log_event(LEVEL_INFO, "worker_address", "worker=%s from=%s to=%s",
                  log_str(name, sizeof name, worker->settings->name), from, to);
}

void address_text(const struct sockaddr *address, char *out, size_t cap)
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_UNSPEC) {
        snprintf(out, cap, "none");
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, cap, "[%s]:%u", host, ntohs(in6->sin6_port));
    } else {
        const struct sockaddr_in *in = (const void *)address;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, cap, "%s:%u", host, ntohs(in->sin_port));
    }
}
