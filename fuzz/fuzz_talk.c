/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile worker says to the prober. However the bytes are cut, the verdict is the same, and
 * the prober is well only with a status that its rule takes. */
#include "balance/talk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct talk talk;

static enum talk_result feed(const uint8_t *data, size_t size, size_t step)
{
    while (size > 0) {
        size_t room, n = size < step ? size : step;
        uint8_t *space = talk_space(&talk, &room);
        if (room == 0)
            abort();
        if (n > room)
            n = room;
        memcpy(space, data, n);
        enum talk_result result = talk_got(&talk, n);
        if (result != TALK_MORE)
            return result;
        data += n;
        size -= n;
    }
    return talk_end(&talk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct worker_settings worker = {
        .proto = data[0] & 1 ? PROTO_HTTP : PROTO_AJP, .host = AJP_STR("node"), .port = 8009};
    struct health_settings health = {
        .path = data[0] & 2 ? AJP_STR("/health") : AJP_NULL,
        .body = data[0] & 4 ? AJP_STR("UP") : AJP_NULL,
        .status = data[0] & 8 ? 204 : 0,
    };
    static const size_t steps[] = {SIZE_MAX, 1, 3};
    enum talk_result first = TALK_MORE;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        enum talk_result result = talk_begin(&talk, &worker, &health);
        if (result == TALK_MORE)
            result = feed(data + 1, size - 1, steps[i]);
        if (result == TALK_MORE || (i > 0 && result != first))
            abort();
        if (result == TALK_ILL && !talk.problem)
            abort();
        if (result == TALK_WELL && health.path.ptr &&
            (talk.status < 200 || talk.status > 399 || (health.status && talk.status != 204)))
            abort();
        first = result;
    }
    return 0;
}
