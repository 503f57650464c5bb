/* SPDX-License-Identifier: Apache-2.0 */
/* A file of "key=value" lines as mod_jk reads workers.properties: comments, $(variables),
 * keys that may come again. */
#ifndef ENGINE_CONFIG_PROPERTIES_H
#define ENGINE_CONFIG_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>

struct property {
    char *key, *value;
    unsigned line;
};

struct properties {
    struct property *items;
    size_t count;
    struct property *strays; /* lines without "=" or without a key, which mod_jk passes over: key */
    size_t stray_count;
    bool continues; /* while it is read: the last line ended as if it went on */
};

/* False with "FILE:LINE: what was expected" in message; nothing is to be freed then. */
bool properties_read(const char *path, struct properties *out, char *message, size_t cap);
/* One more, of that line. False: out of memory. */
bool properties_add(struct properties *properties, const char *key, const char *value,
                    unsigned line);
void properties_free(struct properties *properties);

/* For messages: its control characters as '?'. */
const char *properties_shown(char *out, size_t cap, const char *text);
/* Does it begin with a byte order mark? mod_jk knows no such key. */
bool properties_has_mark(const char *key);

/* The last of that key that has a value, as mod_jk looks at no other; NULL: none. */
const struct property *properties_find(const struct properties *properties, const char *key);

#endif
