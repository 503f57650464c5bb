/* SPDX-License-Identifier: Apache-2.0 */
/* From AJP packets to exchanges. A body packet has no type, so whether a packet from the web
 * server is one depends on what the container is owed; where bytes were lost, on its looks. */
#include "talk.h"

#include "quirks.h"
#include "salvage.h"
#include "tally.h"

#include <stdlib.h>
#include <string.h>

const ajp_limits talk_limits = {.max_packet = AJP_PACKET_MAX,
                                .max_headers = UINT16_MAX,
                                .max_attrs = UINT16_MAX,
                                .lenient = AJP_ALLOW_UNKNOWN_ATTR | AJP_ALLOW_CONTROLS |
                                           AJP_ALLOW_TRAILING | AJP_ALLOW_ANY_BOOL |
                                           AJP_ALLOW_NULL_VALUE | AJP_ALLOW_NO_PAD |
                                           AJP_ALLOW_TEXT_KEY_SIZE | AJP_ALLOW_TERMINATOR};

static const ajp_limits strict_limits = {
    .max_packet = AJP_PACKET_MAX, .max_headers = UINT16_MAX, .max_attrs = UINT16_MAX};

static size_t get16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static char *copy(ajp_str s)
{
    if (!s.ptr)
        return NULL;
    char *to = xmalloc(s.len + 1);
    memcpy(to, s.ptr, s.len);
    to[s.len] = '\0';
    return to;
}

static void tell(struct talk *t, struct exchange *e, const struct packet *p, const ajp_message *m)
{
    if (t->watcher->message)
        t->watcher->message(t->watcher->user, e, p, m);
}

/* Decodes the packet as well as it goes; notes in the exchange what is wrong with it. */
static bool decode(struct exchange *e, const struct packet *p, bool data, ajp_message *m)
{
    ajp_frame f = {.payload = p->payload,
                   .len = (uint16_t)p->len,
                   .dir = p->from_client ? AJP_TO_CONTAINER : AJP_TO_SERVER};
    ajp_status st = ajp_decode(m, &f, data, &strict_limits);
    if (st == AJP_OK)
        return true;
    if (p->intact == p->len)
        exchange_problem(e, p->from_client, p->offset + AJP_HEADER_SIZE + m->fault, "%s",
                         ajp_strerror(st));
    if (p->intact == p->len && st == AJP_ERR_STRING && m->fault + 2u <= p->len &&
        get16(p->payload + m->fault) == 0xffff)
        quirk_note(e, 4);
    return p->intact == p->len && ajp_decode(m, &f, data, &talk_limits) == AJP_OK;
}

/* ---- opening and closing exchanges ---- */

static void finish(struct talk *t, struct exchange *e)
{
    struct exchange **at = &t->first;
    while (*at != e)
        at = &(*at)->next_in_connection;
    *at = e->next_in_connection;
    if (t->last == e) {
        t->last = t->first;
        while (t->last && t->last->next_in_connection)
            t->last = t->last->next_in_connection;
    }
    ledger_finish(t->watcher->ledger, e);
}

/* What is answered and owes nothing is final once something follows it. */
static void finish_answered(struct talk *t)
{
    while (t->first && t->first->complete)
        finish(t, t->first);
}

static struct exchange *begin(struct talk *t, const struct packet *p)
{
    struct exchange *e = ledger_begin(t->watcher->ledger, p->first_frame);
    e->connection = t->flow->number;
    e->client = t->flow->ends[t->client];
    e->server = t->flow->ends[!t->client];
    e->start_ns = p->first_ns;
    return e;
}

/* The exchange that the container is answering. */
static struct exchange *answering(const struct talk *t)
{
    struct exchange *e = t->first;
    while (e && e->complete)
        e = e->next_in_connection;
    return e;
}

static struct exchange *any(const struct talk *t)
{
    struct exchange *e = answering(t);
    return e ? e : t->last;
}

/* ---- from the web server ---- */

static void take_route(struct exchange *e, const ajp_request *r)
{
    ajp_session_ids ids;
    ajp_str id;
    ajp_session_ids_init(&ids, r, &(ajp_route_rule){0});
    while (!e->route && ajp_session_id_next(&ids, &id)) {
        ajp_str route = ajp_route_of(id);
        if (!e->session_hash && id.len > 0) /* the same with and without a route */
            e->session_hash = tally_hash(id.ptr, route.len > 0 ? id.len - route.len : id.len);
        if (route.len > 0)
            e->route = copy(route);
    }
}

