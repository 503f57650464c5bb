/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: exact bytes, sticky errors, nothing past the buffer. */
#include "wire.h"
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const ajp_request_line line = {{"GET", 3}, {"HTTP/1.1", 8}, {"/x", 2}, {"1.2.3.4", 7},
                                      {NULL, 0},  {"h", 1},        80,        false};

static void check_bytes(const char *label, const uint8_t *out, size_t len, const char *want)
{
    struct wire w = wire_of(want);
    cr_assert(len == w.len && memcmp(out, w.bytes, len) == 0, "%s: %zu bytes, not %zu", label, len,
              w.len);
    wire_free(&w);
}

static void write_full(ajp_writer *w)
{
    ajp_write_request(w, &line);
    ajp_write_header(w, AJP_STR("Host"), AJP_STR("h"));
    ajp_write_header(w, AJP_STR("X-A"), AJP_STR(""));
    ajp_write_attr(w, AJP_ATTR_QUERY_STRING, AJP_STR("q"));
    ajp_write_key_size(w, 256);
    ajp_write_named(w, AJP_STR("n"), AJP_STR("v"));
    ajp_write_named(w, AJP_STR("n"), AJP_STR("w"));
    ajp_write_attr(w, AJP_ATTR_SSL_CERT, AJP_STR("-\r\n-"));
}

#define FULL                                                                                       \
    LINE("02")                                                                                     \
    "00 02 a0 0b s\"h\" s\"X-A\" s\"\" 05 s\"q\" 0b 01 00 0a s\"n\" s\"v\" 0a s\"n\" s\"w\" "      \
    "07 00 04 2d 0d 0a 2d 00 ff"

Test(writer, request_to_the_byte)
{
    uint8_t out[256];
    size_t len = 0;
    ajp_writer w;
    ajp_writer_init(&w, out, sizeof out);
    write_full(&w);
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    check_bytes("request", out, len, FULL);
}

Test(writer, every_smaller_buffer_is_refused_and_not_exceeded)
{
    struct wire want = wire_of(FULL);
    for (size_t cap = 0; cap <= want.len; cap++) {
        size_t len = 4711;
        ajp_writer w;
        uint8_t *out = guard_copy(want.bytes, cap);
        ajp_writer_init(&w, out, cap);
        write_full(&w);
        const ajp_status st = ajp_writer_finish(&w, &len);
        cr_assert(st == (cap < want.len ? AJP_ERR_SPACE : AJP_OK), "room for %zu", cap);
        cr_assert(len == (cap < want.len ? 4711 : want.len));
        guard_free(out, cap);
    }
    wire_free(&want);
}

Test(writer, response_to_the_byte)
{
    uint8_t out[128];
    size_t len = 0;
    ajp_writer w;
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_response(&w, 404, AJP_NULL);
    ajp_write_header(&w, AJP_STR("content-type"), AJP_STR("a/b"));
    ajp_write_header(&w, AJP_STR("x"), AJP_STR("\xe4"));
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    check_bytes("response", out, len, "< 04 01 94 ffff 00 02 a0 01 s\"a/b\" s\"x\" 00 01 e4 00");
}

Test(writer, attributes_alone)
{
    uint8_t out[64];
    size_t len = 4711;
    ajp_writer w;
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_attrs_only(&w);
    ajp_write_attr(&w, AJP_ATTR_SECRET, AJP_STR("s"));
    ajp_write_named(&w, AJP_STR("n"), AJP_STR("v"));
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    check_bytes("attributes", out, len, "0c s\"s\" 0a s\"n\" s\"v\"");
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_attrs_only(&w);
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK && len == 0);
}

Test(writer, a_method_without_code_becomes_the_first_attribute)
{
    uint8_t out[128];
    size_t len = 0;
    ajp_writer w;
    ajp_request_line patch = line;
    patch.method = AJP_STR("PATCH");
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_request(&w, &patch);
    ajp_write_attr(&w, AJP_ATTR_QUERY_STRING, AJP_STR("q"));
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    check_bytes("stored", out, len, LINE("ff") "00 00 0d s\"PATCH\" 05 s\"q\" ff");
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_request(&w, &patch);
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    check_bytes("stored", out, len, LINE("ff") "00 00 0d s\"PATCH\" ff");
}

static struct criterion_test_params numbers(size_t count)
{
    static size_t index[64];
    for (size_t i = 0; i < count; i++) {
        index[i] = i + 1;
    }
    return cr_make_param_array(size_t, index, count);
}

