/* SPDX-License-Identifier: Apache-2.0 */
/* A captured request, however odd, written again for `ajpcat replay`: what is sent decodes without
 * leniency, says the same, carries our secret and nobody else's. */
#include "check.h"

#include "replay.h"
#include "talk.h"

static void check_same(const ajp_request *before, const ajp_request *after, ajp_str secret)
{
    ajp_fields a = before->headers, b = after->headers;
    ajp_field f, g;
    CHECK(same_str(before->method, after->method) && same_str(before->uri, after->uri));
    CHECK(same_str(before->protocol, after->protocol) && before->is_ssl == after->is_ssl);
    CHECK(before->server_port == after->server_port);
    while (ajp_field_next(&a, &f)) {
        CHECK(ajp_field_next(&b, &g) && same_str(f.value, g.value));
        CHECK(f.name.len == g.name.len);
    }
    CHECK(!ajp_field_next(&b, &g));
    CHECK(same_str(ajp_request_attr(after, AJP_ATTR_SECRET), secret));
    CHECK(same_str(ajp_request_attr(before, AJP_ATTR_QUERY_STRING),
                   ajp_request_attr(after, AJP_ATTR_QUERY_STRING)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[AJP_PACKET_MAX];
    static const struct replay_cookies none;
    const ajp_limits strict = {
        .max_packet = AJP_PACKET_MAX, .max_headers = UINT16_MAX, .max_attrs = UINT16_MAX};
    ajp_frame f;
    ajp_message m, again;
    size_t used, len;
    const ajp_str secret = size % 2 ? AJP_STR("correct horse") : AJP_NULL;
    if (ajp_frame_next(data, size, &talk_limits, &f, &used) != AJP_OK ||
        f.dir != AJP_TO_CONTAINER || ajp_decode(&m, &f, false, &talk_limits) != AJP_OK ||
        m.kind != AJP_FORWARD_REQUEST)
        return 0;
    if (replay_request(&m.u.request, &none, secret, out, sizeof out, &len) != AJP_OK)
        return 0;
    CHECK(ajp_frame_next(out, len, &strict, &f, &used) == AJP_OK && used == len);
    CHECK(ajp_decode(&again, &f, false, &strict) == AJP_OK);
    check_same(&m.u.request, &again.u.request, secret);
    return 0;
}
