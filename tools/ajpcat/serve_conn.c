/* SPDX-License-Identifier: Apache-2.0 */
/* One AJP connection of `ajpcat serve`, in the container's role. */
#include "serve.h"

#include "crc32.h"
#include "term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUT_ENOUGH = 256 * 1024, LINGER_MS = 2000 };

static void complain(const struct serve_loop *l, const char *what, ajp_status st)
{
    if (!l->options->quiet)
        fprintf(stderr, "event=protocol_error what=\"%s\" reason=\"%s\"\n", what, ajp_strerror(st));
}

static bool may_send(struct serve_loop *l, struct serve_conn *c, ajp_kind kind, size_t n)
{
    ajp_status st = ajp_session_send(&c->session, kind, n);
    if (st != AJP_OK)
        complain(l, "our own message is not allowed now", st);
    return st == AJP_OK;
}

static bool put_small(struct serve_loop *l, struct serve_conn *c, ajp_kind kind, uint16_t n)
{
    uint8_t packet[AJP_SMALL_MAX];
    size_t len = 0;
    if (!may_send(l, c, kind, n))
        return false;
    if (kind == AJP_CPONG)
        len = ajp_make_cpong(packet);
    else if (kind == AJP_GET_BODY)
        len = ajp_make_get_body(packet, n);
    else if (kind == AJP_END_RESPONSE)
        len = ajp_make_end(packet, n != 0);
    else
        len = ajp_make_flush(packet);
    text_put(&c->out, packet, len);
    return true;
}

static void put_canned(ajp_writer *w, const struct text *canned)
{
    if (canned->len == 0)
        return;
    const char *at = canned->at, *end = at + canned->len;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        const char *colon = memchr(at, ':', (size_t)(line - at));
        if (colon) {
            const char *value = colon + 1 + strspn(colon + 1, " ");
            ajp_write_header(w, ajp_str_of(at, (size_t)(colon - at)),
                             ajp_str_of(value, line > value ? (size_t)(line - value) : 0));
        }
        at = line + 1;
    }
}

static bool put_headers(struct serve_loop *l, struct serve_conn *c)
{
    const struct page *p = &c->page;
    const char *reason = page_reason(p->status);
    char length[24];
    ajp_writer w;
    size_t len;
    if (!may_send(l, c, AJP_SEND_HEADERS, 0))
        return false;
    text_reserve(&c->out, l->options->limits.max_packet);
    ajp_writer_init(&w, c->out.at + c->out.len, l->options->limits.max_packet);
    ajp_write_response(&w, p->status, ajp_str_of(reason, strlen(reason)));
    if (p->type)
        ajp_write_header(&w, AJP_STR("Content-Type"), ajp_str_of(p->type, strlen(p->type)));
    put_canned(&w, &p->canned);
    if (p->announce && p->status != 204 && p->status != 304) {
        int n = snprintf(length, sizeof length, "%" PRIu64, p->length);
        ajp_write_header(&w, AJP_STR("Content-Length"), ajp_str_of(length, (size_t)n));
    }
    if (p->location)
        ajp_write_header(&w, AJP_STR("Location"), ajp_str_of(p->location, strlen(p->location)));
    if (p->cookie[0])
        ajp_write_header(&w, AJP_STR("Set-Cookie"), ajp_str_of(p->cookie, strlen(p->cookie)));
    if (p->request_id[0])
        ajp_write_header(&w, AJP_STR("X-Request-Id"),
                         ajp_str_of(p->request_id, strlen(p->request_id)));
    if (l->options->route[0])
        ajp_write_header(&w, AJP_STR("X-Node"),
                         ajp_str_of(l->options->route, strlen(l->options->route)));
    ajp_status st = ajp_writer_finish(&w, &len);
    if (st != AJP_OK) {
        complain(l, "response headers", st);
        return false;
    }
    c->out.len += len;
    c->headers_sent = true;
    return true;
}

static bool put_chunk(struct serve_loop *l, struct serve_conn *c, size_t n)
{
    if (!may_send(l, c, AJP_BODY_CHUNK, n))
        return false;
    text_reserve(&c->out, n + AJP_CHUNK_HEAD + AJP_CHUNK_TAIL);
    uint8_t *at = (uint8_t *)c->out.at + c->out.len;
    size_t head = ajp_chunk_head(at, (uint16_t)n);
    char *body = (char *)at + head;
    if (c->page.kind == PAGE_PATTERN)
        page_pattern(body, c->page_sent, n);
    else
        memcpy(body, c->page.text.at + c->page_sent, n);
    body[n] = '\0';
    c->out.len += head + n + AJP_CHUNK_TAIL;
    c->page_sent += n;
    return true;
}