static ajp_message decoded(const uint8_t *out, size_t len, bool canonical)
{
    ajp_message m;
    ajp_frame f;
    size_t used;
    cr_assert(ajp_frame_next(out, len, NULL, &f, &used) == AJP_OK && used == len);
    const ajp_status st = ajp_decode(&m, &f, false, NULL);
    cr_assert(st == AJP_OK, "%s @%u", ajp_status_name(st), m.fault);
    cr_assert((m.kind == AJP_FORWARD_REQUEST ? m.u.request.canonical : m.u.response.canonical) ==
              canonical);
    return m;
}

static bool same(ajp_str a, ajp_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

ParameterizedTestParameters(writer, method)
{
    return numbers(AJP_METHOD_MAX);
}

ParameterizedTest(const size_t *i, writer, method)
{
    uint8_t out[128];
    size_t len = 0;
    ajp_writer w;
    ajp_request_line l = line;
    l.method = ajp_method_name((uint8_t)*i);
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_request(&w, &l);
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK && out[5] == *i);
    const ajp_message m = decoded(out, len, true);
    cr_assert(same(m.u.request.method, l.method) && m.u.request.method_code == *i);
}

ParameterizedTestParameters(writer, request_header)
{
    return numbers(AJP_REQ_HEADER_COUNT - 1);
}

ParameterizedTest(const size_t *i, writer, request_header)
{
    uint8_t out[128];
    size_t len = 0;
    ajp_writer w;
    const ajp_req_header code = (ajp_req_header)*i;
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_request(&w, &line);
    ajp_write_header(&w, ajp_req_header_name(code), AJP_STR("12"));
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    const ajp_message m = decoded(out, len, true);
    cr_assert(same(ajp_request_header(&m.u.request, code), AJP_STR("12")));
}

ParameterizedTestParameters(writer, response_header)
{
    return numbers(AJP_RES_HEADER_COUNT - 1);
}

ParameterizedTest(const size_t *i, writer, response_header)
{
    uint8_t out[128];
    size_t len = 0;
    ajp_writer w;
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_response(&w, 200, AJP_STR("OK"));
    ajp_write_header(&w, ajp_res_header_name((ajp_res_header)*i), AJP_STR("12"));
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    const ajp_message m = decoded(out, len, true);
    ajp_fields it = m.u.response.headers;
    ajp_field f;
    cr_assert(ajp_field_next(&it, &f) && f.code == *i && same(f.value, AJP_STR("12")));
}

/* A message with one Content-Length: as a number, or as text. */
static ajp_status with_length(bool request, uint64_t n, bool text, uint8_t *out, size_t cap,
                              size_t *len)
{
    char digits[24];
    ajp_writer w;
    ajp_writer_init(&w, out, cap);
    if (request) {
        ajp_write_request(&w, &line);
    } else {
        ajp_write_response(&w, 200, AJP_STR("OK"));
    }
    snprintf(digits, sizeof digits, "%" PRIu64, n);
    if (text) {
        ajp_write_header(&w, AJP_STR("Content-Length"), ajp_str_of(digits, strlen(digits)));
    } else {
        ajp_write_length(&w, n);
    }
    return ajp_writer_finish(&w, len);
}

Test(writer, length)
{
    const uint64_t lengths[] = {0, 9, 10, 99, 100, 8186, 4294967296, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        const uint64_t n = lengths[i / 2];
        uint8_t text[128], number[128];
        size_t want = 0, len = 0;
        cr_assert(with_length(i % 2, n, true, text, sizeof text, &want) == AJP_OK);
        cr_assert(with_length(i % 2, n, false, number, want, &len) == AJP_OK);
        cr_assert(len == want && memcmp(number, text, len) == 0, "%" PRIu64, n);
        cr_assert(with_length(i % 2, n, false, number, want - 1, &len) == AJP_ERR_SPACE);
    }
}

ParameterizedTestParameters(writer, attribute)
{
    return numbers(AJP_ATTR_COUNT - 1);
}

ParameterizedTest(const size_t *i, writer, attribute)
{
    uint8_t out[128];
    size_t len = 0;
    ajp_writer w;
    const ajp_attr code = (ajp_attr)*i;
    const bool plain =
        code != AJP_ATTR_NAMED && code != AJP_ATTR_SSL_KEY_SIZE && code != AJP_ATTR_STORED_METHOD;
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_request(&w, &line);
    ajp_write_attr(&w, code, AJP_STR("v"));
    cr_assert(ajp_writer_finish(&w, &len) == (plain ? AJP_OK : AJP_ERR_ARG));
    if (plain) {
        const ajp_message m = decoded(out, len, true);
        cr_assert(same(ajp_request_attr(&m.u.request, code), AJP_STR("v")));
        ajp_writer_init(&w, out, sizeof out);
        ajp_write_request(&w, &line);
        ajp_write_attr(&w, code, AJP_STR("v"));
        ajp_write_attr(&w, code, AJP_STR("v"));
        cr_assert(ajp_writer_finish(&w, &len) == AJP_ERR_ARG);
    }
}

