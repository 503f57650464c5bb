/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 from a client. */
#include "core/refusal.h"
#include "front/conn.h"
#include "front/front.h"
#include "front/refused.h"
#include "front/told.h"
#include "http/h1_body.h"
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "net/stream_tls.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RETRY_AFTER_S = 5,
    DISCARD_MAX = 1024 * 1024, /* of a body nobody wanted, to save the connection */
    REPLY_EXTRA = 4096,        /* what a reply head may grow by on its way to text, */
    NAME_EXTRA = 16,           /* and each of its fields: WWW-Authenticate has a code in AJP */
    ERROR_ROOM = 512,
    AHEAD = 16 * 1024, /* with so much on rx the client waits until it is wanted */
};

enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };

struct http1_conn {
    struct conn c;
    size_t scanned;
    enum body_kind body;
    bool body_over;  /* its last byte has been taken off rx */
    bool body_begun; /* some byte of it has */
    bool keep;       /* the connection goes on after this reply */
    bool chunked;    /* the reply is sent in chunks */
    bool to_close;   /* the reply's end is the connection's end */
    bool discarding; /* the reply is out; the rest of the body is not wanted */
    bool ended;      /* the client's end was read: nothing follows what rx holds */
    bool half;       /* or was seen, behind bytes that were not read yet */
    uint64_t left;   /* BODY_LENGTH: bytes of the body still on rx or to come */
    uint64_t seen;   /* bytes of the body so far */
    uint64_t since;  /* ms: the first byte of a head came */
    uint32_t grant;  /* what the worker takes now */
    struct h1_chunked decoder;
    uint16_t remote_port, local_port;
    char remote[46], local[46];
};

static void process(struct http1_conn *h);
static RARE void client_gone(struct http1_conn *h, bool broken);

static struct http1_conn *of(struct exchange *x)
{
    return x->conn;
}

static void put(struct http1_conn *h, const void *p, size_t n)
{
    out_copy(&h->c.out, &h->c.stream, p, n);
}

/* Returns the bytes of its body. */
static size_t put_error(struct http1_conn *h, uint16_t status, bool head_request)
{
    uint8_t *to = out_reserve(&h->c.out, &h->c.stream, ERROR_ROOM);

    if (to == NULL)
        return 0;
    out_commit(&h->c.out,
               h1_write_error(to, ERROR_ROOM, status, !h->keep, head_request,
                              loop_date(&h->c.shard->loop), status == 503 ? RETRY_AFTER_S : 0));
    return head_request ? 0 : h1_error_size(status);
}

/* --- the end of a request --- */

/* The body of an answered request is still coming: worth reading to its end? */
static bool worth_discarding(const struct http1_conn *h, const struct exchange *x)
{
    if (x->head.expect_continue && !h->body_begun)
        return false; /* the client may never send it */
    return h->body == BODY_CHUNKED || h->left <= DISCARD_MAX;
}

/* Nothing of it is missing that the client would still have to send. */
static bool has_whole_body(const struct http1_conn *h)
{
    const struct buf *b = h->c.rx;
    bool end = false;

    if (h->body != BODY_CHUNKED || h->body_over)
        return h->body_over || conn_unread(&h->c) >= h->left;
    if (b != NULL)
        h1_chunked_ahead(&h->decoder, b->data + b->start, buf_len(b), SIZE_MAX, &end);
    return end;
}

/* The client has asked for nothing beyond the request that is open. */
static bool is_last(const struct http1_conn *h)
{
    return h->ended && h->body_over && conn_unread(&h->c) == 0;
}

static void ready_for_next(struct http1_conn *h)
{
    struct conn *c = &h->c;
    const struct timeouts *t = &conn_settings(c)->timeouts;

    h->discarding = false;
    h->scanned = 0;
    conn_next(c);
    h->since = shard_now(c->shard);
    conn_arm(c, conn_unread(c) > 0 ? t->request_head
                : conn_ending(c)   ? CONN_MOMENT_MS
                                   : t->keep_alive);
    stream_want_read(&c->stream, !h->ended);
}

