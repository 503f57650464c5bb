/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: a connection of its own to a worker, a CPing over it, and the worker's health moved
 * by what comes back. */
#include "balance/health.h"

#include "balance/address.h"
#include "balance/drain.h"
#include "balance/lookup.h"
#include "balance/pace.h"
#include "balance/talk.h"

#include "net/stream.h"

#include <errno.h>
#include <stdlib.h>

enum {
    STUCK_TICKS = 1, /* without a request that came back: time for a probe */
    RETRY_MS = 100,
};

struct probe {
    struct health_prober *prober;
    struct worker *worker;
    uv_timer_t timer;
    struct stream stream;
    bool running;   /* the stream is open, or being closed */
    bool connected; /* its handshake, if any, is over */
    bool closing;   /* the stream is being closed */
    bool goes_on;   /* and then the next address is tried */
    bool ill;       /* so the last probe found it */
    struct address_walk walk;
    enum health armed; /* what the worker was when the timer was set */
    struct pace pace;
    uint32_t stuck_ticks;
    uint64_t due_ms; /* a worker without requests is probed then */
    uint64_t served; /* at the last tick */
    struct lookup lookup;
    struct talk talk;
};

struct health_prober {
    struct balancer *balancer;
    struct loop *loop;
    uv_async_t wake;
    uint64_t random;
    size_t open; /* handles that the loop still knows, streams left out */
    bool stopping;
    size_t count;
    struct probe probes[];
};

static void on_timer(uv_timer_t *timer);
static void start_probe(struct probe *probe);
static void connect_to(struct probe *probe, const struct sockaddr *addr);

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
    uv_timer_start(&probe->timer, on_timer, wait, 0);
}

/* As arm, but never at once: what failed without a pause would go round and round. */
static void arm_later(struct probe *probe)
{
    arm(probe);
    if (uv_timer_get_due_in(&probe->timer) < RETRY_MS)
        uv_timer_start(&probe->timer, on_timer, RETRY_MS, 0);
}

static void on_stream_closed(struct stream *stream)
{
    struct probe *probe = CONTAINER_OF(stream, struct probe, stream);
    struct health_prober *prober = probe->prober;
    probe->running = false;
    probe->closing = false;
    if (!prober->stopping && probe->goes_on)
        connect_to(probe, address_now(probe->worker, &probe->walk));
    else if (!prober->stopping)
        arm(probe);
    else if (--prober->open == 0)
        free(prober);
}

static void close_stream(struct probe *probe)
{
    if (probe->closing)
        return;
    probe->closing = true;
    uv_timer_stop(&probe->timer);
    stream_close(&probe->stream, false);
}

/* problem: constant text; NULL: the worker is well. */
static void finish(struct probe *probe, const char *problem)
{
    if (probe->closing)
        return;
    probe->ill = problem != NULL;
    if (!problem)
        address_keep(probe->worker, &probe->walk); /* before requests go there */
    worker_probed(probe->worker, problem, loop_now(probe->prober->loop));
    if (!problem)
        probe->pace.began_ms = 0; /* who is suspected after this is looked at at once */
    close_stream(probe);
}

/* At this address nobody takes connections: its name may have another. */
static void not_connected(struct probe *probe, const char *problem)
{
    probe->goes_on = address_next(probe->worker, &probe->walk) != NULL;
    if (probe->goes_on)
        close_stream(probe);
    else
        finish(probe, problem);
}

/* Sends what the talk wants said, or ends the probe. */
static void go_on(struct probe *probe, enum talk_result result)
{
    struct talk *talk = &probe->talk;
    if (result != TALK_MORE) {
        finish(probe, result == TALK_WELL ? NULL : talk->problem);
        return;
    }
    if (talk->out_len == 0)
        return;
    /* At most 2 KiB to a connection that has nothing under way: it takes them at once. */
    struct iovec out = {.iov_base = talk->out, .iov_len = talk->out_len};
    if (stream_send(&probe->stream, &out, 1) != (long)talk->out_len)
        finish(probe, "write failed");
    talk->out_len = 0;
}

