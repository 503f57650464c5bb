/* SPDX-License-Identifier: Apache-2.0 */
/* Links of one thread. An idle link keeps its read interest armed, so that anything
 * that comes out of turn is noticed at once and costs no check before reuse (K1). */
#include "back/link.h"

#include "back/back.h"
#include "core/queue.h"

#include <errno.h>
#include <stdlib.h>

struct link *link_take_idle(struct shard *sh, const struct worker *w)
{
    struct list *pool = &sh->idle[w->index];
    struct link *l;

    if (list_empty(pool))
        return NULL;
    l = CONTAINER_OF(pool->next, struct link, pool);
    list_remove(&l->pool);
    deadline_clear(&l->deadline);
    return l;
}

void link_put_idle(struct link *l)
{
    l->state = LINK_IDLE;
    l->reused = true;
    l->idle_since = shard_now(l->shard);
    list_add(&l->shard->idle[l->worker->index], &l->pool);
    loop_deadline(&l->shard->loop, &l->deadline, l->shard->settings->timeouts.pool_idle);
    stream_want(&l->stream, true, false);
    if (!queue_serve(l->shard, l->worker) && queue_elsewhere(l->shard, l->worker))
        link_close(l, false); /* another thread has more use for the connection */
}

static void on_closed(struct stream *s)
{
    free(CONTAINER_OF(s, struct link, stream));
}

struct link *link_new(struct shard *sh, struct worker *w,
                      void (*on_event)(struct stream *s, bool readable, bool writable),
                      void (*on_deadline)(struct deadline *d))
{
    struct ajp_limits limits = ajp_limits_relay;
    struct link *l = calloc(1, sizeof(*l));
    int rc;

    if (l == NULL) {
        capacity_give(sh, w);
        return NULL;
    }
    rc = stream_connect(&l->stream, &sh->loop, (const struct sockaddr *)&w->addr, w->settings->tls);
    if (rc != 0) {
        free(l);
        capacity_give(sh, w);
        errno = -rc;
        return NULL;
    }
    l->stream.on_event = on_event;
    l->stream.on_closed = on_closed;
    l->shard = sh;
    l->worker = w;
    l->state = LINK_CONNECTING;
    limits.max_packet = w->settings->packet_size;
    limits.max_headers = HEAD_FIELDS_MAX;
    ajp_session_init(&l->session, AJP_SERVER, &limits);
    out_init(&l->out);
    deadline_init(&l->deadline, on_deadline);
    list_init(&l->pool);
    list_add(&sh->links, &l->node);
    return l;
}

void link_close(struct link *l, bool reset)
{
    if (l->state == LINK_CLOSED)
        return;
    l->state = LINK_CLOSED;
    list_remove(&l->pool);
    list_remove(&l->node);
    deadline_drop(&l->shard->loop.wheel, &l->deadline);
    out_clear(&l->out, &l->shard->loop);
    buf_give(&l->shard->loop.bufs, l->rest);
    l->rest = NULL;
    stream_close(&l->stream, reset);
    capacity_give(l->shard, l->worker);
}

/* Has w a connection to spare for who waits in this thread? */
static bool can_serve(struct shard *sh, struct worker *w)
{
    uint32_t cap = w->settings->max_connections;

    return !list_empty(&sh->waiting[w->index]) &&
           (!list_empty(&sh->idle[w->index]) || cap == 0 || atomic_load(&w->connections) < cap);
}

void links_look_again(struct shard *sh)
{
    for (size_t i = 0; i < sh->balancer->count; i++) {
        struct worker *w = &sh->balancer->workers[i];

        while (can_serve(sh, w))
            queue_serve(sh, w);
        if (queue_elsewhere(sh, w) && !list_empty(&sh->idle[i]))
            link_close(CONTAINER_OF(sh->idle[i].next, struct link, pool), false);
    }
}
