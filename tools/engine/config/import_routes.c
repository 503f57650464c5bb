/* SPDX-License-Identifier: Apache-2.0 */
/* The routes that mod_jk's mappings make, each with what its balancer and what follows the mapping
 * say of its paths. */
#include "config/import_state.h"

#include <string.h>

/* Does it give other weights than the workers have by themselves? */
static bool is_weighted(const struct import *im, const struct import_pool *pool)
{
    for (size_t i = 0; pool->balancer && i < im->member_count; i++)
        if ((pool->members >> i & 1) &&
            import_weight(im, pool->worker[i]) != import_weight(im, im->members[i].worker))
            return true;
    return false;
}

static bool has_extras(const struct import_extras *extras)
{
    return extras->reply_given || extras->free || extras->on_503 || extras->stopped != 0;
}

bool import_same_extras(const struct import_extras *a, const struct import_extras *b)
{
    return a->reply_given == b->reply_given && a->reply == b->reply && a->free == b->free &&
           a->on_503 == b->on_503 && a->stopped == b->stopped;
}

/* Nothing but "everything goes to all workers". */
static bool is_trivial(const struct import *im)
{
    if (!im->mapped)
        return true;
    const struct import_path *only = &im->paths[0];
    bool all = im->path_count == 1 && im->site_count == 1 && strcmp(only->pattern, "/*") == 0 &&
               !only->exception && !has_extras(&only->extras);
    for (size_t i = 0; all && i < im->member_count; i++)
        all = im->pools[only->pool].members >> i & 1;
    return all && !is_weighted(im, &im->pools[only->pool]);
}

static bool is_same_entry(const struct import_path *path, const struct import_path *first)
{
    return !path->exception && path->site == first->site && path->pool == first->pool &&
           import_same_extras(&path->extras, &first->extras);
}

static bool is_excepted(const struct import_path *path, const struct import_path *first)
{
    return path->exception && path->site == first->site &&
           (path->pool == first->pool || path->pool == IMPORT_POOL_ALL);
}

static bool flag_of(const struct import *im, const char *balancer, const char *key, bool otherwise)
{
    return import_bool(import_value(im, balancer, key, otherwise ? "1" : "0"), otherwise);
}

/* What its balancer has otherwise than that whose settings are for all. */
static void print_sticky(struct import *im, const struct import_pool *pool,
                         const struct import_extras *extras)
{
    bool all = !im->balancer[0] || flag_of(im, im->balancer, "sticky_session", true);
    bool forced = im->balancer[0] && flag_of(im, im->balancer, "sticky_session_force", false);
    bool here = pool->balancer ? flag_of(im, pool->name, "sticky_session", true) : all;
    bool force = pool->balancer ? flag_of(im, pool->name, "sticky_session_force", false) : forced;
    here = here && !extras->free;
    if (here != all)
        fprintf(im->out, "    sticky: %s\n", here ? "true" : "false");
    if (force != forced)
        fprintf(im->out, "    force: %s\n", force ? "true" : "false");
}

static void print_settings(struct import *im, const struct import_pool *pool,
                           const struct import_extras *extras)
{
    uint64_t reply = extras->reply_given ? extras->reply : pool->reply.ms;
    if (reply != im->times[TIME_REPLY].ms && reply == UINT64_MAX)
        fprintf(im->out, "    reply_timeout: 0 # never\n");
    else if (reply != im->times[TIME_REPLY].ms)
        fprintf(im->out, "    reply_timeout: %llums\n", (unsigned long long)reply);
    print_sticky(im, pool, extras);
    if (extras->on_503)
        fprintf(im->out, "    retry_on_503: true\n");
}

static void print_workers(struct import *im, const struct import_pool *pool,
                          const struct import_extras *extras)
{
    const char *between = "";
    bool weighted = is_weighted(im, pool);
    fprintf(im->out, "    workers: [");
    for (size_t i = 0; i < im->member_count; i++) {
        if (!(pool->members & ~extras->stopped & UINT64_C(1) << i))
            continue;
        fprintf(im->out, "%s\"%s", between, im->members[i].route);
        if (weighted)
            fprintf(im->out, "=%u", import_weight(im, pool->worker[i]));
        fputc('"', im->out);
        between = ", ";
    }
    fprintf(im->out, "]\n");
    print_settings(im, pool, extras);
}

static void print_hosts(struct import *im, const struct import_site *site)
{
    if (site->host_count == 1)
        fprintf(im->out, "  - host: \"%s\"\n    ", site->hosts[0]);
    else if (site->host_count > 1)
        fprintf(im->out, "  - hosts: [");
    else
        fprintf(im->out, "  - ");
    for (size_t i = 0; site->host_count > 1 && i < site->host_count; i++)
        fprintf(im->out, "%s\"%s\"%s", i ? ", " : "", site->hosts[i],
                i + 1 == site->host_count ? "]\n    " : "");
}

