/* SPDX-License-Identifier: Apache-2.0 */
/* One host name, several workers. Their names have the address in them, so that they are the same
 * after every look-up, and an app server can know its own. */
#include "run/expand.h"

#include "base/log.h"
#include "config/settings_build.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MIN_MS = 200, TICK_NOT_FOUND_MS = 1000 };

typedef char address_name[INET6_ADDRSTRLEN];

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void name_address(const struct sockaddr *address, char *out)
{
    if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, out,
                  INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, INET6_ADDRSTRLEN);
}

/* Sorted, each once, at most WORKERS_MAX. */
static size_t name_addresses(const struct addrinfo *found, address_name *out)
{
    size_t count = 0, kept = 0;

    for (const struct addrinfo *at = found; at != NULL && count < WORKERS_MAX; at = at->ai_next)
        if (at->ai_family == AF_INET || at->ai_family == AF_INET6)
            name_address(at->ai_addr, out[count++]);
    qsort(out, count, sizeof(*out), compare_names);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(out[kept - 1], out[i]) != 0)
            memmove(out[kept++], out[i], sizeof(*out));
    return kept;
}

/* --- when settings come into force --- */

/* The workers so far, and for each of them the one that it was made from. */
struct expansion {
    struct worker_settings workers[WORKERS_MAX];
    size_t from[WORKERS_MAX];
    size_t count;
};

static bool add(struct expansion *x, const struct worker_settings *worker, size_t from, char *error,
                size_t error_cap)
{
    if (x->count == WORKERS_MAX) {
        snprintf(error, error_cap, "worker %s: expected at most %d workers, with all addresses",
                 worker->name.ptr, WORKERS_MAX);
        return false;
    }
    x->workers[x->count] = *worker;
    x->from[x->count++] = from;
    return true;
}

static bool add_address(struct settings *settings, struct expansion *x, size_t from,
                        const char *address, char *error, size_t error_cap)
{
    struct worker_settings worker = settings->workers[from];
    char name[128];

    snprintf(name, sizeof(name), "%.64s-%.46s", worker.name.ptr, address);
    for (char *p = name + worker.name.len; *p != '\0'; p++)
        if (*p == '.' || *p == ':')
            *p = '-';
    worker.origin = worker.name;
    worker.origin_host = worker.host;
    worker.name = settings_text(settings, ajp_str_of(name, strlen(name)));
    worker.host = settings_text(settings, ajp_str_of(address, strlen(address)));
    worker.aliases = (struct text_list){0};
    return add(x, &worker, from, error, error_cap);
}

static bool add_found(struct settings *settings, struct expansion *x, size_t from,
                      const struct addrinfo *found, char *error, size_t error_cap)
{
    address_name names[WORKERS_MAX];
    size_t count = name_addresses(found, names);

    for (size_t i = 0; i < count; i++)
        if (!add_address(settings, x, from, names[i], error, error_cap))
            return false;
    return true;
}

static bool is_of(const struct worker_settings *made, const struct worker_settings *worker)
{
    return made->origin.ptr != NULL && !made->not_found &&
           strcmp(made->origin.ptr, worker->name.ptr) == 0 &&
           strcmp(made->origin_host.ptr, worker->host.ptr) == 0;
}

/* What its name meant so far, or that nobody knows. */
static bool add_as_before(struct settings *settings, const struct settings *old,
                          struct expansion *x, size_t from, char *error, size_t error_cap)
{
    struct worker_settings worker = settings->workers[from];
    bool any = false;

    for (size_t i = 0; old != NULL && i < old->worker_count; i++) {
        if (!is_of(&old->workers[i], &worker))
            continue;
        any = true;
        if (!add_address(settings, x, from, old->workers[i].host.ptr, error, error_cap))
            return false;
    }
    worker.origin = worker.name;
    worker.origin_host = worker.host;
    worker.not_found = true;
    return any || add(x, &worker, from, error, error_cap);
}

static bool is_expanded(const struct worker_settings *worker)
{
    return worker->each_address && name_is_looked_up(worker->host.ptr);
}

