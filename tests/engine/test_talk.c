/* SPDX-License-Identifier: Apache-2.0 */
/* What the prober says and makes of answers, whole and cut at every byte. */
#include "balance/talk.h"

#include <criterion/criterion.h>
#include <string.h>

static struct worker_settings worker;
static struct health_settings health;
static struct talk talk;

static ajp_str str(const char *text)
{
    return text ? ajp_str_of(text, strlen(text)) : AJP_NULL;
}

static void setup(void)
{
    worker = (struct worker_settings){.host = str("node"), .port = 8009, .proto = PROTO_AJP};
    health = (struct health_settings){.path = str("/health?deep=1")};
}

TestSuite(talk, .init = setup);

/* Answer bytes: CPong, then a reply of status, "OK" in two chunks, and End Response. */
struct answer {
    uint8_t bytes[512];
    size_t len;
};

static void append(struct answer *answer, const void *bytes, size_t len)
{
    memcpy(answer->bytes + answer->len, bytes, len);
    answer->len += len;
}

static void append_reply(struct answer *answer, uint16_t status, const char *body)
{
    ajp_writer writer;
    size_t len;
    ajp_writer_init(&writer, answer->bytes + answer->len, sizeof answer->bytes - answer->len);
    ajp_write_response(&writer, status, str("x"));
    ajp_write_header(&writer, str("Content-Type"), str("text/plain"));
    cr_assert_eq(ajp_writer_finish(&writer, &len), AJP_OK);
    answer->len += len;
    for (size_t i = 0; i < 2; i++) { /* in two halves, so that chunks are put together */
        uint8_t room[AJP_CHUNK_HEAD + 64 + AJP_CHUNK_TAIL];
        size_t half = strlen(body) / 2, n = i ? strlen(body) - half : half;
        if (n == 0)
            continue;
        memcpy(room + AJP_CHUNK_HEAD, body + (i ? half : 0), n);
        room[AJP_CHUNK_HEAD + n] = 0;
        ajp_wrap_chunk(room + AJP_CHUNK_HEAD, (uint16_t)n);
        append(answer, room, AJP_CHUNK_HEAD + n + AJP_CHUNK_TAIL);
    }
    uint8_t end[AJP_SMALL_MAX];
    append(answer, end, ajp_make_end(end, true));
}

static enum talk_result feed(const uint8_t *bytes, size_t len)
{
    enum talk_result result = TALK_MORE;
    while (result == TALK_MORE && len > 0) {
        size_t room;
        uint8_t *space = talk_space(&talk, &room);
        size_t n = len < room ? len : room;
        memcpy(space, bytes, n);
        bytes += n;
        len -= n;
        result = talk_got(&talk, n);
    }
    return result;
}

/* Runs a whole conversation, the answer cut in two at cut. */
static enum talk_result converse(const struct answer *answer, size_t cut)
{
    static const uint8_t cpong[] = {'A', 'B', 0, 1, 9};
    enum talk_result result = talk_begin(&talk, &worker, &health);
    if (result == TALK_MORE && worker.proto == PROTO_AJP) {
        cr_assert_eq(talk.out_len, 5);
        talk.out_len = 0;
        result = feed(cpong, sizeof cpong);
    }
    talk.out_len = 0;
    if (result == TALK_MORE)
        result = feed(answer->bytes, cut);
    if (result == TALK_MORE)
        result = feed(answer->bytes + cut, answer->len - cut);
    return result == TALK_MORE ? talk_end(&talk) : result;
}

Test(talk, cpong_is_enough_without_a_page)
{
    struct answer none = {.len = 0};
    health.path = AJP_NULL;
    cr_expect_eq(converse(&none, 0), TALK_WELL);
    worker.proto = PROTO_HTTP;
    cr_expect_eq(converse(&none, 0), TALK_WELL);
}

Test(talk, request_for_the_page_is_right)
{
    static const uint8_t cpong[] = {'A', 'B', 0, 1, 9};
    worker.secret = str("s3cret");
    cr_assert_eq(talk_begin(&talk, &worker, &health), TALK_MORE);
    cr_assert_eq(feed(cpong, sizeof cpong), TALK_MORE);
    ajp_frame frame;
    ajp_message m;
    size_t used;
    cr_assert_eq(ajp_frame_next(talk.out, talk.out_len, &ajp_limits_default, &frame, &used),
                 AJP_OK);
    cr_assert_eq(ajp_decode(&m, &frame, false, &ajp_limits_default), AJP_OK);
    cr_expect_str_eq(m.u.request.uri.ptr, "/health");
    cr_expect_str_eq(ajp_request_attr(&m.u.request, AJP_ATTR_QUERY_STRING).ptr, "deep=1");
    cr_expect_str_eq(ajp_request_attr(&m.u.request, AJP_ATTR_SECRET).ptr, "s3cret");
    cr_expect_str_eq(ajp_request_header(&m.u.request, AJP_REQ_HOST).ptr, "node");
}

