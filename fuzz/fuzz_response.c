/* SPDX-License-Identifier: Apache-2.0 */
/* Packets from the container: views inside, and a canonical head encodes to its
 * own bytes. */
#include "check.h"

static void check_response(const ajp_response *r, const ajp_limits *lim)
{
    static uint8_t out[AJP_PACKET_MAX];
    ajp_fields it = r->headers;
    ajp_field f;
    unsigned n = 0;
    size_t len = 0;
    CHECK(r->status >= 100 && r->status <= 999);
    check_inside(r->reason, r->payload, r->payload_len);
    for (; ajp_field_next(&it, &f); n++) {
        check_inside(f.value, r->payload, r->payload_len);
        CHECK(f.name.len > 0 && f.code < AJP_RES_HEADER_COUNT);
    }
    CHECK(n == r->headers.count && it.at <= r->payload + r->payload_len);
    const ajp_status st = ajp_reencode_response(r, out, sizeof out, &len);
    if ((lim->lenient & (AJP_ALLOW_CONTROLS | AJP_ALLOW_VALUE_CONTROLS)) == 0) {
        CHECK(st == AJP_OK || st == AJP_ERR_SPACE);
        CHECK(st == AJP_OK || !r->canonical);
    }
    if (st == AJP_OK && r->canonical) {
        CHECK(len == r->payload_len + 4u && memcmp(out + 4, r->payload, r->payload_len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct portions in = {data, data + size};
    const ajp_limits lim = limits_of(take16(&in));
    const size_t len = (size_t)(in.end - in.p);
    const ajp_frame f = {in.p, (uint16_t)(len < 65532 ? len : 65532), AJP_TO_SERVER};
    ajp_message m;
    const ajp_status st = ajp_decode(&m, &f, false, &lim);
    CHECK(st != AJP_MORE);
    if (st != AJP_OK) {
        CHECK(m.fault <= f.len);
    } else if (m.kind == AJP_BODY_CHUNK) {
        CHECK(m.u.body.len + 3 + m.slack <= f.len && m.u.body.complete && m.u.body.first);
        CHECK(m.u.body.data == f.payload + 3);
    } else if (m.kind == AJP_SEND_HEADERS) {
        check_response(&m.u.response, &lim);
    }
    return 0;
}