static void request_over(struct http1_conn *h, uint16_t status)
{
    struct conn *c = &h->c;
    struct exchange *x = c->x;
    bool keep = h->keep && !x->excess && !is_last(h);
    bool rest = !h->body_over;

    if (rest && !worth_discarding(h, x))
        keep = false;
    c->x = NULL;
    c->paused = false;
    exchange_log(x, status);
    exchange_give(x);
    if (!keep) {
        conn_finish(c, !h->ended);
        return;
    }
    if (!conn_settle(c))
        return;
    if (rest) {
        h->discarding = true;
        c->kept = 0;
        conn_arm(c, conn_settings(c)->timeouts.body);
        stream_want_read(&c->stream, !h->ended);
    } else {
        ready_for_next(h);
    }
    if (!c->busy && (conn_unread(c) > 0 || h->ended))
        process(h);
}

/* --- what the exchange asks for --- */

/* Bytes that the head of a reply takes as text, at most. */
static size_t head_cap(const struct reply *r, size_t block)
{
    if (r->raw == NULL)
        return block;
    return r->raw->payload_len + REPLY_EXTRA + r->field_count * (size_t)NAME_EXTRA;
}

/* One that may be longer than a block. */
static RARE size_t put_long_head(struct http1_conn *h, const struct reply *r,
                                 const struct h1_write *how, size_t cap)
{
    uint8_t *text = malloc(cap);
    size_t n = text != NULL ? h1_write_head(text, cap, r, how) : 0;

    if (n > 0)
        put(h, text, n);
    free(text);
    return n;
}

static size_t put_head(struct http1_conn *h, const struct reply *r, const struct h1_write *how)
{
    size_t block = h->c.shard->loop.bufs.block - OUT_STAGE_HEAD, cap = head_cap(r, block), n;
    uint8_t *to;

    if (cap > block)
        return put_long_head(h, r, how, cap);
    to = out_reserve(&h->c.out, &h->c.stream, cap);
    n = to != NULL ? h1_write_head(to, cap, r, how) : 0;
    if (n > 0)
        out_commit(&h->c.out, n);
    return n;
}

static bool is_http10(const struct exchange *x)
{
    return x->head.protocol.len == 8 && x->head.protocol.ptr[7] == '0';
}

static void front_reply(struct exchange *x, const struct reply *r)
{
    struct http1_conn *h = of(x);
    struct loop *l = &x->shard->loop;
    bool http10 = is_http10(x);
    struct h1_write how = {
        .http10 = http10, .date = loop_date(l), .server = x->began->settings->server_header.ptr};

    h->to_close = r->content_length < 0 && !x->bodyless && http10;
    h->chunked = r->content_length < 0 && !x->bodyless && !http10;
    if (h->to_close || r->close || conn_ending(&h->c) || is_last(h))
        h->keep = false;
    how.close = !h->keep;
    how.chunked = h->chunked;
    how.head_request = x->bodyless && r->status != 204 && r->status != 304;
    if (put_head(h, r, &how) == 0)
        h->c.out.failed = true;
}

/* HTTP/1.0 knows none. One that does not fit is no loss: the final reply follows. */
static RARE void front_interim(struct exchange *x, const struct reply *r)
{
    struct http1_conn *h = of(x);
    size_t cap = r->raw->payload_len + (size_t)REPLY_EXTRA;
    size_t block = x->shard->loop.bufs.block - OUT_STAGE_HEAD;
    uint8_t *to;

    cap = cap < block ? cap : block;
    if (!is_http10(x) && (to = out_reserve(&h->c.out, &h->c.stream, cap)) != NULL)
        out_commit(&h->c.out, h1_write_head(to, cap, r, &(struct h1_write){0}));
}

static void front_part(struct exchange *x, const struct part *p)
{
    struct http1_conn *h = of(x);

    if (h->chunked && p->first) {
        uint8_t head[H1_CHUNK_HEAD_MAX];

        put(h, head, h1_chunk_head(head, p->packet));
    }
    out_borrow(&h->c.out, &h->c.stream, p->data, p->len);
    if (h->chunked && p->last)
        put(h, H1_CRLF, 2);
}

static void front_flush(struct exchange *x)
{
    (void)x; /* nothing is held back beyond one turn of the loop */
}

static void front_end(struct exchange *x)
{
    struct http1_conn *h = of(x);

    if (h->chunked)
        put(h, H1_LAST, sizeof(H1_LAST) - 1);
    request_over(h, x->status);
}

