/* SPDX-License-Identifier: Apache-2.0 */
/* The figures that the balancing methods compare. */
#include "balance/load.h"

enum {
    DECAY_INTERVAL = 1000, /* ms; each takes a 64th away: half is gone in 44 seconds */
    DECAY_SHIFT = 6,
    CHARGE_REQUEST = 1024, /* so that a 64th of few requests is not nothing */
    CHARGE_MAX_SHIFT = 42, /* charge times share stays within 64 bits */
    RAMP_UNIT = 1024,
    RAMP_MIN = 51, /* of RAMP_UNIT: a worker starts with a twentieth */
    LATENCY_SMOOTHING = 8,
    LATENCY_MAX = 600000, /* ms */
    LATENCY_FLOOR = 500,  /* us: below, workers count as equally fast */
};

/* How far a slow start is that began at from; 0: there was none. */
static uint32_t ramp(uint32_t slow, uint64_t from, uint64_t now_ms)
{
    if (slow == 0 || from == 0)
        return RAMP_UNIT;
    uint64_t passed = now_ms > from ? now_ms - from : 0;
    if (passed >= slow)
        return RAMP_UNIT;
    uint32_t part = (uint32_t)(passed * RAMP_UNIT / slow);
    return part < RAMP_MIN ? RAMP_MIN : part;
}

/* Of RAMP_UNIT. */
static uint32_t ramp_of(const struct worker *worker, uint64_t now_ms)
{
    const struct balancer *balancer = worker->balancer;
    const struct balance_settings *settings = &balancer->settings->balance;
    uint64_t recovered = atomic_load_explicit(&worker->recovered_ms, memory_order_relaxed);
    uint32_t since_back = ramp(settings->slow_start, recovered, now_ms);
    uint32_t since_boot = ramp(settings->slow_start_boot, balancer->born_ms, now_ms);
    return since_back < since_boot ? since_back : since_boot;
}

struct tally *load_tally(const struct worker *worker, uint32_t weighting)
{
    struct balancer *balancer = worker->balancer;
    if (weighting == 0)
        return &balancer->workers[worker->index].tally;
    return &balancer->tallies[(weighting - 1) * balancer->count + worker->index];
}

uint32_t load_weight(const struct worker *worker, uint32_t weighting)
{
    const struct settings *settings = worker->balancer->settings;
    uint32_t weight = weighting ? settings->weightings[weighting - 1].at[worker->index] : 0;
    return weight ? weight : worker_weight(worker);
}

uint32_t load_share(const struct worker *worker, uint32_t weighting, uint64_t now_ms)
{
    uint32_t share = load_weight(worker, weighting) * ramp_of(worker, now_ms);
    return share ? share : 1;
}

uint32_t load_capacity(const struct worker *worker, uint64_t now_ms)
{
    uint64_t cap = worker->settings->max_connections;
    if (cap == 0)
        return 0;
    uint64_t now = cap * ramp_of(worker, now_ms) / RAMP_UNIT;
    return now ? (uint32_t)now : 1;
}

uint64_t load_of(const struct worker *worker, uint32_t weighting, enum method method)
{
    const struct tally *tally = load_tally(worker, weighting);
    uint64_t busy = atomic_load_explicit(&tally->busy, memory_order_relaxed);
    switch (method) {
    case METHOD_BUSYNESS:
    case METHOD_HASH:
        return busy;
    case METHOD_REQUESTS:
    case METHOD_SESSIONS:
    case METHOD_TRAFFIC:
        return atomic_load_explicit(&tally->charge, memory_order_relaxed);
    case METHOD_LATENCY:
        return (busy + 1) *
               (LATENCY_FLOOR + atomic_load_explicit(&worker->latency_us, memory_order_relaxed));
    }
    return busy;
}

int load_compare(uint64_t load_a, uint32_t share_a, uint64_t load_b, uint32_t share_b)
{
    uint64_t left = load_a * share_b;
    uint64_t right = load_b * share_a;
    return (left > right) - (left < right);
}

static void add_charge(struct tally *tally, uint64_t charge)
{
    uint64_t before = atomic_load_explicit(&tally->charge, memory_order_relaxed);
    if (before + charge < UINT64_C(1) << CHARGE_MAX_SHIFT)
        atomic_fetch_add_explicit(&tally->charge, charge, memory_order_relaxed);
}

void load_charge(struct worker *worker, enum method method, const struct pick *pick)
{
    if (method == METHOD_REQUESTS || (method == METHOD_SESSIONS && pick->session_id.len == 0))
        add_charge(load_tally(worker, pick->weighting), CHARGE_REQUEST);
}

void worker_measure_traffic(struct worker *worker, uint32_t weighting, uint64_t bytes)
{
    if (worker->balancer->settings->balance.method == METHOD_TRAFFIC)
        add_charge(load_tally(worker, weighting), bytes / 1024 + 1);
}

void worker_measure_latency(struct worker *worker, uint64_t ms)
{
    if (worker->balancer->settings->balance.method != METHOD_LATENCY)
        return;
    /* Two threads at once may lose a sample: it is an average. */
    int64_t sample = ms < LATENCY_MAX ? (int64_t)ms * 1000 : LATENCY_MAX * 1000LL;
    int64_t old = atomic_load_explicit(&worker->latency_us, memory_order_relaxed);
    int64_t next = old == 0 ? sample : old + (sample - old) / LATENCY_SMOOTHING;
    atomic_store_explicit(&worker->latency_us, (uint32_t)next, memory_order_relaxed);
}

static void decay_charge(struct tally *tally)
{
    uint64_t charge = atomic_load_explicit(&tally->charge, memory_order_relaxed);
    atomic_fetch_sub_explicit(&tally->charge, charge >> DECAY_SHIFT, memory_order_relaxed);
}

static void decay_once(struct worker *worker)
{
    for (uint32_t w = 0; w <= worker->balancer->settings->weighting_count; w++)
        decay_charge(load_tally(worker, w));
    /* A worker found slow once is tried again some day. */
    uint32_t latency = atomic_load_explicit(&worker->latency_us, memory_order_relaxed);
    atomic_store_explicit(&worker->latency_us, latency - (latency >> DECAY_SHIFT),
                          memory_order_relaxed);
}

void load_decay(struct balancer *balancer, uint64_t now_ms)
{
    uint64_t last = atomic_load_explicit(&balancer->decayed_ms, memory_order_relaxed);
    if (now_ms < last + DECAY_INTERVAL)
        return;
    if (!atomic_compare_exchange_strong(&balancer->decayed_ms, &last, now_ms))
        return;
    for (size_t i = 0; i < balancer->count; i++)
        decay_once(&balancer->workers[i]);
}

static void level_charge(struct worker *worker, uint32_t weighting)
{
    struct balancer *balancer = worker->balancer;
    uint64_t most = 0;
    for (size_t i = 0; i < balancer->count; i++) {
        const struct worker *other = &balancer->workers[i];
        const struct tally *tally = load_tally(other, weighting);
        uint64_t charge = atomic_load_explicit(&tally->charge, memory_order_relaxed);
        charge /= load_weight(other, weighting);
        if (other != worker && charge > most)
            most = charge;
    }
    atomic_store_explicit(&load_tally(worker, weighting)->charge,
                          most * load_weight(worker, weighting), memory_order_relaxed);
}

void load_level(struct worker *worker)
{
    for (uint32_t w = 0; w <= worker->balancer->settings->weighting_count; w++)
        level_charge(worker, w);
    atomic_store_explicit(&worker->latency_us, 0, memory_order_relaxed);
}
