/* SPDX-License-Identifier: Apache-2.0 */
/* Load and health of one worker: every thread moves them, no lock holds them together. */
#include "balance/worker.h"

#include "balance/load.h"

#include <string.h>

enum {
    REFUSED_LIMIT = 2,      /* in a row: down */
    FAILURE_LIMIT = 3,      /* F within the window: suspect */
    FAILURE_WINDOW = 10000, /* ms */
    PROBE_LIMIT = 3,        /* requests that must go well before a worker is up */
};

static const char *const health_names[] = {"up", "suspect", "down", "probe"};

void worker_start_slowly(struct worker *worker, uint64_t now_ms)
{
    atomic_store_explicit(&worker->recovered_ms, now_ms, memory_order_relaxed);
    load_level(worker);
}

void worker_set_activation(struct worker *worker, enum activation activation, uint64_t now_ms)
{
    if (activation == ACTIVATION_SPARE)
        atomic_store(&worker->balancer->has_spares, true);
    uint32_t before = atomic_exchange(&worker->activation, activation);
    if (activation == ACTIVATION_ACTIVE && before != ACTIVATION_ACTIVE)
        worker_start_slowly(worker, now_ms);
    balancer_changed(worker);
}

void worker_set_weight(struct worker *worker, uint32_t weight)
{
    atomic_store(&worker->weight, weight);
    load_level(worker); /* no debt to make up, at once, by the new measure */
}

enum health worker_health(const struct worker *worker)
{
    return (enum health)atomic_load_explicit(&worker->health, memory_order_relaxed);
}

const char *health_name(enum health health)
{
    return health_names[health];
}

/* Only from the state that the caller saw: of two threads that see the same thing one moves. */
static bool move_health(struct worker *worker, enum health from, enum health to, const char *why,
                        uint64_t now_ms)
{
    uint32_t expected = from;
    if (from == to || !atomic_compare_exchange_strong(&worker->health, &expected, to))
        return false;
    atomic_store_explicit(&worker->since_ms, now_ms, memory_order_relaxed);
    atomic_store_explicit(&worker->failures, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->probe_ok, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->streak, 0, memory_order_relaxed);
    if (to == HEALTH_UP || to == HEALTH_PROBE)
        atomic_store_explicit(&worker->refused, 0, memory_order_relaxed);
    if (from == HEALTH_PROBE && to == HEALTH_UP)
        worker_start_slowly(worker, now_ms);
    char name[80];
    log_event(to == HEALTH_DOWN ? LEVEL_WARN : LEVEL_INFO, "worker_health",
              "worker=%s from=%s to=%s reason=\"%s\"",
              log_str(name, sizeof name, worker->settings->name), health_name(from),
              health_name(to), why);
    if (to == HEALTH_SUSPECT || to == HEALTH_DOWN)
        balancer_wake(worker->balancer);
    balancer_changed(worker);
    return true;
}

static void count_probe_success(struct worker *worker, uint64_t now_ms)
{
    if (atomic_fetch_add_explicit(&worker->probe_ok, 1, memory_order_relaxed) + 1 >= PROBE_LIMIT)
        move_health(worker, HEALTH_PROBE, HEALTH_UP, "recovered", now_ms);
}

/* A request was tried for want of workers that are up, and since this one went down. Where the
 * health has a page, that alone decides. */
static bool was_forced(const struct worker *worker)
{
    const struct balancer *balancer = worker->balancer;
    uint64_t forced = atomic_load_explicit(&balancer->forced_ms, memory_order_relaxed);
    if (balancer->settings->health.path.ptr)
        return false;
    return forced != 0 && forced >= atomic_load_explicit(&worker->since_ms, memory_order_relaxed);
}

static void report_ok(struct worker *worker, uint64_t now_ms)
{
    atomic_fetch_add_explicit(&worker->served, 1, memory_order_relaxed);
    if (atomic_load_explicit(&worker->refused, memory_order_relaxed) != 0)
        atomic_store_explicit(&worker->refused, 0, memory_order_relaxed);
    enum health health = worker_health(worker);
    if (health == HEALTH_PROBE)
        count_probe_success(worker, now_ms);
    else if (health == HEALTH_DOWN && was_forced(worker)) /* told before the prober is */
        move_health(worker, health, HEALTH_PROBE, "forced request answered", now_ms);
}

/* Three failures of at least two requests within ten seconds: one bad request alone, however
 * often it is sent again, says nothing of the worker. */
static bool failures_suffice(struct worker *worker, uint64_t request_no, uint64_t now_ms)
{
    uint64_t start = atomic_load_explicit(&worker->window_ms, memory_order_relaxed);
    uint32_t before = atomic_load_explicit(&worker->failures, memory_order_relaxed);
    if (before == 0 || now_ms - start > FAILURE_WINDOW) {
        atomic_store_explicit(&worker->window_ms, now_ms, memory_order_relaxed);
        atomic_store_explicit(&worker->window_request, request_no, memory_order_relaxed);
        atomic_store_explicit(&worker->failures, 1, memory_order_relaxed);
        return false;
    }
    bool same = atomic_load_explicit(&worker->window_request, memory_order_relaxed) == request_no;
    if (same && before + 1 >= FAILURE_LIMIT)
        return false; /* stays one short until another request fails */
    return atomic_fetch_add_explicit(&worker->failures, 1, memory_order_relaxed) + 1 >=
           FAILURE_LIMIT;
}

