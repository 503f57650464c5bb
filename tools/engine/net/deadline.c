/* SPDX-License-Identifier: Apache-2.0 */
/* A hashed wheel: slot = tick modulo the number of slots. */
#include "net/deadline.h"

void deadline_wheel_init(struct deadline_wheel *w, uint64_t now_ms)
{
    for (int i = 0; i < DEADLINE_SLOTS; i++)
        list_init(&w->slots[i]);
    w->tick = now_ms / DEADLINE_TICK_MS;
    w->armed = 0;
}

void deadline_init(struct deadline *d, void (*reached)(struct deadline *d))
{
    list_init(&d->node);
    d->at = 0;
    d->slotted = 0;
    d->reached = reached;
}

void deadline_drop(struct deadline_wheel *w, struct deadline *d)
{
    if (d->slotted != 0) {
        list_remove(&d->node);
        d->slotted = 0;
        w->armed--;
    }
    d->at = 0;
}

static void slot_in(struct deadline_wheel *w, struct deadline *d)
{
    uint64_t tick = d->at / DEADLINE_TICK_MS + 1; /* never early */

    if (tick < w->tick)
        tick = w->tick;
    if (tick >= w->tick + DEADLINE_SLOTS) /* far off: looked at again on the way */
        tick = w->tick + DEADLINE_SLOTS - 1;
    d->slotted = tick;
    list_add(&w->slots[tick % DEADLINE_SLOTS], &d->node);
    w->armed++;
}

void deadline_set(struct deadline_wheel *w, struct deadline *d, uint64_t at_ms)
{
    d->at = at_ms;
    if (d->slotted != 0) {
        if (d->slotted * DEADLINE_TICK_MS <= at_ms + DEADLINE_TICK_MS)
            return; /* its slot comes first: moved then */
        list_remove(&d->node);
        d->slotted = 0;
        w->armed--;
    }
    slot_in(w, d);
}

void deadline_wheel_turn(struct deadline_wheel *w, uint64_t now_ms)
{
    uint64_t last = now_ms / DEADLINE_TICK_MS;

    if (last > w->tick + DEADLINE_SLOTS)
        w->tick = last - DEADLINE_SLOTS; /* every slot once is enough */
    while (w->tick <= last) {
        struct list *slot = &w->slots[w->tick % DEADLINE_SLOTS];
        struct list due;

        list_init(&due);
        if (!list_empty(slot)) { /* move the whole chain over to due */
            due = *slot;
            due.next->prev = &due;
            due.prev->next = &due;
            list_init(slot);
        }
        w->tick++;
        while (!list_empty(&due)) {
            struct deadline *d = CONTAINER_OF(due.next, struct deadline, node);

            list_remove(&d->node);
            d->slotted = 0;
            w->armed--;
            if (d->at == 0)
                continue;
            if (d->at > now_ms) {
                slot_in(w, d);
                continue;
            }
            d->at = 0;
            d->reached(d);
        }
    }
}
