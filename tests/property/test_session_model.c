/* SPDX-License-Identifier: Apache-2.0 */
/* Random conversations, legal and not, against a model that spells the rules out
 * one by one: web server's side, container's side and model agree on each step. */
#include <ajp/ajp.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPTS = 40000, STEPS = 60, MOST = 8186 };

enum event {
    REQUEST,
    DATA,
    CPING,
    CPONG,
    INTERIM,
    HEADERS,
    FLUSH,
    CHUNK,
    GET_BODY,
    END,
    CLOSE,
    EVENTS
};

struct model {
    bool open, answered, pinged, closed;
    bool whole; /* told to the container: no more of the body comes */
    int permits, ends;
    long left, most;
};

static bool idle(const struct model *m)
{
    return !m->open && !m->pinged && !m->closed && m->permits == 0;
}

/* Rules, in the words of the protocol. */
static bool allows(const struct model *m, enum event ev, long n)
{
    switch (ev) {
    case REQUEST: /* one at a time, on a quiet connection */
        return idle(m);
    case CPING: /* or within a request, when nothing could be read as its body */
        return idle(m) || (m->open && m->whole && !m->pinged && m->permits == 0);
    case CPONG:
        return m->pinged && !m->open && !m->closed;
    case DATA: /* promised or asked for, no more than that, not short, nothing after the end */
        return m->permits > 0 && n <= m->most && (m->left < 0 || n <= m->left) &&
               (n > 0 || m->left <= 0) && (n == 0 || m->ends == 0);
    case INTERIM:
    case HEADERS:
        return m->open && !m->answered;
    case FLUSH:
        return m->open;
    case CHUNK:
    case END:
    case CLOSE:
        return m->open && m->answered;
    case GET_BODY: /* one question at a time, and at most twice after the end */
        return m->open && m->permits == 0 && m->ends < 2 && !m->pinged;
    case EVENTS:
        break;
    }
    return false;
}

static void happen(struct model *m, enum event ev, long n)
{
    switch (ev) {
    case REQUEST:
        *m = (struct model){
            .open = true, .left = n, .permits = n > 0, .most = MOST, .whole = n == 0};
        break;
    case DATA:
        m->permits--;
        m->ends += n == 0;
        m->whole |= n == 0;
        m->left -= m->left > 0 ? n : 0;
        break;
    case CPING:
    case CPONG:
        m->pinged = ev == CPING;
        break;
    case HEADERS:
        m->answered = true;
        break;
    case GET_BODY:
        m->permits = 1;
        m->most = n == 0 || n > MOST ? MOST : n;
        break;
    case END:
    case CLOSE:
        m->open = m->answered = false;
        m->closed = ev == CLOSE;
        break;
    default: /* changes nothing */
        break;
    }
}

/* The packet of an event, and what to tell a session that sends it. */
static size_t packet_of(enum event ev, long n, uint8_t *out)
{
    const ajp_request_line line = {AJP_STR("POST"),
                                   AJP_STR("HTTP/1.1"),
                                   AJP_STR("/"),
                                   AJP_NULL,
                                   AJP_NULL,
                                   AJP_NULL,
                                   80,
                                   false};
    char digits[24];
    size_t len = 0;
    ajp_writer w;
    ajp_writer_init(&w, out, AJP_PACKET_DEFAULT);
    switch (ev) {
    case REQUEST:
        ajp_write_request(&w, &line);
        if (n >= 0) {
            snprintf(digits, sizeof digits, "%ld", n);
            ajp_write_header(&w, AJP_STR("content-length"), ajp_str_of(digits, strlen(digits)));
        }
        cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
        return len;
    case INTERIM:
    case HEADERS:
        ajp_write_response(&w, ev == INTERIM ? 103 : 200, AJP_NULL);
        cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
        return len;
    case DATA:
        memset(out, 'd', (size_t)n + AJP_DATA_HEAD);
        ajp_data_head(out, (uint16_t)n);
        return (size_t)n + AJP_DATA_HEAD;
    case CHUNK:
    case FLUSH:
        memset(out, 0, (size_t)n + AJP_CHUNK_HEAD + AJP_CHUNK_TAIL);
        ajp_chunk_head(out, (uint16_t)n);
        return (size_t)n + AJP_CHUNK_HEAD + AJP_CHUNK_TAIL;
    case CPING:
        return ajp_make_cping(out);
    case CPONG:
        return ajp_make_cpong(out);
    case GET_BODY:
        return ajp_make_get_body(out, (uint16_t)n);
    default: /* END, CLOSE */
        return ajp_make_end(out, ev == END);
    }
}

