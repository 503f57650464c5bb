/* SPDX-License-Identifier: Apache-2.0 */
/* From a wish for new settings to all threads that follow them, one reload after another; and the
 * admin server, whose threads ask for one and wait. */
#include "run/engine_state.h"
#include "run/sockets.h"

#include <stdio.h>
#include <stdlib.h>

enum { LATER_MS = 10 };

static bool orders_pending(const struct engine *e)
{
    for (uint32_t t = 0; t < e->thread_count; t++)
        if (atomic_load(&e->threads[t].order) != NULL)
            return true;
    return false;
}

static void take_into_force(struct engine *e, struct generation *g, struct health_prober *prober,
                            struct order **orders)
{
    for (uint32_t t = 0; t < e->thread_count; t++)
        thread_order(&e->threads[t], orders[t]);
    free(orders);
    health_stop(e->prober);
    e->prober = prober;
    if (e->before != NULL)
        generation_leave(e->before);
    e->before = e->now;
    e->now = g;
}

/* What the admin server sets goes to g, or is inherited by it. */
static bool replace_by(struct engine *e, struct generation *g, char *error, size_t error_cap)
{
    struct health_prober *prober = NULL;
    struct order **orders;

    uv_mutex_lock(&e->lock);
    balancer_inherit(g->balancer, e->now->balancer);
    orders = sockets_order(g, e->now, e->thread_count, error, error_cap);
    if (orders != NULL) {
        prober = health_start(g->balancer, main_loop(e));
        if (prober != NULL) {
            take_into_force(e, g, prober, orders);
        } else {
            snprintf(error, error_cap, "out of memory");
            sockets_forget(orders, e->thread_count);
        }
    }
    uv_mutex_unlock(&e->lock);
    return prober != NULL;
}

/* The lock is held. */
static void answer(struct engine *e, bool done, const char *error)
{
    struct question *q = e->asked;

    if (!done)
        snprintf(q->error, q->error_cap, "%s", error);
    q->done = done;
    q->over = true;
    e->asked = NULL;
    uv_cond_broadcast(&e->answered);
}

static void on_later(uv_timer_t *t);

/* It is told when every thread has followed, not before. */
static void tell_reloaded(struct engine *e)
{
    e->untold = false;
    log_event(LEVEL_INFO, "reloaded", "workers=%zu listeners=%zu", e->now->settings->worker_count,
              e->now->settings->listener_count);
    uv_mutex_lock(&e->lock);
    if (e->taken && e->asked != NULL)
        answer(e, true, "");
    uv_mutex_unlock(&e->lock);
}

static void tell_failed(struct engine *e, const char *error)
{
    log_event(LEVEL_ERROR, "reload_failed", "reason=\"%s\" note=\"the old settings stay\"", error);
    uv_mutex_lock(&e->lock);
    if (e->taken && e->asked != NULL)
        answer(e, false, error);
    uv_mutex_unlock(&e->lock);
}

static void go_on(struct engine *e);

static void fail_reload(struct engine *e, const char *error)
{
    if (e->prepare.change != NULL)
        overlay_drop_last(&e->overlay);
    e->prepare.change = NULL;
    tell_failed(e, error);
}

static void on_prepared(void *ctx, struct generation *g, const char *why)
{
    struct engine *e = ctx;
    char error[512];

    if (g == NULL) {
        fail_reload(e, why);
    } else if (e->ending) {
        generation_leave(g);
        fail_reload(e, "the daemon is about to end");
    } else if (!replace_by(e, g, error, sizeof(error))) {
        generation_leave(g);
        fail_reload(e, error);
    } else {
        e->prepare.change = NULL;
        e->untold = true;
        log_setup(g->settings->log_level, g->settings->log_format);
    }
    go_on(e);
}

static void start_reload(struct engine *e)
{
    struct prepare *p = &e->prepare;
    struct overlay_change *change;
    char error[160] = "the daemon is about to end";

    uv_mutex_lock(&e->lock);
    change = e->change;
    e->change = NULL;
    e->taken = e->asked != NULL;
    uv_mutex_unlock(&e->lock);
    if (change != NULL)
        overlay_add(&e->overlay, change);
    p->change = change;
    p->now = e->now;
    if (change != NULL && e->upgrade.running) /* the successor would not know of it */
        snprintf(error, sizeof(error), "a binary upgrade is under way");
    else if (!e->ending && prepare_begin(p, error, sizeof(error)))
        return;
    fail_reload(e, error);
}

