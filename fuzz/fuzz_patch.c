/* SPDX-License-Identifier: Apache-2.0 */
/* A patched request decodes to the same request plus the edits, and a request
 * written anew is the same bytes. */
#include "check.h"

static bool decode(ajp_message *m, const uint8_t *payload, size_t len, const ajp_limits *lim)
{
    const ajp_frame f = {payload, (uint16_t)len, AJP_TO_CONTAINER};
    return len <= 65532 && ajp_decode(m, &f, false, lim) == AJP_OK &&
           m->kind == AJP_FORWARD_REQUEST;
}

/* The attributes of out are those of r that were kept, then those of extra. */
static void check_attrs(const ajp_request *out, const ajp_request *r, uint64_t drop,
                        const uint8_t *extra, size_t extra_len)
{
    ajp_attrs got = out->attrs, had = r->attrs;
    ajp_attr_view a, b;
    while (ajp_attr_next(&had, &b)) {
        if ((drop >> b.index & 1) == 0) {
            CHECK(ajp_attr_next(&got, &a) && a.code == b.code && a.number == b.number);
            CHECK(same_str(a.name, b.name) && same_str(a.value, b.value));
        }
    }
    CHECK(out->payload + out->end_at - got.at == (ptrdiff_t)extra_len);
    CHECK(extra_len == 0 || memcmp(got.at, extra, extra_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[AJP_PACKET_MAX], anew[AJP_PACKET_MAX];
    struct portions in = {data, data + size};
    const size_t extra_len = take8(&in);
    uint64_t drop = 0;
    for (int i = 0; i < 8; i++) {
        drop = drop << 8 | take8(&in);
    }
    const ajp_str extra = take_bytes(&in, extra_len);
    const ajp_limits lim = limits_of(0);
    ajp_message m, again;
    if (!decode(&m, in.p, (size_t)(in.end - in.p), &lim)) {
        return 0;
    }
    const ajp_request *r = &m.u.request;
    uint8_t head[4];
    ajp_iov iov[AJP_PATCH_IOV];
    int count = 0;
    size_t n = 0, len = 0;
    const ajp_status st =
        ajp_patch_iov(r, drop, extra.ptr, extra.len, sizeof out, head, iov, &count);
    const ajp_status st2 =
        ajp_reencode_request(r, drop, extra.ptr, extra.len, anew, sizeof anew, &len);
    CHECK(st == st2 || !r->canonical);
    if (st != AJP_OK) {
        return 0;
    }
    CHECK(count > 0 && count <= AJP_PATCH_IOV);
    for (int i = 0; i < count; i++) {
        memcpy(out + n, iov[i].base, iov[i].len);
        n += iov[i].len;
    }
    CHECK(n == len && memcmp(out, anew, n) == 0);
    const ajp_frame f = {out + 4, (uint16_t)(n - 4), AJP_TO_CONTAINER};
    const ajp_status st3 = ajp_decode(&again, &f, false, &lim);
    if (st3 == AJP_ERR_ATTR_LIMIT) {
        return 0; /* the container's limit is another */
    }
    CHECK(st3 == AJP_OK && again.kind == AJP_FORWARD_REQUEST);
    check_attrs(&again.u.request, r, drop, (const uint8_t *)extra.ptr, extra.len);
    CHECK(same_str(again.u.request.method, r->method) && again.u.request.canonical);
    CHECK(again.u.request.content_length == r->content_length);
    return 0;
}
