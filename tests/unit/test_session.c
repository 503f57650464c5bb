/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations, each fed whole, byte by byte and in pieces of odd sizes: what
 * the session says is the same every time. */
#include "session_rows.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One run of a row: the unread bytes of both directions, and what was said. */
struct run {
    const struct session_row *row;
    ajp_session s;
    uint8_t buf[2][16384];
    size_t len[2];
    size_t body; /* bytes of the open body packet so far */
    bool faulty; /* it has been reported as an error */
    char said[1024];
};

static void say(struct run *r, const char *word)
{
    const size_t n = strlen(r->said);
    snprintf(r->said + n, sizeof r->said - n, "%s%s", n > 0 ? " " : "", word);
}

static const char *kind_text(const ajp_message *m)
{
    const ajp_str name = ajp_kind_name(m->kind);
    return name.ptr != NULL ? name.ptr : "?";
}

static void say_message(struct run *r, const ajp_message *m)
{
    char word[128], slack[16] = "";
    if (m->slack > 0) {
        snprintf(slack, sizeof slack, "~%u", m->slack);
    }
    if (m->kind == AJP_DATA || m->kind == AJP_BODY_CHUNK) {
        const ajp_body *b = &m->u.body;
        cr_assert(b->first == (r->body == 0 || b->len == b->packet), "%s: first", r->row->label);
        r->body += b->len;
        if (!b->complete) {
            return;
        }
        cr_assert(r->body == b->packet, "%s: %zu of %u bytes", r->row->label, r->body, b->packet);
        r->body = 0;
        if (r->faulty) {
            r->faulty = false;
            return;
        }
        snprintf(word, sizeof word, "%s(%u)%s", kind_text(m), b->packet, slack);
    } else {
        const bool closes = m->kind == AJP_END_RESPONSE && !m->u.reuse;
        snprintf(word, sizeof word, "%s%s%s", kind_text(m), closes ? "/close" : "", slack);
    }
    say(r, word);
}

static void say_error(struct run *r, ajp_status st, const ajp_message *m)
{
    char word[128];
    const bool observed = r->row->role == AJP_OBSERVER && st != AJP_ERR_ARG;
    snprintf(word, sizeof word, "!%s@%u%s%s", ajp_status_name(st), m->fault, observed ? ":" : "",
             observed ? kind_text(m) : "");
    const bool junk = st == AJP_ERR_MAGIC || st == AJP_ERR_FRAME_SIZE;
    if (observed && junk && (strstr(r->said, "!ERR_MAGIC") || strstr(r->said, "!ERR_FRAME"))) {
        return; /* junk that came in pieces is junk once */
    }
    say(r, word);
}

static ajp_status take(struct run *r, ajp_dir dir, const uint8_t *in, size_t len, size_t *used,
                       ajp_message *m)
{
    return r->row->role == AJP_OBSERVER && r->row->steps[0].op != RECV
               ? ajp_session_observe(&r->s, dir, in, len, used, m)
               : ajp_session_recv(&r->s, in, len, used, m);
}

/* Everything that the bytes held so far tell. */
static void drain(struct run *r, ajp_dir dir)
{
    for (;;) {
        ajp_message m = {0};
        size_t used = SIZE_MAX;
        const size_t len = r->len[dir];
        uint8_t *copy = guard_copy(r->buf[dir], len);
        const ajp_status st = take(r, dir, copy, len, &used, &m);
        if (st == AJP_OK) {
            cr_assert(used <= len && (used > 0 || m.kind == AJP_DATA), "%s", r->row->label);
            say_message(r, &m);
        } else if (st < 0) {
            say_error(r, st, &m);
            if (used <= len && (m.kind == AJP_DATA || m.kind == AJP_BODY_CHUNK)) {
                r->body = m.u.body.complete ? 0 : r->body + m.u.body.len;
                r->faulty = !m.u.body.complete;
            }
        }
        guard_free(copy, len);
        if (st == AJP_MORE || used > len) {
            cr_assert(st != AJP_MORE || used == SIZE_MAX, "%s: used on MORE", r->row->label);
            return;
        }
        memmove(r->buf[dir], r->buf[dir] + used, len - used);
        r->len[dir] -= used;
    }
}

