/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer writes, the strict decoder reads back: the same request or
 * response, and canonical. */
#include "check.h"

enum { MOST = 14 };

struct pair {
    ajp_str name, value;
};

static void check_fields(ajp_fields it, const struct pair *want, unsigned n)
{
    ajp_field f;
    for (unsigned i = 0; i < n; i++) {
        CHECK(ajp_field_next(&it, &f) && same_str(f.value, want[i].value));
        CHECK(f.name.len == want[i].name.len);
    }
    CHECK(!ajp_field_next(&it, &f));
}

static ajp_status decode_again(ajp_message *m, const uint8_t *out, size_t len, size_t cap)
{
    ajp_limits lim = ajp_limits_default;
    ajp_frame f;
    size_t used = 0;
    lim.max_packet = AJP_PACKET_MAX;
    CHECK(len <= cap && ajp_frame_next(out, len, &lim, &f, &used) == AJP_OK && used == len);
    return ajp_decode(m, &f, false, &lim);
}

/* Returns how many were written; they alternate with the input's own counts. */
static unsigned write_headers(ajp_writer *w, struct portions *in, struct pair *pairs)
{
    static const char *const known[] = {"Host", "cookie", "Content-Type", "Set-Cookie", "x"};
    const unsigned n = take8(in) % MOST;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t pick = take8(in);
        pairs[i].name = pick < 128 ? ajp_str_of(known[pick % 5], strlen(known[pick % 5]))
                                   : take_bytes(in, pick % 16 + 1u);
        pairs[i].value = take_bytes(in, take8(in));
        ajp_write_header(w, pairs[i].name, pairs[i].value);
    }
    return n;
}

static bool decodes(ajp_status st)
{
    /* the writer does not judge lengths that conflict */
    CHECK(st == AJP_OK || st == AJP_ERR_LENGTH);
    return st == AJP_OK;
}

static void round_request(struct portions *in, uint8_t *out, size_t cap)
{
    ajp_request_line l;
    struct pair headers[MOST];
    ajp_message m;
    ajp_writer w;
    size_t len = 0;
    const uint8_t pick = take8(in);
    l.method = pick < 200 ? ajp_method_name((uint8_t)(pick % 27 + 1)) : take_bytes(in, pick % 9u);
    l.protocol = take_bytes(in, take8(in) % 16);
    l.uri = take_bytes(in, take8(in));
    l.remote_addr = pick & 1 ? AJP_NULL : take_bytes(in, 7);
    l.remote_host = pick & 2 ? AJP_NULL : take_bytes(in, 3);
    l.server_name = pick & 4 ? AJP_NULL : take_bytes(in, 9);
    l.server_port = take16(in);
    l.is_ssl = (pick & 8) != 0;
    ajp_writer_init(&w, out, cap);
    ajp_write_request(&w, &l);
    const unsigned n = write_headers(&w, in, headers);
    const ajp_str query = take_bytes(in, take8(in)), cert = take_bytes(in, take8(in));
    ajp_write_attr(&w, AJP_ATTR_QUERY_STRING, query);
    ajp_write_attr(&w, AJP_ATTR_SSL_CERT, cert);
    ajp_write_key_size(&w, take16(in));
    if (ajp_writer_finish(&w, &len) == AJP_OK && decodes(decode_again(&m, out, len, cap))) {
        const ajp_request *r = &m.u.request;
        CHECK(r->canonical && same_str(r->method, l.method) && same_str(r->uri, l.uri));
        CHECK(same_str(r->protocol, l.protocol) && same_str(r->remote_addr, l.remote_addr));
        CHECK(same_str(r->remote_host, l.remote_host) && same_str(r->server_name, l.server_name));
        CHECK(r->server_port == l.server_port && r->is_ssl == l.is_ssl);
        CHECK(same_str(ajp_request_attr(r, AJP_ATTR_QUERY_STRING), query));
        CHECK(same_str(ajp_request_attr(r, AJP_ATTR_SSL_CERT), cert));
        check_fields(r->headers, headers, n);
    }
}

static void round_response(struct portions *in, uint8_t *out, size_t cap)
{
    struct pair headers[MOST];
    ajp_message m;
    ajp_writer w;
    size_t len = 0;
    const uint16_t status = take16(in) % 1100;
    const ajp_str reason = take_bytes(in, take8(in));
    ajp_writer_init(&w, out, cap);
    ajp_write_response(&w, status, reason);
    const unsigned n = write_headers(&w, in, headers);
    if (ajp_writer_finish(&w, &len) == AJP_OK && decodes(decode_again(&m, out, len, cap))) {
        CHECK(m.u.response.canonical && m.u.response.status == status);
        CHECK(same_str(m.u.response.reason, reason));
        check_fields(m.u.response.headers, headers, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[AJP_PACKET_MAX];
    struct portions in = {data, data + size};
    const uint8_t how = take8(&in);
    const size_t cap = how & 2 ? sizeof out : take16(&in);
    if (how & 1) {
        round_request(&in, out, cap);
    } else {
        round_response(&in, out, cap);
    }
    return 0;
}
