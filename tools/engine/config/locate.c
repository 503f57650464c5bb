/* SPDX-License-Identifier: Apache-2.0 */
/* Line and column of values, by libyaml's document tree. Only run when something is wrong. */
#include "config/locate.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct reader {
    FILE *file;
    yaml_parser_t parser;
    yaml_document_t document;
    bool loaded;
};

static bool open_document(struct reader *reader, const char *path)
{
    memset(reader, 0, sizeof *reader);
    reader->file = fopen(path, "re");
    if (!reader->file)
        return false;
    if (!yaml_parser_initialize(&reader->parser)) {
        fclose(reader->file);
        return false;
    }
    yaml_parser_set_input_file(&reader->parser, reader->file);
    reader->loaded = yaml_parser_load(&reader->parser, &reader->document) != 0;
    return true;
}

static void close_document(struct reader *reader)
{
    if (reader->loaded)
        yaml_document_delete(&reader->document);
    yaml_parser_delete(&reader->parser);
    fclose(reader->file);
}

static yaml_node_t *member(yaml_document_t *document, yaml_node_t *node, const char *key)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *name = yaml_document_get_node(document, pair->key);
        if (name && name->type == YAML_SCALAR_NODE &&
            strcmp((const char *)name->data.scalar.value, key) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

static yaml_node_t *entry(yaml_document_t *document, yaml_node_t *node, int index)
{
    if (!node || node->type != YAML_SEQUENCE_NODE)
        return NULL;
    yaml_node_item_t *item = node->data.sequence.items.start + index;
    return item < node->data.sequence.items.top ? yaml_document_get_node(document, *item) : NULL;
}

static yaml_node_t *nearest(yaml_document_t *document, const char *outer, int index,
                            const char *key)
{
    yaml_node_t *node = yaml_document_get_root_node(document);
    yaml_node_t *next = outer ? member(document, node, outer) : NULL;
    node = next ? next : node;
    next = index >= 0 ? entry(document, node, index) : NULL;
    node = next ? next : node;
    next = key ? member(document, node, key) : NULL;
    return next ? next : node;
}

void locate_value(const char *path, const char *outer, int index, const char *key, unsigned *line,
                  unsigned *column)
{
    struct reader reader;
    *line = *column = 1;
    if (!open_document(&reader, path))
        return;
    yaml_node_t *node = reader.loaded ? nearest(&reader.document, outer, index, key) : NULL;
    if (node) {
        *line = (unsigned)node->start_mark.line + 1;
        *column = (unsigned)node->start_mark.column + 1;
    }
    close_document(&reader);
}

bool locate_syntax_error(const char *path, unsigned *line, unsigned *column, char *problem,
                         size_t cap)
{
    struct reader reader;
    if (!open_document(&reader, path))
        return false;
    bool broken = !reader.loaded;
    if (broken) {
        *line = (unsigned)reader.parser.problem_mark.line + 1;
        *column = (unsigned)reader.parser.problem_mark.column + 1;
        const char *text = reader.parser.problem;
        snprintf(problem, cap, "%s", text ? text : "the file cannot be read");
    }
    close_document(&reader);
    return broken;
}
