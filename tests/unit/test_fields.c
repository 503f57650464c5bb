/* SPDX-License-Identifier: Apache-2.0 */
/* What a decoded message holds: fields, headers, attributes, look-ups. */
#include "wire.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct held {
    struct wire w;
    ajp_message m;
};

static struct held decode_text(const char *text, const char *limits)
{
    struct held h = {wire_of(text), {0}};
    const ajp_limits lim = limits_named(limits);
    ajp_frame f;
    size_t used;
    cr_assert(ajp_frame_next(h.w.bytes, h.w.len, &lim, &f, &used) == AJP_OK);
    const ajp_status st = ajp_decode(&h.m, &f, false, &lim);
    cr_assert(st == AJP_OK, "%s: %s @%u", text, ajp_status_name(st), h.m.fault);
    return h;
}

static bool is(ajp_str s, const char *text)
{
    if (text == NULL) {
        return s.ptr == NULL && s.len == 0;
    }
    return s.ptr != NULL && s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

#define FULL                                                                                       \
    "> 02 04 s\"HTTP/1.1\" s\"/a\" s\"1.2.3.4\" s\"c\" s\"h.example\" 1f 90 01 00 05 "             \
    "a0 0b s\"h.example\" s\"x-a\" s\"1\" a0 08 s\"10\" s\"X-A\" s\"\" a0 09 s\"k=v\" "            \
    "05 s\"q=1\" 0b 01 00 0a s\"n\" s\"v\" 0a s\"m\" s\"\" 0c s\"geheim\" ff"

Test(fields, request_line)
{
    struct held h = decode_text(FULL, "strict");
    const ajp_request *r = &h.m.u.request;
    cr_assert(is(r->method, "POST") && r->method_code == 4);
    cr_assert(is(r->protocol, "HTTP/1.1") && is(r->uri, "/a"));
    cr_assert(is(r->remote_addr, "1.2.3.4") && is(r->remote_host, "c"));
    cr_assert(is(r->server_name, "h.example") && r->server_port == 8080 && r->is_ssl);
    cr_assert(r->content_length == 10 && r->canonical);
    cr_assert(r->payload == h.w.bytes + 4 && r->payload_len == h.w.len - 4);
    cr_assert(r->payload[r->attrs_at] == 5 && r->payload[r->end_at] == 0xff);
    cr_assert(r->end_at == r->payload_len - 1);
    wire_free(&h.w);
}

Test(fields, null_strings_of_the_line_stay_null)
{
    struct held h =
        decode_text("> 02 02 s\"HTTP/1.1\" s\"/\" ffff ffff ffff 00 00 00 00 00 ff", "strict");
    const ajp_request *r = &h.m.u.request;
    cr_assert(is(r->remote_addr, NULL) && is(r->remote_host, NULL) && is(r->server_name, NULL));
    cr_assert(r->content_length == -1);
    wire_free(&h.w);
}

Test(fields, headers_in_wire_order)
{
    static const struct {
        const char *name, *value;
        uint16_t code;
    } want[] = {{"host", "h.example", AJP_REQ_HOST},
                {"x-a", "1", 0},
                {"content-length", "10", AJP_REQ_CONTENT_LENGTH},
                {"X-A", "", 0},
                {"cookie", "k=v", AJP_REQ_COOKIE}};
    struct held h = decode_text(FULL, "strict");
    ajp_fields it = h.m.u.request.headers;
    ajp_field f;
    for (size_t i = 0; i < 5; i++) {
        cr_assert(ajp_field_next(&it, &f), "%zu", i);
        cr_assert(is(f.name, want[i].name) && is(f.value, want[i].value), "%zu", i);
        cr_assert(f.code == want[i].code);
        cr_assert(f.value.ptr[f.value.len] == '\0');
    }
    cr_assert(!ajp_field_next(&it, &f));
    cr_assert(!ajp_field_next(&it, &f));
    wire_free(&h.w);
}

Test(fields, attributes_in_wire_order)
{
    static const struct {
        ajp_attr code;
        const char *name, *value;
        uint16_t number;
    } want[] = {{AJP_ATTR_QUERY_STRING, NULL, "q=1", 0},
                {AJP_ATTR_SSL_KEY_SIZE, NULL, NULL, 256},
                {AJP_ATTR_NAMED, "n", "v", 0},
                {AJP_ATTR_NAMED, "m", "", 0},
                {AJP_ATTR_SECRET, NULL, "geheim", 0}};
    struct held h = decode_text(FULL, "strict");
    ajp_attrs it = h.m.u.request.attrs;
    ajp_attr_view a;
    for (size_t i = 0; i < 5; i++) {
        cr_assert(ajp_attr_next(&it, &a), "%zu", i);
        cr_assert(a.code == want[i].code && a.index == i && a.number == want[i].number, "%zu", i);
        cr_assert(is(a.name, want[i].name) && is(a.value, want[i].value), "%zu", i);
    }
    cr_assert(!ajp_attr_next(&it, &a));
    wire_free(&h.w);
}

Test(fields, look_ups)
{
    struct held h = decode_text(FULL, "strict");
    const ajp_request *r = &h.m.u.request;
    cr_assert(is(ajp_request_header(r, AJP_REQ_HOST), "h.example"));
    cr_assert(is(ajp_request_header(r, AJP_REQ_COOKIE), "k=v"));
    cr_assert(is(ajp_request_header(r, AJP_REQ_ACCEPT), NULL));
    cr_assert(is(ajp_request_header(r, AJP_REQ_LITERAL), NULL));
    cr_assert(is(ajp_request_header(r, AJP_REQ_HEADER_COUNT), NULL));
    cr_assert(is(ajp_request_attr(r, AJP_ATTR_QUERY_STRING), "q=1"));
    cr_assert(is(ajp_request_attr(r, AJP_ATTR_SECRET), "geheim"));
    cr_assert(is(ajp_request_attr(r, AJP_ATTR_REMOTE_USER), NULL));
    cr_assert(is(ajp_request_attr(r, AJP_ATTR_NAMED), NULL));
    cr_assert(is(ajp_request_attr(r, AJP_ATTR_SSL_KEY_SIZE), NULL));
    cr_assert(is(ajp_request_attr(r, AJP_ATTR_END), NULL));
    cr_assert(is(ajp_request_named(r, AJP_STR("n")), "v"));
    cr_assert(is(ajp_request_named(r, AJP_STR("m")), ""));
    cr_assert(is(ajp_request_named(r, AJP_STR("N")), NULL));
    cr_assert(is(ajp_request_named(r, AJP_STR("nn")), NULL));
    wire_free(&h.w);
}

Test(fields, a_spelled_name_is_looked_up_by_its_code)
{
    struct held h = decode_text(LINE("02") "00 02 s\"HOST\" s\"a\" a0 0b s\"b\" ff", "strict");
    cr_assert(is(ajp_request_header(&h.m.u.request, AJP_REQ_HOST), "a"));
    cr_assert(!h.m.u.request.canonical);
    wire_free(&h.w);
}

Test(fields, the_first_of_several_wins)
{
    struct held h = decode_text(LINE("02") "00 02 a0 09 s\"a\" a0 09 s\"b\" ff", "strict");
    cr_assert(is(ajp_request_header(&h.m.u.request, AJP_REQ_COOKIE), "a"));
    cr_assert(h.m.u.request.canonical);
    wire_free(&h.w);
}

Test(fields, a_null_value_reads_as_empty)
{
    struct held h = decode_text(LINE("02") "00 02 a0 0e ffff s\"x\" ffff 05 ffff ff", "relay");
    ajp_fields it = h.m.u.request.headers;
    ajp_field f;
    cr_assert(is(ajp_request_header(&h.m.u.request, AJP_REQ_USER_AGENT), ""));
    cr_assert(ajp_field_next(&it, &f) && is(f.value, ""));
    cr_assert(ajp_field_next(&it, &f) && is(f.name, "x") && is(f.value, ""));
    cr_assert(is(ajp_request_attr(&h.m.u.request, AJP_ATTR_QUERY_STRING), ""));
    wire_free(&h.w);
}

Test(fields, a_textual_key_size_has_its_number)
{
    struct held h = decode_text(LINE("02") "00 00 0b s\"4096\" 05 s\"q\" ff", "relay");
    ajp_attrs it = h.m.u.request.attrs;
    ajp_attr_view a;
    cr_assert(ajp_attr_next(&it, &a) && a.code == AJP_ATTR_SSL_KEY_SIZE && a.number == 4096);
    cr_assert(is(a.value, "4096"));
    cr_assert(ajp_attr_next(&it, &a) && is(a.value, "q"));
    wire_free(&h.w);
}

Test(fields, small_key_sizes_are_numbers)
{
    for (unsigned n = 0; n < 6; n++) {
        char text[128];
        snprintf(text, sizeof text, LINE("02") "00 00 0b 00 %02x 05 s\"123\" ff", n);
        struct held h = decode_text(text, "relay");
        ajp_attrs it = h.m.u.request.attrs;
        ajp_attr_view a;
        cr_assert(ajp_attr_next(&it, &a) && a.number == n && a.value.ptr == NULL);
        cr_assert(ajp_attr_next(&it, &a) && is(a.value, "123"));
        wire_free(&h.w);
    }
}

Test(fields, unknown_attributes_keep_their_place)
{
    struct held h = decode_text(LINE("02") "00 00 0e s\"u\" 05 s\"q\" ff", "unknown_attr");
    ajp_attrs it = h.m.u.request.attrs;
    ajp_attr_view a;
    cr_assert(ajp_attr_next(&it, &a) && (int)a.code == 0x0e && is(a.value, "u") && a.index == 0);
    cr_assert(ajp_attr_next(&it, &a) && a.code == AJP_ATTR_QUERY_STRING && a.index == 1);
    wire_free(&h.w);
}

Test(fields, response)
{
    struct held h = decode_text(
        "< 04 01 94 s\"Gone fishing\" 00 03 a0 03 s\"7\" s\"X-B\" s\"2\" a0 0b s\"Basic\"",
        "strict");
    const ajp_response *r = &h.m.u.response;
    ajp_fields it = r->headers;
    ajp_field f;
    cr_assert(r->status == 404 && is(r->reason, "Gone fishing") && r->content_length == 7);
    cr_assert(ajp_field_next(&it, &f) && is(f.name, "Content-Length") && f.code == 3);
    cr_assert(ajp_field_next(&it, &f) && is(f.name, "X-B") && f.code == 0);
    cr_assert(ajp_field_next(&it, &f) && is(f.name, "WWW-Authenticate") && f.code == 11);
    cr_assert(!ajp_field_next(&it, &f));
    cr_assert(r->payload == h.w.bytes + 4 && r->canonical);
    wire_free(&h.w);
}

Test(fields, an_odd_reason_reads_as_null)
{
    struct held h = decode_text("< 04 00 c8 00 03 61 0d 0a 00 00 00", "relay");
    cr_assert(is(h.m.u.response.reason, NULL));
    wire_free(&h.w);
}
