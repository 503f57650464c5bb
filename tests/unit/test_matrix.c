/* SPDX-License-Identifier: Apache-2.0 */
/* Each code of the protocol in the bytes that spell it, decoded: coded, spelled out,
 * in capitals; lengths of each size; and each control at each place of a text. */
#include "wire.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* As the specification lists them, told anew: not from the library's tables. */
static const char *const methods[] = {NULL,        "OPTIONS",     "GET",
                                      "HEAD",      "POST",        "PUT",
                                      "DELETE",    "TRACE",       "PROPFIND",
                                      "PROPPATCH", "MKCOL",       "COPY",
                                      "MOVE",      "LOCK",        "UNLOCK",
                                      "ACL",       "REPORT",      "VERSION-CONTROL",
                                      "CHECKIN",   "CHECKOUT",    "UNCHECKOUT",
                                      "SEARCH",    "MKWORKSPACE", "UPDATE",
                                      "LABEL",     "MERGE",       "BASELINE-CONTROL",
                                      "MKACTIVITY"};
static const char *const request_names[] = {NULL,
                                            "accept",
                                            "accept-charset",
                                            "accept-encoding",
                                            "accept-language",
                                            "authorization",
                                            "connection",
                                            "content-type",
                                            "content-length",
                                            "cookie",
                                            "cookie2",
                                            "host",
                                            "pragma",
                                            "referer",
                                            "user-agent"};
static const char *const response_names[] = {
    NULL,       "Content-Type", "Content-Language", "Content-Length", "Date",   "Last-Modified",
    "Location", "Set-Cookie",   "Set-Cookie2",      "Servlet-Engine", "Status", "WWW-Authenticate"};
enum { METHODS = 27, REQUEST_NAMES = 14, RESPONSE_NAMES = 11, ATTRIBUTES = 13 };

