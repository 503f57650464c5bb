/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's life: take orders, serve, drain, close. */
#include "run/thread.h"

#include "back/back.h"
#include "core/exchange.h"
#include "front/front.h"
#include "net/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WATCH_MS = 20, FLUSH_MS = 1000 };

bool same_listener(const struct listener_settings *a, const struct listener_settings *b)
{
    return a->proto == b->proto && a->secure == b->secure && a->port == b->port &&
           a->host.len == b->host.len && memcmp(a->host.ptr, b->host.ptr, a->host.len) == 0;
}

struct order *order_new(struct generation *g)
{
    size_t n = g->settings->listener_count;
    struct order *order = calloc(1, sizeof(*order) + n * sizeof(order->doors[0]));

    if (order == NULL)
        return NULL;
    order->pools = pools_new(g);
    if (order->pools == NULL) {
        free(order);
        return NULL;
    }
    order->generation = g;
    atomic_fetch_add(&g->users, 1);
    for (size_t i = 0; i < n; i++)
        order->doors[i].fd = -1;
    return order;
}

void order_free(struct order *order)
{
    for (size_t i = 0; i < order->generation->settings->listener_count; i++) {
        if (order->doors[i].fd >= 0)
            close(order->doors[i].fd);
        free(order->doors[i].door);
    }
    pools_leave(order->pools);
    generation_leave(order->generation);
    free(order);
}

/* --- doors --- */

static bool may_come(const struct door *d, int fd)
{
    const struct network_list *from = &d->settings->allow_from;

    if (from->count == 0 || networks_hold_peer(from, fd))
        return true;
    log_event(LEVEL_WARN, "connection_refused", "listener=%s:%u reason=\"not in allow_from\"",
              d->settings->host.ptr, d->settings->port);
    return false;
}

static void on_accepted(struct listener *l, int fd)
{
    struct thread *t = l->owner;
    struct door *d = CONTAINER_OF(l, struct door, listener);

    if (!may_come(d, fd)) {
        close(fd);
        return;
    }
    if (d->settings->proto == PROTO_AJP)
        front_ajp_accept(&t->shard, d, fd);
    else
        front_http1_accept(&t->shard, d, fd);
}

static const char *why_full(struct listener *l)
{
    const struct thread *t = l->owner;

    if (t->shard.conn_count >= t->connection_limit)
        return "connection limit reached";
    return buf_over(&t->shard.loop.bufs) ? "memory limit reached" : NULL;
}

static const struct listener_settings *settings_for(const struct settings *set,
                                                    const struct door *d)
{
    for (size_t i = 0; i < set->listener_count; i++)
        if (same_listener(&set->listeners[i], d->settings))
            return &set->listeners[i];
    return NULL;
}

/* Doors of the old generation get their new settings, or close. */
static void renew_doors(struct shard *sh)
{
    struct list *at = sh->doors.next;

    while (at != &sh->doors) {
        struct door *d = CONTAINER_OF(at, struct door, node);
        const struct listener_settings *set = settings_for(sh->settings, d);

        at = at->next;
        if (set != NULL)
            door_renew(sh, d, set);
        else
            door_close(d);
    }
}

static void wake_all(struct shard *sh)
{
    struct thread *t = CONTAINER_OF(sh, struct thread, shard);

    for (uint32_t i = 0; i < t->peer_count; i++)
        uv_async_send(&t->peers[i].wake);
}

/* Of some worker; the thread is any of them. */
static void on_change(void *ctx)
{
    struct thread *t = ctx;

    wake_all(&t->shard);
}

static int open_doors(struct thread *t, struct order *order)
{
    struct shard *sh = &t->shard;
    int rc = 0;

    for (size_t i = 0; i < sh->settings->listener_count; i++) {
        struct order_door *d = &order->doors[i];

        if (d->fd >= 0 &&
            !door_open(d->door, sh, &sh->settings->listeners[i], d->fd, on_accepted, why_full, t))
            rc = UV_ENOMEM;
        d->fd = -1;
        d->door = NULL;
    }
    return rc;
}

static int follow(struct thread *t, struct order *order)
{
    struct shard *sh = &t->shard;
    struct pools *old = sh->pools;
    int rc;

    sh->pools = pools_enter(order->pools);
    sh->settings = order->generation->settings;
    balancer_on_change(sh->pools->balancer, on_change, t->peers);
    t->connection_limit = sh->settings->limits.max_connections / t->peer_count + 1;
    buf_pool_limit(&sh->loop.bufs, sh->settings->limits.max_memory / t->peer_count);
    renew_doors(sh);
    rc = open_doors(t, order);
    if (old != NULL) {
        front_drain(sh); /* of doors that have closed */
        links_retire(sh, old);
        pools_leave(old);
    }
    order_free(order);
    return rc;
}

static void on_ordered(uv_async_t *a)
{
    struct thread *t = a->data;
    struct order *order = atomic_load(&t->order);

    if (order == NULL)
        return;
    if (follow(t, order) != 0)
        log_event(LEVEL_ERROR, "reload_failed", "thread=%u reason=\"out of memory\"",
                  t->shard.index);
    atomic_store(&t->order, NULL); /* only now: it is told that all have followed */
}

bool thread_order(struct thread *t, struct order *order)
{
    struct order *none = NULL;

    if (!atomic_compare_exchange_strong(&t->order, &none, order))
        return false;
    uv_async_send(&t->ordered);
    return true;
}

