/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a worker: the route's own, else the best of one pass over all. */
#include "balance/balancer.h"

#include "balance/load.h"
#include "balance/rendezvous.h"
#include "balance/sessions.h"

#include <string.h>

enum { FORCED_INTERVAL = 1000 }; /* ms between tries while every worker is down */

/* The ranks of a candidate, worst first: a lower sum is the better worker. Distances take the
 * bits below RANK_STANDBY. A session rather waits in its own domain than moves out of it. */
enum {
    RANK_SILENT = 1 << 29,         /* it may answer some day: for want of any other */
    RANK_BUSY_PROBE = 1 << 28,     /* on probation, has its one request already */
    RANK_OTHER_DOMAIN = 1 << 27,   /* the session is not replicated there */
    RANK_SILENT_AT_HOME = 1 << 26, /* silent, but the session is replicated there */
    RANK_EJECTED = 1 << 25,        /* serves nobody now */
    RANK_FULL = 1 << 24,           /* the request must wait for a connection */
    RANK_STANDBY = 1 << 23,
    RANK_DISTANCE_MAX = (1 << 21) - 1,
    RANK_DISTANCE_SHIFT = 1,
    RANK_SUSPECT = 1,
    RANK_NONE = 1 << 30, /* cannot be used */
};

static bool was_tried(const struct pick *pick, const struct worker *worker)
{
    return (pick->tried | pick->outside) >> worker->index & 1;
}

static bool is_outside(const struct pick *pick, const struct worker *worker)
{
    return pick->outside >> worker->index & 1;
}

static uint32_t busy_of(const struct worker *worker)
{
    return atomic_load_explicit(&worker->tally.busy, memory_order_relaxed);
}

/* Health alone; activation and capacity are the caller's to look at. */
static bool takes_requests(const struct worker *worker)
{
    return worker_health(worker) != HEALTH_DOWN;
}

/* Nothing of it would come back now, as far as we know. */
static bool is_unwell(const struct worker *worker, uint64_t now_ms)
{
    return worker_health(worker) == HEALTH_SILENT ||
           atomic_load_explicit(&worker->ejected_ms, memory_order_relaxed) > now_ms;
}

static bool is_full(const struct worker *worker, uint64_t now_ms)
{
    uint32_t cap = load_capacity(worker, now_ms);
    return cap != 0 && busy_of(worker) >= cap;
}

static bool is_busy_probe(const struct worker *worker)
{
    return worker_health(worker) == HEALTH_PROBE && busy_of(worker) != 0;
}

/* For requests that name it: drained and standby workers serve those. */
static bool serves_route(const struct worker *worker, const struct pick *pick)
{
    return !was_tried(pick, worker) && takes_requests(worker) &&
           worker_activation(worker) != ACTIVATION_STOP;
}

/* Stopped and drained ones leave a gap as those that are down or silent do; who was to stand by
 * does not. */
static bool leaves_gap(const struct worker *worker, bool usable)
{
    enum activation settled = worker->settings->activation;
    switch (worker_activation(worker)) {
    case ACTIVATION_ACTIVE:
        return !usable;
    case ACTIVATION_DRAIN:
    case ACTIVATION_STOP:
        return settled != ACTIVATION_STANDBY && settled != ACTIVATION_SPARE;
    case ACTIVATION_STANDBY:
    case ACTIVATION_SPARE:
        break;
    }
    return false;
}

/* The spares that stand in now, one for each gap: a bit per index. */
static uint64_t spares_in_use(const struct balancer *balancer, const struct pick *pick)
{
    size_t wanted = 0;
    uint64_t spares = 0;
    if (!atomic_load_explicit(&balancer->has_spares, memory_order_relaxed))
        return 0;
    for (size_t i = 0; i < balancer->count; i++) {
        const struct worker *worker = &balancer->workers[i];
        if (is_outside(pick, worker))
            continue;
        bool usable =
            !was_tried(pick, worker) && takes_requests(worker) && !is_unwell(worker, pick->now_ms);
        wanted += leaves_gap(worker, usable);
        if (worker_activation(worker) == ACTIVATION_SPARE && usable)
            spares |= (uint64_t)1 << i;
    }
    uint64_t used = 0;
    for (; wanted > 0 && spares != 0; wanted--, spares &= spares - 1)
        used |= spares & -spares;
    return used;
}

