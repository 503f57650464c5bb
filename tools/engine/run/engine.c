/* SPDX-License-Identifier: Apache-2.0 */
/* Start, reload and stop of the whole: sockets, threads, signals. */
#include "run/engine.h"

#include "admin/admin.h"
#include "admin/ctl.h"
#include "balance/health.h"
#include "config/overlay.h"
#include "net/inherit.h"
#include "net/tap.h"
#include "run/begin.h"
#include "run/expand.h"
#include "run/restart.h"
#include "run/sockets.h"
#include "run/thread.h"
#include "run/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LATER_MS = 10 };

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
    uv_mutex_t lock; /* of now, and of asked and what follows it */
    uv_cond_t answered;
    uv_async_t ask;                /* the admin server wants a reload */
    struct overlay overlay;        /* changes of workers at run time */
    struct overlay_change *change; /* one more, asked for with the reload */
    char *asked;                   /* where its error goes; NULL: it does not ask */
    size_t asked_cap;
    bool done;
    struct expand_watch names;
    uv_timer_t later; /* a reload that has to wait for the one before it */
    bool wanted;      /* a reload */
    bool untold;      /* the last one: not all threads have followed yet */
    bool taken;       /* the last one was asked for by the admin server */
    bool deaf;        /* nobody will answer any more */
    struct upgrade upgrade;
    uv_signal_t term, interrupt, reopen, hangup, replace;
    bool ending;
};

static struct loop *main_loop(struct engine *e)
{
    return &e->threads[0].shard.loop;
}

/* --- reload --- */

static bool orders_pending(const struct engine *e)
{
    for (uint32_t t = 0; t < e->thread_count; t++)
        if (atomic_load(&e->threads[t].order) != NULL)
            return true;
    return false;
}

static void take_into_force(struct engine *e, struct generation *g, struct order **orders)
{
    struct health_prober *prober = health_start(g->balancer, main_loop(e));

    for (uint32_t t = 0; t < e->thread_count; t++)
        thread_order(&e->threads[t], orders[t]);
    free(orders);
    if (prober != NULL) {
        health_stop(e->prober);
        e->prober = prober;
    }
    if (e->before != NULL)
        generation_leave(e->before);
    e->before = e->now;
    e->now = g;
}

/* What the admin server sets goes to g, or is inherited by it. */
static bool replace_by(struct engine *e, struct generation *g, char *error, size_t error_cap)
{
    struct order **orders;

    uv_mutex_lock(&e->lock);
    balancer_inherit(g->balancer, e->now->balancer);
    orders = sockets_order(g, e->now, e->thread_count, error, error_cap);
    if (orders != NULL)
        take_into_force(e, g, orders);
    uv_mutex_unlock(&e->lock);
    return orders != NULL;
}

static bool reload(struct engine *e, char *error, size_t error_cap)
{
    struct settings *set = NULL;
    struct generation *g;
    char why[480];

    if (e->ending) {
        snprintf(error, error_cap, "the daemon is about to end");
        return false;
    }
    if (options_parse_again(e->argc, e->argv, e->program, &e->overlay, why, sizeof(why), &set) >=
        0) {
        for (char *p = why; *p != '\0'; p++) /* it is told within quotes */
            *p = *p == '"' ? '\'' : *p;
        snprintf(error, error_cap, "the configuration is not valid: %s", why);
        return false;
    }
    restart_tell(&e->restart, set);
    set->threads = e->thread_count;
    if (!expand_workers(set, error, error_cap)) {
        settings_free(set);
        return false;
    }
    g = generation_new(set, error, error_cap);
    if (g == NULL)
        return false;
    if (!replace_by(e, g, error, error_cap)) {
        generation_leave(g);
        return false;
    }
    log_setup(set->log_level, set->log_format);
    return true;
}

