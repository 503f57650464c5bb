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

enum { TICK_MIN_MS = 200 };

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

static bool is_literal(ajp_str host)
{
    struct in6_addr any;

    return inet_pton(AF_INET, host.ptr, &any) == 1 || inet_pton(AF_INET6, host.ptr, &any) == 1;
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

static bool add_all(struct settings *settings, struct expansion *x, size_t from, char *error,
                    size_t error_cap)
{
    const struct worker_settings *worker = &settings->workers[from];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    address_name names[WORKERS_MAX];
    int rc = getaddrinfo(worker->host.ptr, NULL, &hints, &found);
    size_t count = rc == 0 ? name_addresses(found, names) : 0;

    if (rc == 0)
        freeaddrinfo(found);
    if (count == 0)
        snprintf(error, error_cap, "worker %s: cannot resolve %s: %s", worker->name.ptr,
                 worker->host.ptr, rc != 0 ? gai_strerror(rc) : "no address");
    for (size_t i = 0; i < count; i++)
        if (!add_address(settings, x, from, names[i], error, error_cap))
            return false;
    return count > 0;
}

/* Routes have what their workers became. */
static void follow_routes(struct settings *settings, const struct expansion *x)
{
    struct route *routes = settings_alloc(settings, (settings->route_count + 1) * sizeof(*routes));
    struct weighting *weightings =
        settings_alloc(settings, (settings->weighting_count + 1) * sizeof(*weightings));

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
}

bool expand_workers(struct settings *settings, char *error, size_t error_cap)
{
    struct expansion x = {.count = 0};
    bool any = false;

    for (size_t i = 0; i < settings->worker_count; i++) {
        const struct worker_settings *worker = &settings->workers[i];
        bool each = worker->each_address && !is_literal(worker->host);

        any |= each;
        if (each ? !add_all(settings, &x, i, error, error_cap)
                 : !add(&x, worker, i, error, error_cap))
            return false;
    }
    if (!any)
        return true;
    follow_routes(settings, &x);
    settings->workers = memcpy(settings_alloc(settings, x.count * sizeof(x.workers[0])), x.workers,
                               x.count * sizeof(x.workers[0]));
    settings->worker_count = x.count;
    return true;
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

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct expand_watch *watch = request->data;
    bool same;

    watch->running = false;
    if (watch->stopped) {
        uv_freeaddrinfo(found);
        return;
    }
    same = status != 0 || same_addresses(watch->settings(watch->ctx), watch->host, found);
    if (status != 0)
        log_event(LEVEL_WARN, "worker_lookup_failed", "host=%s reason=\"%s\"", watch->host,
                  uv_strerror(status));
    uv_freeaddrinfo(found);
    if (same) {
        look_next(watch);
        return;
    }
    log_event(LEVEL_INFO, "worker_addresses", "host=%s note=\"they have changed\"", watch->host);
    watch->at = SIZE_MAX;
    watch->changed(watch->ctx);
}

/* The first worker of each name, from watch->at on. */
static void look_next(struct expand_watch *watch)
{
    const struct settings *settings = watch->settings(watch->ctx);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    for (; watch->at < settings->worker_count && !watch->running; watch->at++) {
        const struct worker_settings *worker = &settings->workers[watch->at];

        if (worker->origin_host.ptr == NULL || strcmp(worker->origin_host.ptr, watch->host) == 0)
            continue;
        snprintf(watch->host, sizeof(watch->host), "%s", worker->origin_host.ptr);
        watch->running = uv_getaddrinfo(watch->timer.loop, &watch->request, on_found, watch->host,
                                        NULL, &hints) == 0;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct expand_watch *watch = timer->data;
    uint32_t interval = watch->settings(watch->ctx)->health.resolve;

    uv_timer_set_repeat(timer, interval > TICK_MIN_MS ? interval : TICK_MIN_MS);
    if (interval == 0 || watch->running)
        return;
    watch->at = 0;
    watch->host[0] = '\0';
    look_next(watch);
}

void expand_watch_start(struct expand_watch *watch, uv_loop_t *loop)
{
    uint32_t interval = watch->settings(watch->ctx)->health.resolve;

    uv_timer_init(loop, &watch->timer);
    watch->timer.data = watch;
    watch->request.data = watch;
    interval = interval > TICK_MIN_MS ? interval : TICK_MIN_MS;
    uv_timer_start(&watch->timer, on_tick, interval, interval);
}

void expand_watch_stop(struct expand_watch *watch)
{
    watch->stopped = true;
    if (watch->running)
        uv_cancel((uv_req_t *)&watch->request);
    uv_close((uv_handle_t *)&watch->timer, NULL);
}