/* --- time and other threads --- */

static void on_second(uv_timer_t *timer)
{
    struct thread *t = timer->data;

    access_log_flush(t->shard.access_log);
    log_flush_suppressed();
    links_warm(&t->shard);
    if (buf_over(&t->shard.loop.bufs))
        loop_again(&t->shard.loop, &t->shard.relief);
    links_look_again(&t->shard); /* a slow start leaves room for more, by and by */
}

static void on_wake(uv_async_t *a)
{
    struct thread *t = a->data;

    links_look_again(&t->shard);
}

/* --- the end --- */

static void on_watch(uv_timer_t *timer)
{
    struct thread *t = timer->data;

    if (t->drain_until != 0 && shard_now(&t->shard) >= t->drain_until)
        front_close_all(&t->shard);
    if (list_empty(&t->shard.conns)) {
        uv_timer_stop(timer);
        links_close_all(&t->shard);
        loop_stop(&t->shard.loop);
    }
}

static void close_doors(struct shard *sh)
{
    while (!list_empty(&sh->doors))
        door_close(CONTAINER_OF(sh->doors.next, struct door, node));
}

static void on_drain(uv_async_t *a)
{
    struct thread *t = a->data;
    uint32_t patience = t->shard.settings->timeouts.drain;

    if (t->shard.draining) { /* asked twice: now */
        t->drain_until = 1;
        return;
    }
    t->shard.draining = true;
    close_doors(&t->shard);
    front_drain(&t->shard);
    links_look_again(&t->shard); /* no prober looks for answers any more: nothing is held */
    t->drain_until = patience != 0 ? shard_now(&t->shard) + patience : 0;
    uv_timer_start(&t->watch, on_watch, 0, WATCH_MS);
}

void thread_drain(struct thread *t)
{
    uv_async_send(&t->drain);
}

/* --- begin and end --- */

static uint32_t largest_packet(const struct settings *set)
{
    uint32_t packet = set->packet_size;

    for (size_t i = 0; i < set->listener_count; i++)
        if (set->listeners[i].packet_size > packet)
            packet = set->listeners[i].packet_size;
    for (size_t i = 0; i < set->worker_count; i++)
        if (set->workers[i].packet_size > packet)
            packet = set->workers[i].packet_size;
    return packet;
}

static void start_async(struct thread *t, uv_async_t *a, uv_async_cb cb)
{
    a->data = t;
    uv_async_init(&t->shard.loop.uv, a, cb);
}

int thread_init(struct thread *threads, uint32_t index, struct order *order)
{
    struct thread *t = &threads[index];
    struct shard *sh = &t->shard;
    const struct settings *set = order->generation->settings;
    int rc = loop_init(&sh->loop, largest_packet(set));

    if (rc != 0)
        return rc;
    sh->index = index;
    sh->backs[PROTO_AJP] = &back_ajp;
    sh->wake_all = wake_all;
    list_init(&sh->conns);
    list_init(&sh->stalled);
    again_init(&sh->relief, front_relieve);
    list_init(&sh->links);
    list_init(&sh->doors);
    t->peers = threads;
    t->peer_count = set->threads;
    if (set->access_log.ptr != NULL) {
        sh->access_log = access_log_open(set->access_log.ptr, set->access_log_format);
        if (sh->access_log == NULL)
            return UV_EIO;
    }
    start_async(t, &t->drain, on_drain);
    start_async(t, &t->wake, on_wake);
    start_async(t, &t->ordered, on_ordered);
    uv_timer_init(&sh->loop.uv, &t->watch);
    uv_timer_init(&sh->loop.uv, &t->second);
    t->watch.data = t;
    t->second.data = t;
    uv_timer_start(&t->second, on_second, FLUSH_MS, FLUSH_MS);
    return follow(t, order);
}

void thread_run(struct thread *t)
{
    loop_run(&t->shard.loop);
    access_log_flush(t->shard.access_log);
    log_flush_suppressed();
}

static void thread_main(void *t)
{
    thread_run(t);
}

/* Nothing is served yet, and what waits at the listeners of a missing thread never would be. */
void threads_start(struct thread *threads, uint32_t count, const char *program)
{
    for (uint32_t i = 1; i < count; i++) {
        int rc = uv_thread_create(&threads[i].id, thread_main, &threads[i]);

        if (rc != 0) {
            char text[160];

            snprintf(text, sizeof(text), "%s: a thread cannot be started: %s", program,
                     uv_strerror(rc));
            log_error(text);
            log_end();
            exit(EXIT_FAILURE);
        }
    }
}

void thread_close(struct thread *t)
{
    struct shard *sh = &t->shard;
    struct order *order = atomic_exchange(&t->order, NULL);

    if (order != NULL)
        order_free(order);
    uv_close((uv_handle_t *)&t->drain, NULL);
    uv_close((uv_handle_t *)&t->wake, NULL);
    uv_close((uv_handle_t *)&t->ordered, NULL);
    uv_close((uv_handle_t *)&t->second, NULL);
    uv_close((uv_handle_t *)&t->watch, NULL);
    again_drop(&sh->relief);
    loop_close(&sh->loop);
    pools_leave(sh->pools);
    exchange_pool_clear(sh);
    access_log_close(sh->access_log);
}
