/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML file as a tree whose every part knows its place. What is no YAML is told in plain words:
 * where, what was expected and what to write. Everything else about the file is others' business.
 */
#ifndef ENGINE_CONFIG_YAML_H
#define ENGINE_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

enum node_kind {
    NODE_TEXT,
    NODE_LIST,
    NODE_MAP,
    NODE_REFUSED, /* it was told what is wrong with it */
};

/* Lines and columns are counted from 1. */
struct node {
    enum node_kind kind;
    unsigned line, column;
    const char *text;                 /* of a NODE_TEXT; otherwise NULL */
    bool bare;                        /* a text without quotes */
    bool broken;                      /* a list or map that ends early: what follows is no YAML */
    const struct node *key;           /* of an entry of a map: a NODE_TEXT */
    struct node *first, *next, *last; /* entries of a list or map; the next one beside this */
};

struct yaml_file;

/* What is wrong, in the order of the file; text is one line. */
struct yaml_listener {
    void (*told)(void *ctx, unsigned line, unsigned column, const char *text);
    void *ctx;
};

/* NULL: the file cannot be read, or memory runs out; that is told too. */
struct yaml_file *yaml_read(const char *path, const struct yaml_listener *listener);
void yaml_free(struct yaml_file *file);

/* NULL: an empty file. */
const struct node *yaml_root(const struct yaml_file *file);
/* The tree ends early: the rest is no YAML. */
bool yaml_is_cut(const struct yaml_file *file);

/* Of a map; NULL: none. Of a key that is there twice the first. */
const struct node *yaml_member(const struct node *map, const char *key);
/* Of a list; NULL: none. */
const struct node *yaml_entry(const struct node *list, size_t index);

#endif
