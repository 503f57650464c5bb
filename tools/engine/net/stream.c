/* SPDX-License-Identifier: Apache-2.0 */
/* Plain TCP over uv_poll, level-triggered: one recv per event, no read that only
 * finds EAGAIN, no epoll_ctl while a connection only reads. */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static long plain_recv(struct stream *s, void *to, size_t cap)
{
    for (;;) {
        ssize_t n = recv(s->fd, to, cap, 0);

        if (n >= 0)
            return n;
        if (errno == EAGAIN)
            return STREAM_AGAIN;
        if (errno != EINTR) {
            s->error = errno;
            return STREAM_FAILED;
        }
    }
}

static long plain_send(struct stream *s, const struct iovec *v, int n)
{
    for (;;) {
        ssize_t sent;

        if (n == 1) {
            sent = send(s->fd, v[0].iov_base, v[0].iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n};

            sent = sendmsg(s->fd, &m, MSG_NOSIGNAL);
        }
        if (sent >= 0)
            return sent;
        if (errno == EAGAIN)
            return STREAM_AGAIN;
        if (errno != EINTR) {
            s->error = errno;
            return STREAM_FAILED;
        }
    }
}

static const struct stream_io plain_io = {plain_recv, plain_send};

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct stream *s = p->data;

    if (s->closing)
        return;
    /* On an error libuv has stopped watching: let recv tell what it is. */
    if (status < 0) {
        s->wanted = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    s->on_event(s, (events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0);
}

int stream_open(struct stream *s, struct loop *l, int fd)
{
    int rc = uv_poll_init(&l->uv, &s->poll, fd);
    int on = 1;

    if (rc != 0)
        return rc;
    s->poll.data = s;
    s->loop = l;
    s->io = &plain_io;
    s->fd = fd;
    s->error = 0;
    s->wanted = 0;
    s->closing = false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return 0;
}

static socklen_t addr_len(const struct sockaddr *addr)
{
    return addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

int stream_connect(struct stream *s, struct loop *l, const struct sockaddr *addr)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return -errno;
    if (connect(fd, addr, addr_len(addr)) != 0 && errno != EINPROGRESS) {
        rc = -errno;
        close(fd);
        return rc;
    }
    rc = stream_open(s, l, fd);
    if (rc != 0)
        close(fd);
    return rc;
}

void stream_want(struct stream *s, bool readable, bool writable)
{
    uint8_t wanted = (uint8_t)((readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));

    if (s->closing || wanted == s->wanted)
        return;
    s->wanted = wanted;
    if (wanted != 0)
        uv_poll_start(&s->poll, wanted, on_poll);
    else
        uv_poll_stop(&s->poll);
}

int stream_connect_error(struct stream *s)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    s->error = error;
    return error;
}

void stream_shutdown(struct stream *s)
{
    shutdown(s->fd, SHUT_WR);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct stream *s = h->data;

    s->on_closed(s);
}

void stream_close(struct stream *s, bool reset)
{
    if (s->closing)
        return;
    s->closing = true;
    uv_close((uv_handle_t *)&s->poll, on_handle_closed);
    if (reset) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};

        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(s->fd);
}
