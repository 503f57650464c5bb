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
static size_t pool_of_member(struct import *im, const char *name, size_t len)
{
    size_t i = 0;
    while (i < im->member_count && !is_text(im->members[i].name, name, len))
        i++;
    if (i == im->member_count || im->pool_count == IMPORT_POOLS_MAX)
        return POOL_NONE;
    struct import_pool *pool = &im->pools[im->pool_count];
    memcpy(pool->name, im->members[i].name, sizeof pool->name);
    pool->members = UINT64_C(1) << i;
    return im->pool_count++;
}

static size_t pool_named(struct import *im, const char *name, size_t len)
{
    if (len == 1 && name[0] == '*')
        return POOL_ALL;
    for (size_t i = 0; i < im->pool_count; i++)
        if (is_text(im->pools[i].name, name, len))
            return i;
    return pool_of_member(im, name, len);
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
static const char *take(struct import *im, const char *pattern, size_t pool, bool exception)
{
    if (!value_is_path_pattern(pattern))
        return exception ? "BEWARE, not excluded: patterns have one * at most, no ? and no %"
                         : "patterns have one * at most, no ? and no %";
    if (is_mapped(im, pattern, pool, exception))
        return "mapped before";
    if (im->path_count == IMPORT_PATHS_MAX)
        return "too many mappings";
    struct import_path *path = &im->paths[im->path_count];
    *path = (struct import_path){.pool = pool, .exception = exception};
    path->pattern = strdup(pattern);
    if (!path->pattern)
        return "out of memory";
    im->path_count++;
    return NULL;
}

static bool is_stateless_pattern(const char *pattern)
{
    const char *star = strchr(pattern, '*');
    return !star || star == pattern || star[1] == '\0';
}

static void take_option(struct import *im, const char *path, unsigned line, const char *option,
                        const char *pattern)
{
    char name[64];
    size_t len = strcspn(option, "=");
    const char *value = option[len] ? option + len + 1 : "";
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), option);
    const struct import_rule *rule = import_map_rule_of(name);
    bool session = strcmp(name, "stateless") == 0 || strcmp(name, "sticky_ignore") == 0;
    if (session && import_is_true(value) && is_stateless_pattern(pattern) && pattern[0] != '!' &&
        !strchr(pattern, '|') && im->stateless_count < IMPORT_PATHS_MAX) {
        im->stateless[im->stateless_count] = strdup(pattern);
        im->stateless_count += im->stateless[im->stateless_count] != NULL;
        return;
    }
    if (!session || import_is_true(value))
        import_note(im, path, line, name, rule ? rule->reason : "not a key of mod_jk");
}

/* "/a|/b" stands for "/a" and "/a/b". */
static const char *take_both(struct import *im, char *pattern, size_t pool, bool exception)
{
    char *bar = strchr(pattern, '|');
    if (!bar)
        return take(im, pattern, pool, exception);
    *bar = '\0';
    const char *problem = take(im, pattern, pool, exception);
    memmove(bar, bar + 1, strlen(bar + 1) + 1);
    const char *second = take(im, pattern, pool, exception);
    return problem ? problem : second;
}

void import_map_line(struct import *im, const char *path, unsigned line, const char *pattern,
                     const char *target)
{
    char options[1024], text[1024];
    size_t len = strcspn(target, ";"), pool = pool_named(im, target, len);
    bool off = pattern[0] == '-' || strncmp(pattern, "!-", 2) == 0;
    bool exception = pattern[0] == '!';
    const char *problem = NULL;
    snprintf(text, sizeof text, "%s", pattern + exception);
    if (off)
        problem = "switched off there";
    else if (pool == POOL_NONE || (pool == POOL_ALL && !exception) ||
             (pool < POOL_ALL && im->pools[pool].members == 0))
        problem = "its worker has no part in this";
    else
        problem = take_both(im, text, pool, exception);
    if (problem)
        import_note(im, path, line, pattern, problem);
    snprintf(options, sizeof options, "%s", target + len);
    for (char *at = NULL, *option = strtok_r(options, ";", &at); option;
         option = strtok_r(NULL, ";", &at))
        take_option(im, path, line, option, pattern);
}

/* Nothing but "everything goes to all workers". */
static bool is_trivial(const struct import *im)
{
    if (im->path_count == 0)
        return true;
    bool all =
        im->path_count == 1 && strcmp(im->paths[0].pattern, "/*") == 0 && !im->paths[0].exception;
    for (size_t i = 0; all && i < im->member_count; i++)
        all = im->pools[im->paths[0].pool].members >> i & 1;
    return all;
}

static bool has_paths(const struct import *im, size_t pool)
{
    for (size_t i = 0; i < im->path_count; i++)
        if (im->paths[i].pool == pool && !im->paths[i].exception)
            return true;
    return false;
}

static void print_pool(struct import *im, size_t pool)
{
    const char *between = "";
    fprintf(im->out, "  - paths: [");
    for (size_t i = 0; i < im->path_count; i++) {
        const struct import_path *path = &im->paths[i];
        if (path->pool != pool && path->pool != POOL_ALL)
            continue;
        fprintf(im->out, "%s\"%s%s\"", between, path->exception ? "!" : "", path->pattern);
        between = ", ";
    }
    fprintf(im->out, "]\n    workers: [");
    between = "";
    for (size_t i = 0; i < im->member_count; i++) {
        if (!(im->pools[pool].members >> i & 1))
            continue;
        fprintf(im->out, "%s\"%s\"", between, im->members[i].route);
        between = ", ";
    }
    fprintf(im->out, "]\n");
}

void import_map_print(struct import *im)
{
    if (is_trivial(im))
        return;
    fprintf(im->out, "routes:\n");
    for (size_t i = 0; i < im->pool_count; i++)
        if (has_paths(im, i))
            print_pool(im, i);
}

void import_map_free(struct import *im)
{
    for (size_t i = 0; i < im->path_count; i++)
        free(im->paths[i].pattern);
    for (size_t i = 0; i < im->stateless_count; i++)
        free(im->stateless[i]);
    im->path_count = im->stateless_count = 0;
}
