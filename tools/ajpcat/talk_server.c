/* SPDX-License-Identifier: Apache-2.0 */
/* What the container sends. */
#include "talk_turns.h"

#include "quirks.h"

#include <stdio.h>

static size_t get16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

/* No request awaits this packet. */
static void misplaced(struct talk *t, const struct packet *p)
{
    struct exchange *e = talk_any(t);
    unsigned quirk = t->first_cping ? 14 : t->requests > 0 ? 15 : 0;
    char why[64];
    snprintf(why, sizeof why, "packet of type %d belongs to no request",
             p->intact ? p->payload[0] : 0);
    if (!e) {
        talk_stray(t, p, quirk, why);
        return;
    }
    if (t->doubt) /* of an answer whose beginning is missing */
        return;
    exchange_problem(e, talk_place(p, 0), "%s", why);
    if (quirk)
        quirk_note(e, quirk, p->first_frame);
    talk_tell(t, e, p, NULL);
}

/* An answer whose request was not captured. */
static struct exchange *begin_answer(struct talk *t, const struct packet *p)
{
    talk_finish_answered(t);
    struct exchange *e = talk_begin(t, p);
    e->kind = EXCHANGE_ANSWER;
    e->index = t->answers++;
    talk_append(t, e);
    exchange_problem(e, talk_place(p, 0), "the request of this answer was not captured");
    return e;
}

static void on_headers(struct talk *t, const struct packet *p)
{
    struct exchange *e = talk_answering(t);
    ajp_message m;
    if (e && e->status && t->lossy && e->next_in_connection) {
        talk_finish(t, e);
        e = talk_answering(t);
    }
    if (e && e->status && e->kind == EXCHANGE_ANSWER) { /* its end was missed */
        talk_finish(t, e);
        e = NULL;
    }
    if (!e && talk_doubts(t))
        e = begin_answer(t, p);
    if (!e) {
        misplaced(t, p);
        return;
    }
    if (e->status && !talk_doubts(t))
        exchange_problem(e, talk_place(p, 0), "response headers again, after status %u", e->status);
    bool decoded = talk_decode(e, p, false, &m) && m.kind == AJP_SEND_HEADERS;
    if (p->intact >= 3)
        e->status = (uint16_t)get16(p->payload + 1);
    if (decoded)
        quirks_of_response(e, &m.u.response, p->first_frame);
    if (!e->first_ns && e->kind == EXCHANGE_REQUEST)
        e->first_ns = p->first_ns;
    text_clear(&e->response_head);
    if (t->watcher->keep_heads)
        text_put(&e->response_head, p->payload, p->len);
    talk_tell(t, e, p, decoded ? &m : NULL);
}

static void on_chunk(struct talk *t, struct exchange *e, const struct packet *p)
{
    size_t room = p->len >= 3 ? p->len - 3 : 0;
    size_t n = p->intact >= 3 ? get16(p->payload + 1) : room > 0 ? room - 1 : 0;
    if (n > room) {
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE + 1),
                         "body chunk says %zu bytes and holds %zu", n, room);
        n = room;
    } else if (room - n > 1) {
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE + 3 + n),
                         "%zu bytes behind the body chunk", room - n);
    } else if (room == n) {
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE + 3 + n), "body chunk has no pad");
    }
    if (room != n + 1)
        talk_quirk(t, e, 9, p->first_frame);
    if (!e->status && n > 0 && !talk_doubts(t)) {
        exchange_problem(e, talk_place(p, 0), "body chunk before the response headers");
        quirk_note(e, 28, p->first_frame);
    }
    e->response.damaged |= p->intact < 3 + n;
    body_sum_add(&e->response, p->payload + 3, n, &t->watcher->body);
    ajp_message m = {.kind = AJP_BODY_CHUNK};
    m.u.body = (ajp_body){
        .data = p->payload + 3, .len = n, .packet = (uint16_t)n, .first = true, .complete = true};
    talk_tell(t, e, p, &m);
}

