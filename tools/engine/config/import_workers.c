/* SPDX-License-Identifier: Apache-2.0 */
/* Whom mod_jk's worker.list names: balancers, their members, and workers by themselves. Members of
 * two balancers with the same route are the same app server, and one worker of ours. */
#include "config/import_state.h"
#include "config/value.h"

#include <string.h>

enum { NAME_SIZE = IMPORT_NAME, WEIGHT_MOST = 1000 };

const char *import_name_of(const struct import *im, size_t member)
{
    return im->workers[im->members[member].worker].name;
}

unsigned import_weight(const struct import *im, size_t worker)
{
    int64_t factor = import_int(im, im->workers[worker].name, "lbfactor", 1);
    return factor < 1 ? 1 : factor > WEIGHT_MOST ? WEIGHT_MOST : (unsigned)factor;
}

/* mod_jk means the route, and may be given a name. */
const char *import_route_of(const struct import *im, const char *name)
{
    for (size_t i = 0; i < im->member_count; i++)
        if (strcmp(im->members[i].route, name) == 0)
            return im->members[i].route;
    for (size_t i = 0; i < im->worker_count; i++)
        if (strcmp(im->workers[i].name, name) == 0)
            return im->members[im->workers[i].member].route;
    return NULL;
}

enum { ACTIVE, DRAIN, STOP };

/* A member of a balancer. */
static unsigned activation_in(const struct import *im, const char *name)
{
    const char *activation = import_value(im, name, "activation", NULL);
    if (activation)
        return strchr("dD1", *activation) ? DRAIN : strchr("sS2", *activation) ? STOP : ACTIVE;
    if (import_bool(import_value(im, name, "stopped", "0"), false))
        return STOP;
    return import_bool(import_value(im, name, "disabled", "0"), false) ? DRAIN : ACTIVE;
}

/* Of its balancers. A worker by itself is always active. */
static unsigned mildest_activation(const struct import *im, size_t member)
{
    unsigned least = STOP;
    bool balanced = false;
    for (size_t i = 0; i < im->pool_count; i++) {
        const struct import_pool *pool = &im->pools[i];
        if (!pool->balancer || !(pool->members >> member & 1))
            continue;
        unsigned here = activation_in(im, im->workers[pool->worker[member]].name);
        least = here < least ? here : least;
        balanced = true;
    }
    return balanced ? least : ACTIVE;
}

/* A redirect leads to disabled workers too, and where no other is left new sessions as well: that
 * is a hot standby by mod_jk's manual. */
static bool is_hot_standby(const struct import *im, size_t member)
{
    for (size_t i = 0; i < im->worker_count; i++) {
        const char *redirect = import_value(im, im->workers[i].name, "redirect", NULL);
        const char *route = redirect ? import_route_of(im, redirect) : NULL;
        if (route && im->workers[i].member != member &&
            strcmp(route, im->members[member].route) == 0)
            return true;
    }
    return false;
}

const char *import_activation_of(const struct import *im, size_t member)
{
    static const char *const names[] = {"active", "drain", "stop"};
    unsigned activation = mildest_activation(im, member);
    return activation == DRAIN && is_hot_standby(im, member) ? "standby" : names[activation];
}

static bool same_value(const struct import *im, const char *a, const char *b, const char *key,
                       const char *otherwise)
{
    return strcmp(import_value(im, a, key, otherwise), import_value(im, b, key, otherwise)) == 0;
}

/* What else both say of what is now one worker: the first one's counts. */
static void note_differences(struct import *im, const char *first, const char *name)
{
    static const char *const keys[] = {"busy_limit", "connection_pool_minsize", "distance",
                                       "domain",     "max_packet_size",         "redirect"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct property *at = import_lookup(im, name, keys[i]);
        const struct property *ours = import_lookup(im, first, keys[i]);
        if (!same_value(im, first, name, keys[i], ""))
            import_note(im, NOTE_SHARED, im->path, at ? at->line : ours->line,
                        at ? at->key : ours->key,
                        "%s and %s have one route, so they are one worker: that of %s counts",
                        first, name, first);
    }
}

static size_t member_of_route(const struct import *im, const char *route)
{
    size_t m = 0;
    while (m < im->member_count && strcmp(im->members[m].route, route) != 0)
        m++;
    return m;
}

static bool same_server(const struct import *im, const char *a, const char *b)
{
    return same_value(im, a, b, "host", "localhost") && same_value(im, a, b, "port", "8009");
}

static bool fail_two_servers(struct import *im, const struct property *at, const char *a,
                             const char *b, const char *route)
{
    const char *host = import_value(im, b, "host", "localhost");
    const char *port = import_value(im, b, "port", "8009");
    return import_fail(im, at,
                       "expected a route of its own for each app server, got \"%.64s\" for %.64s "
                       "and for %.64s, which is at %.80s:%.8s: give one of them another route, and "
                       "its app server that jvmRoute, or leave its balancer to another instance",
                       route, a, b, host, port);
}

