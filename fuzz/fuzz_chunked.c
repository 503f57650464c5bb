/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: the same verdict and body whole and in steps (the first byte says how long),
 * and http-parser agrees with what we accept. */
#include "http/h1_body.h"
#include "http_oracle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint8_t body[4096];
    size_t n, used;
    enum h1_result result;
};

static void decode(struct outcome *o, const uint8_t *in, size_t len, size_t step)
{
    struct h1_chunked c = {0};
    bool end = false;

    o->n = o->used = 0;
    o->result = H1_MORE;
    while (o->used < len && !end && o->result != H1_BAD) {
        size_t n = len - o->used < step ? len - o->used : step, used, run;
        const uint8_t *data;

        o->result = h1_chunked_next(&c, in + o->used, n, &used, &data, &run, &end);
        if (used > n || run > used || (o->result == H1_OK && !end && run == 0))
            abort();
        if (run > 0)
            memcpy(o->body + o->n, data, run);
        o->n += run;
        o->used += used;
    }
    if (o->result == H1_OK && !end)
        o->result = H1_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, steps;

    if (size < 2 || size > sizeof whole.body)
        return 0;
    decode(&whole, data + 1, size - 1, size);
    decode(&steps, data + 1, size - 1, data[0] % 32u + 1);
    if (whole.result != steps.result || whole.used != steps.used || whole.n != steps.n ||
        memcmp(whole.body, steps.body, whole.n) != 0)
        abort();
    if (whole.result == H1_OK)
        oracle_chunks(data + 1, whole.used, whole.body, whole.n);
    return 0;
}