static void on_end(struct talk *t, struct exchange *e, const struct packet *p)
{
    ajp_message m = {.kind = AJP_END_RESPONSE};
    e->complete = true;
    e->reuse = p->intact >= 2 && p->payload[1] != 0;
    if (e->kind == EXCHANGE_REQUEST)
        e->end_ns = p->last_ns;
    m.u.reuse = e->reuse;
    if (p->len != 2 || (p->intact == 2 && p->payload[1] > 1)) {
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE), "malformed end of response");
        talk_quirk(t, e, 12, p->first_frame);
    }
    if (!e->status && !t->lossy && !talk_doubts(t)) {
        exchange_problem(e, talk_place(p, 0), "end of response without headers");
        quirk_note(e, 28, p->first_frame);
    }
    e->response.gaps |= talk_doubts(t);
    quirks_of_end(e, p->first_frame);
    talk_tell(t, e, p, &m);
}

static void on_get_body(struct talk *t, struct exchange *e, const struct packet *p)
{
    ajp_message m = {.kind = AJP_GET_BODY};
    m.u.wanted = (uint16_t)(p->intact >= 3 ? get16(p->payload + 1) : 0);
    e->owed++;
    e->wanted = m.u.wanted;
    if (e->status)
        talk_quirk(t, e, 6, p->first_frame);
    if (m.u.wanted == 0 && p->intact >= 3)
        talk_quirk(t, e, 11, p->first_frame);
    if (m.u.wanted == AJP_PACKET_DEFAULT - AJP_DATA_HEAD && t->large)
        talk_quirk(t, e, 21, p->first_frame);
    talk_tell(t, e, p, &m);
}

/* Of a capture of this direction only. */
static void lone_cpong(struct talk *t, const struct packet *p)
{
    ajp_message m = {.kind = AJP_CPONG};
    struct exchange *e = talk_begin(t, p);
    e->kind = EXCHANGE_CPING;
    e->index = t->cpings++;
    e->complete = true;
    exchange_problem(e, talk_place(p, 0), "the CPing of this CPong was not captured");
    talk_tell(t, e, p, &m);
    ledger_finish(t->watcher->ledger, e);
}

static void unasked_cpong(struct talk *t, const struct packet *p)
{
    static const char why[] = "a CPong that nobody asked for";
    struct exchange *e = talk_any(t);
    if (talk_doubts(t)) {
        if (!t->flow->half[t->client].seen)
            lone_cpong(t, p);
        return;
    }
    if (!e) {
        talk_stray(t, p, 16, why);
        return;
    }
    exchange_problem(e, talk_place(p, 0), "%s", why);
    quirk_note(e, 16, p->first_frame);
}

static void on_cpong(struct talk *t, const struct packet *p)
{
    struct exchange *e = t->first_cping;
    ajp_message m = {.kind = AJP_CPONG};
    if (!e) {
        unasked_cpong(t, p);
        return;
    }
    e->complete = true;
    e->first_ns = p->first_ns;
    e->end_ns = p->last_ns;
    talk_tell(t, e, p, &m);
    talk_finish_cping(t);
}

void talk_from_server(struct talk *t, const struct packet *p)
{
    uint8_t type = p->intact > 0 ? p->payload[0] : 0;
    struct exchange *e = talk_answering(t);
    t->large |= p->len > AJP_PACKET_DEFAULT - AJP_HEADER_SIZE;
    if (type == AJP_SEND_HEADERS) {
        on_headers(t, p);
        return;
    }
    if (type == AJP_CPONG) {
        on_cpong(t, p);
        return;
    }
    if (!e) {
        misplaced(t, p);
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
        exchange_problem(e, talk_place(p, AJP_HEADER_SIZE), "packet of unknown type %u", type);
        talk_quirk(t, e, 17, p->first_frame);
        talk_tell(t, e, p, NULL);
    }
}
