/* SPDX-License-Identifier: Apache-2.0 */
/* Reassembly. A segment is delivered when all bytes before it are, in its own direction (seq) and
 * in the other (ack): so the two directions stay in their causal order. One that must wait is
 * held; when the bytes it waits for were acknowledged but do not come, they are declared lost. */
#include "tcp.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 1 << 14,
    MAX_FLOWS = 1 << 16,
    CLOSED_KEPT = 1 << 11, /* for packets that come late */
    PATIENCE = 32,         /* packets that reordering in a capture may span */
    HELD_COUNT_MAX = 2048, /* a real loss: its retransmission may take a while */
    HELD_BYTES_MAX = 4 << 20,
};

struct held {
    struct held *next;
    struct segment s;
    int side;
    uint8_t bytes[];
};

struct tcp_table {
    struct tcp_sink sink;
    uint64_t flows_seen;
    size_t flows;
    struct tcp_flow *oldest, *newest; /* by last packet */
    struct tcp_flow *holding;
    struct tcp_flow *first_reset, *last_reset;
    struct tcp_flow *bucket[BUCKETS];
};

static int32_t distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

static bool is_ready(const struct tcp_flow *f, int side, const struct segment *s)
{
    const struct tcp_half *own = &f->half[side], *other = &f->half[!side];
    if (distance(own->next, s->seq) > 0)
        return false;
    /* A difference of one is the FIN's number. */
    return !(s->flags & TCP_ACK) || !other->known || distance(other->next, s->ack) <= 1;
}

static void lose(struct tcp_table *t, struct tcp_flow *f, int side, uint32_t n,
                 const struct segment *at)
{
    f->half[side].next += n;
    f->half[side].offset += n;
    t->sink.gap(t->sink.user, f, side, n, at);
}

static void deliver(struct tcp_table *t, struct tcp_flow *f, int side, const struct segment *s)
{
    struct tcp_half *own = &f->half[side];
    size_t old = (size_t)(uint32_t)(own->next - s->seq);
    size_t all = s->len + s->missing;
    if (own->fin)
        return;
    if (old < s->len) {
        size_t n = s->len - old;
        own->next += (uint32_t)n;
        own->offset += n;
        t->sink.data(t->sink.user, f, side, s->data + old, n, s);
        old = s->len;
    }
    if (old < all)
        lose(t, f, side, (uint32_t)(all - old), s);
    if ((s->flags & TCP_FIN) && own->next == s->seq + (uint32_t)all) {
        own->next++;
        own->fin = true;
    }
}

/* Delivers every held segment that is ready now, in order of arrival. */
static void deliver_held(struct tcp_table *t, struct tcp_flow *f)
{
    bool progress = true;
    while (progress) {
        progress = false;
        for (struct held **at = &f->held; *at;) {
            struct held *h = *at;
            if (!is_ready(f, h->side, &h->s)) {
                at = &h->next;
                continue;
            }
            *at = h->next;
            if (!h->next)
                f->held_end = at;
            f->held_bytes -= h->s.len;
            f->held_count--;
            deliver(t, f, h->side, &h->s);
            free(h);
            progress = true;
        }
    }
    if (!f->held)
        f->held_for = 0;
}

/* The bytes that the first held segment waits for will not come. */
static void give_up(struct tcp_table *t, struct tcp_flow *f)
{
    const struct held *first = f->held;
    int side = first->side;
    uint32_t until = first->s.seq;
    if (distance(f->half[side].next, until) <= 0) {
        side = !side;
        until = first->s.ack;
    }
    for (const struct held *h = f->held; h; h = h->next) {
        if (h->side == side && distance(f->half[side].next, h->s.seq) > 0 &&
            distance(h->s.seq, until) > 0)
            until = h->s.seq;
    }
    lose(t, f, side, until - f->half[side].next, &first->s);
    deliver_held(t, f);
}

static bool was_acknowledged(const struct tcp_flow *f)
{
    for (int side = 0; side < 2; side++) {
        const struct tcp_half *h = &f->half[side];
        if (h->ack_known && h->known && distance(h->next, h->acked) > 1)
            return true;
    }
    return false;
}

static void hold(struct tcp_flow *f, int side, const struct segment *s)
{
    struct held *h = xmalloc(sizeof *h + s->len);
    h->next = NULL;
    h->s = *s;
    h->side = side;
    if (s->len > 0)
        memcpy(h->bytes, s->data, s->len);
    h->s.data = h->bytes;
    *f->held_end = h;
    f->held_end = &h->next;
    f->held_bytes += s->len;
    f->held_count++;
}

