/* SPDX-License-Identifier: Apache-2.0 */
/* First come, first served within a thread. A waiter counts itself in before it looks
 * at the capacity a last time, and who frees some looks at the count after: so no
 * wake-up is lost. */
#include "core/queue.h"

#include "balance/load.h"

enum {
    OPENING_MAX = 64 /* connections that a thread opens at once to a worker that answers again:
                        its backlog is not to overflow */
};

bool capacity_take(struct worker *w, uint64_t now)
{
    uint32_t cap = load_capacity(w, now);
    uint32_t have = atomic_load(&w->room->connections);

    do {
        if (cap != 0 && have >= cap)
            return false;
    } while (!atomic_compare_exchange_weak(&w->room->connections, &have, have + 1));
    return true;
}

void capacity_give(struct shard *sh, struct worker *w)
{
    atomic_fetch_sub(&w->room->connections, 1);
    if (atomic_load(&w->room->waiting) > 0 || atomic_load(&w->room->suitors) > 0)
        sh->wake_all(sh);
}

/* --- who may go where --- */

static uint64_t bit_of(const struct worker *w)
{
    return UINT64_C(1) << w->index;
}

/* Of no session: any worker of its route is as good as another. */
static bool is_free(const struct exchange *x)
{
    return x->pick.route.len == 0;
}

static bool is_suitor(const struct exchange *x, const struct worker *w)
{
    return is_free(x) && x->worker != w && ((x->pick.outside | x->pick.tried) & bit_of(w)) == 0;
}

/* x is counted at every worker that it would go to: so a thread knows whom another one waits for.
 */
static void count_suitor(const struct exchange *x, uint32_t by)
{
    struct balancer *b = x->pools->balancer;

    for (size_t i = 0; i < b->count; i++)
        if (is_suitor(x, &b->workers[i]))
            atomic_fetch_add(&b->workers[i].room->suitors, by);
}

/* Does w take requests without a session, and one more of them? */
static bool is_open(const struct worker *w)
{
    enum activation a = worker_activation(w);
    enum health health = worker_health(w);

    return a != ACTIVATION_STOP && a != ACTIVATION_DRAIN && health != HEALTH_DOWN &&
           health != HEALTH_SILENT && (health != HEALTH_PROBE || atomic_load(&w->tally.busy) == 0);
}

/* x would not be given to its worker any more. */
static bool is_stuck(const struct exchange *x)
{
    enum activation a = worker_activation(x->worker);

    return worker_health(x->worker) == HEALTH_DOWN || a == ACTIVATION_STOP ||
           (a == ACTIVATION_DRAIN && is_free(x));
}

/* It is as well off at any worker that serves it at once: also when its session is not of the
 * worker that it waits for, and does not answer. */
static bool may_move(const struct exchange *x)
{
    return is_free(x) || (!x->pick.sticky && worker_holds(x->worker));
}

static bool has_connection(const struct pools *p, const struct worker *w, uint64_t now)
{
    uint32_t cap = load_capacity(w, now);

    return !list_empty(&p->idle[w->index]) || cap == 0 || atomic_load(&w->room->connections) < cap;
}

/* The workers that have a connection to spare, or fewer than line waiters: a bit per index. */
static uint64_t with_room(const struct pools *p, uint64_t now, uint32_t line)
{
    uint64_t found = 0;

    for (size_t i = 0; i < p->balancer->count; i++) {
        const struct worker *w = &p->balancer->workers[i];
        uint32_t waiting = atomic_load(&w->room->waiting);

        if (worker_health(w) != HEALTH_DOWN &&
            (waiting < line || (waiting == 0 && is_open(w) && has_connection(p, w, now))))
            found |= bit_of(w);
    }
    return found;
}

/* The best for x of those, but for its own; NULL: none. */
static struct worker *choose(struct exchange *x, uint64_t among)
{
    struct pick pick = x->pick;
    struct worker *w;

    pick.tried |= ~among | bit_of(x->worker);
    pick.now_ms = shard_now(x->shard);
    w = balancer_pick(x->pools->balancer, &pick);
    pick.tried = x->pick.tried;
    if (w != NULL)
        x->pick = pick;
    return w;
}

/* --- waiting --- */

bool queue_holds(const struct shard *sh, const struct pools *p, const struct worker *w)
{
    return worker_holds(w) && !p->retired && !sh->draining;
}

