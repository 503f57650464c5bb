/* SPDX-License-Identifier: Apache-2.0 */
/* Start, reload and stop of the whole: sockets, threads, signals. */
#include "run/engine.h"

#include "admin/ctl.h"
#include "net/inherit.h"
#include "run/begin.h"
#include "run/engine_state.h"
#include "run/sockets.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool start_admin(struct engine *e, char *error, size_t error_cap)
{
    const struct settings *set = e->now->settings;

    reload_init(e);
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

/* --- signals --- */

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

static void on_hangup(uv_signal_t *s, int number)
{
    (void)number;
    reload_want(s->data);
}

static void on_replace(uv_signal_t *s, int number)
{
    struct engine *e = s->data;

    (void)number;
    if (!e->ending)
        reload_upgrade(e);
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
    reload_end(e);
    admin_stop(e->admin, e->upgrade.running);
    reload_close(e);
    tap_stop(e->tap, e->upgrade.running);
}

static void tell_started(const struct engine *e)
{
    const struct settings *set = e->now->settings;

    log_event(LEVEL_INFO, "started",
              "program=%s version=%s%s pid=%ld threads=%u listeners=%zu workers=%zu",
              e->program->name, ajp_version(),
              inherit_any() ? " note=\"in place of a predecessor\"" : "", (long)getpid(),
              e->thread_count, set->listener_count, set->worker_count);
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
    overlay_change_free(e.change);
    restart_forget(&e.restart);
    free(e.threads);
    log_end();
    return started ? 0 : 1;
}
