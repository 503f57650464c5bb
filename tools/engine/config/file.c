/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file, walked by the tables: each value goes to its place or is told of, and
 * then the next one. */
#include "base/nearest.h"
#include "config/draft.h"
#include "config/settings_build.h"
#include "config/value.h"
#include "config/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MAX = 256 };

/* A map of the file, and what its keys are. */
struct scope {
    const struct setting_table *table;
    const char *outer; /* group or list; NULL: the top level */
    bool group;        /* outer is one */
    void *base;
    struct draft_notes *notes;
};

struct list {
    const char *key, *example;
    const struct setting_table *table;
};

static const struct list lists[] = {
    {"listen", "- url: ajp://127.0.0.1:8019", &table_listener},
    {"workers", "- name: nodeA", &table_worker},
    {"routes", "- paths: [/app/*]", &table_route},
};

enum { LIST_COUNT = sizeof lists / sizeof *lists };

static const char *name_of(const struct scope *scope, const char *key, char *buf, size_t cap)
{
    snprintf(buf, cap, "%s%s%s", scope->outer ? scope->outer : "", scope->outer ? "." : "", key);
    return buf;
}

static bool tell(struct draft *draft, const struct node *node, const struct scope *scope,
                 const char *key, const char *text)
{
    char name[160];
    return draft_blame_at(draft, node->line, node->column, name_of(scope, key, name, sizeof name),
                          text);
}

static const char *shown(const struct node *node, char *buf, size_t cap)
{
    return log_str(buf, cap, ajp_str_of(node->text, strlen(node->text)));
}