static void feed(struct run *r, ajp_dir dir, const struct step *step, size_t piece)
{
    struct wire w = wire_of(step->wire);
    const bool observer = r->row->role == AJP_OBSERVER;
    r->said[0] = '\0';
    for (size_t at = 0; at < w.len || at == 0;) {
        const size_t left = w.len - at;
        size_t n = piece == 0 ? 1 + (size_t)rand() % 17 : piece;
        n = n < left ? n : left;
        memcpy(r->buf[dir] + r->len[dir], w.bytes + at, n);
        r->len[dir] += n;
        at += n;
        if (strchr(r->said, '!') == NULL || (observer && step->op != RECV)) {
            drain(r, dir);
        }
        if (n == 0) {
            break;
        }
    }
    wire_free(&w);
}

static void check_status(const struct run *r, size_t i, ajp_status st)
{
    const struct step *step = &r->row->steps[i];
    cr_assert_str_eq(ajp_status_name(st), step->want, "%s: step %zu: %s, not %s", r->row->label, i,
                     ajp_status_name(st), step->want);
}

static void check_number(const struct run *r, size_t i, int64_t n)
{
    cr_assert(n == r->row->steps[i].n, "%s: step %zu: %d", r->row->label, i, (int)n);
}

static void do_step(struct run *r, size_t i, size_t piece)
{
    const struct step *step = &r->row->steps[i];
    switch (step->op) {
    case RECV:
    case FROM_WEB:
    case FROM_CONTAINER:
        feed(r, step->op == FROM_CONTAINER || r->row->role == AJP_SERVER, step, piece);
        cr_assert_str_eq(r->said, step->want, "%s: step %zu, pieces of %zu: said '%s', not '%s'",
                         r->row->label, i, piece, r->said, step->want);
        break;
    case SEND:
        check_status(r, i, ajp_session_send(&r->s, step->kind, (size_t)step->n));
        break;
    case REQUEST:
        check_status(r, i, ajp_session_send_request(&r->s, step->n));
        break;
    case GRANT:
        check_number(r, i, (int64_t)ajp_session_grant(&r->s));
        break;
    case OWED:
        check_number(r, i, ajp_session_owed(&r->s));
        break;
    case IDLE:
        check_number(r, i, ajp_session_idle(&r->s));
        break;
    case RESYNC:
        ajp_session_resync(&r->s);
        r->len[0] = r->len[1] = 0;
        r->body = 0;
        break;
    case NOTHING:
        break;
    }
}

static void run_row(const struct session_row *row, size_t piece)
{
    static struct run r;
    const ajp_limits lim = limits_named(row->limits);
    memset(&r, 0, sizeof r);
    r.row = row;
    ajp_session_init(&r.s, row->role, &lim);
    for (size_t i = 0; i < sizeof row->steps / sizeof row->steps[0]; i++) {
        do_step(&r, i, piece);
    }
}

static void check_row(const struct session_row *row)
{
    run_row(row, SIZE_MAX);
    run_row(row, 1);
    srand(13);
    for (int i = 0; i < 5; i++) {
        run_row(row, 0);
    }
}