Test(writer, finishes_once)
{
    uint8_t out[64];
    size_t len = 0;
    ajp_writer w;
    ajp_writer_init(&w, out, sizeof out);
    ajp_write_response(&w, 204, AJP_NULL);
    cr_assert(ajp_writer_finish(&w, &len) == AJP_OK);
    cr_assert(ajp_writer_finish(&w, &len) == AJP_ERR_ARG);
}

Test(writer, strings_longer_than_a_packet_do_not_fit)
{
    static uint8_t out[200000];
    static char big[70000];
    static const size_t lengths[] = {65472, 65473, 65535, 65536, 70000};
    memset(big, 'a', sizeof big);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t len = 0;
        ajp_writer w;
        ajp_writer_init(&w, out, sizeof out);
        ajp_write_response(&w, 200, AJP_NULL);
        ajp_write_header(&w, AJP_STR("x"), ajp_str_of(big, lengths[i]));
        const size_t whole = 4 + 1 + 2 + 2 + 2 + 4 + 3 + lengths[i];
        const ajp_status want = whole <= AJP_PACKET_MAX ? AJP_OK : AJP_ERR_SPACE;
        cr_assert(ajp_writer_finish(&w, &len) == want, "%zu", lengths[i]);
        cr_assert(want != AJP_OK || len == whole);
    }
    size_t len = 0;
    ajp_writer w;
    for (size_t n = 0x9fff; n <= 0xa00b; n++) { /* from a000 on a length would read as a code */
        ajp_writer_init(&w, out, sizeof out);
        ajp_write_response(&w, 200, AJP_NULL);
        ajp_write_header(&w, ajp_str_of(big, n), AJP_STR("v"));
        cr_assert(ajp_writer_finish(&w, &len) == (n < 0xa000 ? AJP_OK : AJP_ERR_HEADER), "%zu", n);
    }
}

Test(writer, small_messages)
{
    uint8_t out[AJP_SMALL_MAX];
    check_bytes("cping", out, ajp_make_cping(out), "> 0a");
    check_bytes("cpong", out, ajp_make_cpong(out), "< 09");
    check_bytes("end 1", out, ajp_make_end(out, true), "< 05 01");
    check_bytes("end 0", out, ajp_make_end(out, false), "< 05 00");
    check_bytes("get body", out, ajp_make_get_body(out, 8186), "< 06 1f fa");
    check_bytes("body end", out, ajp_make_body_end(out), "> 00 00");
    check_bytes("flush", out, ajp_make_flush(out), "< 03 00 00 00");
}

Test(writer, bodies_are_wrapped_where_they_stand)
{
    char room[32] = "-------hello-----";
    uint8_t *body = (uint8_t *)room + 7;
    check_bytes("data", ajp_wrap_data(body, 5), 11, "> 00 05 \"hello\"");
    check_bytes("chunk", ajp_wrap_chunk(body, 5), 13, "< 03 00 05 \"hello\" 00");
    cr_assert(ajp_wrap_chunk(body, 5) == (uint8_t *)room && room[13] == '-');
    check_bytes("flush", ajp_wrap_chunk(body, 0), 8, "< 03 00 00 00");
}

static size_t gather(uint8_t *out, const ajp_iov *iov, int count)
{
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        memcpy(out + n, iov[i].base, iov[i].len);
        n += iov[i].len;
    }
    return n;
}

Test(writer, bodies_are_pointed_at)
{
    uint8_t head[AJP_CHUNK_HEAD], out[32];
    ajp_iov iov[3];
    int n = ajp_data_iov(iov, head, "hello", 5);
    cr_assert(n == 2);
    check_bytes("data", out, gather(out, iov, n), "> 00 05 \"hello\"");
    n = ajp_data_iov(iov, head, NULL, 0);
    cr_assert(n == 1);
    check_bytes("no data", out, gather(out, iov, n), "> 00 00");
    n = ajp_chunk_iov(iov, head, "hello", 5);
    cr_assert(n == 3);
    check_bytes("chunk", out, gather(out, iov, n), "< 03 00 05 \"hello\" 00");
    n = ajp_chunk_iov(iov, head, NULL, 0);
    cr_assert(n == 2);
    check_bytes("flush", out, gather(out, iov, n), "< 03 00 00 00");
}
