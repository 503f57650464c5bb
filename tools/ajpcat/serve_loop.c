/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of `ajpcat serve`: epoll over its own listener and connections. Reads level
 * triggered, so that a small request costs one recv and one send. */
#include "serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 256 };

static void unlist(struct serve_loop *l, struct serve_conn *c)
{
    if (c->deadline_ns == 0)
        return;
    *(c->prev ? &c->prev->next : &l->first) = c->next;
    *(c->next ? &c->next->prev : &l->last) = c->prev;
    c->prev = c->next = NULL;
    c->deadline_ns = 0;
}

/* Waits are mostly of one length, so the search from the end is short. */
void loop_wait(struct serve_loop *l, struct serve_conn *c, uint64_t ms)
{
    unlist(l, c);
    c->deadline_ns = now_ns() + ms * 1000000u;
    c->state = CONN_WAIT;
    struct serve_conn *before = l->last;
    while (before && before->deadline_ns > c->deadline_ns)
        before = before->prev;
    c->prev = before;
    c->next = before ? before->next : l->first;
    *(c->prev ? &c->prev->next : &l->first) = c;
    *(c->next ? &c->next->prev : &l->last) = c;
}

static void drop(struct serve_loop *l, struct serve_conn *c)
{
    unlist(l, c);
    *(c->all_prev ? &c->all_prev->all_next : &l->all) = c->all_next;
    if (c->all_next)
        c->all_next->all_prev = c->all_prev;
    conn_free(c);
}

/* Asks epoll for what the connection can use now. */
static void rearm(struct serve_loop *l, struct serve_conn *c)
{
    uint32_t want = c->in_len < l->options->limits.max_packet ? EPOLLIN : 0;
    if (c->out_sent < c->out.len)
        want |= EPOLLOUT;
    if (c->shaking)
        want = c->shaking == POLLIN ? EPOLLIN : EPOLLOUT;
    if (want == c->armed)
        return;
    struct epoll_event e = {.events = want, .data.ptr = c};
    epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, c->link.fd, &e);
    c->armed = want;
}

static void settle(struct serve_loop *l, struct serve_conn *c, bool keep)
{
    /* No event tells of what TLS holds. */
    if (keep && !c->shaking && link_holds(&c->link) && c->out_sent == c->out.len)
        keep = conn_readable(l, c);
    if (keep)
        rearm(l, c);
    else
        drop(l, c);
}

/* A script may speak first. */
static bool may_begin(struct serve_loop *l, struct serve_conn *c)
{
    return !c->script || conn_go_on(l, c);
}

static bool begin(struct serve_loop *l, struct serve_conn *c)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->link.fd, &e) < 0)
        return false;
    if (!l->options->side)
        return may_begin(l, c);
    c->shaking = POLLIN;
    return link_secure(&c->link, l->options->side);
}

static void accept_some(struct serve_loop *l)
{
    int one = 1;
    for (int i = 0; i < 64; i++) {
        int fd = accept4(l->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct serve_conn *c = xmalloc(sizeof *c);
        *c = (struct serve_conn){
            .link = {.fd = fd}, .armed = EPOLLIN, .all_next = l->all, .script = l->options->script};
        ajp_session_init(&c->session, AJP_CONTAINER, &l->options->limits);
        if (l->all)
            l->all->all_prev = c;
        l->all = c;
        settle(l, c, begin(l, c));
    }
}

static bool shake(struct serve_loop *l, struct serve_conn *c)
{
    int events = secure_shake(c->link.secure);
    c->shaking = events > 0 ? events : 0;
    if (events < 0 && !l->options->quiet)
        fprintf(stderr, "ajpcat serve: no TLS with a web server: %s\n", secure_why(c->link.secure));
    return events > 0 || (events == 0 && may_begin(l, c));
}

static void handle(struct serve_loop *l, struct serve_conn *c, uint32_t events)
{
    bool keep = true;
    if (c->shaking) {
        settle(l, c, shake(l, c));
        return;
    }
    if (events & EPOLLOUT)
        keep = conn_go_on(l, c);
    if (keep && (events & EPOLLIN))
        keep = conn_readable(l, c);
    else if (keep && (events & (EPOLLERR | EPOLLHUP)))
        keep = false;
    settle(l, c, keep);
}

static void expire(struct serve_loop *l)
{
    uint64_t now = l->first ? now_ns() : 0;
    while (l->first && l->first->deadline_ns <= now) {
        struct serve_conn *c = l->first;
        bool lingers = c->state == CONN_LINGER;
        unlist(l, c);
        if (!lingers)
            c->state = CONN_ANSWER;
        settle(l, c, !lingers && conn_go_on(l, c));
    }
}

static int next_timeout(const struct serve_loop *l)
{
    if (!l->first)
        return -1;
    uint64_t now = now_ns();
    return l->first->deadline_ns <= now ? 0 : (int)((l->first->deadline_ns - now) / 1000000u) + 1;
}

static bool watch(struct serve_loop *l, int fd, void *mark)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = mark};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

bool loop_run(struct serve_loop *l)
{
    struct epoll_event events[EVENTS];
    bool running = true;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0 || !watch(l, l->listen_fd, &l->listen_fd) ||
        !watch(l, l->wake_fd, &l->wake_fd))
        return false;
    while (running) {
        int n = epoll_wait(l->epoll_fd, events, EVENTS, next_timeout(l));
        if (n < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &l->wake_fd)
                running = false;
            else if (events[i].data.ptr == &l->listen_fd)
                accept_some(l);
            else
                handle(l, events[i].data.ptr, events[i].events);
        }
        expire(l);
    }
    while (l->all)
        drop(l, l->all);
    close(l->epoll_fd);
    return true;
}