/* Into the workers of mod_jk, and into ours unless it is one of them by its route. A worker by
 * itself keeps its name where the route is another's: mod_jk makes nothing of its route. */
static bool add_worker(struct import *im, const char *name, bool alone, const struct property *at)
{
    char buf[NAME_SIZE];
    const char *route = import_value(im, name, "route", import_value(im, name, "jvm_route", name));
    if (im->worker_count == IMPORT_WORKERS_MAX)
        return import_fail(im, at, "expected at most %d names of workers", IMPORT_WORKERS_MAX);
    size_t m = member_of_route(im, route);
    if (m < im->member_count && !same_server(im, import_name_of(im, m), name)) {
        if (!alone || member_of_route(im, name) < im->member_count)
            return fail_two_servers(im, at, import_name_of(im, m), name, route);
        route = name;
        m = im->member_count;
    }
    if (!value_is_name(ajp_str_of(route, strlen(route))))
        return import_fail(im, at,
                           "expected a route of 1 to 64 letters, digits, '_', '-' or '.', got %s",
                           log_str(buf, sizeof buf, ajp_str_of(route, strlen(route))));
    if (m == WORKERS_MAX)
        return import_fail(im, at, "expected at most %d workers", WORKERS_MAX);
    struct import_worker *worker = &im->workers[im->worker_count];
    snprintf(worker->name, sizeof worker->name, "%s", name);
    worker->member = m;
    if (m == im->member_count) {
        snprintf(im->members[m].route, sizeof im->members[m].route, "%s", route);
        im->members[m].worker = im->worker_count;
        im->member_count++;
    } else {
        note_differences(im, import_name_of(im, m), name);
    }
    im->worker_count++;
    return true;
}

static bool add_member(struct import *im, struct import_pool *pool, const char *name,
                       const struct property *at)
{
    size_t w = 0;
    if (!import_is_type(im, name, "ajp13")) {
        import_note(im, NOTE_ANSWERS, im->path, at->line, name, "not a worker of type ajp13");
        return true;
    }
    if (import_int(im, name, "port", 8009) == 0) {
        import_note(im, NOTE_NEEDLESS, im->path, at->line, name,
                    "port 0, a place for a worker to come: ajpforward ctl adds them as they come");
        return true;
    }
    while (w < im->worker_count && strcmp(im->workers[w].name, name) != 0)
        w++;
    if (w == im->worker_count && !add_worker(im, name, !pool->balancer, at))
        return false;
    size_t m = im->workers[w].member;
    if ((pool->members >> m & 1) && pool->worker[m] != w)
        return import_fail(im, at,
                           "expected a route of its own for each worker of %s, got \"%s\" for %s "
                           "and for %s; mod_jk refuses that too",
                           pool->name, im->members[m].route, im->workers[pool->worker[m]].name,
                           name);
    pool->members |= UINT64_C(1) << m;
    pool->worker[m] = (uint16_t)w;
    return true;
}

static bool add_listed_members(struct import *im, struct import_pool *pool)
{
    char name[NAME_SIZE];
    const struct property *line = import_lookup(im, pool->name, "balance_workers");
    const char *key;
    if (!line)
        line = import_lookup(im, pool->name, "balanced_workers");
    if (!line)
        return true;
    key = line->key;
    for (size_t at = 0; (line = import_next_line(im, key, &at));)
        for (const char *list = line->value; import_next_name(&list, name);)
            if (!add_member(im, pool, name, line))
                return false;
    return true;
}

static bool add_pool(struct import *im, const char *name, bool balancer, const struct property *at)
{
    for (size_t i = 0; i < im->pool_count; i++)
        if (strcmp(im->pools[i].name, name) == 0)
            return true;
    if (im->pool_count == IMPORT_POOLS_MAX)
        return import_fail(im, at, "expected at most %d entries of worker.list", IMPORT_POOLS_MAX);
    struct import_pool *pool = &im->pools[im->pool_count++];
    snprintf(pool->name, sizeof pool->name, "%s", name);
    pool->balancer = balancer;
    return balancer ? add_listed_members(im, pool) : add_member(im, pool, name, at);
}

/* Is it an app server that is there already? */
static bool is_known(const struct import *im, const char *name)
{
    size_t m = member_of_route(
        im, import_value(im, name, "route", import_value(im, name, "jvm_route", name)));
    return m < im->member_count && same_server(im, import_name_of(im, m), name);
}

