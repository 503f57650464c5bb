/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: when each worker is looked at. What a check is, probe.c knows. */
#include "balance/health.h"

#include "balance/drain.h"
#include "balance/probe.h"

#include <stdlib.h>

enum {
    STUCK_TICKS = 1, /* without a request that came back: time for a probe */
    RETRY_MS = 100,
};

struct health_prober {
    struct balancer *balancer;
    struct loop *loop;
    uv_async_t wake;
    uint64_t random;
    size_t open; /* handles that the loop still knows, lines left out */
    bool stopping;
    size_t count;
    struct probe probes[];
};

/* When to look at the worker next, no probe running. */
static void arm(struct probe *probe)
{
    if (probe->prober->stopping)
        return;
    struct health_prober *prober = probe->prober;
    probe->armed = worker_health(probe->worker);
    uint64_t wait =
        pace_wait(&probe->pace, probe->armed, prober->balancer->settings->health.interval,
                  loop_now(prober->loop), &prober->random);
    uv_timer_start(&probe->timer, probe_on_timer, wait, 0);
}

/* later: what failed without a pause would go round and round. */
void probe_over(struct probe *probe, bool later)
{
    arm(probe);
    if (later && uv_timer_get_due_in(&probe->timer) < RETRY_MS)
        uv_timer_start(&probe->timer, probe_on_timer, RETRY_MS, 0);
}

bool probe_line_closed(struct probe *probe)
{
    struct health_prober *prober = probe->prober;
    bool goes_on = !prober->stopping;
    if (!goes_on && --prober->open == 0)
        free(prober);
    return goes_on;
}

/* A worker that is up needs a probe now and then: when it had no requests for long, or always where
 * its health has a page. And when requests are at it and none comes back: then it may be frozen,
 * with its listening socket still taking connections. */
static bool tick_asks_for_probe(struct probe *probe)
{
    const struct health_settings *health = &probe->prober->balancer->settings->health;
    uint64_t now = loop_now(probe->prober->loop);
    uint64_t served = atomic_load_explicit(&probe->worker->served, memory_order_relaxed);
    bool moved = served != probe->served;
    bool busy = atomic_load_explicit(&probe->worker->tally.busy, memory_order_relaxed) != 0;
    probe->served = served;
    probe->stuck_ticks = moved || !busy ? 0 : probe->stuck_ticks + 1;
    if (moved && !health->path.ptr && probe_has_witness(probe))
        probe->due_ms = now + health->interval;
    return now >= probe->due_ms || probe->stuck_ticks >= STUCK_TICKS;
}

void probe_on_timer(uv_timer_t *timer)
{
    struct probe *probe = timer->data;
    uint64_t now = loop_now(probe->prober->loop);
    drain_tick(probe->worker, now);
    if (probe->running) {
        probe_late(probe);
        return;
    }
    lookup_tick(&probe->lookup, now);
    bool up = worker_health(probe->worker) == HEALTH_UP;
    if (!up || tick_asks_for_probe(probe))
        probe_begin(probe);
    else
        arm(probe);
}

static void on_wake(uv_async_t *wake)
{
    struct health_prober *prober = wake->data;
    for (size_t i = 0; i < prober->count; i++) {
        struct probe *probe = &prober->probes[i];
        enum health health = worker_health(probe->worker);
        if (probe->running)
            continue;
        /* A suspect of the prober's own has its time already. */
        if ((health == HEALTH_SUSPECT || health == HEALTH_SILENT) && probe->armed != health)
            probe_begin(probe);
        else if (health == HEALTH_DOWN && probe->armed != HEALTH_DOWN)
            arm(probe);
    }
}

static void wake_from_any_thread(void *ctx)
{
    struct health_prober *prober = ctx;
    uv_async_send(&prober->wake);
}

static void on_lookup_ended(struct lookup *lookup)
{
    struct health_prober *prober = CONTAINER_OF(lookup, struct probe, lookup)->prober;
    if (--prober->open == 0)
        free(prober);
}

struct health_prober *health_start(struct balancer *balancer, struct loop *loop)
{
    struct health_prober *prober =
        calloc(1, sizeof *prober + balancer->count * sizeof prober->probes[0]);
    if (!prober)
        return NULL;
    prober->balancer = balancer;
    prober->loop = loop;
    prober->count = balancer->count;
    prober->random = uv_hrtime() | 1;
    if (uv_async_init(&loop->uv, &prober->wake, on_wake) != 0) {
        free(prober);
        return NULL;
    }
    prober->wake.data = prober;
    prober->open = 1 + prober->count;
    for (size_t i = 0; i < prober->count; i++) {
        struct probe *probe = &prober->probes[i];
        probe->prober = prober;
        probe->worker = &balancer->workers[i];
        probe->loop = loop;
        probe->due_ms = loop_now(loop) + balancer->settings->health.interval;
        lookup_init(&probe->lookup, probe->worker, &loop->uv, loop_now(loop));
        probe->lookup.ended = on_lookup_ended;
        uv_timer_init(&loop->uv, &probe->timer);
        probe->timer.data = probe;
        arm(probe);
    }
    balancer_set_wake(balancer, wake_from_any_thread, prober);
    return prober;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct health_prober *prober =
        handle->type == UV_ASYNC ? handle->data : ((struct probe *)handle->data)->prober;
    if (--prober->open == 0)
        free(prober);
}

void health_stop(struct health_prober *prober)
{
    if (!prober)
        return;
    balancer_set_wake(prober->balancer, NULL, NULL);
    prober->stopping = true;
    for (size_t i = 0; i < prober->count; i++) {
        struct probe *probe = &prober->probes[i];
        prober->open += probe_close(probe);
        prober->open += lookup_drop(&probe->lookup);
        uv_close((uv_handle_t *)&probe->timer, on_handle_closed);
    }
    uv_close((uv_handle_t *)&prober->wake, on_handle_closed);
}
