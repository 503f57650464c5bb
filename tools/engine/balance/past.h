/* SPDX-License-Identifier: Apache-2.0 */
/* What the next generation, or the next program, knows of a worker: what was set at run time, and
 * its health. */
#ifndef ENGINE_BALANCE_PAST_H
#define ENGINE_BALANCE_PAST_H

#include "balance/balancer.h"

struct worker_past {
    ajp_str name, host;
    uint16_t port;
    uint32_t file_weight, weight; /* as the settings had it, and as it was */
    enum activation file_activation, activation;
    enum health health;
    uint32_t mute;
    uint32_t refused;
    uint64_t since_ms, failed_ms, recovered_ms, ejected_ms, drain_ms;
    char reason[REASON_MAX]; /* of its health; "": not told */
};

/* From the prober's thread. Its texts are the settings'. */
struct worker_past worker_past(const struct worker *worker);
/* Before it is used. What was set at run time stays, until the settings say something new. */
void worker_recall(struct worker *worker, const struct worker_past *past, uint64_t now_ms);

/* Of another program's workers, as by a reload: who is not among them, or has moved, starts
 * slowly. */
void balancer_recall(struct balancer *balancer, const struct worker_past *all, size_t count,
                     uint64_t now_ms);

#endif
