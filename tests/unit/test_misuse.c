/* SPDX-License-Identifier: Apache-2.0 */
/* The writer called wrongly: the first failure sticks, and nothing is returned. */
#include "wire.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

static const ajp_request_line line = {{"GET", 3}, {"HTTP/1.1", 8}, {"/x", 2}, {"1.2.3.4", 7},
                                      {NULL, 0},  {"h", 1},        80,        false};

/* One wrong call each: the error it leaves, whatever follows. */
struct misuse {
    const char *label;
    void (*act)(ajp_writer *w);
    ajp_status want;
};

static void request_of(ajp_writer *w, ajp_str method, ajp_str protocol, ajp_str uri)
{
    ajp_request_line l = line;
    l.method = method;
    l.protocol = protocol;
    l.uri = uri;
    ajp_write_request(w, &l);
}

static void nothing(ajp_writer *w)
{
    (void)w;
}

static void header_first(ajp_writer *w)
{
    ajp_write_header(w, AJP_STR("a"), AJP_STR("b"));
}

static void length_first(ajp_writer *w)
{
    ajp_write_length(w, 0);
}

static void attr_first(ajp_writer *w)
{
    ajp_write_attr(w, AJP_ATTR_SECRET, AJP_STR("b"));
}

static void key_size_in_response(ajp_writer *w)
{
    ajp_write_response(w, 200, AJP_NULL);
    ajp_write_key_size(w, 1);
}

static void header_after_attr(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_key_size(w, 1);
    ajp_write_header(w, AJP_STR("a"), AJP_STR("b"));
}

static void two_requests(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_request(w, &line);
}

static void two_responses(ajp_writer *w)
{
    ajp_write_response(w, 200, AJP_NULL);
    ajp_write_response(w, 200, AJP_NULL);
}

static void attrs_after_request(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_attrs_only(w);
}

static void no_method(ajp_writer *w)
{
    request_of(w, AJP_NULL, AJP_STR("p"), AJP_STR("/"));
}

static void odd_method(ajp_writer *w)
{
    request_of(w, AJP_STR("G ET"), AJP_STR("p"), AJP_STR("/"));
}

static void null_protocol(ajp_writer *w)
{
    request_of(w, AJP_STR("GET"), AJP_NULL, AJP_STR("/"));
}

static void null_uri(ajp_writer *w)
{
    request_of(w, AJP_STR("GET"), AJP_STR("p"), AJP_NULL);
}

static void control_in_uri(ajp_writer *w)
{
    request_of(w, AJP_STR("GET"), AJP_STR("p"), AJP_STR("/\n"));
}

static void nul_in_protocol(ajp_writer *w)
{
    request_of(w, AJP_STR("GET"), AJP_STR("p\0"), AJP_STR("/"));
}

static void status_99(ajp_writer *w)
{
    ajp_write_response(w, 99, AJP_NULL);
}

static void status_1000(ajp_writer *w)
{
    ajp_write_response(w, 1000, AJP_NULL);
}

static void control_in_reason(ajp_writer *w)
{
    ajp_write_response(w, 200, AJP_STR("a\r\n"));
}

static void response_header(ajp_writer *w, ajp_str name, ajp_str value)
{
    ajp_write_response(w, 200, AJP_NULL);
    ajp_write_header(w, name, value);
}

static void empty_name(ajp_writer *w)
{
    response_header(w, AJP_STR(""), AJP_STR("v"));
}

static void odd_name(ajp_writer *w)
{
    response_header(w, AJP_STR("a:"), AJP_STR("v"));
}

static void null_value(ajp_writer *w)
{
    response_header(w, AJP_STR("a"), AJP_NULL);
}

static void control_in_value(ajp_writer *w)
{
    response_header(w, AJP_STR("a"), AJP_STR("b\r\nc: d"));
}

static void null_attr(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_attr(w, AJP_ATTR_SECRET, AJP_NULL);
}

static void attr_code_0(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_attr(w, (ajp_attr)0, AJP_STR("v"));
}

static void attr_code_14(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_attr(w, AJP_ATTR_COUNT, AJP_STR("v"));
}

static void control_in_attr(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_attr(w, AJP_ATTR_QUERY_STRING, AJP_STR("a\x7f"));
}

static void named_without_name(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_named(w, AJP_STR(""), AJP_STR("v"));
}

static void named_without_value(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_named(w, AJP_STR("n"), AJP_NULL);
}

static void control_in_named(ajp_writer *w)
{
    ajp_write_attrs_only(w);
    ajp_write_named(w, AJP_STR("n"), AJP_STR("\n"));
}