static uint32_t rank_of(const struct worker *worker, const struct pick *pick, ajp_str domain,
                        uint64_t spares)
{
    if (was_tried(pick, worker) || !takes_requests(worker))
        return RANK_NONE;
    uint32_t rank = 0;
    switch (worker_activation(worker)) {
    case ACTIVATION_ACTIVE:
        break;
    case ACTIVATION_STANDBY:
        rank |= RANK_STANDBY;
        break;
    case ACTIVATION_SPARE:
        if (!(spares >> worker->index & 1))
            rank |= RANK_STANDBY;
        break;
    case ACTIVATION_DRAIN:
    case ACTIVATION_STOP:
        return RANK_NONE;
    }
    if (is_full(worker, pick->now_ms))
        rank |= RANK_FULL;
    bool home = domain.len > 0 && same_name(worker->settings->domain, domain);
    if (domain.len > 0 && !home)
        rank |= RANK_OTHER_DOMAIN;
    uint32_t distance = worker->settings->distance;
    if (distance > RANK_DISTANCE_MAX)
        distance = RANK_DISTANCE_MAX;
    rank |= distance << RANK_DISTANCE_SHIFT;
    enum health health = worker_health(worker);
    if (health == HEALTH_SUSPECT)
        rank |= RANK_SUSPECT;
    else if (health == HEALTH_SILENT)
        rank |= home ? RANK_SILENT_AT_HOME : RANK_SILENT;
    if (atomic_load_explicit(&worker->ejected_ms, memory_order_relaxed) > pick->now_ms)
        rank |= RANK_EJECTED;
    if (is_busy_probe(worker))
        rank |= RANK_BUSY_PROBE;
    return rank;
}

/* Candidates that are equally good so far. */
struct tie {
    uint64_t set; /* a bit per index */
    uint64_t share_sum;
    uint64_t load;
    uint32_t rank, share; /* share and load of the first; the others' are in proportion */
    bool same_share;
};

/* Equals take turns, by share: in a row where the shares are the same, else along the golden
 * ratio, which spreads the turns of the heavy ones evenly. */
static struct worker *take_turns(struct balancer *balancer, const struct tie *tie,
                                 const struct pick *pick)
{
    if (tie->set == 0)
        return NULL;
    uint64_t set = tie->set;
    struct worker *worker = &balancer->workers[__builtin_ctzll(set)];
    if ((set & (set - 1)) == 0)
        return worker;
    uint32_t turn = atomic_fetch_add_explicit(&balancer->turn, 1, memory_order_relaxed);
    uint64_t place = turn % (uint32_t)__builtin_popcountll(set);
    if (!tie->same_share)
        place = (turn * 0x9e3779b1u) * tie->share_sum >> 32;
    for (; set != 0; set &= set - 1) {
        worker = &balancer->workers[__builtin_ctzll(set)];
        uint64_t share = 1;
        if (!tie->same_share)
            share = load_share(worker, pick->weighting, pick->now_ms);
        if (place < share)
            break;
        place -= share;
    }
    return worker;
}

/* Below 0: the worker is better than the tie; above: worse. */
static int compare_with(const struct tie *tie, uint32_t rank, uint64_t load, uint32_t share)
{
    if (tie->set == 0)
        return -1;
    if (rank != tie->rank)
        return rank < tie->rank ? -1 : 1;
    return load_compare(load, share, tie->load, tie->share);
}

