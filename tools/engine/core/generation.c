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

struct pools *pools_new(struct generation *g)
{
    size_t n = g->balancer->count + 1; /* never 0 */
    struct pools *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->idle = calloc(n, sizeof(*p->idle));
    p->waiting = calloc(n, sizeof(*p->waiting));
    if (p->idle == NULL || p->waiting == NULL) {
        free(p->idle);
        free(p->waiting);
        free(p);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        list_init(&p->idle[i]);
        list_init(&p->waiting[i]);
    }
    p->generation = g;
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
    free(p->idle);
    free(p->waiting);
    free(p);
}