static bool put_part(struct serve_loop *l, struct serve_conn *c)
{
    uint64_t part = c->page_sent;
    text_clear(&c->page.text);
    text_fmt(&c->page.text, "part %" PRIu64 "\n", part + 1);
    c->page_sent = 0;
    if (!put_chunk(l, c, c->page.text.len) || !put_small(l, c, AJP_BODY_CHUNK, 0))
        return false;
    c->page_sent = part + 1;
    if (c->page.delay_ms > 0 && c->page_sent < c->page.length)
        loop_wait(l, c, c->page.delay_ms);
    return true;
}

static bool put_end(struct serve_loop *l, struct serve_conn *c)
{
    if (!put_small(l, c, AJP_END_RESPONSE, !c->page.refused))
        return false;
    c->state = c->page.refused ? CONN_LINGER : CONN_IDLE;
    return true;
}

/* Adds to the output as much of the answer as is worth holding. */
static bool fill(struct serve_loop *l, struct serve_conn *c)
{
    size_t most = l->options->limits.max_packet - AJP_CHUNK_HEAD - AJP_CHUNK_TAIL;
    if (!c->headers_sent && !put_headers(l, c))
        return false;
    uint64_t length = c->bodiless ? 0 : c->page.length;
    while (c->state == CONN_ANSWER && c->page_sent < length && c->out.len < OUT_ENOUGH) {
        uint64_t left = length - c->page_sent;
        bool ok = c->page.kind == PAGE_PARTS ? put_part(l, c)
                                             : put_chunk(l, c, left < most ? (size_t)left : most);
        if (!ok)
            return false;
    }
    if (c->state == CONN_ANSWER && c->page_sent >= length)
        return put_end(l, c);
    return true;
}

/* Writes what is there. False: the connection broke. */
bool conn_flush(struct serve_conn *c)
{
    while (c->out_sent < c->out.len) {
        ssize_t n = link_send(&c->link, c->out.at + c->out_sent, c->out.len - c->out_sent);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->out_sent += (size_t)n;
        if (c->out_sent < c->out.len)
            return true;
    }
    text_clear(&c->out);
    c->out_sent = 0;
    return true;
}

static bool begin_answer(struct serve_loop *l, struct serve_conn *c)
{
    page_body_end(&c->page, c->body_bytes, c->body_crc);
    c->state = CONN_ANSWER;
    if (c->page.kind != PAGE_PARTS && c->page.delay_ms > 0) {
        loop_wait(l, c, c->page.delay_ms);
        return true;
    }
    return fill(l, c);
}

static bool ask_body(struct serve_loop *l, struct serve_conn *c)
{
    return put_small(l, c, AJP_GET_BODY, (uint16_t)(l->options->limits.max_packet - AJP_DATA_HEAD));
}

static bool is_chunked(const ajp_request *r)
{
    ajp_fields it = r->headers;
    ajp_field f;
    while (ajp_field_next(&it, &f)) {
        if (f.name.len == 17 && strncasecmp(f.name.ptr, "transfer-encoding", 17) == 0)
            return true;
    }
    return false;
}

static void print_request(const ajp_request *r, unsigned status)
{
    struct text t = {0};
    ajp_str query = ajp_request_attr(r, AJP_ATTR_QUERY_STRING);
    text_str(&t, "event=request method=");
    term_put(&t, r->method);
    text_str(&t, " uri=");
    term_put(&t, r->uri);
    if (query.ptr) {
        text_byte(&t, '?');
        term_put(&t, query);
    }
    fprintf(stderr, "%s from=", t.at);
    text_clear(&t);
    term_put(&t, r->remote_addr);
    fprintf(stderr, "%s status=%u length=%" PRId64 "\n", t.at, status, r->content_length);
    text_free(&t);
}

