/* SPDX-License-Identifier: Apache-2.0 */
/* Pauses of the prober: even while a worker is up, growing while it is down. */
#include "balance/pace.h"

enum {
    TICK_MS = 1000,     /* how often a worker that is up is looked at */
    RECOVER_MIN = 1000, /* until a worker that is down is probed again; doubles */
    RECOVER_MAX = 5000,
    SUSPECT_MAX = 1000, /* between checks of a suspect */
};

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* ms, give or take a tenth, so that many instances do not probe in step. */
static uint64_t jittered(uint32_t ms, uint64_t *random)
{
    uint32_t span = ms / 5;
    return ms - span / 2 + (span ? next_random(random) % span : 0);
}

/* Checks of a suspect count from beginning to beginning: one that timed out was its own pause, and
 * what is wrong for a moment only spoils one of them. */
static uint64_t suspect_wait(const struct pace *pace, uint32_t interval, uint64_t now_ms)
{
    uint64_t apart = interval / 2 < SUSPECT_MAX ? interval / 2 : SUSPECT_MAX;
    if (pace->began_ms == 0 || now_ms >= pace->began_ms + apart)
        return 0;
    return pace->began_ms + apart - now_ms;
}

uint64_t pace_wait(struct pace *pace, enum health health, uint32_t interval, uint64_t now_ms,
                   uint64_t *random)
{
    uint32_t recover = pace->recover ? pace->recover : RECOVER_MIN;
    switch (health) {
    case HEALTH_SUSPECT:
    case HEALTH_SILENT:
        return suspect_wait(pace, interval, now_ms);
    case HEALTH_DOWN:
        pace->recover = recover * 2 < RECOVER_MAX ? recover * 2 : RECOVER_MAX;
        return jittered(recover, random);
    case HEALTH_UP:
    case HEALTH_PROBE:
        break;
    }
    pace->recover = 0;
    return jittered(TICK_MS, random);
}
