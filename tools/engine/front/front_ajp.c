/* SPDX-License-Identifier: Apache-2.0 */
/* AJP from a web server: we are its app server. Packets of a reply are passed on one
 * for one, never merged, split or reordered. */
#include "core/bad_packet.h"
#include "front/ajp_policy.h"
#include "front/conn.h"
#include "front/front.h"
#include "front/refused.h"
#include "http/h1_write.h"
#include "net/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ajp_conn {
    struct conn c;
    ajp_session session;
    uint32_t packet_size; /* as its peer has it, whatever a reload says */
    uint32_t grant;       /* body bytes that the worker takes in one packet */
    uint16_t data_left;   /* of the web server's body packet: bytes that have not gone on */
    uint16_t piece_left;  /* of the packet begun with the worker, which may be a smaller one */
    uint16_t reply_left;  /* of the worker's body chunk, likewise */
    uint16_t chunk_left;
    bool trusted; /* the peer: its identity may be believed */
    bool refused; /* the session is over: our last words are not its business */
};

static void process(struct ajp_conn *a);

static struct ajp_conn *of(struct exchange *x)
{
    return x->conn;
}

/* Whether it is our turn to send this. */
static bool may_send(struct ajp_conn *a, ajp_kind kind, size_t n)
{
    return a->refused || ajp_session_send(&a->session, kind, n) == AJP_OK;
}

static void put(struct ajp_conn *a, const void *p, size_t n)
{
    out_copy(&a->c.out, &a->c.stream, p, n);
}

/* The request is over, well or not; more may follow on this connection when reuse is true. */
static void request_over(struct ajp_conn *a, uint16_t status, bool reuse)
{
    struct conn *c = &a->c;
    struct exchange *x = c->x;

    c->x = NULL;
    c->paused = false;
    exchange_log(x, status);
    exchange_give(x);
    if (!reuse) {
        conn_finish(c, true);
        return;
    }
    if (!conn_settle(c))
        return;
    if (out_backlog(&c->out) == 0)
        deadline_clear(&c->deadline); /* an idle AJP connection stays, as Tomcat's do */
    conn_next(c);
    stream_want_read(&c->stream, true);
    if (!c->busy)
        process(a);
}

static void end_response(struct ajp_conn *a, bool reuse)
{
    const struct exchange *x = a->c.x;
    uint8_t end[AJP_SMALL_MAX];

    if (may_send(a, AJP_END_RESPONSE, reuse)) {
        const size_t n = ajp_make_end(end, reuse);

        if (x->end_frame != NULL && memcmp(x->end_frame, end, n) == 0) /* behind what it ends */
            out_borrow(&a->c.out, &a->c.stream, x->end_frame, n);
        else
            put(a, end, n);
    }
    request_over(a, x->status, reuse);
}

static bool is_head(ajp_str method)
{
    return method.len == 4 && memcmp(method.ptr, "HEAD", 4) == 0;
}

/* A whole reply of our own. */
static RARE void answer_error(struct ajp_conn *a, uint16_t status, bool reuse)
{
    const char *phrase = h1_reason(status);
    uint8_t buf[512];
    char text[64], length[16];
    ajp_writer w;
    size_t n;
    int len = snprintf(text, sizeof(text), "%u %s\n", status, phrase);

    snprintf(length, sizeof(length), "%d", len);
    ajp_writer_init(&w, buf, sizeof(buf));
    ajp_write_response(&w, status, ajp_str_of(phrase, strlen(phrase)));
    ajp_write_header(&w, AJP_STR("Content-Type"), AJP_STR("text/plain"));
    ajp_write_header(&w, AJP_STR("Content-Length"), ajp_str_of(length, strlen(length)));
    if (status == 503)
        ajp_write_header(&w, AJP_STR("Retry-After"), AJP_STR("1"));
    if (ajp_writer_finish(&w, &n) == AJP_OK && may_send(a, AJP_SEND_HEADERS, 0))
        put(a, buf, n);
    if (!is_head(a->c.x->head.method) && may_send(a, AJP_BODY_CHUNK, (size_t)len)) {
        uint8_t head[AJP_CHUNK_HEAD];

        put(a, head, ajp_chunk_head(head, (uint16_t)len));
        put(a, text, (size_t)len);
        put(a, "", 1);
        a->c.x->bytes_down += (uint64_t)len;
    }
    a->c.x->status = status;
    end_response(a, reuse);
}

