/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a worker: the route's own, else the best of one pass over all. */
#include "balance/balancer.h"

#include "balance/rendezvous.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORCED_INTERVAL = 1000 }; /* ms between tries while every worker is down */

/* The ranks of a candidate, worst first: a lower sum is the better worker. Distances take the
 * bits below RANK_STANDBY. A session rather waits in its own domain than moves out of it. */
enum {
    RANK_BUSY_PROBE = 1 << 29,   /* on probation, has its one request already */
    RANK_OTHER_DOMAIN = 1 << 28, /* the session is not replicated there */
    RANK_FULL = 1 << 27,         /* the request must wait for a connection */
    RANK_STANDBY = 1 << 26,
    RANK_DISTANCE_MAX = (1 << 24) - 1,
    RANK_DISTANCE_SHIFT = 1,
    RANK_SUSPECT = 1,
    RANK_NONE = 1 << 30, /* cannot be used */
};

static bool same_text(ajp_str a, ajp_str b)
{
    return a.len == b.len && a.len > 0 && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool was_tried(const struct pick *pick, const struct worker *worker)
{
    return pick->tried >> worker->index & 1;
}

static enum activation activation_of(const struct worker *worker)
{
    return (enum activation)atomic_load_explicit(&worker->activation, memory_order_relaxed);
}

static uint32_t busy_of(const struct worker *worker)
{
    return atomic_load_explicit(&worker->busy, memory_order_relaxed);
}

/* Health alone; activation and capacity are the caller's to look at. */
static bool takes_requests(const struct worker *worker)
{
    return worker_health(worker) != HEALTH_DOWN;
}

static bool is_full(const struct worker *worker)
{
    uint32_t cap = worker->settings->max_connections;
    return cap != 0 && busy_of(worker) >= cap;
}

/* For requests that name it: drained and standby workers serve those. */
static bool serves_route(const struct worker *worker, const struct pick *pick)
{
    if (was_tried(pick, worker) || !takes_requests(worker))
        return false;
    if (worker_health(worker) == HEALTH_PROBE && busy_of(worker) != 0)
        return false;
    return activation_of(worker) != ACTIVATION_STOP;
}

static uint32_t rank_of(const struct worker *worker, const struct pick *pick, ajp_str domain)
{
    if (was_tried(pick, worker) || !takes_requests(worker))
        return RANK_NONE;
    uint32_t rank = 0;
    switch (activation_of(worker)) {
    case ACTIVATION_ACTIVE:
        break;
    case ACTIVATION_STANDBY:
        rank |= RANK_STANDBY;
        break;
    case ACTIVATION_DRAIN:
    case ACTIVATION_STOP:
        return RANK_NONE;
    }
    if (is_full(worker))
        rank |= RANK_FULL;
    if (domain.len > 0 && !same_text(worker->settings->domain, domain))
        rank |= RANK_OTHER_DOMAIN;
    uint32_t distance = worker->settings->distance;
    if (distance > RANK_DISTANCE_MAX)
        distance = RANK_DISTANCE_MAX;
    rank |= distance << RANK_DISTANCE_SHIFT;
    enum health health = worker_health(worker);
    if (health == HEALTH_SUSPECT)
        rank |= RANK_SUSPECT;
    if (health == HEALTH_PROBE && busy_of(worker) != 0)
        rank |= RANK_BUSY_PROBE;
    return rank;
}

/* Of a and b the one that is less busy for its weight: below 0 for a. */
static int compare_load(uint64_t busy_a, uint32_t weight_a, uint64_t busy_b, uint32_t weight_b)
{
    uint64_t left = busy_a * weight_b;
    uint64_t right = busy_b * weight_a;
    return (left > right) - (left < right);
}

/* Equals take turns, by weight: in a row where the weights are the same, else along the golden
 * ratio, which spreads the turns of the heavy ones evenly. */
static struct worker *take_turns(struct balancer *balancer, uint64_t tied, uint32_t sum,
                                 bool same_weight)
{
    uint32_t turn = atomic_fetch_add_explicit(&balancer->turn, 1, memory_order_relaxed);
    uint32_t place;
    if (same_weight)
        place = turn % (uint32_t)__builtin_popcountll(tied);
    else
        place = (uint32_t)((uint64_t)(turn * 0x9e3779b1u) * sum >> 32);
    for (; tied != 0; tied &= tied - 1) {
        struct worker *worker = &balancer->workers[__builtin_ctzll(tied)];
        uint32_t share = same_weight ? 1 : worker->settings->weight;
        if (place < share)
            return worker;
        place -= share;
    }
    return NULL; /* not reached: the shares add up to more than place */
}

static struct worker *pick_by_busyness(struct balancer *balancer, const struct pick *pick,
                                       ajp_str domain)
{
    const struct worker *best = NULL;
    uint32_t best_rank = RANK_NONE, sum = 0;
    uint64_t best_busy = 0, tied = 0;
    bool same_weight = true;
    for (size_t i = 0; i < balancer->count; i++) {
        const struct worker *worker = &balancer->workers[i];
        uint32_t rank = rank_of(worker, pick, domain);
        if (rank == RANK_NONE || rank > best_rank)
            continue;
        uint64_t busy = busy_of(worker);
        uint32_t weight = worker->settings->weight;
        int order = -1;
        if (best && rank == best_rank)
            order = compare_load(busy, weight, best_busy, best->settings->weight);
        if (order > 0)
            continue;
        if (order < 0) {
            best = worker;
            best_rank = rank;
            best_busy = busy;
            tied = 0;
            sum = 0;
            same_weight = true;
        }
        same_weight = same_weight && weight == best->settings->weight;
        tied |= (uint64_t)1 << i;
        sum += weight;
    }
    if (!best)
        return NULL;
    if ((tied & (tied - 1)) == 0)
        return &balancer->workers[best->index];
    return take_turns(balancer, tied, sum, same_weight);
}

/* The id without its route: that stays when the session moves. */
static uint64_t key_of(ajp_str session_id)
{
    const char *dot = session_id.len ? memchr(session_id.ptr, '.', session_id.len) : NULL;
    if (dot)
        session_id.len = (size_t)(dot - session_id.ptr);
    return rendezvous_hash(session_id);
}

static struct worker *pick_by_session(struct balancer *balancer, const struct pick *pick,
                                      ajp_str domain)
{
    struct worker *best = NULL;
    uint32_t best_rank = RANK_NONE;
    uint64_t best_cost = 0, key = key_of(pick->session_id);
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        /* What only this instance suspects must not change the choice. */
        uint32_t rank = rank_of(worker, pick, domain) & ~(uint32_t)RANK_SUSPECT;
        if (rank == RANK_NONE || rank > best_rank)
            continue;
        uint64_t cost = rendezvous_cost(key, worker->name_hash, worker->settings->weight);
        if (best && rank == best_rank && cost >= best_cost)
            continue;
        best = worker;
        best_rank = rank;
        best_cost = cost;
    }
    return best;
}

