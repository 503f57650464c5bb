/* SPDX-License-Identifier: Apache-2.0 */
/* A worker for each address of a host name, where the settings ask for that. */
#ifndef ENGINE_RUN_EXPAND_H
#define ENGINE_RUN_EXPAND_H

#include "config/settings.h"
#include "net/name_query.h"

#include <uv.h>

/* Looks up (blocking), and puts the workers found in the place of those that stand for them. A name
 * that is not found has the addresses that it has in old, which may be NULL; with none there its
 * worker stays as it is, marked as not found. False with one message in error. */
bool expand_workers(struct settings *settings, const struct settings *old, char *error,
                    size_t error_cap);

/* Looks the same names up again, one by one, as often as the settings say; what was not found, in
 * any case. */
struct expand_watch {
    uv_timer_t timer;
    uv_async_t found;
    struct name_query *query; /* NULL: none is under way */
    size_t at;                /* of the workers: the next to be looked at */
    char host[256];           /* that is being looked up */
    void *ctx;
    const struct settings *(*settings)(void *ctx); /* those in force */
    void (*changed)(void *ctx);                    /* a name has other addresses now */
};

void expand_watch_start(struct expand_watch *watch, uv_loop_t *loop);
/* Its handles go with the loop. */
void expand_watch_stop(struct expand_watch *watch);

#endif