static struct criterion_test_params indices(size_t count)
{
    static size_t index[256];
    for (size_t i = 0; i < count; i++) {
        index[i] = i;
    }
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTestParameters(session, container)
{
    return indices(container_row_count);
}

ParameterizedTest(const size_t *i, session, container)
{
    check_row(&container_rows[*i]);
}

ParameterizedTestParameters(session, server)
{
    return indices(server_row_count);
}

ParameterizedTest(const size_t *i, session, server)
{
    check_row(&server_rows[*i]);
}

ParameterizedTestParameters(session, observer)
{
    return indices(observer_row_count);
}

ParameterizedTest(const size_t *i, session, observer)
{
    check_row(&observer_rows[*i]);
}

/* A reader that reads exactly what it is told to want gets through. */
Test(session, want_is_enough_and_never_more_than_the_packet)
{
    struct wire w = wire_of(HEADERS CHUNK5 FLUSH CHUNK5 END1);
    ajp_session s;
    ajp_message m = {0};
    size_t from = 0, to = 0, used;
    ajp_session_init(&s, AJP_SERVER, NULL);
    cr_assert(ajp_session_send_request(&s, -1) == AJP_OK);
    while (from < w.len) {
        const size_t want = ajp_session_want(&s, w.bytes + from, to - from);
        if (to - from < want) {
            to = from + want;
            cr_assert(to <= w.len, "it wants %zu bytes past the end", to - w.len);
            continue;
        }
        cr_assert(ajp_session_recv(&s, w.bytes + from, to - from, &used, &m) == AJP_OK);
        from += used;
    }
    cr_assert(m.kind == AJP_END_RESPONSE);
    cr_assert(ajp_session_idle(&s));
    wire_free(&w);
}

/* The bytes of a body packet that says it is empty, and is not. */
static void read_as_wanted(ajp_session *s, const char *text)
{
    struct wire w = wire_of(text);
    ajp_message m = {0};
    size_t have = 0, used;
    for (ajp_status st = AJP_MORE; st == AJP_MORE;
         st = ajp_session_recv(s, w.bytes, have, &used, &m)) {
        const size_t want = ajp_session_want(s, w.bytes, have);
        cr_assert(want > have && want <= w.len, "%s: wants %zu, has %zu", text, want, have);
        have = want;
    }
    cr_assert(have == w.len && used == w.len && m.u.body.packet == 0 && m.u.body.complete);
    wire_free(&w);
}

Test(session, want_grows_until_an_empty_packet_s_slack_is_whole)
{
    ajp_session s;
    ajp_session_init(&s, AJP_SERVER, &ajp_limits_relay);
    cr_assert(ajp_session_send_request(&s, -1) == AJP_OK);
    read_as_wanted(&s, "< 03 00 00 00 00 00 ff");
    read_as_wanted(&s, FLUSH);
    read_as_wanted(&s, "< 03 00 00");
    struct wire get = wire_of(GET);
    ajp_message m;
    size_t used;
    ajp_session_init(&s, AJP_CONTAINER, &ajp_limits_relay);
    cr_assert(ajp_session_recv(&s, get.bytes, get.len, &used, &m) == AJP_OK);
    cr_assert(ajp_session_send(&s, AJP_GET_BODY, 100) == AJP_OK);
    wire_free(&get);
    read_as_wanted(&s, "> 00 00 00 00 ff");
}

Test(session, want_at_a_packet_s_end_is_its_pad_and_slack)
{
    struct wire w = wire_of(HEADERS "= < 03 00 05 \"hello\" 00 00 ff");
    const size_t before = w.len - 3;
    ajp_session s;
    ajp_message m;
    size_t used = 0, at;
    ajp_session_init(&s, AJP_SERVER, &ajp_limits_relay);
    cr_assert(ajp_session_send_request(&s, -1) == AJP_OK);
    cr_assert(ajp_session_recv(&s, w.bytes, before, &used, &m) == AJP_OK);
    at = used;
    cr_assert(ajp_session_recv(&s, w.bytes + at, before - at, &used, &m) == AJP_OK);
    cr_assert(at + used == before && m.u.body.len == 5 && !m.u.body.complete);
    cr_assert(ajp_session_want(&s, w.bytes + before, 0) == 3);
    cr_assert(ajp_session_recv(&s, w.bytes + before, 2, &used, &m) == AJP_MORE);
    cr_assert(ajp_session_recv(&s, w.bytes + before, 3, &used, &m) == AJP_OK && used == 3);
    cr_assert(m.u.body.complete && m.slack == 2);
    wire_free(&w);
}

Test(session, a_side_of_the_conversation_cannot_lose_its_place)
{
    ajp_session s;
    ajp_session_init(&s, AJP_SERVER, NULL);
    cr_assert(ajp_session_send_request(&s, -1) == AJP_OK);
    ajp_session_resync(&s);
    cr_assert(ajp_session_send(&s, AJP_DATA, 5) == AJP_ERR_STATE);
    cr_assert(ajp_session_send_request(&s, -1) == AJP_ERR_STATE);
}

Test(session, a_connection_is_not_idle_while_an_owed_body_arrives)
{
    struct wire w = wire_of(POST("10") D10);
    const size_t head = w.len - 16;
    ajp_session s;
    ajp_message m;
    size_t used = 0;
    ajp_session_init(&s, AJP_CONTAINER, NULL);
    cr_assert(ajp_session_recv(&s, w.bytes, head, &used, &m) == AJP_OK && used == head);
    cr_assert(ajp_session_send(&s, AJP_SEND_HEADERS, 200) == AJP_OK);
    cr_assert(ajp_session_send(&s, AJP_END_RESPONSE, 1) == AJP_OK);
    cr_assert(ajp_session_recv(&s, w.bytes + head, 10, &used, &m) == AJP_OK && used == 10);
    cr_assert(m.u.body.first && !m.u.body.complete && !ajp_session_idle(&s));
    cr_assert(ajp_session_want(&s, w.bytes, 0) == 1);
    cr_assert(ajp_session_recv(&s, w.bytes + head + 10, 6, &used, &m) == AJP_OK && used == 6);
    cr_assert(!m.u.body.first && m.u.body.complete && ajp_session_idle(&s));
    wire_free(&w);
}

Test(session, a_late_pad_ends_the_packet_with_an_empty_part)
{
    struct wire w = wire_of(HEADERS CHUNK5);
    ajp_session s;
    ajp_message m;
    size_t used = 0, at;
    ajp_session_init(&s, AJP_SERVER, NULL);
    cr_assert(ajp_session_send_request(&s, -1) == AJP_OK);
    cr_assert(ajp_session_recv(&s, w.bytes, w.len - 1, &used, &m) == AJP_OK);
    at = used;
    cr_assert(ajp_session_recv(&s, w.bytes + at, w.len - 1 - at, &used, &m) == AJP_OK);
    cr_assert(m.u.body.len == 5 && m.u.body.first && !m.u.body.complete);
    at += used;
    cr_assert(at == w.len - 1 && ajp_session_want(&s, w.bytes + at, 0) == 1);
    cr_assert(ajp_session_recv(&s, w.bytes + at, 1, &used, &m) == AJP_OK && used == 1);
    cr_assert(m.u.body.len == 0 && !m.u.body.first && m.u.body.complete && m.u.body.packet == 5);
    wire_free(&w);
}

Test(session, tiny_packets)
{
    ajp_limits lim = ajp_limits_default;
    ajp_session s;
    ajp_message m;
    size_t used = 0;
    struct wire w = wire_of(GET);
    for (uint32_t max = 0; max < 10; max++) {
        lim.max_packet = max;
        ajp_session_init(&s, AJP_SERVER, &lim);
        cr_assert(ajp_session_send_request(&s, 100) == AJP_OK);
        cr_assert(ajp_session_grant(&s) == (max > 6 ? max - 6 : 0));
        ajp_session_init(&s, AJP_CONTAINER, NULL);
        cr_assert(ajp_session_recv(&s, w.bytes, w.len, &used, &m) == AJP_OK);
        cr_assert(ajp_session_send(&s, AJP_SEND_HEADERS, 200) == AJP_OK);
        s.lim.max_packet = max;
        cr_assert(ajp_session_send(&s, AJP_BODY_CHUNK, 1) == (max > 8 ? AJP_OK : AJP_ERR_SPACE));
    }
    wire_free(&w);
}

Test(session, an_error_sticks)
{
    struct wire w = wire_of(GET);
    ajp_session s;
    ajp_message m;
    size_t used;
    ajp_session_init(&s, AJP_SERVER, NULL);
    cr_assert(ajp_session_recv(&s, w.bytes, w.len, &used, &m) == AJP_ERR_STATE);
    cr_assert(ajp_session_recv(&s, w.bytes, 0, &used, &m) == AJP_ERR_STATE);
    cr_assert(ajp_session_send_request(&s, 0) == AJP_ERR_STATE);
    cr_assert(ajp_session_send(&s, AJP_CPING, 0) == AJP_ERR_STATE);
    cr_assert(!ajp_session_idle(&s));
    wire_free(&w);
}

Test(session, an_observer_counts_many_requests_for_more)
{
    struct wire get = wire_of(GET), want = wire_of(WANT), data = wire_of(D10);
    ajp_session s;
    ajp_message m;
    size_t used;
    ajp_session_init(&s, AJP_OBSERVER, NULL);
    cr_assert(ajp_session_observe(&s, AJP_TO_CONTAINER, get.bytes, get.len, &used, &m) == AJP_OK);
    for (int i = 0; i < 300; i++) {
        cr_assert(ajp_session_observe(&s, AJP_TO_SERVER, want.bytes, want.len, &used, &m) ==
                  AJP_OK);
    }
    for (int i = 0; i < 255; i++) {
        cr_assert(ajp_session_observe(&s, AJP_TO_CONTAINER, data.bytes, data.len, &used, &m) ==
                  AJP_OK);
    }
    cr_assert(!ajp_session_owed(&s));
    wire_free(&get);
    wire_free(&want);
    wire_free(&data);
}

Test(session, observing_is_the_observer_s)
{
    struct wire w = wire_of(GET);
    ajp_session s;
    ajp_message m;
    size_t used;
    ajp_session_init(&s, AJP_CONTAINER, NULL);
    cr_assert(ajp_session_observe(&s, AJP_TO_CONTAINER, w.bytes, w.len, &used, &m) == AJP_ERR_ARG);
    ajp_session_init(&s, AJP_OBSERVER, NULL);
    cr_assert(ajp_session_observe(&s, (ajp_dir)2, w.bytes, w.len, &used, &m) == AJP_ERR_ARG);
    cr_assert(ajp_session_observe(&s, AJP_TO_SERVER, w.bytes, 0, &used, &m) == AJP_MORE);
    wire_free(&w);
}

Test(session, want_by_role)
{
    struct wire chunk = wire_of("< 03 1f f8 61 61"), head = wire_of("< 04 00 c8 ffff 00 00");
    struct wire post = wire_of(POST("10")), data = wire_of(D10);
    ajp_session s;
    ajp_message m;
    size_t used;
    ajp_session_init(&s, AJP_SERVER, NULL);
    cr_assert(ajp_session_want(&s, chunk.bytes, 0) == 4);
    cr_assert(ajp_session_want(&s, chunk.bytes, 4) == 9);
    cr_assert(ajp_session_want(&s, chunk.bytes, 5) == 8);
    cr_assert(ajp_session_want(&s, head.bytes, 5) == head.len);
    ajp_session_init(&s, AJP_CONTAINER, NULL);
    cr_assert(ajp_session_want(&s, post.bytes, 4) == post.len);
    cr_assert(ajp_session_recv(&s, post.bytes, post.len, &used, &m) == AJP_OK);
    cr_assert(ajp_session_want(&s, data.bytes, 4) == 7);
    cr_assert(ajp_session_want(&s, (const uint8_t *)"\x12\x34\0\0", 4) == 4);
    wire_free(&chunk);
    wire_free(&head);
    wire_free(&post);
    wire_free(&data);
}
