/* SPDX-License-Identifier: Apache-2.0 */
/* A well-formed request for `check`, on a connection of its own. */
#include "check.h"

#include "fetch.h"
#include "speech.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct asking {
    const struct check_question *question;
    struct check_answer *answer;
    size_t body_left;
};

static void on_packet(void *user, bool sent, const uint8_t *payload, size_t len,
                      const ajp_message *m)
{
    struct check_answer *a = ((struct asking *)user)->answer;
    (void)payload;
    if (sent)
        return;
    if (m->kind == AJP_BODY_CHUNK) {
        a->largest = len > a->largest ? len : a->largest;
        a->unpadded += len == (size_t)m->u.body.packet + 3;
    } else if (m->kind == AJP_GET_BODY && a->wanted == 0) {
        a->wanted = m->u.wanted;
    } else if (m->kind == AJP_END_RESPONSE) {
        a->reuse = m->u.reuse;
    }
}

static void copy_text(char *out, size_t cap, ajp_str s)
{
    size_t n = s.len < cap - 1 ? s.len : cap - 1;
    if (n > 0)
        memcpy(out, s.ptr, n);
    out[n] = '\0';
}

static void on_head(void *user, const ajp_response *r)
{
    struct check_answer *a = ((struct asking *)user)->answer;
    ajp_fields it = r->headers;
    ajp_field f;
    copy_text(a->reason, sizeof a->reason, r->reason);
    while (ajp_field_next(&it, &f)) {
        if (f.name.len == 6 && strncasecmp(f.name.ptr, "server", 6) == 0)
            copy_text(a->server, sizeof a->server, f.value);
    }
}

static void on_body(void *user, const uint8_t *data, size_t len)
{
    struct check_answer *a = ((struct asking *)user)->answer;
    size_t room = CHECK_BODY - a->body.len;
    text_put(&a->body, data, len < room ? len : room);
}

static size_t read_body(void *user, uint8_t *to, size_t most)
{
    struct asking *w = user;
    size_t n = most < w->body_left ? most : w->body_left;
    memset(to, 'x', n);
    w->body_left -= n;
    return n;
}

static void put_head(ajp_writer *w, const struct checker *k, const struct check_question *q)
{
    const char *question = strchr(k->url.path, '?'), *method = q->method ? q->method : "GET";
    size_t len = question ? (size_t)(question - k->url.path) : strlen(k->url.path);
    char length[24];
    ajp_request_line line = {.method = ajp_str_of(method, strlen(method)),
                             .protocol = AJP_STR("HTTP/1.1"),
                             .uri = ajp_str_of(k->url.path, len),
                             .remote_addr = AJP_STR("127.0.0.1"),
                             .remote_host = AJP_STR("localhost"),
                             .server_name = AJP_STR("localhost"),
                             .server_port = 80};
    ajp_write_request(w, &line);
    ajp_write_header(w, AJP_STR("Host"), AJP_STR("localhost"));
    ajp_write_header(w, AJP_STR("User-Agent"), AJP_STR("ajpcat-check/" AJP_VERSION));
    if (q->no_length) {
        ajp_write_header(w, AJP_STR("Transfer-Encoding"), AJP_STR("chunked"));
    } else if (q->body > 0) {
        snprintf(length, sizeof length, "%zu", q->body);
        ajp_write_header(w, AJP_STR("Content-Length"), ajp_str_of(length, strlen(length)));
    }
}

static void put_rest(ajp_writer *w, const struct checker *k, const struct check_question *q)
{
    const char *question = strchr(k->url.path, '?');
    if (q->secret.len > 0)
        ajp_write_attr(w, AJP_ATTR_SECRET, q->secret);
    if (question)
        ajp_write_attr(w, AJP_ATTR_QUERY_STRING, ajp_str_of(question + 1, strlen(question + 1)));
    for (const char *const *at = q->attributes; at && *at; at += 2)
        ajp_write_named(w, ajp_str_of(at[0], strlen(at[0])), ajp_str_of(at[1], strlen(at[1])));
}