/* All that was announced has come: only the worker's last word is missing. */
static bool is_whole(const struct exchange *x)
{
    return x->bodyless || x->reply_left == 0;
}

static RARE void front_fail(struct exchange *x, uint16_t status)
{
    struct http1_conn *h = of(x);
    struct conn *c = &h->c;

    if (!x->begun) {
        bool head = x->head.method.len == 4 && memcmp(x->head.method.ptr, "HEAD", 4) == 0;

        if (!h->body_over && !worth_discarding(h, x))
            h->keep = false;
        x->bytes_down += put_error(h, status, head);
        request_over(h, status);
        return;
    }
    if (is_whole(x)) { /* to end the connection would cost the client's next request */
        request_over(h, x->status);
        return;
    }
    /* The client must see that this is not the whole: no last chunk, too few bytes, or RST. */
    c->x = NULL;
    exchange_log(x, x->status);
    exchange_give(x);
    if (h->to_close)
        conn_close(c, true);
    else
        conn_finish(c, false);
}

/* rx holds less than the worker takes, and the client has sent more: read that first, so that what
 * has arrived leaves in one packet. Nothing of rx is lent now. The client's end is still there for
 * the event that follows, its failure is not. False: it is gone. */
static bool fill_packet(struct http1_conn *h)
{
    struct conn *c = &h->c;
    uint64_t most = h->body == BODY_LENGTH && h->left < h->grant ? h->left : h->grant;
    long n = 1;

    while (!h->body_over && !h->ended && conn_unread(c) < most && n > 0 &&
           (c->stream.ready & STREAM_READABLE) != 0)
        n = conn_fill(c);
    if (n == STREAM_FAILED)
        client_gone(h, true);
    return !c->closed;
}

static void front_want(struct exchange *x, uint32_t max)
{
    struct http1_conn *h = of(x);
    struct conn *c = &h->c;

    h->grant = max;
    if (x->head.expect_continue && !h->body_begun && !x->begun && !h->body_over) {
        put(h, H1_CONTINUE, sizeof(H1_CONTINUE) - 1);
        h->body_begun = true;
        if (!conn_settle(c))
            return;
    }
    conn_arm(c, x->began->settings->timeouts.body);
    if (c->busy)
        return;
    if (fill_packet(h))
        process(h); /* which asks the client for more if rx does not hold enough */
}

static void front_settle(struct exchange *x)
{
    conn_settle(&of(x)->c);
}

static const struct front_ops front_http1 = {
    .reply = front_reply,
    .interim = front_interim,
    .part = front_part,
    .flush = front_flush,
    .end = front_end,
    .fail = front_fail,
    .want = front_want,
    .settle = front_settle,
};

/* --- the request's body --- */

static const char over_limit[] = "body is over the limit (limits.max_body)";

static void tell_bad_body(const struct http1_conn *h, const char *reason)
{
    refusal_count(REFUSED_BODY);
    log_event(LEVEL_INFO, "bad_body", "client=%s reason=\"%s\"", h->remote, reason);
}

/* The client is at fault while its request is open, or the body is beyond the limit. */
static RARE void refuse_body(struct http1_conn *h, uint16_t status, const char *reason)
{
    struct exchange *x = h->c.x;

    h->keep = false;
    if (x == NULL) {
        conn_close(&h->c, false);
        return;
    }
    tell_bad_body(h, reason);
    exchange_cancel(x, reason);
    x->reason = reason;
    front_fail(x, status);
}

static void pass_part(struct http1_conn *h, struct part *p)
{
    h->body_begun = true;
    h->seen += p->len;
    if (p->last)
        deadline_clear(&h->c.deadline);
    exchange_body(h->c.x, p);
}

/* What has arrived of a body of known length becomes a packet. */
static bool take_length(struct http1_conn *h)
{
    struct conn *c = &h->c;
    struct part p = {.first = true, .last = true};

    p.len = conn_unread(c);
    if (p.len == 0)
        return false;
    if (p.len > h->left)
        p.len = (size_t)h->left;
    if (p.len > h->grant)
        p.len = h->grant;
    p.packet = (uint16_t)p.len;
    p.data = c->rx->data + c->rx->start;
    c->rx->start += (uint32_t)p.len;
    h->left -= p.len;
    h->body_over = h->left == 0;
    pass_part(h, &p);
    return true;
}