static void take_rest(struct exchange *e, const struct packet *p)
{
    struct salvage s;
    salvage_request(p->payload, p->intact, &s);
    e->method = copy(s.method);
    e->protocol = copy(s.protocol);
    e->uri = copy(s.uri);
    e->query = copy(s.query);
    e->announced = s.content_length;
    e->owed = s.content_length > 0;
}

static void on_request(struct talk *t, const struct packet *p)
{
    ajp_message m;
    if (t->lossy) { /* no front end pipelines: what was not answered by now was lost */
        while (t->first)
            finish(t, t->first);
    }
    finish_answered(t);
    struct exchange *e = begin(t, p);
    e->index = t->requests++;
    *(t->last ? &t->last->next_in_connection : &t->first) = e;
    t->last = e;
    bool decoded = decode(e, p, false, &m) && m.kind == AJP_FORWARD_REQUEST;
    if (decoded) {
        const ajp_request *r = &m.u.request;
        e->method = copy(r->method);
        e->uri = copy(r->uri);
        e->protocol = copy(r->protocol);
        e->query = copy(ajp_request_attr(r, AJP_ATTR_QUERY_STRING));
        e->announced = r->content_length;
        e->owed = r->content_length > 0;
        take_route(e, r);
        quirks_of_request(e, r);
    } else {
        take_rest(e, p);
    }
    if (p->intact < p->len)
        exchange_problem(e, true, p->offset + AJP_HEADER_SIZE + p->intact,
                         "the request was not captured whole");
    if (t->watcher->keep_heads)
        text_put(&e->request_head, p->payload, p->len);
    tell(t, e, p, decoded ? &m : NULL);
}

/* Adds a packet's body to the request; what came too late to be read is none of it. */
static void add_body(struct talk *t, struct exchange *e, const struct packet *p)
{
    size_t holds = p->len >= 2 ? p->len - 2 : 0;
    size_t announced = p->intact >= 2 ? get16(p->payload) : holds;
    if (e->complete && holds > 0) {
        exchange_problem(e, true, p->offset, "%zu bytes of body after the end of the response",
                         holds);
    } else if (p->len >= 2 && announced == holds) {
        e->request.damaged |= p->intact < p->len;
        body_sum_add(&e->request, p->payload + 2, holds, &t->watcher->body);
    } else if (p->len >= 2) {
        exchange_problem(e, true, p->offset + AJP_HEADER_SIZE,
                         "body packet says %zu bytes and holds %zu", announced, holds);
        quirk_note(e, 1);
    } else if (p->len == 1) {
        exchange_problem(e, true, p->offset + AJP_HEADER_SIZE, "body packet of one byte");
        quirk_note(e, 1);
    }
}

static void on_data(struct talk *t, struct exchange *e, const struct packet *p)
{
    if (e->owed > 0)
        e->owed--;
    else if (p->len == 0 && e->announced <= 0)
        quirk_note(e, 2);
    add_body(t, e, p);
    ajp_message m = {.kind = AJP_DATA};
    m.u.body = (ajp_body){.data = p->payload + 2,
                          .len = p->len > 2 ? p->len - 2 : 0,
                          .packet = (uint16_t)(p->len > 2 ? p->len - 2 : 0),
                          .first = true,
                          .complete = true};
    tell(t, e, p, &m);
}

static void on_cping(struct talk *t, const struct packet *p)
{
    ajp_message m = {.kind = AJP_CPING};
    finish_answered(t);
    struct exchange *e = begin(t, p);
    e->kind = EXCHANGE_CPING;
    e->index = t->cpings++;
    *(t->last_cping ? &t->last_cping->next_in_connection : &t->first_cping) = e;
    t->last_cping = e;
    tell(t, e, p, &m);
}

static bool is_whole_request(const struct packet *p)
{
    ajp_frame f = {.payload = p->payload, .len = (uint16_t)p->len, .dir = AJP_TO_CONTAINER};
    ajp_message m;
    return p->intact == p->len && p->len > 2 && p->payload[0] == AJP_FORWARD_REQUEST &&
           ajp_decode(&m, &f, false, &talk_limits) == AJP_OK && m.kind == AJP_FORWARD_REQUEST;
}