/* --- what the exchange asks for --- */

static void write_length(ajp_writer *w, int64_t n)
{
    if (n >= 0)
        ajp_write_length(w, (uint64_t)n);
}

/* A worker's reply head, but for its length. */
static ajp_status encode_relength(const struct reply *r, uint8_t *out, size_t cap, size_t *len)
{
    ajp_fields it = r->raw->headers;
    ajp_writer w;
    ajp_field f;

    ajp_writer_init(&w, out, cap);
    ajp_write_response(&w, r->status, r->raw->reason);
    while (ajp_field_next(&it, &f))
        if (ajp_res_header_code(f.name) != AJP_RES_CONTENT_LENGTH)
            ajp_write_header(&w, f.name, f.value);
    write_length(&w, r->content_length);
    return ajp_writer_finish(&w, len);
}

/* A reply from a worker that does not speak AJP. */
static ajp_status encode_reply(const struct reply *r, uint8_t *out, size_t cap, size_t *len)
{
    const char *phrase = h1_reason(r->status);
    ajp_writer w;

    ajp_writer_init(&w, out, cap);
    ajp_write_response(&w, r->status, ajp_str_of(phrase, strlen(phrase)));
    for (uint16_t i = 0; i < r->field_count; i++)
        ajp_write_header(&w, r->fields[i].name, r->fields[i].value);
    write_length(&w, r->content_length);
    return ajp_writer_finish(&w, len);
}

static ajp_status encode_anew(const struct reply *r, uint8_t *out, size_t cap, size_t *len)
{
    if (r->raw == NULL)
        return encode_reply(r, out, cap, len);
    return r->relength ? encode_relength(r, out, cap, len)
                       : ajp_reencode_response(r->raw, out, cap, len);
}

static void front_reply(struct exchange *x, const struct reply *r)
{
    struct ajp_conn *a = of(x);
    struct buf_pool *pool = &x->shard->loop.bufs;
    struct buf *b;
    size_t len = 0;
    ajp_status st = ajp_session_send(&a->session, AJP_SEND_HEADERS, 0);

    if (st == AJP_OK && r->raw != NULL && r->raw->canonical && !r->relength) {
        out_borrow(&a->c.out, &a->c.stream, r->raw->payload - AJP_HEADER_SIZE,
                   r->raw->payload_len + (size_t)AJP_HEADER_SIZE);
        return;
    }
    b = buf_take(pool);
    if (b == NULL || st != AJP_OK) {
        a->c.out.failed = true;
    } else {
        st = encode_anew(r, b->data, a->packet_size, &len);
        if (st == AJP_OK)
            put(a, b->data, len);
        else
            a->c.out.failed = true;
    }
    buf_give(pool, b);
}

/* Reply bytes that one packet to this web server holds. */
static uint32_t chunk_max(const struct ajp_conn *a)
{
    return a->packet_size - AJP_CHUNK_HEAD - AJP_CHUNK_TAIL;
}

/* As long as the rest of the worker's packet, unless the web server takes less in one. */
static void begin_chunk(struct ajp_conn *a)
{
    uint8_t head[AJP_CHUNK_HEAD];
    uint32_t max = chunk_max(a);

    a->chunk_left = a->reply_left < max ? a->reply_left : (uint16_t)max;
    if (ajp_session_send(&a->session, AJP_BODY_CHUNK, a->chunk_left) != AJP_OK)
        a->c.out.failed = true;
    put(a, head, ajp_chunk_head(head, a->chunk_left));
}

