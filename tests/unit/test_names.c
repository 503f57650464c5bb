/* SPDX-License-Identifier: Apache-2.0 */
/* Names and codes, both ways, against a table spelled out once more from the
 * protocol's description. */
#include <ajp/ajp.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *const methods[] = {"OPTIONS",
                                      "GET",
                                      "HEAD",
                                      "POST",
                                      "PUT",
                                      "DELETE",
                                      "TRACE",
                                      "PROPFIND",
                                      "PROPPATCH",
                                      "MKCOL",
                                      "COPY",
                                      "MOVE",
                                      "LOCK",
                                      "UNLOCK",
                                      "ACL",
                                      "REPORT",
                                      "VERSION-CONTROL",
                                      "CHECKIN",
                                      "CHECKOUT",
                                      "UNCHECKOUT",
                                      "SEARCH",
                                      "MKWORKSPACE",
                                      "UPDATE",
                                      "LABEL",
                                      "MERGE",
                                      "BASELINE-CONTROL",
                                      "MKACTIVITY"};
static const char *const req_headers[] = {
    "accept",     "accept-charset", "accept-encoding", "accept-language", "authorization",
    "connection", "content-type",   "content-length",  "cookie",          "cookie2",
    "host",       "pragma",         "referer",         "user-agent"};
static const char *const res_headers[] = {
    "Content-Type", "Content-Language", "Content-Length", "Date",   "Last-Modified",   "Location",
    "Set-Cookie",   "Set-Cookie2",      "Servlet-Engine", "Status", "WWW-Authenticate"};