/* The next run of a chunked body, from at most max bytes: of more body bytes it never is. False:
 * these hold none; the body may be over, or refused. */
static bool next_run(struct http1_conn *h, size_t max, struct part *p)
{
    struct buf *b = h->c.rx;
    size_t n = conn_unread(&h->c) < max ? conn_unread(&h->c) : max, used = 0;
    enum h1_result r = h1_chunked_next(&h->decoder, b->data + b->start, n, &used, &p->data, &p->len,
                                       &h->body_over);

    b->start += (uint32_t)used;
    if (r == H1_BAD)
        refuse_body(h, 400, "chunked body is malformed");
    return r == H1_OK && !h->body_over;
}

/* The runs that have arrived of a chunked body become one packet. */
static bool take_chunked(struct http1_conn *h)
{
    struct conn *c = &h->c;
    struct exchange *x = c->x;
    struct part p = {.first = true};
    size_t left;
    bool end;

    if (conn_unread(c) == 0)
        return false;
    left =
        h1_chunked_ahead(&h->decoder, c->rx->data + c->rx->start, conn_unread(c), h->grant, &end);
    if (left == 0) {
        next_run(h, SIZE_MAX, &p);
        return h->body_over;
    }
    if (h->seen + left > conn_settings(c)->limits.max_body) {
        refuse_body(h, 413, over_limit);
        return false;
    }
    p.packet = (uint16_t)left;
    while (left > 0 && c->x == x && x->wanted) {
        if (!next_run(h, left, &p))
            continue;
        left -= p.len;
        p.last = left == 0;
        pass_part(h, &p);
        p.first = false;
    }
    return true;
}

/* Nobody wants the rest of the body: the next request lies behind it. */
static bool discard(struct http1_conn *h)
{
    struct conn *c = &h->c;
    size_t n = conn_unread(c);
    struct part p;

    if (n == 0)
        return false;
    if (h->body == BODY_LENGTH) {
        n = n < h->left ? n : (size_t)h->left;
        c->rx->start += (uint32_t)n;
        h->left -= n;
        h->body_over = h->left == 0;
    } else if (next_run(h, SIZE_MAX, &p)) {
        h->seen += p.len;
    }
    if (h->body_over)
        ready_for_next(h);
    else if (h->body == BODY_CHUNKED && h->seen > DISCARD_MAX)
        conn_finish(c, true);
    return true;
}

/* One step of the body that the worker waits for. False: no more can be done now. */
static bool take_body(struct http1_conn *h)
{
    if (!h->body_over)
        return h->body == BODY_LENGTH ? take_length(h) : take_chunked(h);
    deadline_clear(&h->c.deadline);
    exchange_body_end(h->c.x);
    return false;
}

/* --- the request's head --- */

/* Whether the head on rx, whole or not, is that of a HEAD request. */
static bool asks_for_head(const struct conn *c)
{
    static const char head[] = {'H', 'E', 'A', 'D', ' '};
    const uint8_t *p = c->rx->data + c->rx->start, *end = c->rx->data + c->rx->end;

    while (p < end && (*p == '\r' || *p == '\n'))
        p++;
    return (size_t)(end - p) >= sizeof head && memcmp(p, head, sizeof head) == 0;
}

/* The access log's line of what rx begins with. bytes: of our answer's body. */
static RARE void log_head(struct http1_conn *h, uint16_t status, size_t bytes, const char *reason)
{
    const struct refused how = {.client = ajp_str_of(h->remote, strlen(h->remote)),
                                .since = h->since,
                                .bytes = bytes,
                                .status = status,
                                .reason = reason};

    refused_head(&h->c, &h->c.shard->pools->heads, &how);
}

static RARE void refuse_head(struct http1_conn *h, uint16_t status, const char *reason)
{
    refusal_count(REFUSED_HEAD);
    log_event(LEVEL_INFO, "bad_request", "client=%s status=%u reason=\"%s\"", h->remote, status,
              reason);
    h->keep = false;
    log_head(h, status, put_error(h, status, asks_for_head(&h->c)), reason);
    conn_finish(&h->c, true);
}