/* All are down: once a second a request may try the one whose failure is longest ago. */
static struct worker *pick_forced(struct balancer *balancer, const struct pick *pick)
{
    uint64_t last = atomic_load_explicit(&balancer->forced_ms, memory_order_relaxed);
    if (last != 0 && pick->now_ms - last < FORCED_INTERVAL)
        return NULL;
    struct worker *best = NULL;
    uint64_t best_failed = UINT64_MAX;
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        enum activation activation = activation_of(worker);
        if (was_tried(pick, worker) || worker_health(worker) != HEALTH_DOWN ||
            activation == ACTIVATION_STOP || activation == ACTIVATION_DRAIN)
            continue;
        uint64_t failed = atomic_load_explicit(&worker->failed_ms, memory_order_relaxed);
        if (failed < best_failed) {
            best = worker;
            best_failed = failed;
        }
    }
    if (best && !atomic_compare_exchange_strong(&balancer->forced_ms, &last, pick->now_ms))
        return NULL;
    return best;
}

/* The replication group to stay in: the route's worker's, or for a worker that is not ours the
 * part of its name before the first dot (mod_jk's convention). */
static ajp_str domain_of(const struct worker *own, ajp_str route)
{
    if (own)
        return own->settings->domain;
    const char *dot = route.len ? memchr(route.ptr, '.', route.len) : NULL;
    return dot ? ajp_str_of(route.ptr, (size_t)(dot - route.ptr)) : AJP_NULL;
}

struct worker *balancer_find(struct balancer *balancer, ajp_str route)
{
    for (size_t i = 0; i < balancer->count; i++)
        if (same_text(balancer->workers[i].settings->name, route))
            return &balancer->workers[i];
    return NULL;
}

struct worker *balancer_pick(struct balancer *balancer, struct pick *pick)
{
    const struct session_settings *session = &balancer->settings->session;
    pick->sticky = false;
    bool routed = session->sticky && pick->route.len > 0;
    struct worker *found = NULL;
    if (routed) {
        struct worker *own = balancer_find(balancer, pick->route);
        if (own && serves_route(own, pick)) {
            pick->sticky = true;
            return own;
        }
        if (own && session->sticky_force)
            return NULL;
        struct worker *heir = own ? balancer_find(balancer, own->settings->redirect) : NULL;
        if (heir && serves_route(heir, pick))
            return heir;
        ajp_str domain = domain_of(own, pick->route);
        found = pick_by_session(balancer, pick, domain);
    } else {
        found = pick_by_busyness(balancer, pick, AJP_NULL);
    }
    return found ? found : pick_forced(balancer, pick);
}

static bool resolve(struct worker *worker, char *error, size_t error_cap)
{
    const struct worker_settings *settings = worker->settings;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", settings->port);
    int rc = getaddrinfo(settings->host.ptr, port, &hints, &found);
    if (rc != 0) {
        snprintf(error, error_cap, "worker %s: cannot resolve %s: %s", settings->name.ptr,
                 settings->host.ptr, gai_strerror(rc));
        return false;
    }
    memcpy(&worker->addr, found->ai_addr, found->ai_addrlen);
    worker->addr_len = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

struct balancer *balancer_new(const struct settings *settings, char *error, size_t error_cap)
{
    struct balancer *balancer = calloc(1, sizeof *balancer);
    size_t size = settings->worker_count * sizeof(struct worker);
    if (balancer && size)
        balancer->workers = aligned_alloc(_Alignof(struct worker), size);
    if (!balancer || (size && !balancer->workers)) {
        snprintf(error, error_cap, "out of memory");
        free(balancer);
        return NULL;
    }
    balancer->settings = settings;
    balancer->count = settings->worker_count;
    if (size)
        memset(balancer->workers, 0, size);
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        worker->settings = &settings->workers[i];
        worker->balancer = balancer;
        worker->index = (uint32_t)i;
        worker->name_hash = rendezvous_hash(worker->settings->name);
        worker->activation = worker->settings->activation;
        if (!resolve(worker, error, error_cap)) {
            balancer_free(balancer);
            return NULL;
        }
    }
    return balancer;
}

void balancer_free(struct balancer *balancer)
{
    if (!balancer)
        return;
    free(balancer->workers);
    free(balancer);
}