static struct worker *pick_by_load(struct balancer *balancer, const struct pick *pick)
{
    enum method method = balancer->settings->balance.method;
    uint64_t spares = spares_in_use(balancer, pick);
    struct tie tie = {0};
    for (size_t i = 0; i < balancer->count; i++) {
        const struct worker *worker = &balancer->workers[i];
        uint32_t rank = rank_of(worker, pick, AJP_NULL, spares);
        if (rank == RANK_NONE)
            continue;
        uint64_t load = load_of(worker, pick->weighting, method);
        uint32_t share = load_share(worker, pick->weighting, pick->now_ms);
        int order = compare_with(&tie, rank, load, share);
        if (order > 0)
            continue;
        if (order < 0)
            tie = (struct tie){.load = load, .rank = rank, .share = share, .same_share = true};
        tie.same_share = tie.same_share && share == tie.share;
        tie.set |= (uint64_t)1 << i;
        tie.share_sum += share;
    }
    return take_turns(balancer, &tie, pick);
}

/* The id without its route: that stays when the session moves. */
static ajp_str bare_id(const struct balancer *balancer, ajp_str session_id)
{
    char separator = balancer->settings->session.separator;
    const char *mark = session_id.len ? memchr(session_id.ptr, separator, session_id.len) : NULL;
    return mark ? ajp_str_of(session_id.ptr, (size_t)(mark - session_id.ptr)) : session_id;
}

/* By the weights of that weighting. */
static struct worker *pick_by_hash(struct balancer *balancer, const struct pick *pick, uint64_t key,
                                   ajp_str domain, uint32_t weighting)
{
    struct worker *best = NULL;
    uint32_t best_rank = RANK_NONE;
    uint64_t best_cost = 0, spares = spares_in_use(balancer, pick);
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        /* What only this instance suspects must not change the choice. */
        uint32_t rank = rank_of(worker, pick, domain, spares) & ~(uint32_t)RANK_SUSPECT;
        if (rank == RANK_NONE || rank > best_rank)
            continue;
        uint64_t cost = rendezvous_cost(key, worker->name_hash, load_weight(worker, weighting));
        if (best && rank == best_rank && cost >= best_cost)
            continue;
        best = worker;
        best_rank = rank;
        best_cost = cost;
    }
    return best;
}

static bool may_be_forced(const struct worker *worker, const struct pick *pick)
{
    enum activation activation = worker_activation(worker);
    return !was_tried(pick, worker) && worker_health(worker) == HEALTH_DOWN &&
           activation != ACTIVATION_STOP && activation != ACTIVATION_DRAIN;
}

/* All are down: a request may try the one whose failure is longest ago. Where connections were
 * refused a try costs next to nothing; where they hang, one a second is enough. Where nothing but
 * an answer is missing, the request waits for it, and nothing is tried. */
static struct worker *pick_forced(struct balancer *balancer, const struct pick *pick)
{
    uint64_t last = atomic_load_explicit(&balancer->forced_ms, memory_order_relaxed);
    struct worker *best = NULL;
    uint64_t best_failed = UINT64_MAX;
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        if (!may_be_forced(worker, pick))
            continue;
        if (worker_holds(worker))
            return worker;
        uint64_t failed = atomic_load_explicit(&worker->failed_ms, memory_order_relaxed);
        if (failed < best_failed) {
            best = worker;
            best_failed = failed;
        }
    }
    if (best && atomic_load_explicit(&best->refused, memory_order_relaxed) != 0) {
        atomic_store_explicit(&balancer->forced_ms, pick->now_ms, memory_order_relaxed);
        return best;
    }
    if (!best)
        return NULL;
    if (last != 0 && pick->now_ms - last < FORCED_INTERVAL)
        return NULL;
    if (!atomic_compare_exchange_strong(&balancer->forced_ms, &last, pick->now_ms))
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
        if (same_name(balancer->workers[i].settings->name, route))
            return &balancer->workers[i];
    for (size_t i = 0; balancer->has_aliases && i < balancer->count; i++) {
        const struct text_list *aliases = &balancer->workers[i].settings->aliases;
        for (size_t k = 0; k < aliases->count; k++)
            if (same_name(aliases->at[k], route))
                return &balancer->workers[i];
    }
    return NULL;
}

