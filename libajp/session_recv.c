/* SPDX-License-Identifier: Apache-2.0 */
/* Taking messages off the input of one side of the conversation. */
#include "session_core.h"

static const uint8_t magics[2][2] = {{0x12, 0x34}, {0x41, 0x42}};

ajp_status ajp_in_head_of(const ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len,
                          uint16_t *n)
{
    const uint8_t *magic = magics[dir];
    if (in[0] != magic[0] || (len > 1 && in[1] != magic[1])) {
        return AJP_ERR_MAGIC;
    }
    if (len < AJP_HEADER_SIZE) {
        return AJP_MORE;
    }
    *n = get16(in + 2);
    return (uint32_t)*n + AJP_HEADER_SIZE > s->lim.max_packet ? AJP_ERR_FRAME_SIZE : AJP_OK;
}

ajp_status ajp_in_peek_body(const ajp_session *s, ajp_message *m, const uint8_t *in, size_t len,
                            uint16_t n, struct body_shape *shape, size_t *head)
{
    const bool chunk = m->kind == AJP_BODY_CHUNK;
    const size_t words = chunk ? 3 : 2;
    const uint8_t *payload = in + AJP_HEADER_SIZE;
    *head = AJP_HEADER_SIZE + (n < words ? n : words);
    if (len < *head) {
        return AJP_MORE;
    }
    const ajp_status st = chunk ? ajp_in_chunk_shape(shape, payload, n, s->lim.lenient)
                                : ajp_in_data_shape(shape, payload, n, s->lim.lenient);
    if (st != AJP_OK) {
        m->fault = shape->fault;
        return st;
    }
    const size_t first = shape->packet > 0 ? 1 : shape->tail;
    m->u.body.packet = shape->packet;
    return len - *head < first ? AJP_MORE : AJP_OK;
}

void ajp_in_open_stream(ajp_session *s, ajp_dir dir, const ajp_message *m,
                        const struct body_shape *shape)
{
    ajp_stream *stream = &s->stream[dir];
    stream->packet = stream->left = shape->packet;
    stream->tail = shape->tail;
    stream->kind = (uint8_t)m->kind;
    stream->open = true;
}

/* The pad byte of a chunk is a terminator like any other. */
static ajp_status check_pad(const ajp_session *s, const ajp_stream *stream, const uint8_t *tail,
                            ajp_message *m)
{
    const uint32_t any = AJP_ALLOW_TERMINATOR | AJP_ALLOW_TRAILING;
    if (stream->kind != AJP_BODY_CHUNK || stream->tail != 1 || *tail == 0 ||
        (s->lim.lenient & any) != 0) {
        return AJP_OK;
    }
    m->fault = (uint16_t)(3 + stream->packet);
    return AJP_ERR_STRING;
}

ajp_status ajp_in_stream_part(ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len,
                              size_t *used, ajp_message *m)
{
    ajp_stream *stream = &s->stream[dir];
    const size_t part = stream->left < len ? stream->left : len;
    const bool complete = part == stream->left && len - part >= stream->tail;
    ajp_body *b = &m->u.body;
    if (part == 0 && !complete) {
        return AJP_MORE;
    }
    m->kind = (ajp_kind)stream->kind;
    b->data = in;
    b->len = part;
    b->packet = stream->packet;
    b->first = stream->left == stream->packet;
    b->complete = complete;
    stream->left = (uint16_t)(stream->left - part);
    *used += part;
    if (!complete) {
        return AJP_OK;
    }
    const ajp_status st = check_pad(s, stream, in + part, m);
    const bool pad = stream->kind == AJP_BODY_CHUNK && stream->tail > 0;
    m->slack = (uint16_t)(stream->tail - pad);
    *used += stream->tail;
    stream->open = false;
    return st;
}

static ajp_status recv_body(ajp_session *s, ajp_dir dir, const uint8_t *in, size_t len, uint16_t n,
                            size_t *used, ajp_message *m)
{
    struct body_shape shape;
    size_t head;
    ajp_status st = ajp_in_peek_body(s, m, in, len, n, &shape, &head);
    if (st == AJP_OK) {
        st = ajp_in_session_step(s, ajp_in_event_of(m), shape.packet);
    }
    if (st != AJP_OK) {
        return st;
    }
    ajp_in_open_stream(s, dir, m, &shape);
    size_t taken = head;
    st = ajp_in_stream_part(s, dir, in + head, len - head, &taken, m);
    if (st == AJP_OK) {
        *used = taken;
    }
    return st;
}

static int64_t number_of(const ajp_message *m)
{
    if (m->kind == AJP_FORWARD_REQUEST) {
        return m->u.request.content_length;
    }
    return m->kind == AJP_GET_BODY ? m->u.wanted : 0;
}

static ajp_status recv_whole(ajp_session *s, const uint8_t *in, size_t len, size_t *used,
                             ajp_message *m)
{
    ajp_frame f;
    size_t taken;
    ajp_status st = ajp_frame_next(in, len, &s->lim, &f, &taken);
    if (st == AJP_OK) {
        st = ajp_decode(m, &f, false, &s->lim);
    }
    if (st == AJP_OK && (m->kind == AJP_SHUTDOWN || m->kind == AJP_PING)) {
        st = AJP_ERR_KIND; /* known, and never acted on */
    }
    if (st == AJP_OK) {
        st = ajp_in_session_step(s, ajp_in_event_of(m), number_of(m));
    }
    if (st == AJP_OK) {
        *used = taken;
    }
    return st;
}