static void named_in_response(ajp_writer *w)
{
    ajp_write_response(w, 200, AJP_NULL);
    ajp_write_named(w, AJP_STR("n"), AJP_STR("v"));
}

static void huge_value(ajp_writer *w)
{
    response_header(w, AJP_STR("a"), ajp_str_of("b", SIZE_MAX));
}

static void huge_reason(ajp_writer *w)
{
    ajp_write_response(w, 200, ajp_str_of("b", 200000));
}

static void two_key_sizes(ajp_writer *w)
{
    ajp_write_attrs_only(w);
    ajp_write_key_size(w, 1);
    ajp_write_key_size(w, 1);
}

static const struct misuse misuses[] = {
    {"nothing written", nothing, AJP_ERR_ARG},
    {"a header first", header_first, AJP_ERR_ARG},
    {"a length first", length_first, AJP_ERR_ARG},
    {"an attribute first", attr_first, AJP_ERR_ARG},
    {"a key size in a response", key_size_in_response, AJP_ERR_ARG},
    {"a header after an attribute", header_after_attr, AJP_ERR_ARG},
    {"two requests", two_requests, AJP_ERR_ARG},
    {"two responses", two_responses, AJP_ERR_ARG},
    {"attributes alone after a request", attrs_after_request, AJP_ERR_ARG},
    {"no method", no_method, AJP_ERR_METHOD},
    {"a method with a space", odd_method, AJP_ERR_METHOD},
    {"a null protocol", null_protocol, AJP_ERR_ARG},
    {"a null uri", null_uri, AJP_ERR_ARG},
    {"a control in the uri", control_in_uri, AJP_ERR_TEXT},
    {"a NUL in the protocol", nul_in_protocol, AJP_ERR_TEXT},
    {"status 99", status_99, AJP_ERR_STATUS},
    {"status 1000", status_1000, AJP_ERR_STATUS},
    {"a control in the reason", control_in_reason, AJP_ERR_TEXT},
    {"an empty header name", empty_name, AJP_ERR_HEADER},
    {"a header name with a colon", odd_name, AJP_ERR_HEADER},
    {"a null header value", null_value, AJP_ERR_ARG},
    {"CR LF in a header value", control_in_value, AJP_ERR_TEXT},
    {"a null attribute", null_attr, AJP_ERR_ARG},
    {"attribute 0", attr_code_0, AJP_ERR_ARG},
    {"attribute 14", attr_code_14, AJP_ERR_ARG},
    {"a control in an attribute", control_in_attr, AJP_ERR_TEXT},
    {"a named attribute without name", named_without_name, AJP_ERR_ARG},
    {"a named attribute without value", named_without_value, AJP_ERR_ARG},
    {"a control in a named attribute", control_in_named, AJP_ERR_TEXT},
    {"a named attribute in a response", named_in_response, AJP_ERR_ARG},
    {"a value as long as memory", huge_value, AJP_ERR_SPACE},
    {"a reason longer than a packet", huge_reason, AJP_ERR_SPACE},
    {"two key sizes", two_key_sizes, AJP_ERR_ARG},
};

ParameterizedTestParameters(writer, misuse)
{
    static size_t index[64];
    for (size_t i = 0; i < sizeof misuses / sizeof misuses[0]; i++) {
        index[i] = i + 1;
    }
    return cr_make_param_array(size_t, index, sizeof misuses / sizeof misuses[0]);
}

ParameterizedTest(const size_t *i, writer, misuse)
{
    const struct misuse *m = &misuses[*i - 1];
    uint8_t out[256] = {0}, then[256];
    size_t len = 4711;
    ajp_writer w;
    ajp_writer_init(&w, out, sizeof out);
    m->act(&w);
    const ajp_status st = ajp_writer_finish(&w, &len);
    cr_assert(st == m->want, "%s: %s", m->label, ajp_status_name(st));
    cr_assert(len == 4711, "%s", m->label);
    /* the first failure sticks, and nothing is written any more */
    memcpy(then, out, sizeof out);
    ajp_write_key_size(&w, 1);
    ajp_write_header(&w, AJP_STR("a"), AJP_STR("b"));
    ajp_write_attr(&w, AJP_ATTR_REMOTE_USER, AJP_STR("c"));
    ajp_write_named(&w, AJP_STR("d"), AJP_STR("e"));
    cr_assert(ajp_writer_finish(&w, &len) == st, "%s", m->label);
    cr_assert(memcmp(then, out, sizeof out) == 0, "%s", m->label);
}