static void begin(struct http1_conn *h, struct exchange *x)
{
    struct head *head = &x->head;
    const struct limits *limits = &x->began->settings->limits;

    head->remote_addr = ajp_str_of(h->remote, strlen(h->remote));
    head->remote_port = h->remote_port;
    head->local_addr = ajp_str_of(h->local, strlen(h->local));
    if (head->server_name.ptr == NULL || head->server_name.len == 0)
        head->server_name = head->local_addr;
    head->is_ssl = h->c.door->settings->tls != NULL;
    if (head->server_port == 0 && head->host.len > 0)
        head->server_port = head->is_ssl ? 443 : 80;
    else if (head->server_port == 0)
        head->server_port = h->local_port;
    if (head->is_ssl)
        head->tls = stream_tls_facts(&h->c.stream);
    x->wants_fields = true;
    if (h->c.door->settings->attributes.edits)
        x->front_attributes = &h->c.door->settings->attributes;
    h->body = head->chunked ? BODY_CHUNKED : head->content_length > 0 ? BODY_LENGTH : BODY_NONE;
    h->left = head->content_length > 0 ? (uint64_t)head->content_length : 0;
    h->body_over = h->body == BODY_NONE;
    h->body_begun = false;
    h->keep = head->keep_alive && !conn_ending(&h->c);
    h->seen = 0;
    h->decoder = (struct h1_chunked){0};
    h->c.x = x;
    deadline_clear(&h->c.deadline);
    if (head->dropped.ptr != NULL)
        told_dropped(h->c.shard, head);
    if (head->upgrade.ptr != NULL)
        told_upgrade(head);
    if (h->left > limits->max_body) {
        tell_bad_body(h, over_limit);
        x->reason = over_limit;
        front_fail(x, 413);
        return;
    }
    exchange_start(x);
}

static bool take_head(struct http1_conn *h)
{
    struct conn *c = &h->c;
    const struct h1_limits *lim = &c->shard->pools->heads;
    struct h1_error error;
    struct exchange *x = exchange_take(c->shard, &front_http1, h);
    size_t used;
    enum h1_result r;

    if (x == NULL || !exchange_parse_room(c->shard, lim->max_fields + 1)) {
        if (x != NULL)
            exchange_give(x);
        refuse_head(h, 503, "out of memory");
        return false;
    }
    x->head.fields = c->shard->parsed;
    r = h1_parse_request(c->rx->data + c->rx->start, buf_len(c->rx), &h->scanned, lim, &x->head,
                         &used, &error);
    if (r == H1_OK && !exchange_keep_fields(x)) {
        exchange_give(x);
        refuse_head(h, 503, "out of memory");
        return false;
    }
    if (r == H1_OK) {
        c->rx->start += (uint32_t)used;
        c->kept = c->rx->start;
        begin(h, x);
        return true;
    }
    exchange_give(x);
    if (r == H1_BAD)
        refuse_head(h, error.status, error.reason);
    else if (conn_full(c) && c->rx->start == 0)
        refuse_head(h, 431, "request head is longer than a block");
    return false;
}

static bool step(struct http1_conn *h)
{
    struct conn *c = &h->c;

    if (c->x != NULL)
        return c->x->wanted && take_body(h);
    if (conn_unread(c) == 0)
        return false;
    return h->discarding ? discard(h) : take_head(h);
}

/* More of what the client sends is of use: body bytes that the worker waits for, or what is behind
 * the body, so that its end is seen. */
static bool is_read(const struct http1_conn *h)
{
    const struct conn *c = &h->c;

    return conn_wants(c) || (c->x != NULL && h->body_over && conn_unread(c) < AHEAD);
}

static void process(struct http1_conn *h)
{
    struct conn *c = &h->c;

    c->busy = true;
    while (!c->closed && !c->finishing && !conn_choke(c) && step(h))
        ;
    c->busy = false;
    if (c->closed || c->finishing)
        return;
    if (c->x != NULL) /* what was lent to the worker's side leaves before rx moves */
        exchange_body_settle(c->x);
    if (c->closed || c->finishing)
        return;
    if (c->x == NULL && conn_unread(c) == 0)
        conn_next(c);
    else
        conn_consumed(c);
    if ((c->stream.wanted & STREAM_READABLE) == 0 && !h->ended && is_read(h))
        stream_want_read(&c->stream, true);
    if (!conn_settle(c) || conn_choke(c))
        return;
    if (c->x == NULL && h->ended) /* what rx still holds is no request */
        client_gone(h, false);
}

