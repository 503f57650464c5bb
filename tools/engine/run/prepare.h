/* SPDX-License-Identifier: Apache-2.0 */
/* The next generation is made in a thread of its own: it reads files and looks names up, which
 * takes as long as it takes, while all other threads serve. */
#ifndef ENGINE_RUN_PREPARE_H
#define ENGINE_RUN_PREPARE_H

#include "config/options.h"
#include "config/overlay.h"
#include "core/generation.h"
#include "run/restart.h"

#include <uv.h>

struct prepare {
    /* For who begins it; all of this stays as it is until it is over. */
    int argc;
    char **argv;
    const struct program *program;
    const struct overlay *overlay;
    const struct restart *restart;
    const struct overlay_change *change; /* the last of overlay, if it is new */
    struct generation *now;              /* in force; one user is the preparation's */
    void *ctx;
    /* In the loop's thread; g is its to leave. NULL: it failed, for the reason in error. */
    void (*over)(void *ctx, struct generation *g, const char *error);

    /* Private. */
    uv_thread_t thread;
    uv_async_t done;
    bool running;
    struct generation *made;
    char error[512];
};

void prepare_init(struct prepare *p, uv_loop_t *loop);
/* False, with one message: it cannot be begun. */
bool prepare_begin(struct prepare *p, char *error, size_t error_cap);
/* Waits until the thread has ended, which is soon after name_queries_give_up; over is not called.
 * Its handle goes with the loop. */
void prepare_stop(struct prepare *p);

#endif
