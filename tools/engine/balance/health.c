/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: a connection of its own to a worker, a CPing over it, and the worker's health moved
 * by what comes back. HTTP workers are asked for no more than the connection. */
#include "balance/health.h"

#include <ajp/ajp.h>

#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 1000,     /* how often a worker that is up is looked at */
    IDLE_TICKS = 5,     /* a worker without requests is probed every so many ticks */
    STUCK_TICKS = 2,    /* so is one whose requests do not come back for this long */
    RECOVER_MIN = 1000, /* ms until a worker that is down is probed again; doubles */
    RECOVER_MAX = 5000,
    TIMEOUT_DEFAULT = 1000,
};

/* AB, one byte of payload: CPong. */
static const uint8_t cpong[] = {'A', 'B', 0, 1, 9};
static const char cping[] = {0x12, 0x34, 0, 1, 10};

struct probe {
    struct health_prober *prober;
    struct worker *worker;
    uv_timer_t timer;
    uv_tcp_t socket;
    uv_connect_t connect;
    uv_write_t write;
    bool running;      /* the socket is open, or being opened */
    bool closing;      /* the socket is being closed */
    enum health armed; /* what the worker was when the timer was set */
    uint32_t recover;  /* ms, the next pause while it is down */
    uint32_t idle_ticks, stuck_ticks;
    uint64_t served; /* at the last tick */
    size_t got;      /* bytes of the answer */
    char answer[sizeof cpong];
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

static void finish(struct probe *probe, bool ok)
{
    if (probe->closing)
        return;
    worker_probed(probe->worker, ok, uv_now(probe->prober->loop));
    close_socket(probe);
}

static void give_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct probe *probe = handle->data;
    *buffer = uv_buf_init(probe->answer + probe->got, (unsigned)(sizeof cpong - probe->got));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    struct probe *probe = stream->data;
    if (n == 0)
        return;
    if (n < 0) {
        finish(probe, false);
        return;
    }
    probe->got += (size_t)n;
    if (probe->got == sizeof cpong)
        finish(probe, memcmp(probe->answer, cpong, sizeof cpong) == 0);
}

static void on_write(uv_write_t *write, int status)
{
    struct probe *probe = write->data;
    if (status < 0)
        finish(probe, false);
}

static void on_connect(uv_connect_t *connect, int status)
{
    struct probe *probe = connect->data;
    if (probe->closing)
        return;
    if (status < 0 || probe->worker->settings->proto == PROTO_HTTP) {
        finish(probe, status == 0);
        return;
    }
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)cping, sizeof cping);
    probe->write.data = probe;
    uv_stream_t *stream = (uv_stream_t *)&probe->socket;
    if (uv_write(&probe->write, stream, &buffer, 1, on_write) != 0 ||
        uv_read_start(stream, give_space, on_read) != 0)
        finish(probe, false);
}

static void start_probe(struct probe *probe)
{
    const struct settings *settings = probe->prober->balancer->settings;
    uint32_t timeout = settings->timeouts.cping ? settings->timeouts.cping : TIMEOUT_DEFAULT;
    if (uv_tcp_init(probe->prober->loop, &probe->socket) != 0) {
        arm(probe);
        return;
    }
    probe->socket.data = probe;
    probe->connect.data = probe;
    probe->running = true;
    probe->got = 0;
    probe->idle_ticks = 0;
    probe->stuck_ticks = 0;
    const struct sockaddr *addr = (const struct sockaddr *)&probe->worker->addr;
    uv_timer_start(&probe->timer, on_timer, timeout, 0);
    int rc = uv_tcp_connect(&probe->connect, &probe->socket, addr, on_connect);
    /* Out of descriptors is our own trouble, not the worker's. */
    if (rc == UV_EMFILE || rc == UV_ENFILE || rc == UV_ENOMEM)
        close_socket(probe);
    else if (rc != 0)
        finish(probe, false);
}

/* A worker that is up needs a probe when it has been idle for long, or when requests are at it
 * and none came back: then it may be frozen, with its listening socket still taking connections. */
static bool tick_asks_for_probe(struct probe *probe)
{
    uint64_t served = atomic_load_explicit(&probe->worker->served, memory_order_relaxed);
    bool moved = served != probe->served;
    probe->served = served;
    if (moved) {
        probe->idle_ticks = 0;
        probe->stuck_ticks = 0;
        return false;
    }
    probe->idle_ticks++;
    if (atomic_load_explicit(&probe->worker->busy, memory_order_relaxed) != 0)
        probe->stuck_ticks++;
    else
        probe->stuck_ticks = 0;
    return probe->idle_ticks >= IDLE_TICKS || probe->stuck_ticks >= STUCK_TICKS;
}

static void on_timer(uv_timer_t *timer)
{
    struct probe *probe = timer->data;
    if (probe->running) {
        finish(probe, false);
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
