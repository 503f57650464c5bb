/* SPDX-License-Identifier: Apache-2.0 */
/* Session ids and routes of requests, out of neutral heads and out of AJP packets. */
#include "balance/sessions.h"
#include "balance/sticky.h"

#include "balance_fixture.h"

#include <stdio.h>

enum { FIELDS = 4 };

struct row {
    const char *label, *path;
    const char *cookies[FIELDS];
    const char *session_id, *route;
    bool found;
};

static const struct row rows[] = {
    {"nothing", "/", {NULL}, NULL, NULL, false},
    {"cookie", "/", {"JSESSIONID=12.a"}, "12.a", "a", true},
    {"cookie among others", "/", {"x=1; JSESSIONID=12.a; y=2"}, "12.a", "a", true},
    {"quoted", "/", {"JSESSIONID=\"12.a\""}, "12.a", "a", true},
    {"second header", "/", {"x=1", "JSESSIONID=12.b"}, "12.b", "b", true},
    {"path goes first", "/x;jsessionid=9.b", {"JSESSIONID=12.a"}, "9.b", "b", true},
    {"path ends at a slash", "/x;jsessionid=9.b/y", {NULL}, "9.b", "b", true},
    {"path of no worker, cookie of one",
     "/x;jsessionid=9.gone",
     {"JSESSIONID=12.a"},
     "12.a",
     "a",
     true},
    {"several cookies: the one with a worker",
     "/",
     {"JSESSIONID=1.gone; JSESSIONID=2.b"},
     "2.b",
     "b",
     true},
    {"several cookies with workers: the first",
     "/",
     {"JSESSIONID=1.b; JSESSIONID=2.a"},
     "1.b",
     "b",
     true},
    {"no worker: the first with a route",
     "/",
     {"JSESSIONID=1; JSESSIONID=2.gone"},
     "2.gone",
     "gone",
     true},
    {"id without a route", "/", {"JSESSIONID=1"}, "1", NULL, true},
    {"empty route", "/", {"JSESSIONID=1."}, "1.", NULL, true},
    {"empty id", "/", {"JSESSIONID="}, NULL, NULL, false},
    {"other name", "/", {"XJSESSIONID=1.a; jsessionid=1.a"}, NULL, NULL, false},
    {"route with a bad byte", "/", {"JSESSIONID=1.a/../b"}, "1.a/../b", NULL, true},
    {"route with a dot", "/", {"JSESSIONID=1.west.b"}, "1.west.b", "west.b", true},
    {"route too long",
     "/",
     {"JSESSIONID=1.aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"},
     NULL,
     NULL,
     true},
};

static bool same(ajp_str s, const char *text)
{
    if (!text)
        return s.len == 0;
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static void check(const struct row *row, const char *form, struct balancer *balancer,
                  const struct head *head)
{
    struct pick pick = {0};
    cr_expect_eq(sticky_find(balancer, head, &pick), row->found, "%s: %s", form, row->label);
    if (row->session_id || !row->found)
        cr_expect(same(pick.session_id, row->session_id), "%s: %s", form, row->label);
    cr_expect(same(pick.route, row->route), "%s: %s", form, row->label);
}

Test(sticky, ids_of_neutral_heads)
{
    fixture_reset(2);
    struct balancer *balancer = fixture_balancer();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct field fields[FIELDS + 1] = {{str("Accept"), str("JSESSIONID=0.a")}};
        struct head head = {.path = str(rows[i].path), .fields = fields, .field_count = 1};
        for (size_t f = 0; f < FIELDS && rows[i].cookies[f]; f++)
            fields[head.field_count++] = (struct field){str("cOOkie"), str(rows[i].cookies[f])};
        check(&rows[i], "head", balancer, &head);
    }
    balancer_free(balancer);
}

Test(sticky, names_are_settings)
{
    fixture_reset(2);
    fixture_settings.session.cookie = str("SID");
    fixture_settings.session.param = str("sid");
    struct balancer *balancer = fixture_balancer();
    struct field field = {str("Cookie"), str("JSESSIONID=1.a; SID=1.b")};
    struct head head = {.path = str("/"), .fields = &field, .field_count = 1};
    struct pick pick = {0};
    cr_expect(sticky_find(balancer, &head, &pick));
    cr_expect(same(pick.route, "b"));
    head.path = str("/;jsessionid=2.b;sid=2.a");
    cr_expect(sticky_find(balancer, &head, &pick));
    cr_expect(same(pick.session_id, "2.a"));
    balancer_free(balancer);
}

