/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: a connection of its own to a worker, a CPing over it, and the worker's health moved
 * by what comes back. */
#include "balance/health.h"

#include "balance/talk.h"

#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 1000,     /* how often a worker that is up is looked at */
    STUCK_TICKS = 2,    /* so is one whose requests do not come back for this long */
    RECOVER_MIN = 1000, /* ms until a worker that is down is probed again; doubles */
    RECOVER_MAX = 5000,
};

struct probe {
    struct health_prober *prober;
    struct worker *worker;
    uv_timer_t timer;
    uv_tcp_t socket;
    uv_connect_t connect;
    bool running;      /* the socket is open, or being opened */
    bool closing;      /* the socket is being closed */
    enum health armed; /* what the worker was when the timer was set */
    uint32_t recover;  /* ms, the next pause while it is down */
    uint32_t stuck_ticks;
    uint64_t due_ms; /* a worker without requests is probed then */
    uint64_t served; /* at the last tick */
    struct talk talk;
};

struct health_prober {
    struct balancer *balancer;
    uv_loop_t *loop;
    uv_async_t wake;
    uint64_t random;
    size_t open; /* handles that the loop still knows, sockets left out */
    bool stopping;
    size_t count;
    struct probe probes[];
};

static void on_timer(uv_timer_t *timer);
static void start_probe(struct probe *probe);

static uint64_t next_random(struct health_prober *prober)
{
    prober->random ^= prober->random << 13;
    prober->random ^= prober->random >> 7;
    prober->random ^= prober->random << 17;
    return prober->random;
}

/* ms, give or take a tenth, so that many instances do not probe in step. */
static uint64_t jittered(struct health_prober *prober, uint32_t ms)
{
    uint32_t span = ms / 5;
    return ms - span / 2 + (span ? next_random(prober) % span : 0);
}

/* When to look at the worker next, no probe running. */
static void arm(struct probe *probe)
{
    if (probe->prober->stopping)
        return;
    uint64_t wait = TICK_MS;
    probe->armed = worker_health(probe->worker);
    switch (probe->armed) {
    case HEALTH_SUSPECT:
        wait = 0;
        break;
    case HEALTH_DOWN:
        wait = jittered(probe->prober, probe->recover);
        probe->recover = probe->recover * 2 < RECOVER_MAX ? probe->recover * 2 : RECOVER_MAX;
        break;
    case HEALTH_UP:
    case HEALTH_PROBE:
        probe->recover = RECOVER_MIN;
        wait = jittered(probe->prober, TICK_MS);
        break;
    }
    uv_timer_start(&probe->timer, on_timer, wait, 0);
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct probe *probe = handle->data;
    struct health_prober *prober = probe->prober;
    probe->running = false;
    probe->closing = false;
    if (!prober->stopping)
        arm(probe);
    else if (--prober->open == 0)
        free(prober);
}

static void close_socket(struct probe *probe)
{
    if (probe->closing)
        return;
    probe->closing = true;
    uv_timer_stop(&probe->timer);
    uv_close((uv_handle_t *)&probe->socket, on_socket_closed);
}

/* problem: constant text; NULL: the worker is well. */
static void finish(struct probe *probe, const char *problem)
{
    if (probe->closing)
        return;
    worker_probed(probe->worker, problem, uv_now(probe->prober->loop));
    close_socket(probe);
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
    uv_buf_t buffer = uv_buf_init((char *)talk->out, (unsigned)talk->out_len);
    if (uv_try_write((uv_stream_t *)&probe->socket, &buffer, 1) != (int)talk->out_len)
        finish(probe, "write failed");
    talk->out_len = 0;
}

