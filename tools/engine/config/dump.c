/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the effective settings as a configuration file. */
#include "config/draft.h"
#include "config/value.h"

#include <string.h>

static void dump_row(FILE *out, const char *indent, const struct setting_row *row, const void *base,
                     const char *given)
{
    bool secret = row->kind == KIND_SECRET_FILE || row->kind == KIND_SECRET_ENV;
    /* A secret is told by where it came from. */
    if (secret && given)
        fprintf(out, "%s%s: \"%s\"\n", indent, row->key, given);
    if (secret)
        return;
    bool absent = (row->kind == KIND_TEXT || row->kind == KIND_NAME || row->kind == KIND_PATH ||
                   row->kind == KIND_HOST || row->kind == KIND_GROUP) &&
                  !((const ajp_str *)((const char *)base + row->offset))->ptr;
    absent |= row->kind == KIND_MODE && *(const uint32_t *)((const char *)base + row->offset) == 0;
    if (absent)
        return;
    fprintf(out, "%s%s: ", indent, row->key);
    value_print(out, row, base);
    fputc('\n', out);
}

static void dump_entry(FILE *out, const struct setting_table *table, const void *base,
                       const struct draft_notes *notes)
{
    fputs("  -\n", out);
    for (size_t i = 0; i < table->count; i++)
        dump_row(out, "    ", &table->rows[i], base, notes->given[i]);
}

/* Whether general settings hold for a route is part of what it says. */
static void dump_route(FILE *out, const struct draft *draft, size_t at)
{
    fputs("  -\n", out);
    for (size_t i = 0; i < table_route.count; i++) {
        const struct setting_row *row = &table_route.rows[i];
        bool general = row->kind == KIND_BOOL || row->kind == KIND_DURATION;
        if (row->kind == KIND_HOSTS && draft->routes[at].hosts.count == 0)
            continue; /* there is a host, or none */
        if (!general || (draft->route_given[at] >> i & 1))
            dump_row(out, "    ", row, &draft->routes[at], NULL);
    }
}

void draft_dump(const struct draft *draft, FILE *out)
{
    fputs("listen:\n", out);
    for (size_t i = 0; i < draft->listener_count; i++)
        dump_entry(out, &table_listener, &draft->listeners[i], &draft->listener_notes[i]);
    fputs("workers:\n", out);
    for (size_t i = 0; i < draft->worker_count; i++)
        dump_entry(out, &table_worker, &draft->workers[i], &draft->worker_notes[i]);
    if (draft->route_count)
        fputs("routes:\n", out);
    for (size_t i = 0; i < draft->route_count; i++)
        dump_route(out, draft, i);
    const char *group = NULL;
    for (size_t i = 0; i < table_top.count; i++) {
        const struct setting_row *row = &table_top.rows[i];
        if (row->group && (!group || strcmp(group, row->group) != 0))
            fprintf(out, "%s:\n", row->group);
        group = row->group;
        dump_row(out, group ? "  " : "", row, draft->settings, draft->top.given[i]);
    }
}
