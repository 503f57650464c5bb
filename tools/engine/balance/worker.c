/* SPDX-License-Identifier: Apache-2.0 */
/* Load and health of one worker: every thread moves them, no lock holds them together. */
#include "balance/worker.h"

#include "balance/load.h"
#include "base/rare.h"

#include <stdio.h>
#include <string.h>

enum {
    REFUSED_LIMIT = 2,      /* in a row: down */
    FAILURE_LIMIT = 3,      /* F within the window: suspect */
    FAILURE_WINDOW = 10000, /* ms */
    PROBE_LIMIT = 3,        /* requests that must go well before a worker is up */
    FAIL_PAUSE = 5000,      /* ms, the first one of a worker that serves nobody; it doubles */
};

static const char *const health_names[] = {"up", "suspect", "silent", "down", "probe"};

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

const char *health_name(enum health health)
{
    return health_names[health];
}

void worker_reason(const struct worker *worker, char out[REASON_MAX])
{
    pthread_mutex_lock(&worker->balancer->wake_lock);
    memcpy(out, worker->reason, REASON_MAX);
    pthread_mutex_unlock(&worker->balancer->wake_lock);
}

/* True when it is another one than before. */
static bool set_reason(struct worker *worker, const char *why)
{
    pthread_mutex_lock(&worker->balancer->wake_lock);
    bool changed = strncmp(worker->reason, why, REASON_MAX - 1) != 0;
    snprintf(worker->reason, REASON_MAX, "%s", why);
    pthread_mutex_unlock(&worker->balancer->wake_lock);
    return changed;
}

/* Whoever waits for it, or for others because of it, looks again. */
static void tell_change(struct worker *worker, enum health to)
{
    if (to == HEALTH_SUSPECT || to == HEALTH_SILENT || to == HEALTH_DOWN)
        balancer_wake(worker->balancer);
    if (to == HEALTH_DOWN && worker->balancer->settings->health.on_down == ON_DOWN_ABORT)
        balancer_tell(worker->balancer);
    else
        balancer_changed(worker);
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
    if ((from == HEALTH_PROBE || from == HEALTH_DOWN) && to == HEALTH_UP)
        worker_start_slowly(worker, now_ms);
    set_reason(worker, why);
    char name[80];
    log_event(to == HEALTH_DOWN ? LEVEL_WARN : LEVEL_INFO, "worker_health",
              "worker=%s from=%s to=%s reason=\"%s\"",
              log_str(name, sizeof name, worker->settings->name), health_name(from),
              health_name(to), why);
    tell_change(worker, to);
    return true;
}

