/* SPDX-License-Identifier: Apache-2.0 */
/* Session ids in paths and cookies, and the route in them. */
#include "wire.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

static ajp_str str(const char *s)
{
    return s != NULL ? ajp_str_of(s, strlen(s)) : AJP_NULL;
}

static bool is(ajp_str s, const char *text)
{
    if (text == NULL) {
        return s.ptr == NULL;
    }
    return s.ptr != NULL && s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static struct criterion_test_params numbers(size_t count)
{
    static size_t index[64];
    for (size_t i = 0; i < count; i++) {
        index[i] = i;
    }
    return cr_make_param_array(size_t, index, count);
}

static const struct {
    const char *uri, *name, *want;
} params[] = {
    {"/a;jsessionid=1.n", "jsessionid", "1.n"},
    {"/a;jsessionid=1.n/b", "jsessionid", "1.n"},
    {"/a;jsessionid=1.n;x=2", "jsessionid", "1.n"},
    {"/a;x=2;jsessionid=1.n", "jsessionid", "1.n"},
    {"/a;jsessionid=1.n?q=1", "jsessionid", "1.n"},
    {"/a;jsessionid=1.n#f", "jsessionid", "1.n"},
    {"/a;jsessionid=", "jsessionid", ""},
    {"/a;jsessionid", "jsessionid", NULL},
    {"/a;xjsessionid=1", "jsessionid", NULL},
    {"/a;jsessionidx=1", "jsessionid", NULL},
    {"/a;JSESSIONID=1", "jsessionid", NULL},
    {"/ajsessionid=1", "jsessionid", NULL},
    {"/a?x=;jsessionid=1", "jsessionid", NULL},
    {"/a;sid=1;jsessionid=2", "sid", "1"},
    {"/a;jsessionid=1/b;jsessionid=2", "jsessionid", "1"},
    {"/a;;jsessionid=1", "jsessionid", "1"},
    {"", "jsessionid", NULL},
    {";", "jsessionid", NULL},
    {NULL, "jsessionid", NULL},
};

ParameterizedTestParameters(route, path_param)
{
    return numbers(sizeof params / sizeof params[0]);
}

ParameterizedTest(const size_t *i, route, path_param)
{
    const ajp_str uri = str(params[*i].uri);
    uint8_t *copy = guard_copy((const uint8_t *)uri.ptr, uri.len);
    const ajp_str found =
        ajp_path_param(ajp_str_of(uri.ptr ? (char *)copy : NULL, uri.len), str(params[*i].name));
    cr_assert(is(found, params[*i].want), "%s", params[*i].uri);
    guard_free(copy, uri.len);
}

static const struct {
    const char *header, *want; /* name=[value] name=[value] */
} cookies[] = {
    {"a=1", "a=[1]"},
    {"a=1; b=2", "a=[1] b=[2]"},
    {"a=1;b=2", "a=[1] b=[2]"},
    {" a = 1 ;\tb\t=\t2 ", "a=[1] b=[2]"},
    {"a=\"1\"", "a=[1]"},
    {"a=\"", "a=[\"]"},
    {"a=\"\"", "a=[]"},
    {"a=\"1", "a=[\"1]"},
    {"a=", "a=[]"},
    {"a", ""},
    {"a; b=2", "b=[2]"},
    {"=1; b=2", "b=[2]"},
    {";;; b=2;;", "b=[2]"},
    {"a=b=c", "a=[b=c]"},
    {"a=1; a=2", "a=[1] a=[2]"},
    {"$Version=1; a=\"1.n\"; $Path=/", "$Version=[1] a=[1.n] $Path=[/]"},
    {"", ""},
    {NULL, ""},
};

ParameterizedTestParameters(route, cookie)
{
    return numbers(sizeof cookies / sizeof cookies[0]);
}

ParameterizedTest(const size_t *i, route, cookie)
{
    const ajp_str header = str(cookies[*i].header);
    uint8_t *copy = guard_copy((const uint8_t *)header.ptr, header.len);
    ajp_cookies it = ajp_cookies_of(ajp_str_of(header.ptr ? (char *)copy : NULL, header.len));
    ajp_cookie c;
    char said[256] = "";
    while (ajp_cookie_next(&it, &c)) {
        const size_t n = strlen(said);
        snprintf(said + n, sizeof said - n, "%s%.*s=[%.*s]", n > 0 ? " " : "", (int)c.name.len,
                 c.name.ptr, (int)c.value.len, c.value.ptr);
    }
    cr_assert_str_eq(said, cookies[*i].want);
    guard_free(copy, header.len);
}

static const struct {
    const char *id, *want;
} routes[] = {
    {"1.nodeA", "nodeA"}, {"1.dom.nodeA", "dom.nodeA"},
    {"1.", ""},           {".n", "n"},
    {"1", NULL},          {"", NULL},
    {NULL, NULL},
};

ParameterizedTestParameters(route, route_of)
{
    return numbers(sizeof routes / sizeof routes[0]);
}

ParameterizedTest(const size_t *i, route, route_of)
{
    cr_assert(is(ajp_route_of(str(routes[*i].id)), routes[*i].want), "%s", routes[*i].id);
}

static const struct {
    const char *label, *uri, *headers, *cookie, *param, *want;
} ids[] = {
    {"cookie", "/a", "00 01 a0 09 s\"JSESSIONID=1.a\"", NULL, NULL, "1.a"},
    {"path wins over cookie", "/a;jsessionid=2.b", "00 01 a0 09 s\"JSESSIONID=1.a\"", NULL, NULL,
     "2.b 1.a"},
    {"several cookies in turn", "/a", "00 01 a0 09 s\"JSESSIONID=1; x=y; JSESSIONID=2.b\"", NULL,
     NULL, "1 2.b"},
    {"several headers in turn", "/a",
     "00 03 a0 09 s\"JSESSIONID=1.a\" a0 0b s\"h\" a0 09 s\"JSESSIONID=2.b\"", NULL, NULL,
     "1.a 2.b"},
    {"a spelled header", "/a", "00 01 s\"Cookie\" s\"JSESSIONID=1.a\"", NULL, NULL, "1.a"},
    {"a spelled one and a coded one", "/a",
     "00 02 s\"cookie\" s\"JSESSIONID=1.a\" a0 09 s\"JSESSIONID=2.b\"", NULL, NULL, "1.a 2.b"},
    {"in the last of three headers", "/a",
     "00 03 a0 09 s\"x=y\" a0 09 s\"\" s\"cookie\" s\"JSESSIONID=2.b\"", NULL, NULL, "2.b"},
    {"case counts", "/a;JSESSIONID=3", "00 01 a0 09 s\"jsessionid=1.a\"", NULL, NULL, ""},
    {"empty ones are none", "/a;jsessionid=", "00 01 a0 09 s\"JSESSIONID=\"", NULL, NULL, ""},
    {"other names", "/a;sid=2.b;jsessionid=3", "00 01 a0 09 s\"JSESSIONID=1; SID=4\"", "SID", "sid",
     "2.b 4"},
    {"one other name", "/a;jsessionid=3", "00 01 a0 09 s\"JSESSIONID=1; SID=4\"", "SID", NULL,
     "3 4"},
    {"none", "/a", "00 01 a0 0b s\"JSESSIONID=1.a\"", NULL, NULL, ""},
};

ParameterizedTestParameters(route, session_ids)
{
    return numbers(sizeof ids / sizeof ids[0]);
}

static void walk_ids(const ajp_request *r, const ajp_route_rule *rule, char *said, size_t room)
{
    ajp_session_ids it;
    ajp_str id;
    said[0] = '\0';
    ajp_session_ids_init(&it, r, rule);
    while (ajp_session_id_next(&it, &id)) {
        const size_t n = strlen(said);
        snprintf(said + n, room - n, "%s%.*s", n > 0 ? " " : "", (int)id.len, id.ptr);
    }
}

ParameterizedTest(const size_t *i, route, session_ids)
{
    char text[512], said[256];
    const ajp_route_rule rule = {str(ids[*i].cookie), str(ids[*i].param)};
    snprintf(text, sizeof text, "> 02 02 s\"p\" s\"%s\" ffff ffff ffff 00 50 00 %s ff", ids[*i].uri,
             ids[*i].headers);
    struct wire w = wire_of(text);
    ajp_message m;
    ajp_frame f;
    size_t used;
    cr_assert(ajp_frame_next(w.bytes, w.len, NULL, &f, &used) == AJP_OK);
    cr_assert(ajp_decode(&m, &f, false, NULL) == AJP_OK);
    walk_ids(&m.u.request, &rule, said, sizeof said);
    cr_assert_str_eq(said, ids[*i].want, "%s: %s", ids[*i].label, said);
    if (ids[*i].cookie == NULL) {
        walk_ids(&m.u.request, NULL, said, sizeof said);
        cr_assert_str_eq(said, ids[*i].want, "%s: no rule: %s", ids[*i].label, said);
    }
    wire_free(&w);
}
