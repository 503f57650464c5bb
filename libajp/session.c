/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is, and how much request body may go: one body packet for one
 * permission, so that no body can ever be read as a request. */
#include "session_core.h"

size_t ajp_in_most_data(const ajp_session *s)
{
    const size_t packet = s->lim.max_packet < AJP_PACKET_MAX ? s->lim.max_packet : AJP_PACKET_MAX;
    return packet > AJP_DATA_HEAD ? packet - AJP_DATA_HEAD : 0;
}

static size_t most_chunk(const ajp_session *s)
{
    const size_t both = AJP_CHUNK_HEAD + AJP_CHUNK_TAIL - AJP_DATA_HEAD;
    return ajp_in_most_data(s) > both ? ajp_in_most_data(s) - both : 0;
}

static void clear(ajp_session *s)
{
    const ajp_stream none = {0, 0, 0, 0, false};
    s->stream[0] = s->stream[1] = none;
    s->req_left = -1;
    s->grant = 0;
    s->owed = 0;
    s->ends = 0;
    s->whole = s->pinged = false;
}

void ajp_session_init(ajp_session *s, ajp_role role, const ajp_limits *lim)
{
    clear(s);
    s->lim = *limits_or_default(lim);
    s->role = (uint8_t)role;
    s->state = role == AJP_OBSERVER ? LOST : IDLE;
    s->error = AJP_OK;
}

void ajp_session_resync(ajp_session *s)
{
    if (s->role == AJP_OBSERVER) { /* to a side of its own, all would be allowed */
        clear(s);
        s->state = LOST;
    }
}

static void begin_request(ajp_session *s, int64_t content_length)
{
    s->req_left = content_length == AJP_LENGTH_UNSURE ? 0 : content_length;
    s->owed = content_length > 0; /* the first packet goes unasked */
    s->grant = (uint16_t)ajp_in_most_data(s);
    s->ends = 0;
    s->whole = content_length == 0;
    s->pinged = false;
}

static ajp_status check_data(const ajp_session *s, int64_t n)
{
    if (s->state == LOST) {
        return AJP_OK;
    }
    if (s->owed == 0) {
        return AJP_ERR_STATE;
    }
    const bool past = n > s->grant || (s->req_left >= 0 && n > s->req_left);
    const bool short_end = n == 0 && s->req_left > 0; /* it would read as a whole body */
    const bool after_end = n > 0 && s->ends > 0;
    return past || short_end || after_end ? AJP_ERR_FLOW : AJP_OK;
}

static void take_data(ajp_session *s, int64_t n)
{
    if (s->owed > 0) {
        s->owed--;
    }
    if (n == 0) {
        s->ends++;
        s->whole = true;
    }
    if (s->req_left > 0) {
        s->req_left -= n;
    }
}

static ajp_status check_get_body(const ajp_session *s)
{
    if ((s->owed > 0 || s->pinged) && s->role != AJP_OBSERVER) {
        return AJP_ERR_STATE;
    }
    return s->ends < MOST_ENDS ? AJP_OK : AJP_ERR_FLOW;
}

static void take_get_body(ajp_session *s, int64_t n)
{
    const int64_t most = (int64_t)ajp_in_most_data(s);
    if (s->owed < UINT8_MAX) {
        s->owed++;
    }
    s->grant = (uint16_t)(n == 0 || n > most ? most : n); /* 0 sets no bound */
}

/* A CPing within a request may go when no body packet can, for a container that wants one takes
 * whatever comes for it. Its CPong belongs behind the End Response. */
OWN ajp_status ping_within(ajp_session *s, enum session_event ev)
{
    const bool open = s->state == ASKED || s->state == ANSWERED;
    if (open && ev == EV_CPING && !s->pinged && s->owed == 0 &&
        (s->whole || s->role == AJP_OBSERVER)) {
        s->pinged = true;
        return AJP_OK;
    }
    if (open && ev == EV_CPONG && s->pinged && s->role != AJP_CONTAINER) {
        s->pinged = false;
        s->state = s->role == AJP_OBSERVER ? IDLE : CLOSED;
        return AJP_OK;
    }
    return AJP_ERR_STATE;
}

/* Where an End Response leads that keeps the connection, and leaves something open. A container
 * reads the CPing then. */
OWN uint8_t after_end(ajp_session *s)
{
    const bool pinged = s->pinged && s->role != AJP_CONTAINER;
    s->pinged = false;
    return s->owed > 0 ? ENDED : pinged ? PINGED : IDLE;
}

