/* SPDX-License-Identifier: Apache-2.0 */
/* How soon the prober looks at a worker again. No I/O, no clock of its own. */
#ifndef ENGINE_BALANCE_PACE_H
#define ENGINE_BALANCE_PACE_H

#include "balance/worker.h"

struct pace {
    uint32_t recover;  /* ms, the next pause while the worker is down; 0: the first */
    uint64_t began_ms; /* the last check; 0: there was none */
};

/* Milliseconds from now until the next look; longer with each one at a worker that is down.
 * interval: of the health settings. random is never 0, and moves on. */
uint64_t pace_wait(struct pace *pace, enum health health, uint32_t interval, uint64_t now_ms,
                   uint64_t *random);

#endif
