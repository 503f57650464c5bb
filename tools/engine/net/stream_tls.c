/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL on a non-blocking descriptor. What is awaited of the socket follows from what the user
 * wants and what TLS waits for; bytes that OpenSSL holds already are announced by an extra turn of
 * the loop, since the descriptor stays silent about them. */
#include "net/stream_tls.h"

#include "net/call.h"
#include "net/tls_story.h"
#include "net/tls_trouble.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX = 16384, DRAIN_MAX = 65536 };

enum tls_state {
    TLS_CONNECTING, /* TCP is */
    TLS_SHAKING,
    TLS_OPEN,
    TLS_FAILED,
};

struct stream_tls {
    SSL *ssl;
    struct tls_context *context;
    struct stream *stream;
    struct again again;       /* OpenSSL holds something for the user */
    struct deadline deadline; /* of the handshake */
    struct tls_story *told;   /* NULL: nobody has asked yet */
    enum tls_state state;
    uint8_t shaking_for;   /* STREAM_READABLE or STREAM_WRITABLE */
    bool starved;          /* OpenSSL holds no whole record */
    bool ended;            /* the peer said close_notify */
    bool read_wants_write; /* as at a key update */
    bool write_wants_read;
    bool write_failed;
    bool notifying; /* our own close_notify has not left yet */
};

static void watch(struct stream *s);

/* --- failing --- */

static void say(const struct stream *s, enum log_level level, const struct tls_trouble *t)
{
    tls_trouble_log(t, level, s->tls->context, s->fd);
}

static void fail(struct stream *s, int error, const char *why)
{
    struct stream_tls *t = s->tls;

    t->state = TLS_FAILED;
    s->error = error;
    s->why = why;
    deadline_drop(&s->loop->wheel, &t->deadline);
}

/* An operation on ssl went wrong for good. */
static void broken(struct stream *s)
{
    struct stream_tls *t = s->tls;
    int error = errno;
    bool shaking = t->state != TLS_OPEN;
    struct tls_trouble trouble = tls_trouble_of(t->ssl, t->context->server, error);

    if (!trouble.cut)
        say(s, LEVEL_WARN, &trouble);
    else if (shaking)
        say(s, t->context->server ? LEVEL_DEBUG : LEVEL_WARN, &trouble);
    fail(s, trouble.cut && error != 0 ? error : EPROTO, trouble.reason);
}

/* Let our alert be read: unread input would turn the close into a reset that overtakes it. */
static void drain(struct stream *s)
{
    long left = DRAIN_MAX;
    ssize_t n;

    shutdown(s->fd, SHUT_WR);
    while (left > 0 && (n = call_recv(s->fd, s->loop->record, RECORD_MAX, 0)) > 0)
        left -= n;
}

/* The user finds out by whatever it does next. */
static void tell_failure(struct stream *s)
{
    if (s->wanted != 0)
        s->on_event(s, (s->wanted & STREAM_READABLE) != 0, (s->wanted & STREAM_WRITABLE) != 0);
    if (!s->closing)
        watch(s);
}

/* --- handshake --- */

static void shaken(struct stream *s)
{
    struct stream_tls *t = s->tls;

    t->state = TLS_OPEN;
    deadline_drop(&s->loop->wheel, &t->deadline);
    if ((s->wanted & STREAM_WRITABLE) != 0)
        s->on_event(s, false, true);
    if (!s->closing)
        watch(s);
}

static void shake(struct stream *s)
{
    struct stream_tls *t = s->tls;
    int rc;

    ERR_clear_error();
    errno = 0;
    rc = SSL_do_handshake(t->ssl);
    if (rc == 1) {
        shaken(s);
        return;
    }
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        t->shaking_for = STREAM_READABLE;
        watch(s);
        break;
    case SSL_ERROR_WANT_WRITE:
        t->shaking_for = STREAM_WRITABLE;
        watch(s);
        break;
    default: /* all others end it */
        broken(s);
        drain(s);
        tell_failure(s);
        break;
    }
}