static void front_part(struct exchange *x, const struct part *p)
{
    struct ajp_conn *a = of(x);

    const uint8_t *data = p->data;
    size_t len = p->len;

    if (p->first)
        a->reply_left = p->packet;
    if (p->frame != NULL && p->packet <= chunk_max(a)) {
        if (ajp_session_send(&a->session, AJP_BODY_CHUNK, p->packet) != AJP_OK)
            a->c.out.failed = true;
        out_borrow(&a->c.out, &a->c.stream, p->frame, p->frame_len);
        return;
    }
    while (len > 0) {
        size_t n;

        if (a->chunk_left == 0)
            begin_chunk(a);
        n = len < a->chunk_left ? len : a->chunk_left;
        out_borrow(&a->c.out, &a->c.stream, data, n);
        a->chunk_left = (uint16_t)(a->chunk_left - n);
        a->reply_left = (uint16_t)(a->reply_left - n);
        data += n;
        len -= n;
        if (a->chunk_left == 0)
            put(a, "", 1);
    }
}

static void front_flush(struct exchange *x)
{
    struct ajp_conn *a = of(x);
    uint8_t flush[AJP_SMALL_MAX];

    if (may_send(a, AJP_BODY_CHUNK, 0))
        put(a, flush, ajp_make_flush(flush));
}

/* Not after a request of which nobody can tell where its body ends. */
static bool may_go_on(struct exchange *x)
{
    return !conn_ending(&of(x)->c) && x->head.content_length != AJP_LENGTH_UNSURE;
}

static void front_end(struct exchange *x)
{
    bool hears_end = x->worker_closes && of(x)->c.door->settings->profile == PROFILE_TRANSPARENT;

    end_response(of(x), may_go_on(x) && !x->excess && !hears_end);
}

static RARE void front_fail(struct exchange *x, uint16_t status)
{
    struct ajp_conn *a = of(x);

    if (!x->begun) {
        answer_error(a, status, may_go_on(x) && !ajp_session_owed(&a->session));
        return;
    }
    /* Closed without End Response: the web server can tell that this is not the whole. */
    a->c.x = NULL;
    exchange_log(x, x->status);
    exchange_give(x);
    conn_finish(&a->c, false);
}

static void front_want(struct exchange *x, uint32_t max)
{
    struct ajp_conn *a = of(x);
    uint32_t most = a->packet_size - AJP_DATA_HEAD;
    uint8_t ask[AJP_SMALL_MAX];

    a->grant = max;
    if (max > most)
        max = most;
    if (a->data_left == 0 && !ajp_session_owed(&a->session)) {
        if (ajp_session_send(&a->session, AJP_GET_BODY, max) != AJP_OK)
            a->c.out.failed = true;
        put(a, ask, ajp_make_get_body(ask, (uint16_t)max));
        if (!conn_settle(&a->c))
            return;
    }
    conn_arm(&a->c, x->began->settings->timeouts.body);
    stream_want_read(&a->c.stream, true);
    if (!a->c.busy)
        process(a);
}

static void front_settle(struct exchange *x)
{
    conn_settle(&of(x)->c);
}

static const struct front_ops front_ajp = {
    .reply = front_reply,
    .part = front_part,
    .flush = front_flush,
    .end = front_end,
    .fail = front_fail,
    .want = front_want,
    .settle = front_settle,
};

/* --- what comes in --- */

/* The listener as its clients see it: which one it is, where there are several. */
struct place {
    char peer[46], host[46];
    uint16_t port;
};

static struct place place_of(const struct conn *c)
{
    struct place p;

    conn_address(c, false, p.peer, NULL);
    conn_address(c, true, p.host, &p.port);
    return p;
}

/* The web server broke the protocol: say so once if a request is open, then close. detail: for the
 * log. */
