/* SPDX-License-Identifier: Apache-2.0 */
/* Request out, answer in. */
#include "fetch.h"

static enum client_result broken(struct fetch *f, ajp_status st)
{
    text_clear(&f->client->why);
    text_str(&f->client->why, ajp_strerror(st));
    return CLIENT_FAILED;
}

static void trace(struct fetch *f, const uint8_t *packet, size_t len, const ajp_message *m)
{
    struct client *c = f->client;
    if (c->trace)
        c->trace(c->trace_user, true, packet + AJP_HEADER_SIZE, len - AJP_HEADER_SIZE, m);
}

/* One body packet, as much as was asked for. */
static enum client_result send_body(struct fetch *f)
{
    uint8_t packet[AJP_PACKET_MAX + AJP_DATA_HEAD];
    uint8_t *body = packet + AJP_DATA_HEAD, *at = packet;
    size_t most = ajp_session_grant(&f->client->session);
    size_t n = f->read && most > 0 ? f->read(f->user, body, most) : 0;
    size_t len;
    if (ajp_session_send(&f->client->session, AJP_DATA, n) != AJP_OK) {
        text_clear(&f->client->why);
        text_str(&f->client->why, "the body is shorter than it was announced");
        return CLIENT_FAILED;
    }
    if (n > 0) {
        at = ajp_wrap_data(body, (uint16_t)n);
        len = n + AJP_DATA_HEAD;
    } else {
        len = ajp_make_body_end(packet);
    }
    ajp_message m = {.kind = AJP_DATA};
    m.u.body.packet = (uint16_t)n;
    trace(f, at, len, &m);
    f->up += n;
    return client_write(f->client, at, len);
}

static enum client_result send_request(struct fetch *f, const uint8_t *packet, size_t len)
{
    ajp_frame frame;
    size_t used;
    ajp_message m;
    ajp_status st = ajp_frame_next(packet, len, &f->client->limits, &frame, &used);
    if (st == AJP_OK)
        st = ajp_decode(&m, &frame, false, &f->client->limits);
    if (st == AJP_OK)
        st = ajp_session_send_request(&f->client->session, m.u.request.content_length);
    if (st != AJP_OK)
        return broken(f, st);
    trace(f, packet, len, &m);
    enum client_result r = client_write(f->client, packet, len);
    return r == CLIENT_OK && ajp_session_owed(&f->client->session) ? send_body(f) : r;
}

static enum client_result receive(struct fetch *f)
{
    ajp_message m;
    for (;;) {
        enum client_result r = client_next(f->client, &m);
        if (r == CLIENT_OK && f->first_ns == 0)
            f->first_ns = now_ns();
        if (r == CLIENT_OK && m.kind == AJP_GET_BODY)
            r = send_body(f);
        if (r != CLIENT_OK || m.kind == AJP_END_RESPONSE)
            return r;
        if (m.kind == AJP_SEND_HEADERS) {
            f->status = m.u.response.status;
            if (f->head)
                f->head(f->user, &m.u.response);
        } else if (m.kind == AJP_BODY_CHUNK) {
            f->down += m.u.body.len;
            if (f->body)
                f->body(f->user, m.u.body.data, m.u.body.len);
        }
    }
}

enum client_result fetch_run(struct fetch *f, const uint8_t *packet, size_t len)
{
    f->status = 0;
    f->up = f->down = f->first_ns = f->last_ns = 0;
    f->start_ns = now_ns();
    enum client_result r = send_request(f, packet, len);
    if (r == CLIENT_OK || r == CLIENT_TRUNCATED) /* it may have answered before it closed */
        r = receive(f);
    f->last_ns = now_ns();
    return r;
}