/* In line for what is sent, where the event is known: nearly nothing is left of it then. */
INLINE ajp_status step(ajp_session *s, enum session_event ev, int64_t n)
{
    uint8_t next = session_table[s->state][ev];
    ajp_status st = AJP_OK;
    if (RARELY(next == REFUSED)) {
        return ping_within(s, ev);
    }
    if (ev == EV_DATA) {
        st = check_data(s, n);
    } else if (ev == EV_GET_BODY) {
        st = check_get_body(s);
    }
    if (st != AJP_OK) {
        return st;
    }
    if (ev == EV_REQUEST) {
        begin_request(s, n);
    } else if (ev == EV_DATA) {
        take_data(s, n);
    } else if (ev == EV_GET_BODY) {
        take_get_body(s, n);
    } else if (ev == EV_END && RARELY(s->owed > 0 || s->pinged)) {
        next = after_end(s);
    }
    s->state = next;
    return AJP_OK;
}

ajp_status ajp_in_session_step(ajp_session *s, enum session_event ev, int64_t n)
{
    return step(s, ev, n);
}

static bool is_interim(size_t status)
{
    return status >= 100 && status < 200 && status != 101;
}

enum session_event ajp_in_event_of(const ajp_message *m)
{
    switch (m->kind) {
    case AJP_FORWARD_REQUEST:
        return EV_REQUEST;
    case AJP_CPING:
        return EV_CPING;
    case AJP_CPONG:
        return EV_CPONG;
    case AJP_SEND_HEADERS:
        return is_interim(m->u.response.status) ? EV_INTERIM : EV_HEADERS;
    case AJP_END_RESPONSE:
        return m->u.reuse ? EV_END : EV_CLOSE;
    case AJP_GET_BODY:
        return EV_GET_BODY;
    case AJP_BODY_CHUNK:
        return m->u.body.packet > 0 ? EV_CHUNK : EV_FLUSH;
    default: /* DATA; the obsolete kinds, which no caller asks about */
        return EV_DATA;
    }
}

static ajp_status server_sends(ajp_session *s, ajp_kind kind, size_t n)
{
    switch (kind) {
    case AJP_DATA:
        return step(s, EV_DATA, (int64_t)n);
    case AJP_CPING:
        return step(s, EV_CPING, 0);
    default: /* a request has its own function; the rest is the container's */
        return AJP_ERR_KIND;
    }
}

static ajp_status send_chunk(ajp_session *s, size_t n)
{
    if (n > most_chunk(s)) {
        return AJP_ERR_SPACE;
    }
    if (n == 0 && s->state == ASKED) { /* taken, but lighttpd answers it with a 500 */
        return AJP_ERR_STATE;
    }
    return step(s, n > 0 ? EV_CHUNK : EV_FLUSH, 0);
}

static ajp_status container_sends(ajp_session *s, ajp_kind kind, size_t n)
{
    switch (kind) {
    case AJP_SEND_HEADERS:
        return step(s, is_interim(n) ? EV_INTERIM : EV_HEADERS, 0);
    case AJP_BODY_CHUNK:
        return send_chunk(s, n);
    case AJP_END_RESPONSE:
        return step(s, n != 0 ? EV_END : EV_CLOSE, 0);
    case AJP_GET_BODY:
        return n > UINT16_MAX ? AJP_ERR_SPACE : step(s, EV_GET_BODY, (int64_t)n);
    case AJP_CPONG:
        return step(s, EV_CPONG, 0);
    default: /* the web server's */
        return AJP_ERR_KIND;
    }
}

ajp_status ajp_session_send(ajp_session *s, ajp_kind kind, size_t n)
{
    if (s->role == AJP_OBSERVER) {
        return AJP_ERR_ARG;
    }
    if (s->error != AJP_OK) {
        return (ajp_status)s->error;
    }
    if (n > INT32_MAX) {
        return AJP_ERR_FLOW;
    }
    return s->role == AJP_SERVER ? server_sends(s, kind, n) : container_sends(s, kind, n);
}

ajp_status ajp_session_send_request(ajp_session *s, int64_t content_length)
{
    if (s->role != AJP_SERVER || content_length < AJP_LENGTH_UNSURE) {
        return AJP_ERR_ARG;
    }
    return s->error != AJP_OK ? (ajp_status)s->error : step(s, EV_REQUEST, content_length);
}

size_t ajp_session_grant(const ajp_session *s)
{
    if (s->owed == 0 || s->ends > 0) {
        return 0;
    }
    return s->req_left >= 0 && s->req_left < s->grant ? (size_t)s->req_left : s->grant;
}

bool ajp_session_owed(const ajp_session *s)
{
    return s->owed > 0;
}

bool ajp_session_pinged(const ajp_session *s)
{
    return s->state == PINGED || (s->pinged && s->state != CLOSED);
}

bool ajp_session_idle(const ajp_session *s)
{
    return s->state == IDLE && s->error == AJP_OK && !s->stream[AJP_TO_CONTAINER].open;
}