/* Nothing stands behind the key. */
static bool is_empty(const struct node *node)
{
    return node->kind == NODE_TEXT && node->bare &&
           (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static bool is_row_of(const struct setting_row *row, const struct scope *scope)
{
    return scope->group ? row->group && strcmp(row->group, scope->outer) == 0 : !row->group;
}

/* --- keys that are not known --- */

static bool is_group(const char *key)
{
    for (size_t i = 0; i < table_top.count; i++)
        if (table_top.rows[i].group && strcmp(table_top.rows[i].group, key) == 0)
            return true;
    return false;
}

static const struct list *list_of(const char *key)
{
    for (size_t i = 0; i < LIST_COUNT; i++)
        if (strcmp(lists[i].key, key) == 0)
            return &lists[i];
    return NULL;
}

/* Every key that the map may have, in the order of the tables. */
static const char *key_at(const struct scope *scope, size_t at)
{
    const char *group = NULL;
    for (size_t i = 0; i < scope->table->count; i++) {
        const struct setting_row *row = &scope->table->rows[i];
        const char *key = is_row_of(row, scope) ? row->key : NULL;
        if (!scope->outer && row->group && (!group || strcmp(group, row->group) != 0))
            key = group = row->group;
        if (key && at-- == 0)
            return key;
    }
    return !scope->outer && at < LIST_COUNT ? lists[at].key : NULL;
}

/* Where else a key of that name belongs, in words. */
static bool home_of(const char *key, char *buf, size_t cap)
{
    size_t n = 0;
    const struct setting_table *seen = NULL;
    buf[0] = '\0';
    if (list_of(key) || is_group(key))
        n = (size_t)snprintf(buf, cap, "the top level");
    for (size_t i = 0; i < table_top.count && n < cap; i++) {
        const struct setting_row *row = &table_top.rows[i];
        if (strcmp(row->key, key) == 0)
            n += (size_t)snprintf(buf + n, cap - n, "%s%s", n ? " or " : "",
                                  row->group ? row->group : "the top level");
    }
    for (size_t i = 0; i < LIST_COUNT && n < cap; i++)
        for (size_t k = 0; k < lists[i].table->count && n < cap; k++)
            if (strcmp(lists[i].table->rows[k].key, key) == 0 && seen != lists[i].table) {
                seen = lists[i].table;
                n += (size_t)snprintf(buf + n, cap - n, "%san entry of %s", n ? " or " : "",
                                      lists[i].key);
            }
    return n > 0;
}

static void refuse_entry(struct draft *draft, const struct list *list)
{
    draft->listen_refused |= list->table == &table_listener;
    draft->workers_refused |= list->table == &table_worker;
    draft->routes_refused |= list->table == &table_route;
}

/* What follows from a misspelt key is not worth a message of its own. */
static void refuse_meant(struct draft *draft, const struct scope *scope, const char *meant)
{
    const struct list *list = scope->outer ? NULL : list_of(meant);
    if (list)
        refuse_entry(draft, list);
    for (size_t i = 0; i < scope->table->count; i++)
        if (is_row_of(&scope->table->rows[i], scope) &&
            strcmp(scope->table->rows[i].key, meant) == 0)
            scope->notes->refused[i] = true;
}

static void unknown_key(struct draft *draft, const struct scope *scope, const struct node *key)
{
    char text[1024], word[96], home[160];
    struct nearest nearest = nearest_to(key->text);
    for (size_t i = 0; key_at(scope, i); i++)
        nearest_try(&nearest, key_at(scope, i));
    size_t n =
        (size_t)snprintf(text, sizeof text, "unknown key \"%s\"", shown(key, word, sizeof word));
    const char *dot = strchr(key->text, '.');
    if (!scope->outer && dot && dot[1]) {
        snprintf(text + n, sizeof text - n,
                 ", write %.*s: and on the line below it, further to "
                 "the right, %.64s:",
                 (int)(dot - key->text > 64 ? 64 : dot - key->text), key->text, dot + 1);
    } else if (!(nearest.found && nearest.distance < 2) && home_of(key->text, home, sizeof home)) {
        snprintf(text + n, sizeof text - n, ", it belongs to %s", home);
    } else if (nearest.found) {
        snprintf(text + n, sizeof text - n, ", did you mean \"%s\"?", nearest.found);
        refuse_meant(draft, scope, nearest.found);
    } else {
        n += (size_t)snprintf(text + n, sizeof text - n, ", expected one of");
        for (size_t i = 0; key_at(scope, i) && n < sizeof text; i++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s %s", i ? "," : "",
                                  key_at(scope, i));
    }
    draft_blame_at(draft, key->line, key->column, scope->outer ? scope->outer : "", text);
}

/* --- values --- */

static void refuse(struct draft *draft, const struct scope *scope, size_t row,
                   const struct node *node, const char *text)
{
    scope->notes->refused[row] = true;
    if (text)
        tell(draft, node, scope, scope->table->rows[row].key, text);
}

/* Which of the items is not as it should be; when it is none of them alone, it is the list. */
static void blame_items(struct draft *draft, const struct scope *scope, size_t row,
                        const struct node *node, const char *whole)
{
    union {
        struct settings settings;
        struct listener_settings listener;
        struct worker_settings worker;
        struct route_settings route;
    } scratch;
    char why[768];
    struct value_context ctx = {.owner = draft->settings, .why = why, .why_cap = sizeof why};
    bool told = false;
    for (const struct node *item = node->first; item; item = item->next) {
        memset(&scratch, 0, sizeof scratch);
        if (value_set_list(&ctx, &scope->table->rows[row], &scratch, &item->text, 1))
            continue;
        refuse(draft, scope, row, item, why);
        told = true;
    }
    if (!told)
        refuse(draft, scope, row, node, whole);
}

static void apply_items(struct draft *draft, const struct scope *scope, size_t row,
                        const struct node *node)
{
    const char *items[ITEMS_MAX];
    char why[768];
    size_t count = 0;
    bool texts = true;
    for (const struct node *item = node->first; item; item = item->next) {
        if (item->kind == NODE_TEXT && count < ITEMS_MAX) {
            items[count++] = item->text;
            continue;
        }
        texts = false;
        snprintf(why, sizeof why, "expected at most %d entries", ITEMS_MAX);
        refuse(draft, scope, row, item,
               item->kind == NODE_REFUSED ? NULL
               : item->kind == NODE_TEXT  ? why
                                          : "expected a text, got a list or a map; quotes around a "
                                            "text that holds a colon and a space");
        if (item->kind == NODE_TEXT)
            return;
    }
    struct value_context ctx = {.owner = draft->settings, .why = why, .why_cap = sizeof why};
    if (texts && !value_set_list(&ctx, &scope->table->rows[row], scope->base, items, count))
        blame_items(draft, scope, row, node, why);
}

static void apply_list(struct draft *draft, const struct scope *scope, size_t row,
                       const struct node *node)
{
    char text[320], word[96];
    switch (node->kind) {
    case NODE_LIST:
        apply_items(draft, scope, row, node);
        return;
    case NODE_TEXT:
        if (is_empty(node))
            return;
        shown(node, word, sizeof word);
        snprintf(text, sizeof text, "expected a list, got \"%s\": write [%s]", word, word);
        refuse(draft, scope, row, node, text);
        return;
    case NODE_MAP:
        refuse(draft, scope, row, node, "expected a list, got keys: write - before each entry");
        return;
    case NODE_REFUSED:
        refuse(draft, scope, row, node, NULL);
        return;
    }
}

static void apply_value(struct draft *draft, const struct scope *scope, size_t row,
                        const struct node *node)
{
    char why[768];
    if (value_is_list(scope->table->rows[row].kind)) {
        apply_list(draft, scope, row, node);
        return;
    }
    switch (node->kind) {
    case NODE_TEXT:
        if (!draft_try(draft, scope->table, row, scope->base, scope->notes, node->text, why,
                       sizeof why))
            refuse(draft, scope, row, node, why);
        return;
    case NODE_LIST:
        refuse(draft, scope, row, node, "expected one value, got a list");
        return;
    case NODE_MAP:
        refuse(draft, scope, row, node, "expected one value, got keys");
        return;
    case NODE_REFUSED:
        refuse(draft, scope, row, node, NULL);
        return;
    }
}

/* --- maps and lists of them --- */

static bool said_before(struct draft *draft, const struct scope *scope, const struct node *map,
                        const struct node *node)
{
    const struct node *first = yaml_member(map, node->key->text);
    char text[96];
    if (first == node)
        return false;
    snprintf(text, sizeof text, "expected each key once, this one is on line %u too",
             first->key->line);
    char shown_key[96];
    tell(draft, node->key, scope, shown(node->key, shown_key, sizeof shown_key), text);
    return true;
}

static void apply_map(struct draft *draft, const struct scope *scope, const struct node *map);

static void apply_group(struct draft *draft, const struct scope *top, const struct node *node)
{
    const struct scope group = {.table = top->table,
                                .outer = node->key->text,
                                .group = true,
                                .base = top->base,
                                .notes = top->notes};
    if (node->kind == NODE_MAP)
        apply_map(draft, &group, node);
    else if (node->kind != NODE_REFUSED && !is_empty(node))
        tell(draft, node, top, group.outer,
             "expected keys below it, each on a line of its own, further to the right");
}

static void *add_route(struct draft *draft)
{
    if (draft->route_count == ROUTES_MAX)
        return NULL;
    return &draft->routes[draft->route_count++];
}

static void note_given(struct draft *draft, const struct draft_notes *notes)
{
    for (size_t row = 0; row < table_route.count; row++)
        draft->route_given[draft->route_count - 1] |= (uint64_t)(notes->given[row] != NULL) << row;
}

/* One entry that is a map. */
static void apply_entry(struct draft *draft, const struct list *list, const struct node *node,
                        int index)
{
    struct scope scope = {.table = list->table, .outer = list->key};
    struct draft_notes notes = {.index = index};
    if (list->table == &table_listener) {
        scope.base = draft_add_listener(draft, NULL, index);
        scope.notes = scope.base ? &draft->listener_notes[draft->listener_count - 1] : NULL;
    } else if (list->table == &table_worker) {
        scope.base = draft_add_worker(draft, NULL, index);
        scope.notes = scope.base ? &draft->worker_notes[draft->worker_count - 1] : NULL;
    } else {
        scope.base = add_route(draft);
        scope.notes = &notes;
    }
    if (!scope.base)
        return;
    apply_map(draft, &scope, node);
    if (node->broken)
        memset(scope.notes->refused, true, sizeof scope.notes->refused);
    if (list->table == &table_route) {
        note_given(draft, &notes);
        for (size_t row = 0; row < table_route.count; row++)
            draft->routes_refused |= notes.refused[row];
    }
}

static void apply_entries(struct draft *draft, const struct scope *top, const struct list *list,
                          const struct node *node)
{
    static const size_t most[LIST_COUNT] = {LISTENERS_MAX, WORKERS_MAX, ROUTES_MAX};
    char text[200];
    size_t index = 0;
    for (const struct node *entry = node->first; entry; entry = entry->next, index++) {
        if (index == most[list - lists]) {
            snprintf(text, sizeof text, "expected at most %zu entries", index);
            tell(draft, entry, top, list->key, text);
            refuse_entry(draft, list);
            return;
        }
        if (entry->kind == NODE_MAP) {
            apply_entry(draft, list, entry, (int)index);
            continue;
        }
        refuse_entry(draft, list);
        snprintf(text, sizeof text, "expected an entry with keys, as in %s", list->example);
        if (entry->kind != NODE_REFUSED)
            tell(draft, entry, top, list->key, text);
    }
}

static void apply_section(struct draft *draft, const struct scope *top, const struct list *list,
                          const struct node *node)
{
    char text[200];
    if (node->kind == NODE_LIST) {
        apply_entries(draft, top, list, node);
    } else if (!is_empty(node)) {
        refuse_entry(draft, list);
        snprintf(text, sizeof text, "expected a list: each entry begins with a dash, as in %s",
                 list->example);
        if (node->kind != NODE_REFUSED)
            tell(draft, node, top, list->key, text);
    }
}

static void apply_key(struct draft *draft, const struct scope *scope, const struct node *node)
{
    const char *key = node->key->text;
    const struct list *list = list_of(key);
    if (!scope->outer && list) {
        apply_section(draft, scope, list, node);
        return;
    }
    if (!scope->outer && is_group(key)) {
        apply_group(draft, scope, node);
        return;
    }
    for (size_t i = 0; i < scope->table->count; i++)
        if (is_row_of(&scope->table->rows[i], scope) &&
            strcmp(scope->table->rows[i].key, key) == 0) {
            apply_value(draft, scope, i, node);
            return;
        }
    unknown_key(draft, scope, node->key);
}

/* No further than mistakes are kept: of a file that is something else, each key is one, and to look
 * among all the others for its like would take hours. */
static void apply_map(struct draft *draft, const struct scope *scope, const struct node *map)
{
    for (const struct node *node = map->first; node && draft->mistake_count <= MISTAKES_MAX;
         node = node->next)
        if (!said_before(draft, scope, map, node))
            apply_key(draft, scope, node);
}

/* --- the file --- */

static void told(void *ctx, unsigned line, unsigned column, const char *text)
{
    draft_blame_at(ctx, line, column, "", text);
}

bool draft_apply_file(struct draft *draft, const char *path)
{
    const struct yaml_listener listener = {told, draft};
    const struct scope top = {.table = &table_top, .base = draft->settings, .notes = &draft->top};
    draft->path = settings_text(draft->settings, ajp_str_of(path, strlen(path))).ptr;
    draft->file = yaml_read(path, &listener);
    if (!draft->file)
        return false;
    const struct node *root = yaml_root(draft->file);
    if (root && root->kind == NODE_MAP)
        apply_map(draft, &top, root);
    else if (root && root->kind != NODE_REFUSED && !is_empty(root))
        return draft_blame_at(draft, root->line, root->column, "",
                              "expected keys, as in listen: and workers:");
    if (yaml_is_cut(draft->file))
        draft->listen_refused = draft->workers_refused = draft->routes_refused = true;
    return true;
}
