/* SPDX-License-Identifier: Apache-2.0 */
/* Turns mod_jk's files into ours, and says what it could not carry over and why. */
#include "config/import_jk.h"

#include "config/import_rules.h"
#include "config/import_state.h"
#include "config/url.h"
#include "config/value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_SIZE = IMPORT_NAME, REFERENCE_DEPTH = 10, EXIT_USAGE = 2 };

bool import_fail(struct import *im, const struct property *at, const char *fmt, ...)
{
    va_list args;
    int n = snprintf(im->message, sizeof im->message, "%s:%u: ", im->path, at ? at->line : 1);
    if (n < 0 || (size_t)n >= sizeof im->message)
        return false;
    va_start(args, fmt);
    vsnprintf(im->message + n, sizeof im->message - (size_t)n, fmt, args);
    va_end(args);
    return false;
}

static const char *shown(char *buf, size_t cap, const char *text)
{
    return log_str(buf, cap, ajp_str_of(text, strlen(text)));
}

void import_note(struct import *im, const char *path, unsigned line, const char *text,
                 const char *reason)
{
    char buf[200];
    fprintf(im->notes, "# %s:%u: %s: %s\n", path, line, shown(buf, sizeof buf, text), reason);
}

/* worker.NAME.KEY, or what NAME's references have. */
const struct property *import_lookup(const struct import *im, const char *name, const char *key)
{
    char prefix[2 * NAME_SIZE], full[3 * NAME_SIZE];
    snprintf(prefix, sizeof prefix, "worker.%s", name);
    for (int depth = 0; depth < REFERENCE_DEPTH; depth++) {
        snprintf(full, sizeof full, "%.255s.%s", prefix, key);
        const struct property *found = properties_find(&im->properties, full);
        if (found)
            return found;
        snprintf(full, sizeof full, "%.255s.reference", prefix);
        const struct property *reference = properties_find(&im->properties, full);
        if (!reference)
            return NULL;
        snprintf(prefix, sizeof prefix, "%s", reference->value);
    }
    return NULL;
}

const char *import_value(const struct import *im, const char *name, const char *key,
                         const char *otherwise)
{
    const struct property *property = import_lookup(im, name, key);
    return property ? property->value : otherwise;
}

bool import_is_true(const char *text)
{
    return *text && strchr("1tTyY", *text) != NULL ? true : strcasecmp(text, "on") == 0;
}

bool import_is_type(const struct import *im, const char *name, const char *type)
{
    return strcmp(import_value(im, name, "type", "ajp13"), type) == 0;
}

/* Names separated by commas and spaces, one after the other; NULL at the end. */
const char *import_next_name(const char **list, char *name)
{
    static const char between[] = ", \t";
    *list += strspn(*list, between);
    size_t len = strcspn(*list, between);
    if (len == 0)
        return NULL;
    snprintf(name, NAME_SIZE, "%.*s", (int)(len < NAME_SIZE ? len : NAME_SIZE - 1), *list);
    *list += len;
    return name;
}

bool import_count(const char *text, uint64_t *number)
{
    char *end;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}

/* In pool too, where there is one. */
static bool add_member(struct import *im, struct import_pool *pool, const char *name,
                       const struct property *at)
{
    size_t i = 0;
    while (i < im->member_count && strcmp(im->members[i].name, name) != 0)
        i++;
    if (i == WORKERS_MAX)
        return import_fail(im, at, "expected at most %d workers", WORKERS_MAX);
    if (pool)
        pool->members |= UINT64_C(1) << i;
    if (i < im->member_count)
        return true;
    struct import_member *member = &im->members[i];
    const char *route = import_value(im, name, "jvm_route", name);
    route = import_value(im, name, "route", route);
    char buf[NAME_SIZE];
    if (!value_is_name(ajp_str_of(route, strlen(route))))
        return import_fail(im, at,
                           "expected a route of 1 to 64 letters, digits, '_', '-' or '.', got %s",
                           shown(buf, sizeof buf, route));
    snprintf(member->name, sizeof member->name, "%s", name);
    snprintf(member->route, sizeof member->route, "%s", route);
    im->member_count++;
    return true;
}

static bool add_listed_members(struct import *im, struct import_pool *pool, const char *balancer)
{
    static const char *const keys[] = {"balance_workers", "balanced_workers"};
    char full[2 * NAME_SIZE + 32], name[NAME_SIZE];
    for (size_t i = 0; i < 2 * im->properties.count; i++) {
        const struct property *property = &im->properties.items[i % im->properties.count];
        snprintf(full, sizeof full, "worker.%s.%s", balancer, keys[i / im->properties.count]);
        if (strcmp(property->key, full) != 0)
            continue;
        for (const char *list = property->value; import_next_name(&list, name);)
            if (!add_member(im, pool, name, property))
                return false;
    }
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
    return balancer ? add_listed_members(im, pool, name) : add_member(im, pool, name, at);
}