static const char *const attrs[] = {"context",      "servlet_path",  "remote_user",  "auth_type",
                                    "query_string", "jvm_route",     "ssl_cert",     "ssl_cipher",
                                    "ssl_session",  "req_attribute", "ssl_key_size", "secret",
                                    "stored_method"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static ajp_str str(const char *s)
{
    return ajp_str_of(s, strlen(s));
}

static bool is(ajp_str s, const char *text)
{
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

/* Upper case, lower case and alternating: the same header. */
static void respell(char *out, const char *name, int how)
{
    for (int i = 0; name[i] != '\0' || (out[i] = '\0'); i++) {
        const bool up = how == 0 || (how == 2 && i % 2 == 0);
        out[i] = (char)(up ? toupper((unsigned char)name[i]) : tolower((unsigned char)name[i]));
    }
}

ParameterizedTestParameters(names, method)
{
    return numbers(COUNT(methods));
}

ParameterizedTest(const size_t *i, names, method)
{
    const char *name = methods[*i];
    char low[32];
    cr_assert(is(ajp_method_name((uint8_t)(*i + 1)), name), "%s", name);
    cr_assert(ajp_method_code(str(name)) == *i + 1, "%s", name);
    respell(low, name, 1);
    cr_assert(ajp_method_code(str(low)) == 0, "%s", low);
    cr_assert(ajp_method_code(ajp_str_of(name, strlen(name) - 1)) == 0, "%s cut", name);
}

ParameterizedTestParameters(names, request_header)
{
    return numbers(COUNT(req_headers));
}

ParameterizedTest(const size_t *i, names, request_header)
{
    char other[32];
    cr_assert(is(ajp_req_header_name((ajp_req_header)(*i + 1)), req_headers[*i]));
    for (int how = 0; how < 3; how++) {
        respell(other, req_headers[*i], how);
        cr_assert((size_t)ajp_req_header_code(str(other)) == *i + 1, "%s", other);
    }
    other[strlen(other) / 2] ^= 0x40;
    cr_assert(ajp_req_header_code(str(other)) == AJP_REQ_LITERAL, "%s", other);
}

ParameterizedTestParameters(names, response_header)
{
    return numbers(COUNT(res_headers));
}

ParameterizedTest(const size_t *i, names, response_header)
{
    char other[32];
    cr_assert(is(ajp_res_header_name((ajp_res_header)(*i + 1)), res_headers[*i]));
    for (int how = 0; how < 3; how++) {
        respell(other, res_headers[*i], how);
        cr_assert((size_t)ajp_res_header_code(str(other)) == *i + 1, "%s", other);
    }
    other[0] ^= 0x40;
    cr_assert(ajp_res_header_code(str(other)) == AJP_RES_LITERAL, "%s", other);
}

Test(names, attributes)
{
    for (size_t i = 0; i < COUNT(attrs); i++) {
        cr_assert(is(ajp_attr_name((ajp_attr)(i + 1)), attrs[i]), "%s", attrs[i]);
    }
    cr_assert(ajp_attr_name((ajp_attr)0).ptr == NULL);
    cr_assert(ajp_attr_name(AJP_ATTR_COUNT).ptr == NULL);
    cr_assert(ajp_attr_name(AJP_ATTR_END).ptr == NULL);
}

Test(names, kinds)
{
    cr_assert(is(ajp_kind_name(AJP_DATA), "DATA"));
    cr_assert(is(ajp_kind_name(AJP_FORWARD_REQUEST), "FORWARD_REQUEST"));
    cr_assert(is(ajp_kind_name(AJP_BODY_CHUNK), "SEND_BODY_CHUNK"));
    cr_assert(is(ajp_kind_name(AJP_SEND_HEADERS), "SEND_HEADERS"));
    cr_assert(is(ajp_kind_name(AJP_END_RESPONSE), "END_RESPONSE"));
    cr_assert(is(ajp_kind_name(AJP_GET_BODY), "GET_BODY_CHUNK"));
    cr_assert(is(ajp_kind_name(AJP_SHUTDOWN), "SHUTDOWN"));
    cr_assert(is(ajp_kind_name(AJP_PING), "PING"));
    cr_assert(is(ajp_kind_name(AJP_CPONG), "CPONG"));
    cr_assert(is(ajp_kind_name(AJP_CPING), "CPING"));
    cr_assert(ajp_kind_name((ajp_kind)1).ptr == NULL);
    cr_assert(ajp_kind_name((ajp_kind)11).ptr == NULL);
}

Test(names, unknown_codes_have_no_name)
{
    cr_assert(ajp_method_name(0).ptr == NULL);
    cr_assert(ajp_method_name(28).ptr == NULL);
    cr_assert(ajp_method_name(AJP_METHOD_STORED).ptr == NULL);
    cr_assert(ajp_req_header_name(AJP_REQ_LITERAL).ptr == NULL);
    cr_assert(ajp_req_header_name(AJP_REQ_HEADER_COUNT).ptr == NULL);
    cr_assert(ajp_res_header_name(AJP_RES_LITERAL).ptr == NULL);
    cr_assert(ajp_res_header_name(AJP_RES_HEADER_COUNT).ptr == NULL);
}

Test(names, no_name_has_no_code)
{
    cr_assert(ajp_method_code(AJP_STR("")) == 0);
    cr_assert(ajp_method_code(AJP_NULL) == 0);
    cr_assert(ajp_req_header_code(AJP_STR("")) == AJP_REQ_LITERAL);
    cr_assert(ajp_req_header_code(AJP_NULL) == AJP_REQ_LITERAL);
    cr_assert(ajp_res_header_code(AJP_STR("")) == AJP_RES_LITERAL);
    cr_assert(ajp_res_header_code(AJP_NULL) == AJP_RES_LITERAL);
}

/* Every name of one or two bytes, and names near the real ones: none has a code. */
Test(names, other_names_have_no_code)
{
    static const char *const others[] = {"x",
                                         "hosts",
                                         "hos",
                                         "accept-charsex",
                                         "c\x0fokie",
                                         "ser-agent",
                                         "@ost",
                                         "content_length",
                                         "content-lengtH ",
                                         "hostt",
                                         "hxst",
                                         "coxkie",
                                         "cookxe",
                                         "cxntent-length",
                                         "content-xength",
                                         "accept-chxrset",
                                         "CONTENT-XYPE",
                                         "Sxt-Cookie",
                                         "Set-Coxkie",
                                         "Dxte",
                                         "Staxus",
                                         "WWW-Authenxicate",
                                         "connectixn"};
    for (int a = 0; a < 256; a++) {
        const char c[2] = {(char)a, 'T'};
        for (size_t n = 1; n <= 2; n++) {
            cr_assert(ajp_method_code(ajp_str_of(c, n)) == 0);
            cr_assert(ajp_req_header_code(ajp_str_of(c, n)) == AJP_REQ_LITERAL);
            cr_assert(ajp_res_header_code(ajp_str_of(c, n)) == AJP_RES_LITERAL);
        }
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        cr_assert(ajp_req_header_code(str(others[i])) == AJP_REQ_LITERAL, "%s", others[i]);
        cr_assert(ajp_res_header_code(str(others[i])) == AJP_RES_LITERAL, "%s", others[i]);
    }
}

Test(status, each_has_a_name_and_a_text)
{
#define CHECK(name, value, text)                                                                   \
    cr_assert_str_eq(ajp_status_name(AJP_##name), #name);                                          \
    cr_assert_str_eq(ajp_strerror(AJP_##name), text);                                              \
    cr_assert(AJP_##name == value);
    AJP_STATUS_MAP(CHECK)
#undef CHECK
    cr_assert_str_eq(ajp_status_name((ajp_status)-99), "UNKNOWN");
    cr_assert_str_eq(ajp_strerror((ajp_status)99), "unknown status");
}

Test(status, version_is_the_header_s)
{
    cr_assert_str_eq(ajp_version(), AJP_VERSION);
}

Test(limits, strict_and_relay)
{
    cr_assert(ajp_limits_default.max_packet == 8192);
    cr_assert(ajp_limits_default.max_headers == 100);
    cr_assert(ajp_limits_default.max_attrs == 64);
    cr_assert(ajp_limits_default.lenient == 0);
    cr_assert(ajp_limits_relay.max_packet == 8192);
    cr_assert((ajp_limits_relay.lenient &
               (AJP_ALLOW_CONTROLS | AJP_ALLOW_UNKNOWN_ATTR | AJP_ALLOW_TERMINATOR |
                AJP_ALLOW_TWO_LENGTHS | AJP_ALLOW_VALUE_CONTROLS)) == 0);
}