static bool fits_as_data(const struct packet *p)
{
    return p->len == 0 || (p->intact >= 2 && get16(p->payload) + 2 == p->len);
}

/* Where turns may have been missed, looks must do. */
static bool looks_like_data(const struct talk *t, const struct packet *p)
{
    return (t->lossy || !t->flow->from_syn) && fits_as_data(p) && !is_whole_request(p);
}

/* The exchange that this packet is request body of, or NULL when it is a message. */
static struct exchange *owner_of_data(const struct talk *t, const struct packet *p)
{
    struct exchange *e = t->first;
    while (e && e->owed == 0)
        e = e->next_in_connection;
    if (e) /* a length word that does not fit: it was the next request after all */
        return fits_as_data(p) || !is_whole_request(p) ? e : NULL;
    if (p->len == 0)
        return any(t);
    return looks_like_data(t, p) ? answering(t) : NULL;
}

static void from_client(struct talk *t, const struct packet *p)
{
    struct exchange *e = owner_of_data(t, p);
    if (e) {
        on_data(t, e, p);
        return;
    }
    switch (p->intact > 0 ? p->payload[0] : 0) {
    case AJP_FORWARD_REQUEST:
        if (looks_like_data(t, p)) /* of a request that was not captured */
            return;
        on_request(t, p);
        return;
    case AJP_CPING:
        if (p->len == 1) {
            on_cping(t, p);
            return;
        }
        break;
    default: /* told below */
        break;
    }
    e = any(t);
    if (e && p->len > 0)
        exchange_problem(e, true, p->offset + AJP_HEADER_SIZE,
                         "packet of type %u is not a message for the container",
                         p->intact ? p->payload[0] : 0);
    if (e)
        tell(t, e, p, NULL);
}

/* ---- from the container ---- */

static void misplaced(struct exchange *e, const struct packet *p, unsigned type)
{
    exchange_problem(e, false, p->offset, "packet of type %u belongs to no request", type);
    quirk_note(e, 15);
}

static void on_headers(struct talk *t, const struct packet *p)
{
    struct exchange *e = answering(t);
    ajp_message m;
    if (e && e->status && t->lossy && e->next_in_connection) {
        finish(t, e);
        e = answering(t);
    }
    if (!e) {
        e = any(t);
        if (e)
            misplaced(e, p, AJP_SEND_HEADERS);
        if (e)
            tell(t, e, p, NULL);
        return;
    }
    if (e->status)
        exchange_problem(e, false, p->offset, "response headers again, after status %u", e->status);
    bool decoded = decode(e, p, false, &m) && m.kind == AJP_SEND_HEADERS;
    if (p->intact >= 3)
        e->status = (uint16_t)get16(p->payload + 1);
    if (decoded)
        quirks_of_response(e, &m.u.response);
    if (!e->first_ns)
        e->first_ns = p->first_ns;
    text_clear(&e->response_head);
    if (t->watcher->keep_heads)
        text_put(&e->response_head, p->payload, p->len);
    tell(t, e, p, decoded ? &m : NULL);
}

static void on_chunk(struct talk *t, struct exchange *e, const struct packet *p)
{
    size_t room = p->len >= 3 ? p->len - 3 : 0;
    size_t n = p->intact >= 3 ? get16(p->payload + 1) : room > 0 ? room - 1 : 0;
    if (n > room) {
        exchange_problem(e, false, p->offset + AJP_HEADER_SIZE + 1,
                         "body chunk says %zu bytes and holds %zu", n, room);
        n = room;
    } else if (room - n > 1) {
        exchange_problem(e, false, p->offset + AJP_HEADER_SIZE + 3 + n,
                         "%zu bytes behind the body chunk", room - n);
    } else if (room == n) {
        exchange_problem(e, false, p->offset + AJP_HEADER_SIZE + 3 + n, "body chunk has no pad");
    }
    if (room != n + 1)
        quirk_note(e, 9);
    if (!e->status && n > 0) {
        exchange_problem(e, false, p->offset, "body chunk before the response headers");
        quirk_note(e, 28);
    }
    e->response.damaged |= p->intact < 3 + n;
    body_sum_add(&e->response, p->payload + 3, n, &t->watcher->body);
    ajp_message m = {.kind = AJP_BODY_CHUNK};
    m.u.body = (ajp_body){
        .data = p->payload + 3, .len = n, .packet = (uint16_t)n, .first = true, .complete = true};
    tell(t, e, p, &m);
}

