/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's life: serve, drain, close. */
#include "run/thread.h"

#include "back/back.h"
#include "core/exchange.h"
#include "front/front.h"

#include <stdlib.h>

enum { WATCH_MS = 20, FLUSH_MS = 1000 };

static void on_accepted(struct listener *l, int fd)
{
    struct thread *t = l->owner;
    const struct listener_settings *set = l->ctx;

    if (set->proto == PROTO_AJP)
        front_ajp_accept(&t->shard, set, fd);
    else
        front_http1_accept(&t->shard, set, fd);
}

static bool has_room(struct listener *l)
{
    const struct thread *t = l->owner;

    return t->shard.conn_count < t->connection_limit;
}

static void on_second(uv_timer_t *timer)
{
    struct thread *t = timer->data;

    access_log_flush(t->shard.access_log);
    log_flush_suppressed();
}

static void on_watch(uv_timer_t *timer)
{
    struct thread *t = timer->data;

    if (t->drain_until != 0 && shard_now(&t->shard) >= t->drain_until)
        front_close_all(&t->shard);
    if (list_empty(&t->shard.conns)) {
        uv_timer_stop(timer);
        links_close_all(&t->shard);
        uv_stop(&t->shard.loop.uv);
    }
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
    for (size_t i = 0; i < t->shard.settings->listener_count; i++)
        listener_stop(&t->listeners[i]);
    front_drain(&t->shard);
    t->drain_until = patience != 0 ? shard_now(&t->shard) + patience : 0;
    uv_timer_start(&t->watch, on_watch, 0, WATCH_MS);
}

static int start_listeners(struct thread *t, const int *fds)
{
    const struct settings *set = t->shard.settings;

    for (size_t i = 0; i < set->listener_count; i++) {
        struct listener *l = &t->listeners[i];
        int rc;

        l->accepted = on_accepted;
        l->room = has_room;
        l->ctx = (void *)(uintptr_t)&set->listeners[i];
        l->owner = t;
        rc = listener_start(l, &t->shard.loop, fds[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void on_wake(uv_async_t *a)
{
    struct thread *t = a->data;

    links_look_again(&t->shard);
}

static void wake_all(struct shard *sh)
{
    struct thread *t = CONTAINER_OF(sh, struct thread, shard);

    for (uint32_t i = 0; i < sh->settings->threads; i++)
        uv_async_send(&t->peers[i].wake);
}

static int make_lists(struct shard *sh)
{
    size_t n = sh->settings->worker_count + 1;

    list_init(&sh->conns);
    list_init(&sh->links);
    sh->idle = calloc(n, sizeof(*sh->idle));
    sh->waiting = calloc(n, sizeof(*sh->waiting));
    if (sh->idle == NULL || sh->waiting == NULL)
        return UV_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        list_init(&sh->idle[i]);
        list_init(&sh->waiting[i]);
    }
    return 0;
}

int thread_init(struct thread *threads, uint32_t index, const struct settings *settings,
                struct balancer *balancer, const int *fds)
{
    struct thread *t = &threads[index];
    struct shard *sh = &t->shard;
    uint32_t packet = 0;
    int rc;

    for (size_t i = 0; i < settings->listener_count; i++)
        if (settings->listeners[i].packet_size > packet)
            packet = settings->listeners[i].packet_size;
    for (size_t i = 0; i < settings->worker_count; i++)
        if (settings->workers[i].packet_size > packet)
            packet = settings->workers[i].packet_size;
    rc = loop_init(&sh->loop, packet);
    if (rc != 0)
        return rc;
    sh->settings = settings;
    sh->balancer = balancer;
    sh->index = index;
    sh->backs[PROTO_AJP] = &back_ajp;
    sh->wake_all = wake_all;
    t->peers = threads;
    t->connection_limit = settings->limits.max_connections / settings->threads + 1;
    t->listeners = calloc(settings->listener_count, sizeof(*t->listeners));
    if (t->listeners == NULL || make_lists(sh) != 0)
        return UV_ENOMEM;
    if (settings->access_log.ptr != NULL) {
        sh->access_log = access_log_open(settings->access_log.ptr, settings->access_log_format);
        if (sh->access_log == NULL)
            return UV_EIO;
    }
    t->drain.data = t;
    t->second.data = t;
    t->watch.data = t;
    t->wake.data = t;
    uv_async_init(&sh->loop.uv, &t->drain, on_drain);
    uv_async_init(&sh->loop.uv, &t->wake, on_wake);
    uv_timer_init(&sh->loop.uv, &t->watch);
    uv_timer_init(&sh->loop.uv, &t->second);
    uv_timer_start(&t->second, on_second, FLUSH_MS, FLUSH_MS);
    return start_listeners(t, fds);
}

void thread_run(struct thread *t)
{
    uv_run(&t->shard.loop.uv, UV_RUN_DEFAULT);
    access_log_flush(t->shard.access_log);
    log_flush_suppressed();
}

void thread_close(struct thread *t)
{
    struct shard *sh = &t->shard;

    uv_close((uv_handle_t *)&t->drain, NULL);
    uv_close((uv_handle_t *)&t->wake, NULL);
    uv_close((uv_handle_t *)&t->second, NULL);
    uv_close((uv_handle_t *)&t->watch, NULL);
    loop_close(&sh->loop);
    exchange_pool_clear(sh);
    access_log_close(sh->access_log);
    free(sh->idle);
    free(sh->waiting);
    free(t->listeners);
}

void thread_drain(struct thread *t)
{
    uv_async_send(&t->drain);
}