/* The row's request as a packet, decoded: views into buf. */
static void decode_row(const struct row *row, uint8_t *buf, size_t cap, ajp_message *message)
{
    ajp_writer writer;
    ajp_frame frame;
    size_t len, used;
    ajp_request_line line = {.method = str("GET"),
                             .protocol = str("HTTP/1.1"),
                             .uri = str(row->path),
                             .remote_addr = str("127.0.0.1"),
                             .server_name = str("localhost"),
                             .server_port = 80};
    ajp_writer_init(&writer, buf, cap);
    ajp_write_request(&writer, &line);
    ajp_write_header(&writer, str("Accept"), str("JSESSIONID=0.a"));
    for (size_t f = 0; f < FIELDS && row->cookies[f]; f++)
        ajp_write_header(&writer, str("Cookie"), str(row->cookies[f]));
    cr_assert_eq(ajp_writer_finish(&writer, &len), AJP_OK);
    cr_assert_eq(ajp_frame_next(buf, len, &ajp_limits_relay, &frame, &used), AJP_OK);
    cr_assert_eq(ajp_decode(message, &frame, false, &ajp_limits_relay), AJP_OK);
}

Test(sticky, ids_of_packets_are_the_same)
{
    fixture_reset(2);
    struct balancer *balancer = fixture_balancer();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t buf[2048];
        ajp_message message;
        decode_row(&rows[i], buf, sizeof buf, &message);
        struct head head = {.path = message.u.request.uri, .raw = &message.u.request};
        check(&rows[i], "packet", balancer, &head);
    }
    balancer_free(balancer);
}

Test(sticky, query_parameter_where_it_is_set)
{
    static const struct {
        const char *query, *session_id;
    } table[] = {
        {"sid=7.b", "7.b"},    {"x=1&sid=7.b&y=2", "7.b"},
        {"xsid=7.b", "1.a"},   {"sid", "1.a"},
        {"sid=", "1.a"},       {"", "1.a"},
        {NULL, "1.a"},         {"&&sid=7.b", "7.b"},
        {"sid=7.gone", "1.a"}, {"sid=7.b&sid=8.a", "7.b"},
    };
    fixture_reset(2);
    fixture_settings.session.query = str("sid");
    struct balancer *balancer = fixture_balancer();
    struct field field = {str("Cookie"), str("JSESSIONID=1.a")};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct head head = {
            .path = str("/"), .query = str(table[i].query), .fields = &field, .field_count = 1};
        struct pick pick = {0};
        cr_expect(sticky_find(balancer, &head, &pick));
        cr_expect(same(pick.session_id, table[i].session_id), "%s", table[i].query);
    }
    balancer_free(balancer);
}

/* id of the request /;jsessionid=1.a?sid=2.b with three cookies, as a head and as a packet. */
static void check_order(const char *label, const char *want)
{
    static const struct row row = {
        "", "/;jsessionid=1.a", {"OTHER=3.b; JSESSIONID=4.a", "x=1; THIRD=5.b"}, NULL, NULL, true};
    struct balancer *balancer = fixture_balancer();
    struct field fields[] = {{str("Cookie"), str(row.cookies[0])},
                             {str("cookie"), str(row.cookies[1])}};
    uint8_t buf[2048];
    ajp_message message;
    decode_row(&row, buf, sizeof buf, &message);
    struct head heads[] = {
        {.path = str(row.path), .query = str("sid=2.b"), .fields = fields, .field_count = 2},
        {.path = str(row.path), .query = str("sid=2.b"), .raw = &message.u.request}};
    for (size_t form = 0; form < 2; form++) {
        struct sticky_ids it;
        ajp_str id;
        char got[64] = "";
        sticky_ids_init(&it, &heads[form], &fixture_settings.session);
        while (sticky_ids_next(&it, &id))
            snprintf(got + strlen(got), sizeof got - strlen(got), "%.*s ", (int)id.len, id.ptr);
        cr_expect_str_eq(got, want, "%s, form %zu: %s", label, form, got);
    }
    balancer_free(balancer);
}

Test(sticky, order_and_several_cookies_are_settings)
{
    static const ajp_str more[] = {{"OTHER", 5}, {"THIRD", 5}};
    static const struct {
        const char *label;
        struct source_list order;
        size_t more;
        const char *want;
    } table[] = {
        {"none set", {{0}, 0}, 0, "2.b 1.a 4.a "},
        {"more cookies", {{0}, 0}, 1, "2.b 1.a 3.b 4.a "},
        {"cookies first",
         {{SOURCE_COOKIE, SOURCE_PATH, SOURCE_QUERY}, 3},
         2,
         "3.b 4.a 5.b 1.a 2.b "},
        {"path before query", {{SOURCE_PATH, SOURCE_QUERY}, 2}, 2, "1.a 2.b "},
        {"cookies alone", {{SOURCE_COOKIE}, 1}, 2, "3.b 4.a 5.b "},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        fixture_reset(2);
        fixture_settings.session.query = str("sid");
        fixture_settings.session.order = table[i].order;
        fixture_settings.session.more_cookies = (struct text_list){more, table[i].more};
        check_order(table[i].label, table[i].want);
    }
}