/* One entry of worker.list. Where paths choose, each makes a pool; else the first balancer gives
 * the workers, and without one they are listed. */
static bool see_listed(struct import *im, const char *name, const struct property *at,
                       bool balancers)
{
    bool lb = import_is_type(im, name, "lb");
    if (balancers && !lb)
        return true;
    if (balancers && im->balancer[0] == '\0') {
        snprintf(im->balancer, sizeof im->balancer, "%s", name);
        return add_pool(im, name, true, at);
    }
    if (balancers && im->mapped)
        return add_pool(im, name, true, at);
    if (balancers) {
        import_note(im, im->path, at->line, name,
                    "a second balancer, and no paths are mapped: run another instance for it");
        return true;
    }
    if (lb)
        return true;
    if (import_is_type(im, name, "ajp13") && (im->mapped || im->balancer[0] == '\0'))
        return add_pool(im, name, false, at);
    import_note(
        im, im->path, at->line, name,
        import_is_type(im, name, "ajp13")
            ? "a worker beside the balancer, and no paths are mapped: run another instance for it"
        : import_is_type(im, name, "status") ? "there is no status worker"
                                             : "not a worker of type ajp13 or lb");
    return true;
}

static bool find_members(struct import *im)
{
    char name[NAME_SIZE];
    for (int balancers = 1; balancers >= 0; balancers--) {
        for (size_t i = 0; i < im->properties.count; i++) {
            const struct property *property = &im->properties.items[i];
            if (strcmp(property->key, "worker.list") != 0)
                continue;
            for (const char *list = property->value; import_next_name(&list, name);)
                if (!see_listed(im, name, property, balancers))
                    return false;
        }
    }
    if (im->member_count == 0)
        return import_fail(im, NULL,
                           "expected worker.list with a balancer or workers of type ajp13");
    return true;
}

/* Does what is said of name count: of a worker of ours, or of what one refers to? */
static bool has_part(const struct import *im, const char *name)
{
    char full[NAME_SIZE + 16];
    for (size_t i = 0; i < im->member_count; i++)
        if (strcmp(im->members[i].name, name) == 0)
            return true;
    snprintf(full, sizeof full, "worker.%s", name);
    for (size_t i = 0; i < im->properties.count; i++) {
        const struct property *property = &im->properties.items[i];
        size_t len = strlen(property->key);
        if (len > 10 && strcmp(property->key + len - 10, ".reference") == 0 &&
            strcmp(property->value, full) == 0)
            return true;
    }
    for (size_t i = 0; i < im->pool_count; i++)
        if (strcmp(im->pools[i].name, name) == 0)
            return true;
    return strcmp(im->balancer, name) == 0;
}

/* What is said of name, another balancer than the one whose settings count, and another thing? */
static bool is_of_other_balancer(const struct import *im, const char *name, const char *key)
{
    static const char *const keys[] = {"sticky_session", "sticky_session_force", "method",
                                       "session_cookie", "session_path",         "lb_retries"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(keys[i], key) == 0 && strcmp(im->balancer, name) != 0 &&
            import_is_type(im, name, "lb"))
            return strcmp(import_value(im, name, key, ""),
                          import_value(im, im->balancer, key, "")) != 0;
    return false;
}

/* Status codes but 503 have no part in it. */
static bool is_only_503(const char *list)
{
    char name[NAME_SIZE];
    while (import_next_name(&list, name))
        if (strcmp(name, "503") != 0)
            return false;
    return true;
}

/* Times are each worker's in mod_jk and all workers' here: the longest counts, 0 is never. */
static void take_time(struct import *im, const struct import_rule *rule,
                      const struct property *property)
{
    uint64_t count;
    if (!import_count(property->value, &count) || count > UINT32_MAX) {
        import_note(im, im->path, property->line, property->key, "not a number");
        return;
    }
    if (count == 0) {
        import_note(im, im->path, property->line, property->key, "0, so the default stays");
        return;
    }
    uint64_t ms = count * rule->unit;
    for (size_t i = 0; i < im->time_count; i++) {
        if (strcmp(im->times[i].target, rule->target) != 0)
            continue;
        if (im->times[i].ms != ms)
            import_note(im, im->path, property->line, property->key,
                        "one setting for all workers: the longest of them was taken");
        if (im->times[i].ms < ms)
            im->times[i].ms = ms;
        return;
    }
    im->times[im->time_count++] = (struct import_time){rule->target, ms};
}

