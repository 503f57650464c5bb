/* SPDX-License-Identifier: Apache-2.0 */
/* First come, first served within a thread. A waiter counts itself in before it looks
 * at the capacity a last time, and who frees some looks at the count after: so no
 * wake-up is lost. */
#include "core/queue.h"

#include "balance/load.h"

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
    if (atomic_load(&w->room->waiting) > 0)
        sh->wake_all(sh);
}

static void on_late(struct deadline *d)
{
    struct exchange *x = CONTAINER_OF(d, struct exchange, queue_deadline);

    queue_leave(x);
    exchange_failed(x, FAIL_QUEUE_TIMEOUT, "no connection to the worker came free in time");
}

bool queue_wait(struct exchange *x)
{
    struct shard *sh = x->shard;
    struct worker *w = x->worker;

    if (atomic_fetch_add(&w->room->waiting, 1) >= sh->settings->limits.queue) {
        atomic_fetch_sub(&w->room->waiting, 1);
        return false;
    }
    if (capacity_take(w, shard_now(sh))) {
        atomic_fetch_sub(&w->room->waiting, 1);
        return true;
    }
    x->queued = true;
    list_add(x->pools->waiting[w->index].prev, &x->queue);
    deadline_init(&x->queue_deadline, on_late);
    loop_deadline(&sh->loop, &x->queue_deadline, sh->settings->timeouts.queue);
    sh->wake_all(sh); /* an idle connection may lie in another thread's pool */
    return true;
}

void queue_leave(struct exchange *x)
{
    x->queued = false;
    list_remove(&x->queue);
    deadline_drop(&x->shard->loop.wheel, &x->queue_deadline);
    atomic_fetch_sub(&x->worker->room->waiting, 1);
}

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

bool queue_elsewhere(const struct pools *p, const struct worker *w)
{
    return atomic_load(&w->room->waiting) > 0 && list_empty(&p->waiting[w->index]);
}
