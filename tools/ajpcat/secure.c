/* SPDX-License-Identifier: Apache-2.0 */
/* The daemons' TLS contexts, and OpenSSL on a socket that somebody else waits for. */
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
    bool starved; /* what OpenSSL holds is the beginning of a record only */
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

static struct tls_context *context_of(const struct tls_options *options, struct text *why)
{
    char reason[640];
    const char *blamed;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    struct tls_context *context = tls_context_new(options, &blamed, reason, sizeof reason);
    text_clear(why);
    if (!context)
        text_str(why, reason);
    return context;
}

struct tls_context *secure_client(const struct secure_options *o, const char *host,
                                  struct text *why)
{
    const struct tls_options options = {
        .name = host,
        .ca = o->ca,
        .server_name = o->server_name ? o->server_name : host,
        .certificate = o->certificate,
        .key = o->key,
        .verify = o->insecure ? TLS_VERIFY_NONE : TLS_VERIFY_REQUIRE,
    };
    return context_of(&options, why);
}

struct tls_context *secure_server(const struct secure_options *o, const char *name,
                                  struct text *why)
{
    const struct tls_options options = {
        .name = name,
        .ca = o->ca,
        .certificate = o->certificate,
        .key = o->key,
        .verify = o->ca ? TLS_VERIFY_REQUIRE : TLS_VERIFY_NONE,
        .server = true,
    };
    return context_of(&options, why);
}

void secure_leave(struct tls_context *side)
{
    tls_context_leave(side);
}

struct secure *secure_new(struct tls_context *side, int fd)
{
    SSL *ssl = tls_context_connection(side, fd);
    if (!ssl)
        return NULL;
    struct secure *s = xmalloc(sizeof *s);
    *s = (struct secure){.context = tls_context_enter(side), .ssl = ssl};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return s;
}

void secure_end(struct secure *s)
{
    if (s->why.len == 0 && SSL_is_init_finished(s->ssl))
        SSL_shutdown(s->ssl);
    ERR_clear_error();
}

void secure_free(struct secure *s)
{
    if (!s)
        return;
    secure_end(s);
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
        struct tls_trouble t = tls_trouble_of(s->ssl, s->context->server, error);
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
        text_str(&s->why, "the peer ended the handshake");
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
    s->starved = SSL_read_ex(s->ssl, to, cap, &n) != 1;
    return s->starved ? nothing(s) : (ssize_t)n;
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
    return !s->starved && SSL_has_pending(s->ssl);
}

const char *secure_why(const struct secure *s)
{
    return s->why.at;
}
