/* SPDX-License-Identifier: Apache-2.0 */
/* Reads property files. */
#include "config/properties.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 8192, GOT_SIZE = 160 };

static const char spaces[] = " \t\r\n";
static const char byte_order_mark[] = "\xef\xbb\xbf";

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

/* Makes room at the end of a list. */
static struct property *append(struct property **items, size_t count)
{
    struct property *grown = realloc(*items, (count + 1) * sizeof **items);
    if (!grown)
        return NULL;
    *items = grown;
    grown[count] = (struct property){.key = NULL};
    return &grown[count];
}

bool properties_add(struct properties *properties, const char *key, const char *value,
                    unsigned line)
{
    struct property *property = append(&properties->items, properties->count);
    if (!property)
        return false;
    *property =
        (struct property){.key = strdup(key), .value = expand(properties, value), .line = line};
    properties->count++;
    return property->key && property->value;
}

/* A line after one that ends as if it went on was meant as part of it. */
static bool pass_over(struct properties *properties, const char *text, unsigned line,
                      bool continued, const char **problem)
{
    if (continued) {
        *problem = "expected key=value: no line goes on after a \\ in mod_jk";
        return false;
    }
    struct property *stray = append(&properties->strays, properties->stray_count);
    *problem = "out of memory";
    if (!stray || !(stray->key = strdup(text)))
        return false;
    stray->line = line;
    properties->stray_count++;
    return true;
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
    if (*p == '\0' || strcmp(p, byte_order_mark) == 0)
        return true;
    char *equals = strchr(p, '=');
    if (!equals || equals == p)
        return pass_over(properties, p, line, continued, problem);
    *equals = '\0';
    *problem = "out of memory";
    return properties_add(properties, trim(p), trim(equals + 1), line);
}

static bool read_lines(FILE *file, struct properties *properties, unsigned *line,
                       char got[GOT_SIZE], const char **problem)
{
    char text[LINE_MAX_LEN];
    while (fgets(text, sizeof text, file)) {
        char shown[GOT_SIZE - 16];
        ++*line;
        snprintf(got, GOT_SIZE, ", got \"%s\"", properties_shown(shown, sizeof shown, text));
        *problem = "expected a line of less than 8191 bytes";
        if (strlen(text) == sizeof text - 1 || !read_line(properties, text, *line, problem))
            return false;
    }
    *got = '\0';
    *problem = "expected a readable file";
    return !ferror(file);
}

bool properties_read(const char *path, struct properties *out, char *message, size_t cap)
{
    struct properties properties = {0};
    const char *problem = NULL;
    char got[GOT_SIZE] = "";
    unsigned line = 0;
    FILE *file = fopen(path, "re");
    if (!file) {
        snprintf(message, cap, "%s:1: expected a readable file: %s", path, strerror(errno));
        return false;
    }
    bool ok = read_lines(file, &properties, &line, got, &problem);
    fclose(file);
    if (ok) {
        *out = properties;
        return true;
    }
    snprintf(message, cap, "%s:%u: %s%s", path, line ? line : 1, problem, got);
    properties_free(&properties);
    return false;
}

static void free_all(struct property *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].key);
        free(items[i].value);
    }
    free(items);
}

void properties_free(struct properties *properties)
{
    free_all(properties->items, properties->count);
    free_all(properties->strays, properties->stray_count);
    *properties = (struct properties){0};
}

const char *properties_shown(char *out, size_t cap, const char *text)
{
    size_t len = 0;
    for (; len < cap - 1 && text[len] && text[len] != '\r' && text[len] != '\n'; len++)
        out[len] = (unsigned char)text[len] < 0x20 || text[len] == 0x7f ? '?' : text[len];
    out[len] = '\0';
    return out;
}

bool properties_has_mark(const char *key)
{
    return strncmp(key, byte_order_mark, sizeof byte_order_mark - 1) == 0;
}

const struct property *properties_find(const struct properties *properties, const char *key)
{
    for (size_t i = properties->count; i-- > 0;)
        if (properties->items[i].value[0] && strcmp(properties->items[i].key, key) == 0)
            return &properties->items[i];
    return NULL;
}
