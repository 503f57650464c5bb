/* SPDX-License-Identifier: Apache-2.0 */
/* A web server and a container that say whatever their sessions allow, in any
 * interleaving: neither is ever refused by the other, and an observer between
 * them sees nothing wrong. Or, the other half: raw bytes into one side. */
#include "check.h"

struct pipe {
    uint8_t bytes[4096];
    size_t len, seen; /* seen by the observer */
};

struct pair {
    ajp_session server, container, observer;
    struct pipe to[2]; /* by ajp_dir */
};

static uint8_t *room(struct pair *p, ajp_dir dir, size_t n)
{
    struct pipe *pipe = &p->to[dir];
    if (sizeof pipe->bytes - pipe->len < n) {
        return NULL;
    }
    pipe->len += n;
    return pipe->bytes + pipe->len - n;
}

static void send_request(struct pair *p, uint8_t pick)
{
    const ajp_request_line l = {AJP_STR("POST"),
                                AJP_STR("HTTP/1.1"),
                                AJP_STR("/"),
                                AJP_NULL,
                                AJP_NULL,
                                AJP_NULL,
                                80,
                                false};
    struct pipe *pipe = &p->to[AJP_TO_CONTAINER];
    const int64_t length = pick % 4 == 0 ? -1 : pick % 32;
    char digits[8];
    ajp_writer w;
    size_t len = 0;
    if (sizeof pipe->bytes - pipe->len < 100 ||
        ajp_session_send_request(&p->server, length) != AJP_OK) {
        return;
    }
    ajp_writer_init(&w, pipe->bytes + pipe->len, 100);
    ajp_write_request(&w, &l);
    if (length >= 0) {
        const int n = snprintf(digits, sizeof digits, "%d", (int)length);
        ajp_write_header(&w, AJP_STR("Content-Length"), ajp_str_of(digits, (size_t)n));
    }
    CHECK(ajp_writer_finish(&w, &len) == AJP_OK);
    pipe->len += len;
}

static void send_body(struct pair *p, ajp_dir dir, uint16_t n)
{
    const bool data = dir == AJP_TO_CONTAINER;
    struct pipe *pipe = &p->to[dir];
    ajp_session *s = data ? &p->server : &p->container;
    if (sizeof pipe->bytes - pipe->len < n + 8u ||
        ajp_session_send(s, data ? AJP_DATA : AJP_BODY_CHUNK, n) != AJP_OK) {
        return;
    }
    uint8_t *at = room(p, dir, n + (data ? 6u : 8u));
    memset(at, 2, n + (data ? 6u : 8u));
    if (data) {
        ajp_wrap_data(at + 6, n);
    } else {
        ajp_wrap_chunk(at + 7, n);
    }
}

static void send_small(struct pair *p, ajp_dir dir, ajp_kind kind, size_t n)
{
    ajp_session *s = dir == AJP_TO_CONTAINER ? &p->server : &p->container;
    uint8_t bytes[AJP_SMALL_MAX + 16];
    size_t len = 0;
    ajp_writer w;
    if (sizeof p->to[dir].bytes - p->to[dir].len < sizeof bytes ||
        ajp_session_send(s, kind, n) != AJP_OK) {
        return;
    }
    switch (kind) {
    case AJP_CPING:
        len = ajp_make_cping(bytes);
        break;
    case AJP_CPONG:
        len = ajp_make_cpong(bytes);
        break;
    case AJP_END_RESPONSE:
        len = ajp_make_end(bytes, n != 0);
        break;
    case AJP_GET_BODY:
        len = ajp_make_get_body(bytes, (uint16_t)n);
        break;
    default: /* SEND_HEADERS */
        ajp_writer_init(&w, bytes, sizeof bytes);
        ajp_write_response(&w, (uint16_t)n, AJP_NULL);
        CHECK(ajp_writer_finish(&w, &len) == AJP_OK);
        break;
    }
    memcpy(room(p, dir, len), bytes, len);
}

/* The observer sees packets as they are sent. */
static void observe(struct pair *p, ajp_dir dir)
{
    struct pipe *pipe = &p->to[dir];
    while (pipe->seen < pipe->len) {
        ajp_message m;
        size_t used = 0;
        const ajp_status st = ajp_session_observe(&p->observer, dir, pipe->bytes + pipe->seen,
                                                  pipe->len - pipe->seen, &used, &m);
        CHECK(st == AJP_OK && used > 0);
        pipe->seen += used;
    }
}

