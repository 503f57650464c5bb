/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop of the whole: sockets, threads, signals. */
#include "run/engine.h"

#include "balance/health.h"
#include "run/thread.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct engine {
    const struct settings *settings;
    struct balancer *balancer;
    struct health_prober *prober;
    struct thread *threads;
    uv_signal_t term, interrupt, reopen;
};

static void on_end_signal(uv_signal_t *s, int number)
{
    struct engine *e = s->data;

    log_event(LEVEL_INFO, "draining", "signal=%d", number);
    if (e->prober != NULL) {
        health_stop(e->prober);
        e->prober = NULL;
        uv_close((uv_handle_t *)&e->reopen, NULL);
    }
    for (uint32_t i = 0; i < e->settings->threads; i++)
        thread_drain(&e->threads[i]);
}

static void on_reopen(uv_signal_t *s, int number)
{
    (void)s;
    (void)number;
    access_log_reopen_all();
}

static void start_signal(struct engine *e, uv_signal_t *s, int number, uv_signal_cb cb)
{
    uv_signal_init(&e->threads[0].shard.loop.uv, s);
    s->data = e;
    uv_signal_start(s, cb, number);
}

/* fds[thread][listener], all bound; ports that were 0 are the same in all threads. */
static bool bind_all(const struct settings *set, int *fds, uint16_t *ports)
{
    bool shared = set->threads > 1;

    for (size_t l = 0; l < set->listener_count; l++) {
        const struct listener_settings *listener = &set->listeners[l];

        ports[l] = listener->port;
        if (shared && ports[l] != 0) { /* SO_REUSEPORT would share with another daemon unseen */
            int probe = listener_bind(listener->host.ptr, &ports[l], false);

            if (probe >= 0)
                close(probe);
            else
                fds[l] = probe;
        }
        for (uint32_t t = 0; t < set->threads && fds[l] >= 0; t++) {
            int fd = listener_bind(listener->host.ptr, &ports[l], shared);

            if (fd < 0)
                fds[l] = fd;
            else
                fds[t * set->listener_count + l] = fd;
        }
        if (fds[l] < 0) {
            fprintf(stderr, "cannot listen on %s://%s:%u: %s\n",
                    scheme_name(listener->proto, listener->secure), listener->host.ptr, ports[l],
                    strerror(-fds[l]));
            return false;
        }
    }
    return true;
}

static void announce(const struct settings *set, const uint16_t *ports)
{
    for (size_t l = 0; l < set->listener_count; l++) {
        const struct listener_settings *listener = &set->listeners[l];
        bool six = strchr(listener->host.ptr, ':') != NULL;

        printf("listening %s://%s%s%s:%u\n", scheme_name(listener->proto, listener->secure),
               six ? "[" : "", listener->host.ptr, six ? "]" : "", ports[l]);
    }
    fflush(stdout);
}

static void thread_main(void *t)
{
    thread_run(t);
}

static void serve(struct engine *e)
{
    start_signal(e, &e->term, SIGTERM, on_end_signal);
    start_signal(e, &e->interrupt, SIGINT, on_end_signal);
    start_signal(e, &e->reopen, SIGUSR1, on_reopen);
    for (uint32_t i = 1; i < e->settings->threads; i++)
        uv_thread_create(&e->threads[i].id, thread_main, &e->threads[i]);
    thread_run(&e->threads[0]);
    for (uint32_t i = 1; i < e->settings->threads; i++)
        uv_thread_join(&e->threads[i].id);
    uv_close((uv_handle_t *)&e->term, NULL);
    uv_close((uv_handle_t *)&e->interrupt, NULL);
    for (uint32_t i = 0; i < e->settings->threads; i++)
        thread_close(&e->threads[i]);
}

static int start(struct engine *e, const int *fds, const uint16_t *ports)
{
    for (uint32_t i = 0; i < e->settings->threads; i++) {
        int rc = thread_init(e->threads, i, e->settings, e->balancer,
                             fds + i * e->settings->listener_count);

        if (rc != 0) {
            fprintf(stderr, "cannot start: %s\n",
                    rc == UV_EIO ? "the access log cannot be opened" : uv_strerror(rc));
            return 1;
        }
    }
    e->prober = health_start(e->balancer, &e->threads[0].shard.loop.uv);
    if (e->prober == NULL) {
        fprintf(stderr, "cannot start: out of memory\n");
        return 1;
    }
    announce(e->settings, ports);
    serve(e);
    return 0;
}

int engine_main(int argc, char **argv, const struct program *program)
{
    struct engine e = {0};
    struct settings *set = NULL;
    char error[256];
    uint16_t *ports;
    int *fds;
    int rc = options_parse(argc, argv, program, &set);

    if (rc >= 0)
        return rc;
    signal(SIGPIPE, SIG_IGN);
    log_setup(set->log_level, set->log_format);
    e.settings = set;
    e.balancer = balancer_new(set, error, sizeof(error));
    if (e.balancer == NULL) {
        fprintf(stderr, "%s: %s\n", program->name, error);
        settings_free(set);
        return 1;
    }
    e.threads = aligned_alloc(64, (sizeof(*e.threads) * set->threads + 63) / 64 * 64);
    fds = calloc(set->threads * set->listener_count, sizeof(*fds));
    ports = calloc(set->listener_count, sizeof(*ports));
    rc = 1;
    if (e.threads == NULL || fds == NULL || ports == NULL) {
        fprintf(stderr, "%s: out of memory\n", program->name);
    } else {
        memset(e.threads, 0, sizeof(*e.threads) * set->threads);
        if (bind_all(set, fds, ports))
            rc = start(&e, fds, ports);
    }
    free(e.threads);
    free(fds);
    free(ports);
    balancer_free(e.balancer);
    settings_free(set);
    return rc;
}
