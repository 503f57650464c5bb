/* SPDX-License-Identifier: Apache-2.0 */
/* One clause for each worker, the first thing that forbids it. */
#include "balance/explain.h"

#include "balance/worker.h"

#include <stdio.h>

static int explain(const struct worker *worker, const struct pick *pick, char *out, size_t cap)
{
    enum activation activation = worker_activation(worker);
    enum health health = worker_health(worker);
    uint64_t since = atomic_load_explicit(&worker->since_ms, memory_order_relaxed);
    unsigned long long ago = pick->now_ms > since ? (pick->now_ms - since) / 1000 : 0;
    char name[80], reason[REASON_MAX], shown[REASON_MAX * 2];
    log_str(name, sizeof name, worker->settings->name);
    const char *tried = pick->tried & UINT64_C(1) << worker->index ? "tried, " : "";
    if (activation != ACTIVATION_ACTIVE)
        return snprintf(out, cap, "%s: %sactivation %s", name, tried, activation_name(activation));
    worker_reason(worker, reason);
    snprintf(shown, sizeof shown, "%s", reason);
    for (char *p = shown; *p; p++)
        if (*p == '"')
            *p = '\'';
    return snprintf(out, cap, "%s: %s%s for %llu s%s%s", name, tried, health_name(health), ago,
                    *shown ? ", " : "", shown);
}

const char *balancer_explain(const struct balancer *balancer, const struct pick *pick,
                             char out[EXPLAIN_ROOM])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < balancer->count; i++) {
        char clause[512];
        if (pick->outside & UINT64_C(1) << i)
            continue;
        int n = explain(&balancer->workers[i], pick, clause, sizeof clause);
        if (n < 0 || len + (size_t)n + 3 > EXPLAIN_ROOM)
            break;
        len += (size_t)snprintf(out + len, EXPLAIN_ROOM - len, "%s%s", len ? "; " : "", clause);
    }
    return out;
}
