/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon from its command line to its exit code. */
#ifndef ENGINE_RUN_ENGINE_H
#define ENGINE_RUN_ENGINE_H

#include "config/options.h"

/* Parse, start, serve until SIGTERM or SIGINT, drain. Returns the exit code: 0 after a
 * drain, 1 when it could not start, 2 for bad options or a bad file. */
int engine_main(int argc, char **argv, const struct program *program);

#endif
