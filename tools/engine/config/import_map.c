/* SPDX-License-Identifier: Apache-2.0 */
/* mod_jk's mappings of paths to workers, as routes. */
#include "config/import_rules.h"
#include "config/import_state.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_ALL = IMPORT_POOLS_MAX, POOL_NONE };

static bool is_text(const char *text, const char *name, size_t len)
{
    return strlen(text) == len && strncmp(text, name, len) == 0;
}

/* A member of a balancer may be meant by itself. */
static size_t pool_of_worker(struct import *im, const char *name, size_t len)
{
    size_t i = 0;
    while (i < im->worker_count && !is_text(im->workers[i].name, name, len))
        i++;
    if (i == im->worker_count || im->pool_count == IMPORT_POOLS_MAX)
        return POOL_NONE;
    struct import_pool *pool = &im->pools[im->pool_count];
    size_t member = im->workers[i].member;
    memcpy(pool->name, im->workers[i].name, sizeof pool->name);
    pool->members = UINT64_C(1) << member;
    pool->worker[member] = (uint16_t)i;
    return im->pool_count++;
}

static size_t pool_named(struct import *im, const char *name, size_t len)
{
    if (len == 1 && name[0] == '*')
        return POOL_ALL;
    for (size_t i = 0; i < im->pool_count; i++)
        if (is_text(im->pools[i].name, name, len))
            return i;
    return pool_of_worker(im, name, len);
}

/* Where it goes already; of exceptions only the same one counts. */
static bool is_mapped(const struct import *im, const char *pattern, size_t pool, bool exception)
{
    for (size_t i = 0; i < im->path_count; i++) {
        const struct import_path *path = &im->paths[i];
        if (strcmp(path->pattern, pattern) == 0 && path->exception == exception &&
            (!exception || path->pool == pool))
            return true;
    }
    return false;
}

/* NULL: it was taken. */
static const char *take(struct import *im, struct import_path path, const char *pattern)
{
    if (pattern[0] != '/') /* though its manual has "*.jsp" */
        return path.exception ? "BEWARE, not excluded: it does not begin with /, and mod_jk leaves "
                                "it out too"
                              : "it does not begin with /, and mod_jk leaves it out too";
    if (!value_is_path_pattern(pattern) || strchr(pattern, '"'))
        return path.exception ? "BEWARE, not excluded: patterns have one * at most, no ? and no %"
                              : "patterns have one * at most, no ? and no %";
    if (is_mapped(im, pattern, path.pool, path.exception))
        return "mapped before";
    if (im->path_count == IMPORT_PATHS_MAX)
        return "too many mappings";
    path.pattern = strdup(pattern);
    if (!path.pattern)
        return "out of memory";
    im->paths[im->path_count++] = path;
    return NULL;
}

static bool is_stateless_pattern(const char *pattern)
{
    const char *star = strchr(pattern, '*');
    return (!star || star == pattern || star[1] == '\0') && value_is_path_pattern(pattern) &&
           !strchr(pattern, '"');
}

/* "/a|/b" stands for "/a" and "/a/b". */
struct patterns {
    char at[2][1024];
    size_t count;
};

static void expand(struct patterns *out, const char *pattern)
{
    const char *bar = strchr(pattern, '|');
    int len = (int)(bar ? (size_t)(bar - pattern) : strlen(pattern));
    snprintf(out->at[0], sizeof out->at[0], "%.*s", len, pattern);
    out->count = bar ? 2 : 1;
    if (bar)
        snprintf(out->at[1], sizeof out->at[1], "%.*s%s", len, pattern, bar + 1);
}

/* NULL: they were. */
static const char *take_stateless(struct import *im, const struct patterns *patterns)
{
    const char *problem = NULL;
    for (size_t i = 0; i < patterns->count; i++) {
        if (!is_stateless_pattern(patterns->at[i])) {
            problem = "session.stateless knows /exact, /prefix* and *suffix";
            continue;
        }
        if (im->stateless_count == IMPORT_LIST_MAX)
            return "too many paths";
        im->stateless[im->stateless_count] = strdup(patterns->at[i]);
        im->stateless_count += im->stateless[im->stateless_count] != NULL;
    }
    return problem;
}

/* Of a mapping that was taken. Its numbers are what begins as one, as mod_jk reads them. */
static const char *take_option(struct import *im, const char *name, const char *value,
                               const struct patterns *patterns)
{
    const struct import_rule *rule = import_map_rule_of(name);
    long number = strtol(value, NULL, 10);
    if (!rule)
        return "not a key of mod_jk";
    if (strcmp(name, "stateless") == 0 || strcmp(name, "sticky_ignore") == 0)
        return number != 0 ? take_stateless(im, patterns) : NULL;
    if (strcmp(name, "reply_timeout") == 0 && number >= 0) {
        import_take_time(im, TIME_REPLY, number ? (uint64_t)number : UINT64_MAX,
                         "of a mapping's reply_timeout");
        return "one setting for all paths: the longest of them was taken";
    }
    return rule->reason;
}

static void take_options(struct import *im, const struct import_path *path, const char *text,
                         const struct patterns *patterns)
{
    char options[1024], *at = NULL;
    snprintf(options, sizeof options, "%s", text);
    for (char *option = strtok_r(options, ";", &at); option; option = strtok_r(NULL, ";", &at)) {
        char *equals = strchr(option, '=');
        if (equals)
            *equals = '\0';
        option += strspn(option, " \t");
        const char *value = equals ? equals + 1 : "";
        const char *problem = take_option(im, option, value, patterns);
        if (problem)
            import_note(im, path->file, path->line, option, "%s", problem);
        if (strcmp(option, "session_path") == 0 && !*value)
            strtok_r(NULL, ";", &at); /* ";sid" has the mark itself */
    }
}