/* Its worker has no place for x, or none in time. */
static void turn_away(struct exchange *x, enum failure how, const char *reason)
{
    uint32_t line = how == FAIL_QUEUE_FULL ? x->pools->settings->limits.queue : 0;
    struct worker *w;

    x->pick.tried |= bit_of(x->worker);
    w = choose(x, with_room(x->pools, shard_now(x->shard), line));
    if (w != NULL)
        exchange_move_to(x, w);
    else
        exchange_failed(x, how, reason);
}

static void turn_away_late(struct exchange *x)
{
    if (worker_holds(x->worker))
        turn_away(x, FAIL_QUEUE_TIMEOUT, "the worker is silent, and did not answer in time");
    else
        turn_away(x, FAIL_QUEUE_TIMEOUT, "no connection to the worker came free in time");
}

/* How long x has waited by now, at whichever worker. */
static uint64_t waited(struct exchange *x)
{
    uint64_t now = shard_now(x->shard);

    if (!x->waited)
        x->wait_since = now;
    x->waited = true;
    return now - x->wait_since;
}

/* In all; 0: for ever. One that was held waits as if for its reply. */
static uint64_t patience_of(const struct exchange *x)
{
    uint64_t queue = x->pools->settings->timeouts.queue;

    if (!x->held)
        return queue;
    if (queue == 0 || x->reply_timeout == 0)
        return 0;
    return x->reply_timeout > queue ? x->reply_timeout : queue;
}

static void on_late(struct deadline *d)
{
    struct exchange *x = CONTAINER_OF(d, struct exchange, queue_deadline);
    uint64_t patience, passed = waited(x);

    x->held |= queue_holds(x->shard, x->pools, x->worker); /* its connections are stuck, with it */
    patience = patience_of(x);
    if (patience == 0)
        return;
    if (passed < patience) {
        loop_deadline(&x->shard->loop, &x->queue_deadline, patience - passed);
        return;
    }
    queue_leave(x);
    turn_away_late(x);
}

static void queue_join(struct exchange *x, uint64_t patience)
{
    struct shard *sh = x->shard;

    x->queued = true;
    x->fresh_only = x->ask_first = false; /* whatever comes free then has just been in use */
    list_add(x->pools->waiting[x->worker->index].prev, &x->queue);
    count_suitor(x, 1);
    deadline_init(&x->queue_deadline, on_late);
    loop_deadline(&sh->loop, &x->queue_deadline, patience);
}

bool queue_wait(struct exchange *x)
{
    struct shard *sh = x->shard;
    struct room *room = x->worker->room;
    uint64_t now = shard_now(sh), patience = patience_of(x), passed = waited(x);

    if (patience != 0 && passed >= patience) {
        turn_away_late(x);
        return false;
    }
    if (atomic_fetch_add(&room->waiting, 1) >= x->pools->settings->limits.queue) {
        atomic_fetch_sub(&room->waiting, 1);
        turn_away(x, FAIL_QUEUE_FULL, "too many requests wait for the worker");
        return false;
    }
    if (capacity_take(x->worker, now)) {
        atomic_fetch_sub(&room->waiting, 1);
        return true;
    }
    queue_join(x, patience != 0 ? patience - passed : 0);
    sh->wake_all(sh); /* an idle connection may lie in another thread's pool */
    return false;
}

bool queue_hold(struct exchange *x)
{
    struct shard *sh = x->shard;
    struct room *room = x->worker->room;
    uint64_t patience, passed = waited(x);
    uint32_t most = UINT32_MAX;

    x->held = true;
    patience = patience_of(x);
    if (patience != 0 && passed >= patience) {
        turn_away_late(x);
        return false;
    }
    if (load_capacity(x->worker, shard_now(sh)) != 0)
        most = x->pools->settings->limits.queue;
    if (atomic_fetch_add(&room->waiting, 1) >= most) {
        atomic_fetch_sub(&room->waiting, 1);
        turn_away(x, FAIL_QUEUE_FULL, "too many requests wait for the worker, which is silent");
        return false;
    }
    if (!worker_holds(x->worker)) {
        atomic_fetch_sub(&room->waiting, 1);
        return true;
    }
    queue_join(x, patience != 0 ? patience - passed : 0);
    return false;
}

