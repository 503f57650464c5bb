/* SPDX-License-Identifier: Apache-2.0 */
/* The cheapest app server that still answers rightly, over HTTP and AJP at once: canned answers
 * to /bytes/N, uploads read and thrown away (AJP: by GET_BODY, one packet at a time).
 *   sink HTTP_PORT AJP_PORT [PACKET_SIZE] */
#include "sink.h"
#include "sock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, CHUNK = 128 * 1024 };

static int loop;
static struct conn *dead;

static void conn_close(struct conn *c)
{
    close(c->fd);
    c->fd = -1;
    free(c->carry);
    c->next_dead = dead;
    dead = c;
}

static bool conn_flush(struct conn *c)
{
    while (c->out_len) {
        ssize_t m = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (m < 0 && errno == EAGAIN) {
            if (!c->blocked)
                sock_watch(loop, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLOUT, c);
            c->blocked = true;
            return true;
        }
        if (m < 0)
            return false;
        c->out += m;
        c->out_len -= (size_t)m;
    }
    if (c->blocked)
        sock_watch(loop, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
    c->blocked = false;
    return true;
}

static bool conn_take(struct conn *c, const uint8_t *p, size_t n)
{
    while (n) {
        size_t used = c->step(c, p, n);
        if (used == STEP_BAD)
            return false;
        if (c->out_len && !c->blocked && !conn_flush(c))
            return false;
        if (!used)
            break;
        p += used;
        n -= used;
    }
    if (n) {
        c->carry = malloc(n);
        if (!c->carry)
            die("memory");
        memcpy(c->carry, p, n);
    }
    c->carry_len = n;
    return true;
}

static void conn_read(struct conn *c)
{
    static uint8_t chunk[CHUNK];
    size_t have = c->carry_len;
    if (have) {
        memcpy(chunk, c->carry, have);
        free(c->carry);
        c->carry = NULL;
        c->carry_len = 0;
    }
    ssize_t n = recv(c->fd, chunk + have, sizeof chunk - have, 0);
    if (n <= 0 || !conn_take(c, chunk, have + (size_t)n))
        conn_close(c);
}

static void conn_open(int listener, step_fn *step)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        die("memory");
    sock_tune(fd);
    c->fd = fd;
    c->step = step;
    sock_watch(loop, EPOLL_CTL_ADD, fd, EPOLLIN, c);
}

static void serve(struct conn *c, uint32_t events)
{
    if (c->fd >= 0 && (events & EPOLLOUT) && c->blocked && !conn_flush(c))
        conn_close(c);
    if (c->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        conn_read(c);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: sink HTTP_PORT AJP_PORT [PACKET_SIZE]\n");
        return 2;
    }
    raise_fd_limit();
    signal(SIGPIPE, SIG_IGN);
    if (argc > 3)
        sink_packet_size = (size_t)atoi(argv[3]);
    int http = sock_listen((uint16_t)atoi(argv[1]));
    int ajp = sock_listen((uint16_t)atoi(argv[2]));
    loop = epoll_create1(EPOLL_CLOEXEC);
    sock_watch(loop, EPOLL_CTL_ADD, http, EPOLLIN, &http);
    sock_watch(loop, EPOLL_CTL_ADD, ajp, EPOLLIN, &ajp);
    printf("listening http://127.0.0.1:%u\nlistening ajp://127.0.0.1:%u\n", sock_port(http),
           sock_port(ajp));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[BATCH];
        int n = epoll_wait(loop, events, BATCH, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &http)
                conn_open(http, sink_step_http);
            else if (events[i].data.ptr == &ajp)
                conn_open(ajp, sink_step_ajp);
            else
                serve(events[i].data.ptr, events[i].events);
        }
        while (dead) {
            struct conn *c = dead;
            dead = c->next_dead;
            free(c);
        }
    }
}