static void upgrade_now(struct engine *e)
{
    e->late_upgrade = false;
    uv_mutex_lock(&e->lock); /* no change between what the successor is told and that it runs */
    upgrade_start(&e->upgrade, &main_loop(e)->uv, e->argv, &e->overlay, e->now->balancer);
    uv_mutex_unlock(&e->lock);
}

/* Do what was asked for, or wait while some thread has not followed the last order. */
static void go_on(struct engine *e)
{
    if (e->prepare.running)
        return;
    if (e->late_upgrade)
        upgrade_now(e);
    if (!orders_pending(e)) {
        if (e->untold)
            tell_reloaded(e);
        if (e->wanted) {
            e->wanted = false;
            start_reload(e);
        }
    }
    if (!e->prepare.running && (e->untold || e->wanted))
        uv_timer_start(&e->later, on_later, LATER_MS, 0);
}

static void on_later(uv_timer_t *t)
{
    go_on(t->data);
}

void reload_want(struct engine *e)
{
    e->wanted = true;
    go_on(e);
}

void reload_upgrade(struct engine *e)
{
    if (e->prepare.running)
        e->late_upgrade = true;
    else
        upgrade_now(e);
}

static const struct settings *settings_now(void *ctx)
{
    const struct engine *e = ctx;

    return e->now->settings;
}

static void on_names_changed(void *ctx)
{
    reload_want(ctx);
}

/* --- the admin server, which has a thread of its own --- */

static struct generation *admin_enter(void *ctx)
{
    struct engine *e = ctx;
    struct generation *g;

    uv_mutex_lock(&e->lock);
    g = e->now;
    atomic_fetch_add(&g->users, 1);
    uv_mutex_unlock(&e->lock);
    return g;
}

/* What a successor was told cannot be changed any more. */
static struct generation *admin_begin_change(void *ctx)
{
    struct engine *e = ctx;

    uv_mutex_lock(&e->lock);
    if (!e->upgrade.running)
        return e->now;
    uv_mutex_unlock(&e->lock);
    return NULL;
}

static void admin_end_change(void *ctx)
{
    struct engine *e = ctx;

    uv_mutex_unlock(&e->lock);
}

/* Ask the main thread, and wait for it; one asks at a time. */
static bool admin_reload(void *ctx, struct overlay_change *change, char *error, size_t error_cap)
{
    struct engine *e = ctx;
    struct question q = {.error = error, .error_cap = error_cap};

    uv_mutex_lock(&e->lock);
    while (e->asked != NULL)
        uv_cond_wait(&e->answered, &e->lock);
    e->asked = &q;
    overlay_change_free(e->change); /* of one that was answered in the end */
    e->change = change;
    if (e->deaf)
        answer(e, false, "the daemon is about to end");
    else
        uv_async_send(&e->ask);
    while (!q.over)
        uv_cond_wait(&e->answered, &e->lock);
    uv_mutex_unlock(&e->lock);
    return q.done;
}

static void on_ask(uv_async_t *a)
{
    reload_want(a->data);
}

void reload_init(struct engine *e)
{
    uv_loop_t *loop = &main_loop(e)->uv;

    uv_mutex_init(&e->lock);
    uv_cond_init(&e->answered);
    uv_async_init(loop, &e->ask, on_ask);
    e->ask.data = e;
    uv_timer_init(loop, &e->later);
    e->later.data = e;
    e->prepare = (struct prepare){.argc = e->argc,
                                  .argv = e->argv,
                                  .program = e->program,
                                  .overlay = &e->overlay,
                                  .restart = &e->restart,
                                  .ctx = e,
                                  .over = on_prepared};
    prepare_init(&e->prepare, loop);
    e->names =
        (struct expand_watch){.ctx = e, .settings = settings_now, .changed = on_names_changed};
    expand_watch_start(&e->names, loop);
    e->admin_host = (struct admin_host){.ctx = e,
                                        .program = e->program->name,
                                        .enter = admin_enter,
                                        .begin_change = admin_begin_change,
                                        .end_change = admin_end_change,
                                        .reload = admin_reload};
}

void reload_end(struct engine *e)
{
    uv_mutex_lock(&e->lock);
    e->deaf = true;
    if (e->asked != NULL)
        answer(e, false, "the daemon is about to end");
    uv_mutex_unlock(&e->lock);
}

void reload_close(struct engine *e)
{
    uv_close((uv_handle_t *)&e->ask, NULL);
    uv_close((uv_handle_t *)&e->later, NULL);
    name_queries_give_up();
    prepare_stop(&e->prepare);
    expand_watch_stop(&e->names);
}
