/* SPDX-License-Identifier: Apache-2.0 */
/* Links of one thread. An idle link keeps its read interest armed, so that anything
 * that comes out of turn is noticed at once and costs no check before reuse (K1). */
#include "back/link.h"

#include "back/back.h"
#include "core/queue.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASK_MACHINE_S = 5 /* between questions to a worker's kernel, while nothing comes; at most */
};

struct link *link_take_idle(struct pools *p, const struct worker *w)
{
    struct list *pool = &p->idle[w->index];
    struct link *l;

    if (list_empty(pool))
        return NULL;
    l = CONTAINER_OF(pool->next, struct link, pool);
    list_remove(&l->pool);
    p->counts[w->index].now--;
    deadline_clear(&l->deadline);
    return l;
}

static void opened(struct link *l)
{
    if (l->opening)
        l->pools->counts[l->worker->index].opening--;
    l->opening = false;
}

void link_put_idle(struct link *l)
{
    struct idle_count *count = &l->pools->counts[l->worker->index];

    opened(l);
    l->state = LINK_IDLE;
    l->reused = true;
    count->now++;
    l->idle_since = shard_now(l->shard);
    list_add(&l->pools->idle[l->worker->index], &l->pool);
    loop_deadline(&l->shard->loop, &l->deadline, l->pools->settings->timeouts.pool_idle);
    stream_want(&l->stream, true, false);
    if (!queue_serve(l->pools, l->worker) && !queue_court(l->shard, l->pools, l->worker) &&
        (l->pools->retired || count->now > count->max ||
         queue_elsewhere(l->pools, l->worker, shard_now(l->shard))))
        link_close(l, false); /* of no more use, or of more use to another thread */
}

/* Has it carried all the requests that it may? */
static bool worn_out(struct link *l)
{
    uint32_t max = l->worker->settings->max_requests;

    return max != 0 && ++l->carried >= max;
}

/* To the next request the CPong would say that its reply is lost. */
bool link_await_pong(struct link *l, bool reuse)
{
    if (!reuse || worn_out(l) || l->shard->draining) {
        link_close(l, false);
        return false;
    }
    l->state = LINK_PINGING;
    loop_deadline(&l->shard->loop, &l->deadline, l->pools->settings->timeouts.cping);
    stream_want(&l->stream, true, false);
    return true;
}

void link_done(struct link *l, bool reuse, size_t rest)
{
    if (reuse && rest > 0)
        log_event(LEVEL_WARN, "idle_dirty", "worker=%s bytes=%zu", l->worker->settings->name.ptr,
                  rest);
    if (!reuse || rest > 0 || worn_out(l) || l->shard->draining)
        link_close(l, false);
    else
        link_put_idle(l);
}

void link_expired(struct link *l)
{
    const struct idle_count *count = &l->pools->counts[l->worker->index];

    if (count->now > count->min)
        link_close(l, false);
    else
        loop_deadline(&l->shard->loop, &l->deadline, l->pools->settings->timeouts.pool_idle);
}