static bool on_request(struct serve_loop *l, struct serve_conn *c, const ajp_request *r)
{
    page_begin(&c->page, r, l->options);
    if (l->options->verbose)
        print_request(r, c->page.status);
    if (c->page.fault) {
        c->script = c->page.fault;
        c->state = CONN_ANSWER;
        return true;
    }
    c->body_bytes = 0;
    c->body_crc = 0;
    c->body_announced = r->content_length;
    c->page_sent = 0;
    c->headers_sent = false;
    c->bodiless = (r->method.len == 4 && memcmp(r->method.ptr, "HEAD", 4) == 0) ||
                  c->page.status == 204 || c->page.status == 304;
    if (c->page.refused)
        return begin_answer(l, c);
    c->state = CONN_BODY;
    if (r->content_length > 0)
        return true;
    if (r->content_length < 0 && (c->page.asks || is_chunked(r)))
        return ask_body(l, c);
    return begin_answer(l, c);
}

static bool on_body(struct serve_loop *l, struct serve_conn *c, const ajp_body *b)
{
    if (c->state != CONN_BODY)
        return true;
    c->body_crc = c->page.reports ? crc32_add(c->body_crc, b->data, b->len) : 0;
    c->body_bytes += b->len;
    if (!b->complete)
        return true;
    bool ended =
        b->packet == 0 || (c->body_announced >= 0 && c->body_bytes >= (uint64_t)c->body_announced);
    return ended ? begin_answer(l, c) : ask_body(l, c);
}

static bool on_message(struct serve_loop *l, struct serve_conn *c, const ajp_message *m)
{
    switch (m->kind) {
    case AJP_FORWARD_REQUEST:
        return on_request(l, c, &m->u.request);
    case AJP_DATA:
        return on_body(l, c, &m->u.body);
    case AJP_CPING:
        return put_small(l, c, AJP_CPONG, 0);
    default: /* Ping and Shutdown: obsolete, Tomcat closes too */
        return false;
    }
}

/* Takes messages off the input while there is nothing else to do first. */
static bool take(struct serve_loop *l, struct serve_conn *c)
{
    size_t at = 0;
    bool ok = true;
    while (ok && !c->script && (c->state == CONN_IDLE || c->state == CONN_BODY) && at < c->in_len) {
        ajp_message m;
        size_t used = 0;
        ajp_status st = ajp_session_recv(&c->session, c->in + at, c->in_len - at, &used, &m);
        if (st == AJP_MORE)
            break;
        if (st != AJP_OK) {
            complain(l, "message from the web server", st);
            ok = false;
            break;
        }
        at += used;
        ok = on_message(l, c, &m);
    }
    c->in_len -= at;
    if (at > 0 && c->in_len > 0)
        memmove(c->in, c->in + at, c->in_len);
    return ok;
}

bool conn_linger(struct serve_loop *l, struct serve_conn *c)
{
    if (c->deadline_ns == 0) {
        link_end(&c->link);
        loop_wait(l, c, LINGER_MS);
        c->state = CONN_LINGER;
    }
    c->in_len = 0;
    return true;
}

/* Takes input, fills output and writes, until it must wait for something. */
static bool step(struct serve_loop *l, struct serve_conn *c)
{
    for (;;) {
        bool ok = true;
        if (c->script)
            return conn_play(l, c);
        if (c->state == CONN_ANSWER)
            ok = fill(l, c);
        if (ok)
            ok = take(l, c);
        if (!conn_flush(c) || !ok)
            return false;
        if (c->out_sent < c->out.len)
            return true;
        if (c->state == CONN_LINGER)
            return conn_linger(l, c);
        if (c->state != CONN_ANSWER)
            return true;
    }
}

bool conn_readable(struct serve_loop *l, struct serve_conn *c)
{
    size_t cap = l->options->limits.max_packet;
    if (!c->in)
        c->in = xmalloc(cap);
    do {
        if (c->in_len == cap)
            return true;
        ssize_t n = link_recv(&c->link, c->in + c->in_len, cap - c->in_len);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0 && c->script)
            conn_play_closed(l, c);
        if (n == 0)
            return false;
        c->in_len += (size_t)n;
        if (c->out_sent < c->out.len)
            return true;
        if (!step(l, c))
            return false;
    } while (link_holds(&c->link) && c->out_sent == c->out.len);
    return true;
}

bool conn_go_on(struct serve_loop *l, struct serve_conn *c)
{
    return step(l, c);
}

void conn_free(struct serve_conn *c)
{
    link_close(&c->link);
    free(c->in);
    text_free(&c->out);
    text_free(&c->page.text);
    text_free(&c->page.canned);
    free(c);
}
