/* SPDX-License-Identifier: Apache-2.0 */
/* Watching both directions go by. Nothing stops the observer: an error is
 * reported once, with the bytes it takes, and the next packet goes on. */
#include "session_core.h"

/* How the bytes of a packet to the container are to be read. */
enum reading { READ_MORE, READ_DATA, READ_TYPED, READ_MALFORMED };

/* A body part of no bytes: nobody can tell what of a malformed packet is body. */
static void set_no_body(ajp_message *m, const uint8_t *in)
{
    m->u.body.data = in;
    m->u.body.len = 0;
    m->u.body.packet = 0;
    m->u.body.first = m->u.body.complete = true;
}

/* Could a packet of that direction start here, as far as the bytes tell? */
static bool may_start(const ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len)
{
    uint16_t n;
    const ajp_status st = ajp_in_head_of(s, dir, in, len, &n);
    if (st != AJP_OK || n == 0 || len == AJP_HEADER_SIZE) {
        return st >= 0;
    }
    const uint8_t type = in[AJP_HEADER_SIZE];
    if (dir == AJP_TO_SERVER) {
        return (type >= AJP_BODY_CHUNK && type <= AJP_GET_BODY) || type == AJP_CPONG;
    }
    if (type == AJP_FORWARD_REQUEST || (type >= AJP_SHUTDOWN && n == 1) || type == AJP_CPING ||
        len < AJP_HEADER_SIZE + 2) {
        return true;
    }
    return get16(in + AJP_HEADER_SIZE) + 2 == n;
}

static void skip_junk(ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len, size_t *used,
                      ajp_message *m)
{
    size_t i = 1;
    set_no_body(m, in);
    while (i < len && !may_start(s, dir, in + i, len - i)) {
        i++;
    }
    *used = i;
    s->state = LOST;
    s->owed = 0;
}

/* Lets the event happen: when it may not, it happens all the same, from a fresh
 * start unless it only concerns the request's body. */
static ajp_status follow(ajp_session *s, enum session_event ev, int64_t n)
{
    const ajp_status st = ajp_in_session_step(s, ev, n);
    if (st == AJP_OK) {
        return AJP_OK;
    }
    s->req_left = -1;
    s->ends = 0;
    if (ev == EV_DATA) {
        s->owed = s->owed > 0 ? (uint8_t)(s->owed - 1) : 0;
    } else if (ev == EV_GET_BODY && st == AJP_ERR_FLOW) {
        s->owed = 1;
    } else {
        s->owed = 0;
        s->state = LOST;
        (void)ajp_in_session_step(s, ev, n);
    }
    return st;
}

static ajp_status observe_body(ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len,
                               uint16_t n, size_t *used, ajp_message *m)
{
    struct body_shape shape;
    size_t head;
    ajp_status st = ajp_in_peek_body(s, m, in, len, n, &shape, &head);
    if (st != AJP_OK) {
        const size_t whole = AJP_HEADER_SIZE + (size_t)n;
        if (st == AJP_MORE || len < whole) {
            return AJP_MORE;
        }
        set_no_body(m, in);
        *used = whole;
        if (s->owed > 0 && dir == AJP_TO_CONTAINER) {
            s->owed--;
            s->state = s->state == ENDED ? IDLE : s->state;
        }
        return st;
    }
    st = follow(s, ajp_in_event_of(m), shape.packet);
    ajp_in_open_stream(s, dir, m, &shape);
    size_t taken = head;
    const ajp_status part = ajp_in_stream_part(s, dir, in + head, len - head, &taken, m);
    *used = taken;
    return st != AJP_OK ? st : part;
}

static ajp_status observe_whole(ajp_session *s, const uint8_t *in, size_t len, size_t *used,
                                ajp_message *m)
{
    ajp_frame f;
    size_t taken;
    ajp_status st = ajp_frame_next(in, len, &s->lim, &f, &taken);
    if (st != AJP_OK) {
        return st;
    }
    *used = taken;
    st = ajp_decode(m, &f, false, &s->lim);
    if (m->kind == AJP_SHUTDOWN || m->kind == AJP_PING) {
        return st; /* they change nothing */
    }
    if (st == AJP_OK) {
        const int64_t n = m->kind == AJP_FORWARD_REQUEST ? m->u.request.content_length
                          : m->kind == AJP_GET_BODY      ? m->u.wanted
                                                         : 0;
        return follow(s, ajp_in_event_of(m), n);
    }
    if (m->kind == AJP_DATA || m->kind == AJP_BODY_CHUNK) {
        set_no_body(m, in);
    } else if (m->kind == AJP_FORWARD_REQUEST) {
        (void)follow(s, EV_REQUEST, -1);
    } else if (m->kind == AJP_SEND_HEADERS) {
        (void)follow(s, EV_HEADERS, 0);
    } else if (m->kind == AJP_END_RESPONSE) {
        (void)follow(s, EV_END, 0);
    }
    return st;
}