/* Bytes that come while a request is open and no body is awaited. A next request
 * waits, as does a CPing where no body can follow; anything that could be a body packet is an
 * error, also when it could be either, for whoever takes the one for the other has been smuggled
 * to. */
static ajp_status early_bytes(ajp_session *s, const uint8_t *in, size_t len, uint16_t n)
{
    if (n == 0) {
        return (s->lim.lenient & AJP_ALLOW_STRAY_END) != 0 ? AJP_MORE : AJP_ERR_STATE;
    }
    const uint8_t *payload = in + AJP_HEADER_SIZE;
    if (len > AJP_HEADER_SIZE && payload[0] == AJP_CPING && n == 1 && s->whole) {
        s->pinged = true;
        return AJP_MORE;
    }
    if (len > AJP_HEADER_SIZE && payload[0] != AJP_FORWARD_REQUEST) {
        return AJP_ERR_STATE;
    }
    if (len < AJP_HEADER_SIZE + 2) {
        return AJP_MORE;
    }
    return get16(payload) + 2 == n ? AJP_ERR_STATE : AJP_MORE;
}

static ajp_status container_recv(ajp_session *s, const uint8_t *in, size_t len, size_t *used,
                                 ajp_message *m)
{
    uint16_t n;
    if (s->state == PINGED || s->state == CLOSED) {
        return AJP_MORE; /* unread until the CPong went, or for ever */
    }
    const ajp_status st = ajp_in_head_of(s, AJP_TO_CONTAINER, in, len, &n);
    if (st != AJP_OK) {
        return st;
    }
    if (s->owed > 0) {
        return recv_body(s, AJP_TO_CONTAINER, in, len, n, used, m);
    }
    return s->state == IDLE ? recv_whole(s, in, len, used, m) : early_bytes(s, in, len, n);
}

static ajp_status server_recv(ajp_session *s, const uint8_t *in, size_t len, size_t *used,
                              ajp_message *m)
{
    uint16_t n;
    if (s->state != PINGED && s->state != ASKED && s->state != ANSWERED) {
        return AJP_ERR_STATE; /* nobody asked: the next answer would be another's */
    }
    const ajp_status st = ajp_in_head_of(s, AJP_TO_SERVER, in, len, &n);
    if (st != AJP_OK) {
        return st;
    }
    if (n > 0 && len > AJP_HEADER_SIZE && in[AJP_HEADER_SIZE] == AJP_BODY_CHUNK) {
        m->kind = AJP_BODY_CHUNK;
        return recv_body(s, AJP_TO_SERVER, in, len, n, used, m);
    }
    return recv_whole(s, in, len, used, m);
}

ajp_status ajp_session_recv(ajp_session *s, const uint8_t *in, size_t len, size_t *used,
                            ajp_message *m)
{
    const ajp_dir dir = s->role == AJP_SERVER ? AJP_TO_SERVER : AJP_TO_CONTAINER;
    ajp_status st;
    m->kind = AJP_DATA;
    m->fault = 0;
    m->slack = 0;
    if (s->role == AJP_OBSERVER) {
        return AJP_ERR_ARG;
    }
    if (s->error != AJP_OK) {
        return (ajp_status)s->error;
    }
    if (len == 0) {
        return AJP_MORE;
    }
    if (s->stream[dir].open) {
        size_t taken = 0;
        st = ajp_in_stream_part(s, dir, in, len, &taken, m);
        if (st == AJP_OK) {
            *used = taken;
        }
    } else if (dir == AJP_TO_SERVER) {
        st = server_recv(s, in, len, used, m);
    } else {
        st = container_recv(s, in, len, used, m);
    }
    if (st < 0) {
        s->error = (int8_t)st;
    }
    return st;
}

size_t ajp_session_want(const ajp_session *s, const uint8_t *in, size_t len)
{
    const ajp_dir dir = s->role == AJP_SERVER ? AJP_TO_SERVER : AJP_TO_CONTAINER;
    const ajp_stream *stream = &s->stream[dir];
    if (stream->open) {
        return stream->left > 0 ? 1 : stream->tail;
    }
    if (len < AJP_HEADER_SIZE) {
        return AJP_HEADER_SIZE;
    }
    const size_t n = get16(in + 2);
    const bool chunk =
        dir == AJP_TO_SERVER && len > AJP_HEADER_SIZE && in[AJP_HEADER_SIZE] == AJP_BODY_CHUNK;
    const bool body = chunk || (dir == AJP_TO_CONTAINER && s->owed > 0);
    const size_t head = AJP_HEADER_SIZE + (chunk ? 3u : 2u); /* its length word is the last two */
    const bool none = len >= head && get16(in + head - 2) == 0; /* then slack must be whole */
    return body && !none && AJP_HEADER_SIZE + n > head ? head + 1 : AJP_HEADER_SIZE + n;
}
