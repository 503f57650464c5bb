/* SPDX-License-Identifier: Apache-2.0 */
/* Linear counting over a ring of periods: of m bits z are still zero, so about m ln(m/z) ids came.
 */
#include "balance/sessions.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PERIODS = 8, WORDS = 1024, BITS = WORDS * 64 };

struct sessions {
    uint64_t start_ms;
    uint32_t idle_ms, period_ms;
    _Atomic uint64_t period; /* the current one, counted from the clock's zero */
    _Atomic uint64_t bits[PERIODS][WORDS];
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= 0x7fb5d329728ea185u;
    x ^= x >> 27;
    x *= 0x81dadef4bc2dd44du;
    return x ^ (x >> 33);
}

/* Eight bytes at a time: this runs for every request of a session. */
static uint64_t hash(ajp_str id)
{
    uint64_t h = id.len, word;
    size_t at = 0;
    for (; id.len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, id.ptr + at, sizeof word);
        h = mix(h ^ word);
    }
    word = 0;
    if (id.len > at)
        memcpy(&word, id.ptr + at, id.len - at);
    return mix(h ^ word);
}

/* Enters the period of now and empties what the ring held in its place. Who counts at the very
 * moment may lose a bit to the sweep: it is set again at the session's next request. */
static uint64_t enter(struct sessions *s, uint64_t now_ms)
{
    uint64_t now = now_ms / s->period_ms;
    uint64_t last = atomic_load_explicit(&s->period, memory_order_relaxed);
    if (now <= last)
        return last;
    if (!atomic_compare_exchange_strong(&s->period, &last, now))
        return now;
    uint64_t from = now - last >= PERIODS ? now - PERIODS + 1 : last + 1;
    for (uint64_t period = from; period <= now; period++)
        for (size_t i = 0; i < WORDS; i++)
            atomic_store_explicit(&s->bits[period % PERIODS][i], 0, memory_order_relaxed);
    return now;
}

struct sessions *sessions_new(uint32_t idle_ms, uint64_t now_ms)
{
    struct sessions *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->idle_ms = idle_ms;
    s->period_ms = idle_ms / (PERIODS - 1) + 1;
    s->start_ms = now_ms;
    s->period = now_ms / s->period_ms;
    return s;
}

void sessions_free(struct sessions *sessions)
{
    free(sessions);
}

void sessions_seen(struct sessions *sessions, ajp_str id, uint64_t now_ms)
{
    if (!sessions || id.len == 0)
        return;
    uint64_t period = enter(sessions, now_ms);
    uint64_t bit = hash(id) % BITS;
    uint64_t mask = (uint64_t)1 << (bit % 64);
    _Atomic uint64_t *word = &sessions->bits[period % PERIODS][bit / 64];
    if (!(atomic_load_explicit(word, memory_order_relaxed) & mask))
        atomic_fetch_or_explicit(word, mask, memory_order_relaxed);
}

uint64_t sessions_count(struct sessions *sessions, uint64_t now_ms)
{
    if (!sessions)
        return 0;
    enter(sessions, now_ms);
    unsigned zeros = 0;
    for (size_t i = 0; i < WORDS; i++) {
        uint64_t word = 0;
        for (size_t period = 0; period < PERIODS; period++)
            word |= atomic_load_explicit(&sessions->bits[period][i], memory_order_relaxed);
        zeros += 64 - (unsigned)__builtin_popcountll(word);
    }
    return (uint64_t)(BITS * log((double)BITS / (zeros ? zeros : 1)) + 0.5);
}

bool sessions_settled(const struct sessions *sessions, uint64_t now_ms)
{
    return sessions && now_ms >= sessions->start_ms + sessions->idle_ms;
}

bool sessions_inherit(struct sessions *sessions, const struct sessions *from)
{
    if (!sessions || !from || sessions->idle_ms != from->idle_ms)
        return false;
    sessions->start_ms = from->start_ms;
    sessions->period = from->period;
    for (size_t period = 0; period < PERIODS; period++)
        for (size_t i = 0; i < WORDS; i++)
            sessions->bits[period][i] = from->bits[period][i];
    return true;
}