/* It stays in that state, perhaps for another reason than before. */
static void stay(struct worker *worker, enum health health, const char *why)
{
    char name[80];
    if (set_reason(worker, why))
        log_event(LEVEL_INFO, "worker_reason", "worker=%s health=%s reason=\"%s\"",
                  log_str(name, sizeof name, worker->settings->name), health_name(health), why);
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

static bool was_only_silent(const struct worker *worker)
{
    return atomic_load_explicit(&worker->mute, memory_order_relaxed) == MUTE_ONLY;
}

void worker_answered(struct worker *worker, uint64_t now_ms)
{
    enum health health = worker_health(worker);
    if (health == HEALTH_SILENT || (health == HEALTH_DOWN && was_only_silent(worker)))
        move_health(worker, health, HEALTH_UP, "it answers again", now_ms);
}

void worker_breathed(struct worker *worker, uint64_t now_ms)
{
    atomic_store_explicit(&worker->alive_ms, now_ms, memory_order_relaxed);
}

static void report_ok(struct worker *worker, uint64_t now_ms)
{
    atomic_fetch_add_explicit(&worker->served, 1, memory_order_relaxed);
    if (atomic_load_explicit(&worker->refused, memory_order_relaxed) != 0)
        atomic_store_explicit(&worker->refused, 0, memory_order_relaxed);
    enum health health = worker_health(worker);
    if (health == HEALTH_PROBE)
        count_probe_success(worker, now_ms);
    else if (health == HEALTH_SILENT || (health == HEALTH_DOWN && was_only_silent(worker)))
        worker_answered(worker, now_ms);
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

static void eject(struct worker *worker, uint32_t in_a_row, uint32_t ms, const char *why,
                  uint64_t now_ms)
{
    atomic_store_explicit(&worker->ejected_ms, now_ms + ms, memory_order_relaxed);
    char name[80];
    log_event(LEVEL_WARN, "worker_ejected", "worker=%s in_a_row=%u for_ms=%u reason=\"%s\"",
              log_str(name, sizeof name, worker->settings->name), in_a_row, ms, why);
}

/* One more 5xx reply or failure. It only turns new sessions away, and only while there are others:
 * what an app answers is no proof against the worker. */
static RARE void count_bad(struct worker *worker, uint64_t now_ms)
{
    const struct health_settings *settings = &worker->balancer->settings->health;
    if (settings->eject_after == 0 ||
        atomic_fetch_add_explicit(&worker->bad_replies, 1, memory_order_relaxed) + 1 <
            settings->eject_after)
        return;
    atomic_store_explicit(&worker->bad_replies, 0, memory_order_relaxed);
    eject(worker, settings->eject_after, settings->eject_time, "5xx replies and failures", now_ms);
}

/* One more request that ended without a reply. Its CPongs say that it lives, and yet nobody is
 * served there: likewise, but tried again sooner, and slowly. A single failure is enough then. */
static void count_fail(struct worker *worker, uint64_t now_ms)
{
    const struct health_settings *settings = &worker->balancer->settings->health;
    uint32_t fails = atomic_fetch_add_explicit(&worker->fails, 1, memory_order_relaxed) + 1;
    if (settings->max_fails == 0 || fails < settings->max_fails ||
        atomic_load_explicit(&worker->ejected_ms, memory_order_relaxed) > now_ms)
        return;
    uint32_t pause = atomic_load_explicit(&worker->fail_pause, memory_order_relaxed);
    pause = pause ? pause * 2 : FAIL_PAUSE;
    if (pause > settings->eject_time)
        pause = settings->eject_time;
    atomic_store_explicit(&worker->fail_pause, pause, memory_order_relaxed);
    worker_start_slowly(worker, now_ms + pause);
    eject(worker, fails, pause, "requests without a reply", now_ms);
}

/* Nothing came back: the prober looks at once, and tells a silent machine from one that is gone. */
static void fall_silent(struct worker *worker, enum health health, const char *why, uint64_t now_ms)
{
    if (health == HEALTH_UP || health == HEALTH_SUSPECT)
        move_health(worker, health, HEALTH_SILENT, why, now_ms);
}

static void suspect(struct worker *worker, enum health health, const char *why, uint64_t now_ms)
{
    if (health == HEALTH_UP)
        move_health(worker, health, HEALTH_SUSPECT, why, now_ms);
}

static RARE void report_failure(struct worker *worker, enum worker_outcome outcome,
                                uint64_t request_no, uint64_t now_ms)
{
    atomic_fetch_add_explicit(&worker->errors, 1, memory_order_relaxed);
    atomic_store_explicit(&worker->failed_ms, now_ms, memory_order_relaxed);
    enum health health = worker_health(worker);
    if (health == HEALTH_PROBE) {
        atomic_store(&worker->mute, MUTE_NO);
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
            REFUSED_LIMIT) {
            atomic_store(&worker->mute, MUTE_NO);
            move_health(worker, health, HEALTH_DOWN, "connection refused", now_ms);
        } else {
            suspect(worker, health, "connection refused", now_ms);
        }
        break;
    case OUT_CONNECT_TIMEOUT:
        fall_silent(worker, health, "connect timed out", now_ms);
        break;
    case OUT_CPING_SILENT:
        fall_silent(worker, health, "no CPong in time", now_ms);
        break;
    case OUT_CPING_FAILED:
        suspect(worker, health, "no answer to CPing", now_ms);
        break;
    case OUT_FAILED:
        count_fail(worker, now_ms);
        /* fall through */
    case OUT_REPLY_TIMEOUT:
        count_bad(worker, now_ms);
        if (failures_suffice(worker, request_no, now_ms))
            suspect(worker, health, "requests failed", now_ms);
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
    if (atomic_load_explicit(&worker->fails, memory_order_relaxed) != 0) {
        atomic_store_explicit(&worker->fails, 0, memory_order_relaxed);
        atomic_store_explicit(&worker->fail_pause, 0, memory_order_relaxed);
    }
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

static bool silent_for_long(const struct worker *worker, uint64_t now_ms)
{
    uint64_t patience = worker->balancer->settings->health.silence;
    uint64_t since = atomic_load_explicit(&worker->since_ms, memory_order_relaxed);
    uint64_t alive = atomic_load_explicit(&worker->alive_ms, memory_order_relaxed);
    return patience != 0 && now_ms >= (alive > since ? alive : since) + patience;
}

/* Of one that never answered a CPing, only requests prove anything: it had some at each check for
 * as long as its silence may last, and none of them came back. */
static bool silence_counts(struct worker *worker, uint64_t now_ms)
{
    uint64_t served = atomic_load_explicit(&worker->served, memory_order_relaxed);
    bool busy = atomic_load_explicit(&worker->tally.busy, memory_order_relaxed) != 0;
    if (!busy || served != worker->owing_served || worker->owing_ms == 0) {
        worker->owing_served = served;
        worker->owing_ms = busy ? now_ms : 0;
    }
    if (atomic_load_explicit(&worker->answers_cping, memory_order_relaxed))
        return true;
    return worker->owing_ms != 0 &&
           now_ms - worker->owing_ms >= worker->balancer->settings->health.silence;
}

/* It was suspect or silent already, and that was the first failure. */
static void probed_again(struct worker *worker, enum health health, enum finding found,
                         const char *reason, uint64_t now_ms)
{
    const struct health_settings *settings = &worker->balancer->settings->health;
    char given_up[REASON_MAX];
    bool down = false;
    enum health other = health; /* where it goes else */
    switch (found) {
    case FOUND_WELL:
        other = HEALTH_UP;
        reason = "probe answered";
        break;
    case FOUND_BAD:
        down = enough(worker, true, settings->fall > 2 ? settings->fall - 1 : 1);
        break;
    case FOUND_SILENT:
        other = HEALTH_SILENT;
        down = silence_counts(worker, now_ms) && health == HEALTH_SILENT &&
               silent_for_long(worker, now_ms);
        snprintf(given_up, sizeof given_up, "no sign of life for %u ms", settings->silence);
        break;
    case FOUND_SLOW_PAGE:
        other = HEALTH_SUSPECT;
        down = health == HEALTH_SUSPECT && silent_for_long(worker, now_ms);
        break;
    }
    if (down) {
        atomic_store(&worker->mute, found == FOUND_SILENT ? MUTE_ONLY : MUTE_NO);
        move_health(worker, health, HEALTH_DOWN, found == FOUND_SILENT ? given_up : reason, now_ms);
    } else if (other != health) {
        move_health(worker, health, other, reason, now_ms);
    } else {
        stay(worker, health, reason);
    }
}

/* Who takes connections now and does not answer is waited for, where there is no other. */
static void probed_while_down(struct worker *worker, enum finding found, const char *reason,
                              uint64_t now_ms)
{
    bool well = found == FOUND_WELL;
    if (enough(worker, well, worker->balancer->settings->health.rise)) {
        move_health(worker, HEALTH_DOWN, was_only_silent(worker) ? HEALTH_UP : HEALTH_PROBE,
                    "probe answered", now_ms);
        return;
    }
    if (well)
        return;
    if (found != FOUND_SILENT) {
        atomic_store(&worker->mute, MUTE_NO);
    } else if (atomic_load(&worker->mute) == MUTE_NO) {
        atomic_store(&worker->mute, MUTE_NOW);
    }
    if (found != FOUND_SILENT || !was_only_silent(worker)) /* else it has its reason */
        stay(worker, HEALTH_DOWN, reason);
}

void worker_probed(struct worker *worker, enum finding found, const char *reason, uint64_t now_ms)
{
    enum health health = worker_health(worker);
    if (found != FOUND_WELL)
        atomic_store_explicit(&worker->failed_ms, now_ms, memory_order_relaxed);
    switch (health) {
    case HEALTH_UP:
        if (found == FOUND_BAD && worker->balancer->settings->health.fall <= 1) {
            atomic_store(&worker->mute, MUTE_NO);
            move_health(worker, health, HEALTH_DOWN, reason, now_ms);
        } else if (found != FOUND_WELL) {
            move_health(worker, health, found == FOUND_SILENT ? HEALTH_SILENT : HEALTH_SUSPECT,
                        reason, now_ms);
        }
        break;
    case HEALTH_SUSPECT:
    case HEALTH_SILENT:
        probed_again(worker, health, found, reason, now_ms);
        break;
    case HEALTH_DOWN:
        probed_while_down(worker, found, reason, now_ms);
        break;
    case HEALTH_PROBE:
        if (found == FOUND_WELL) {
            count_probe_success(worker, now_ms);
        } else {
            atomic_store(&worker->mute, found == FOUND_SILENT ? MUTE_NOW : MUTE_NO);
            move_health(worker, health, HEALTH_DOWN, reason, now_ms);
        }
        break;
    }
}
