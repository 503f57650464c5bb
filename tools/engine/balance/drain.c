/* SPDX-License-Identifier: Apache-2.0 */
/* Watches over activation "drain". */
#include "balance/drain.h"

#include "balance/sessions.h"

enum { TELL_INTERVAL = 10000 }; /* ms between lines of the log */

static void stop(struct worker *worker, const char *why, uint64_t left)
{
    uint32_t expected = ACTIVATION_DRAIN;
    char name[80];
    if (!atomic_compare_exchange_strong(&worker->activation, &expected, ACTIVATION_STOP))
        return;
    balancer_changed(worker);
    log_event(LEVEL_INFO, "drain_ended", "worker=%s reason=\"%s\" sessions_left=%llu",
              log_str(name, sizeof name, worker->settings->name), why, (unsigned long long)left);
}

void drain_tick(struct worker *worker, uint64_t now_ms)
{
    const struct session_settings *settings = &worker->balancer->settings->session;
    uint32_t activation = atomic_load_explicit(&worker->activation, memory_order_relaxed);
    if (activation != ACTIVATION_DRAIN) {
        worker->drain_ms = 0;
        return;
    }
    bool begins = worker->drain_ms == 0;
    if (begins)
        worker->drain_ms = now_ms;
    if (!begins && now_ms < worker->drain_told_ms + TELL_INTERVAL &&
        (settings->drain_deadline == 0 || now_ms < worker->drain_ms + settings->drain_deadline))
        return;
    uint64_t left = sessions_count(worker->sessions, now_ms);
    char name[80];
    worker->drain_told_ms = now_ms;
    if (left == 0 && sessions_settled(worker->sessions, now_ms)) {
        stop(worker, "no session left", left);
    } else if (settings->drain_deadline != 0 &&
               now_ms >= worker->drain_ms + settings->drain_deadline) {
        stop(worker, "deadline", left);
    } else {
        log_event(LEVEL_INFO, "drain", "worker=%s sessions_left=%llu",
                  log_str(name, sizeof name, worker->settings->name), (unsigned long long)left);
    }
}