void queue_leave(struct exchange *x)
{
    x->queued = false;
    list_remove(&x->queue);
    deadline_drop(&x->shard->loop.wheel, &x->queue_deadline);
    count_suitor(x, UINT32_MAX); /* less one */
    atomic_fetch_sub(&x->worker->room->waiting, 1);
}

/* --- being served --- */

bool queue_serve(struct pools *p, struct worker *w)
{
    struct list *line = &p->waiting[w->index];
    struct exchange *x;

    if (list_empty(line))
        return false;
    x = CONTAINER_OF(line->next, struct exchange, queue);
    queue_leave(x);
    x->back->start(x);
    return true;
}

/* The next in w's line would be sent at once. */
static bool may_serve(const struct shard *sh, const struct pools *p, const struct worker *w)
{
    return !list_empty(&p->waiting[w->index]) && !queue_holds(sh, p, w) &&
           has_connection(p, w, shard_now(sh)) && p->counts[w->index].connecting < OPENING_MAX;
}

void queue_next(struct shard *sh, struct pools *p, struct worker *w)
{
    if (may_serve(sh, p, w))
        queue_serve(p, w);
}

static void move(struct exchange *x, struct worker *w)
{
    queue_leave(x);
    exchange_move_to(x, w);
}

/* The one in that line which waits for longest of those that would go to w; NULL: none. */
static struct exchange *suitor_in(const struct list *line, const struct worker *w)
{
    for (const struct list *at = line->next; at != line; at = at->next) {
        struct exchange *x = CONTAINER_OF(at, struct exchange, queue);

        if (is_suitor(x, w))
            return x;
    }
    return NULL;
}

bool queue_court(struct shard *sh, struct pools *p, struct worker *w)
{
    struct exchange *first = NULL;

    if (atomic_load(&w->room->suitors) == 0 || (with_room(p, shard_now(sh), 0) & bit_of(w)) == 0)
        return false;
    for (size_t i = 0; i < p->balancer->count; i++) {
        struct exchange *x = suitor_in(&p->waiting[i], w);

        if (x != NULL && (first == NULL || x->wait_since < first->wait_since))
            first = x;
    }
    if (first == NULL || choose(first, bit_of(w)) == NULL)
        return false;
    move(first, w);
    return true;
}

bool queue_elsewhere(const struct pools *p, const struct worker *w, uint64_t now)
{
    const struct room *room = w->room;
    uint32_t cap = load_capacity(w, now);

    if (cap == 0) /* they open their own */
        return false;
    if (atomic_load(&room->waiting) > 0)
        return list_empty(&p->waiting[w->index]);
    if (atomic_load(&room->suitors) == 0 || !is_open(w))
        return false;
    return atomic_load(&room->connections) >= cap;
}

/* One of w's line goes where it is served at once, or, if w is of no use, where it may wait. */
static bool move_one(struct shard *sh, struct pools *p, struct worker *w)
{
    uint64_t now = shard_now(sh);
    uint64_t room = with_room(p, now, 0), places = with_room(p, now, p->settings->limits.queue);
    const struct list *line = &p->waiting[w->index];

    if (places == 0 || (room == 0 && is_open(w)))
        return false;
    for (struct list *at = line->next; at != line; at = at->next) {
        struct exchange *x = CONTAINER_OF(at, struct exchange, queue);
        bool stuck = is_stuck(x);
        struct worker *to;

        if (!stuck && (room == 0 || !may_move(x)))
            continue;
        to = choose(x, stuck ? places : room);
        if (to != NULL) {
            move(x, to);
            return true;
        }
    }
    return false;
}

static void move_all(struct shard *sh, struct pools *p, struct worker *w)
{
    while (!list_empty(&p->waiting[w->index]) && move_one(sh, p, w)) {
    }
}

void queue_look_again(struct shard *sh)
{
    struct pools *p = sh->pools;

    for (size_t i = 0; i < p->balancer->count; i++) {
        struct worker *w = &p->balancer->workers[i];

        if (!is_open(w))
            move_all(sh, p, w);
        while (may_serve(sh, p, w))
            queue_serve(p, w);
    }
    for (size_t i = 0; i < p->balancer->count; i++)
        move_all(sh, p, &p->balancer->workers[i]);
}
