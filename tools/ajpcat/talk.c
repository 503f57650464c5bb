/* SPDX-License-Identifier: Apache-2.0 */
/* From AJP packets to exchanges: those that are open, and what belongs to none. */
#include "talk_turns.h"

#include "ending.h"
#include "quirks.h"
#include "speech.h"

#include <inttypes.h>
#include <stdio.h>
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

bool talk_doubts(const struct talk *t)
{
    return t->doubt || !t->flow->half[0].seen || !t->flow->half[1].seen;
}

void talk_quirk(const struct talk *t, struct exchange *e, unsigned number, uint64_t frame)
{
    if (!talk_doubts(t))
        quirk_note(e, number, frame);
}

static size_t get16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

struct place talk_place(const struct packet *p, size_t at)
{
    return (struct place){
        .from_client = p->from_client, .offset = p->offset + at, .frame = p->first_frame};
}

void talk_tell(struct talk *t, struct exchange *e, const struct packet *p, const ajp_message *m)
{
    if (t->watcher->message)
        t->watcher->message(t->watcher->user, e, p, m);
}

/* What a decoding that failed tells about the peer. */
static void note_fault(struct exchange *e, const struct packet *p, ajp_status st, size_t fault)
{
    exchange_problem(e, talk_place(p, AJP_HEADER_SIZE + fault), "%s", ajp_strerror(st));
    if (st == AJP_ERR_STRING && fault + 2 <= p->len && get16(p->payload + fault) == 0xffff)
        quirk_note(e, 4, p->first_frame);
    if (st == AJP_ERR_ATTR && fault < p->len && p->payload[fault] >= AJP_ATTR_COUNT)
        quirk_note(e, 24, p->first_frame);
    if (st == AJP_ERR_STATUS)
        quirk_note(e, 13, p->first_frame);
    if (!p->from_client &&
        (st == AJP_ERR_HEADER || st == AJP_ERR_TRUNCATED || st == AJP_ERR_TRAILING))
        quirk_note(e, 18, p->first_frame);
}

static ajp_frame frame_of(const struct packet *p)
{
    return (ajp_frame){.payload = p->payload,
                       .len = (uint16_t)p->len,
                       .dir = p->from_client ? AJP_TO_CONTAINER : AJP_TO_SERVER};
}

bool talk_decode(struct exchange *e, const struct packet *p, bool data, ajp_message *m)
{
    const ajp_frame f = frame_of(p);
    ajp_status st = ajp_decode(m, &f, data, &strict_limits);
    if (st == AJP_OK)
        return true;
    if (p->intact < p->len)
        return false;
    note_fault(e, p, st, m->fault);
    return ajp_decode(m, &f, data, &talk_limits) == AJP_OK;
}

/* ---- opening and closing exchanges ---- */

void talk_finish(struct talk *t, struct exchange *e)
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

void talk_finish_cping(struct talk *t)
{
    struct exchange *e = t->first_cping;
    t->first_cping = e->next_in_connection;
    if (!t->first_cping)
        t->last_cping = NULL;
    ledger_finish(t->watcher->ledger, e);
}

void talk_finish_answered(struct talk *t)
{
    while (t->first && t->first->complete)
        talk_finish(t, t->first);
}

struct exchange *talk_begin(struct talk *t, const struct packet *p)
{
    struct exchange *e = ledger_begin(t->watcher->ledger, p->first_frame);
    e->connection = t->flow->number;
    e->client = t->flow->ends[t->client];
    e->server = t->flow->ends[!t->client];
    e->start_ns = p->first_ns;
    if (t->proxied)
        exchange_problem(e, (struct place){.from_client = true, .frame = p->first_frame},
                         "a PROXY line in front of the first packet");
    if (t->proxied)
        e->speech = "a PROXY line";
    t->proxied = false;
    return e;
}

void talk_append(struct talk *t, struct exchange *e)
{
    *(t->last ? &t->last->next_in_connection : &t->first) = e;
    t->last = e;
}

struct exchange *talk_answering(const struct talk *t)
{
    struct exchange *e = t->first;
    while (e && e->complete)
        e = e->next_in_connection;
    return e;
}

struct exchange *talk_any(const struct talk *t)
{
    struct exchange *e = talk_answering(t);
    return e ? e : t->last;
}

/* ---- what belongs to no exchange ---- */

/* NULL: it may belong to what was missed. */
static struct exchange *begin_stray(struct talk *t, const struct packet *p, unsigned quirk,
                                    const char *why)
{
    if (!t->flow->from_syn || t->lossy)
        return NULL;
    struct exchange *e = talk_begin(t, p);
    e->kind = EXCHANGE_STRAY;
    exchange_problem(e, talk_place(p, 0), "%s", why);
    if (quirk)
        quirk_note(e, quirk, p->first_frame);
    return e;
}

void talk_stray(struct talk *t, const struct packet *p, unsigned quirk, const char *why)
{
    ajp_message m;
    const ajp_frame f = frame_of(p);
    struct exchange *e = begin_stray(t, p, quirk, why);
    if (!e)
        return;
    if (p->payload)
        talk_tell(t, e, p, ajp_decode(&m, &f, false, &talk_limits) == AJP_OK ? &m : NULL);
    ledger_finish(t->watcher->ledger, e);
}