static void read_on(struct probe *probe)
{
    while (!probe->closing) {
        size_t size;
        uint8_t *space = talk_space(&probe->talk, &size);
        long n = stream_recv(&probe->stream, space, size);
        if (n == STREAM_AGAIN)
            return;
        if (n == STREAM_FAILED)
            finish(probe, stream_why(&probe->stream));
        else
            go_on(probe, n == 0 ? talk_end(&probe->talk) : talk_got(&probe->talk, (size_t)n));
    }
}

static void on_event(struct stream *stream, bool readable, bool writable)
{
    struct probe *probe = CONTAINER_OF(stream, struct probe, stream);
    const struct settings *settings = probe->prober->balancer->settings;
    if (probe->closing)
        return;
    if (!probe->connected && (readable || writable)) {
        if (stream_connect_error(stream) != 0) {
            not_connected(probe, stream_why(stream));
            return;
        }
        probe->connected = true;
        stream_want(stream, true, false);
        go_on(probe, talk_begin(&probe->talk, probe->worker->settings, &settings->health));
    }
    if (readable)
        read_on(probe);
}

/* Out of descriptors is our own trouble, not the worker's. */
static bool our_own(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM;
}

static void connect_to(struct probe *probe, const struct sockaddr *addr)
{
    struct health_prober *prober = probe->prober;
    int rc;
    probe->goes_on = false;
    do
        rc = stream_connect(&probe->stream, prober->loop, addr, probe->worker->settings->tls);
    while (rc != 0 && !our_own(rc) && (addr = address_next(probe->worker, &probe->walk)));
    if (rc != 0) {
        probe->ill = true;
        if (!our_own(rc))
            worker_probed(probe->worker, "connect failed", loop_now(prober->loop));
        arm_later(probe);
        return;
    }
    probe->stream.on_event = on_event;
    probe->stream.on_closed = on_stream_closed;
    probe->running = true;
    probe->connected = false;
    uv_timer_start(&probe->timer, on_timer, prober->balancer->settings->health.timeout, 0);
    stream_want(&probe->stream, true, true);
}

/* At the address in use; of a worker that is down, and not well there, at the one behind it. */
static void start_probe(struct probe *probe)
{
    struct health_prober *prober = probe->prober;
    bool turn = probe->ill && worker_health(probe->worker) == HEALTH_DOWN;
    probe->stuck_ticks = 0;
    probe->pace.began_ms = loop_now(prober->loop);
    probe->due_ms = probe->pace.began_ms + prober->balancer->settings->health.interval;
    connect_to(probe, turn ? address_resume(probe->worker, &probe->walk)
                           : address_begin(probe->worker, &probe->walk));
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
    if (moved && !health->path.ptr)
        probe->due_ms = now + health->interval;
    return now >= probe->due_ms || probe->stuck_ticks >= STUCK_TICKS;
}

static void on_timer(uv_timer_t *timer)
{
    struct probe *probe = timer->data;
    if (probe->running) {
        if (probe->connected)
            finish(probe, "timed out");
        else
            not_connected(probe, "timed out");
        return;
    }
    uint64_t now = loop_now(probe->prober->loop);
    drain_tick(probe->worker, now);
    lookup_tick(&probe->lookup, &probe->prober->loop->uv, now);
    bool up = worker_health(probe->worker) == HEALTH_UP;
    if (!up || tick_asks_for_probe(probe))
        start_probe(probe);
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
        if (health == HEALTH_SUSPECT && probe->armed != HEALTH_SUSPECT)
            start_probe(probe);
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
        probe->due_ms = loop_now(loop) + balancer->settings->health.interval;
        lookup_init(&probe->lookup, probe->worker, loop_now(loop));
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
        if (probe->running) {
            prober->open++;
            close_stream(probe);
        }
        prober->open += lookup_drop(&probe->lookup);
        uv_close((uv_handle_t *)&probe->timer, on_handle_closed);
    }
    uv_close((uv_handle_t *)&prober->wake, on_handle_closed);
}
