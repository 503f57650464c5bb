/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of `get` and `ping`. */
#include "client.h"

#include "speech.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum client_result fail(struct client *c, enum client_result r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum client_result fail(struct client *c, enum client_result r, const char *format, ...)
{
    va_list ap;
    text_clear(&c->why);
    va_start(ap, format);
    text_vfmt(&c->why, format, ap);
    va_end(ap);
    return r;
}

void client_init(struct client *c, uint32_t max_packet, int timeout_ms)
{
    *c = (struct client){.link = {.fd = -1}, .limits = ajp_limits_relay, .timeout_ms = timeout_ms};
    c->limits.max_packet = max_packet;
    c->limits.max_headers = UINT16_MAX;
    c->in = xmalloc(max_packet);
}

/* Of the next wait, in milliseconds. */
static int patience(const struct client *c)
{
    uint64_t now = c->deadline_ns ? now_ns() : 0;
    if (c->deadline_ns == 0)
        return c->timeout_ms;
    if (c->deadline_ns <= now)
        return 0;
    uint64_t left = (c->deadline_ns - now) / 1000000u + 1;
    return c->timeout_ms >= 0 && left > (uint64_t)c->timeout_ms ? c->timeout_ms : (int)left;
}

static enum client_result wait_for(struct client *c, short events, const char *what)
{
    struct pollfd p = {.fd = c->link.fd, .events = events};
    int ms = patience(c);
    struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    int n;
    do {
        if (c->stop && *c->stop)
            return fail(c, CLIENT_FAILED, "interrupted");
        n = ppoll(&p, 1, &limit, c->waiting_mask);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        return CLIENT_OK;
    return c->deadline_ns && c->deadline_ns <= now_ns()
               ? fail(c, CLIENT_TIMEOUT, "not done within the time that it may take")
               : fail(c, CLIENT_TIMEOUT, "nothing %s within %d ms", what, ms);
}

static enum client_result secure_it(struct client *c, const struct url *u)
{
    struct tls_context *side = secure_client(&c->tls, u->host, &c->why);
    bool ok = side && link_secure(&c->link, side);
    secure_leave(side);
    if (!ok)
        return side ? fail(c, CLIENT_FAILED, "out of memory") : CLIENT_FAILED;
    for (;;) {
        int events = secure_shake(c->link.secure);
        if (events == 0)
            return CLIENT_OK;
        if (events < 0)
            return fail(c, CLIENT_CONNECT, "no TLS with %s port %s: %s", u->host, u->port,
                        secure_why(c->link.secure));
        enum client_result r = wait_for(c, (short)events, "of a TLS handshake came");
        if (r != CLIENT_OK)
            return r;
    }
}

enum client_result client_connect(struct client *c, const struct url *u)
{
    const char *why = NULL;
    c->link.fd = c->at ? net_connect(c->at, patience(c)) : url_connect(u, patience(c), &why);
    if (why)
        return fail(c, CLIENT_CONNECT, "%s: %s", u->host, why);
    if (c->link.fd < 0)
        return fail(c, errno == ETIMEDOUT ? CLIENT_TIMEOUT : CLIENT_CONNECT,
                    "cannot connect to %s port %s: %s", u->host, u->port, strerror(errno));
    c->in_len = c->in_at = 0;
    ajp_session_init(&c->session, AJP_SERVER, &c->limits);
    if (!u->tls)
        return CLIENT_OK;
    enum client_result r = secure_it(c, u);
    if (r != CLIENT_OK)
        client_close(c);
    return r;
}

enum client_result client_write(struct client *c, const void *bytes, size_t len)
{
    const char *p = bytes;
    while (len > 0) {
        ssize_t n = link_send(&c->link, p, len);
        if (n < 0 && errno == EAGAIN) {
            enum client_result r = wait_for(c, POLLOUT, "could be sent");
            if (r != CLIENT_OK)
                return r;
        } else if (n < 0 && errno != EINTR) {
            return fail(c, CLIENT_TRUNCATED, "the server closed the connection: %s",
                        link_why(&c->link));
        } else if (n > 0) {
            p += n;
            len -= (size_t)n;
            c->sent += (size_t)n;
        }
    }
    return CLIENT_OK;
}

enum client_result client_read_more(struct client *c)
{
    if (c->in_at > 0) {
        memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
        c->in_len -= c->in_at;
        c->in_at = 0;
    }
    if (c->in_len == c->limits.max_packet)
        return fail(c, CLIENT_PROTOCOL, "a packet larger than %u bytes", c->limits.max_packet);
    ssize_t n;
    do {
        enum client_result r = CLIENT_OK;
        if (!link_holds(&c->link))
            r = wait_for(c, POLLIN, "came from the server");
        if (r != CLIENT_OK)
            return r;
        n = link_recv(&c->link, c->in + c->in_len, c->limits.max_packet - c->in_len);
    } while (n < 0 && (errno == EINTR || errno == EAGAIN));
    if (n < 0)
        return fail(c, CLIENT_TRUNCATED, "the connection broke: %s", link_why(&c->link));
    if (n == 0)
        return fail(c, CLIENT_TRUNCATED, "the server closed the connection too early");
    c->in_len += (size_t)n;
    c->received += (size_t)n;
    return CLIENT_OK;
}

/* Most often it is no AJP at all. */
static enum client_result fail_packet(struct client *c, ajp_status st)
{
    const char *speech =
        c->received == c->in_len ? speech_of(c->in + c->in_at, c->in_len - c->in_at) : NULL;
    if (speech)
        return fail(c, CLIENT_PROTOCOL, "the server speaks %s, not AJP", speech);
    return fail(c, CLIENT_PROTOCOL, "the server's packet is wrong: %s", ajp_strerror(st));
}

enum client_result client_next(struct client *c, ajp_message *m)
{
    for (;;) {
        const uint8_t *at = c->in + c->in_at;
        size_t used = 0;
        ajp_status st = AJP_MORE;
        if (c->in_len > c->in_at)
            st = ajp_session_recv(&c->session, at, c->in_len - c->in_at, &used, m);
        if (st == AJP_OK) {
            c->in_at += used;
            if (c->trace && used > 0 && !(m->kind == AJP_BODY_CHUNK && !m->u.body.first))
                c->trace(c->trace_user, false, at + AJP_HEADER_SIZE, (size_t)at[2] << 8 | at[3], m);
            return CLIENT_OK;
        }
        if (st != AJP_MORE)
            return fail_packet(c, st);
        enum client_result r = client_read_more(c);
        if (r != CLIENT_OK)
            return r;
    }
}

enum client_result client_ping(struct client *c)
{
    uint8_t ping[AJP_SMALL_MAX];
    ajp_message m = {.kind = AJP_CPING};
    ajp_status st = ajp_session_send(&c->session, AJP_CPING, 0);
    if (st != AJP_OK)
        return fail(c, CLIENT_FAILED, "cannot ping now: %s", ajp_strerror(st));
    size_t len = ajp_make_cping(ping);
    if (c->trace)
        c->trace(c->trace_user, true, ping + AJP_HEADER_SIZE, len - AJP_HEADER_SIZE, &m);
    enum client_result r = client_write(c, ping, len);
    if (r == CLIENT_OK)
        r = client_next(c, &m);
    if (r == CLIENT_OK && m.kind != AJP_CPONG)
        return fail(c, CLIENT_PROTOCOL, "expected a CPong");
    return r;
}

void client_close(struct client *c)
{
    link_close(&c->link);
}

void client_free(struct client *c)
{
    client_close(c);
    free(c->in);
    text_free(&c->why);
}