static void close_flow(struct tcp_table *t, struct tcp_flow *f)
{
    if (f->closed)
        return;
    while (f->held)
        give_up(t, f);
    f->closed = true;
    t->sink.closed(t->sink.user, f);
}

/* Keeps the list of flows that hold segments. */
static void list_holding(struct tcp_table *t, struct tcp_flow *f)
{
    if (f->holding == (f->held != NULL))
        return;
    f->holding = !f->holding;
    if (f->holding) {
        f->prev_holding = NULL;
        f->next_holding = t->holding;
        if (t->holding)
            t->holding->prev_holding = f;
        t->holding = f;
        return;
    }
    *(f->prev_holding ? &f->prev_holding->next_holding : &t->holding) = f->next_holding;
    if (f->next_holding)
        f->next_holding->prev_holding = f->prev_holding;
}

/* ---- resets ---- */

/* A packet that was sent before the reset may stand behind it in the capture. */
static void note_reset(struct tcp_table *t, struct tcp_flow *f, uint64_t frame)
{
    if (f->reset_frame)
        return;
    f->reset_frame = frame;
    *(t->last_reset ? &t->last_reset->next_reset : &t->first_reset) = f;
    t->last_reset = f;
}

static void close_reset(struct tcp_table *t, uint64_t until)
{
    while (t->first_reset && t->first_reset->reset_frame <= until) {
        struct tcp_flow *f = t->first_reset;
        t->first_reset = f->next_reset;
        if (!t->first_reset)
            t->last_reset = NULL;
        f->next_reset = NULL;
        close_flow(t, f);
        list_holding(t, f);
    }
}

static void unlist_reset(struct tcp_table *t, const struct tcp_flow *f)
{
    struct tcp_flow **at = &t->first_reset, *before = NULL;
    while (*at && *at != f) {
        before = *at;
        at = &before->next_reset;
    }
    if (!*at)
        return;
    *at = f->next_reset;
    if (t->last_reset == f)
        t->last_reset = before;
}

/* ---- the table ---- */

static uint64_t hash_peer(const struct peer *p)
{
    uint64_t half[2];
    memcpy(half, p->address, sizeof half);
    uint64_t h = (half[0] ^ p->port) * 0x9e3779b97f4a7c15u;
    return (h ^ h >> 32 ^ half[1]) * 0xff51afd7ed558ccdu;
}

/* The same for both directions. */
static struct tcp_flow **bucket_of(struct tcp_table *t, const struct peer *a, const struct peer *b)
{
    uint64_t h = hash_peer(a) + hash_peer(b);
    return &t->bucket[(h ^ h >> 32) % BUCKETS];
}

static bool is_between(const struct tcp_flow *f, const struct segment *s, int *side)
{
    for (int i = 0; i < 2; i++) {
        if (peer_equal(&f->ends[i], &s->from) && peer_equal(&f->ends[!i], &s->to)) {
            *side = i;
            return true;
        }
    }
    return false;
}

/* Packets of one flow come in runs: the one of the last packet is tried first. */
static struct tcp_flow *find(struct tcp_table *t, const struct segment *s, int *side)
{
    if (t->newest && is_between(t->newest, s, side))
        return t->newest;
    struct tcp_flow *f = *bucket_of(t, &s->from, &s->to);
    while (f && !is_between(f, s, side))
        f = f->chain;
    return f;
}

static void unlink_flow(struct tcp_table *t, struct tcp_flow *f)
{
    *(f->older ? &f->older->newer : &t->oldest) = f->newer;
    *(f->newer ? &f->newer->older : &t->newest) = f->older;
}

static void link_newest(struct tcp_table *t, struct tcp_flow *f)
{
    f->older = t->newest;
    f->newer = NULL;
    *(t->newest ? &t->newest->newer : &t->oldest) = f;
    t->newest = f;
}

static void remove_flow(struct tcp_table *t, struct tcp_flow *f)
{
    struct tcp_flow **at = bucket_of(t, &f->ends[0], &f->ends[1]);
    f->forgotten = true;
    close_flow(t, f);
    list_holding(t, f);
    unlist_reset(t, f);
    while (*at != f)
        at = &(*at)->chain;
    *at = f->chain;
    unlink_flow(t, f);
    t->flows--;
    free(f);
}

static struct tcp_flow *add_flow(struct tcp_table *t, const struct segment *s)
{
    if (t->flows >= MAX_FLOWS || (t->flows >= CLOSED_KEPT && t->oldest->closed))
        remove_flow(t, t->oldest);
    struct tcp_flow *f = xmalloc(sizeof *f);
    struct tcp_flow **bucket = bucket_of(t, &s->from, &s->to);
    *f = (struct tcp_flow){.ends = {s->from, s->to},
                           .number = t->flows_seen++,
                           .first_seq = s->seq,
                           .first_frame = s->frame,
                           .first_ns = s->time_ns,
                           .chain = *bucket};
    f->held_end = &f->held;
    *bucket = f;
    link_newest(t, f);
    t->flows++;
    return f;
}