/* One more 5xx reply or failure. It only turns new sessions away, and only while there are others:
 * what an app answers is no proof against the worker. */
static void count_bad(struct worker *worker, uint64_t now_ms)
{
    const struct health_settings *settings = &worker->balancer->settings->health;
    if (settings->eject_after == 0 ||
        atomic_fetch_add_explicit(&worker->bad_replies, 1, memory_order_relaxed) + 1 <
            settings->eject_after)
        return;
    atomic_store_explicit(&worker->bad_replies, 0, memory_order_relaxed);
    atomic_store_explicit(&worker->ejected_ms, now_ms + settings->eject_time, memory_order_relaxed);
    char name[80];
    log_event(LEVEL_WARN, "worker_ejected", "worker=%s in_a_row=%u for_ms=%u",
              log_str(name, sizeof name, worker->settings->name), settings->eject_after,
              settings->eject_time);
}

static void report_failure(struct worker *worker, enum worker_outcome outcome, uint64_t request_no,
                           uint64_t now_ms)
{
    atomic_fetch_add_explicit(&worker->errors, 1, memory_order_relaxed);
    atomic_store_explicit(&worker->failed_ms, now_ms, memory_order_relaxed);
    enum health health = worker_health(worker);
    if (health == HEALTH_PROBE) {
        move_health(worker, health, HEALTH_DOWN, "request failed while on probation", now_ms);
        return;
    }
    if (health == HEALTH_DOWN)
        return;
    switch (outcome) {
    case OUT_OK:
    case OUT_NEUTRAL:
        break;
    case OUT_REFUSED:
        if (atomic_fetch_add_explicit(&worker->refused, 1, memory_order_relaxed) + 1 >=
            REFUSED_LIMIT)
            move_health(worker, health, HEALTH_DOWN, "connection refused", now_ms);
        else
            move_health(worker, health, HEALTH_SUSPECT, "connection refused", now_ms);
        break;
    case OUT_CONNECT_TIMEOUT:
        move_health(worker, health, HEALTH_SUSPECT, "connect timed out", now_ms);
        break;
    case OUT_CPING_FAILED:
        move_health(worker, health, HEALTH_SUSPECT, "no answer to CPing", now_ms);
        break;
    case OUT_FAILED:
    case OUT_REPLY_TIMEOUT:
        count_bad(worker, now_ms);
        if (failures_suffice(worker, request_no, now_ms))
            move_health(worker, health, HEALTH_SUSPECT, "requests failed", now_ms);
        break;
    }
}

void worker_begin(struct worker *worker, uint32_t weighting)
{
    atomic_fetch_add_explicit(&worker->tally.busy, 1, memory_order_relaxed);
    if (weighting != 0)
        atomic_fetch_add_explicit(&load_tally(worker, weighting)->busy, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->elected, 1, memory_order_relaxed);
}

void worker_end(struct worker *worker, uint32_t weighting)
{
    atomic_fetch_sub_explicit(&worker->tally.busy, 1, memory_order_relaxed);
    if (weighting != 0)
        atomic_fetch_sub_explicit(&load_tally(worker, weighting)->busy, 1, memory_order_relaxed);
}

void worker_report(struct worker *worker, enum worker_outcome outcome, uint64_t request_no,
                   uint64_t now_ms)
{
    if (outcome == OUT_NEUTRAL)
        return;
    if (outcome == OUT_OK)
        report_ok(worker, now_ms);
    else
        report_failure(worker, outcome, request_no, now_ms);
}

void worker_replied(struct worker *worker, uint16_t status, uint64_t now_ms)
{
    if (status >= 500 && status < 600)
        count_bad(worker, now_ms);
    else if (atomic_load_explicit(&worker->bad_replies, memory_order_relaxed) != 0)
        atomic_store_explicit(&worker->bad_replies, 0, memory_order_relaxed);
}

/* Counts one more finding that speaks for leaving this state; true when there are enough. */
static bool enough(struct worker *worker, bool finding, uint32_t wanted)
{
    if (!finding) {
        atomic_store_explicit(&worker->streak, 0, memory_order_relaxed);
        return false;
    }
    return atomic_fetch_add_explicit(&worker->streak, 1, memory_order_relaxed) + 1 >= wanted;
}

void worker_probed(struct worker *worker, const char *problem, uint64_t now_ms)
{
    bool ok = problem == NULL;
    const struct health_settings *settings = &worker->balancer->settings->health;
    enum health health = worker_health(worker);
    if (!ok)
        atomic_store_explicit(&worker->failed_ms, now_ms, memory_order_relaxed);
    switch (health) {
    case HEALTH_UP:
        if (!ok)
            move_health(worker, health, settings->fall <= 1 ? HEALTH_DOWN : HEALTH_SUSPECT, problem,
                        now_ms);
        break;
    case HEALTH_SUSPECT:
        /* What made it suspect was the first failure. */
        if (ok)
            move_health(worker, health, HEALTH_UP, "probe answered", now_ms);
        else if (enough(worker, true, settings->fall > 2 ? settings->fall - 1 : 1))
            move_health(worker, health, HEALTH_DOWN, problem, now_ms);
        break;
    case HEALTH_DOWN:
        if (enough(worker, ok, settings->rise))
            move_health(worker, health, HEALTH_PROBE, "probe answered", now_ms);
        break;
    case HEALTH_PROBE:
        if (ok)
            count_probe_success(worker, now_ms);
        else
            move_health(worker, health, HEALTH_DOWN, problem, now_ms);
        break;
    }
}
