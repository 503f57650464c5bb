/* SPDX-License-Identifier: Apache-2.0 */
/* Packets to the container: every view inside the packet, look-ups that agree
 * with a walk, and a canonical request that encodes to its own bytes. */
#include "check.h"

static void check_headers(const ajp_request *r, const ajp_limits *lim)
{
    unsigned first[AJP_REQ_HEADER_COUNT] = {0};
    ajp_fields it = r->headers;
    ajp_field f;
    unsigned n = 0;
    for (; ajp_field_next(&it, &f); n++) {
        const unsigned code = f.code != 0 ? f.code : (unsigned)ajp_req_header_code(f.name);
        check_inside(f.value, r->payload, r->payload_len);
        CHECK(f.name.len > 0);
        if (code != 0 && first[code]++ == 0) {
            CHECK(same_str(ajp_request_header(r, (ajp_req_header)code), f.value));
        }
    }
    CHECK(n == r->headers.count && it.at == r->payload + r->attrs_at);
    for (unsigned i = 1; i < AJP_REQ_HEADER_COUNT; i++) {
        CHECK((first[i] > 0) == (ajp_request_header(r, (ajp_req_header)i).ptr != NULL));
    }
    const unsigned lengths = first[AJP_REQ_CONTENT_LENGTH];
    CHECK((lengths == 0) == (r->content_length == -1));
    CHECK((lengths == 1) == (r->content_length >= 0));
    CHECK(lengths < 2 || (r->content_length == AJP_LENGTH_UNSURE &&
                          (lim->lenient & AJP_ALLOW_TWO_LENGTHS) != 0 && !r->canonical));
}

static void check_attrs(const ajp_request *r)
{
    ajp_attrs it = r->attrs;
    ajp_attr_view a;
    unsigned n = 0;
    for (; ajp_attr_next(&it, &a); n++) {
        CHECK(a.index == n && n < AJP_ATTRS_MAX);
        check_inside(a.name, r->payload, r->payload_len);
        check_inside(a.value, r->payload, r->payload_len);
        if (a.code != AJP_ATTR_SSL_KEY_SIZE && a.code != AJP_ATTR_NAMED) {
            const bool known = (unsigned)a.code < AJP_ATTR_COUNT && a.code != 0;
            CHECK(!known || same_str(ajp_request_attr(r, a.code), a.value));
        }
    }
    CHECK(it.at == r->payload + r->end_at);
}

static void check_canonical(const ajp_request *r, const ajp_limits *lim)
{
    static uint8_t out[AJP_PACKET_MAX];
    size_t n = 0;
    const ajp_status st = ajp_reencode_request(r, 0, NULL, 0, out, sizeof out, &n);
    if ((lim->lenient & AJP_ALLOW_CONTROLS) != 0 && st == AJP_ERR_TEXT) {
        return;
    }
    CHECK(st == AJP_OK || st == AJP_ERR_SPACE || (st == AJP_ERR_METHOD && !r->canonical));
    if (st == AJP_OK && r->canonical) {
        CHECK(n == r->payload_len + 4u && memcmp(out + 4, r->payload, r->payload_len) == 0);
    }
    CHECK(st == AJP_OK || !r->canonical);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct portions in = {data, data + size};
    const uint16_t bits = take16(&in);
    const ajp_limits lim = limits_of(bits);
    const size_t len = (size_t)(in.end - in.p);
    const ajp_frame f = {in.p, (uint16_t)(len < 65532 ? len : 65532), AJP_TO_CONTAINER};
    ajp_message m;
    const ajp_status st = ajp_decode(&m, &f, (bits & 0x8000u) != 0, &lim);
    CHECK(st != AJP_MORE);
    if (st != AJP_OK) {
        CHECK(m.fault <= f.len);
    } else if (m.kind == AJP_DATA) {
        CHECK(m.u.body.len + m.slack <= f.len);
    } else if (m.kind == AJP_FORWARD_REQUEST) {
        const ajp_request *r = &m.u.request;
        CHECK(r->end_at + 1 + m.slack == f.len && r->attrs_at <= r->end_at);
        check_inside(r->uri, r->payload, r->payload_len);
        check_inside(r->protocol, r->payload, r->payload_len);
        check_headers(r, &lim);
        check_attrs(r);
        check_canonical(r, &lim);
    }
    return 0;
}
