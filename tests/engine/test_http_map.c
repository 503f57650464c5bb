/* SPDX-License-Identifier: Apache-2.0 */
/* Heads across the two protocols: HTTP to AJP decoded again, AJP to HTTP judged. */
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "map/ajp_to_http.h"
#include "map/http_to_ajp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct ajp_extra nothing;

static bool str_is(ajp_str s, const char *want)
{
    return want ? s.ptr && s.len == strlen(want) && memcmp(s.ptr, want, s.len) == 0 : !s.ptr;
}

static void parse(struct head *h, const char *in)
{
    static struct field fields[HEAD_FIELDS_USUAL];
    struct h1_error err = {0, ""};
    size_t scanned = 0, used;

    memset(h, 0, sizeof *h);
    h->fields = fields;
    cr_assert_eq(h1_parse_request((const uint8_t *)in, strlen(in), &scanned, &h1_limits_default, h,
                                  &used, &err),
                 H1_OK, "%s", err.reason);
}

static void decode(ajp_message *m, const uint8_t *packet, size_t n)
{
    ajp_frame f;
    size_t used;

    cr_assert_eq(ajp_frame_next(packet, n, &ajp_limits_default, &f, &used), AJP_OK);
    cr_assert_eq(used, n);
    cr_assert_eq(ajp_decode(m, &f, false, &ajp_limits_default), AJP_OK);
}

/* "name=value;" of each field, "code:[name=]value;" of each attribute. */
static void trace(char *out, size_t cap, const ajp_request *r)
{
    ajp_fields fields = r->headers;
    ajp_attrs attrs = r->attrs;
    ajp_attr_view a;
    ajp_field f;
    size_t n = 0;

    out[0] = 0;
    while (ajp_field_next(&fields, &f))
        n += (size_t)snprintf(out + n, cap - n, "%.*s=%.*s;", (int)f.name.len, f.name.ptr,
                              (int)f.value.len, f.value.ptr);
    while (ajp_attr_next(&attrs, &a)) {
        n += (size_t)snprintf(out + n, cap - n, "%x:", (unsigned)a.code);
        if (a.code == AJP_ATTR_NAMED)
            n += (size_t)snprintf(out + n, cap - n, "%.*s=", (int)a.name.len, a.name.ptr);
        if (a.code == AJP_ATTR_SSL_KEY_SIZE)
            n += (size_t)snprintf(out + n, cap - n, "%u;", a.number);
        else
            n += (size_t)snprintf(out + n, cap - n, "%.*s;", (int)a.value.len, a.value.ptr);
    }
}

#define ADDRESSED(h)                                                                               \
    ((h)->remote_addr = AJP_STR("10.0.0.1"), (h)->remote_port = 4711,                              \
     (h)->local_addr = AJP_STR("10.0.0.2"))

