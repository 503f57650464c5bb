/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder against the naive one: the same packets are taken, and the same
 * text is read in them. */
#include "naive.h"

static uint32_t sum_of(uint32_t sum, ajp_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        sum = naive_mix(sum, (uint8_t)s.ptr[i]);
    }
    return sum;
}

static uint32_t sum_of_request(const ajp_request *r)
{
    const ajp_str line[] = {r->protocol, r->uri, r->remote_addr, r->remote_host, r->server_name};
    ajp_fields fields = r->headers;
    ajp_attrs attrs = r->attrs;
    ajp_field f;
    ajp_attr_view a;
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof line / sizeof line[0]; i++) {
        sum = sum_of(sum, line[i]);
    }
    while (ajp_field_next(&fields, &f)) {
        sum = sum_of(f.code == 0 ? sum_of(sum, f.name) : sum, f.value);
    }
    while (ajp_attr_next(&attrs, &a)) {
        sum = sum_of(sum_of(sum, a.name), a.value);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 8188) {
        return 0;
    }
    const ajp_frame f = {data, (uint16_t)size, AJP_TO_CONTAINER};
    struct naive naive = {data, size, 0, false, 0, false, 0, ""};
    ajp_message m;
    const ajp_status st = ajp_decode(&m, &f, false, NULL);
    const bool taken = st == AJP_OK && m.kind == AJP_FORWARD_REQUEST;
    CHECK(taken == naive_request(&naive));
    CHECK(!taken || sum_of_request(&m.u.request) == naive.sum);
    return 0;
}