static bool all_known(const struct import *im, const char *balancer)
{
    char name[NAME_SIZE];
    bool known = true;
    const struct property *line = import_lookup(im, balancer, "balance_workers");
    line = line ? line : import_lookup(im, balancer, "balanced_workers");
    const char *key = line ? line->key : NULL;
    for (size_t at = 0; key && (line = import_next_line(im, key, &at));)
        for (const char *list = line->value; import_next_name(&list, name);)
            known &= is_known(im, name);
    return known;
}

/* An entry of worker.list beside another, with nothing that tells which paths are whose: one pool
 * of both would send requests of one application to the other. */
static bool see_unmapped(struct import *im, const char *name, const struct property *at, bool lb)
{
    if (lb ? !all_known(im, name) : !is_known(im, name))
        return import_fail(im, at,
                           "expected mappings that tell which paths go to %s, which is another "
                           "app server than \"%s\": give the file with JkMount (httpd.conf), or "
                           "uriworkermap.properties, as a further argument",
                           name, im->pools[0].name);
    if (lb)
        import_note(im, NOTE_SHARED, im->path, at->line, name,
                    "a second balancer of the same workers, and no paths are mapped: all go to "
                    "%s",
                    im->pools[0].name);
    return true;
}

/* One entry of worker.list. Where paths choose, each makes a pool; else one gives the workers. */
static bool see_listed(struct import *im, const char *name, const struct property *at,
                       bool balancers)
{
    bool lb = import_is_type(im, name, "lb");
    if (lb != balancers)
        return true;
    if (!lb && !import_is_type(im, name, "ajp13")) {
        bool status = import_is_type(im, name, "status");
        import_note(im, status ? NOTE_NEEDLESS : NOTE_ANSWERS, im->path, at->line, name, "%s",
                    status ? "there is no status worker" : "not a worker of type ajp13 or lb");
        return true;
    }
    if (lb && im->balancer[0] == '\0')
        snprintf(im->balancer, sizeof im->balancer, "%s", name);
    if (im->mapped || im->pool_count == 0 || strcmp(im->pools[0].name, name) == 0)
        return add_pool(im, name, lb, at);
    return see_unmapped(im, name, at, lb);
}

/* Where one balancer has an app server stopped or disabled and another has not, or a path is
 * mapped to it alone. What is stopped for a balancer is in its routes no more. */
static void settle_member(struct import *im, struct import_pool *pool, size_t m)
{
    static const char *const there[] = {"active", "disabled", "stopped"};
    const char *name = im->workers[pool->worker[m]].name;
    unsigned all = mildest_activation(im, m), here = activation_in(im, name);
    if (here == ACTIVE || (pool->balancer && here == all))
        return;
    const struct property *at = import_lookup(im, name, "activation");
    at = at ? at : import_lookup(im, name, here == STOP ? "stopped" : "disabled");
    if (!pool->balancer && all != ACTIVE)
        import_note(im, NOTE_SHARED, im->path, at->line, at->key,
                    "%s is %s in its balancer alone, and here where it is by itself too", name,
                    there[here]);
    else if (pool->balancer && here == STOP)
        import_note(im, NOTE_SHARED, im->path, at->line, at->key,
                    "%s is stopped for %s alone, whose routes leave it out", name, pool->name);
    else if (pool->balancer)
        import_note(im, NOTE_ANSWERS, im->path, at->line, at->key,
                    "BEWARE, %s is disabled for %s alone, and active here for all", name,
                    pool->name);
    if (pool->balancer && here == STOP)
        pool->members &= ~(UINT64_C(1) << m);
}

static void settle_activation(struct import *im)
{
    for (size_t i = 0; i < im->pool_count; i++)
        for (size_t m = 0; m < im->member_count; m++)
            if (im->pools[i].members >> m & 1)
                settle_member(im, &im->pools[i], m);
}

static bool fail_without_members(struct import *im)
{
    const struct property *first = im->properties.count > 0 ? &im->properties.items[0] : NULL;
    if (first && properties_has_mark(first->key))
        return import_fail(im, first,
                           "expected worker.list with a balancer or workers of type ajp13, got a "
                           "byte order mark before %.100s: mod_jk takes that for another key, so "
                           "save the file without it",
                           first->key + 3);
    return import_fail(im, NULL, "expected worker.list with a balancer or workers of type ajp13");
}

bool import_find_members(struct import *im)
{
    char name[NAME_SIZE];
    for (int balancers = 1; balancers >= 0; balancers--) {
        const struct property *line;
        for (size_t at = 0; (line = import_next_line(im, "worker.list", &at));)
            for (const char *list = line->value; import_next_name(&list, name);)
                if (!see_listed(im, name, line, balancers))
                    return false;
    }
    if (im->member_count == 0)
        return fail_without_members(im);
    settle_activation(im);
    return true;
}
