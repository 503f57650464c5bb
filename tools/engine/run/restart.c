/* SPDX-License-Identifier: Apache-2.0 */
/* Values are compared as they are printed. */
#include "run/restart.h"

#include "config/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *group, *key;
} keys[] = {
    {NULL, "threads"}, {NULL, "admin"},        {NULL, "admin_mode"},     {NULL, "admin_group"},
    {NULL, "tap"},     {"access_log", "file"}, {"access_log", "format"},
};

enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

_Static_assert((size_t)KEY_COUNT <= (size_t)RESTART_KEYS_MAX, "of struct restart");

static bool same_word(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static char *text_of(const struct settings *settings, size_t key)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < table_top.count; i++)
        if (same_word(table_top.rows[i].group, keys[key].group) &&
            strcmp(table_top.rows[i].key, keys[key].key) == 0)
            value_print(out, &table_top.rows[i], settings);
    fclose(out);
    return text;
}

void restart_remember(struct restart *restart, const struct settings *settings)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        restart->at_start[i] = text_of(settings, i);
}

void restart_forget(struct restart *restart)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        free(restart->at_start[i]);
}

void restart_tell(const struct restart *restart, const struct settings *settings)
{
    char changed[256] = "";
    size_t n = 0;

    for (size_t i = 0; i < KEY_COUNT; i++) {
        char *now = text_of(settings, i);
        bool same =
            now == NULL || restart->at_start[i] == NULL || strcmp(now, restart->at_start[i]) == 0;

        free(now);
        if (!same)
            n += (size_t)snprintf(changed + n, sizeof(changed) - n, "%s%s%s%s", n > 0 ? " " : "",
                                  keys[i].group != NULL ? keys[i].group : "",
                                  keys[i].group != NULL ? "." : "", keys[i].key);
    }
    if (n > 0)
        log_event(LEVEL_WARN, "restart_needed",
                  "keys=\"%s\" note=\"changed since the start, they wait for the next one\"",
                  changed);
}