static RARE void refuse(struct ajp_conn *a, uint16_t status, const char *reason, const char *detail)
{
    struct conn *c = &a->c;
    struct place at = place_of(c);

    a->refused = true;
    refusal_count(REFUSED_PACKET);
    log_event(LEVEL_WARN, "bad_packet", "peer=%s listener=%s:%u reason=\"%s\"", at.peer, at.host,
              at.port, detail);
    if (c->x == NULL) {
        const struct refused how = {.client = ajp_str_of(at.peer, strlen(at.peer)),
                                    .reason = reason};

        refused_packet(c, &how);
        conn_close(c, false);
        return;
    }
    if (c->x->head.remote_addr.ptr == NULL) /* it could not be read */
        c->x->head.remote_addr = ajp_str_of(at.peer, strlen(at.peer));
    exchange_cancel(c->x, reason);
    c->x->reason = reason;
    if (c->x->begun)
        front_fail(c->x, status);
    else
        answer_error(a, status, false);
}

static RARE void tell_refusal(const struct ajp_conn *a, const struct ajp_verdict *v)
{
    struct place at = place_of(&a->c);
    char name[96], path[256];

    refusal_count(v->why);
    log_str(path, sizeof(path), a->c.x->head.path);
    if (v->attribute.ptr != NULL)
        log_event(LEVEL_WARN, "request_refused",
                  "peer=%s listener=%s:%u reason=\"%s\" attribute=\"%s\" path=%s advice=\"%s\"",
                  at.peer, at.host, at.port, v->reason, log_str(name, sizeof(name), v->attribute),
                  path, v->advice);
    else
        log_event(LEVEL_WARN, "request_refused",
                  "peer=%s listener=%s:%u reason=\"%s\" path=%s advice=\"%s\"", at.peer, at.host,
                  at.port, v->reason, path, v->advice);
}

static void take_request(struct ajp_conn *a)
{
    struct exchange *x = a->c.x;
    const ajp_request *r = &x->message.u.request;
    struct ajp_verdict v = ajp_policy(a->c.door->settings, r, a->trusted);
    struct head *h = &x->head;

    a->c.kept = a->c.rx->start;
    a->data_left = 0;
    a->piece_left = 0;
    a->chunk_left = 0;
    x->max_reply_head = a->packet_size;
    h->raw = r;
    h->method = r->method;
    h->path = r->uri;
    h->query = ajp_request_attr(r, AJP_ATTR_QUERY_STRING);
    h->protocol = r->protocol;
    h->host = ajp_request_header(r, AJP_REQ_HOST);
    h->remote_addr = r->remote_addr;
    h->remote_host = r->remote_host;
    h->server_name = r->server_name;
    h->server_port = r->server_port;
    h->is_ssl = r->is_ssl;
    h->content_length = r->content_length;
    x->drop_attrs = v.drop;
    if (a->c.door->settings->attributes.edits)
        x->front_attributes = &a->c.door->settings->attributes;
    deadline_clear(&a->c.deadline);
    if (v.status != 0) {
        tell_refusal(a, &v);
        x->reason = v.reason;
        answer_error(a, v.status, false);
        return;
    }
    exchange_start(x);
}

static bool data_is_canonical(const ajp_body *b, const uint8_t *in, size_t used)
{
    uint8_t head[AJP_DATA_HEAD];
    const size_t n = ajp_data_head(head, b->packet);

    return b->first && b->complete && b->packet > 0 && used == AJP_DATA_HEAD + (size_t)b->packet &&
           memcmp(in, head, n) == 0;
}

/* in[0..used) is the message, if all of it came in one part. */
static void take_body(struct ajp_conn *a, const ajp_body *b, const uint8_t *in, size_t used)
{
    struct exchange *x = a->c.x;
    struct part p = {.data = b->data, .len = b->len};

    if (!conn_wants(&a->c) || (b->packet > 0 && b->len == 0))
        return; /* of a request that was answered without it, or slack */
    if (b->first)
        a->data_left = b->packet;
    if (a->piece_left == 0) {
        a->piece_left = a->data_left < a->grant ? a->data_left : (uint16_t)a->grant;
        p.packet = a->piece_left;
        p.first = true;
    }
    a->data_left = (uint16_t)(a->data_left - b->len);
    a->piece_left = (uint16_t)(a->piece_left - b->len);
    p.last = a->piece_left == 0;
    if (data_is_canonical(b, in, used)) {
        p.frame = in;
        p.frame_len = used;
    }
    if (b->packet == 0)
        exchange_body_end(x);
    else
        exchange_body(x, &p);
    if (a->c.x == x && !x->wanted)
        deadline_clear(&a->c.deadline);
}