static void give_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct probe *probe = handle->data;
    size_t size;
    uint8_t *space = talk_space(&probe->talk, &size);
    *buffer = uv_buf_init((char *)space, (unsigned)size);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    struct probe *probe = stream->data;
    if (n == 0 || probe->closing)
        return;
    enum talk_result result = n < 0 ? talk_end(&probe->talk) : talk_got(&probe->talk, (size_t)n);
    go_on(probe, result);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct probe *probe = connect->data;
    const struct settings *settings = probe->prober->balancer->settings;
    if (probe->closing)
        return;
    if (status < 0) {
        finish(probe, "connect failed");
        return;
    }
    enum talk_result result = talk_begin(&probe->talk, probe->worker->settings, &settings->health);
    if (result == TALK_MORE &&
        uv_read_start((uv_stream_t *)&probe->socket, give_space, on_read) != 0)
        finish(probe, "read failed");
    else
        go_on(probe, result);
}

static void start_probe(struct probe *probe)
{
    struct health_prober *prober = probe->prober;
    const struct health_settings *health = &prober->balancer->settings->health;
    if (uv_tcp_init(prober->loop, &probe->socket) != 0) {
        arm(probe);
        return;
    }
    probe->socket.data = probe;
    probe->connect.data = probe;
    probe->running = true;
    probe->stuck_ticks = 0;
    probe->due_ms = uv_now(prober->loop) + health->interval;
    const struct sockaddr *addr = (const struct sockaddr *)&probe->worker->addr;
    uv_timer_start(&probe->timer, on_timer, health->timeout, 0);
    int rc = uv_tcp_connect(&probe->connect, &probe->socket, addr, on_connect);
    /* Out of descriptors is our own trouble, not the worker's. */
    if (rc == UV_EMFILE || rc == UV_ENFILE || rc == UV_ENOMEM)
        close_socket(probe);
    else if (rc != 0)
        finish(probe, "connect failed");
}

/* A worker that is up needs a probe now and then: when it had no requests for long, or always where
 * its health has a page. And when requests are at it and none comes back: then it may be frozen,
 * with its listening socket still taking connections. */
static bool tick_asks_for_probe(struct probe *probe)
{
    const struct health_settings *health = &probe->prober->balancer->settings->health;
    uint64_t now = uv_now(probe->prober->loop);
    uint64_t served = atomic_load_explicit(&probe->worker->served, memory_order_relaxed);
    bool moved = served != probe->served;
    bool busy = atomic_load_explicit(&probe->worker->busy, memory_order_relaxed) != 0;
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
        finish(probe, "timed out");
        return;
    }
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
        if (health == HEALTH_SUSPECT)
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

struct health_prober *health_start(struct balancer *balancer, uv_loop_t *loop)
{
    struct health_prober *prober =
        calloc(1, sizeof *prober + balancer->count * sizeof prober->probes[0]);
    if (!prober)
        return NULL;
    prober->balancer = balancer;
    prober->loop = loop;
    prober->count = balancer->count;
    prober->random = uv_hrtime() | 1;
    if (uv_async_init(loop, &prober->wake, on_wake) != 0) {
        free(prober);
        return NULL;
    }
    prober->wake.data = prober;
    prober->open = 1 + prober->count;
    for (size_t i = 0; i < prober->count; i++) {
        struct probe *probe = &prober->probes[i];
        probe->prober = prober;
        probe->worker = &balancer->workers[i];
        probe->recover = RECOVER_MIN;
        probe->due_ms = uv_now(loop) + balancer->settings->health.interval;
        uv_timer_init(loop, &probe->timer);
        probe->timer.data = probe;
        arm(probe);
    }
    balancer->wake_ctx = prober;
    balancer->wake = wake_from_any_thread;
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
    prober->balancer->wake = NULL;
    prober->stopping = true;
    for (size_t i = 0; i < prober->count; i++) {
        struct probe *probe = &prober->probes[i];
        if (probe->running) {
            prober->open++;
            close_socket(probe);
        }
        uv_close((uv_handle_t *)&probe->timer, on_handle_closed);
    }
    uv_close((uv_handle_t *)&prober->wake, on_handle_closed);
}