static void connected(struct stream *s)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error != 0) {
        fail(s, error, NULL);
        tell_failure(s);
        return;
    }
    s->tls->state = TLS_SHAKING;
    shake(s);
}

static void on_late(struct deadline *d)
{
    struct stream_tls *t = CONTAINER_OF(d, struct stream_tls, deadline);
    struct tls_trouble trouble = {.reason = "no TLS handshake in time"};

    say(t->stream, LEVEL_WARN, &trouble);
    fail(t->stream, ETIMEDOUT, trouble.reason);
    tell_failure(t->stream);
}

/* --- events --- */

/* True when a read would find something without the descriptor's help. */
static bool holds_something(const struct stream_tls *t)
{
    return t->ended || t->state == TLS_FAILED ||
           (t->state == TLS_OPEN && !t->starved && SSL_has_pending(t->ssl));
}

static int events_for(const struct stream *s)
{
    const struct stream_tls *t = s->tls;
    int events = 0;

    switch (t->state) {
    case TLS_CONNECTING:
        return STREAM_WRITABLE;
    case TLS_SHAKING:
        return t->shaking_for;
    case TLS_FAILED:
        return 0;
    case TLS_OPEN:
        break;
    }
    if ((s->wanted & STREAM_READABLE) != 0)
        events |= t->read_wants_write ? STREAM_WRITABLE : STREAM_READABLE;
    if ((s->wanted & STREAM_WRITABLE) != 0)
        events |= t->write_wants_read ? STREAM_READABLE : STREAM_WRITABLE;
    if (t->notifying)
        events |= STREAM_WRITABLE;
    return events;
}

static void watch(struct stream *s)
{
    struct stream_tls *t = s->tls;

    stream_await(s, events_for(s));
    if ((s->wanted & STREAM_READABLE) != 0 && holds_something(t))
        loop_again(s->loop, &t->again);
}

static void on_again(struct again *a)
{
    struct stream_tls *t = CONTAINER_OF(a, struct stream_tls, again);
    struct stream *s = t->stream;

    if ((s->wanted & STREAM_READABLE) != 0)
        s->on_event(s, true, false);
    if (!s->closing)
        watch(s);
}

static void notify(struct stream *s)
{
    struct stream_tls *t = s->tls;
    int rc;

    ERR_clear_error();
    rc = SSL_shutdown(t->ssl);
    t->notifying = rc < 0 && SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_WRITE;
    if (!t->notifying)
        shutdown(s->fd, SHUT_WR);
}

static void tls_ready(struct stream *s, int sockets)
{
    struct stream_tls *t = s->tls;
    bool readable, writable;

    if (t->state == TLS_CONNECTING) {
        connected(s);
        return;
    }
    if (t->state == TLS_SHAKING) {
        shake(s);
        return;
    }
    if (t->notifying && (sockets & STREAM_WRITABLE) != 0)
        notify(s);
    readable = (s->wanted & STREAM_READABLE) != 0 &&
               (sockets & (t->read_wants_write ? STREAM_WRITABLE : STREAM_READABLE)) != 0;
    writable = (s->wanted & STREAM_WRITABLE) != 0 &&
               (sockets & (t->write_wants_read ? STREAM_READABLE : STREAM_WRITABLE)) != 0;
    if (readable || writable)
        s->on_event(s, readable, writable);
    if (!s->closing)
        watch(s);
}

/* --- the table --- */

/* SSL_read or SSL_peek gave nothing. */
static void read_stopped(struct stream *s)
{
    struct stream_tls *t = s->tls;

    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_ZERO_RETURN:
        t->ended = true;
        break;
    case SSL_ERROR_WANT_READ:
        t->starved = true;
        break;
    case SSL_ERROR_WANT_WRITE:
        t->starved = true;
        t->read_wants_write = true;
        break;
    default: /* all others end it */
        broken(s);
        break;
    }
}