static bool is(ajp_str s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static ajp_status decode(const struct wire *w, const char *limits, ajp_message *m)
{
    const ajp_limits lim = limits_named(limits);
    ajp_frame f;
    size_t used;
    cr_assert(ajp_frame_next(w->bytes, w->len, &lim, &f, &used) == AJP_OK && used == w->len);
    return ajp_decode(m, &f, false, &lim);
}

static struct criterion_test_params from_one_to(size_t count)
{
    static size_t numbers[64];
    for (size_t i = 0; i < count; i++) {
        numbers[i] = i + 1;
    }
    return cr_make_param_array(size_t, numbers, count);
}

static void capitals(char *out, const char *name)
{
    do {
        *out++ = (char)toupper((unsigned char)*name);
    } while (*name++ != '\0');
}

ParameterizedTestParameters(matrix, method)
{
    return from_one_to(METHODS);
}

ParameterizedTest(const size_t *i, matrix, method)
{
    char text[128];
    ajp_message m;
    snprintf(text, sizeof text, LINE("%02x") "00 00 ff", (unsigned)*i);
    struct wire coded = wire_of(text);
    cr_assert(decode(&coded, "strict", &m) == AJP_OK && m.u.request.canonical);
    cr_assert(is(m.u.request.method, methods[*i]) && m.u.request.method_code == *i);
    snprintf(text, sizeof text, LINE("ff") "00 00 0d s\"%s\" ff", methods[*i]);
    struct wire stored = wire_of(text);
    cr_assert(decode(&stored, "strict", &m) == AJP_OK && !m.u.request.canonical);
    cr_assert(is(m.u.request.method, methods[*i]) && m.u.request.method_code == 0xff);
    snprintf(text, sizeof text, LINE("%02x") "00 00 0d s\"%s\" ff", (unsigned)*i, methods[*i]);
    struct wire both = wire_of(text);
    cr_assert(decode(&both, "relay", &m) == AJP_ERR_METHOD && m.fault == 39);
    wire_free(&coded);
    wire_free(&stored);
    wire_free(&both);
}

static const char *const stored_methods[] = {
    "PATCH",
    "QUERY",
    "BIND",
    "REBIND",
    "UNBIND",
    "MKCALENDAR",
    "ORDERPATCH",
    "MKREDIRECTREF",
    "LINK",
    "PURGE",
    "X",
    "get",
    "Post",
    "GETS",
    "VERSION_CONTROL",
    "!#$%&'*+-.^_`|~09",
};

ParameterizedTestParameters(matrix, stored_method)
{
    return from_one_to(sizeof stored_methods / sizeof stored_methods[0]);
}

ParameterizedTest(const size_t *i, matrix, stored_method)
{
    const char *name = stored_methods[*i - 1];
    char text[128];
    ajp_message m;
    snprintf(text, sizeof text, LINE("ff") "00 00 0d s\"%s\" ff", name);
    struct wire w = wire_of(text);
    cr_assert(decode(&w, "strict", &m) == AJP_OK && m.u.request.canonical, "%s", name);
    cr_assert(is(m.u.request.method, name) && m.u.request.method_code == 0xff, "%s", name);
    cr_assert(is(ajp_request_attr(&m.u.request, AJP_ATTR_STORED_METHOD), name), "%s", name);
    wire_free(&w);
}

/* Headers behind the one that is looked at, and how many: a short packet is read the careful way.
 */
static const struct {
    unsigned count;
    const char *headers;
} tails[] = {{0, ""}, {1, "s\"x-b\" s\"a value of many bytes\""}};
enum { TAILS = sizeof tails / sizeof tails[0] };

/* One header of a request: how it is spelled, and what of it a decoder keeps. */
static void check_request_header_before(size_t tail, const char *spelled, unsigned code, bool coded)
{
    char text[192];
    ajp_message m;
    ajp_field f;
    snprintf(text, sizeof text, LINE("02") "00 %02x s\"x-a\" s\"b\" %s s\"12\" %s ff",
             2 + tails[tail].count, spelled, tails[tail].headers);
    struct wire w = wire_of(text);
    cr_assert(decode(&w, "strict", &m) == AJP_OK, "%s", text);
    cr_assert(m.u.request.canonical == coded, "%s", text);
    cr_assert(is(ajp_request_header(&m.u.request, (ajp_req_header)code), "12"), "%s", text);
    cr_assert(m.u.request.content_length == (code == AJP_REQ_CONTENT_LENGTH ? 12 : -1));
    ajp_fields it = m.u.request.headers;
    cr_assert(ajp_field_next(&it, &f) && f.code == 0 && is(f.name, "x-a"));
    cr_assert(ajp_field_next(&it, &f) && f.code == (coded ? code : 0) && is(f.value, "12"));
    cr_assert(!coded || is(f.name, request_names[code]), "%s", text);
    wire_free(&w);
}

static void check_request_header(const char *spelled, unsigned code, bool coded)
{
    for (size_t tail = 0; tail < TAILS; tail++) {
        check_request_header_before(tail, spelled, code, coded);
    }
}

ParameterizedTestParameters(matrix, request_header)
{
    return from_one_to(REQUEST_NAMES);
}

ParameterizedTest(const size_t *i, matrix, request_header)
{
    const unsigned code = (unsigned)*i;
    char spelled[64], upper[32];
    snprintf(spelled, sizeof spelled, "a0 %02x", code);
    check_request_header(spelled, code, true);
    snprintf(spelled, sizeof spelled, "s\"%s\"", request_names[code]);
    check_request_header(spelled, code, false);
    capitals(upper, request_names[code]);
    snprintf(spelled, sizeof spelled, "s\"%s\"", upper);
    check_request_header(spelled, code, false);
}

static void check_response_header_before(size_t tail, const char *spelled, unsigned code,
                                         bool coded)
{
    char text[192];
    ajp_message m;
    ajp_field f;
    snprintf(text, sizeof text, "< 04 00 c8 s\"OK\" 00 %02x %s s\"12\" %s", 1 + tails[tail].count,
             spelled, tails[tail].headers);
    struct wire w = wire_of(text);
    cr_assert(decode(&w, "strict", &m) == AJP_OK, "%s", text);
    cr_assert(m.u.response.canonical == coded, "%s", text);
    cr_assert(m.u.response.content_length == (code == AJP_RES_CONTENT_LENGTH ? 12 : -1));
    ajp_fields it = m.u.response.headers;
    cr_assert(ajp_field_next(&it, &f) && f.code == (coded ? code : 0) && is(f.value, "12"));
    cr_assert(!coded || is(f.name, response_names[code]), "%s", text);
    wire_free(&w);
}

static void check_response_header(const char *spelled, unsigned code, bool coded)
{
    for (size_t tail = 0; tail < TAILS; tail++) {
        check_response_header_before(tail, spelled, code, coded);
    }
}

ParameterizedTestParameters(matrix, response_header)
{
    return from_one_to(RESPONSE_NAMES);
}

ParameterizedTest(const size_t *i, matrix, response_header)
{
    const unsigned code = (unsigned)*i;
    char spelled[64], upper[32];
    snprintf(spelled, sizeof spelled, "a0 %02x", code);
    check_response_header(spelled, code, true);
    snprintf(spelled, sizeof spelled, "s\"%s\"", response_names[code]);
    check_response_header(spelled, code, false);
    capitals(upper, response_names[code]);
    snprintf(spelled, sizeof spelled, "s\"%s\"", upper);
    check_response_header(spelled, code, false);
}

ParameterizedTestParameters(matrix, attribute)
{
    return from_one_to(ATTRIBUTES);
}

ParameterizedTest(const size_t *i, matrix, attribute)
{
    const unsigned code = (unsigned)*i;
    const char *line = code == AJP_ATTR_STORED_METHOD ? LINE("ff") : LINE("02");
    const char *value = code == AJP_ATTR_NAMED          ? "s\"n\" s\"v\""
                        : code == AJP_ATTR_SSL_KEY_SIZE ? "01 00"
                                                        : "s\"v\"";
    char text[160];
    ajp_message m;
    ajp_attr_view a;
    snprintf(text, sizeof text, "%s 00 00 %02x %s ff", line, code, value);
    struct wire w = wire_of(text);
    cr_assert(decode(&w, "strict", &m) == AJP_OK && m.u.request.canonical, "%s", text);
    ajp_attrs it = m.u.request.attrs;
    cr_assert(ajp_attr_next(&it, &a) && a.code == (ajp_attr)code && a.index == 0, "%s", text);
    cr_assert(code == AJP_ATTR_SSL_KEY_SIZE ? a.number == 256 : is(a.value, "v"), "%s", text);
    cr_assert(code == AJP_ATTR_NAMED ? is(a.name, "n") : a.name.ptr == NULL, "%s", text);
    cr_assert(!ajp_attr_next(&it, &a));
    wire_free(&w);
}

/* A Content-Length of each number of digits, coded and spelled, in both directions, with each
 * digit in turn replaced by something that is none. */
static void check_length(const char *format, const char *digits, int64_t want)
{
    char text[160];
    ajp_message m;
    snprintf(text, sizeof text, format, digits);
    struct wire w = wire_of(text);
    const ajp_status st = decode(&w, "strict", &m);
    cr_assert(st == (want < 0 ? AJP_ERR_LENGTH : AJP_OK), "%s: %s", text, ajp_status_name(st));
    if (st == AJP_OK) {
        const int64_t got = m.kind == AJP_FORWARD_REQUEST ? m.u.request.content_length
                                                          : m.u.response.content_length;
        cr_assert(got == want, "%s", text);
    }
    wire_free(&w);
}

ParameterizedTestParameters(matrix, content_length)
{
    return from_one_to(18);
}

ParameterizedTest(const size_t *n, matrix, content_length)
{
    static const char *const formats[] = {LINE("04") "00 01 a0 08 s\"%s\" ff",
                                          LINE("04") "00 01 s\"content-length\" s\"%s\" ff",
                                          "< 04 00 c8 s\"OK\" 00 01 a0 03 s\"%s\"",
                                          "< 04 00 c8 s\"OK\" 00 01 s\"Content-Length\" s\"%s\""};
    for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        char digits[20] = "";
        int64_t want = 0;
        for (size_t i = 0; i < *n; i++) {
            digits[i] = (char)('1' + (i * 7 + *n) % 9);
            want = want * 10 + (digits[i] - '0');
        }
        check_length(formats[f], digits, want);
        for (size_t i = 0; i < *n; i++) {
            const char digit = digits[i];
            for (const char *wrong = "/:+- .axA~"; *wrong != '\0'; wrong++) {
                digits[i] = *wrong;
                check_length(formats[f], digits, -1);
            }
            digits[i] = digit;
        }
    }
}