void talk_packet(struct talk *t, const struct packet *p)
{
    if (p->from_client)
        talk_from_client(t, p);
    else
        talk_from_server(t, p);
}

void talk_lost(struct talk *t, const struct packet *at, uint64_t len)
{
    struct exchange *e = talk_any(t);
    if (!e)
        return;
    exchange_problem(e, talk_place(at, 0), "%" PRIu64 " bytes were not captured", len);
    *(at->from_client ? &e->request.gaps : &e->response.gaps) = true;
}

void talk_noise(struct talk *t, const struct packet *at, const uint8_t *p, size_t len,
                bool other_magic)
{
    struct exchange *e = talk_any(t);
    unsigned quirk = other_magic ? 10 : 0;
    const char *speech = speech_of(p, len);
    char why[64];
    if (!e && !at->from_client)
        e = t->first_cping;
    if (speech)
        snprintf(why, sizeof why, "%s in place of an AJP packet", speech);
    else
        snprintf(why, sizeof why, "%zu bytes that are no AJP packet", len);
    if (!e) {
        talk_stray(t, at, quirk, why);
        return;
    }
    if (speech || !talk_doubts(t))
        exchange_problem(e, talk_place(at, 0), "%s", why);
    e->speech = e->speech ? e->speech : speech;
    if (quirk)
        talk_quirk(t, e, quirk, at->first_frame);
}

/* The stream ended within a packet, and no exchange shows that something is missing. */
static void tell_rest(struct talk *t, int side)
{
    const struct talk_half *h = &t->half[side];
    char why[64];
    if (h->buf.len < AJP_HEADER_SIZE || h->state != HALF_SYNCED || t->first)
        return;
    snprintf(why, sizeof why, "%zu bytes of a packet that says %zu", h->buf.len - AJP_HEADER_SIZE,
             get16((const uint8_t *)h->buf.at + 2));
    struct packet p = {.from_client = side == t->client,
                       .offset = h->offset,
                       .first_frame = h->first_frame,
                       .first_ns = h->first_ns};
    struct exchange *e = begin_stray(t, &p, 0, why);
    if (!e)
        return;
    p.payload = (const uint8_t *)h->buf.at + AJP_HEADER_SIZE;
    p.len = p.intact = h->buf.len - AJP_HEADER_SIZE;
    if (p.from_client && p.len > 0 && p.payload[0] == AJP_FORWARD_REQUEST)
        talk_salvage(e, &p);
    ledger_finish(t->watcher->ledger, e);
}

/* The PROXY head may be all that came. */
static void finish_stranger(struct talk *t, uint64_t now_ns)
{
    if (t->proxied && !t->stranger)
        t->stranger = stranger_begin(
            t->watcher->ledger, t->watcher->known, t->flow, "a PROXY line",
            &(struct segment){.frame = t->flow->first_frame, .time_ns = t->flow->first_ns});
    if (!t->stranger && t->client < 0 && t->half[0].state != HALF_IGNORED &&
        t->half[1].state != HALF_IGNORED)
        stranger_count(t->watcher->known, t->flow);
    if (!t->stranger)
        return;
    ending_note(t->stranger, t->flow, stranger_client(t->flow), now_ns);
    ledger_finish(t->watcher->ledger, t->stranger);
}

/* What is not in the capture nobody waited for. */
static void note_unheard(const struct talk *t, struct exchange *e)
{
    bool is_capture = t->watcher->now_ns && *t->watcher->now_ns; /* hex text may be one packet */
    if (!t->flow->half[!t->client].seen && is_capture && !e->complete)
        exchange_problem(e, (struct place){.frame = e->frame},
                         "nothing that the server sent was captured");
}

void talk_finish_unheard(struct talk *t, struct exchange *e)
{
    note_unheard(t, e);
    talk_finish(t, e);
}

static void end_open(const struct talk *t, struct exchange *e, uint64_t now_ns)
{
    note_unheard(t, e);
    if (t->flow->half[!t->client].seen)
        ending_note(e, t->flow, t->client, now_ns);
}

struct talk *talk_new(const struct talk_watcher *w, const struct tcp_flow *flow)
{
    struct talk *t = xmalloc(sizeof *t);
    *t = (struct talk){.watcher = w, .flow = flow, .client = -1, .doubt = !flow->from_syn};
    t->half[0].damage = t->half[1].damage = SIZE_MAX;
    return t;
}

void talk_free(struct talk *t)
{
    const uint64_t *now = t->watcher->now_ns;
    tell_rest(t, 0);
    tell_rest(t, 1);
    finish_stranger(t, now ? *now : 0);
    while (t->first) {
        end_open(t, t->first, now ? *now : 0);
        talk_finish(t, t->first);
    }
    while (t->first_cping) {
        end_open(t, t->first_cping, now ? *now : 0);
        talk_finish_cping(t);
    }
    text_free(&t->half[0].buf);
    text_free(&t->half[1].buf);
    free(t);
}
