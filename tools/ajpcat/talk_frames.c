/* SPDX-License-Identifier: Apache-2.0 */
/* From the two streams of a connection to AJP packets. */
#include "talk.h"

#include "salvage.h"
#include "speech.h"

#include <stdlib.h>
#include <string.h>

enum { PAYLOAD_MAX = AJP_PACKET_MAX - AJP_HEADER_SIZE };

enum verdict { NO, MAYBE, YES };

/* Byte `at` behind what a side has buffered from, as a packet without payload. */
#define PLACE(t, side, at, s)                                                                      \
    (&(struct packet){.from_client = (side) == (t)->client,                                        \
                      .offset = (t)->half[side].offset + (at),                                     \
                      .first_frame = (s)->frame,                                                   \
                      .first_ns = (s)->time_ns})

static size_t get16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static bool has_magic(const uint8_t *p, bool from_client)
{
    return from_client ? p[0] == 0x12 && p[1] == 0x34 : p[0] == 0x41 && p[1] == 0x42;
}

static enum verdict decodes(const uint8_t *p, size_t len)
{
    ajp_frame f;
    ajp_message m;
    size_t used;
    if (len < AJP_HEADER_SIZE + get16(p + 2))
        return MAYBE;
    return ajp_frame_next(p, len, &talk_limits, &f, &used) == AJP_OK &&
                   ajp_decode(&m, &f, false, &talk_limits) == AJP_OK
               ? YES
               : NO;
}

/* A request that does not decode may still be told by its first fields. */
static enum verdict is_request(const uint8_t *p, size_t len)
{
    struct salvage s;
    enum verdict v = decodes(p, len);
    if (v != NO)
        return v;
    salvage_request(p + AJP_HEADER_SIZE, get16(p + 2), &s);
    return s.uri.ptr && s.protocol.len > 5 && memcmp(s.protocol.ptr, "HTTP/", 5) == 0 ? YES : NO;
}

/* Whether p[0..len), in the middle of a stream, is the beginning of a packet to the container. */
static enum verdict client_packet(const uint8_t *p, size_t len)
{
    size_t size = get16(p + 2);
    if (size == 0 || size > PAYLOAD_MAX)
        return NO;
    if (len < 5 || (size > 1 && len < 6))
        return MAYBE;
    if (size > 2 && get16(p + 4) == size - 2)
        return YES;
    switch (p[4]) {
    case AJP_FORWARD_REQUEST:
        return size < 15 ? NO : is_request(p, len);
    case AJP_CPING:
    case AJP_PING:
    case AJP_SHUTDOWN:
        return size == 1 ? YES : NO;
    default: /* no other type goes this way */
        return NO;
    }
}

static enum verdict server_packet(const uint8_t *p, size_t len)
{
    size_t size = get16(p + 2);
    if (size == 0 || size > PAYLOAD_MAX)
        return NO;
    if (len < 5)
        return MAYBE;
    switch (p[4]) {
    case AJP_BODY_CHUNK:
        return len < 7 ? MAYBE : size - get16(p + 5) - 3 <= 1 ? YES : NO;
    case AJP_SEND_HEADERS:
        return decodes(p, len);
    case AJP_END_RESPONSE:
        return size != 2 ? NO : len < 6 ? MAYBE : p[5] <= 1 ? YES : NO;
    case AJP_GET_BODY:
        return size == 3 ? YES : NO;
    case AJP_CPONG:
        return size == 1 ? YES : NO;
    default: /* no other type goes this way */
        return NO;
    }
}

/* Side's direction, where it may be: asks for both while the roles are unknown. */
static enum verdict looks_like(const struct talk *t, int side, const uint8_t *p, size_t len,
                               bool *from_client)
{
    if (len < AJP_HEADER_SIZE)
        return p[0] == 0x12 || p[0] == 0x41 ? MAYBE : NO;
    for (int as_client = 0; as_client < 2; as_client++) {
        if (t->client >= 0 && as_client != (t->client == side))
            continue;
        if (!has_magic(p, as_client))
            continue;
        *from_client = as_client;
        return as_client ? client_packet(p, len) : server_packet(p, len);
    }
    return NO;
}

