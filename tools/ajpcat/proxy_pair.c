/* SPDX-License-Identifier: Apache-2.0 */
/* Two sockets, what waits to be written, and the eyes on it. */
#include "proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WAITING_MAX = 256 * 1024, READ_SIZE = 64 * 1024 };

void proxy_output_write(struct proxy_output *o)
{
    struct text *out = &o->view.out;
    if (out->len > 0 && fwrite(out->at, 1, out->len, stdout) == 0)
        o->failed = true;
    text_clear(out);
    if (fflush(stdout) != 0)
        o->failed = true;
}

static void show(struct proxy_output *o, const struct exchange *e)
{
    if (o->filter && !filter_accepts(o->filter, e))
        return;
    o->kind->show(&o->view, e);
    proxy_output_write(o);
}

static void on_final(void *user, const struct exchange *e)
{
    struct proxy_pair *p = user;
    if (p->shown != e)
        show(p->output, e);
    else
        p->shown = NULL;
}

/* An exchange whose answer ended is shown at once: final it is only when the next one begins. */
static void on_message(void *user, struct exchange *e, const struct packet *packet,
                       const ajp_message *m)
{
    struct proxy_pair *p = user;
    struct proxy_output *o = p->output;
    if (o->kind->message)
        o->kind->message(&o->view, e, packet, m);
    if (e->kind == EXCHANGE_REQUEST && e->complete && e->owed == 0 && !p->shown) {
        show(o, e);
        p->shown = e;
    }
}

static struct peer peer_of(const struct address *a)
{
    struct peer p = {.is_v6 = a->at.ss_family == AF_INET6};
    if (p.is_v6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&a->at;
        memcpy(p.address, &in->sin6_addr, 16);
        p.port = ntohs(in->sin6_port);
    } else {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a->at;
        memcpy(p.address, &in->sin_addr, 4);
        p.port = ntohs(in->sin_port);
    }
    return p;
}

static int begin_connect(const struct address *to)
{
    int one = 1;
    int fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)&to->at, to->len) < 0 && errno != EINPROGRESS) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* Begins the handshake of a side, where it has one. */
static bool begin_shake(struct proxy_pair *p, int i, struct tls_context *side)
{
    p->side[i].shaking = side ? POLLIN | POLLOUT : 0;
    return !side || link_secure(&p->side[i].link, side);
}

struct proxy_pair *proxy_pair_new(int client_fd, const struct address *client,
                                  const struct address *server, const struct proxy_sides *sides,
                                  uint64_t number, struct proxy_output *output)
{
    int fd = begin_connect(server);
    if (fd < 0)
        return NULL;
    struct proxy_pair *p = xmalloc(sizeof *p);
    *p = (struct proxy_pair){.side = {{.link = {.fd = client_fd}}, {.link = {.fd = fd}}},
                             .connecting = true,
                             .output = output,
                             .flow = {.ends = {peer_of(client), peer_of(server)},
                                      .number = number,
                                      .from_syn = true,
                                      .half = {{.seen = true}, {.seen = true}},
                                      .syns = 1,
                                      .accepted = true}};
    p->broken = !begin_shake(p, 0, sides->listen) || !begin_shake(p, 1, sides->to);
    p->ledger = (struct ledger){.user = p, .show = on_final, .barrier = UINT64_MAX};
    p->watcher = (struct talk_watcher){.ledger = &p->ledger,
                                       .body = output->kind->body,
                                       .keep_heads = output->kind->heads,
                                       .user = p,
                                       .message = on_message};
    p->talk = talk_new(&p->watcher, &p->flow);
    return p;
}

static bool is_ready(const struct proxy_pair *p)
{
    return !p->connecting && !p->side[0].shaking && !p->side[1].shaking;
}

