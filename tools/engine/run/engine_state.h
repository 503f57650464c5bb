/* SPDX-License-Identifier: Apache-2.0 */
/* What engine.c and reload.c share. */
#ifndef ENGINE_RUN_ENGINE_STATE_H
#define ENGINE_RUN_ENGINE_STATE_H

#include "admin/admin.h"
#include "balance/health.h"
#include "config/overlay.h"
#include "net/tap.h"
#include "run/expand.h"
#include "run/prepare.h"
#include "run/restart.h"
#include "run/thread.h"
#include "run/upgrade.h"

/* The admin server waits for a reload. */
struct question {
    char *error;
    size_t error_cap;
    bool over, done;
};

struct engine {
    int argc;
    char **argv;
    const struct program *program;
    struct generation *now;
    struct generation *before; /* kept until the prober's handles have surely gone */
    struct health_prober *prober;
    struct thread *threads;
    uint32_t thread_count;
    struct restart restart;
    struct admin_host admin_host;
    struct admin *admin;
    struct tap *tap;
    uv_mutex_t lock; /* of now, and of asked and change */
    uv_cond_t answered;
    uv_async_t ask;                /* the admin server wants a reload */
    struct overlay overlay;        /* changes of workers at run time */
    struct overlay_change *change; /* one more, asked for with the reload */
    struct question *asked;        /* NULL: none */
    struct expand_watch names;
    struct prepare prepare;
    uv_timer_t later;  /* a reload that has to wait for the one before it */
    bool wanted;       /* a reload */
    bool untold;       /* the last one: not all threads have followed yet */
    bool taken;        /* the last one was asked for by the admin server */
    bool deaf;         /* nobody will answer any more */
    bool late_upgrade; /* wanted while a reload is prepared: what would it have to tell? */
    struct upgrade upgrade;
    uv_signal_t term, interrupt, reopen, hangup, replace;
    bool ending;
};

static inline struct loop *main_loop(struct engine *e)
{
    return &e->threads[0].shard.loop;
}

/* Before the admin server starts: what it may ask, and reloads by themselves, for changed names. */
void reload_init(struct engine *e);
/* In the main thread: read the configuration again, and tell when that is done. */
void reload_want(struct engine *e);
/* In the main thread: a binary upgrade, as soon as nothing is half changed. */
void reload_upgrade(struct engine *e);
/* The main thread answers no more: who asks is told so. */
void reload_end(struct engine *e);
/* Behind the admin server's end. Its handles go with the loop. */
void reload_close(struct engine *e);

#endif
