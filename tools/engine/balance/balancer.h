/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the worker of a request. Shared by all threads; no lock, no allocation. */
#ifndef ENGINE_BALANCE_BALANCER_H
#define ENGINE_BALANCE_BALANCER_H

#include "balance/worker.h"

#include <pthread.h>

enum { COOKIES_WARNED = 8 };

struct balancer {
    const struct settings *settings;
    struct worker *workers; /* settings->worker_count of them, same order */
    size_t count;
    struct room_list gone;       /* of workers that earlier generations had */
    struct tally *tallies;       /* count of them for each of settings->weightings */
    _Atomic uint32_t turn;       /* where ties begin */
    _Atomic uint64_t forced_ms;  /* last try of a worker that is down, while all are */
    uint64_t born_ms;            /* when the daemon started; 0: it took over from another */
    _Atomic uint64_t decayed_ms; /* when the charges were last made smaller */
    _Atomic uint64_t warned_cookies[COOKIES_WARNED]; /* hashes of their names; 0: none */
    bool has_aliases;
    atomic_bool has_spares;    /* or had them */
    pthread_mutex_t wake_lock; /* taken when health changes, never for a request */
    void (*wake)(void *ctx);
    void *wake_ctx;
    void (*changed)(void *ctx);
    void *changed_ctx;
};

struct pick {
    ajp_str route;      /* of the session id; null: none */
    ajp_str session_id; /* null: none */
    struct worker *own; /* of route, where sticky_find has met it; only for the next choice */
    ajp_str key;        /* what METHOD_HASH hashes: the client's address */
    uint64_t tried;     /* one bit per index of the workers already tried; the caller sets them */
    uint64_t outside;   /* likewise those that its path does not belong to */
    uint32_t weighting; /* of its route: which of the settings' weightings, from 1; 0: none */
    const struct route *mapping; /* of the settings, that its path has; NULL: they have no routes */
    uint64_t now_ms;
    bool sticky; /* out: the route's own worker was chosen */
};

/* What the request's path has of these, or else what holds for all paths. */
static inline bool pick_is_sticky(const struct settings *settings, const struct pick *pick)
{
    return pick->mapping ? pick->mapping->sticky : settings->session.sticky;
}

static inline bool pick_is_forced(const struct settings *settings, const struct pick *pick)
{
    return pick->mapping ? pick->mapping->sticky_force : settings->session.sticky_force;
}

/* Resolves every worker's host name (blocking). NULL with one message in error. The settings
 * must outlive the balancer. */
struct balancer *balancer_new(const struct settings *settings, char *error, size_t error_cap);
/* Workers that are the same in both keep what was learned of them: health, and an activation
 * set at run time unless the settings' own has changed. */
void balancer_inherit(struct balancer *to, const struct balancer *from);
void balancer_free(struct balancer *balancer);

/* NULL: none can be used now. */
struct worker *balancer_pick(struct balancer *balancer, struct pick *pick);

/* wake is called, from any thread, when a worker wants the prober now; NULL: there is none. The old
 * one is not being called any more when this returns. */
void balancer_set_wake(struct balancer *balancer, void (*wake)(void *ctx), void *ctx);
void balancer_wake(struct balancer *balancer);
/* changed is called, from any thread, when those who wait for a connection should look again for
 * what a worker's health or activation has become. */
void balancer_on_change(struct balancer *balancer, void (*changed)(void *ctx), void *ctx);
/* Of that worker, just now. */
void balancer_changed(const struct worker *worker);
/* Likewise, whoever waits. */
void balancer_tell(struct balancer *balancer);

/* The one that a session of that route belongs to, none that is outside. */
struct worker *balancer_own(struct balancer *balancer, const struct pick *pick, ajp_str route);
/* By its route: its name or an alias; NULL: none. */
struct worker *balancer_find(struct balancer *balancer, ajp_str route);

#endif