static bool add_all(struct settings *settings, const struct settings *old, struct name_query *query,
                    struct expansion *x, size_t from, char *error, size_t error_cap)
{
    const struct worker_settings *worker = &settings->workers[from];
    const struct addrinfo *found = NULL;
    int rc = query != NULL ? name_query_result(query, &found) : EAI_AGAIN;

    if (rc == 0)
        return add_found(settings, x, from, found, error, error_cap);
    log_event(LEVEL_WARN, "worker_lookup_failed", "worker=%s host=%s reason=\"%s\"",
              worker->name.ptr, worker->host.ptr, gai_strerror(rc));
    return add_as_before(settings, old, x, from, error, error_cap);
}

/* Routes have what their workers became. */
static bool follow_routes(struct settings *settings, const struct expansion *x)
{
    struct route *routes = settings_alloc(settings, (settings->route_count + 1) * sizeof(*routes));
    struct weighting *weightings =
        settings_alloc(settings, (settings->weighting_count + 1) * sizeof(*weightings));

    if (routes == NULL || weightings == NULL)
        return false;
    for (size_t i = 0; i < settings->route_count; i++) {
        uint64_t inside = 0;

        routes[i] = settings->routes[i];
        for (size_t k = 0; k < x->count; k++)
            if (!(routes[i].outside >> x->from[k] & 1))
                inside |= UINT64_C(1) << k;
        routes[i].outside = ~inside;
    }
    for (size_t i = 0; i < settings->weighting_count; i++)
        for (size_t k = 0; k < x->count; k++)
            weightings[i].at[k] = settings->weightings[i].at[x->from[k]];
    settings->routes = routes;
    settings->weightings = weightings;
    return true;
}

static bool take_over(struct settings *settings, const struct expansion *x, char *error,
                      size_t error_cap)
{
    size_t size = x->count * sizeof(x->workers[0]);
    struct worker_settings *workers = settings_alloc(settings, size);

    if (workers == NULL || !follow_routes(settings, x) || settings->no_memory) {
        snprintf(error, error_cap, "out of memory");
        return false;
    }
    settings->workers = memcpy(workers, x->workers, size);
    settings->worker_count = x->count;
    return true;
}

/* All names at once. True: there is one. */
static bool ask_all(const struct settings *settings, struct name_query **queries)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    uint64_t deadline = uv_hrtime() / 1000000 + NAME_PATIENCE_MS;
    bool any = false;

    for (size_t i = 0; i < settings->worker_count; i++)
        if (is_expanded(&settings->workers[i])) {
            queries[i] = name_query_start(settings->workers[i].host.ptr, NULL, &hints, NULL, NULL);
            any = true;
        }
    for (size_t i = 0; i < settings->worker_count; i++)
        if (queries[i] != NULL)
            name_query_wait(queries[i], deadline);
    return any;
}

static bool expand_all(struct settings *settings, const struct settings *old,
                       struct name_query **queries, struct expansion *x, char *error,
                       size_t error_cap)
{
    for (size_t i = 0; i < settings->worker_count; i++) {
        const struct worker_settings *worker = &settings->workers[i];

        if (is_expanded(worker) ? !add_all(settings, old, queries[i], x, i, error, error_cap)
                                : !add(x, worker, i, error, error_cap))
            return false;
    }
    return true;
}

bool expand_workers(struct settings *settings, const struct settings *old, char *error,
                    size_t error_cap)
{
    struct name_query *queries[WORKERS_MAX] = {NULL};
    struct expansion x = {.count = 0};
    bool ok;

    if (!ask_all(settings, queries))
        return true;
    ok = expand_all(settings, old, queries, &x, error, error_cap);
    for (size_t i = 0; i < settings->worker_count; i++)
        name_query_leave(queries[i]);
    return ok && take_over(settings, &x, error, error_cap);
}

/* --- while they are in force --- */