/* Where a text may stand; each row's text is the 'a's. */
static const struct {
    const char *label, *before, *behind;
    int at; /* payload offset of the text */
} texts[] = {
    {"protocol", "> 02 02 ", " s\"/\" ffff ffff ffff 00 50 00 00 00 ff", 4},
    {"uri", "> 02 02 s\"p\" ", " ffff ffff ffff 00 50 00 00 00 ff", 8},
    {"remote_addr", "> 02 02 s\"p\" s\"/\" ", " ffff ffff 00 50 00 00 00 ff", 12},
    {"remote_host", "> 02 02 s\"p\" s\"/\" ffff ", " ffff 00 50 00 00 00 ff", 14},
    {"server_name", "> 02 02 s\"p\" s\"/\" ffff ffff ", " 00 50 00 00 00 ff", 16},
    {"coded header", LINE("02") "00 01 a0 0e ", " ff", 43},
    {"spelled header", LINE("02") "00 01 s\"x-a\" ", " ff", 47},
    {"attribute", LINE("02") "00 00 05 ", " ff", 42},
    {"attribute at some way from the end", LINE("02") "00 00 05 ", " 0c s\"0123456789abcdef\" ff",
     42},
    {"name of a named attribute", LINE("02") "00 00 0a ", " s\"v\" ff", 42},
    {"value of a named attribute", LINE("02") "00 00 0a s\"n\" ", " ff", 46},
    {"reason", "< 04 00 c8 ", " 00 00", 5},
    {"coded header of a response", "< 04 00 c8 ffff 00 01 a0 01 ", "", 11},
    {"spelled header of a response", "< 04 00 c8 ffff 00 01 s\"x-a\" ", "", 15},
};

