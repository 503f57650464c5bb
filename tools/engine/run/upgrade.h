/* SPDX-License-Identifier: Apache-2.0 */
/* Binary upgrade: the program's new version is started with our listening sockets, and
 * tells us to drain when it serves them. */
#ifndef ENGINE_RUN_UPGRADE_H
#define ENGINE_RUN_UPGRADE_H

#include "balance/balancer.h"
#include "config/overlay.h"

#include <uv.h>

struct upgrade {
    uv_process_t process;
    char path[4096];      /* of our program, as it was when we started */
    _Atomic bool running; /* a successor has been started and has not ended */
};

/* Remember where the program lies; a new version will be put there. */
void upgrade_init(struct upgrade *u);
/* Start the successor, with what was set at run time. argv is ours. A failure is logged, and we go
 * on. */
void upgrade_start(struct upgrade *u, uv_loop_t *loop, char **argv, const struct overlay *overlay,
                   const struct balancer *balancer);

#endif