/* One entry, or several where a list would be too long: the paths like that at AT from there on,
 * and all that is excepted from them in each, at their places if there is but one. */
static void print_entry(struct import *im, size_t at, size_t room)
{
    const struct import_path *first = &im->paths[at];
    const char *between = "";
    print_hosts(im, &im->sites[first->site]);
    fprintf(im->out, "paths: [");
    for (size_t i = 0; i < im->path_count; i++) {
        struct import_path *path = &im->paths[i];
        bool exception = is_excepted(path, first);
        if (im->in_order && i > at && !path->exception && path->site == first->site &&
            !is_same_entry(path, first))
            room = 0;
        if (!exception && (i < at || room == 0 || path->told || !is_same_entry(path, first)))
            continue;
        fprintf(im->out, "%s\"%s%s\"", between, exception ? "!" : "", path->pattern);
        between = ", ";
        path->told = true;
        room -= !exception;
    }
    fprintf(im->out, "]\n");
    print_workers(im, &im->pools[first->pool], &first->extras);
}

static size_t count_exceptions(const struct import *im, const struct import_path *first)
{
    size_t count = 0;
    for (size_t i = 0; i < im->path_count; i++)
        count += is_excepted(&im->paths[i], first);
    return count;
}

/* What a virtual host has no mapping for is nobody's, though there are mappings for any host. */
static size_t print_rest_of_hosts(struct import *im)
{
    size_t printed = 0;
    for (size_t i = 0; i < im->site_count; i++) {
        if (!im->sites[i].closed)
            continue;
        print_hosts(im, &im->sites[i]);
        fprintf(im->out,
                "paths: [\"*\", \"!*\"] # nothing else of these hosts\n"
                "    workers: [\"%s\"]\n",
                im->members[0].route);
        printed++;
    }
    return printed;
}

/* The first path of a site that has no entry yet: of that pool, or of any. */
static size_t next_path(const struct import *im, size_t site, size_t pool)
{
    size_t i = 0;
    while (i < im->path_count &&
           (im->paths[i].exception || im->paths[i].told || im->paths[i].site != site ||
            (im->paths[i].pool != pool && pool != IMPORT_POOL_ALL)))
        i++;
    return i;
}

static bool print_entries_of(struct import *im, size_t site, size_t pool, size_t *entries)
{
    for (size_t i; (i = next_path(im, site, pool)) < im->path_count; ++*entries) {
        size_t except = count_exceptions(im, &im->paths[i]);
        if (except >= IMPORT_LIST_MAX)
            return import_fail(im, NULL, "expected at most %d exclusions for %s",
                               IMPORT_LIST_MAX - 1, im->pools[im->paths[i].pool].name);
        print_entry(im, i, IMPORT_LIST_MAX - except);
    }
    return true;
}

/* By site and by pool, or in the order of the mappings. */
static bool print_entries(struct import *im, size_t *entries)
{
    for (size_t site = 0; site < im->site_count; site++) {
        for (size_t pool = 0; !im->in_order && pool < im->pool_count; pool++)
            if (!print_entries_of(im, site, pool, entries))
                return false;
        if (im->in_order && !print_entries_of(im, site, IMPORT_POOL_ALL, entries))
            return false;
    }
    return true;
}

static bool fail_without_routes(struct import *im)
{
    const char *lost = im->lost_text[0] ? im->lost_text : "got none";
    struct property at = {.line = im->lost.file ? im->lost.line : 1};
    const char *file = im->map_path ? im->map_path : im->httpd_path;
    im->path = im->lost.file ? im->lost.file : file ? file : im->path;
    return import_fail(im, &at,
                       "expected a mapping to one of its workers, %s; without one, mod_jk passes "
                       "nothing on",
                       lost);
}

bool import_routes_print(struct import *im)
{
    size_t entries = 0;
    if (is_trivial(im))
        return true;
    im->routed = true;
    if (import_order_differs(im))
        fprintf(im->out, "route_order: slashes # as mod_jk; the default would decide otherwise\n");
    fprintf(im->out, "routes:\n");
    if (!print_entries(im, &entries))
        return false;
    if (entries == 0)
        return fail_without_routes(im);
    entries += print_rest_of_hosts(im);
    return entries <= ROUTES_MAX ||
           import_fail(im, NULL, "expected at most %d routes, got %zu", ROUTES_MAX, entries);
}
