/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, as they are written, into the patterns that requests are compared with: sorted, so that
 * the first that matches is the most specific. */
#include "config/draft.h"
#include "config/settings_build.h"
#include "config/value.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Views into the settings' own texts. */
static struct path_pattern pattern_of(ajp_str text)
{
    size_t before = strcspn(text.ptr, "*?"), last = text.len;
    if (before == text.len)
        return (struct path_pattern){.before = text, .after = AJP_STR("")};
    while (!strchr("*?", text.ptr[last - 1]))
        last--;
    bool one_star = last == before + 1 && text.ptr[before] == '*';
    return (struct path_pattern){.before = ajp_str_of(text.ptr, before),
                                 .after = ajp_str_of(text.ptr + last, text.len - last),
                                 .star = true,
                                 .glob = one_star ? AJP_NULL : text};
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
    for (size_t i = 0; all && i < from->paths.count; i++) {
        ajp_str text = from->paths.at[i];
        if (is_exception(text))
            all[count++] = pattern_of(ajp_str_of(text.ptr + 1, text.len - 1));
    }
    *out = all;
    return count;
}

static bool same_text(ajp_str a, ajp_str b)
{
    return a.len == b.len && memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", a.len) == 0;
}

static size_t worker_of(const struct draft *draft, ajp_str name)
{
    size_t i = 0;
    while (i < draft->worker_count && !same_text(draft->workers[i].name, name))
        i++;
    return i;
}

/* The workers of one entry, with those that were added at run time like one of them. */
struct members {
    uint64_t set; /* a bit per index */
    struct weighting weights;
    bool weighted;
};

static void add_member(struct members *members, size_t at, uint32_t weight)
{
    members->set |= UINT64_C(1) << at;
    members->weights.at[at] = (uint16_t)weight;
    members->weighted |= weight != 0;
}

static void find_members(struct draft *draft, size_t at, struct members *members)
{
    const struct text_list *texts = &draft->routes[at].workers;
    uint64_t named = 0;
    bool all_known = true;
    for (size_t i = 0; i < texts->count; i++) {
        ajp_str name;
        uint32_t weight;
        if (!value_is_member(texts->at[i], &name, &weight))
            continue; /* its kind was checked */
        name = settings_text(draft->settings, name);
        size_t worker = worker_of(draft, name);
        if (worker == draft->worker_count && !overlay_removes(draft->overlay, name.ptr) &&
            !draft->workers_refused)
            all_known = draft_blame(draft, "routes", (int)at, "workers",
                                    "expected the names of workers, got \"%s\"%s", name.ptr,
                                    draft_nearest_worker(draft, name.ptr));
        if (worker < draft->worker_count && (named >> worker & 1))
            draft_blame(draft, "routes", (int)at, "workers",
                        "expected each worker once, got \"%s\" again", name.ptr);
        if (worker < draft->worker_count) {
            named |= UINT64_C(1) << worker;
            add_member(members, worker, weight);
        }
        for (size_t k = 0; k < draft->worker_count; k++)
            if (draft->worker_notes[k].like && strcmp(draft->worker_notes[k].like, name.ptr) == 0)
                add_member(members, k, weight);
    }
    bool doubtful = draft->routes_refused || (draft->workers_refused && texts->count > 0);
    if (members->set == 0 && all_known && !doubtful)
        draft_blame(draft, "routes", (int)at, NULL, "expected workers, a list of their names");
}

static int by_length(size_t a, size_t b)
{
    return (a < b) - (a > b);
}

/* Whole hosts go first, then the longest domain, then any. */
static int compare_hosts(const struct route *a, const struct route *b)
{
    int order = (b->host.ptr != NULL) - (a->host.ptr != NULL);
    order = order ? order : a->subdomains - b->subdomains;
    return order ? order : by_length(a->host.len, b->host.len);
}

/* How often one of the characters is in it. */
static size_t count_of(ajp_str text, const char *characters)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += strchr(characters, text.ptr[i]) != NULL;
    return count;
}

static size_t letters_of(const struct path_pattern *path)
{
    return path->glob.ptr ? path->glob.len - count_of(path->glob, "*?")
                          : path->before.len + path->after.len;
}

static size_t length_of(const struct path_pattern *path)
{
    return path->glob.ptr ? path->glob.len : path->before.len + path->star + path->after.len;
}

static size_t slashes_of(const struct path_pattern *path)
{
    return path->glob.ptr ? count_of(path->glob, "/")
                          : count_of(path->before, "/") + count_of(path->after, "/");
}