struct worker *balancer_own(struct balancer *balancer, const struct pick *pick, ajp_str route)
{
    struct worker *own = balancer_find(balancer, route);
    return own && !is_outside(pick, own) ? own : NULL;
}

/* Of a request whose session names a worker, ours or not. */
static struct worker *pick_routed(struct balancer *balancer, struct pick *pick, struct worker *own)
{
    bool force = pick_is_forced(balancer->settings, pick);
    if (!own)
        own = balancer_own(balancer, pick, pick->route);
    /* Who has a choice leaves a worker on probation to its one request. */
    if (own && serves_route(own, pick) && (force || !is_busy_probe(own))) {
        pick->sticky = true;
        sessions_seen(own->sessions, bare_id(balancer, pick->session_id), pick->now_ms);
        return own;
    }
    /* Down, but an answer is all that is missing: for who has no other. */
    struct worker *held = own && worker_holds(own) && may_be_forced(own, pick) ? own : NULL;
    if (own && force) {
        pick->sticky = held != NULL;
        return held;
    }
    struct worker *heir = own ? balancer_find(balancer, own->settings->redirect) : NULL;
    if (heir && serves_route(heir, pick) && !is_busy_probe(heir))
        return heir;
    /* Whichever route its next request takes, the session has one successor. */
    struct worker *found =
        pick_by_hash(balancer, pick, rendezvous_hash(bare_id(balancer, pick->session_id)),
                     domain_of(own, pick->route), 0);
    if (found)
        return found;
    pick->sticky = held != NULL;
    return held ? held : pick_forced(balancer, pick);
}

static struct worker *pick_free(struct balancer *balancer, const struct pick *pick)
{
    bool hash = balancer->settings->balance.method == METHOD_HASH && pick->key.len > 0;
    struct worker *found =
        hash ? pick_by_hash(balancer, pick, rendezvous_hash(pick->key), AJP_NULL, pick->weighting)
             : pick_by_load(balancer, pick);
    return found ? found : pick_forced(balancer, pick);
}

struct worker *balancer_pick(struct balancer *balancer, struct pick *pick)
{
    const struct settings *settings = balancer->settings;
    struct worker *own = pick->own;
    pick->own = NULL;
    pick->sticky = false;
    load_decay(balancer, pick->now_ms);
    bool routed = pick->route.len > 0 && pick_is_sticky(settings, pick);
    struct worker *worker = routed ? pick_routed(balancer, pick, own) : pick_free(balancer, pick);
    if (worker)
        load_charge(worker, settings->balance.method, pick);
    return worker;
}

void balancer_set_wake(struct balancer *balancer, void (*wake)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&balancer->wake_lock);
    balancer->wake = wake;
    balancer->wake_ctx = ctx;
    pthread_mutex_unlock(&balancer->wake_lock);
}

void balancer_wake(struct balancer *balancer)
{
    pthread_mutex_lock(&balancer->wake_lock);
    if (balancer->wake)
        balancer->wake(balancer->wake_ctx);
    pthread_mutex_unlock(&balancer->wake_lock);
}

void balancer_on_change(struct balancer *balancer, void (*changed)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&balancer->wake_lock);
    balancer->changed = changed;
    balancer->changed_ctx = ctx;
    pthread_mutex_unlock(&balancer->wake_lock);
}

void balancer_changed(const struct worker *worker)
{
    struct balancer *balancer = worker->balancer;
    if (atomic_load(&worker->room->waiting) == 0 && atomic_load(&worker->room->suitors) == 0)
        return;
    balancer_tell(balancer);
}

void balancer_tell(struct balancer *balancer)
{
    pthread_mutex_lock(&balancer->wake_lock);
    if (balancer->changed)
        balancer->changed(balancer->changed_ctx);
    pthread_mutex_unlock(&balancer->wake_lock);
}