Test(talk, status_and_body_decide)
{
    static const struct {
        const char *label;
        uint16_t status, wanted_status;
        const char *body, *wanted_body;
        enum talk_result expected;
    } rows[] = {
        {"200", 200, 0, "", NULL, TALK_WELL},
        {"302", 302, 0, "", NULL, TALK_WELL},
        {"404", 404, 0, "", NULL, TALK_ILL},
        {"503", 503, 0, "", NULL, TALK_ILL},
        {"404 wanted", 404, 404, "", NULL, TALK_WELL},
        {"200, 204 wanted", 200, 204, "", NULL, TALK_ILL},
        {"body across chunks", 200, 0, "status: UP!", "UP", TALK_WELL},
        {"body lacks it", 200, 0, "status: DOWN", "UP", TALK_ILL},
        {"no body", 200, 0, "", "UP", TALK_ILL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {.len = 0};
        append_reply(&answer, rows[i].status, rows[i].body);
        health.status = rows[i].wanted_status;
        health.body = str(rows[i].wanted_body);
        for (size_t cut = 0; cut <= answer.len; cut++)
            cr_expect_eq(converse(&answer, cut), rows[i].expected, "%s, cut at %zu", rows[i].label,
                         cut);
    }
}

/* Its servlet reads its input, and once more at its end. */
Test(talk, page_that_asks_for_a_body_gets_its_end)
{
    static const uint8_t cpong[] = {'A', 'B', 0, 1, 9};
    uint8_t ask[AJP_SMALL_MAX], end[AJP_SMALL_MAX];
    size_t asked = ajp_make_get_body(ask, 8186), ended = ajp_make_body_end(end);
    struct answer answer = {.len = 0};
    cr_assert_eq(talk_begin(&talk, &worker, &health), TALK_MORE);
    cr_assert_eq(feed(cpong, sizeof cpong), TALK_MORE);
    for (int i = 0; i < 2; i++) {
        talk.out_len = 0;
        cr_assert_eq(feed(ask, asked), TALK_MORE);
        cr_expect_arr_eq(talk.out, end, ended);
        cr_expect_eq(talk.out_len, ended);
    }
    append_reply(&answer, 200, "fine");
    cr_expect_eq(feed(answer.bytes, answer.len), TALK_WELL);
}

Test(talk, page_that_asks_for_ever_is_ill)
{
    uint8_t ask[AJP_SMALL_MAX];
    size_t asked = ajp_make_get_body(ask, 8186);
    struct answer answer = {.len = 0};
    for (int i = 0; i < 3; i++)
        append(&answer, ask, asked);
    cr_expect_eq(converse(&answer, 0), TALK_ILL);
}

Test(talk, http_status_and_text_decide)
{
    static const struct {
        const char *reply;
        enum talk_result expected;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n\r\nUP", TALK_WELL},
        {"HTTP/1.0 204 X\r\nx: UP\r\n\r\n", TALK_WELL},
        {"HTTP/1.1 500 Oh\r\n\r\nUP", TALK_ILL},
        {"HTTP/1.1 200 OK\r\n\r\nno", TALK_ILL},
        {"HTTP/2 200 OK\r\n\r\nUP", TALK_ILL},
        {"UP", TALK_ILL},
        {"", TALK_ILL},
    };
    worker.proto = PROTO_HTTP;
    health.body = str("UP");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {.len = 0};
        append(&answer, rows[i].reply, strlen(rows[i].reply));
        for (size_t cut = 0; cut <= answer.len; cut++)
            cr_expect_eq(converse(&answer, cut), rows[i].expected, "%s, cut at %zu", rows[i].reply,
                         cut);
    }
}

Test(talk, wrong_answers_to_cping)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"HTTP/1.1 400", 12},    {"AB\0\2\5\1", 6}, /* End Response */
        {"AB\0\3\6\0\1", 7},                        /* GET_BODY */
        {"AB\xff\xff\x03", 5},                      /* longer than any packet may be */
        {"AB\0\0", 4},                              /* empty */
        {"\x12\x34\0\1\x0a", 5},                    /* our own words back */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(talk_begin(&talk, &worker, &health), TALK_MORE);
        enum talk_result result = feed((const uint8_t *)rows[i].bytes, rows[i].len);
        cr_expect_eq(result, TALK_ILL, "row %zu", i);
    }
}
