/* SPDX-License-Identifier: Apache-2.0 */
/* Changes in the order in which they came. */
#include "config/overlay.h"

#include "config/draft.h"

#include <stdlib.h>
#include <string.h>

void overlay_change_free(struct overlay_change *change)
{
    if (!change)
        return;
    for (size_t i = 0; i < change->count; i++) {
        free(change->keys[i]);
        free(change->values[i]);
    }
    free(change->like);
    free(change->name);
    free(change);
}

struct overlay_change *overlay_change_new(bool remove, const char *name)
{
    struct overlay_change *change = calloc(1, sizeof *change);
    if (!change)
        return NULL;
    change->remove = remove;
    change->name = strdup(name);
    if (change->name)
        return change;
    free(change);
    return NULL;
}

bool overlay_change_set(struct overlay_change *change, const char *key, const char *value)
{
    if (strcmp(key, "like") == 0) {
        free(change->like);
        change->like = strdup(value);
        return change->like != NULL;
    }
    if (change->count == OVERLAY_PAIRS_MAX)
        return false;
    char *key_copy = strdup(key), *value_copy = strdup(value);
    if (!key_copy || !value_copy) {
        free(key_copy);
        free(value_copy);
        return false;
    }
    change->keys[change->count] = key_copy;
    change->values[change->count++] = value_copy;
    return true;
}

static struct overlay_change **last_of(struct overlay *overlay)
{
    struct overlay_change **at = &overlay->first;
    while (*at && (*at)->next)
        at = &(*at)->next;
    return at;
}

void overlay_add(struct overlay *overlay, struct overlay_change *change)
{
    struct overlay_change **last = last_of(overlay);
    change->next = NULL;
    *(*last ? &(*last)->next : last) = change;
}

void overlay_drop_last(struct overlay *overlay)
{
    struct overlay_change **last = last_of(overlay);
    overlay_change_free(*last);
    *last = NULL;
}

void overlay_clear(struct overlay *overlay)
{
    while (overlay->first) {
        struct overlay_change *next = overlay->first->next;
        overlay_change_free(overlay->first);
        overlay->first = next;
    }
}

bool overlay_removes(const struct overlay *overlay, const char *name)
{
    bool removes = false;
    for (const struct overlay_change *at = overlay ? overlay->first : NULL; at; at = at->next)
        if (strcmp(at->name, name) == 0)
            removes = at->remove;
    return removes;
}

static size_t worker_named(const struct draft *draft, const char *name)
{
    size_t i = 0;
    while (i < draft->worker_count &&
           !(draft->workers[i].name.ptr && strcmp(draft->workers[i].name.ptr, name) == 0))
        i++;
    return i;
}

static void remove_worker(struct draft *draft, size_t at)
{
    size_t behind = draft->worker_count - at - 1;
    memmove(&draft->workers[at], &draft->workers[at + 1], behind * sizeof draft->workers[0]);
    memmove(&draft->worker_notes[at], &draft->worker_notes[at + 1],
            behind * sizeof draft->worker_notes[0]);
    draft->worker_count--;
    memset(&draft->workers[draft->worker_count], 0, sizeof draft->workers[0]);
    memset(&draft->worker_notes[draft->worker_count], 0, sizeof draft->worker_notes[0]);
}

static bool is_worker_key(const char *key)
{
    for (size_t i = 0; i < table_worker.count; i++)
        if (strcmp(table_worker.rows[i].key, key) == 0)
            return strcmp(key, "name") != 0;
    return false;
}

/* All but what is its own. */
static bool take_over(struct draft *draft, const struct overlay_change *change)
{
    size_t from = worker_named(draft, change->like), to = draft->worker_count - 1;
    if (from >= to)
        return draft_fail(draft, "like", "expected the name of a worker, got \"%s\"%s",
                          change->like, draft_nearest_worker(draft, change->like));
    draft->workers[to] = draft->workers[from];
    draft->workers[to].name = draft->workers[to].host = AJP_NULL;
    draft->workers[to].aliases = (struct text_list){0};
    draft->workers[to].activation = ACTIVATION_ACTIVE;
    draft->worker_notes[to] = draft->worker_notes[from];
    draft->worker_notes[to].like = draft->workers[from].name.ptr;
    return true;
}

static bool add_worker(struct draft *draft, const struct overlay_change *change)
{
    char option[160];
    snprintf(option, sizeof option, "add %s", change->name);
    if (!draft_add_worker(draft, option, -1))
        return false;
    size_t at = draft->worker_count - 1;
    const char *shown = draft->worker_notes[at].option;
    if (change->like && !take_over(draft, change))
        return false;
    draft->worker_notes[at].option = shown;
    if (!draft_set_worker(draft, at, "name", "name", change->name))
        return false;
    for (size_t i = 0; i < change->count; i++) {
        if (!is_worker_key(change->keys[i]))
            return draft_fail(draft, option, "unknown key \"%.64s\"", change->keys[i]);
        if (!draft_set_worker(draft, at, change->keys[i], change->keys[i], change->values[i]))
            return false;
    }
    return true;
}

bool overlay_apply(const struct overlay *overlay, struct draft *draft)
{
    draft->overlay = overlay;
    for (const struct overlay_change *at = overlay ? overlay->first : NULL; at; at = at->next) {
        size_t found = worker_named(draft, at->name);
        bool there = found < draft->worker_count;
        if (at->remove && there)
            remove_worker(draft, found);
        if (!at->remove && !there && !add_worker(draft, at))
            return false;
    }
    return true;
}
