/* SPDX-License-Identifier: Apache-2.0 */
/* What may follow a mapping of mod_jk: ";reply_timeout=..." and its like, as settings of a route.
 */
#include "config/import_state.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

static size_t member_named(const struct import *im, const struct import_pool *pool,
                           const char *name)
{
    size_t m = 0;
    while (m < im->member_count &&
           (!(pool->members >> m & 1) || strcmp(im->workers[pool->worker[m]].name, name) != 0))
        m++;
    return m;
}

/* Whoever is stopped for a mapping is not in its route. */
static const char *take_stopped(const struct import *im, struct import_extras *extras,
                                const struct import_pool *pool, const char *list)
{
    char name[IMPORT_NAME];
    uint64_t stopped = extras->stopped;
    if (!pool->balancer)
        return "of mappings to balancers alone";
    while (import_next_name(&list, name)) {
        size_t m = member_named(im, pool, name);
        if (m == im->member_count)
            return "no worker of the balancer has this name";
        stopped |= UINT64_C(1) << m;
    }
    if ((pool->members & ~stopped) == 0)
        return "BEWARE, it would leave no worker: leave the mapping out";
    extras->stopped = stopped;
    return NULL;
}

static const char *take_reply(struct import_extras *extras, long number)
{
    if (number < 0)
        return "below 0 it is the worker's own";
    extras->reply_given = true;
    extras->reply = import_within(TIME_REPLY, number ? (uint64_t)number : UINT64_MAX);
    return number > 0 && extras->reply < (uint64_t)number ? "longer than the setting allows" : NULL;
}

static const char *take_statuses(struct import_extras *extras, const char *list)
{
    char status[IMPORT_NAME];
    bool others = false;
    while (import_next_name(&list, status)) {
        bool is = strcmp(status + (status[0] == '-'), "503") == 0;
        extras->on_503 |= is;
        others |= !is;
    }
    return others ? "503 alone is asked for again (retry_on_503); others are the app's own answers"
                  : NULL;
}

static const char *take_cookie(struct import *im, const char *name)
{
    if (!value_is_name(ajp_str_of(name, strlen(name))))
        return "expected letters, digits, '_', '-' or '.'";
    return import_add_cookie(im, name) ? NULL : "too many cookies";
}

/* Of a mapping that was taken. Its numbers are what begins as one, as mod_jk reads them. */
static const char *take_option(struct import *im, const struct import_pool *pool, const char *name,
                               const char *value, struct import_extras *extras)
{
    const struct import_rule *rule = import_map_rule_of(name);
    long number = strtol(value, NULL, 10);
    if (!rule)
        return "not a key of mod_jk";
    if (strcmp(name, "sticky_ignore") == 0)
        extras->free = number != 0;
    else if (strcmp(name, "reply_timeout") == 0)
        return take_reply(extras, number);
    else if (strcmp(name, "stopped") == 0)
        return take_stopped(im, extras, pool, value);
    else if (strcmp(name, "fail_on_status") == 0)
        return take_statuses(extras, value);
    else if (strcmp(name, "session_cookie") == 0)
        return take_cookie(im, value);
    else if (number != 0 || !rule->number)
        return rule->reason;
    return NULL;
}

static enum import_note_kind kind_of(const char *name, const char *problem)
{
    const struct import_rule *rule = import_map_rule_of(name);
    if (!rule || strncmp(problem, "of mappings", 11) == 0 || strncmp(problem, "below", 5) == 0)
        return NOTE_IDLE;
    if (strncmp(problem, "BEWARE", 6) == 0)
        return NOTE_ANSWERS;
    return rule->reason == problem ? NOTE_NEEDLESS : NOTE_VALUE;
}

void import_take_options(struct import *im, const struct import_path *path, const char *text,
                         struct import_extras *extras)
{
    char options[1024], *at = NULL;
    snprintf(options, sizeof options, "%s", text);
    for (char *option = strtok_r(options, ";", &at); option; option = strtok_r(NULL, ";", &at)) {
        char *equals = strchr(option, '=');
        if (equals)
            *equals = '\0';
        option += strspn(option, " \t");
        const char *value = equals ? equals + 1 : "";
        const char *problem = take_option(im, &im->pools[path->pool], option, value, extras);
        if (problem)
            import_note(im, kind_of(option, problem), path->file, path->line, option, "%s",
                        problem);
        if (strcmp(option, "session_path") == 0 && !*value)
            strtok_r(NULL, ";", &at); /* ";sid" has the mark itself */
    }
}
