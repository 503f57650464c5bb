/* SPDX-License-Identifier: Apache-2.0 */
/* Counting who still needs which settings. */
#include "core/generation.h"

#include <stdio.h>
#include <stdlib.h>

struct generation *generation_new(struct settings *settings, char *error, size_t error_cap)
{
    struct generation *g = calloc(1, sizeof(*g));

    if (g == NULL) {
        snprintf(error, error_cap, "out of memory");
        settings_free(settings);
        return NULL;
    }
    g->settings = settings;
    g->users = 1;
    g->balancer = balancer_new(settings, error, error_cap);
    if (g->balancer == NULL) {
        generation_leave(g);
        return NULL;
    }
    return g;
}

void generation_leave(struct generation *g)
{
    if (atomic_fetch_sub(&g->users, 1) > 1)
        return;
    balancer_free(g->balancer);
    settings_free(g->settings);
    free(g);
}

static void pools_free(struct pools *p)
{
    free(p->idle);
    free(p->waiting);
    free(p->counts);
    free(p);
}

/* A bound for all threads, as one of them has to keep it: rounded up, so that none is left out. */
static uint32_t share_of(uint32_t bound, uint32_t threads)
{
    return threads > 1 ? (bound + threads - 1) / threads : bound;
}

static void set_bounds(struct pools *p, const struct settings *set)
{
    for (size_t i = 0; i < set->worker_count; i++) {
        const struct worker_settings *w = &set->workers[i];

        p->counts[i].min = share_of(w->min_idle, set->threads);
        p->counts[i].max = w->max_idle != 0 ? share_of(w->max_idle, set->threads) : UINT32_MAX;
        p->any_min |= w->min_idle != 0;
    }
}

static struct h1_limits heads_of(const struct settings *set)
{
    return (struct h1_limits){
        .max_line = set->limits.request_line,
        .max_head = set->limits.header_bytes,
        .max_fields = set->limits.header_count,
        .max_field = set->limits.one_header_bytes,
        .allow_encoded_slash = set->http.encoded_slash == ODD_PASS,
        .allow_non_ascii = set->http.non_ascii == ODD_PASS,
        .allow_bare_lf = set->http.bare_lf == ODD_PASS,
        .host_must_match = set->http.host_mismatch == ODD_REJECT,
        .underscores = (enum underscores)set->http.underscores,
    };
}

struct pools *pools_new(struct generation *g)
{
    size_t n = g->balancer->count + 1; /* never 0 */
    struct pools *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->idle = calloc(n, sizeof(*p->idle));
    p->waiting = calloc(n, sizeof(*p->waiting));
    p->counts = calloc(n, sizeof(*p->counts));
    if (p->idle == NULL || p->waiting == NULL || p->counts == NULL) {
        pools_free(p);
        return NULL;
    }
    set_bounds(p, g->settings);
    for (size_t i = 0; i < n; i++) {
        list_init(&p->idle[i]);
        list_init(&p->waiting[i]);
    }
    p->generation = g;
    p->settings = g->settings;
    p->heads = heads_of(g->settings);
    p->balancer = g->balancer;
    p->users = 1;
    atomic_fetch_add(&g->users, 1);
    return p;
}

void pools_leave(struct pools *p)
{
    if (p == NULL || --p->users > 0)
        return;
    generation_leave(p->generation);
    pools_free(p);
}
