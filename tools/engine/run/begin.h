/* SPDX-License-Identifier: Apache-2.0 */
/* The settings and the generation that a daemon starts with: as any other, but for what a
 * predecessor hands over. */
#ifndef ENGINE_RUN_BEGIN_H
#define ENGINE_RUN_BEGIN_H

#include "config/options.h"
#include "core/generation.h"
#include "run/handover.h"

/* -1: *set is to be run. Otherwise the exit code, all messages printed. Changes that were handed
 * over go into overlay, which is empty; the rest into *handover. */
int begin_settings(int argc, char **argv, const struct program *program, struct overlay *overlay,
                   struct handover **handover, struct settings **set);
/* Takes set and handover over, also when it fails: NULL with one message in error. */
struct generation *begin_generation(struct settings *set, struct handover *handover, char *error,
                                    size_t error_cap);

#endif