/* Learns sequence numbers from a first SYN, a first segment or a first acknowledgement. */
static void learn(struct tcp_flow *f, int side, const struct segment *s)
{
    struct tcp_half *own = &f->half[side], *other = &f->half[!side];
    if (!own->known) {
        own->known = true;
        own->next = s->seq;
    }
    own->seen = true;
    if (!(s->flags & TCP_ACK))
        return;
    if (!other->known || (!other->seen && distance(other->next, s->ack) > 0)) {
        other->known = true;
        other->next = s->ack;
    }
    if (!other->ack_known || distance(other->acked, s->ack) > 0) {
        other->ack_known = true;
        other->acked = s->ack;
    }
}

/* A SYN may also come again, or behind what was sent after it. */
static bool is_new_connection(const struct tcp_flow *f, int side, const struct segment *s)
{
    const struct tcp_half *own = &f->half[side];
    if (!(s->flags & TCP_SYN) || (s->flags & TCP_ACK))
        return false;
    uint32_t first = own->next - (uint32_t)own->offset - own->fin;
    return !(own->known && first == s->seq + 1) && !(f->from_syn && f->first_seq == s->seq);
}

static void note_ending(struct tcp_flow *f, int side, const struct segment *s)
{
    f->accepted |= side == 1 && !(s->flags & TCP_RST);
    if (!(s->flags & (TCP_SYN | TCP_FIN | TCP_RST))) /* nearly all */
        return;
    f->syns += side == 0 && (s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
    if (f->ending.how != TCP_OPEN || !(s->flags & (TCP_FIN | TCP_RST)))
        return;
    f->ending = (struct tcp_ending){.how = s->flags & TCP_RST ? TCP_RESET : TCP_CLOSED,
                                    .side = side,
                                    .frame = s->frame,
                                    .time_ns = s->time_ns};
}

uint64_t tcp_table_oldest_held(const struct tcp_table *t)
{
    uint64_t oldest = UINT64_MAX;
    for (const struct tcp_flow *f = t->holding; f; f = f->next_holding)
        oldest = f->held->s.frame < oldest ? f->held->s.frame : oldest;
    for (const struct tcp_flow *f = t->first_reset; f; f = f->next_reset) {
        if (!f->accepted)
            oldest = f->first_frame < oldest ? f->first_frame : oldest;
    }
    return oldest;
}

void tcp_table_add(struct tcp_table *t, const struct segment *given)
{
    struct segment s = *given;
    int side = 0;
    if (s.frame > PATIENCE)
        close_reset(t, s.frame - PATIENCE);
    struct tcp_flow *f = find(t, &s, &side);
    if (f && is_new_connection(f, side, &s)) {
        remove_flow(t, f);
        f = NULL;
    }
    if (!f) {
        f = add_flow(t, &s);
        side = 0;
    } else if (f != t->newest) {
        unlink_flow(t, f);
        link_newest(t, f);
    }
    if (f->closed)
        return;
    if (s.flags & TCP_SYN) {
        f->from_syn = true;
        s.seq++; /* data starts behind the SYN's own number */
    }
    learn(f, side, &s);
    note_ending(f, side, &s);
    bool carries = s.len + s.missing > 0 || (s.flags & TCP_FIN);
    if (carries && is_ready(f, side, &s))
        deliver(t, f, side, &s);
    else if (carries)
        hold(f, side, &s);
    if (f->held) {
        f->held_for++;
        deliver_held(t, f);
    }
    while (f->held && ((f->held_for > PATIENCE && was_acknowledged(f)) ||
                       f->held_count > HELD_COUNT_MAX || f->held_bytes > HELD_BYTES_MAX))
        give_up(t, f);
    if (f->half[0].fin && f->half[1].fin)
        close_flow(t, f);
    else if (s.flags & TCP_RST)
        note_reset(t, f, s.frame);
    list_holding(t, f);
}

void tcp_table_idle(struct tcp_table *t)
{
    close_reset(t, UINT64_MAX);
}

struct tcp_table *tcp_table_new(const struct tcp_sink *sink)
{
    struct tcp_table *t = xmalloc(sizeof *t);
    memset(t, 0, sizeof *t);
    t->sink = *sink;
    return t;
}

void tcp_table_free(struct tcp_table *t)
{
    for (struct tcp_flow *f = t->oldest, *next; f; f = next) {
        next = f->newer;
        close_flow(t, f);
        free(f);
    }
    free(t);
}
