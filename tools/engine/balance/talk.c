/* SPDX-License-Identifier: Apache-2.0 */
/* The prober's conversation with an AJP worker, or with an HTTP worker. */
#include "balance/talk.h"

#include <stdio.h>
#include <string.h>

static enum talk_result ill(struct talk *talk, const char *problem)
{
    talk->problem = problem;
    return TALK_ILL;
}

/* The whole reply is there, as far as it is looked at. */
static enum talk_result judge(struct talk *talk)
{
    const struct health_settings *health = talk->health;
    if (talk->status == 0)
        return ill(talk, "no reply to the health request");
    bool right =
        health->status ? talk->status == health->status : talk->status >= 200 && talk->status < 400;
    if (!right)
        return ill(talk, "the health page's status");
    if (health->body.len > 0 &&
        !memmem(talk->body, talk->body_len, health->body.ptr, health->body.len))
        return ill(talk, "the health page lacks its text");
    return TALK_WELL;
}

static void keep_body(struct talk *talk, const void *bytes, size_t len)
{
    size_t room = sizeof talk->body - talk->body_len;
    if (len > room)
        len = room;
    memcpy(talk->body + talk->body_len, bytes, len);
    talk->body_len += len;
}

static enum talk_result say_http(struct talk *talk)
{
    int n = snprintf((char *)talk->out, sizeof talk->out,
                     "GET %s HTTP/1.0\r\nHost: %s:%u\r\nConnection: close\r\n\r\n",
                     talk->health->path.ptr, talk->worker->host.ptr, talk->worker->port);
    if (n < 0 || (size_t)n >= sizeof talk->out)
        return ill(talk, "health request is too long");
    talk->out_len = (size_t)n;
    return TALK_MORE;
}

static enum talk_result say_get(struct talk *talk)
{
    ajp_str path = talk->health->path, query = AJP_NULL;
    const char *mark = memchr(path.ptr, '?', path.len);
    if (mark) {
        query = ajp_str_of(mark + 1, path.len - (size_t)(mark - path.ptr) - 1);
        path.len = (size_t)(mark - path.ptr);
    }
    ajp_request_line line = {.method = AJP_STR("GET"),
                             .protocol = AJP_STR("HTTP/1.1"),
                             .uri = path,
                             .remote_addr = AJP_STR("127.0.0.1"),
                             .server_name = talk->worker->host,
                             .server_port = 80};
    ajp_writer writer;
    ajp_writer_init(&writer, talk->out, sizeof talk->out);
    ajp_write_request(&writer, &line);
    ajp_write_header(&writer, AJP_STR("Host"), talk->worker->host);
    ajp_write_header(&writer, AJP_STR("User-Agent"), AJP_STR("ajp-health/" AJP_VERSION));
    if (query.ptr)
        ajp_write_attr(&writer, AJP_ATTR_QUERY_STRING, query);
    if (talk->worker->secret.ptr)
        ajp_write_attr(&writer, AJP_ATTR_SECRET, talk->worker->secret);
    if (ajp_writer_finish(&writer, &talk->out_len) != AJP_OK ||
        ajp_session_send_request(&talk->session, -1) != AJP_OK)
        return ill(talk, "health request cannot be encoded");
    return TALK_MORE;
}

/* The page's servlet reads its input: there is none. */
static enum talk_result end_body(struct talk *talk)
{
    if (sizeof talk->out - talk->out_len < AJP_SMALL_MAX ||
        ajp_session_send(&talk->session, AJP_DATA, 0) != AJP_OK)
        return ill(talk, "reply is malformed");
    talk->out_len += ajp_make_body_end(talk->out + talk->out_len);
    return TALK_MORE;
}

static enum talk_result hear(struct talk *talk, const ajp_message *m)
{
    switch (m->kind) {
    case AJP_CPONG:
        talk->pinged = true;
        return talk->health->path.ptr ? say_get(talk) : TALK_WELL;
    case AJP_SEND_HEADERS:
        talk->status = m->u.response.status;
        return TALK_MORE;
    case AJP_BODY_CHUNK:
        keep_body(talk, m->u.body.data, m->u.body.len);
        return TALK_MORE;
    case AJP_GET_BODY:
        return end_body(talk);
    case AJP_END_RESPONSE:
        return judge(talk);
    default:
        return ill(talk,
                   "answer is out of order"); /* the session let through what we never asked */
    }
}

static enum talk_result hear_ajp(struct talk *talk)
{
    enum talk_result result = TALK_MORE;
    size_t done = 0;
    while (result == TALK_MORE && done < talk->in_len) {
        ajp_message m;
        size_t used = 0;
        ajp_status st =
            ajp_session_recv(&talk->session, talk->in + done, talk->in_len - done, &used, &m);
        if (st == AJP_MORE)
            break;
        if (st != AJP_OK)
            return ill(talk, talk->pinged ? "reply is malformed" : "no CPong");
        done += used;
        result = hear(talk, &m);
    }
    memmove(talk->in, talk->in + done, talk->in_len - done);
    talk->in_len -= done;
    if (result == TALK_MORE && talk->in_len == sizeof talk->in)
        return ill(talk, "reply is malformed");
    return result;
}

/* The status of a reply that begins like one of HTTP/1, else 0. */
static uint16_t status_of(const void *bytes, size_t n)
{
    const char *text = bytes;
    unsigned status = 0;

    if (n < 12 || memcmp(text, "HTTP/1.", 7) != 0 || (text[7] != '0' && text[7] != '1') ||
        text[8] != ' ')
        return 0;
    for (int i = 9; i < 12; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        status = status * 10 + (unsigned)(text[i] - '0');
    }
    return (uint16_t)status;
}

/* All of it, head and body, is looked at as one text. */
static enum talk_result hear_http(struct talk *talk)
{
    keep_body(talk, talk->in, talk->in_len);
    talk->in_len = 0;
    if (talk->status == 0)
        talk->status = status_of(talk->body, talk->body_len);
    return talk->body_len == sizeof talk->body ? judge(talk) : TALK_MORE;
}

enum talk_result talk_begin(struct talk *talk, const struct worker_settings *worker,
                            const struct health_settings *health)
{
    talk->worker = worker;
    talk->health = health;
    talk->problem = NULL;
    talk->status = 0;
    talk->pinged = false;
    talk->out_len = talk->in_len = talk->body_len = 0;
    if (worker->proto == PROTO_HTTP)
        return health->path.ptr ? say_http(talk) : TALK_WELL;
    ajp_limits limits = ajp_limits_relay;
    limits.max_packet = worker->packet_size ? worker->packet_size : AJP_PACKET_DEFAULT;
    limits.max_headers = UINT16_MAX; /* nobody sends them on */
    limits.lenient |= AJP_ALLOW_VALUE_CONTROLS;
    ajp_session_init(&talk->session, AJP_SERVER, &limits);
    if (ajp_session_send(&talk->session, AJP_CPING, 0) != AJP_OK)
        return ill(talk, "no CPing");
    talk->out_len = ajp_make_cping(talk->out);
    return TALK_MORE;
}

uint8_t *talk_space(struct talk *talk, size_t *size)
{
    *size = sizeof talk->in - talk->in_len;
    return talk->in + talk->in_len;
}

enum talk_result talk_got(struct talk *talk, size_t n)
{
    talk->in_len += n;
    return talk->worker->proto == PROTO_HTTP ? hear_http(talk) : hear_ajp(talk);
}

enum talk_result talk_end(struct talk *talk)
{
    if (talk->worker->proto == PROTO_HTTP)
        return judge(talk);
    return ill(talk, talk->pinged ? "connection closed during the reply" : "connection closed");
}