static ajp_status say(ajp_session *s, enum event ev, long n)
{
    static const ajp_kind kinds[EVENTS] = {AJP_FORWARD_REQUEST, AJP_DATA,         AJP_CPING,
                                           AJP_CPONG,           AJP_SEND_HEADERS, AJP_SEND_HEADERS,
                                           AJP_BODY_CHUNK,      AJP_BODY_CHUNK,   AJP_GET_BODY,
                                           AJP_END_RESPONSE,    AJP_END_RESPONSE};
    const long number = ev == INTERIM   ? 103
                        : ev == HEADERS ? 200
                        : ev == END     ? 1
                        : ev == CLOSE   ? 0
                                        : n;
    return ev == REQUEST ? ajp_session_send_request(s, n)
                         : ajp_session_send(s, kinds[ev], (size_t)number);
}

static ajp_status hear(ajp_session *s, const uint8_t *packet, size_t len)
{
    ajp_message m;
    size_t used = 0;
    const ajp_status st = ajp_session_recv(s, packet, len, &used, &m);
    cr_assert(st != AJP_OK || used == len);
    return st;
}

static long number_for(enum event ev)
{
    static const long lengths[] = {-1, 0, 1, 5, 10, 100, 20000};
    switch (ev) {
    case REQUEST:
        return lengths[rand() % 7];
    case DATA:
        return rand() % 3 ? rand() % 12 : rand() % (MOST + 1);
    case CHUNK:
        return 1 + rand() % 20;
    case GET_BODY:
        return rand() % 3 ? rand() % 12 : rand() % 65536;
    default: /* no number */
        return 0;
    }
}

/* One step; false when a side was rightly refused for good. */
static bool step(struct model *model, ajp_session *server, ajp_session *container)
{
    uint8_t packet[AJP_PACKET_DEFAULT + 64];
    const enum event ev = (enum event)(rand() % EVENTS);
    const long n = number_for(ev);
    const bool from_web = ev == REQUEST || ev == DATA || ev == CPING;
    ajp_session *teller = from_web ? server : container, *hearer = from_web ? container : server;
    const bool allowed = allows(model, ev, n);
    const bool quiet = ev == FLUSH && !model->answered; /* heard, but never said */
    const size_t len = packet_of(ev, n, packet);
    if (!allowed) {
        cr_assert(say(teller, ev, n) < 0, "event %d of %ld was said", ev, n);
        if (rand() % 8 > 0) {
            return true;
        }
        const ajp_status st = hear(hearer, packet, len);
        if (ev == CPONG && model->pinged && model->open) { /* the request's reply is lost */
            cr_assert(st == AJP_OK && !ajp_session_idle(hearer));
            return false;
        }
        cr_assert(st != AJP_OK, "event %d of %ld was heard", ev, n);
        return st == AJP_MORE; /* a request that came too early waits, unread */
    }
    cr_assert((say(teller, ev, n) == AJP_OK) == !quiet, "event %d of %ld was not said", ev, n);
    if (model->closed) { /* an answer under way: the container reads no more */
        cr_assert(hear(hearer, packet, len) == AJP_MORE);
        return false;
    }
    if (ev == CPING && model->open) { /* waits until the request is over */
        cr_assert(hear(hearer, packet, len) == AJP_MORE);
        happen(model, ev, n);
        return true;
    }
    cr_assert(hear(hearer, packet, len) == AJP_OK, "event %d of %ld was not heard", ev, n);
    happen(model, ev, n);
    if (ev == END && model->pinged) {
        cr_assert(hear(container, packet, ajp_make_cping(packet)) == AJP_OK);
    }
    return true;
}

Test(session_model, agrees_with_both_sides)
{
    unsigned long steps = 0;
    srand(4711);
    for (int script = 0; script < SCRIPTS; script++) {
        struct model model = {.left = -1};
        ajp_session server, container;
        ajp_session_init(&server, AJP_SERVER, NULL);
        ajp_session_init(&container, AJP_CONTAINER, NULL);
        for (int i = 0; i < STEPS && step(&model, &server, &container); i++, steps++) {
            cr_assert(ajp_session_idle(&server) == idle(&model));
            cr_assert(ajp_session_idle(&container) == idle(&model));
            cr_assert(ajp_session_owed(&server) == (model.permits > 0));
            cr_assert(ajp_session_owed(&container) == (model.permits > 0));
            cr_assert(ajp_session_pinged(&server) == (model.pinged && !model.closed));
        }
    }
    cr_assert(steps > 200000, "%lu steps", steps);
}