/* Exact paths go first, then those with most letters. */
static int compare_by_letters(const void *x, const void *y)
{
    const struct route *a = x, *b = y;
    int order = compare_hosts(a, b);
    order = order ? order : a->path.star - b->path.star;
    order = order ? order : by_length(letters_of(&a->path), letters_of(&b->path));
    order = order ? order : by_length(a->path.before.len, b->path.before.len);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static int compare_by_slashes(const void *x, const void *y)
{
    const struct route *a = x, *b = y;
    int order = compare_hosts(a, b);
    order = order ? order : by_length(slashes_of(&a->path), slashes_of(&b->path));
    order = order ? order : by_length(length_of(&a->path), length_of(&b->path));
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static bool same_route(const struct route *a, const struct route *b)
{
    return same_text(a->host, b->host) && a->subdomains == b->subdomains &&
           a->path.star == b->path.star && same_text(a->path.before, b->path.before) &&
           same_text(a->path.after, b->path.after) && same_text(a->path.glob, b->path.glob);
}

static bool is_given(const struct draft *draft, size_t at, size_t offset)
{
    for (size_t row = 0; row < table_route.count; row++)
        if (table_route.rows[row].offset == offset)
            return draft->route_given[at] >> row & 1;
    return false;
}

#define GIVEN(member) is_given(draft, at, offsetof(struct route_settings, member))

/* What the entry does not say is as for all paths. */
static void fill_in(const struct draft *draft, size_t at, struct route_settings *route)
{
    const struct settings *all = draft->settings;
    if (!GIVEN(reply_timeout))
        route->reply_timeout = all->timeouts.reply;
    if (!GIVEN(sticky))
        route->sticky = all->session.sticky;
    if (!GIVEN(sticky_force))
        route->sticky_force = all->session.sticky_force;
    if (!GIVEN(retry_on_503))
        route->retry_on_503 = all->retry.on_503;
}

/* What all patterns of an entry share: its host, its exceptions, its workers and their weights,
 * and its settings. */
static void common_of(struct draft *draft, size_t at, struct weighting *weightings,
                      struct route *out)
{
    const struct route_settings *from = &draft->routes[at];
    struct settings *settings = draft->settings;
    struct members members = {0};
    struct route common = {.reply_timeout = from->reply_timeout,
                           .sticky = from->sticky,
                           .sticky_force = from->sticky_force,
                           .retry_on_503 = from->retry_on_503};
    find_members(draft, at, &members);
    common.outside = ~members.set;
    if (members.weighted) {
        weightings[settings->weighting_count++] = members.weights;
        common.weighting = (uint32_t)settings->weighting_count;
    }
    common.except_count = exceptions_of(settings, from, &common.except);
    *out = common;
}

static void set_host(struct route *route, ajp_str host)
{
    route->subdomains = host.ptr && host.ptr[0] == '*';
    route->host = route->subdomains ? ajp_str_of(host.ptr + 1, host.len - 1) : host;
}

/* The patterns of one entry for one host, behind those that came before. */
static void add_patterns(struct draft *draft, size_t at, const struct route *common,
                         struct route *routes, size_t *count)
{
    const struct route_settings *from = &draft->routes[at];
    for (size_t i = 0; i < from->paths.count; i++) {
        if (is_exception(from->paths.at[i]))
            continue;
        struct route *route = &routes[(*count)++];
        *route = *common;
        route->place = (uint32_t)*count;
        route->path = pattern_of(from->paths.at[i]);
        const struct route *other = routes;
        while (other < route && !same_route(other, route))
            other++;
        if (other < route)
            draft_blame(draft, "routes", (int)at, "paths",
                        "expected each path once for a host, got \"%s\" again",
                        from->paths.at[i].ptr);
    }
}

/* Each of its hosts has them all. */
static void add_entry(struct draft *draft, size_t at, struct weighting *weightings,
                      struct route *routes, size_t *count)
{
    const struct route_settings *from = &draft->routes[at];
    struct route common;
    size_t before = *count;
    if (from->host.ptr && from->hosts.count > 0)
        draft_blame(draft, "routes", (int)at, "hosts", "expected host or hosts, not both");
    common_of(draft, at, weightings, &common);
    for (size_t i = 0; i < from->hosts.count || i == 0; i++) {
        set_host(&common, from->hosts.count ? from->hosts.at[i] : from->host);
        add_patterns(draft, at, &common, routes, count);
    }
    if (*count == before && !draft->routes_refused)
        draft_blame(draft, "routes", (int)at, NULL,
                    "expected paths, a list of patterns, not all with '!'");
}

void draft_finish_routes(struct draft *draft)
{
    size_t most = 0, count = 0;
    for (size_t i = 0; i < draft->route_count; i++)
        most += draft->routes[i].paths.count * (draft->routes[i].hosts.count + 1);
    struct route *routes = settings_alloc(draft->settings, (most + 1) * sizeof *routes);
    struct weighting *weightings =
        settings_alloc(draft->settings, (draft->route_count + 1) * sizeof *weightings);
    if (!routes || !weightings)
        return;
    draft->settings->weightings = weightings;
    for (size_t i = 0; i < draft->route_count; i++) {
        fill_in(draft, i, &draft->routes[i]);
        add_entry(draft, i, weightings, routes, &count);
    }
    qsort(routes, count, sizeof *routes,
          draft->settings->route_order == ROUTE_ORDER_SLASHES ? compare_by_slashes
                                                              : compare_by_letters);
    draft->settings->routes = routes;
    draft->settings->route_count = count;
}