static void learn_roles(struct talk *t, int side, bool from_client)
{
    if (t->client >= 0)
        return;
    t->client = from_client ? side : !side;
    if (t->watcher->known)
        acquaintances_add(t->watcher->known, &t->flow->ends[t->client], &t->flow->ends[!t->client]);
}

/* Where a packet begins in p[0..len); len when none does. Sets *sure when it certainly does. */
static size_t seek(struct talk *t, int side, const uint8_t *p, size_t len, bool *sure)
{
    *sure = false;
    for (size_t at = 0; at < len; at++) {
        bool from_client = false;
        if (p[at] != 0x12 && p[at] != 0x41)
            continue;
        enum verdict v = looks_like(t, side, p + at, len - at, &from_client);
        if (v == NO)
            continue;
        if (v == YES) {
            *sure = true;
            learn_roles(t, side, from_client);
        }
        return at;
    }
    return len;
}

static void ignore(struct talk *t, int side, const uint8_t *p, size_t len, const struct segment *s)
{
    t->half[side].state = HALF_IGNORED;
    if (t->half[!side].state != HALF_IGNORED)
        t->stranger =
            stranger_begin(t->watcher->ledger, t->watcher->known, t->flow, speech_of(p, len), s);
}

/* A load balancer's PROXY head in front of the stream is stepped over: how many bytes of it are
 * done with, SIZE_MAX to wait for more. */
static size_t skip_proxy_head(struct talk *t, int side, const uint8_t *p, size_t len)
{
    bool may = t->half[side].state == HALF_NEW && t->flow->from_syn && !t->proxied &&
               side == stranger_client(t->flow) && (t->client < 0 || t->client == side);
    size_t head = may ? speech_proxy_head(p, len) : 0;
    t->proxied |= head > 0 && head < SIZE_MAX;
    return head;
}

/* A stream's first bytes: AJP or something else? Returns false to wait for more. */
static bool first_bytes(struct talk *t, int side, const uint8_t *p, size_t len,
                        const struct segment *s)
{
    struct talk_half *h = &t->half[side];
    if (!t->flow->from_syn) {
        h->state = HALF_SEEKING;
        return true;
    }
    if (len < 2)
        return false;
    for (int as_client = 0; as_client < 2; as_client++) {
        if (has_magic(p, as_client) && (t->client < 0 || as_client == (t->client == side))) {
            learn_roles(t, side, as_client);
            h->state = HALF_SYNCED;
            return true;
        }
    }
    if (t->client < 0)
        ignore(t, side, p, len, s);
    else
        h->state = HALF_SEEKING;
    return true;
}

static void emit(struct talk *t, int side, const uint8_t *p, size_t size, size_t at,
                 const struct segment *s, size_t old)
{
    struct talk_half *h = &t->half[side];
    size_t damage = h->damage <= at ? 0 : h->damage - at;
    struct packet packet = {
        .from_client = side == t->client,
        .payload = p + AJP_HEADER_SIZE,
        .len = size - AJP_HEADER_SIZE,
        .intact = damage > size ? size - AJP_HEADER_SIZE
                                : (damage > AJP_HEADER_SIZE ? damage - AJP_HEADER_SIZE : 0),
        .offset = h->offset + at,
        .first_frame = at < old ? h->first_frame : s->frame,
        .first_ns = at < old ? h->first_ns : s->time_ns,
        .last_frame = s->frame,
        .last_ns = s->time_ns,
    };
    talk_packet(t, &packet);
}

/* Takes packets off p[0..len), of which the first old bytes came in earlier segments. Returns
 * how many bytes are done with. */
