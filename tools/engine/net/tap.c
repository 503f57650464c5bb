/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces become TCP segments in pcap records (link type: raw IP), with the addresses of
 * the real connection and sequence numbers of our own. A reader that is too slow misses
 * segments, which its reassembly notices; the data path never waits. */
#include "net/tap.h"

#include "net/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CLIENTS_MAX = 4,
    PENDING_MAX = 8 * 1024 * 1024, /* of one reader; what comes then is not shown */
    SEGMENT_MAX = 32 * 1024,
    LINKTYPE_RAW = 101,
    HEADERS_MAX = 16 + 40 + 20, /* record, IPv6, TCP */
};

struct tap_flow {
    struct sockaddr_storage ours, theirs;
    uint32_t sent, received; /* sequence numbers of the two directions */
};

struct reader {
    int fd; /* -1: none */
    uint8_t *pending;
    size_t at, len, cap;
};

struct tap {
    uv_poll_t poll;
    int fd;
    struct local_socket local;
    char path[]; /* local's */
};

_Atomic int tap_clients;

/* Threads meet here, only while somebody listens. */
static uv_mutex_t lock;
static struct reader readers[CLIENTS_MAX];

/* --- readers; the lock is held --- */

static void reader_close(struct reader *r)
{
    close(r->fd);
    free(r->pending);
    *r = (struct reader){.fd = -1};
    atomic_fetch_sub(&tap_clients, 1);
}

static bool reader_flush(struct reader *r)
{
    while (r->at < r->len) {
        ssize_t n = send(r->fd, r->pending + r->at, r->len - r->at, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        r->at += (size_t)n;
    }
    r->at = 0;
    r->len = 0;
    return true;
}

/* All of it or nothing: a record must not be cut. */
static void reader_add(struct reader *r, const void *head, size_t head_len, const void *data,
                       size_t len)
{
    size_t need = r->len + head_len + len;

    if (need > PENDING_MAX)
        return;
    if (need > r->cap) {
        uint8_t *more = realloc(r->pending, need * 2);

        if (more == NULL)
            return;
        r->pending = more;
        r->cap = need * 2;
    }
    memcpy(r->pending + r->len, head, head_len);
    if (len > 0)
        memcpy(r->pending + r->len + head_len, data, len);
    r->len = need;
}

static void to_readers(const void *head, size_t head_len, const void *data, size_t len)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct reader *r = &readers[i];

        if (r->fd < 0)
            continue;
        reader_add(r, head, head_len, data, len);
        if (!reader_flush(r))
            reader_close(r);
    }
}

/* --- packets --- */

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, 4); /* pcap: as the machine has it; its magic tells */
    return p + 4;
}

