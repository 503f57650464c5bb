/* SPDX-License-Identifier: Apache-2.0 */
/* What the web server sends. A body packet has no type, so whether a packet is one depends on what
 * the container is owed; where bytes were lost, on its looks. */
#include "talk_turns.h"

#include "quirks.h"
#include "salvage.h"
#include "tally.h"

#include <stdio.h>
#include <string.h>

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

static void take_route(struct exchange *e, const ajp_request *r, uint64_t frame)
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
    if (e->route && strchr(e->route, '.'))
        quirk_note(e, 27, frame);
}

void talk_salvage(struct exchange *e, const struct packet *p)
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

static bool is_in_step(const struct talk *t)
{
    return t->half[0].state != HALF_SEEKING && t->half[1].state != HALF_SEEKING &&
           t->flow->half[!t->client].seen;
}

/* Of a server that is not in the capture so far: its answers will not come any more. */
static bool is_long(const struct exchange *e)
{
    enum { MANY = 8 };
    int n = 0;
    while (e && n < MANY) {
        e = e->next_in_connection;
        n++;
    }
    return n == MANY;
}

/* The web server sends something new. No front end pipelines: what was not answered by now was
 * lost, if anything was. */
static void begin_turn(struct talk *t)
{
    bool unheard = !t->flow->half[!t->client].seen;
    while (t->first && (t->first->torn || (unheard && is_long(t->first))))
        talk_finish_unheard(t, t->first);
    while (t->first_cping && (t->first_cping->torn || (unheard && is_long(t->first_cping))))
        talk_finish_cping(t);
    talk_finish_answered(t);
}

static void on_request(struct talk *t, const struct packet *p)
{
    ajp_message m;
    begin_turn(t);
    struct exchange *e = talk_begin(t, p);
    e->index = t->requests++;
    talk_append(t, e);
    bool decoded = talk_decode(e, p, false, &m) && m.kind == AJP_FORWARD_REQUEST;
    if (decoded) {
        const ajp_request *r = &m.u.request;
        e->method = copy(r->method);
        e->uri = copy(r->uri);
        e->protocol = copy(r->protocol);
        e->query = copy(ajp_request_attr(r, AJP_ATTR_QUERY_STRING));
        e->announced = r->content_length;
        e->owed = r->content_length > 0;
        take_route(e, r, p->first_frame);
        quirks_of_request(e, r, p->first_frame);
        t->doubt &= !is_in_step(t);
    } else {
        talk_salvage(e, p);
    }
    if (p->intact < p->len)
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE + p->intact),
                         "the request was not captured whole");
    if (t->watcher->keep_heads)
        text_put(&e->request_head, p->payload, p->len);
    talk_tell(t, e, p, decoded ? &m : NULL);
}

/* Adds a packet's body to the request; what came too late to be read is none of it. */
static void add_body(struct talk *t, struct exchange *e, const struct packet *p)
{
    size_t holds = p->len >= 2 ? p->len - 2 : 0;
    size_t announced = p->intact >= 2 ? get16(p->payload) : holds;
    if (e->complete && holds > 0) {
        if (!talk_doubts(t))
            exchange_problem(e, talk_place(p, 0), "%zu bytes of body after the end of the response",
                             holds);
    } else if (p->len >= 2 && announced == holds) {
        e->request.damaged |= p->intact < p->len;
        body_sum_add(&e->request, p->payload + 2, holds, &t->watcher->body);
    } else if (p->len >= 2) {
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE),
                         "body packet says %zu bytes and holds %zu", announced, holds);
        talk_quirk(t, e, 1, p->first_frame);
    } else if (p->len == 1) {
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE), "body packet of one byte");
        talk_quirk(t, e, 1, p->first_frame);
    }
}

static void note_quirks_of_data(const struct talk *t, struct exchange *e, const struct packet *p)
{
    if (p->len == 0)
        talk_quirk(t, e, e->owed == 0 && e->announced <= 0 ? 2 : 5, p->first_frame);
    if (e->wanted > 0 && p->len > e->wanted + 2u)
        talk_quirk(t, e, 30, p->first_frame);
    if (p->len > 2 && e->announced < 0 && !e->chunked)
        talk_quirk(t, e, 20, p->first_frame);
}

static void on_data(struct talk *t, struct exchange *e, const struct packet *p)
{
    note_quirks_of_data(t, e, p);
    if (e->owed > 0)
        e->owed--;
    add_body(t, e, p);
    ajp_message m = {.kind = AJP_DATA};
    m.u.body = (ajp_body){.data = p->payload + 2,
                          .len = p->len > 2 ? p->len - 2 : 0,
                          .packet = (uint16_t)(p->len > 2 ? p->len - 2 : 0),
                          .first = true,
                          .complete = true};
    talk_tell(t, e, p, &m);
}

static void on_cping(struct talk *t, const struct packet *p)
{
    ajp_message m = {.kind = AJP_CPING};
    begin_turn(t);
    struct exchange *e = talk_begin(t, p);
    e->kind = EXCHANGE_CPING;
    e->index = t->cpings++;
    *(t->last_cping ? &t->last_cping->next_in_connection : &t->first_cping) = e;
    t->last_cping = e;
    talk_tell(t, e, p, &m);
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
    return (t->lossy || !t->flow->from_syn || talk_doubts(t)) && fits_as_data(p) &&
           !is_whole_request(p);
}

/* Nobody owes body to an answer that has ended: what was asked for and did not come will not. Amid
 * a request it may be one byte of body from lighttpd, which leaves out the length. */
static bool is_cping(const struct talk *t, const struct exchange *e, const struct packet *p)
{
    return p->len == 1 && p->intact == 1 && p->payload[0] == AJP_CPING &&
           (e->complete || talk_doubts(t));
}

/* The exchange that this packet is request body of, or NULL when it is a message. */
static struct exchange *owner_of_data(const struct talk *t, const struct packet *p)
{
    struct exchange *e = t->flow->half[!t->client].seen ? t->first : t->last;
    while (e && e->owed == 0)
        e = e->next_in_connection;
    if (e && is_cping(t, e, p))
        return NULL;
    if (e) /* a length word that does not fit: it was the next request after all */
        return fits_as_data(p) || !is_whole_request(p) ? e : NULL;
    if (p->len == 0)
        return talk_any(t);
    if (!looks_like_data(t, p))
        return NULL;
    return t->flow->half[!t->client].seen ? talk_answering(t) : t->last;
}

static void misplaced(struct talk *t, const struct packet *p)
{
    struct exchange *e = talk_any(t);
    char why[64];
    snprintf(why, sizeof why, "packet of type %u is not a message for the container",
             p->intact ? p->payload[0] : 0);
    if (!e) {
        talk_stray(t, p, 0, p->len > 0 ? why : "empty packet outside of a request");
        return;
    }
    if (p->len > 0 && !talk_doubts(t))
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE), "%s", why);
    talk_tell(t, e, p, NULL);
}

void talk_from_client(struct talk *t, const struct packet *p)
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
    misplaced(t, p);
}