static size_t take(struct talk *t, int side, const uint8_t *p, size_t len, size_t old,
                   const struct segment *s)
{
    struct talk_half *h = &t->half[side];
    size_t at = 0, wrong = 0; /* bytes here that begin no packet */
    while (at < len && h->state != HALF_IGNORED) {
        if (h->state == HALF_NEW) {
            size_t head = skip_proxy_head(t, side, p + at, len - at);
            if (head == SIZE_MAX)
                break;
            at += head;
            if (!first_bytes(t, side, p + at, len - at, s))
                break;
        }
        if (h->state == HALF_IGNORED)
            break;
        if (h->state == HALF_SEEKING) {
            bool sure;
            size_t found = wrong + seek(t, side, p + at + wrong, len - at - wrong, &sure);
            if (found > 0 && t->client >= 0)
                talk_noise(t, PLACE(t, side, at, s), p + at, found,
                           wrong > 0 && has_magic(p + at, side != t->client));
            at += found;
            wrong = 0;
            if (!sure)
                break;
            h->state = HALF_SYNCED;
        }
        if (len - at < AJP_HEADER_SIZE)
            break;
        size_t size = AJP_HEADER_SIZE + get16(p + at + 2);
        if (!has_magic(p + at, side == t->client) || size > AJP_PACKET_MAX) {
            h->state = HALF_SEEKING;
            wrong = 1;
            continue;
        }
        if (len - at < size)
            break;
        emit(t, side, p + at, size, at, s, old);
        at += size;
    }
    return h->state == HALF_IGNORED ? len : at;
}

static void keep_rest(struct talk_half *h, const uint8_t *p, size_t len, size_t used, size_t old,
                      const struct segment *s)
{
    if (used >= old) {
        h->first_frame = s->frame;
        h->first_ns = s->time_ns;
    }
    h->damage = h->damage == SIZE_MAX || h->damage < used ? SIZE_MAX : h->damage - used;
    if (p == (const uint8_t *)h->buf.at)
        text_cut(&h->buf, used);
    else if (used < len)
        text_put(&h->buf, p + used, len - used);
    h->offset += used;
}

void talk_data(struct talk *t, int side, const uint8_t *bytes, size_t len, const struct segment *s)
{
    struct talk_half *h = &t->half[side];
    size_t old = h->buf.len;
    if (old > 0) {
        text_put(&h->buf, bytes, len);
        bytes = (const uint8_t *)h->buf.at;
        len = h->buf.len;
    }
    size_t used = take(t, side, bytes, len, old, s);
    keep_rest(h, bytes, len, used, old, s);
}

/* Bytes that the packet begun in the buffer still needs; 0: none begun, or not known. */
static size_t pending(const struct talk_half *h)
{
    const uint8_t *p = (const uint8_t *)h->buf.at;
    if (h->state != HALF_SYNCED || h->buf.len < AJP_HEADER_SIZE)
        return 0;
    return AJP_HEADER_SIZE + get16(p + 2) - h->buf.len;
}

static void mark_torn(struct exchange *e)
{
    for (; e; e = e->next_in_connection)
        e->torn = true;
}

/* Lost bytes inside a packet whose length is known are filled with zeros, so that the stream
 * stays in step; any others leave it to be searched for the next packet. */
void talk_gap(struct talk *t, int side, uint64_t len, const struct segment *s)
{
    static const uint8_t zeros[1024];
    struct talk_half *h = &t->half[side];
    if (h->state == HALF_IGNORED)
        return;
    t->lossy = t->doubt = true;
    mark_torn(t->first);
    mark_torn(t->first_cping);
    if (t->client >= 0)
        talk_lost(t, PLACE(t, side, h->buf.len, s), len);
    size_t fill = pending(h) < len ? pending(h) : (size_t)len;
    if (fill > 0 && h->damage == SIZE_MAX)
        h->damage = h->buf.len;
    len -= fill;
    while (fill > 0) {
        size_t n = fill < sizeof zeros ? fill : sizeof zeros;
        talk_data(t, side, zeros, n, s);
        fill -= n;
    }
    if (len == 0)
        return;
    h->offset += h->buf.len + len;
    text_clear(&h->buf);
    h->damage = SIZE_MAX;
    h->state = HALF_SEEKING;
}
