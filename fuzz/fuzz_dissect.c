/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of every kind of link, one behind the other, as fragments need: what is found lies in
 * memory that is there, and the same bytes are found twice. */
#include "check.h"

#include "dissect.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 4, LINKS = 300 };

static uint32_t sum_of(const struct segment *s)
{
    uint32_t sum = s->seq ^ s->ack ^ s->flags;
    for (size_t i = 0; i < s->len; i++) /* a sanitizer sees what does not belong to us */
        sum = sum * 31 + s->data[i];
    return sum ^ s->from.port ^ (uint32_t)s->to.port << 16;
}

/* Each frame: its link type, of two bytes, its length and how much was cut off, of one each. */
static uint32_t run(const uint8_t *data, size_t size)
{
    struct dissector *d = dissector_new();
    uint64_t frames = 0, found = 0;
    uint32_t sum = 0;
    while (size >= HEAD) {
        int link_type = (data[0] << 8 | data[1]) % LINKS;
        size_t len = data[2] < size - HEAD ? data[2] : size - HEAD, cut = data[3];
        uint8_t *frame = xmalloc(len + 1); /* of its own, so that a read past its end is noticed */
        struct segment s;
        memcpy(frame, data + HEAD, len);
        frames++;
        if (dissect_knows(link_type) &&
            dissect(d, link_type, frame, len, len + cut, frames * 1000, &s)) {
            found++;
            sum = sum * 31 + sum_of(&s);
        } else if (!dissect_knows(link_type)) {
            frames--;
        }
        free(frame);
        data += HEAD + len;
        size -= HEAD + len;
    }
    CHECK(dissector_passed(d) + found == frames);
    dissector_free(d);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CHECK(run(data, size) == run(data, size));
    return 0;
}
