/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the load: sends the prepared request, reads its answer, checks that it is
 * the answer to this request. */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void note(struct bench_result *r, const char *what)
{
    if (!r->first_error[0])
        snprintf(r->first_error, sizeof r->first_error, "%s", what);
}

static enum bench_event broken(struct bench_result *r, uint64_t *counter, const char *what)
{
    ++*counter;
    note(r, what);
    return BENCH_BROKEN;
}

bool bench_conn_open(struct bench_conn *c, const struct bench_plan *p, struct text *why)
{
    c->link.fd = net_connect(&p->address, (int)p->timeout_ms);
    if (c->link.fd < 0) {
        text_str(why, strerror(errno));
        return false;
    }
    if (p->side &&
        (!link_secure(&c->link, p->side) || !link_shake(&c->link, (int)p->timeout_ms, why))) {
        link_close(&c->link);
        return false;
    }
    ajp_session_init(&c->session, AJP_SERVER, &p->limits);
    if (!c->in)
        c->in = xmalloc(p->limits.max_packet);
    c->in_len = 0;
    text_clear(&c->out);
    c->out_sent = 0;
    return true;
}

void bench_conn_close(struct bench_conn *c)
{
    link_close(&c->link);
}

enum bench_event bench_conn_flush(struct bench_conn *c, struct bench_result *r)
{
    while (c->out_sent < c->out.len) {
        ssize_t n = link_send(&c->link, c->out.at + c->out_sent, c->out.len - c->out_sent);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return BENCH_WAITING;
        if (n < 0)
            return broken(r, &r->truncated, "the server closed while we sent");
        c->out_sent += (size_t)n;
    }
    text_clear(&c->out);
    c->out_sent = 0;
    return BENCH_WAITING;
}

static enum bench_event put_body(struct bench_conn *c, const struct bench_plan *p,
                                 struct bench_result *r)
{
    uint8_t head[AJP_DATA_HEAD];
    size_t n = ajp_session_grant(&c->session);
    size_t left = p->request.data.len - c->body_sent;
    n = n < left ? n : left;
    if (ajp_session_send(&c->session, AJP_DATA, n) != AJP_OK)
        return broken(r, &r->protocol_errors, "the server asked for a body that is not there");
    if (n == 0) {
        text_put(&c->out, head, ajp_make_body_end(head));
        return BENCH_WAITING;
    }
    text_put(&c->out, head, ajp_data_head(head, (uint16_t)n));
    text_put(&c->out, p->request.data.at + c->body_sent, n);
    c->body_sent += n;
    r->bytes_up += n;
    return BENCH_WAITING;
}

enum bench_event bench_conn_start(struct bench_conn *c, const struct bench_plan *p,
                                  struct bench_result *r, uint64_t id, uint64_t due_ns)
{
    char digits[BENCH_ID_DIGITS + 1];
    c->busy = true;
    c->shot = &p->shots[(id / p->threads + id % p->threads) % p->shot_count];
    c->id = id;
    c->due_ns = due_ns;
    c->status = 0;
    c->announced = -1;
    c->received = 0;
    c->body_sent = 0;
    c->bad_id = false;
    r->started++;
    if (ajp_session_send_request(&c->session, c->shot->content_length) != AJP_OK)
        return broken(r, &r->protocol_errors, "the connection is not ready for a request");
    size_t from = c->out.len;
    text_put(&c->out, c->shot->packet, c->shot->len);
    if (c->shot->id_at) {
        snprintf(digits, sizeof digits, "%016" PRIx64, id);
        memcpy(c->out.at + from + c->shot->id_at, digits, BENCH_ID_DIGITS);
    }
    if (ajp_session_owed(&c->session) && put_body(c, p, r) != BENCH_WAITING)
        return BENCH_BROKEN;
    return bench_conn_flush(c, r);
}

