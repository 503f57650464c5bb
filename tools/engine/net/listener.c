/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting, and not spinning when descriptors have run out. */
#include "net/listener.h"

#include "base/log.h"
#include "net/inherit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { ACCEPT_RUN = 16, PAUSE_MS = 100, BACKLOG = 4096 };

static void set_port(struct sockaddr_storage *addr, uint16_t port)
{
    if (addr->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)addr)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)addr)->sin_port = htons(port);
}

static int bind_one(const struct addrinfo *a, uint16_t port, bool reuse_port)
{
    int on = 1, rc, fd;
    struct sockaddr_storage addr = {0};

    memcpy(&addr, a->ai_addr, a->ai_addrlen);
    set_port(&addr, port);
    fd = inherit_take((struct sockaddr *)&addr, a->ai_addrlen);
    if (fd >= 0)
        return fd;
    fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&addr, a->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int listener_bind(const char *host, uint16_t *port, bool shared)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    struct sockaddr_storage got = {0};
    socklen_t len = sizeof(got);
    int fd;

    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return -EADDRNOTAVAIL;
    fd = bind_one(list, *port, shared);
    freeaddrinfo(list);
    if (fd < 0)
        return fd;
    getsockname(fd, (struct sockaddr *)&got, &len);
    *port = ntohs(got.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&got)->sin6_port
                                            : ((struct sockaddr_in *)&got)->sin_port);
    return fd;
}

int listener_may_bind(const char *host, uint16_t port)
{
    enum { PRIVILEGED = 1024 };
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    struct sockaddr_storage addr = {0};
    int on = 1, rc = 0, fd;

    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return 0;
    memcpy(&addr, list->ai_addr, list->ai_addrlen);
    set_port(&addr, port < PRIVILEGED ? port : 0);
    fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        rc = -errno;
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)); /* in nobody's way */
        if (bind(fd, (struct sockaddr *)&addr, list->ai_addrlen) != 0 && errno != EADDRINUSE)
            rc = -errno;
        close(fd);
    }
    freeaddrinfo(list);
    return rc;
}

static void pause_accepting(struct listener *l)
{
    uv_poll_stop(&l->poll);
    loop_deadline(l->loop, &l->pause, PAUSE_MS);
}

static void on_ready(uv_poll_t *p, int status, int events)
{
    struct listener *l = p->data;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_RUN && !l->closed; i++) {
        const char *full = l->full != NULL ? l->full(l) : NULL;
        int fd;

        if (full != NULL) {
            log_event(LEVEL_WARN, "accept_paused", "reason=\"%s\"", full);
            pause_accepting(l);
            return;
        }
        fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->accepted(l, fd);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            log_event(LEVEL_ERROR, "accept_paused", "reason=\"%s\"", strerror(errno));
            pause_accepting(l);
            return;
        }
    }
}

static void on_pause_over(struct deadline *d)
{
    struct listener *l = CONTAINER_OF(d, struct listener, pause);

    if (!l->closed)
        uv_poll_start(&l->poll, UV_READABLE, on_ready);
}

int listener_start(struct listener *l, struct loop *loop, int fd)
{
    int rc = uv_poll_init(&loop->uv, &l->poll, fd);

    if (rc != 0)
        return rc;
    l->poll.data = l;
    l->loop = loop;
    l->fd = fd;
    l->closed = false;
    deadline_init(&l->pause, on_pause_over);
    return uv_poll_start(&l->poll, UV_READABLE, on_ready);
}

static void on_closed(uv_handle_t *h)
{
    struct listener *l = h->data;

    l->stopped(l);
}

void listener_stop(struct listener *l)
{
    if (l->closed)
        return;
    l->closed = true;
    deadline_drop(&l->loop->wheel, &l->pause);
    uv_close((uv_handle_t *)&l->poll, on_closed);
    close(l->fd);
}
