/* SPDX-License-Identifier: Apache-2.0 */
/* A balancer from its settings, and what it keeps of the one before it. */
#include "balance/address.h"
#include "balance/past.h"
#include "balance/rendezvous.h"
#include "balance/sessions.h"
#include "net/name_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The clock of uv_now. */
static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* It is down, and the prober looks its name up again. */
static void tell_lost(struct worker *worker, int rc)
{
    char name[80], host[128];
    worker->health = HEALTH_DOWN;
    snprintf(worker->reason, sizeof worker->reason, ADDRESS_NOT_KNOWN);
    log_event(LEVEL_WARN, "worker_lookup_failed", "worker=%s host=%s reason=\"%s\"",
              log_str(name, sizeof name, worker->settings->name),
              log_str(host, sizeof host, worker->settings->host), gai_strerror(rc));
}

static struct name_query *ask(const struct worker *worker)
{
    struct addrinfo hints;
    char port[8];
    if (worker->settings->not_found)
        return NULL;
    address_hints(worker, &hints, port, sizeof port);
    return name_query_start(worker->settings->host.ptr, port, &hints, NULL, NULL);
}

static void take(struct worker *worker, struct name_query *query)
{
    const struct addrinfo *found = NULL;
    int rc = query ? name_query_result(query, &found) : EAI_AGAIN;
    if (rc == 0)
        address_set(worker, found);
    if (!address_known(worker))
        tell_lost(worker, rc != 0 ? rc : EAI_NONAME);
    name_query_leave(query);
}

/* An address needs no thread. */
static void take_literal(struct worker *worker)
{
    struct addrinfo hints, *found = NULL;
    char port[8];
    address_hints(worker, &hints, port, sizeof port);
    hints.ai_flags |= AI_NUMERICHOST;
    int rc = getaddrinfo(worker->settings->host.ptr, port, &hints, &found);
    if (rc == 0)
        address_set(worker, found);
    else
        tell_lost(worker, rc);
    if (found)
        freeaddrinfo(found);
}

/* All names at once; who is not found soon does not keep the others waiting. */
static void resolve_all(struct balancer *balancer)
{
    struct name_query *queries[WORKERS_MAX] = {0};
    uint64_t deadline = clock_ms() + NAME_PATIENCE_MS;
    for (size_t i = 0; i < balancer->count; i++)
        if (name_is_looked_up(balancer->workers[i].settings->host.ptr))
            queries[i] = ask(&balancer->workers[i]);
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        if (queries[i])
            name_query_wait(queries[i], deadline);
        if (name_is_looked_up(worker->settings->host.ptr))
            take(worker, queries[i]);
        else
            take_literal(worker);
    }
}

struct balancer *balancer_new(const struct settings *settings, char *error, size_t error_cap)
{
    struct balancer *balancer = calloc(1, sizeof *balancer);
    size_t size = settings->worker_count * sizeof(struct worker);
    size_t tallies = settings->worker_count * settings->weighting_count;
    if (balancer && size)
        balancer->workers = aligned_alloc(_Alignof(struct worker), size);
    if (balancer && tallies)
        balancer->tallies = calloc(tallies, sizeof *balancer->tallies);
    if (!balancer || (size && !balancer->workers) || (tallies && !balancer->tallies)) {
        snprintf(error, error_cap, "out of memory");
        if (balancer) {
            free(balancer->tallies);
            free(balancer->workers);
        }
        free(balancer);
        return NULL;
    }
    pthread_mutex_init(&balancer->wake_lock, NULL);
    balancer->settings = settings;
    balancer->count = settings->worker_count;
    balancer->born_ms = clock_ms();
    if (size)
        memset(balancer->workers, 0, size);
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        worker->settings = &settings->workers[i];
        worker->balancer = balancer;
        worker->index = (uint32_t)i;
        worker->name_hash = rendezvous_hash(worker->settings->name);
        worker->activation = worker->settings->activation;
        worker->weight = worker->settings->weight;
        worker->since_ms = clock_ms();
        worker->sessions = sessions_new(settings->session.idle, clock_ms());
        if (worker->activation == ACTIVATION_SPARE)
            balancer->has_spares = true;
        balancer->has_aliases |= worker->settings->aliases.count > 0;
        worker->room = room_new(worker->settings);
        if (!worker->room) {
            snprintf(error, error_cap, "out of memory");
            balancer_free(balancer);
            return NULL;
        }
    }
    resolve_all(balancer);
    return balancer;
}

static void inherit(struct worker *to, const struct worker *from)
{
    sessions_inherit(to->sessions, from->sessions);
    to->elected = from->elected;
    to->served = from->served;
    to->errors = from->errors;
    to->retries = from->retries;
    if (to->settings->port != from->settings->port ||
        !same_name(to->settings->host, from->settings->host)) {
        worker_start_slowly(to, clock_ms());
        return;
    }
    address_inherit(to, from);
    to->answers_cping = from->answers_cping;
    to->unasked_until_ms = from->unasked_until_ms;
    to->tally.charge = from->tally.charge;
    to->latency_us = from->latency_us;
    struct worker_past past = worker_past(from);
    worker_recall(to, &past, clock_ms());
}

static void take_room(struct worker *to, const struct balancer *from)
{
    struct room *room = room_find(&from->gone, to->room);
    for (size_t i = 0; !room && i < from->count; i++)
        if (room_same(from->workers[i].room, to->room))
            room = from->workers[i].room;
    if (!room)
        return;
    room_leave(to->room);
    to->room = room_hold(room);
}

static bool has_room(const struct balancer *balancer, const struct room *room)
{
    size_t i = 0;
    while (i < balancer->count && balancer->workers[i].room != room)
        i++;
    return i < balancer->count;
}

/* What is at work at a worker counts on, even if the worker goes, and comes back with a later
 * reload. */
static void inherit_rooms(struct balancer *to, const struct balancer *from)
{
    for (size_t i = 0; i < to->count; i++)
        take_room(&to->workers[i], from);
    to->gone.at = calloc(from->count + from->gone.count + 1, sizeof(struct room *));
    if (!to->gone.at)
        return; /* a worker that comes back soon may have too many connections for a while */
    for (size_t i = 0; i < from->count; i++)
        if (!has_room(to, from->workers[i].room))
            room_remember(&to->gone, from->workers[i].room);
    for (size_t i = 0; i < from->gone.count; i++)
        if (!has_room(to, from->gone.at[i]))
            room_remember(&to->gone, from->gone.at[i]);
}

void balancer_inherit(struct balancer *to, const struct balancer *from)
{
    inherit_rooms(to, from);
    to->born_ms = from->born_ms;
    for (size_t i = 0; i < COOKIES_WARNED; i++)
        to->warned_cookies[i] = from->warned_cookies[i];
    for (size_t i = 0; i < to->count; i++) {
        size_t k = 0;
        while (k < from->count &&
               !same_name(to->workers[i].settings->name, from->workers[k].settings->name))
            k++;
        if (k < from->count)
            inherit(&to->workers[i], &from->workers[k]);
        else
            worker_start_slowly(&to->workers[i], clock_ms());
    }
}

void balancer_free(struct balancer *balancer)
{
    if (!balancer)
        return;
    for (size_t i = 0; i < balancer->count; i++) {
        room_leave(balancer->workers[i].room);
        sessions_free(balancer->workers[i].sessions);
    }
    room_list_clear(&balancer->gone);
    pthread_mutex_destroy(&balancer->wake_lock);
    free(balancer->tallies);
    free(balancer->workers);
    free(balancer);
}