void import_map_line(struct import *im, const char *file, unsigned line, const char *pattern,
                     const char *target)
{
    struct patterns patterns = {.count = 0};
    size_t worker = strcspn(target, ";"), taken = 0, len = worker;
    while (len > 0 && strchr(" \t", target[len - 1]))
        len--;
    size_t pool = pool_named(im, target, len);
    bool exception = pattern[0] == '!';
    struct import_path path = {.pool = pool, .exception = exception, .file = file, .line = line};
    const char *problem = NULL;
    expand(&patterns, pattern + exception);
    if (pattern[0] == '-' || strncmp(pattern, "!-", 2) == 0)
        problem = "switched off there";
    else if (pool == POOL_NONE || (pool == POOL_ALL && !exception) ||
             (pool < POOL_ALL && im->pools[pool].members == 0))
        problem = "its worker has no part in this";
    for (size_t i = 0; !problem && i < patterns.count; i++) {
        const char *why = take(im, path, patterns.at[i]);
        taken += why == NULL;
        if (why)
            import_note(im, file, line, patterns.count == 1 ? pattern : patterns.at[i], "%s", why);
    }
    if (problem)
        import_note(im, file, line, pattern, "%s", problem);
    else if (taken > 0 && !exception)
        take_options(im, &path, target + worker, &patterns);
}

/* Does it give other weights than the workers have by themselves? */
static bool is_weighted(const struct import *im, const struct import_pool *pool)
{
    for (size_t i = 0; pool->balancer && i < im->member_count; i++)
        if ((pool->members >> i & 1) &&
            import_weight(im, pool->worker[i]) != import_weight(im, im->members[i].worker))
            return true;
    return false;
}

/* Nothing but "everything goes to all workers". */
static bool is_trivial(const struct import *im)
{
    if (!im->mapped)
        return true;
    bool all =
        im->path_count == 1 && strcmp(im->paths[0].pattern, "/*") == 0 && !im->paths[0].exception;
    for (size_t i = 0; all && i < im->member_count; i++)
        all = im->pools[im->paths[0].pool].members >> i & 1;
    return all && !is_weighted(im, &im->pools[im->paths[0].pool]);
}

static void print_workers(struct import *im, const struct import_pool *pool)
{
    const char *between = "";
    bool weighted = is_weighted(im, pool);
    fprintf(im->out, "]\n    workers: [");
    for (size_t i = 0; i < im->member_count; i++) {
        if (!(pool->members >> i & 1))
            continue;
        fprintf(im->out, "%s\"%s", between, im->members[i].route);
        if (weighted)
            fprintf(im->out, "=%u", import_weight(im, pool->worker[i]));
        fputc('"', im->out);
        between = ", ";
    }
    fprintf(im->out, "]\n");
}

static bool is_in(const struct import_path *path, size_t pool, bool exception)
{
    return path->exception == exception && (path->pool == pool || path->pool == POOL_ALL);
}

static size_t count_exceptions(const struct import *im, size_t pool)
{
    size_t count = 0;
    for (size_t i = 0; i < im->path_count; i++)
        count += is_in(&im->paths[i], pool, true);
    return count;
}

/* One entry, or several where a list would be too long: its paths from *at on, and all that it
 * excepts in each, at their places if there is but one. */
static void print_entry(struct import *im, size_t pool, size_t *at, size_t room)
{
    const char *between = "";
    fprintf(im->out, "  - paths: [");
    for (size_t i = 0; i < im->path_count; i++) {
        const struct import_path *path = &im->paths[i];
        bool exception = is_in(path, pool, true);
        if (!exception && (i < *at || room == 0 || !is_in(path, pool, false)))
            continue;
        fprintf(im->out, "%s\"%s%s\"", between, exception ? "!" : "", path->pattern);
        between = ", ";
        if (!exception) {
            room--;
            *at = i + 1;
        }
    }
    print_workers(im, &im->pools[pool]);
}

static bool has_more(const struct import *im, size_t pool, size_t at)
{
    while (at < im->path_count && !is_in(&im->paths[at], pool, false))
        at++;
    return at < im->path_count;
}

bool import_map_print(struct import *im)
{
    size_t entries = 0;
    if (is_trivial(im))
        return true;
    fprintf(im->out, "routes:\n");
    for (size_t i = 0; i < im->pool_count; i++) {
        size_t except = count_exceptions(im, i);
        if (except >= IMPORT_LIST_MAX && has_more(im, i, 0))
            return import_fail(im, NULL, "expected at most %d exclusions for %s",
                               IMPORT_LIST_MAX - 1, im->pools[i].name);
        for (size_t at = 0; has_more(im, i, at); entries++)
            print_entry(im, i, &at, IMPORT_LIST_MAX - except);
    }
    if (entries == 0)
        return import_fail(im, NULL,
                           "expected a mapping to one of its workers, of a path with one * at most "
                           "and no ?; without one, mod_jk passes nothing on");
    return entries <= ROUTES_MAX ||
           import_fail(im, NULL, "expected at most %d routes, got %zu", ROUTES_MAX, entries);
}

void import_map_free(struct import *im)
{
    for (size_t i = 0; i < im->path_count; i++)
        free(im->paths[i].pattern);
    for (size_t i = 0; i < im->stateless_count; i++)
        free(im->stateless[i]);
    im->path_count = im->stateless_count = 0;
}
