/* SPDX-License-Identifier: Apache-2.0 */
/* mod_jk's mappings of paths to workers, line by line. import_routes.c makes routes of them. */
#include "config/import_state.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

enum { POOL_NONE = IMPORT_POOL_ALL + 1 };

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
        return IMPORT_POOL_ALL;
    for (size_t i = 0; i < im->pool_count; i++)
        if (is_text(im->pools[i].name, name, len))
            return i;
    return pool_of_worker(im, name, len);
}

/* Where it goes already; of exceptions only the same one counts. */
static bool is_mapped(const struct import *im, const struct import_path *other, const char *pattern)
{
    for (size_t i = 0; i < im->path_count; i++) {
        const struct import_path *path = &im->paths[i];
        if (path->site == other->site && strcmp(path->pattern, pattern) == 0 &&
            path->exception == other->exception && (!other->exception || path->pool == other->pool))
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
        return path.exception ? "BEWARE, not excluded: patterns are paths as they are after "
                                "decoding, without % and //"
                              : "BEWARE, not mapped: patterns are paths as they are after "
                                "decoding, without % and //";
    if (is_mapped(im, &path, pattern))
        return "mapped before";
    if (im->path_count == IMPORT_PATHS_MAX)
        return "BEWARE, left out: too many mappings";
    path.pattern = strdup(pattern);
    if (!path.pattern)
        return "BEWARE, left out: out of memory";
    im->paths[im->path_count++] = path;
    return NULL;
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

/* NULL: the worker has a part. */
static const char *refuse_worker(const struct import *im, size_t pool, bool exception,
                                 const char *name, enum import_note_kind *kind)
{
    *kind = NOTE_NEEDLESS;
    if (pool == POOL_NONE && import_is_type(im, name, "status"))
        return "there is no status worker";
    *kind = exception ? NOTE_IDLE : NOTE_ANSWERS;
    if (pool == POOL_NONE || (pool == IMPORT_POOL_ALL && !exception) ||
        (pool < IMPORT_POOL_ALL && im->pools[pool].members == 0))
        return "its worker has no part in this";
    return NULL;
}

/* For the message where nothing is left. */
static void remember(struct import *im, const struct import_path *path, const char *pattern,
                     const char *problem)
{
    if (!im->lost.file)
        im->lost = *path;
    if (!im->lost_text[0])
        snprintf(im->lost_text, sizeof im->lost_text, "got \"%.200s\": %.180s", pattern, problem);
}

static enum import_note_kind kind_of(const char *problem)
{
    return strncmp(problem, "BEWARE", 6) == 0 ? NOTE_ANSWERS : NOTE_IDLE;
}

void import_map_line(struct import *im, struct import_path path, const char *pattern,
                     const char *target)
{
    char name[IMPORT_NAME];
    struct patterns patterns = {.count = 0};
    size_t worker = strcspn(target, ";"), first = im->path_count, len = worker;
    while (len > 0 && strchr(" \t", target[len - 1]))
        len--;
    snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : 0), target);
    path.pool = pool_named(im, target, len);
    path.exception = pattern[0] == '!';
    bool off = pattern[0] == '-' || strncmp(pattern, "!-", 2) == 0;
    enum import_note_kind kind = NOTE_IDLE;
    const char *problem =
        off ? "switched off there" : refuse_worker(im, path.pool, path.exception, name, &kind);
    expand(&patterns, pattern + path.exception);
    for (size_t i = 0; !problem && i < patterns.count; i++) {
        const char *why = take(im, path, patterns.at[i]);
        if (!why)
            continue;
        const char *shown = patterns.count == 1 ? pattern : patterns.at[i];
        import_note(im, kind_of(why), path.file, path.line, shown, "%s", why);
        remember(im, &path, shown, why);
    }
    if (problem) {
        import_note(im, kind, path.file, path.line, pattern, "%s", problem);
        remember(im, &path, pattern, problem);
    }
    bool no_httpd = im->program->listen_protos >> PROTO_HTTP & 1; /* is left before us */
    if (im->path_count > first && path.exception && no_httpd)
        import_note(im, NOTE_ANSWERS, path.file, path.line, pattern,
                    "404 here: httpd answered these itself, from its files for instance; leave the "
                    "exclusion out where the app server has them too");
    struct import_extras extras = {.stopped = 0};
    if (im->path_count > first && !path.exception)
        import_take_options(im, &path, target + worker, &extras);
    for (size_t i = first; i < im->path_count; i++)
        im->paths[i].extras = extras;
}

void import_map_free(struct import *im)
{
    for (size_t i = 0; i < im->path_count; i++)
        free(im->paths[i].pattern);
    for (size_t i = 0; i < im->cookie_count; i++)
        free(im->cookies[i]);
    for (size_t i = 0; i < im->site_count; i++)
        free(im->sites[i].hosts);
    im->path_count = im->cookie_count = im->site_count = 0;
}