static void resume(struct conn *c)
{
    process(CONTAINER_OF(c, struct http1_conn, c));
}

/* --- events --- */

/* Part of a head has come, and no more will. A line end alone is none. */
static bool leaves_head(const struct http1_conn *h)
{
    const struct buf *b = h->c.rx;

    if (h->c.x != NULL || h->discarding || b == NULL)
        return false;
    for (uint32_t i = b->start; i < b->end; i++)
        if (b->data[i] != '\r' && b->data[i] != '\n')
            return true;
    return false;
}

static RARE void client_gone(struct http1_conn *h, bool broken)
{
    if (leaves_head(h))
        log_head(h, CONN_CLIENT_LEFT, 0, "client went away");
    conn_abandon(&h->c, "client went away");
    conn_ended(&h->c, broken);
}

/* The client has sent its last byte. Does it wait, or has it left? Asked once: what it pipelined
 * may wait for a worker later, since it has taken the answers before. */
static RARE void on_ended(struct conn *c)
{
    struct http1_conn *h = CONTAINER_OF(c, struct http1_conn, c);
    const enum client_fin fin = conn_settings(c)->client_fin;
    const bool first = !h->half;

    h->half = true;
    if (!first || fin == CLIENT_FIN_ANSWER || (fin == CLIENT_FIN_DROP_QUEUED && !c->x->queued))
        return;
    conn_abandon(c, c->x->queued ? "client ended while its request was queued"
                                 : "client ended before its answer did");
    conn_ended(c, true);
}

static RARE void took_end(struct http1_conn *h)
{
    struct conn *c = &h->c;

    h->ended = true;
    if (c->x == NULL || !has_whole_body(h)) {
        client_gone(h, c->x != NULL);
        return;
    }
    conn_hold(c);
    if (c->x != NULL) /* a close_notify alone is nothing that the socket tells */
        on_ended(c);
}

static void on_readable(struct conn *c)
{
    struct http1_conn *h = CONTAINER_OF(c, struct http1_conn, c);
    bool idle = c->x == NULL && c->rx == NULL;
    long n;

    if (c->x != NULL && !c->x->wanted && conn_unread(c) >= AHEAD) {
        conn_hold(c); /* the worker takes its time: so may the client */
        return;
    }
    n = conn_fill(c);
    if (n == STREAM_AGAIN && conn_full(c))
        conn_hold(c);
    if (n == STREAM_AGAIN)
        return;
    if (n == STREAM_FAILED)
        client_gone(h, true);
    else if (n == 0)
        took_end(h);
    if (n <= 0)
        return;
    if (idle) {
        h->since = shard_now(c->shard);
        conn_arm(c, conn_settings(c)->timeouts.request_head);
    } else if (conn_wants(c) || h->discarding) { /* from byte to byte, however slow they come */
        conn_arm(c, conn_settings(c)->timeouts.body);
    }
    process(h);
}

static void on_late(struct conn *c)
{
    struct http1_conn *h = CONTAINER_OF(c, struct http1_conn, c);

    if (c->x != NULL)
        refuse_body(h, 408, "no body in time (timeouts.body)");
    else if (conn_unread(c) > 0 && !h->discarding)
        refuse_head(h, 408, "no request head in time (timeouts.request_head)");
    else
        conn_finish(c, !conn_ending(c));
}

static void free_conn(struct conn *c)
{
    free(CONTAINER_OF(c, struct http1_conn, c));
}

static const struct conn_ops ops = {on_readable, on_ended, resume, on_late, free_conn};

void front_http1_accept(struct shard *sh, struct door *door, int fd)
{
    struct http1_conn *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        close(fd);
        return;
    }
    if (!conn_open(&h->c, sh, door, fd, &ops)) {
        free(h);
        return;
    }
    conn_address(&h->c, false, h->remote, &h->remote_port);
    conn_address(&h->c, true, h->local, &h->local_port);
    conn_arm(&h->c, sh->settings->timeouts.request_head);
}