Test(sticky, query_parameter_of_a_packet)
{
    static const struct row row = {"", "/;jsessionid=1.a", {"JSESSIONID=2.a"}, NULL, NULL, true};
    fixture_reset(2);
    fixture_settings.session.query = str("sid");
    struct balancer *balancer = fixture_balancer();
    uint8_t buf[2048];
    ajp_message message;
    decode_row(&row, buf, sizeof buf, &message);
    struct head head = {.path = message.u.request.uri, .raw = &message.u.request};
    struct pick pick = {0};
    cr_expect(sticky_find(balancer, &head, &pick));
    cr_expect(same(pick.session_id, "1.a"), "no query: the path");
    head.query = str("sid=9.b");
    cr_expect(sticky_find(balancer, &head, &pick));
    cr_expect(same(pick.session_id, "9.b"));
    balancer_free(balancer);
}

Test(sticky, separator_is_a_setting)
{
    static const struct {
        const char *id, *route;
        char separator;
    } table[] = {
        {"1!a", "a", '!'}, {"1.a", NULL, '!'}, {"1.2!a", "a", '!'}, {"1-a-b", "a-b", '-'},
        {"1.a", "a", '.'}, {"1", NULL, '.'},   {"", NULL, '.'},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        cr_expect(same(sticky_route_of(str(table[i].id), table[i].separator), table[i].route), "%s",
                  table[i].id);
}

Test(sticky, stateless_paths_belong_to_no_session)
{
    static const struct {
        const char *path;
        bool stateless;
    } table[] = {
        {"/static/a.js", true}, {"/static/", true},       {"/static", false},
        {"/x/a.png", true},     {"/a.png;x=1", true},     {"/a.pngx", false},
        {"/ping", true},        {"/ping/", false},        {"//static//a.js", true},
        {"/%73tatic/a", true},  {"/x/../static/a", true}, {"/static/../x", false},
        {"/static/%zz", false}, {"/static;v=1/a", true},  {"/ping;jsessionid=1.a", true},
        {"/", false},           {".png", false},          {"png", false},
    };
    static ajp_str patterns[3];
    patterns[0] = str("/static/*");
    patterns[1] = str("*.png");
    patterns[2] = str("/ping");
    fixture_reset(2);
    fixture_settings.session.stateless = (struct text_list){patterns, 3};
    struct balancer *balancer = fixture_balancer();
    struct field field = {str("Cookie"), str("JSESSIONID=1.a")};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct head head = {.path = str(table[i].path), .fields = &field, .field_count = 1};
        struct pick pick = {.route = str("left over")};
        cr_expect_eq(sticky_find(balancer, &head, &pick), !table[i].stateless, "%s", table[i].path);
        cr_expect(same(pick.route, table[i].stateless ? NULL : "a"), "%s", table[i].path);
    }
    balancer_free(balancer);
}

Test(sticky, sessions_that_replies_begin_are_counted)
{
    static const struct {
        const char *name, *value;
        uint64_t at_a, at_b; /* sessions counted, of a reply of a */
    } table[] = {
        {"Set-Cookie", "JSESSIONID=1.a; Path=/; HttpOnly", 1, 0},
        {"Set-Cookie", "JSESSIONID=1.b", 0, 1},
        {"Set-Cookie", "JSESSIONID=1", 1, 0},
        {"Set-Cookie", "JSESSIONID=1.gone", 1, 0},
        {"Set-Cookie2", "JSESSIONID=\"1.a\"; Version=1", 1, 0},
        {"Set-Cookie", "x=1; JSESSIONID=1.a", 0, 0}, /* an attribute of x */
        {"Set-Cookie", "JSESSIONID=; Max-Age=0", 0, 0},
        {"Set-Cookie", "jsessionid=1.a", 0, 0},
        {"X-Set-Cookie", "JSESSIONID=1.a", 0, 0},
    };
    fixture_reset(2);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct balancer *balancer = fixture_balancer();
        uint8_t buf[512];
        ajp_writer writer;
        ajp_message message;
        ajp_frame frame;
        size_t len, used;
        ajp_writer_init(&writer, buf, sizeof buf);
        ajp_write_response(&writer, 200, str("OK"));
        ajp_write_header(&writer, str("Set-Cookie"), str("other=2.b"));
        ajp_write_header(&writer, str(table[i].name), str(table[i].value));
        cr_assert_eq(ajp_writer_finish(&writer, &len), AJP_OK);
        cr_assert_eq(ajp_frame_next(buf, len, &ajp_limits_relay, &frame, &used), AJP_OK);
        cr_assert_eq(ajp_decode(&message, &frame, false, &ajp_limits_relay), AJP_OK);
        sticky_begun(balancer, &balancer->workers[0], &message.u.response, 1000);
        cr_expect_eq(sessions_count(balancer->workers[0].sessions, 1000), table[i].at_a, "%zu", i);
        cr_expect_eq(sessions_count(balancer->workers[1].sessions, 1000), table[i].at_b, "%zu", i);
        balancer_free(balancer);
    }
}
