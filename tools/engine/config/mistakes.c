/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the settings: noted, sorted, told to people and programs. */
#include "config/mistakes.h"

#include "config/draft.h"
#include "config/settings_build.h"
#include "config/yaml.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *keep(struct draft *draft, const char *text)
{
    return settings_text(draft->settings, ajp_str_of(text, strlen(text))).ptr;
}

static bool note(struct draft *draft, unsigned line, unsigned column, const char *key,
                 const char *text)
{
    size_t at = draft->mistake_count++;
    if (at < MISTAKES_MAX)
        draft->mistakes[at] = (struct mistake){line, column, keep(draft, key), keep(draft, text)};
    return false;
}

void mistakes_of_memory(struct draft *draft)
{
    draft->mistakes[0] = (struct mistake){0, 0, draft->program->name, "out of memory"};
    draft->mistake_count = 1;
}

bool draft_fail(struct draft *draft, const char *place, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return note(draft, 0, 0, place ? place : draft->program->name, text);
}

bool draft_blame_at(struct draft *draft, unsigned line, unsigned column, const char *key,
                    const char *text)
{
    return note(draft, line, column, key, text);
}

static bool blame(struct draft *draft, const char *outer, int index, const char *key,
                  const char *text)
{
    char name[160];
    const struct node *node = draft->file ? yaml_root(draft->file) : NULL;
    const struct node *next = outer ? yaml_member(node, outer) : NULL;
    node = next ? next : node;
    next = index >= 0 ? yaml_entry(node, (size_t)index) : NULL;
    node = next ? next : node;
    next = key ? yaml_member(node, key) : NULL;
    node = next ? next : node;
    snprintf(name, sizeof name, "%s%s%s", outer ? outer : "", outer && key ? "." : "",
             key ? key : "");
    return note(draft, node ? node->line : 1, node ? node->column : 1, name, text);
}

bool draft_blame(struct draft *draft, const char *outer, int index, const char *key,
                 const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return blame(draft, outer, index, key, text);
}

bool draft_blame_entry(struct draft *draft, const struct draft_notes *notes, const char *outer,
                       const char *key, const char *fmt, ...)
{
    char text[1024], place[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!notes->option)
        return blame(draft, outer, notes->index, key, text);
    snprintf(place, sizeof place, "%s: %s", draft->program->name, notes->option);
    return note(draft, 0, 0, place, text);
}

/* NULL: not by an option. */
static const char *option_of(const struct draft *draft, const char *group, const char *key)
{
    for (size_t i = 0; i < table_top.count; i++) {
        const struct setting_row *row = &table_top.rows[i];
        bool same_group = group ? row->group && strcmp(row->group, group) == 0 : !row->group;
        if (same_group && strcmp(row->key, key) == 0 && draft->top.by_option[i])
            return row->option;
    }
    return NULL;
}

bool draft_blame_top(struct draft *draft, const char *group, const char *key, const char *fmt, ...)
{
    char text[1024], place[512];
    const char *option = option_of(draft, group, key);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (!option)
        return blame(draft, group, -1, key, text);
    snprintf(place, sizeof place, "%s: %s", draft->program->name, option);
    return note(draft, 0, 0, place, text);
}

static size_t kept(const struct draft *draft)
{
    return draft->mistake_count < MISTAKES_MAX ? draft->mistake_count : MISTAKES_MAX;
}

/* By insertion, which leaves those of one place in their order. What is not in the file is last. */
void mistakes_sort(struct draft *draft)
{
    for (size_t i = 1; i < kept(draft); i++) {
        struct mistake m = draft->mistakes[i];
        size_t at = i;
        for (; at > 0; at--) {
            const struct mistake *before = &draft->mistakes[at - 1];
            bool later =
                before->line != m.line ? before->line - 1 > m.line - 1 : before->column > m.column;
            if (!later)
                break;
            draft->mistakes[at] = *before;
        }
        draft->mistakes[at] = m;
    }
}

const char *mistakes_line(const struct draft *draft, size_t at, char *buf, size_t cap)
{
    const struct mistake *m = &draft->mistakes[at];
    char place[512] = "";
    if (m->line)
        snprintf(place, sizeof place, "%s:%u:%u: ", draft->path, m->line, m->column);
    snprintf(buf, cap, "%s%s%s%s", place, m->key, m->key[0] ? ": " : "", m->text);
    return buf;
}

void mistakes_print(const struct draft *draft, FILE *out)
{
    char line[2048];
    for (size_t i = 0; i < kept(draft); i++)
        fprintf(out, "%s\n", mistakes_line(draft, i, line, sizeof line));
    if (draft->mistake_count > 1)
        fprintf(out, "%s: %zu mistakes%s\n", draft->path ? draft->path : draft->program->name,
                draft->mistake_count, draft->mistake_count > MISTAKES_MAX ? ", not all shown" : "");
}

void mistakes_log(const struct draft *draft)
{
    char line[1024];
    for (size_t i = 0; i < kept(draft); i++) {
        mistakes_line(draft, i, line, sizeof line);
        for (char *p = line; *p; p++) /* it stands within quotes */
            *p = *p == '"' ? '\'' : *p;
        log_event(LEVEL_ERROR, "config_mistake", "reason=\"%s\"", line);
    }
}

bool mistakes_print_json(const struct draft *draft, FILE *out)
{
    json_t *list = json_array();
    for (size_t i = 0; i < kept(draft); i++) {
        const struct mistake *m = &draft->mistakes[i];
        json_t *item = json_pack("{s:s, s:s}", "key", m->key, "message", m->text);
        if (m->line) {
            json_object_set_new(item, "line", json_integer(m->line));
            json_object_set_new(item, "column", json_integer(m->column));
        }
        json_array_append_new(list, item);
    }
    json_t *all = json_pack("{s:b, s:o}", "valid", draft->mistake_count == 0, "mistakes", list);
    if (draft->path)
        json_object_set_new(all, "file", json_string(draft->path));
    char *text = json_dumps(all, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(all);
    if (!text) /* no memory, or a path that is not UTF-8 */
        return false;
    fprintf(out, "%s\n", text);
    free(text);
    return true;
}