static void deliver(struct pair *p, ajp_dir dir, size_t most)
{
    ajp_session *s = dir == AJP_TO_CONTAINER ? &p->container : &p->server;
    struct pipe *pipe = &p->to[dir];
    const size_t n = pipe->len < most ? pipe->len : most;
    ajp_message m;
    size_t used = SIZE_MAX;
    const ajp_status st = ajp_session_recv(s, pipe->bytes, n, &used, &m);
    CHECK(st >= 0);
    if (st == AJP_OK) {
        CHECK(used <= n && used <= pipe->seen);
        memmove(pipe->bytes, pipe->bytes + used, pipe->len - used);
        pipe->len -= used;
        pipe->seen -= used;
    } else {
        CHECK(used == SIZE_MAX);
    }
}

static void play(struct pair *p, struct portions *in)
{
    static const ajp_kind kinds[] = {AJP_SEND_HEADERS, AJP_END_RESPONSE, AJP_GET_BODY, AJP_CPONG};
    static const uint16_t statuses[] = {200, 100, 103, 404};
    const uint8_t op = take8(in), n = take8(in);
    switch (op % 8) {
    case 0:
        send_request(p, n);
        break;
    case 1:
        send_body(p, AJP_TO_CONTAINER, n);
        break;
    case 2:
        send_small(p, AJP_TO_CONTAINER, AJP_CPING, 0);
        break;
    case 3:
        send_body(p, AJP_TO_SERVER, n);
        break;
    case 4: {
        const ajp_kind kind = kinds[op / 8 % 4];
        if (kind == AJP_GET_BODY && p->container.whole) {
            break; /* it would cross a CPing */
        }
        send_small(p, AJP_TO_SERVER, kind,
                   kind == AJP_SEND_HEADERS   ? statuses[n % 4]
                   : kind == AJP_END_RESPONSE ? n % 8 != 0
                                              : n);
        break;
    }
    default: /* bytes arrive */
        deliver(p, op % 2, n % 4 == 0 ? SIZE_MAX : n);
        break;
    }
    observe(p, AJP_TO_CONTAINER);
    observe(p, AJP_TO_SERVER);
}

static void raw(struct portions *in, ajp_role role)
{
    ajp_session s;
    ajp_message m;
    const ajp_limits lim = limits_of(take16(in));
    ajp_session_init(&s, role, &lim);
    if (role == AJP_SERVER) {
        CHECK(ajp_session_send_request(&s, take8(in)) == AJP_OK);
    }
    for (unsigned turn = 0; in->p < in->end && turn < 16; turn++) {
        const size_t left = (size_t)(in->end - in->p);
        size_t used = SIZE_MAX;
        const ajp_status st =
            role == AJP_OBSERVER
                ? ajp_session_observe(&s, (ajp_dir)(in->p[0] == 0x41), in->p, left, &used, &m)
                : ajp_session_recv(&s, in->p, left, &used, &m);
        if (st < 0 && role != AJP_OBSERVER) {
            CHECK(used == SIZE_MAX && ajp_session_recv(&s, in->p, left, &used, &m) == st);
            CHECK(!ajp_session_idle(&s) && ajp_session_send(&s, AJP_CPING, 0) != AJP_OK);
            return;
        }
        if (st == AJP_MORE) {
            CHECK(used == SIZE_MAX);
            if (role != AJP_CONTAINER) {
                return;
            }
            const uint8_t op = take8(in); /* an answer may make it go on */
            (void)!ajp_session_send(&s, (ajp_kind)(op % 11), op);
            continue;
        }
        CHECK(used > 0 && used <= left);
        CHECK((m.kind != AJP_DATA && m.kind != AJP_BODY_CHUNK) || m.u.body.len <= used);
        in->p += used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pair p;
    struct portions in = {data, data + (size < 256 ? size : 256)}; /* for speed */
    const uint8_t how = take8(&in);
    if (how % 4 < 3) {
        raw(&in, (ajp_role)(how % 4));
        return 0;
    }
    p.to[0].len = p.to[0].seen = p.to[1].len = p.to[1].seen = 0;
    ajp_session_init(&p.server, AJP_SERVER, NULL);
    ajp_session_init(&p.container, AJP_CONTAINER, NULL);
    ajp_session_init(&p.observer, AJP_OBSERVER, NULL);
    for (int turn = 0; in.p < in.end && turn < 24; turn++) {
        play(&p, &in);
    }
    return 0;
}
