/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon was told and has learned at run time, on its way to the program that replaces it:
 * lines of JSON in a file without a name, sealed. The first line is the version; then come the
 * changes that ctl made to the list of workers, in their order; then each worker. */
#ifndef ENGINE_RUN_HANDOVER_H
#define ENGINE_RUN_HANDOVER_H

#include "balance/balancer.h"
#include "config/overlay.h"

struct handover;

/* A descriptor, closed on exec; -1 with one message in error. */
int handover_write(const struct overlay *overlay, const struct balancer *balancer, char *error,
                   size_t error_cap);

/* What the predecessor hands over: its changes go into overlay, which is empty; the rest into *out,
 * NULL when there is none. False with one message in error: it cannot be understood. */
bool handover_read(struct overlay *overlay, struct handover **out, char *error, size_t error_cap);
/* To workers that serve nothing yet. */
void handover_apply(const struct handover *handover, struct balancer *balancer);
/* NULL is fine. */
void handover_free(struct handover *handover);

#endif
