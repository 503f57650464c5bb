/* SPDX-License-Identifier: Apache-2.0 */
/* A reload and a binary upgrade keep the same things. */
#include "balance/past.h"

#include "balance/address.h"

#include <stdio.h>

struct worker_past worker_past(const struct worker *worker)
{
    const struct worker_settings *settings = worker->settings;
    struct worker_past past = {
        .name = settings->name,
        .host = settings->host,
        .port = settings->port,
        .file_weight = settings->weight,
        .weight = worker_weight(worker),
        .file_activation = settings->activation,
        .activation = worker_activation(worker),
        .health = worker_health(worker),
        .mute = worker->mute,
        .refused = worker->refused,
        .since_ms = worker->since_ms,
        .failed_ms = worker->failed_ms,
        .recovered_ms = worker->recovered_ms,
        .ejected_ms = worker->ejected_ms,
        .drain_ms = worker->drain_ms,
    };
    worker_reason(worker, past.reason);
    return past;
}

void worker_recall(struct worker *worker, const struct worker_past *past, uint64_t now_ms)
{
    if (address_known(worker)) {
        worker->health = past->health;
        worker->mute = past->mute;
        snprintf(worker->reason, REASON_MAX, "%s", past->reason);
    }
    worker->refused = past->refused;
    worker->since_ms = past->since_ms;
    worker->failed_ms = past->failed_ms;
    worker->recovered_ms = past->recovered_ms;
    worker->ejected_ms = past->ejected_ms;
    if (worker->settings->weight == past->file_weight)
        worker->weight = past->weight;
    if (worker->settings->activation == past->file_activation)
        worker->activation = past->activation;
    if (worker_activation(worker) == ACTIVATION_SPARE)
        worker->balancer->has_spares = true;
    if (worker_activation(worker) == past->activation) {
        worker->drain_ms = past->drain_ms;
    } else {
        enum activation next = worker_activation(worker);
        worker->activation = past->activation;
        worker_set_activation(worker, next, now_ms);
    }
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The clock is one for all programs; but what they say of it may not be. */
static void recall_told(struct worker *worker, struct worker_past past, uint64_t now_ms)
{
    uint64_t *const times[] = {&past.since_ms, &past.failed_ms, &past.recovered_ms, &past.drain_ms};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        *times[i] = at_most(*times[i], now_ms);
    past.ejected_ms =
        at_most(past.ejected_ms, now_ms + worker->balancer->settings->health.eject_time);
    worker_recall(worker, &past, now_ms);
}

void balancer_recall(struct balancer *balancer, const struct worker_past *all, size_t count,
                     uint64_t now_ms)
{
    for (size_t i = 0; i < balancer->count; i++) {
        struct worker *worker = &balancer->workers[i];
        size_t k = 0;
        while (k < count && !same_name(worker->settings->name, all[k].name))
            k++;
        if (k < count && worker->settings->port == all[k].port &&
            same_name(worker->settings->host, all[k].host))
            recall_told(worker, all[k], now_ms);
        else
            worker_start_slowly(worker, now_ms);
    }
}
