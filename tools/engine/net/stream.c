/* SPDX-License-Identifier: Apache-2.0 */
/* Plain TCP. The kernel tells each change once, so what it told is remembered until a call moves
 * less than it could: one recv per event, no read that only finds EAGAIN, no epoll_ctl but at the
 * two ends of a connection. */
#include "net/stream.h"

#include "net/call.h"
#include "net/stream_tls.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

static long plain_result(struct stream *s, ssize_t n)
{
    if (n >= 0)
        return n;
    if (errno == EAGAIN)
        return STREAM_AGAIN;
    s->error = errno;
    return STREAM_FAILED;
}

static long plain_recv(struct stream *s, void *to, size_t cap)
{
    ssize_t n;

    do
        n = call_recv(s->fd, to, cap, 0);
    while (n < 0 && errno == EINTR);
    stream_moved(s, STREAM_READABLE, n, cap);
    return plain_result(s, n);
}

static long plain_send(struct stream *s, const struct iovec *v, int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n};
    size_t total = 0;
    ssize_t sent;

    for (int i = 0; i < n; i++)
        total += v[i].iov_len;
    do
        sent = n == 1 ? call_send(s->fd, v[0].iov_base, total, MSG_NOSIGNAL)
                      : call_sendmsg(s->fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    stream_moved(s, STREAM_WRITABLE, sent, total);
    return plain_result(s, sent);
}

static long plain_peek(struct stream *s)
{
    char byte;
    ssize_t n;

    do
        n = call_recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    stream_moved(s, STREAM_READABLE, n, 1);
    return plain_result(s, n);
}

static void plain_watch(struct stream *s)
{
    stream_await(s, s->wanted);
}

static void plain_ready(struct stream *s, int sockets)
{
    s->on_event(s, (sockets & STREAM_READABLE) != 0, (sockets & STREAM_WRITABLE) != 0);
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
    .ready = plain_ready,
    .connect_error = plain_connect_error,
    .shutdown = plain_shutdown,
    .close = plain_close,
};

/* The socket's state is asked again after each call, as long as it may have more. */
static inline void pass(struct stream *s)
{
    if (s->closing)
        return;
    if ((s->ready & s->awaited) != 0)
        s->io->ready(s, s->ready & s->awaited);
    if (!s->closing && (s->ready & s->awaited) != 0)
        loop_again(s->loop, &s->again);
}

/* No bytes, or the last ones: rare, so it is kept apart. */
static void on_end(struct stream *s, bool broken)
{
    const bool news = !s->ended || (broken && !s->broken);
    const bool reads = (s->awaited & STREAM_READABLE) != 0;

    s->ended = true;
    s->broken |= broken;
    pass(s);
    if (news && !reads && !s->closing && s->on_ended != NULL)
        s->on_ended(s);
}

static void on_changed(struct watch *w, uint32_t events)
{
    struct stream *s = CONTAINER_OF(w, struct stream, socket);

    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        s->ready |= STREAM_READABLE;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0)
        s->ready |= STREAM_WRITABLE;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        on_end(s, (events & EPOLLERR) != 0);
    else
        pass(s);
}

static void on_again(struct again *a)
{
    struct stream *s = CONTAINER_OF(a, struct stream, again);

    if (s->closing)
        s->on_closed(s);
    else
        pass(s);
}

void stream_await(struct stream *s, int events)
{
    if ((s->ready & events & ~s->awaited) != 0)
        loop_again(s->loop, &s->again);
    s->awaited = (uint8_t)events;
}

int stream_open(struct stream *s, struct loop *l, int fd, struct tls_context *tls)
{
    int on = 1;
    int rc;

    s->tls = NULL;
    s->io = &plain_io;
    if (tls != NULL && !stream_tls_attach(s, l, fd, tls))
        return UV_ENOMEM;
    s->socket.changed = on_changed;
    rc = loop_watch(l, &s->socket, fd);
    if (rc != 0) {
        stream_tls_detach(s);
        return rc;
    }
    again_init(&s->again, on_again);
    s->loop = l;
    s->fd = fd;
    s->error = 0;
    s->why = NULL;
    s->flow = NULL;
    s->tapped = false;
    s->wanted = 0;
    s->awaited = 0;
    s->ready = 0;
    s->ended = false;
    s->broken = false;
    s->on_ended = NULL;
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
    int fd, rc;

    if (addr->sa_family == AF_UNSPEC) /* of a name that was not found */
        return -EHOSTUNREACH;
    fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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
    uint8_t wanted = (uint8_t)((readable ? STREAM_READABLE : 0) | (writable ? STREAM_WRITABLE : 0));

    if (s->closing || wanted == s->wanted)
        return;
    s->wanted = wanted;
    s->io->watch(s);
}

size_t stream_unsent(const struct stream *s)
{
    int n = 0;

    return ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

void stream_watch_peer(struct stream *s, uint32_t every_s, uint32_t patience_ms)
{
    int on = 1, every = (int)every_s;

    setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(s->fd, IPPROTO_TCP, TCP_KEEPIDLE, &every, sizeof(every));
    setsockopt(s->fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    setsockopt(s->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
}

bool stream_arrived(const struct stream *s)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    memset(&info, 0, sizeof(info));
    return getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED && info.tcpi_unacked == 0;
}

const char *stream_why(const struct stream *s)
{
    return s->why != NULL ? s->why : strerror(s->error);
}

void stream_close(struct stream *s, bool reset)
{
    if (s->closing)
        return;
    tap_ended(&s->flow);
    s->closing = true;
    s->io->close(s, reset);
    loop_unwatch(s->loop, s->fd);
    loop_again(s->loop, &s->again);
    if (reset) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};

        setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(s->fd);
}