/* Are these the workers that stand for the host, and no others? */
static bool same_addresses(const struct settings *settings, const char *host,
                           const struct addrinfo *found)
{
    address_name names[WORKERS_MAX];
    size_t count = name_addresses(found, names), seen = 0, first = settings->worker_count;

    for (size_t i = 0; i < settings->worker_count; i++) {
        const struct worker_settings *worker = &settings->workers[i];

        if (worker->origin_host.ptr == NULL || strcmp(worker->origin_host.ptr, host) != 0)
            continue;
        if (first == settings->worker_count)
            first = i; /* another worker may have the same host: one of them is enough */
        if (strcmp(settings->workers[first].origin.ptr, worker->origin.ptr) != 0)
            continue;
        seen++;
        if (bsearch(worker->host.ptr, names, count, sizeof(*names), compare_names) == NULL)
            return false;
    }
    return seen == 0 || seen == count;
}

static void look_next(struct expand_watch *watch);

static void on_found(uv_async_t *found)
{
    struct expand_watch *watch = found->data;
    const struct addrinfo *addresses = NULL;
    bool same;
    int rc;

    if (watch->query == NULL)
        return;
    rc = name_query_result(watch->query, &addresses);
    same = rc != 0 || same_addresses(watch->settings(watch->ctx), watch->host, addresses);
    name_query_leave(watch->query);
    watch->query = NULL;
    if (rc != 0)
        log_event(LEVEL_WARN, "worker_lookup_failed", "host=%s reason=\"%s\"", watch->host,
                  gai_strerror(rc));
    if (same) {
        look_next(watch);
        return;
    }
    log_event(LEVEL_INFO, "worker_addresses", "host=%s note=\"they have changed\"", watch->host);
    watch->at = SIZE_MAX;
    watch->changed(watch->ctx);
}

static void tell(void *found)
{
    uv_async_send(found);
}

/* The first worker of each name, from watch->at on. */
static void look_next(struct expand_watch *watch)
{
    const struct settings *settings = watch->settings(watch->ctx);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    for (; watch->at < settings->worker_count && watch->query == NULL; watch->at++) {
        const struct worker_settings *worker = &settings->workers[watch->at];

        if (worker->origin_host.ptr == NULL || strcmp(worker->origin_host.ptr, watch->host) == 0 ||
            (settings->health.resolve == 0 && !worker->not_found))
            continue;
        snprintf(watch->host, sizeof(watch->host), "%s", worker->origin_host.ptr);
        watch->query = name_query_start(watch->host, NULL, &hints, tell, &watch->found);
    }
}

/* 0: nothing is ever looked up again. */
static uint32_t interval_of(const struct settings *settings)
{
    uint32_t interval = settings->health.resolve;

    for (size_t i = 0; interval == 0 && i < settings->worker_count; i++)
        if (settings->workers[i].not_found)
            interval = TICK_NOT_FOUND_MS;
    return interval;
}

static void on_tick(uv_timer_t *timer)
{
    struct expand_watch *watch = timer->data;
    uint32_t interval = interval_of(watch->settings(watch->ctx));

    uv_timer_set_repeat(timer, interval > TICK_MIN_MS ? interval : TICK_MIN_MS);
    if (interval == 0 || watch->query != NULL)
        return;
    watch->at = 0;
    watch->host[0] = '\0';
    look_next(watch);
}

void expand_watch_start(struct expand_watch *watch, uv_loop_t *loop)
{
    uint32_t interval = interval_of(watch->settings(watch->ctx));

    uv_timer_init(loop, &watch->timer);
    uv_async_init(loop, &watch->found, on_found);
    watch->timer.data = watch;
    watch->found.data = watch;
    interval = interval > TICK_MIN_MS ? interval : TICK_MIN_MS;
    uv_timer_start(&watch->timer, on_tick, interval, interval);
}

void expand_watch_stop(struct expand_watch *watch)
{
    name_query_leave(watch->query);
    watch->query = NULL;
    uv_close((uv_handle_t *)&watch->timer, NULL);
    uv_close((uv_handle_t *)&watch->found, NULL);
}
