/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, as they are written, into the patterns that requests are compared with: sorted, so that
 * the first that matches is the most specific. */
#include "config/draft.h"
#include "config/settings_build.h"

#include <stdlib.h>
#include <string.h>

/* Views into the settings' own texts. */
static struct path_pattern pattern_of(ajp_str text)
{
    const char *star = memchr(text.ptr, '*', text.len);
    if (!star)
        return (struct path_pattern){.before = text, .after = AJP_STR("")};
    size_t before = (size_t)(star - text.ptr);
    return (struct path_pattern){.before = ajp_str_of(text.ptr, before),
                                 .after = ajp_str_of(star + 1, text.len - before - 1),
                                 .star = true};
}

static bool is_exception(ajp_str text)
{
    return text.ptr[0] == '!';
}

static size_t exceptions_of(struct settings *settings, const struct route_settings *from,
                            const struct path_pattern **out)
{
    struct path_pattern *all = settings_alloc(settings, (from->paths.count + 1) * sizeof *all);
    size_t count = 0;
    for (size_t i = 0; i < from->paths.count; i++) {
        ajp_str text = from->paths.at[i];
        if (is_exception(text))
            all[count++] = pattern_of(ajp_str_of(text.ptr + 1, text.len - 1));
    }
    *out = all;
    return count;
}

static bool workers_outside(struct draft *draft, size_t at, uint64_t *outside)
{
    const struct text_list *names = &draft->routes[at].workers;
    uint64_t inside = 0;
    for (size_t i = 0; i < names->count; i++) {
        size_t k = 0;
        while (k < draft->worker_count &&
               (draft->workers[k].name.len != names->at[i].len ||
                memcmp(draft->workers[k].name.ptr, names->at[i].ptr, names->at[i].len) != 0))
            k++;
        bool removed = overlay_removes(draft->overlay, names->at[i].ptr);
        if (k == draft->worker_count && !removed)
            return draft_fail(draft, "%s: expected the names of workers, got \"%s\"",
                              draft_place(draft, "routes", (int)at, "workers"), names->at[i].ptr);
        if (k < draft->worker_count)
            inside |= UINT64_C(1) << k;
        for (size_t other = 0; other < draft->worker_count; other++)
            if (draft->worker_notes[other].like &&
                strcmp(draft->worker_notes[other].like, names->at[i].ptr) == 0)
                inside |= UINT64_C(1) << other;
    }
    if (inside == 0)
        return draft_fail(draft, "%s: expected workers, a list of their names",
                          draft_place(draft, "routes", (int)at, NULL));
    *outside = ~inside;
    return true;
}

static int by_length(size_t a, size_t b)
{
    return (a < b) - (a > b);
}

/* Whole hosts go first, then the longest domain, then any; paths likewise. */
static int compare_routes(const void *x, const void *y)
{
    const struct route *a = x, *b = y;
    int order = (b->host.ptr != NULL) - (a->host.ptr != NULL);
    order = order ? order : a->subdomains - b->subdomains;
    order = order ? order : by_length(a->host.len, b->host.len);
    order = order ? order : a->path.star - b->path.star;
    order = order ? order
                  : by_length(a->path.before.len + a->path.after.len,
                              b->path.before.len + b->path.after.len);
    order = order ? order : by_length(a->path.before.len, b->path.before.len);
    return order; /* two that are equal by all of this cannot match the same */
}

static bool same_text(ajp_str a, ajp_str b)
{
    return a.len == b.len && memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", a.len) == 0;
}

static bool same_route(const struct route *a, const struct route *b)
{
    return same_text(a->host, b->host) && a->subdomains == b->subdomains &&
           a->path.star == b->path.star && same_text(a->path.before, b->path.before) &&
           same_text(a->path.after, b->path.after);
}

/* The patterns of one entry, behind those of the entries before it. */
static bool add_patterns(struct draft *draft, size_t at, struct route *routes, size_t *count)
{
    const struct route_settings *from = &draft->routes[at];
    struct route common = {.host = from->host};
    size_t before = *count;
    if (!workers_outside(draft, at, &common.outside))
        return false;
    common.except_count = exceptions_of(draft->settings, from, &common.except);
    if (common.host.ptr && common.host.ptr[0] == '*') {
        common.host = ajp_str_of(common.host.ptr + 1, common.host.len - 1);
        common.subdomains = true;
    }
    for (size_t i = 0; i < from->paths.count; i++) {
        if (is_exception(from->paths.at[i]))
            continue;
        struct route *route = &routes[(*count)++];
        *route = common;
        route->path = pattern_of(from->paths.at[i]);
        for (const struct route *other = routes; other < route; other++)
            if (same_route(other, route))
                return draft_fail(draft, "%s: expected each path once for a host, got \"%s\" again",
                                  draft_place(draft, "routes", (int)at, "paths"),
                                  from->paths.at[i].ptr);
    }
    if (*count == before)
        return draft_fail(draft, "%s: expected paths, a list of patterns, not all with '!'",
                          draft_place(draft, "routes", (int)at, NULL));
    return true;
}

bool draft_finish_routes(struct draft *draft)
{
    size_t most = 0, count = 0;
    for (size_t i = 0; i < draft->route_count; i++)
        most += draft->routes[i].paths.count;
    struct route *routes = settings_alloc(draft->settings, (most + 1) * sizeof *routes);
    for (size_t i = 0; i < draft->route_count; i++)
        if (!add_patterns(draft, i, routes, &count))
            return false;
    qsort(routes, count, sizeof *routes, compare_routes);
    draft->settings->routes = routes;
    draft->settings->route_count = count;
    return true;
}