/* The packet, with a header that fills it up where a size is wanted. */
static ajp_status write_packet(const struct checker *k, const struct check_question *q,
                               uint8_t *out, size_t *len)
{
    static char fill[AJP_PACKET_MAX];
    ajp_writer w;
    size_t filling = 0;
    ajp_status st;
    for (;;) {
        ajp_writer_init(&w, out, AJP_PACKET_MAX);
        put_head(&w, k, q);
        if (q->size > 0) {
            memset(fill, 'f', filling);
            ajp_write_header(&w, AJP_STR("X-Fill"), ajp_str_of(fill, filling));
        }
        put_rest(&w, k, q);
        st = ajp_writer_finish(&w, len);
        if (st != AJP_OK || q->size == 0 || *len >= q->size)
            return st;
        filling = q->size - *len;
    }
}

static void ask(struct client *c, struct asking *w, const uint8_t *packet, size_t len)
{
    struct check_answer *a = w->answer;
    struct fetch f = {.client = c, .user = w, .read = read_body, .head = on_head, .body = on_body};
    w->body_left = w->question->body;
    a->result = fetch_run(&f, packet, len);
    a->status = f.status;
    if (a->result == CLIENT_OK && w->question->twice && ajp_session_idle(&c->session)) {
        w->body_left = w->question->body;
        a->second = fetch_run(&f, packet, len) == CLIENT_OK;
    }
}

void check_client(const struct checker *k, struct client *c, uint32_t max_packet)
{
    client_init(c, max_packet, k->timeout_ms);
    c->tls = k->tls;
    c->at = &k->address;
}

void check_ask(struct checker *k, const struct check_question *q, struct check_answer *a)
{
    static uint8_t packet[AJP_PACKET_MAX];
    struct client c;
    struct asking w = {.question = q, .answer = a};
    size_t len = 0;
    *a = (struct check_answer){0};
    check_client(k, &c, AJP_PACKET_MAX);
    c.trace = on_packet;
    c.trace_user = &w;
    a->result =
        write_packet(k, q, packet, &len) == AJP_OK ? client_connect(&c, &k->url) : CLIENT_FAILED;
    if (a->result == CLIENT_OK)
        ask(&c, &w, packet, len);
    if (a->result != CLIENT_OK)
        text_str(&a->why, c.why.at ? c.why.at : "the request cannot be written");
    client_free(&c);
}

void check_answer_free(struct check_answer *a)
{
    text_free(&a->why);
    text_free(&a->body);
}

/* By what came, whatever it was. */
static const char *heard(const struct client *c)
{
    size_t len = c->in_len - c->in_at;
    return len > 0 ? speech_of(c->in + c->in_at, len) : NULL;
}

bool check_alive(struct checker *k, double *ms, const char **speech)
{
    struct client c;
    check_client(k, &c, AJP_PACKET_DEFAULT);
    bool alive = client_connect(&c, &k->url) == CLIENT_OK;
    double start = now_seconds();
    alive = alive && client_ping(&c) == CLIENT_OK;
    *ms = (now_seconds() - start) * 1e3;
    *speech = alive ? NULL : heard(&c);
    client_free(&c);
    return alive;
}

/* Some wait for a whole line before they say what they are. */
const char *check_http(struct checker *k)
{
    static const char line[] = "OPTIONS * HTTP/1.0\r\n\r\n";
    struct client c;
    const char *speech = NULL;
    check_client(k, &c, AJP_PACKET_DEFAULT);
    c.timeout_ms = c.timeout_ms < 1000 ? c.timeout_ms : 1000;
    if (client_connect(&c, &k->url) == CLIENT_OK &&
        client_write(&c, line, sizeof line - 1) == CLIENT_OK && client_read_more(&c) == CLIENT_OK)
        speech = heard(&c);
    client_free(&c);
    return speech;
}
