/* SPDX-License-Identifier: Apache-2.0 */
/* Reads property files. */
#include "config/properties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 8192 };

static const char spaces[] = " \t\r\n";

/* Cuts spaces off both ends, in place. */
static char *trim(char *text)
{
    text += strspn(text, spaces);
    size_t len = strlen(text);
    while (len > 0 && strchr(spaces, text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* $(name) stands for a property above or a variable of the environment; others stay as they are. */
static char *expand(const struct properties *known, const char *text)
{
    char out[LINE_MAX_LEN];
    size_t len = 0;
    while (*text && len < sizeof out - 1) {
        char name[256];
        int used = 0;
        if (sscanf(text, "$(%255[^)])%n", name, &used) == 1 && used > 0) {
            const struct property *property = properties_find(known, name);
            const char *value = property ? property->value : getenv(name);
            if (value) {
                int n = snprintf(out + len, sizeof out - len, "%s", value);
                len += (size_t)n < sizeof out - len ? (size_t)n : sizeof out - len - 1;
                text += used;
                continue;
            }
        }
        out[len++] = *text++;
    }
    out[len] = '\0';
    return strdup(out);
}

static bool add(struct properties *properties, const char *key, const char *value, unsigned line)
{
    size_t size = (properties->count + 1) * sizeof *properties->items;
    struct property *items = realloc(properties->items, size);
    if (!items)
        return false;
    properties->items = items;
    struct property *property = &items[properties->count];
    *property =
        (struct property){.key = strdup(key), .value = expand(properties, value), .line = line};
    properties->count++;
    return property->key && property->value;
}

/* A comment begins anywhere. What follows the first "=" is the value, and may be nothing. */
static bool read_line(struct properties *properties, char *text, unsigned line,
                      const char **problem)
{
    text[strcspn(text, "#")] = '\0';
    char *p = trim(text);
    size_t len = strlen(p);
    bool continued = properties->continues;
    properties->continues = len > 0 && p[len - 1] == '\\';
    *problem = NULL;
    if (*p == '\0')
        return true;
    char *equals = strchr(p, '=');
    if (!equals || equals == p) {
        *problem = continued ? "expected key=value: no line goes on after a \\ in mod_jk"
                             : "expected a comment or key=value";
        return false;
    }
    *equals = '\0';
    *problem = "out of memory";
    return add(properties, trim(p), trim(equals + 1), line);
}

static bool read_lines(FILE *file, struct properties *properties, unsigned *line,
                       const char **problem)
{
    char text[LINE_MAX_LEN];
    while (fgets(text, sizeof text, file)) {
        ++*line;
        *problem = "expected a line of less than 8191 bytes";
        if (strlen(text) == sizeof text - 1 || !read_line(properties, text, *line, problem))
            return false;
    }
    *problem = "expected a readable file";
    return !ferror(file);
}

bool properties_read(const char *path, struct properties *out, char *message, size_t cap)
{
    struct properties properties = {0};
    const char *problem = NULL;
    unsigned line = 0;
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(message, cap, "%s:1: expected a readable file: %s", path, strerror(errno));
        return false;
    }
    bool ok = read_lines(file, &properties, &line, &problem);
    fclose(file);
    if (ok) {
        *out = properties;
        return true;
    }
    snprintf(message, cap, "%s:%u: %s", path, line ? line : 1, problem);
    properties_free(&properties);
    return false;
}

void properties_free(struct properties *properties)
{
    for (size_t i = 0; i < properties->count; i++) {
        free(properties->items[i].key);
        free(properties->items[i].value);
    }
    free(properties->items);
    *properties = (struct properties){0};
}

const struct property *properties_find(const struct properties *properties, const char *key)
{
    for (size_t i = properties->count; i-- > 0;)
        if (properties->items[i].value[0] && strcmp(properties->items[i].key, key) == 0)
            return &properties->items[i];
    return NULL;
}
