/* SPDX-License-Identifier: Apache-2.0 */
/* The floor that proxies are measured against: recv, send and epoll, one upstream connection
 * for each client connection, looking at nothing.
 *   relay LISTEN_PORT UPSTREAM_PORT */
#include "sock.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 262144, BATCH = 64 };

struct end {
    int fd;
    uint32_t rest_at, rest_len;
    uint8_t *rest; /* what this end could not take yet; the other end is not read meanwhile */
};

struct pair {
    struct end end[2];
    struct pair *next_dead;
};

static int loop;
static struct pair *dead; /* freed after the batch, which may still name them */

/* epoll carries the pair with the end's number in the lowest bit */
static void *tag(struct pair *p, int side)
{
    return (char *)p + side;
}

static void pair_close(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        close(p->end[i].fd);
        p->end[i].fd = -1;
        free(p->end[i].rest);
    }
    p->next_dead = dead;
    dead = p;
}

static void pair_open(int listener, uint16_t upstream)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct pair *p = calloc(1, sizeof *p);
    if (!p)
        die("memory");
    sock_tune(fd);
    p->end[0].fd = fd;
    p->end[1].fd = sock_connect(upstream);
    if (p->end[1].fd < 0) {
        close(fd);
        free(p);
        return;
    }
    for (int i = 0; i < 2; i++)
        sock_watch(loop, EPOLL_CTL_ADD, p->end[i].fd, EPOLLIN, tag(p, i));
}

static void keep_rest(struct pair *p, int to, const uint8_t *bytes, size_t n)
{
    struct end *e = &p->end[to];
    e->rest = malloc(n);
    if (!e->rest)
        die("memory");
    memcpy(e->rest, bytes, n);
    e->rest_at = 0;
    e->rest_len = (uint32_t)n;
    sock_watch(loop, EPOLL_CTL_MOD, e->fd, EPOLLOUT | (p->end[!to].rest ? 0u : EPOLLIN),
               tag(p, to));
    sock_watch(loop, EPOLL_CTL_MOD, p->end[!to].fd, p->end[!to].rest ? EPOLLOUT : 0u, tag(p, !to));
}

static void pump(struct pair *p, int from)
{
    static uint8_t chunk[CHUNK];
    ssize_t n = recv(p->end[from].fd, chunk, sizeof chunk, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            pair_close(p);
        return;
    }
    ssize_t m = send(p->end[!from].fd, chunk, (size_t)n, MSG_NOSIGNAL);
    if (m < 0 && errno != EAGAIN) {
        pair_close(p);
        return;
    }
    if (m < 0)
        m = 0;
    if (m < n)
        keep_rest(p, !from, chunk + m, (size_t)(n - m));
}

static void flush(struct pair *p, int to)
{
    struct end *e = &p->end[to];
    ssize_t m = send(e->fd, e->rest + e->rest_at, e->rest_len, MSG_NOSIGNAL);
    if (m < 0) {
        if (errno != EAGAIN)
            pair_close(p);
        return;
    }
    e->rest_at += (uint32_t)m;
    e->rest_len -= (uint32_t)m;
    if (e->rest_len)
        return;
    free(e->rest);
    e->rest = NULL;
    sock_watch(loop, EPOLL_CTL_MOD, e->fd, p->end[!to].rest ? 0u : EPOLLIN, tag(p, to));
    sock_watch(loop, EPOLL_CTL_MOD, p->end[!to].fd, EPOLLIN | (p->end[!to].rest ? EPOLLOUT : 0u),
               tag(p, !to));
}

static void serve(const struct epoll_event *event)
{
    int side = (int)((uintptr_t)event->data.ptr & 1);
    struct pair *p = (struct pair *)((char *)event->data.ptr - side);
    if (p->end[side].fd >= 0 && (event->events & EPOLLOUT) && p->end[side].rest)
        flush(p, side);
    if (p->end[side].fd >= 0 && (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        pump(p, side);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: relay LISTEN_PORT UPSTREAM_PORT\n");
        return 2;
    }
    raise_fd_limit();
    signal(SIGPIPE, SIG_IGN);
    int listener = sock_listen((uint16_t)atoi(argv[1]));
    uint16_t upstream = (uint16_t)atoi(argv[2]);
    loop = epoll_create1(EPOLL_CLOEXEC);
    sock_watch(loop, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    printf("listening tcp://127.0.0.1:%u\n", sock_port(listener));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[BATCH];
        int n = epoll_wait(loop, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                serve(&events[i]);
            else
                pair_open(listener, upstream);
        }
        while (dead) {
            struct pair *p = dead;
            dead = p->next_dead;
            free(p);
        }
    }
}