static void on_end(struct talk *t, struct exchange *e, const struct packet *p)
{
    ajp_message m = {.kind = AJP_END_RESPONSE};
    e->complete = true;
    e->reuse = p->intact >= 2 && p->payload[1] != 0;
    e->end_ns = p->last_ns;
    m.u.reuse = e->reuse;
    if (p->len != 2 || (p->intact == 2 && p->payload[1] > 1)) {
        exchange_problem(e, false, p->offset + AJP_HEADER_SIZE, "malformed end of response");
        quirk_note(e, 12);
    }
    if (!e->status && !t->lossy) {
        exchange_problem(e, false, p->offset, "end of response without headers");
        quirk_note(e, 28);
    }
    quirks_of_end(e);
    tell(t, e, p, &m);
}

static void on_get_body(struct talk *t, struct exchange *e, const struct packet *p)
{
    ajp_message m = {.kind = AJP_GET_BODY};
    m.u.wanted = (uint16_t)(p->intact >= 3 ? get16(p->payload + 1) : 0);
    e->owed++;
    if (m.u.wanted == 0 && p->intact >= 3)
        quirk_note(e, 11);
    tell(t, e, p, &m);
}

static void on_cpong(struct talk *t, const struct packet *p)
{
    struct exchange *e = t->first_cping;
    ajp_message m = {.kind = AJP_CPONG};
    if (!e) {
        e = any(t);
        if (e) {
            exchange_problem(e, false, p->offset, "a CPong that nobody asked for");
            quirk_note(e, 16);
        }
        return;
    }
    t->first_cping = e->next_in_connection;
    if (!t->first_cping)
        t->last_cping = NULL;
    e->complete = true;
    e->first_ns = p->first_ns;
    e->end_ns = p->last_ns;
    tell(t, e, p, &m);
    ledger_finish(t->watcher->ledger, e);
}

static void from_server(struct talk *t, const struct packet *p)
{
    uint8_t type = p->intact > 0 ? p->payload[0] : 0;
    struct exchange *e = answering(t);
    if (type == AJP_SEND_HEADERS) {
        on_headers(t, p);
        return;
    }
    if (type == AJP_CPONG) {
        on_cpong(t, p);
        return;
    }
    if (!e) {
        e = any(t);
        if (e)
            misplaced(e, p, type);
        return;
    }
    switch (type) {
    case AJP_BODY_CHUNK:
        on_chunk(t, e, p);
        return;
    case AJP_END_RESPONSE:
        on_end(t, e, p);
        return;
    case AJP_GET_BODY:
        on_get_body(t, e, p);
        return;
    default: /* nothing that a container sends */
        exchange_problem(e, false, p->offset + AJP_HEADER_SIZE, "packet of unknown type %u", type);
        quirk_note(e, 17);
        tell(t, e, p, NULL);
    }
}

void talk_packet(struct talk *t, const struct packet *p)
{
    if (p->from_client)
        from_client(t, p);
    else
        from_server(t, p);
}

void talk_lost(struct talk *t, bool from_client, uint64_t offset, uint64_t len)
{
    struct exchange *e = any(t);
    if (!e)
        return;
    exchange_problem(e, from_client, offset, "%llu bytes were not captured",
                     (unsigned long long)len);
    *(from_client ? &e->request.gaps : &e->response.gaps) = true;
}

void talk_noise(struct talk *t, bool from_client, uint64_t offset, size_t len)
{
    struct exchange *e = any(t);
    if (e)
        exchange_problem(e, from_client, offset, "%zu bytes that are no AJP packet", len);
}

struct talk *talk_new(const struct talk_watcher *w, const struct tcp_flow *flow)
{
    struct talk *t = xmalloc(sizeof *t);
    *t = (struct talk){.watcher = w, .flow = flow, .client = -1};
    t->half[0].damage = t->half[1].damage = SIZE_MAX;
    return t;
}

void talk_free(struct talk *t)
{
    while (t->first)
        finish(t, t->first);
    while (t->first_cping) {
        struct exchange *e = t->first_cping;
        t->first_cping = e->next_in_connection;
        ledger_finish(t->watcher->ledger, e);
    }
    text_free(&t->half[0].buf);
    text_free(&t->half[1].buf);
    free(t);
}
