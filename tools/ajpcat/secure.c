/* SPDX-License-Identifier: Apache-2.0 */
/* The daemons' TLS context for a worker, and OpenSSL on a socket that is waited for by poll. */
#include "secure.h"

#include "net/tls_context.h"
#include "net/tls_trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

struct secure {
    struct tls_context *context;
    SSL *ssl;
    struct text why;
};

void secure_option(struct secure_options *o, enum secure_option option, const char *value)
{
    switch (option) {
    case SECURE_CA:
        o->ca = value;
        break;
    case SECURE_SERVER_NAME:
        o->server_name = value;
        break;
    case SECURE_CERTIFICATE:
        o->certificate = value;
        break;
    case SECURE_KEY:
        o->key = value;
        break;
    case SECURE_INSECURE:
        o->insecure = true;
        break;
    case SECURE_OPTIONS:
        break;
    }
}

struct secure *secure_new(const struct secure_options *o, const struct url *u, int fd,
                          struct text *why)
{
    const struct tls_options options = {
        .name = u->host,
        .ca = o->ca,
        .server_name = o->server_name ? o->server_name : u->host,
        .certificate = o->certificate,
        .key = o->key,
        .verify = o->insecure ? TLS_VERIFY_NONE : TLS_VERIFY_REQUIRE,
    };
    char reason[640];
    const char *blamed;
    struct secure *s = xmalloc(sizeof *s);
    *s = (struct secure){0};
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    s->context = tls_context_new(&options, &blamed, reason, sizeof reason);
    if (s->context)
        s->ssl = tls_context_connection(s->context, fd);
    if (!s->ssl) {
        text_clear(why);
        text_str(why, s->context ? "out of memory" : reason);
        secure_free(s);
        return NULL;
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return s;
}

void secure_free(struct secure *s)
{
    if (!s)
        return;
    if (s->ssl && s->why.len == 0 && SSL_is_init_finished(s->ssl))
        SSL_shutdown(s->ssl);
    ERR_clear_error();
    SSL_free(s->ssl);
    tls_context_leave(s->context);
    text_free(&s->why);
    free(s);
}

/* What the last call's failure means: POLLIN, POLLOUT, 0 for the end, or -1 with why. */
static int stopped(struct secure *s, int rc)
{
    int error = errno;
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default: { /* all others end it */
        struct tls_trouble t = tls_trouble_of(s->ssl, false, error);
        text_clear(&s->why);
        text_fmt(&s->why, "%s%s%s", t.reason, t.detail ? ": " : "", t.detail ? t.detail : "");
        if (t.hint)
            text_fmt(&s->why, " (%s)", t.hint);
        return -1;
    }
    }
}

int secure_shake(struct secure *s)
{
    ERR_clear_error();
    errno = 0;
    int rc = SSL_do_handshake(s->ssl);
    if (rc == 1)
        return 0;
    rc = stopped(s, rc);
    if (rc == 0)
        text_str(&s->why, "the server ended the handshake");
    return rc == 0 ? -1 : rc;
}

/* Of a call that moved no bytes; a wait for the other direction is rare, and short. */
static ssize_t nothing(struct secure *s)
{
    int what = stopped(s, 0);
    if (what == 0)
        return 0;
    errno = what < 0 ? EPROTO : EAGAIN;
    return -1;
}

ssize_t secure_recv(struct secure *s, void *to, size_t cap)
{
    size_t n;
    ERR_clear_error();
    errno = 0;
    return SSL_read_ex(s->ssl, to, cap, &n) == 1 ? (ssize_t)n : nothing(s);
}

ssize_t secure_send(struct secure *s, const void *from, size_t len)
{
    size_t n;
    ERR_clear_error();
    errno = 0;
    return SSL_write_ex(s->ssl, from, len, &n) == 1 ? (ssize_t)n : nothing(s);
}

bool secure_holds(const struct secure *s)
{
    return SSL_pending(s->ssl) > 0;
}

const char *secure_why(const struct secure *s)
{
    return s->why.at;
}