/* What the worker takes now of the bytes that come: where its packets are the smaller ones, the
 * rest of the web server's has to wait. */
static size_t body_room(const struct ajp_conn *a)
{
    return a->piece_left > 0  ? a->piece_left
           : a->data_left > 0 ? a->grant
                              : AJP_DATA_HEAD + (size_t)a->grant;
}

/* What rx begins with was refused by libajp. */
static RARE void refuse_packet(struct ajp_conn *a, ajp_status st, size_t len)
{
    const struct conn *c = &a->c;
    char detail[BAD_PACKET_TEXT];
    const char *reason = ajp_strerror(st);

    if (st == AJP_ERR_HEADER_LIMIT) {
        reason = "too many headers (limits.header_count)";
        snprintf(detail, sizeof(detail), "more headers than limits.header_count, %u",
                 c->shard->settings->limits.header_count);
    } else {
        bad_packet_text(detail, st, c->rx->data + c->rx->start, len, c->door->settings->packet_size,
                        false);
    }
    refuse(a, 400, reason, detail);
}

/* One message off rx. False: no more can be done now. */
static bool take_message(struct ajp_conn *a)
{
    struct conn *c = &a->c;
    struct exchange *x = c->x;
    struct exchange *fresh = NULL;
    ajp_message body;
    ajp_message *m = &body;
    uint8_t pong[AJP_SMALL_MAX];
    size_t used = 0;
    size_t len = conn_unread(c);
    ajp_status st;

    if (x == NULL) {
        fresh = exchange_take(c->shard, &front_ajp, a);
        if (fresh == NULL) {
            conn_close(c, false);
            return false;
        }
        m = &fresh->message;
    } else if (len > body_room(a)) {
        len = body_room(a);
    }
    st = ajp_session_recv(&a->session, c->rx->data + c->rx->start, len, &used, m);
    if (st == AJP_OK && fresh != NULL && m->kind == AJP_FORWARD_REQUEST) {
        c->x = fresh;
        c->rx->start += (uint32_t)used;
        take_request(a);
        return true;
    }
    if (st != AJP_OK && st != AJP_MORE && fresh != NULL && m->kind == AJP_FORWARD_REQUEST) {
        c->x = fresh; /* refused in its contents: the frame was whole, so it is answered */
        refused_read(fresh, c->rx->data + c->rx->start, len, &a->session.lim);
        refuse_packet(a, st, len);
        return false;
    }
    if (fresh != NULL)
        exchange_give(fresh);
    if (st == AJP_MORE)
        return false;
    if (st != AJP_OK) {
        refuse_packet(a, st, len);
        return false;
    }
    c->rx->start += (uint32_t)used;
    if (m->kind == AJP_CPING) {
        if (may_send(a, AJP_CPONG, 0))
            put(a, pong, ajp_make_cpong(pong));
    } else if (m->kind == AJP_DATA) {
        take_body(a, &m->u.body, c->rx->data + c->rx->start - used, used);
    }
    return true;
}