static long read_result(const struct stream *s)
{
    if (s->tls == NULL || s->tls->state == TLS_FAILED)
        return STREAM_FAILED;
    return s->tls->ended ? 0 : STREAM_AGAIN;
}

static bool may_read(const struct stream *s)
{
    return s->tls != NULL && s->tls->state == TLS_OPEN && !s->tls->ended;
}

static void begin_read(struct stream_tls *t)
{
    t->starved = false;
    t->read_wants_write = false;
    ERR_clear_error();
    errno = 0;
}

static long tls_recv(struct stream *s, void *to, size_t cap)
{
    struct stream_tls *t = s->tls;
    size_t total = 0;

    if (!may_read(s))
        return read_result(s);
    begin_read(t);
    do {
        size_t n = 0;

        if (SSL_read_ex(t->ssl, (uint8_t *)to + total, cap - total, &n) != 1) {
            read_stopped(s);
            break;
        }
        total += n;
    } while (total < cap && SSL_has_pending(t->ssl));
    watch(s);
    return total > 0 ? (long)total : read_result(s);
}

static long tls_peek(struct stream *s)
{
    struct stream_tls *t = s->tls;
    char byte;
    size_t n;

    if (!may_read(s))
        return read_result(s);
    begin_read(t);
    if (SSL_peek_ex(t->ssl, &byte, 1, &n) == 1)
        return 1;
    read_stopped(s);
    watch(s);
    return read_result(s);
}

/* The next bytes to send, as one run of at most a record. What OpenSSL could not send must come
 * again first and no shorter: it does, for the run depends on the bytes that are left alone. */
static const uint8_t *next_run(const struct stream *s, const struct iovec *v, int n, size_t skip,
                               size_t *len)
{
    size_t have = 0;

    *len = v->iov_len - skip;
    if (n == 1 || *len >= RECORD_MAX) {
        *len = *len < RECORD_MAX ? *len : RECORD_MAX;
        return (const uint8_t *)v->iov_base + skip;
    }
    for (int i = 0; i < n && have < RECORD_MAX; i++, skip = 0) {
        size_t piece = v[i].iov_len - skip;

        if (piece > RECORD_MAX - have)
            piece = RECORD_MAX - have;
        memcpy(s->loop->record + have, (const uint8_t *)v[i].iov_base + skip, piece);
        have += piece;
    }
    *len = have;
    return s->loop->record;
}

/* SSL_write took nothing. */
static void write_stopped(struct stream *s)
{
    struct stream_tls *t = s->tls;
    int error = errno;

    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_WANT_READ:
        t->write_wants_read = true;
        break;
    case SSL_ERROR_SYSCALL: /* what the peer has said already can still be read */
        t->write_failed = true;
        s->error = error != 0 ? error : EPIPE;
        break;
    default: /* all others end it */
        broken(s);
        break;
    }
}

static long tls_send(struct stream *s, const struct iovec *v, int n)
{
    struct stream_tls *t = s->tls;
    size_t total = 0, skip = 0;

    if (t == NULL || t->state == TLS_FAILED || t->write_failed)
        return STREAM_FAILED;
    if (t->state != TLS_OPEN)
        return STREAM_AGAIN;
    t->write_wants_read = false;
    while (n > 0) {
        size_t len, sent = 0;
        const uint8_t *run;

        if (v->iov_len == skip) {
            v++;
            n--;
            skip = 0;
            continue;
        }
        run = next_run(s, v, n, skip, &len);
        ERR_clear_error();
        errno = 0;
        if (SSL_write_ex(t->ssl, run, len, &sent) != 1) {
            write_stopped(s);
            break;
        }
        total += sent;
        for (skip += sent; n > 0 && skip >= v->iov_len; v++, n--)
            skip -= v->iov_len;
    }
    if (total > 0)
        return (long)total;
    return t->state == TLS_FAILED || t->write_failed ? STREAM_FAILED : STREAM_AGAIN;
}

