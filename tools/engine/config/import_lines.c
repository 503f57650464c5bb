/* SPDX-License-Identifier: Apache-2.0 */
/* Every line of workers.properties in turn: what has no part in our file gets its word here, and
 * so does what counts for more workers or paths than it did. */
#include "config/import_state.h"

#include <string.h>

enum { NAME_SIZE = IMPORT_NAME, REFERENCES_MAX = 20 };

/* worker.NAME.KEY, taken apart. */
struct line {
    const struct property *property;
    const struct import_rule *rule;
    const char *key;
    char name[NAME_SIZE]; /* empty: none */
};

static void note(struct import *im, enum import_note_kind kind, const struct line *line,
                 const char *reason)
{
    import_note(im, kind, im->path, line->property->line, line->property->key, "%s", reason);
}

static bool is_pool(const struct import *im, const char *name)
{
    for (size_t i = 0; i < im->pool_count; i++)
        if (strcmp(im->pools[i].name, name) == 0)
            return true;
    return false;
}

static bool is_worker(const struct import *im, const char *name)
{
    for (size_t i = 0; i < im->worker_count; i++)
        if (strcmp(im->workers[i].name, name) == 0)
            return true;
    return false;
}

/* Does what is said of name count: of a worker of ours, or of what one refers to? */
static bool has_part(const struct import *im, const char *name)
{
    char full[NAME_SIZE + 16];
    if (is_worker(im, name) || is_pool(im, name))
        return true;
    snprintf(full, sizeof full, "worker.%s", name);
    for (size_t i = 0; i < im->properties.count; i++) {
        const struct property *property = &im->properties.items[i];
        size_t len = strlen(property->key);
        if (len > 10 && strcmp(property->key + len - 10, ".reference") == 0 &&
            strcmp(property->value, full) == 0)
            return true;
    }
    return false;
}

static bool is_member(const struct import *im, const char *name)
{
    for (size_t i = 0; i < im->pool_count; i++)
        for (size_t m = 0; im->pools[i].balancer && m < im->member_count; m++)
            if ((im->pools[i].members >> m & 1) &&
                strcmp(im->workers[im->pools[i].worker[m]].name, name) == 0)
                return true;
    return false;
}

/* Is the line what NAME has of its key? A list has all lines of it. */
static bool is_of(const struct import *im, const struct line *line, const char *name)
{
    const struct property *found = import_lookup(im, name, line->key);
    if (line->rule->newer && import_lookup(im, name, line->rule->newer))
        return false;
    return found == line->property ||
           (found && line->rule->list && strcmp(found->key, line->property->key) == 0);
}

static bool is_used(const struct import *im, const struct line *line)
{
    enum import_scope scope = line->rule->scope;
    for (size_t i = 0; scope != SCOPE_BALANCER && i < im->worker_count; i++)
        if (is_of(im, line, im->workers[i].name) &&
            (scope != SCOPE_MEMBER || is_member(im, im->workers[i].name)))
            return true;
    for (size_t i = 0; (scope == SCOPE_BALANCER || scope == SCOPE_ALL) && i < im->pool_count; i++)
        if (im->pools[i].balancer && is_of(im, line, im->pools[i].name))
            return true;
    return false;
}

static void note_unused(struct import *im, const struct line *line)
{
    const struct property *last = properties_find(&im->properties, line->property->key);
    if (last && last != line->property && !line->rule->list)
        import_note(im, NOTE_IDLE, im->path, line->property->line, line->property->key,
                    "said again on line %u, which counts", last->line);
    else if (line->rule->newer && import_lookup(im, line->name, line->rule->newer))
        import_note(im, NOTE_IDLE, im->path, line->property->line, line->property->key,
                    "%s is there too, and counts", line->rule->newer);
    else if (line->rule->scope == SCOPE_BALANCER)
        note(im, NOTE_IDLE, line, "of balancers alone, those in worker.list");
    else if (line->rule->scope == SCOPE_MEMBER)
        note(im, NOTE_IDLE, line, "of the workers of balancers alone");
    else if (is_pool(im, line->name))
        note(im, NOTE_IDLE, line, "of workers of type ajp13 alone");
    else
        note(im, NOTE_IDLE, line, "whoever refers to it has its own");
}

/* Does any line begin with the value and a dot, and do references end? mod_jk refuses others. */
static void note_reference(struct import *im, const struct line *line)
{
    const struct property *at = line->property;
    char full[3 * NAME_SIZE];
    bool known = false;
    size_t len = strlen(at->value);
    for (size_t i = 0; i < im->properties.count; i++)
        known |= strncmp(im->properties.items[i].key, at->value, len) == 0 &&
                 im->properties.items[i].key[len] == '.';
    if (!known) {
        import_note(im, NOTE_ANSWERS, im->path, at->line, at->key,
                    "there is no %.200s, so it gives nothing; mod_jk refuses to start", at->value);
        return;
    }
    for (int depth = 0; at && depth < REFERENCES_MAX; depth++) {
        snprintf(full, sizeof full, "%.255s.reference", at->value);
        at = properties_find(&im->properties, full);
    }
    if (at)
        note(im, NOTE_ANSWERS, line,
             "references that lead back to themselves; mod_jk refuses to start");
}