static void check_head(struct bench_conn *c, struct bench_result *r, const ajp_response *head)
{
    ajp_fields it = head->headers;
    ajp_field f;
    c->status = head->status;
    c->announced = head->content_length;
    while (c->shot->id_at && ajp_field_next(&it, &f)) {
        if (f.name.len != sizeof BENCH_ID_HEADER - 1 ||
            strncasecmp(f.name.ptr, BENCH_ID_HEADER, f.name.len) != 0)
            continue;
        char digits[BENCH_ID_DIGITS + 1];
        snprintf(digits, sizeof digits, "%016" PRIx64, c->id);
        c->bad_id =
            f.value.len != BENCH_ID_DIGITS || memcmp(f.value.ptr, digits, BENCH_ID_DIGITS) != 0;
        r->verified += !c->bad_id;
    }
}

static enum bench_event answered(struct bench_conn *c, const struct bench_plan *p,
                                 struct bench_result *r, bool reuse)
{
    bool head = strcmp(request_method(&p->request), "HEAD") == 0 || c->status == 304;
    bool wrong_length = !head && c->announced >= 0 && (uint64_t)c->announced != c->received;
    c->busy = false;
    r->done++;
    r->status_class[c->status / 100 < 6 ? c->status / 100 : 0]++;
    if (c->bad_id || wrong_length) {
        r->mismatched++;
        note(r, c->bad_id ? "an answer to another request came" : "a body of another length came");
    }
    return reuse ? BENCH_ANSWERED : BENCH_ANSWERED_CLOSE;
}

static enum bench_event on_message(struct bench_conn *c, const struct bench_plan *p,
                                   struct bench_result *r, const ajp_message *m)
{
    switch (m->kind) {
    case AJP_SEND_HEADERS:
        check_head(c, r, &m->u.response);
        return BENCH_WAITING;
    case AJP_BODY_CHUNK:
        c->received += m->u.body.len;
        r->bytes_down += m->u.body.len;
        return BENCH_WAITING;
    case AJP_GET_BODY:
        return put_body(c, p, r);
    case AJP_END_RESPONSE:
        return answered(c, p, r, m->u.reuse);
    default: /* the session lets nothing else through */
        return BENCH_WAITING;
    }
}

/* Messages of what came, as long as the request is not answered. */
static enum bench_event take(struct bench_conn *c, const struct bench_plan *p,
                             struct bench_result *r)
{
    enum bench_event e = BENCH_WAITING;
    size_t at = 0;
    while (e == BENCH_WAITING && at < c->in_len) {
        ajp_message m;
        size_t used = 0;
        ajp_status st = ajp_session_recv(&c->session, c->in + at, c->in_len - at, &used, &m);
        if (st == AJP_MORE)
            break;
        if (st != AJP_OK)
            return broken(r, &r->protocol_errors, ajp_strerror(st));
        at += used;
        e = on_message(c, p, r, &m);
    }
    c->in_len -= at;
    if (at > 0 && c->in_len > 0)
        memmove(c->in, c->in + at, c->in_len);
    if (e == BENCH_ANSWERED && (c->in_len > 0 || link_holds(&c->link)))
        return broken(r, &r->protocol_errors, "bytes behind an answer");
    return e;
}

enum bench_event bench_conn_readable(struct bench_conn *c, const struct bench_plan *p,
                                     struct bench_result *r)
{
    enum bench_event e;
    do {
        ssize_t n = link_recv(&c->link, c->in + c->in_len, p->limits.max_packet - c->in_len);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return BENCH_WAITING;
        if (n <= 0)
            return c->busy ? broken(r, &r->truncated, "the server closed within an answer")
                           : BENCH_BROKEN;
        c->in_len += (size_t)n;
        e = take(c, p, r);
    } while (e == BENCH_WAITING && link_holds(&c->link)); /* the socket would not tell of it */
    if (c->out.len > 0 && e == BENCH_WAITING)
        return bench_conn_flush(c, r);
    return e;
}