/* The lock is held, and the admin server waits. */
static void answer(struct engine *e, bool done, const char *error)
{
    if (!done)
        snprintf(e->asked, e->asked_cap, "%s", error);
    e->done = done;
    e->asked = NULL;
    uv_cond_signal(&e->answered);
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

static void start_reload(struct engine *e)
{
    struct overlay_change *change;
    char error[512];

    uv_mutex_lock(&e->lock);
    change = e->change;
    e->change = NULL;
    e->taken = e->asked != NULL;
    uv_mutex_unlock(&e->lock);
    if (change != NULL)
        overlay_add(&e->overlay, change);
    if (change != NULL && e->upgrade.running) /* the successor would not know of it */
        snprintf(error, sizeof(error), "a binary upgrade is under way");
    else
        e->untold = reload(e, error, sizeof(error));
    if (e->untold)
        return;
    if (change != NULL)
        overlay_drop_last(&e->overlay);
    tell_failed(e, error);
}

/* Do what was asked for, or wait while some thread has not followed the last order. */
static void go_on(struct engine *e)
{
    if (!orders_pending(e)) {
        if (e->untold)
            tell_reloaded(e);
        if (e->wanted) {
            e->wanted = false;
            start_reload(e);
        }
    }
    if (e->untold || e->wanted)
        uv_timer_start(&e->later, on_later, LATER_MS, 0);
}

static void on_later(uv_timer_t *t)
{
    go_on(t->data);
}

static void want_reload(struct engine *e)
{
    e->wanted = true;
    go_on(e);
}

static void on_hangup(uv_signal_t *s, int number)
{
    (void)number;
    want_reload(s->data);
}

static const struct settings *settings_now(void *ctx)
{
    const struct engine *e = ctx;

    return e->now->settings;
}

static void on_names_changed(void *ctx)
{
    want_reload(ctx);
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

/* Ask the main thread, and wait for it. */
static bool admin_reload(void *ctx, struct overlay_change *change, char *error, size_t error_cap)
{
    struct engine *e = ctx;
    bool done;

    uv_mutex_lock(&e->lock);
    e->asked = error;
    e->asked_cap = error_cap;
    e->change = change;
    if (e->deaf)
        answer(e, false, "the daemon is about to end");
    else
        uv_async_send(&e->ask);
    while (e->asked != NULL)
        uv_cond_wait(&e->answered, &e->lock);
    done = e->done;
    uv_mutex_unlock(&e->lock);
    return done;
}

static void on_ask(uv_async_t *a)
{
    want_reload(a->data);
}

static bool start_admin(struct engine *e, char *error, size_t error_cap)
{
    const struct settings *set = e->now->settings;

    uv_mutex_init(&e->lock);
    uv_cond_init(&e->answered);
    uv_async_init(&main_loop(e)->uv, &e->ask, on_ask);
    e->ask.data = e;
    uv_timer_init(&main_loop(e)->uv, &e->later);
    e->later.data = e;
    e->admin_host = (struct admin_host){.ctx = e,
                                        .program = e->program->name,
                                        .enter = admin_enter,
                                        .begin_change = admin_begin_change,
                                        .end_change = admin_end_change,
                                        .reload = admin_reload};
    if (set->tap.ptr != NULL) {
        e->tap = tap_start(set->tap.ptr, &main_loop(e)->uv, error, error_cap);
        if (e->tap == NULL)
            return false;
    }
    if (set->admin.ptr == NULL)
        return true;
    e->admin = admin_start(set, &e->admin_host, error, error_cap);
    return e->admin != NULL;
}

/* --- the other signals --- */

static void on_end_signal(uv_signal_t *s, int number)
{
    struct engine *e = s->data;

    if (e->upgrade.running)
        admin_leave(e->admin);
    log_event(LEVEL_INFO, "draining", "signal=%d", number);
    if (!e->ending) {
        e->ending = true;
        health_stop(e->prober);
        e->prober = NULL;
    }
    for (uint32_t i = 0; i < e->thread_count; i++)
        thread_drain(&e->threads[i]);
}

static void on_reopen(uv_signal_t *s, int number)
{
    (void)s;
    (void)number;
    access_log_reopen_all();
}

static void on_replace(uv_signal_t *s, int number)
{
    struct engine *e = s->data;

    (void)number;
    if (e->ending)
        return;
    uv_mutex_lock(&e->lock); /* no change between what the successor is told and that it runs */
    upgrade_start(&e->upgrade, &main_loop(e)->uv, e->argv, &e->overlay, e->now->balancer);
    uv_mutex_unlock(&e->lock);
}

static void start_signal(struct engine *e, uv_signal_t *s, int number, uv_signal_cb cb)
{
    uv_signal_init(&main_loop(e)->uv, s);
    s->data = e;
    uv_signal_start(s, cb, number);
}

static void start_signals(struct engine *e)
{
    start_signal(e, &e->term, SIGTERM, on_end_signal);
    start_signal(e, &e->interrupt, SIGINT, on_end_signal);
    start_signal(e, &e->reopen, SIGUSR1, on_reopen);
    start_signal(e, &e->hangup, SIGHUP, on_hangup);
    start_signal(e, &e->replace, SIGUSR2, on_replace);
}

static void stop_signals(struct engine *e)
{
    uv_close((uv_handle_t *)&e->term, NULL);
    uv_close((uv_handle_t *)&e->interrupt, NULL);
    uv_close((uv_handle_t *)&e->reopen, NULL);
    uv_close((uv_handle_t *)&e->hangup, NULL);
    uv_close((uv_handle_t *)&e->replace, NULL);
    if (e->upgrade.running)
        uv_close((uv_handle_t *)&e->upgrade.process, NULL);
}

/* --- the whole --- */

/* The main thread answers no more: neither does the admin server. */
static void finish_asking(struct engine *e)
{
    uv_mutex_lock(&e->lock);
    e->deaf = true;
    if (e->asked != NULL)
        answer(e, false, "the daemon is about to end");
    uv_mutex_unlock(&e->lock);
    admin_stop(e->admin, e->upgrade.running);
    uv_close((uv_handle_t *)&e->ask, NULL);
    uv_close((uv_handle_t *)&e->later, NULL);
    expand_watch_stop(&e->names);
    tap_stop(e->tap, e->upgrade.running);
}

static void tell_started(const struct engine *e)
{
    const struct settings *set = e->now->settings;

    log_event(LEVEL_INFO, "started",
              "program=%s version=%s pid=%ld threads=%u listeners=%zu "
              "workers=%zu%s",
              e->program->name, ajp_version(), (long)getpid(), e->thread_count, set->listener_count,
              set->worker_count, inherit_any() ? " note=\"in place of a predecessor\"" : "");
}

static void serve(struct engine *e)
{
    uint64_t since = uv_hrtime();

    start_signals(e);
    threads_start(e->threads, e->thread_count, e->program->name);
    sockets_announce(e->now->settings, &e->threads[0].shard);
    tell_started(e);
    inherit_done();
    thread_run(&e->threads[0]);
    finish_asking(e);
    for (uint32_t i = 1; i < e->thread_count; i++)
        uv_thread_join(&e->threads[i].id);
    stop_signals(e);
    for (uint32_t i = 0; i < e->thread_count; i++)
        thread_close(&e->threads[i]);
    log_event(LEVEL_INFO, "stopped", "pid=%ld served_s=%llu", (long)getpid(),
              (unsigned long long)((uv_hrtime() - since) / 1000000000));
}

static bool start(struct engine *e, char *error, size_t error_cap)
{
    struct order **orders = sockets_order(e->now, NULL, e->thread_count, error, error_cap);

    if (orders == NULL)
        return false;
    for (uint32_t i = 0; i < e->thread_count; i++) {
        int rc = thread_init(e->threads, i, orders[i]);

        if (rc != 0) {
            snprintf(error, error_cap, "%s",
                     rc == UV_EIO ? "the access log cannot be opened" : uv_strerror(rc));
            return false;
        }
    }
    free(orders);
    e->prober = health_start(e->now->balancer, main_loop(e));
    e->names =
        (struct expand_watch){.ctx = e, .settings = settings_now, .changed = on_names_changed};
    expand_watch_start(&e->names, &main_loop(e)->uv);
    if (e->prober == NULL)
        snprintf(error, error_cap, "out of memory");
    return e->prober != NULL && start_admin(e, error, error_cap);
}

/* Else the next file or socket would be taken for one of them, and lines of the log go into it. */
static void open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static void tell_not_started(const struct program *program, const char *why)
{
    char text[512];

    snprintf(text, sizeof(text), "%s: %s", program->name, why);
    log_error(text);
}

int engine_main(int argc, char **argv, const struct program *program)
{
    struct engine e = {.argc = argc, .argv = argv, .program = program};
    struct settings *set = NULL;
    struct handover *handover = NULL;
    char error[256];
    bool started = false;
    size_t size;
    int rc;

    if (argc > 1 && strcmp(argv[1], "ctl") == 0)
        return ctl_main(argc - 2, argv + 2, program->name);
    open_standard_files();
    rc = begin_settings(argc, argv, program, &e.overlay, &handover, &set);
    if (rc >= 0)
        return rc;
    signal(SIGPIPE, SIG_IGN);
    upgrade_init(&e.upgrade);
    log_setup(set->log_level, set->log_format);
    if (!log_start()) {
        fprintf(stderr, "%s: the log cannot be started: %m\n", program->name);
        handover_free(handover);
        settings_free(set);
        return 1;
    }
    e.thread_count = set->threads;
    restart_remember(&e.restart, set);
    e.now = begin_generation(set, handover, error, sizeof(error));
    size = (sizeof(*e.threads) * e.thread_count + 63) / 64 * 64;
    e.threads = aligned_alloc(64, size);
    if (e.now != NULL && e.threads != NULL) {
        memset(e.threads, 0, size);
        started = start(&e, error, sizeof(error));
    }
    if (started)
        serve(&e);
    else
        tell_not_started(program, error);
    if (e.before != NULL)
        generation_leave(e.before);
    if (e.now != NULL)
        generation_leave(e.now);
    overlay_clear(&e.overlay);
    restart_forget(&e.restart);
    overlay_change_free(e.change);
    free(e.threads);
    log_end();
    return started ? 0 : 1;
}