static uint8_t *put_ip(uint8_t *p, const struct sockaddr_storage *from,
                       const struct sockaddr_storage *to, size_t payload)
{
    if (from->ss_family == AF_INET6) {
        *p++ = 0x60;
        memset(p, 0, 3);
        p[3] = (uint8_t)(payload >> 8);
        p[4] = (uint8_t)payload;
        p[5] = IPPROTO_TCP;
        p[6] = 64;
        memcpy(p + 7, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
        memcpy(p + 23, &((const struct sockaddr_in6 *)to)->sin6_addr, 16);
        return p + 39;
    }
    memset(p, 0, 12);
    p[0] = 0x45;
    p[2] = (uint8_t)((payload + 20) >> 8);
    p[3] = (uint8_t)(payload + 20);
    p[8] = 64;
    p[9] = IPPROTO_TCP; /* checksums stay 0: nothing was on a wire */
    memcpy(p + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    memcpy(p + 16, &((const struct sockaddr_in *)to)->sin_addr, 4);
    return p + 20;
}

static uint16_t port_of(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                    : ((const struct sockaddr_in *)a)->sin_port;
}

/* One segment of at most SEGMENT_MAX bytes. flags: of TCP. */
static void segment(const struct sockaddr_storage *from, const struct sockaddr_storage *to,
                    uint32_t seq, uint32_t ack, uint8_t flags, const void *data, size_t n)
{
    size_t ip = from->ss_family == AF_INET6 ? 40 : 20;
    uint8_t head[HEADERS_MAX], *p = head;
    uint16_t port = port_of(from);
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    p = put32(p, (uint32_t)now.tv_sec);
    p = put32(p, (uint32_t)(now.tv_nsec / 1000));
    p = put32(p, (uint32_t)(ip + 20 + n));
    p = put32(p, (uint32_t)(ip + 20 + n));
    p = put_ip(p, from, to, 20 + n);
    memcpy(p, &port, 2);
    port = port_of(to);
    memcpy(p + 2, &port, 2);
    put32(p + 4, htonl(seq));
    put32(p + 8, htonl(ack));
    p[12] = 0x50;
    p[13] = flags;
    p[14] = p[15] = 0xff; /* window */
    memset(p + 16, 0, 4);
    to_readers(head, (size_t)(p + 20 - head), data, n);
}

static struct tap_flow *flow_of(struct tap_flow **flow, int fd)
{
    struct tap_flow *f = *flow;
    socklen_t len = sizeof(f->ours);

    if (f != NULL)
        return f;
    f = calloc(1, sizeof(*f));
    if (f == NULL || getsockname(fd, (struct sockaddr *)&f->ours, &len) != 0 ||
        (len = sizeof(f->theirs), getpeername(fd, (struct sockaddr *)&f->theirs, &len)) != 0) {
        free(f);
        return NULL;
    }
    f->sent = f->received = 1;
    *flow = f;
    return f;
}

enum { TCP_FIN = 0x01, TCP_PSH_ACK = 0x18, TCP_FIN_ACK = 0x11 };

static void show(struct tap_flow *f, bool sent, const uint8_t *data, size_t n)
{
    while (n > 0) {
        size_t piece = n < SEGMENT_MAX ? n : SEGMENT_MAX;

        if (sent)
            segment(&f->ours, &f->theirs, f->sent, f->received, TCP_PSH_ACK, data, piece);
        else
            segment(&f->theirs, &f->ours, f->received, f->sent, TCP_PSH_ACK, data, piece);
        *(sent ? &f->sent : &f->received) += (uint32_t)piece;
        data += piece;
        n -= piece;
    }
}

void tap_received(struct tap_flow **flow, int fd, const void *data, size_t n)
{
    struct tap_flow *f = flow_of(flow, fd);

    if (f == NULL)
        return;
    uv_mutex_lock(&lock);
    show(f, false, data, n);
    uv_mutex_unlock(&lock);
}

void tap_sent(struct tap_flow **flow, int fd, const struct iovec *v, size_t n)
{
    struct tap_flow *f = flow_of(flow, fd);

    if (f == NULL)
        return;
    uv_mutex_lock(&lock);
    for (; n > 0; v++) {
        size_t piece = v->iov_len < n ? v->iov_len : n;

        show(f, true, v->iov_base, piece);
        n -= piece;
    }
    uv_mutex_unlock(&lock);
}

void tap_ended(struct tap_flow **flow)
{
    struct tap_flow *f = *flow;

    if (f == NULL)
        return;
    *flow = NULL;
    if (tap_active()) {
        uv_mutex_lock(&lock);
        segment(&f->theirs, &f->ours, f->received, f->sent, TCP_FIN_ACK, NULL, 0);
        segment(&f->ours, &f->theirs, f->sent, f->received + 1, TCP_FIN_ACK, NULL, 0);
        uv_mutex_unlock(&lock);
    }
    free(f);
}

/* --- the socket --- */

static void welcome(struct reader *r, int fd)
{
    const uint32_t magic = 0xa1b2c3d4u;
    const uint16_t version[2] = {2, 4};
    uint8_t head[24], *p = put32(head, magic);

    *r = (struct reader){.fd = fd};
    memcpy(p, version, 4);
    p = put32(p + 4, 0);
    p = put32(p, 0);
    p = put32(p, 262144);
    put32(p, LINKTYPE_RAW);
    atomic_fetch_add(&tap_clients, 1);
    reader_add(r, head, sizeof(head), NULL, 0);
    if (!reader_flush(r))
        reader_close(r);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct tap *t = poll->data;
    int fd = accept4(t->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)status;
    (void)events;
    if (fd < 0)
        return;
    uv_mutex_lock(&lock);
    for (int i = 0; i < CLIENTS_MAX && fd >= 0; i++)
        if (readers[i].fd < 0) {
            welcome(&readers[i], fd);
            fd = -1;
        }
    uv_mutex_unlock(&lock);
    if (fd >= 0)
        close(fd); /* enough look on */
}

struct tap *tap_start(const char *path, uv_loop_t *l, char *error, size_t error_cap)
{
    const struct local_access owner = {.mode = 0600, .group = (gid_t)-1};
    size_t path_size = strlen(path) + 1;
    struct tap *t = calloc(1, sizeof(*t) + path_size);
    char where[160];

    snprintf(where, sizeof(where), "tap %s", path);
    if (t == NULL) {
        snprintf(error, error_cap, "cannot listen on %s: out of memory", where);
        return NULL;
    }
    memcpy(t->path, path, path_size);
    /* A predecessor's is taken, who may be draining still. */
    t->fd = local_listen(&t->local, t->path, &owner, true, where, error, error_cap);
    if (t->fd < 0) {
        free(t);
        return NULL;
    }
    if (uv_poll_init(l, &t->poll, t->fd) != 0) {
        snprintf(error, error_cap, "cannot listen on %s: out of memory", where);
        local_remove(&t->local);
        close(t->fd);
        free(t);
        return NULL;
    }
    uv_mutex_init(&lock);
    for (int i = 0; i < CLIENTS_MAX; i++)
        readers[i].fd = -1;
    t->poll.data = t;
    uv_poll_start(&t->poll, UV_READABLE, on_ready);
    uv_unref((uv_handle_t *)&t->poll);
    return t;
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

void tap_stop(struct tap *t, bool handed_down)
{
    if (t == NULL)
        return;
    uv_close((uv_handle_t *)&t->poll, on_closed);
    close(t->fd);
    if (!handed_down)
        local_remove(&t->local);
    uv_mutex_lock(&lock);
    for (int i = 0; i < CLIENTS_MAX; i++)
        if (readers[i].fd >= 0)
            reader_close(&readers[i]);
    uv_mutex_unlock(&lock);
}