static int tls_connect_error(struct stream *s)
{
    return s->error;
}

static void tls_shutdown(struct stream *s)
{
    struct stream_tls *t = s->tls;

    if (t == NULL || t->state != TLS_OPEN || t->write_failed) {
        shutdown(s->fd, SHUT_WR);
        return;
    }
    notify(s);
    watch(s);
}

static void tls_close(struct stream *s, bool reset)
{
    struct stream_tls *t = s->tls;

    if (!reset && t->state == TLS_OPEN && !t->write_failed &&
        (SSL_get_shutdown(t->ssl) & SSL_SENT_SHUTDOWN) == 0) {
        ERR_clear_error();
        SSL_shutdown(t->ssl);
    }
    stream_tls_detach(s);
}

static const struct stream_io tls_io = {
    .recv = tls_recv,
    .send = tls_send,
    .peek = tls_peek,
    .watch = watch,
    .ready = tls_ready,
    .connect_error = tls_connect_error,
    .shutdown = tls_shutdown,
    .close = tls_close,
};

/* What OpenSSL receives and sends. The kernel's own TLS gives a record at a time, so there only a
 * call that finds nothing has found the last. */
static long on_socket(BIO *b, int call, const char *p, size_t cap, int i, long l, int result,
                      size_t *moved)
{
    struct stream *s = (struct stream *)(void *)BIO_get_callback_arg(b);
    int what = call == (BIO_CB_READ | BIO_CB_RETURN)    ? STREAM_READABLE
               : call == (BIO_CB_WRITE | BIO_CB_RETURN) ? STREAM_WRITABLE
                                                        : 0;

    (void)p;
    (void)i;
    (void)l;
    if (what != 0 && result <= 0)
        stream_moved(s, what, BIO_should_retry(b) ? -1 : 0, cap);
    else if (what == STREAM_WRITABLE || (what == STREAM_READABLE && !BIO_get_ktls_recv(b)))
        stream_moved(s, what, (long)*moved, cap);
    return result;
}

bool stream_tls_attach(struct stream *s, struct loop *l, int fd, struct tls_context *context)
{
    struct stream_tls *t = calloc(1, sizeof(*t));

    if (l->record == NULL)
        l->record = malloc(RECORD_MAX);
    if (t != NULL)
        t->ssl = tls_context_connection(context, fd);
    if (l->record == NULL || t == NULL || t->ssl == NULL) {
        free(t);
        return false;
    }
    t->context = tls_context_enter(context);
    t->stream = s;
    t->state = context->server ? TLS_SHAKING : TLS_CONNECTING;
    t->shaking_for = STREAM_READABLE;
    again_init(&t->again, on_again);
    deadline_init(&t->deadline, on_late);
    BIO_set_callback_ex(SSL_get_rbio(t->ssl), on_socket); /* the one of both directions */
    BIO_set_callback_arg(SSL_get_rbio(t->ssl), (char *)s);
    s->loop = l;
    s->tls = t;
    s->io = &tls_io;
    loop_deadline(l, &t->deadline, context->handshake_ms);
    return true;
}

void stream_tls_detach(struct stream *s)
{
    struct stream_tls *t = s->tls;

    if (t == NULL)
        return;
    s->tls = NULL;
    again_drop(&t->again);
    deadline_drop(&s->loop->wheel, &t->deadline);
    SSL_free(t->ssl);
    tls_context_leave(t->context);
    free(t->told);
    free(t);
}

const struct tls_facts *stream_tls_facts(struct stream *s)
{
    struct stream_tls *t = s->tls;

    if (t == NULL)
        return NULL;
    if (t->told == NULL)
        t->told = tls_story_of(t->ssl);
    return t->told != NULL ? &t->told->facts : NULL;
}
