/* SPDX-License-Identifier: Apache-2.0 */
/* Many time-outs, moved at every request and rarely reached. Moving one later is
 * a store: it is looked at again when its old time comes. */
#ifndef ENGINE_NET_DEADLINE_H
#define ENGINE_NET_DEADLINE_H

#include "base/list.h"

#include <stdint.h>

enum { DEADLINE_TICK_MS = 100, DEADLINE_SLOTS = 1024 };

struct deadline {
    struct list node;
    uint64_t at;      /* ms on the loop's clock; 0: not set */
    uint64_t slotted; /* tick whose slot node is in; 0: in none */
    void (*reached)(struct deadline *d);
};

struct deadline_wheel {
    struct list slots[DEADLINE_SLOTS];
    uint64_t tick;  /* ticks before this one have been looked at */
    uint64_t armed; /* deadlines in some slot */
};

void deadline_wheel_init(struct deadline_wheel *w, uint64_t now_ms);
/* Call what was reached. A callback may set and clear any deadline. */
void deadline_wheel_turn(struct deadline_wheel *w, uint64_t now_ms);

void deadline_init(struct deadline *d, void (*reached)(struct deadline *d));
/* at_ms: the earliest time at which d is reached; up to a tick may pass more. */
void deadline_set(struct deadline_wheel *w, struct deadline *d, uint64_t at_ms);
/* Forget the time; d may stay in the wheel. */
static inline void deadline_clear(struct deadline *d)
{
    d->at = 0;
}
/* Take d out of the wheel, as is due before its memory goes. */
void deadline_drop(struct deadline_wheel *w, struct deadline *d);

#endif
