/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals are rare: one counter of all threads is enough. */
#include "core/refusal.h"

#include <stdatomic.h>

static _Atomic uint64_t counts[REFUSED_COUNT];

static const char *const names[REFUSED_COUNT] = {
    [REFUSED_SECRET] = "secret", [REFUSED_ATTRIBUTE] = "attribute", [REFUSED_TARGET] = "target",
    [REFUSED_PACKET] = "packet", [REFUSED_HEAD] = "head",           [REFUSED_BODY] = "body",
};

void refusal_count(enum refusal why)
{
    atomic_fetch_add_explicit(&counts[why], 1, memory_order_relaxed);
}

uint64_t refusal_value(enum refusal why)
{
    return atomic_load_explicit(&counts[why], memory_order_relaxed);
}

const char *refusal_name(enum refusal why)
{
    return names[why];
}