static bool is_request(const ajp_session *s, const uint8_t *in, size_t len)
{
    ajp_frame f;
    ajp_message m;
    size_t used;
    return ajp_frame_next(in, len, &s->lim, &f, &used) == AJP_OK &&
           ajp_decode(&m, &f, false, &s->lim) == AJP_OK && m.kind == AJP_FORWARD_REQUEST;
}

static enum reading read_as(const ajp_session *s, const uint8_t *in, size_t len, uint16_t n)
{
    const uint8_t *payload = in + AJP_HEADER_SIZE;
    if (n == 0) {
        return READ_DATA;
    }
    if (len < AJP_HEADER_SIZE + (n < 2 ? (size_t)n : 2)) {
        return READ_MORE;
    }
    const bool fits = n >= 2 && get16(payload) + 2 == n;
    const bool whole = len >= AJP_HEADER_SIZE + (size_t)n;
    if (fits && (s->owed > 0 || payload[0] != AJP_FORWARD_REQUEST)) {
        return READ_DATA;
    }
    if (!whole) {
        return READ_MORE;
    }
    if (is_request(s, in, len) || (payload[0] == AJP_CPING && n == 1)) {
        return READ_TYPED;
    }
    if (fits || s->owed > 0) {
        return READ_DATA;
    }
    /* lighttpd's bodies lack their length word */
    const bool open = s->state == ASKED || s->state == ANSWERED || s->state == ENDED;
    return open && payload[0] != AJP_FORWARD_REQUEST && payload[0] != AJP_CPING ? READ_MALFORMED
                                                                                : READ_TYPED;
}

static ajp_status observe_to_container(ajp_session *s, const uint8_t *in, size_t len, uint16_t n,
                                       size_t *used, ajp_message *m)
{
    switch (read_as(s, in, len, n)) {
    case READ_MORE:
        return AJP_MORE;
    case READ_TYPED:
        return observe_whole(s, in, len, used, m);
    case READ_MALFORMED:
        set_no_body(m, in);
        *used = AJP_HEADER_SIZE + (size_t)n;
        return AJP_ERR_TRUNCATED;
    case READ_DATA:
        break;
    }
    if (n == 0 && s->owed == 0 && s->state != LOST) {
        /* lighttpd ends the body of requests that have none */
        set_no_body(m, in);
        *used = AJP_HEADER_SIZE;
        return (s->lim.lenient & AJP_ALLOW_STRAY_END) != 0 ? AJP_OK : AJP_ERR_STATE;
    }
    return observe_body(s, AJP_TO_CONTAINER, in, len, n, used, m);
}

ajp_status ajp_session_observe(ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len,
                               size_t *used, ajp_message *m)
{
    uint16_t n;
    m->kind = AJP_DATA;
    m->fault = 0;
    m->slack = 0;
    if (s->role != AJP_OBSERVER || (dir != AJP_TO_CONTAINER && dir != AJP_TO_SERVER)) {
        return AJP_ERR_ARG;
    }
    if (len == 0) {
        return AJP_MORE;
    }
    if (s->stream[dir].open) {
        size_t taken = 0;
        const ajp_status st = ajp_in_stream_part(s, dir, in, len, &taken, m);
        if (st != AJP_MORE) {
            *used = taken;
        }
        return st;
    }
    ajp_status st = ajp_in_head_of(s, dir, in, len, &n);
    if (st == AJP_OK && s->state == LOST && !may_start(s, dir, in, len)) {
        st = AJP_ERR_MAGIC; /* two bytes that only look like one */
    }
    if (st < 0) {
        skip_junk(s, dir, in, len, used, m);
    }
    if (st != AJP_OK) {
        return st;
    }
    if (dir == AJP_TO_CONTAINER) {
        return observe_to_container(s, in, len, n, used, m);
    }
    if (n > 0 && len > AJP_HEADER_SIZE && in[AJP_HEADER_SIZE] == AJP_BODY_CHUNK) {
        m->kind = AJP_BODY_CHUNK;
        return observe_body(s, AJP_TO_SERVER, in, len, n, used, m);
    }
    return observe_whole(s, in, len, used, m);
}
