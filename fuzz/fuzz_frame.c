/* SPDX-License-Identifier: Apache-2.0 */
/* Frames off a stream: each lies inside it, and "more" means more. */
#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct portions in = {data, data + size};
    ajp_limits lim = ajp_limits_default;
    lim.max_packet = 8u << (take8(&in) % 14);
    for (;;) {
        const size_t left = (size_t)(in.end - in.p);
        const size_t want = ajp_frame_want(in.p, left);
        ajp_frame f = {NULL, 4711, 7};
        size_t used = SIZE_MAX;
        const ajp_status st = ajp_frame_next(in.p, left, &lim, &f, &used);
        CHECK(want >= AJP_HEADER_SIZE);
        if (st != AJP_OK) {
            CHECK(used == SIZE_MAX && f.payload == NULL && f.len == 4711 && f.dir == 7);
            CHECK(st != AJP_MORE || want > left);
            CHECK(st == AJP_MORE || st == AJP_ERR_MAGIC || st == AJP_ERR_FRAME_SIZE);
            return 0;
        }
        CHECK(used == want && used <= left && used <= lim.max_packet);
        CHECK(f.payload == in.p + 4 && f.len == used - 4);
        CHECK(f.dir == (in.p[0] == 0x41 ? AJP_TO_SERVER : AJP_TO_CONTAINER));
        in.p += used;
    }
}