/* A setting of a balancer, of all paths here: do others have it otherwise? */
static void note_balancers(struct import *im, const struct line *line)
{
    const char *ours = import_value(im, im->balancer, line->key, "");
    bool other = strcmp(line->property->value, ours) != 0;
    bool routes_have_it = strcmp(line->key, "sticky_session") == 0 ||
                          strcmp(line->key, "sticky_session_force") == 0 ||
                          strcmp(line->key, "session_cookie") == 0;
    if (im->routed && routes_have_it)
        return;
    for (size_t i = 0; i < im->pool_count; i++) {
        const char *name = im->pools[i].name;
        if (!im->pools[i].balancer || strcmp(import_value(im, name, line->key, ""), ours) == 0)
            continue;
        if (other)
            import_note(im, NOTE_SHARED, im->path, line->property->line, line->property->key,
                        "one setting for all paths: that of %s, the first balancer, was taken",
                        im->balancer);
        else
            import_note(im, NOTE_SHARED, im->path, line->property->line, line->property->key,
                        "one setting for all paths: %s, which has it otherwise, gets it too", name);
        return;
    }
}

static void note_fail_on_status(struct import *im, const struct line *line)
{
    char name[NAME_SIZE];
    bool on_503 = false, others = false;
    for (const char *list = line->property->value; import_next_name(&list, name);) {
        bool is = strcmp(name + (name[0] == '-'), "503") == 0;
        on_503 |= is;
        others |= !is;
    }
    if (others)
        note(im, NOTE_SHARED, line,
             on_503 ? "503 is retry.on_503; the others in it are the app's own answers"
                    : "503 alone is asked for again (retry.on_503); others are the app's own "
                      "answers");
}

static void see_entry(struct import *im, const struct line *line)
{
    bool status = line->name[0] && import_is_type(im, line->name, "status");
    if (line->rule->scope == SCOPE_TOP || strcmp(line->key, "mount") == 0)
        return; /* seen where it was used */
    if (strcmp(line->key, "reference") == 0)
        note_reference(im, line);
    if (!has_part(im, line->name)) {
        if (!status && strcmp(line->key, "reference") != 0)
            note(im, NOTE_NEEDLESS, line, "of a worker that has no part in it");
    } else if (strcmp(line->key, "type") == 0 || strcmp(line->key, "reference") == 0) {
        return;
    } else if (!is_used(im, line)) {
        note_unused(im, line);
    } else if (line->rule->carry == CARRY_TIME) {
        import_note_time(im, line->rule, line->property);
    } else if (strcmp(line->key, "fail_on_status") == 0) {
        note_fail_on_status(im, line);
    } else if (line->rule->scope == SCOPE_BALANCER && !line->rule->list && !line->rule->newer) {
        note_balancers(im, line);
    }
}

static void see_line(struct import *im, const struct property *property)
{
    struct line line = {.property = property};
    if (properties_has_mark(property->key)) {
        note(im, NOTE_ANSWERS, &line,
             "a byte order mark stands before it, so it is another key in mod_jk, and here");
        return;
    }
    if (strncmp(property->key, "worker.", 7) != 0) {
        note(im, NOTE_IDLE, &line, "a variable, put in where it was used");
        return;
    }
    const char *rest = property->key + 7;
    const char *dot = strrchr(rest, '.');
    line.key = dot ? dot + 1 : rest;
    if (dot)
        snprintf(line.name, sizeof line.name, "%.*s",
                 (int)(dot - rest < NAME_SIZE ? dot - rest : 0), rest);
    line.rule = import_rule_of(line.key);
    bool maintain = strcmp(line.key, "maintain") == 0;
    if (!line.rule || (!dot && line.rule->scope != SCOPE_TOP && !maintain))
        note(im, NOTE_IDLE, &line, "not a key of mod_jk");
    else if (property->value[0] == '\0')
        note(im, NOTE_IDLE, &line, "no value, so mod_jk ignores the line");
    else if (line.rule->carry == CARRY_NOT)
        note(im, NOTE_NEEDLESS, &line, line.rule->reason);
    else
        see_entry(im, &line);
}

void import_note_strays(struct import *im, const char *path, const struct properties *properties)
{
    for (size_t i = 0; i < properties->stray_count; i++)
        import_note(im, NOTE_IDLE, path, properties->strays[i].line, properties->strays[i].key,
                    "no key=value, so mod_jk passes over the line");
}

void import_note_lines(struct import *im)
{
    import_note_strays(im, im->path, &im->properties);
    for (size_t i = 0; i < im->properties.count; i++)
        see_line(im, &im->properties.items[i]);
}
