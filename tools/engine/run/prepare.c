/* SPDX-License-Identifier: Apache-2.0 */
/* One preparation at a time. */
#include "run/prepare.h"

#include "balance/address.h"
#include "run/expand.h"

#include <stdio.h>
#include <string.h>

static bool read_settings(struct prepare *p, struct settings **set)
{
    char why[480];

    if (options_parse_again(p->argc, p->argv, p->program, p->overlay, why, sizeof(why), set) < 0)
        return true;
    for (char *c = why; *c != '\0'; c++) /* it is told within quotes */
        *c = *c == '"' ? '\'' : *c;
    snprintf(p->error, sizeof(p->error), "the configuration is not valid: %s", why);
    return false;
}

/* Who adds a worker is there to hear that its name is mistyped. */
static bool change_is_found(struct prepare *p, const struct generation *g)
{
    const struct worker *w;

    if (p->change == NULL || p->change->remove)
        return true;
    w = balancer_find(g->balancer, ajp_str_of(p->change->name, strlen(p->change->name)));
    if (w == NULL || address_known(w))
        return true;
    snprintf(p->error, sizeof(p->error), "worker %s: cannot resolve %s", p->change->name,
             w->settings->host.ptr);
    return false;
}

static struct generation *make(struct prepare *p)
{
    struct settings *set = NULL;
    struct generation *g;

    if (!read_settings(p, &set))
        return NULL;
    restart_tell(p->restart, set);
    set->threads = p->now->settings->threads;
    if (!expand_workers(set, p->now->settings, p->error, sizeof(p->error))) {
        settings_free(set);
        return NULL;
    }
    g = generation_new(set, p->error, sizeof(p->error));
    if (g == NULL || change_is_found(p, g))
        return g;
    generation_leave(g);
    return NULL;
}

static void run(void *ctx)
{
    struct prepare *p = ctx;

    p->made = make(p);
    log_flush_suppressed();
    uv_async_send(&p->done);
}

static void end(struct prepare *p)
{
    uv_thread_join(&p->thread);
    p->running = false;
    generation_leave(p->now);
}

static void on_done(uv_async_t *a)
{
    struct prepare *p = a->data;

    if (!p->running)
        return;
    end(p);
    p->over(p->ctx, p->made, p->error);
}

void prepare_init(struct prepare *p, uv_loop_t *loop)
{
    uv_async_init(loop, &p->done, on_done);
    p->done.data = p;
}

bool prepare_begin(struct prepare *p, char *error, size_t error_cap)
{
    int rc;

    atomic_fetch_add(&p->now->users, 1);
    p->made = NULL;
    rc = uv_thread_create(&p->thread, run, p);
    p->running = rc == 0;
    if (rc == 0)
        return true;
    generation_leave(p->now);
    snprintf(error, error_cap, "a thread cannot be started: %s", uv_strerror(rc));
    return false;
}

void prepare_stop(struct prepare *p)
{
    if (p->running) {
        end(p);
        if (p->made != NULL)
            generation_leave(p->made);
    }
    uv_close((uv_handle_t *)&p->done, NULL);
}