void proxy_pair_want(const struct proxy_pair *p, struct pollfd fds[2])
{
    for (int i = 0; i < 2; i++) {
        short events = 0;
        if (!p->side[i].eof && is_ready(p) && p->side[!i].waiting.len < WAITING_MAX)
            events |= POLLIN;
        if (p->side[i].waiting.len > 0 || (i == 1 && p->connecting))
            events |= POLLOUT;
        if (p->side[i].shaking && !(i == 1 && p->connecting))
            events = (short)p->side[i].shaking;
        fds[i] = (struct pollfd){.fd = events ? p->side[i].link.fd : -1, .events = events};
    }
}

static bool finish_connect(struct proxy_pair *p)
{
    int err = 0;
    socklen_t len = sizeof err;
    getsockopt(p->side[1].link.fd, SOL_SOCKET, SO_ERROR, &err, &len);
    p->connecting = false;
    if (err)
        fprintf(stderr, "ajpcat proxy: cannot connect: %s\n", strerror(err));
    return err == 0;
}

static bool shake(struct proxy_pair *p, int i)
{
    int events = secure_shake(p->side[i].link.secure);
    if (events < 0)
        fprintf(stderr, "ajpcat proxy: no TLS with the %s: %s\n",
                i == 0 ? "web server" : "app server", secure_why(p->side[i].link.secure));
    p->side[i].shaking = events;
    return events >= 0;
}

static uint64_t ns_of(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

static void note_ending(struct proxy_pair *p, int side, bool broke, const struct timespec *t)
{
    if (p->flow.ending.how == TCP_OPEN)
        p->flow.ending = (struct tcp_ending){
            .how = broke ? TCP_RESET : TCP_CLOSED, .side = side, .time_ns = ns_of(t)};
}

static bool read_side(struct proxy_pair *p, int i)
{
    uint8_t buf[READ_SIZE];
    struct timespec t;
    ssize_t n = link_recv(&p->side[i].link, buf, sizeof buf);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    clock_gettime(CLOCK_REALTIME, &t);
    if (n <= 0) {
        note_ending(p, i, n < 0, &t);
        p->side[i].eof = true;
        return n == 0;
    }
    text_put(&p->side[!i].waiting, buf, (size_t)n);
    struct segment s = {.from = p->flow.ends[i],
                        .to = p->flow.ends[!i],
                        .data = buf,
                        .len = (size_t)n,
                        .time_ns = ns_of(&t)};
    talk_data(p->talk, i, buf, (size_t)n, &s);
    return true;
}

/* What TLS holds is read too: no event tells of it. */
static bool read_all(struct proxy_pair *p, int i, bool readable)
{
    while ((readable || link_holds(&p->side[i].link)) && !p->side[i].eof &&
           p->side[!i].waiting.len < WAITING_MAX) {
        if (!read_side(p, i))
            return false;
        readable = false;
    }
    return true;
}

static bool write_side(struct proxy_pair *p, int i)
{
    struct text *w = &p->side[i].waiting;
    while (w->len > 0) {
        ssize_t n = link_send(&p->side[i].link, w->at, w->len);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        text_cut(w, (size_t)n);
    }
    if (p->side[!i].eof && !p->side[i].shut) {
        link_end(&p->side[i].link);
        p->side[i].shut = true;
    }
    return true;
}

bool proxy_pair_step(struct proxy_pair *p, const struct pollfd fds[2])
{
    const short in = POLLIN | POLLHUP | POLLERR;
    if (p->broken)
        return false;
    if (p->connecting && fds[1].revents && !finish_connect(p))
        return false;
    for (int i = 0; i < 2; i++) {
        if (p->side[i].shaking && !(i == 1 && p->connecting) && !shake(p, i))
            return false;
    }
    if (!is_ready(p))
        return true;
    for (int i = 0; i < 2; i++) {
        if (!write_side(p, i) || !read_all(p, i, (fds[i].revents & in) != 0))
            return false;
    }
    return write_side(p, 0) && write_side(p, 1) && !(p->side[0].shut && p->side[1].shut);
}

void proxy_pair_free(struct proxy_pair *p)
{
    talk_free(p->talk);
    for (int i = 0; i < 2; i++) {
        link_close(&p->side[i].link);
        text_free(&p->side[i].waiting);
    }
    free(p);
}