static void process(struct ajp_conn *a)
{
    struct conn *c = &a->c;
    struct exchange *x;

    c->busy = true;
    while (!c->closed && !c->finishing && conn_unread(c) > 0 && !conn_choke(c) &&
           (c->x == NULL || c->x->wanted))
        if (!take_message(a))
            break;
    c->busy = false;
    if (c->closed || c->finishing)
        return;
    x = c->x;
    if (x != NULL) /* what was lent to the worker's side leaves before rx moves */
        exchange_body_settle(x);
    if (c->closed || c->finishing)
        return;
    if (c->x == NULL && conn_unread(c) == 0) {
        deadline_clear(&c->deadline); /* of a message that is whole now */
        conn_next(c);
    } else {
        conn_consumed(c);
    }
    if (c->x == NULL && conn_unread(c) > 0 && c->deadline.at == 0)
        conn_arm(c, conn_settings(c)->timeouts.request_head);
    if (conn_settle(c))
        conn_choke(c);
}

static void resume(struct conn *c)
{
    process(CONTAINER_OF(c, struct ajp_conn, c));
}

/* A web server closes when its own client has gone; nothing that speaks AJP half-closes to wait. */
static RARE void on_ended(struct conn *c)
{
    struct ajp_conn *a = CONTAINER_OF(c, struct ajp_conn, c);

    if (conn_settings(c)->client_fin == CLIENT_FIN_ANSWER && !conn_wants(c) &&
        !ajp_session_owed(&a->session)) {
        stream_want_read(&c->stream, false);
        return;
    }
    conn_abandon(c, "web server closed the connection");
    conn_ended(c, true);
}

/* What comes now is not for the request at work. A little of it is taken in all the same: behind a
 * CPing that asks whether we still are, the web server's leaving must show. */
static bool comes_early(const struct ajp_conn *a)
{
    const struct conn *c = &a->c;

    if (c->x == NULL || c->x->wanted)
        return false;
    return conn_full(c) || (!ajp_session_owed(&a->session) && conn_unread(c) > 0);
}

static void on_readable(struct conn *c)
{
    struct ajp_conn *a = CONTAINER_OF(c, struct ajp_conn, c);
    long n;

    if (comes_early(a)) {
        n = conn_peek(c);
        if (n > 0)
            conn_hold(c);
        if (n > 0 || n == STREAM_AGAIN)
            return;
    } else {
        n = conn_fill(c);
    }
    if (n == STREAM_AGAIN && !conn_full(c))
        return;
    if (n == STREAM_AGAIN) {
        refuse(a, 400, "packet is longer than a block", "packet is longer than packet_size");
        return;
    }
    if (n > 0) {
        if (conn_wants(c)) /* from byte to byte, however slow they come */
            conn_arm(c, conn_settings(c)->timeouts.body);
        process(a);
        return;
    }
    if (c->x != NULL && n == 0) {
        on_ended(c);
    } else {
        conn_abandon(c, "web server closed the connection");
        conn_ended(c, n < 0);
    }
}

static void on_late(struct conn *c)
{
    struct ajp_conn *a = CONTAINER_OF(c, struct ajp_conn, c);

    if (c->x != NULL)
        refuse(a, 408, "no body in time (timeouts.body)", "no body in time (timeouts.body)");
    else
        conn_close(c, false);
}

static void free_conn(struct conn *c)
{
    free(CONTAINER_OF(c, struct ajp_conn, c));
}

static const struct conn_ops ops = {on_readable, on_ended, resume, on_late, free_conn};

void front_ajp_accept(struct shard *sh, struct door *door, int fd)
{
    struct ajp_limits limits = ajp_limits_relay;
    struct ajp_conn *a = calloc(1, sizeof(*a));

    limits.max_packet = door->settings->packet_size;
    limits.max_headers = (uint16_t)sh->settings->limits.header_count;
    if (door->settings->profile == PROFILE_TRANSPARENT)
        limits.lenient |= AJP_ALLOW_TWO_LENGTHS;
    if (a == NULL) {
        close(fd);
    } else if (!conn_open(&a->c, sh, door, fd, &ops)) {
        free(a);
    } else {
        a->trusted = door->settings->trust_identity_from.count == 0 ||
                     networks_hold_peer(&door->settings->trust_identity_from, fd);
        a->packet_size = limits.max_packet;
        a->c.stream.tapped = true;
        ajp_session_init(&a->session, AJP_CONTAINER, &limits);
    }
}