/* Every line in turn: what has no part in the entries gets its word here. */
static void see_property(struct import *im, const struct property *property)
{
    char name[NAME_SIZE] = "";
    if (strncmp(property->key, "worker.", 7) != 0) {
        import_note(im, im->path, property->line, property->key,
                    "a variable, put in where it was used");
        return;
    }
    const char *rest = property->key + 7;
    const char *dot = strrchr(rest, '.');
    const char *key = dot ? dot + 1 : rest;
    if (dot)
        snprintf(name, sizeof name, "%.*s", (int)(dot - rest < NAME_SIZE ? dot - rest : 0), rest);
    const struct import_rule *rule = import_rule_of(key);
    if (!rule)
        import_note(im, im->path, property->line, property->key, "not a key of mod_jk");
    else if (rule->carry == CARRY_NOT)
        import_note(im, im->path, property->line, property->key, rule->reason);
    else if (dot && !has_part(im, name) && !import_is_type(im, name, "status"))
        import_note(im, im->path, property->line, property->key,
                    "of a worker that has no part in it");
    else if (rule->carry == CARRY_TIME)
        take_time(im, rule, property);
    else if (is_of_other_balancer(im, name, key))
        import_note(im, im->path, property->line, property->key,
                    "one setting for all paths: that of the first balancer was taken");
    else if (strcmp(key, "fail_on_status") == 0 && !is_only_503(property->value))
        import_note(im, im->path, property->line, property->key,
                    "503 alone is asked for again (retry.on_503); other answers are the app's own");
}

/* worker.NAME.mount: paths, and so a mapping. */
static bool is_mount(const struct property *property)
{
    size_t len = strlen(property->key);
    return strncmp(property->key, "worker.", 7) == 0 && len > 13 &&
           strcmp(property->key + len - 6, ".mount") == 0;
}

static void take_mounts(struct import *im)
{
    for (size_t i = 0; i < im->properties.count; i++) {
        const struct property *property = &im->properties.items[i];
        char target[NAME_SIZE], pattern[NAME_SIZE];
        if (!is_mount(property))
            continue;
        snprintf(target, sizeof target, "%.*s", (int)(strlen(property->key) - 13),
                 property->key + 7);
        for (const char *list = property->value; import_next_name(&list, pattern);)
            import_map_line(im, im->path, property->line, pattern, target);
    }
}

static bool print_all(struct import *im)
{
    import_print_start(im);
    for (size_t i = 0; i < im->member_count; i++)
        if (!import_print_member(im, &im->members[i]))
            return false;
    import_map_print(im);
    import_print_session(im);
    if (im->balancer[0])
        import_print_method(im);
    import_print_retries(im);
    for (size_t i = 0; i < im->properties.count; i++)
        see_property(im, &im->properties.items[i]);
    import_print_times(im);
    return true;
}

static bool convert(struct import *im, const char *map_path)
{
    struct properties map = {0};
    if (!properties_read(im->path, &im->properties, im->message, sizeof im->message))
        return false;
    if (map_path && !properties_read(map_path, &map, im->message, sizeof im->message))
        return false;
    im->mapped = map_path != NULL;
    for (size_t i = 0; i < im->properties.count; i++)
        im->mapped |= is_mount(&im->properties.items[i]);
    bool ok = find_members(im);
    if (ok)
        take_mounts(im);
    for (size_t i = 0; ok && i < map.count; i++)
        import_map_line(im, map_path, map.items[i].line, map.items[i].key, map.items[i].value);
    ok = ok && print_all(im);
    properties_free(&map);
    return ok;
}

int import_jk(int argc, char **argv, const struct program *program, FILE *out)
{
    static struct import im;
    char *body = NULL, *notes = NULL;
    size_t body_size = 0, notes_size = 0;
    if (argc < 1 || argc > 2 || argv[0][0] == '-') {
        fprintf(stderr, "%s: import: expected WORKERS.PROPERTIES [URIWORKERMAP.PROPERTIES]\n",
                program->name);
        return EXIT_USAGE;
    }
    memset(&im, 0, sizeof im);
    im.program = program;
    im.path = argv[0];
    im.out = open_memstream(&body, &body_size);
    im.notes = open_memstream(&notes, &notes_size);
    bool ok = im.out && im.notes && convert(&im, argc == 2 ? argv[1] : NULL);
    if (im.out)
        fclose(im.out);
    if (im.notes)
        fclose(im.notes);
    if (ok) {
        fputs(body, out);
        if (notes_size > 0)
            fprintf(out, "\n# Not carried over:\n%s", notes);
    } else {
        fprintf(stderr, "%s\n", im.message[0] ? im.message : "out of memory");
    }
    properties_free(&im.properties);
    import_map_free(&im);
    free(body);
    free(notes);
    return ok ? EXIT_SUCCESS : EXIT_USAGE;
}