bool link_own_lack(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void on_closed(struct stream *s)
{
    free(CONTAINER_OF(s, struct link, stream));
}

static void begin_session(struct link *l)
{
    struct ajp_limits limits = ajp_limits_relay;
    uint32_t most = l->pools->settings->limits.reply_header_count;

    limits.max_packet = l->worker->settings->packet_size;
    limits.max_headers = most != 0 ? (uint16_t)most : UINT16_MAX;
    limits.lenient |= AJP_ALLOW_VALUE_CONTROLS; /* odd_reply.c overwrites them */
    ajp_session_init(&l->session, AJP_SERVER, &limits);
}

void link_unused(struct link *l)
{
    begin_session(l);
    link_done(l, true, 0);
}

static bool is_loopback(const struct sockaddr *a)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;

    if (a->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    return (ntohl(in->sin_addr.s_addr) >> 24) == IN_LOOPBACKNET;
}

/* Another machine may vanish without a word: then a request that it has is over as soon as a silent
 * worker is given up, and not only when its reply is due. */
static void watch_machine(struct link *l, const struct sockaddr *a)
{
    uint32_t patience = l->worker->balancer->settings->health.silence;

    uint32_t every_s = patience / 4000;

    if (every_s > ASK_MACHINE_S)
        every_s = ASK_MACHINE_S;
    if (patience != 0 && !is_loopback(a))
        stream_watch_peer(&l->stream, every_s != 0 ? every_s : 1, patience);
}

/* Begins at addr, or behind it if that fails at once. 0 or a negative errno. */
static int connect_link(struct link *l, const struct sockaddr *addr)
{
    int rc;

    do
        rc = stream_connect(&l->stream, &l->shard->loop, addr, l->worker->settings->tls);
    while (rc != 0 && !link_own_lack(-rc) && (addr = address_next(l->worker, &l->walk)) != NULL);
    return rc;
}

/* walk: NULL for the address in use. */
static struct link *link_make(struct shard *sh, struct pools *p, struct worker *w,
                              const struct address_walk *walk)
{
    struct link *l = calloc(1, sizeof(*l));
    const struct sockaddr *addr;
    int rc;

    if (l == NULL)
        return NULL;
    l->shard = sh;
    l->worker = w;
    if (walk != NULL)
        l->walk = *walk;
    addr = walk != NULL ? address_now(w, walk) : address_begin(w, &l->walk);
    rc = connect_link(l, addr);
    if (rc != 0) {
        free(l);
        errno = -rc;
        return NULL;
    }
    watch_machine(l, address_now(w, &l->walk));
    l->stream.tapped = true;
    l->stream.on_closed = on_closed;
    l->pools = pools_enter(p);
    l->state = LINK_CONNECTING;
    p->counts[w->index].connecting++;
    begin_session(l);
    out_init(&l->out);
    list_init(&l->pool);
    list_add(&sh->links, &l->node);
    return l;
}

struct link *link_new(struct shard *sh, struct pools *p, struct worker *w,
                      void (*on_event)(struct stream *s, bool readable, bool writable),
                      void (*on_deadline)(struct deadline *d))
{
    struct link *l = link_make(sh, p, w, NULL);

    if (l == NULL) {
        capacity_give(sh, w);
        return NULL;
    }
    l->stream.on_event = on_event;
    deadline_init(&l->deadline, on_deadline);
    return l;
}

struct link *link_elsewhere(struct link *l)
{
    struct address_walk walk = l->walk;
    struct link *next;

    if (address_next(l->worker, &walk) == NULL)
        return NULL;
    next = link_make(l->shard, l->pools, l->worker, &walk);
    if (next == NULL)
        return NULL;
    next->stream.on_event = l->stream.on_event;
    deadline_init(&next->deadline, l->deadline.reached);
    next->opening = l->opening;
    next->x = l->x;
    next->client = l->client;
    if (l->x != NULL)
        l->x->link = next;
    l->x = NULL;
    l->opening = false;
    l->handed = true;
    link_close(l, true);
    return next;
}

void link_connected(struct link *l)
{
    l->pools->counts[l->worker->index].connecting--;
    queue_next(l->shard, l->pools, l->worker);
}

void link_close(struct link *l, bool reset)
{
    if (l->state == LINK_CLOSED)
        return;
    if (l->state == LINK_CONNECTING)
        l->pools->counts[l->worker->index].connecting--;
    l->state = LINK_CLOSED;
    opened(l);
    if (!list_empty(&l->pool))
        l->pools->counts[l->worker->index].now--;
    list_remove(&l->pool);
    list_remove(&l->node);
    deadline_drop(&l->shard->loop.wheel, &l->deadline);
    out_clear(&l->out, &l->shard->loop);
    buf_give(&l->shard->loop.bufs, l->rest);
    l->rest = NULL;
    stream_close(&l->stream, reset);
    if (!l->handed)
        capacity_give(l->shard, l->worker);
    pools_leave(l->pools);
}

bool link_keep_rest(struct link *l, const uint8_t *in, size_t len)
{
    struct buf_pool *pool = &l->shard->loop.bufs;

    if (len == 0)
        return true;
    if (len > pool->block || (l->rest = buf_take(pool)) == NULL)
        return false;
    memcpy(l->rest->data, in, len);
    l->rest->end = (uint32_t)len;
    return true;
}

size_t link_take_rest(struct link *l, uint8_t *to)
{
    size_t have = l->rest != NULL ? buf_len(l->rest) : 0;

    if (have > 0)
        memcpy(to, l->rest->data, have);
    buf_give(&l->shard->loop.bufs, l->rest);
    l->rest = NULL;
    return have;
}

void links_look_again(struct shard *sh)
{
    struct pools *p = sh->pools;

    if (sh->settings->health.on_down == ON_DOWN_ABORT)
        links_give_up(sh);
    queue_look_again(sh);
    for (size_t i = 0; i < p->balancer->count; i++)
        if (!list_empty(&p->idle[i]) && queue_elsewhere(p, &p->balancer->workers[i], shard_now(sh)))
            link_close(CONTAINER_OF(p->idle[i].next, struct link, pool), false);
}

void links_retire(struct shard *sh, struct pools *p)
{
    struct list *at = sh->links.next;

    p->retired = true;
    for (size_t i = 0; i < p->balancer->count; i++)
        while (!list_empty(&p->waiting[i]))
            exchange_move(CONTAINER_OF(p->waiting[i].next, struct exchange, queue));
    while (at != &sh->links) {
        struct link *l = CONTAINER_OF(at, struct link, node);

        at = at->next;
        if (l->pools == p && l->state == LINK_IDLE)
            link_close(l, false);
    }
}
