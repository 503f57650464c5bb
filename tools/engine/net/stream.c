/* SPDX-License-Identifier: Apache-2.0 */
/* Plain TCP over uv_poll, level-triggered: one recv per event, no read that only
 * finds EAGAIN, no epoll_ctl while a connection only reads. */
#include "net/stream.h"

#include "net/stream_tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
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

static long plain_peek(struct stream *s)
{
    char byte;
    ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n >= 0)
        return n;
    if (errno == EAGAIN || errno == EINTR)
        return STREAM_AGAIN;
    s->error = errno;
    return STREAM_FAILED;
}

static void plain_watch(struct stream *s);

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct stream *s = p->data;

    if (s->closing)
        return;
    if (status >= 0) {
        s->on_event(s, (events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0);
        return;
    }
    /* Libuv has stopped watching. Recv tells what it is, but only behind all that came before
     * it, which may take more than one turn. */
    s->on_event(s, true, true);
    if (!s->closing)
        plain_watch(s);
}

static void plain_watch(struct stream *s)
{
    stream_poll(s, s->wanted, on_poll);
}

static int plain_connect_error(struct stream *s)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    s->error = error;
    return error;
}

static void plain_shutdown(struct stream *s)
{
    shutdown(s->fd, SHUT_WR);
}

static void plain_close(struct stream *s, bool reset)
{
    (void)s;
    (void)reset;
}

static const struct stream_io plain_io = {
    .recv = plain_recv,
    .send = plain_send,
    .peek = plain_peek,
    .watch = plain_watch,
    .connect_error = plain_connect_error,
    .shutdown = plain_shutdown,
    .close = plain_close,
};

void stream_poll(struct stream *s, int events, uv_poll_cb cb)
{
    if (events != 0)
        uv_poll_start(&s->poll, events, cb);
    else
        uv_poll_stop(&s->poll);
}

int stream_open(struct stream *s, struct loop *l, int fd, struct tls_context *tls)
{
    int on = 1;
    int rc;

    s->tls = NULL;
    s->io = &plain_io;
    if (tls != NULL && !stream_tls_attach(s, l, fd, tls))
        return UV_ENOMEM;
    rc = uv_poll_init(&l->uv, &s->poll, fd);
    if (rc != 0) {
        stream_tls_detach(s);
        return rc;
    }
    s->poll.data = s;
    s->loop = l;
    s->fd = fd;
    s->error = 0;
    s->why = NULL;
    s->flow = NULL;
    s->tapped = false;
    s->wanted = 0;
    s->closing = false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return 0;
}

static socklen_t addr_len(const struct sockaddr *addr)
{
    return addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

int stream_connect(struct stream *s, struct loop *l, const struct sockaddr *addr,
                   struct tls_context *tls)
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
    rc = stream_open(s, l, fd, tls);
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
    s->io->watch(s);
}

const char *stream_why(const struct stream *s)
{
    return s->why != NULL ? s->why : strerror(s->error);
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
    tap_ended(&s->flow);
    s->closing = true;
    s->io->close(s, reset);
    uv_close((uv_handle_t *)&s->poll, on_handle_closed);
    if (reset) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};

        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(s->fd);
}