ParameterizedTestParameters(matrix, text)
{
    return from_one_to(sizeof texts / sizeof texts[0]);
}

ParameterizedTest(const size_t *i, matrix, text)
{
    static const uint8_t bytes[] = {0, 1, 8, 9, 10, 13, 0x1f, ' ', '~', 0x7f, 0x80, 0xff};
    const size_t row = *i - 1;
    for (unsigned n = 1; n <= 40; n++) {
        char text[256];
        ajp_message m;
        snprintf(text, sizeof text, "%s 00 %02x 61 x%u 00 %s", texts[row].before, n, n,
                 texts[row].behind);
        struct wire w = wire_of(text);
        uint8_t *copy = guard_copy(w.bytes, w.len);
        const struct wire guarded = {copy, w.len};
        cr_assert(decode(&guarded, "strict", &m) == AJP_OK, "%s, %u", texts[row].label, n);
        for (unsigned k = 0; k < n; k++) {
            uint8_t *at = copy + 4 + texts[row].at + k;
            for (size_t b = 0; b < sizeof bytes; b++) {
                const bool control = bytes[b] == 0x7f || (bytes[b] < 32 && bytes[b] != 9);
                *at = bytes[b];
                const ajp_status st = decode(&guarded, "strict", &m);
                cr_assert(st == (control ? AJP_ERR_TEXT : AJP_OK), "%s: %02x at %u of %u: %s",
                          texts[row].label, bytes[b], k, n, ajp_status_name(st));
                cr_assert(!control || m.fault == texts[row].at + k, "%s: %02x at %u of %u: %u",
                          texts[row].label, bytes[b], k, n, m.fault);
            }
            *at = 'a';
        }
        guard_free(copy, w.len);
        wire_free(&w);
    }
}
