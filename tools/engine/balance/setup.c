/* SPDX-License-Identifier: Apache-2.0 */
/* A balancer from its settings, and what it keeps of the one before it. */
#include "balance/address.h"
#include "balance/balancer.h"
#include "balance/rendezvous.h"
#include "balance/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool same_text(ajp_str a, ajp_str b)
{
    return a.len == b.len && a.len > 0 && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* The clock of uv_now. */
static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool resolve(struct worker *worker, char *error, size_t error_cap)
{
    const struct worker_settings *settings = worker->settings;
    struct addrinfo hints, *found = NULL;
    char port[8];
    address_hints(worker, &hints, port, sizeof port);
    int rc = getaddrinfo(settings->host.ptr, port, &hints, &found);
    if (rc != 0) {
        snprintf(error, error_cap, "worker %s: cannot resolve %s: %s", settings->name.ptr,
                 settings->host.ptr, gai_strerror(rc));
        return false;
    }
    const struct addrinfo *chosen = address_choose(worker, found, NULL, false);
    worker_set_address(worker, chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

static struct room *room_new(void)
{
    struct room *room = aligned_alloc(_Alignof(struct room), sizeof *room);
    if (room) {
        memset(room, 0, sizeof *room);
        room->users = 1;
    }
    return room;
}

static void room_leave(struct room *room)
{
    if (room && atomic_fetch_sub(&room->users, 1) == 1)
        free(room);
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
        if (balancer)
            free(balancer->workers);
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
        worker->sessions = sessions_new(settings->session.idle, clock_ms());
        balancer->has_spares |= worker->settings->activation == ACTIVATION_SPARE;
        balancer->has_aliases |= worker->settings->aliases.count > 0;
        worker->room = room_new();
        if (!worker->room) {
            snprintf(error, error_cap, "out of memory");
            balancer_free(balancer);
            return NULL;
        }
        if (!resolve(worker, error, error_cap)) {
            balancer_free(balancer);
            return NULL;
        }
    }
    return balancer;
}

static void room_share(struct worker *to, const struct worker *from)
{
    room_leave(to->room);
    to->room = from->room;
    atomic_fetch_add(&to->room->users, 1);
}

static void inherit(struct worker *to, const struct worker *from)
{
    sessions_inherit(to->sessions, from->sessions);
    to->elected = from->elected;
    to->served = from->served;
    to->errors = from->errors;
    to->retries = from->retries;
    if (to->settings->port != from->settings->port ||
        !same_text(to->settings->host, from->settings->host)) {
        worker_start_slowly(to, clock_ms());
        return;
    }
    room_share(to, from);
    to->health = from->health;
    to->since_ms = from->since_ms;
    to->failed_ms = from->failed_ms;
    to->refused = from->refused;
    to->recovered_ms = from->recovered_ms;
    to->ejected_ms = from->ejected_ms;
    to->tally.charge = from->tally.charge;
    to->latency_us = from->latency_us;
    /* What was set at run time stays, until the file says something new. */
    if (to->settings->weight == from->settings->weight)
        to->weight = from->weight;
    if (to->settings->activation == from->settings->activation)
        to->activation = from->activation;
    if (to->activation == from->activation) {
        to->drain_ms = from->drain_ms;
    } else {
        enum activation next = worker_activation(to);
        to->activation = from->activation;
        worker_set_activation(to, next, clock_ms());
    }
}

void balancer_inherit(struct balancer *to, const struct balancer *from)
{
    to->born_ms = from->born_ms;
    for (size_t i = 0; i < to->count; i++) {
        size_t k = 0;
        while (k < from->count &&
               !same_text(to->workers[i].settings->name, from->workers[k].settings->name))
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
    pthread_mutex_destroy(&balancer->wake_lock);
    free(balancer->tallies);
    free(balancer->workers);
    free(balancer);
}