Test(http_map, forward_request)
{
    static const struct {
        const char *label, *in, *method, *uri, *want;
        int64_t length;
    } rows[] = {
        {"least", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/a",
         "host=h;content-length=0;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;", 0},
        {"query", "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/a",
         "host=h;content-length=0;5:b=c;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;", 0},
        {"empty query", "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/a",
         "host=h;content-length=0;5:;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;", 0},
        {"length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\n", "POST", "/",
         "host=h;content-length=7;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;", 7},
        {"chunked", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "POST", "/",
         "host=h;transfer-encoding=chunked;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;", -1},
        {"stored method", "PATCH /%41;p HTTP/1.1\r\nHost: h\r\n\r\n", "PATCH", "/%41;p",
         "host=h;content-length=0;d:PATCH;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;", 0},
        {"method's case is kept", "get / HTTP/1.1\r\nHost: h\r\n\r\n", "get", "/",
         "host=h;content-length=0;d:get;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;", 0},
        {"S-02: no field becomes an attribute",
         "GET / HTTP/1.1\r\nHost: h\r\njavax.servlet.include.path-info: /WEB-INF/web.xml\r\n"
         "AJP-REMOTE-PORT: 1\r\nAJP_REMOTE_PORT: 2\r\nremote_user: root\r\n\r\n",
         "GET", "/",
         "host=h;javax.servlet.include.path-info=/WEB-INF/web.xml;AJP-REMOTE-PORT=1;"
         "content-length=0;a:AJP_REMOTE_PORT=4711;a:AJP_LOCAL_ADDR=10.0.0.2;",
         0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t packet[8192];
        char got[1024];
        ajp_message m;
        ajp_str largest;
        struct head h;
        size_t n;

        parse(&h, rows[i].in);
        ADDRESSED(&h);
        cr_assert_eq(map_http_to_ajp(&h, &nothing, packet, sizeof packet, &n, &largest), AJP_OK,
                     "%s", rows[i].label);
        decode(&m, packet, n);
        cr_assert_eq(m.kind, AJP_FORWARD_REQUEST);
        cr_expect(m.u.request.canonical, "%s", rows[i].label);
        cr_expect(str_is(m.u.request.method, rows[i].method), "%s", rows[i].label);
        cr_expect(str_is(m.u.request.uri, rows[i].uri), "%s", rows[i].label);
        cr_expect(str_is(m.u.request.protocol, "HTTP/1.1"));
        cr_expect(str_is(m.u.request.remote_addr, "10.0.0.1"));
        cr_expect(str_is(m.u.request.remote_host, NULL));
        cr_expect(str_is(m.u.request.server_name, "h"));
        cr_expect(!m.u.request.is_ssl);
        cr_expect_eq(m.u.request.content_length, rows[i].length, "%s", rows[i].label);
        trace(got, sizeof got, &m.u.request);
        cr_expect_str_eq(got, rows[i].want, "%s: got \"%s\"", rows[i].label, got);
    }
}

Test(http_map, forward_request_with_all_attributes)
{
    const struct tls_facts tls = {AJP_STR("TLS_X"), AJP_STR("5e55"), AJP_STR("TLSv1.3"),
                                  AJP_STR("-----BEGIN-----\r\nA\r\n"), 256};
    const struct ajp_extra extra = {
        .secret = AJP_STR("s3cret"), .route = AJP_STR("nodeA"), .activation = AJP_STR("ACT")};
    uint8_t packet[8192];
    char got[1024];
    ajp_message m;
    ajp_str largest;
    struct head h;
    size_t n;

    parse(&h, "GET / HTTP/1.1\r\nHost: h:8443\r\n\r\n");
    ADDRESSED(&h);
    h.tls = &tls;
    h.is_ssl = true;
    cr_assert_eq(map_http_to_ajp(&h, &extra, packet, sizeof packet, &n, &largest), AJP_OK);
    decode(&m, packet, n);
    cr_expect(m.u.request.is_ssl);
    cr_expect_eq(m.u.request.server_port, 8443); /* Q26: of Host, not of the socket */
    trace(got, sizeof got, &m.u.request);
    cr_expect_str_eq(
        got, "host=h:8443;content-length=0;6:nodeA;7:-----BEGIN-----\r\nA\r\n;8:TLS_X;9:5e55;b:256;"
             "a:AJP_SSL_PROTOCOL=TLSv1.3;c:s3cret;a:AJP_REMOTE_PORT=4711;"
             "a:AJP_LOCAL_ADDR=10.0.0.2;a:JK_LB_ACTIVATION=ACT;");
    h.is_ssl = false; /* facts of a session that is not there are not told */
    cr_assert_eq(map_http_to_ajp(&h, &nothing, packet, sizeof packet, &n, &largest), AJP_OK);
    decode(&m, packet, n);
    cr_expect(str_is(ajp_request_attr(&m.u.request, AJP_ATTR_SSL_CIPHER), NULL));
}

Test(http_map, no_room_names_the_largest_field)
{
    uint8_t packet[8192];
    ajp_str largest;
    struct head h;
    size_t n, m;

    parse(&h, "GET / HTTP/1.1\r\nHost: h\r\nCookie: 0123456789\r\nA: b\r\n\r\n");
    ADDRESSED(&h);
    cr_assert_eq(map_http_to_ajp(&h, &nothing, packet, sizeof packet, &n, &largest), AJP_OK);
    for (size_t cap = 0; cap < n; cap++) {
        largest = AJP_NULL;
        cr_assert_eq(map_http_to_ajp(&h, &nothing, packet, cap, &m, &largest), AJP_ERR_SPACE);
        cr_assert(str_is(largest, "Cookie"));
    }
    cr_assert_eq(map_http_to_ajp(&h, &nothing, packet, n, &m, &largest), AJP_OK);
}

/* A response as a hostile worker may write it: header name and value strings, raw. */
struct wire {
    uint8_t bytes[8192];
    size_t n;
};

static void wire_u16(struct wire *w, size_t v)
{
    w->bytes[w->n++] = (uint8_t)(v >> 8);
    w->bytes[w->n++] = (uint8_t)v;
}

static void wire_str(struct wire *w, const char *s)
{
    size_t n = s ? strlen(s) : 0;

    wire_u16(w, s ? n : 0xffff);
    if (!s)
        return;
    memcpy(w->bytes + w->n, s, n);
    w->n += n;
    w->bytes[w->n++] = 0;
}

struct answer {
    const char *label;
    uint16_t status;
    const char *fields[8]; /* name, value, ... */
    enum map_result want;
    int64_t length;
    const char *kept; /* "name=value;" of each */
    bool warned;
};

/* A view made by hand, so that what the codec refuses on its own is judged here too. */
static void answer(const struct answer *row, struct wire *w, ajp_response *r)
{
    *r = (ajp_response){.status = row->status, .reason = AJP_STR("evil\r\n"), .content_length = -1};
    w->n = 0;
    for (size_t i = 0; i < 4 && row->fields[2 * i]; i++) {
        wire_str(w, row->fields[2 * i]);
        wire_str(w, row->fields[2 * i + 1]);
        r->headers.count++;
    }
    r->headers.at = w->bytes;
}

static void check_answer(const struct answer *row)
{
    struct field fields[HEAD_FIELDS_USUAL];
    struct reply out = {.fields = fields};
    char kept[512] = "";
    const char *why = "unset";
    struct wire w;
    ajp_response r;

    answer(row, &w, &r);
    enum map_result got = map_ajp_to_http(&r, &out, &why);
    cr_expect_eq(got, row->want, "%s: %d, %s", row->label, got, why ? why : "");
    if (got == MAP_BAD)
        cr_expect(why && *why, "%s", row->label);
    if (got == MAP_BAD || row->want == MAP_BAD)
        return;
    for (unsigned i = 0; i < out.field_count; i++)
        snprintf(kept + strlen(kept), sizeof kept - strlen(kept), "%.*s=%.*s;",
                 (int)fields[i].name.len, fields[i].name.ptr, (int)fields[i].value.len,
                 fields[i].value.ptr);
    cr_expect_eq(out.status, row->status, "%s", row->label);
    cr_expect_eq(out.content_length, row->length, "%s", row->label);
    cr_expect_str_eq(kept, row->kept, "%s: kept \"%s\"", row->label, kept);
    cr_expect_eq(why != NULL, row->warned, "%s: %s", row->label, why ? why : "");
    cr_expect_eq(out.raw, &r);
}

Test(http_map, rows_102_to_118_of_replies)
{
    static const struct answer rows[] = {
        {"plain", 200, {"A", "b"}, MAP_OK, -1, "A=b;", false},
        {"length", 200, {"content-LENGTH", "12", "A", "b"}, MAP_OK, 12, "A=b;", false},
        {"cookies stay apart",
         200,
         {"Set-Cookie", "a=1", "Set-Cookie", "b=2"},
         MAP_OK,
         -1,
         "Set-Cookie=a=1;Set-Cookie=b=2;",
         false},
        {"102 CR in a value", 200, {"A", "b\rc"}, MAP_BAD, 0, "", false},
        {"102 LF in a value", 200, {"A", "b\r\nX-Inj: c"}, MAP_BAD, 0, "", false},
        {"102 DEL in a value", 200, {"A", "b\x7f"}, MAP_BAD, 0, "", false},
        {"tab in a value", 200, {"A", "b\tc"}, MAP_OK, -1, "A=b\tc;", false},
        {"103 empty name", 200, {"", "x", "A", "b"}, MAP_OK, -1, "A=b;", true},
        {"103 blank in a name", 200, {"a b", "x", "A", "b"}, MAP_OK, -1, "A=b;", true},
        {"103 colon in a name", 200, {"a:b", "x", "A", "b"}, MAP_OK, -1, "A=b;", true},
        {"103 CRLF in a name", 200, {"a\r\nX", "x", "A", "b"}, MAP_OK, -1, "A=b;", true},
        {"106 null value", 200, {"A", NULL}, MAP_OK, -1, "A=;", false},
        {"107 status 0", 0, {0}, MAP_BAD, 0, "", false},
        {"107 status 99", 99, {0}, MAP_BAD, 0, "", false},
        {"107 status 1000", 1000, {0}, MAP_BAD, 0, "", false},
        {"107 status 65535", 65535, {0}, MAP_BAD, 0, "", false},
        {"599", 599, {0}, MAP_OK, -1, "", false},
        {"107 status 600", 600, {0}, MAP_OK, -1, "", false},
        {"107 status 999", 999, {0}, MAP_OK, -1, "", false},
        {"108 status 100", 100, {0}, MAP_INTERIM, -1, "", false},
        {"108 status 103", 103, {"Link", "x"}, MAP_INTERIM, -1, "Link=x;", false},
        {"109 status 101", 101, {0}, MAP_BAD, 0, "", false},
        {"117 transfer coding",
         200,
         {"Transfer-Encoding", "chunked", "A", "b"},
         MAP_OK,
         -1,
         "A=b;",
         false},
        {"hop by hop",
         200,
         {"Keep-Alive", "x", "Upgrade", "y", "Proxy-Connection", "z", "TE", "t"},
         MAP_OK,
         -1,
         "",
         false},
        {"connection and what it lists",
         200,
         {"X-A", "1", "Connection", "close, x-a", "B", "2", "Trailer", "x"},
         MAP_OK,
         -1,
         "B=2;",
         false},
        {"blanks around", 200, {"A", " b\t"}, MAP_OK, -1, "A=b;", false},
        {"Date stays",
         304,
         {"Date", "now", "Server", "x"},
         MAP_OK,
         -1,
         "Date=now;Server=x;",
         false},
        {"204 with length", 204, {"Content-Length", "0"}, MAP_OK, 0, "", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_answer(&rows[i]);
}

Test(http_map, the_app_may_end_the_connection)
{
    static const struct {
        const char *value;
        bool close;
    } rows[] = {{"close", true},   {"x-a, Close", true}, {"keep-alive", false},
                {"closed", false}, {"", false},          {NULL, false}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct answer row = {"close", 200, {"Connection", rows[i].value}, MAP_OK, -1, "", 0};
        struct field fields[HEAD_FIELDS_USUAL];
        struct reply out = {.fields = fields};
        const char *why;
        struct wire w;
        ajp_response r;

        answer(&row, &w, &r);
        cr_assert_eq(map_ajp_to_http(&r, &out, &why), MAP_OK);
        cr_expect_eq(out.close, rows[i].close, "%s", rows[i].value ? rows[i].value : "null");
    }
}

Test(http_map, row_118_lengths)
{
    static const struct answer rows[] = {
        {"alike", 200, {"Content-Length", "5", "content-length", "5"}, MAP_OK, 5, "", false},
        {"unlike", 200, {"Content-Length", "5", "Content-Length", "6"}, MAP_BAD, 0, "", false},
        {"-1", 200, {"Content-Length", "-1"}, MAP_BAD, 0, "", false},
        {"+5", 200, {"Content-Length", "+5"}, MAP_BAD, 0, "", false},
        {"empty", 200, {"Content-Length", ""}, MAP_BAD, 0, "", false},
        {"null", 200, {"Content-Length", NULL}, MAP_BAD, 0, "", false},
        {"list", 200, {"Content-Length", "5, 5"}, MAP_BAD, 0, "", false},
        {"20 digits", 200, {"Content-Length", "99999999999999999999"}, MAP_BAD, 0, "", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_answer(&rows[i]);
}

Test(http_map, request_from_ajp_is_the_request_again)
{
    struct field fields[HEAD_FIELDS_USUAL];
    struct head h, back = {.fields = fields};
    uint8_t packet[8192];
    ajp_message m;
    ajp_str largest;
    size_t n;

    parse(&h, "POST /a/b?c HTTP/1.1\r\nHost: h:81\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n");
    ADDRESSED(&h);
    cr_assert_eq(map_http_to_ajp(&h, &nothing, packet, sizeof packet, &n, &largest), AJP_OK);
    decode(&m, packet, n);
    map_fields_from_request(&m.u.request, &back);
    cr_expect(str_is(back.method, "POST") && str_is(back.path, "/a/b") && str_is(back.query, "c"));
    cr_expect(str_is(back.host, "h:81") && str_is(back.server_name, "h"));
    cr_expect(back.chunked && back.content_length == -1 && back.server_port == 81);
    cr_expect(str_is(back.remote_addr, "10.0.0.1") && back.remote_port == 4711);
    cr_expect(str_is(back.local_addr, "10.0.0.2"));
    cr_expect_eq(back.field_count, 2);
    cr_expect(str_is(back.fields[1].name, "A") && str_is(back.fields[1].value, "b"));
    cr_expect_eq(back.raw, &m.u.request);
}
