/* SPDX-License-Identifier: Apache-2.0 */
/* The tree out of libyaml's events. The whole file lies in memory, so that a message is about the
 * very bytes that were read. */
#include "config/yaml.h"

#include "config/yaml_trouble.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    DEPTH_MAX = 16,
    FILE_MAX = 16 << 20,
    FAULTS_MAX = 100, /* until the rest is not looked at: it is another kind of file */
};

struct piece {
    struct piece *next;
    _Alignas(max_align_t) char bytes[];
};

struct yaml_file {
    struct node *root;
    struct piece *pieces; /* all of the tree */
    bool cut;
};

struct reading {
    struct yaml_file *file;
    const struct yaml_listener *listener;
    yaml_parser_t parser;
    const char *text;             /* of the file, or what is left of it behind a fault */
    unsigned base;                /* lines before it */
    struct node *open[DEPTH_MAX]; /* lists and maps that have not ended */
    size_t depth;
    const struct node *key; /* of the value that comes next */
    struct node *folded;    /* the text that was read last, if it is of several lines */
    unsigned documents;
};

static void tell(const struct reading *r, unsigned line, unsigned column, const char *text)
{
    r->listener->told(r->listener->ctx, line, column, text);
}

static void tell_at(const struct reading *r, yaml_mark_t mark, const char *text)
{
    tell(r, r->base + (unsigned)mark.line + 1, (unsigned)mark.column + 1, text);
}

static void *take(struct yaml_file *file, size_t size)
{
    struct piece *piece = calloc(1, sizeof *piece + size);
    if (!piece)
        return NULL;
    piece->next = file->pieces;
    file->pieces = piece;
    return piece->bytes;
}

/* --- the tree --- */

/* What was read last may lack a part, or hold one that is not its own. */
static void end_early(struct reading *r)
{
    r->file->cut = true;
    while (r->depth > 0)
        for (struct node *node = r->open[--r->depth]; node; node = node->last)
            node->broken = true;
    if (r->folded)
        r->folded->kind = NODE_REFUSED;
}

static bool cut_off(struct reading *r, yaml_mark_t mark, const char *why)
{
    tell_at(r, mark, why);
    end_early(r);
    return false;
}

static struct node *node_new(struct reading *r, enum node_kind kind, yaml_mark_t mark)
{
    struct node *node = take(r->file, sizeof *node);
    if (!node) {
        cut_off(r, mark, "out of memory");
        return NULL;
    }
    node->kind = kind;
    node->line = r->base + (unsigned)mark.line + 1;
    node->column = (unsigned)mark.column + 1;
    return node;
}

static void hang(struct node *parent, struct node *node)
{
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
}

/* Puts a node where it belongs: it is a key, a value, an entry, or all there is. */
static bool place(struct reading *r, struct node *node)
{
    struct node *parent = r->depth ? r->open[r->depth - 1] : NULL;
    if (!parent) {
        r->file->root = node;
        return true;
    }
    if (parent->kind == NODE_MAP && !r->key) {
        r->key = node;
        return true;
    }
    node->key = parent->kind == NODE_MAP ? r->key : NULL;
    r->key = NULL;
    if (!node->key || node->key->kind == NODE_TEXT) /* else the key was told of */
        hang(parent, node);
    return true;
}

static bool begin(struct reading *r, enum node_kind kind, const yaml_event_t *event)
{
    const struct node *parent = r->depth ? r->open[r->depth - 1] : NULL;
    if (r->depth == DEPTH_MAX)
        return cut_off(r, event->start_mark, "expected no lists and maps nested so deep");
    if (parent && parent->kind == NODE_MAP && !r->key)
        return cut_off(r, event->start_mark, "expected a key, got a list or a map in its place");
    struct node *node = node_new(r, kind, event->start_mark);
    if (!node || !place(r, node))
        return false;
    r->open[r->depth++] = node;
    return true;
}

static bool add_text(struct reading *r, const yaml_event_t *event)
{
    struct node *node = node_new(r, NODE_TEXT, event->start_mark);
    size_t len = event->data.scalar.length;
    char *text = node ? take(r->file, len + 1) : NULL;
    if (!text)
        return node ? cut_off(r, event->start_mark, "out of memory") : false;
    memcpy(text, event->data.scalar.value, len);
    node->text = text;
    node->bare = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    r->folded = event->end_mark.line > event->start_mark.line ? node : NULL;
    if (memchr(text, '\0', len)) { /* "\\0" */
        tell_at(r, event->start_mark, "expected a text without NUL");
        node->kind = NODE_REFUSED;
    }
    return place(r, node);
}

static bool add_alias(struct reading *r, const yaml_event_t *event)
{
    tell_at(r, event->start_mark,
            "expected quotes around a value that begins with *; YAML's aliases are not read");
    struct node *node = node_new(r, NODE_REFUSED, event->start_mark);
    return node && place(r, node);
}

/* &anchors and !tags have no part in this. */
static void refuse_marks(const struct reading *r, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        tell_at(r, event->start_mark,
                "expected quotes around a value that begins with &; YAML's anchors are not read");
    if (tag)
        tell_at(r, event->start_mark,
                "expected quotes around a value that begins with !; YAML's tags are not read");
}

/* False: there is no more. */
static bool take_event(struct reading *r, const yaml_event_t *event)
{
    refuse_marks(r, event);
    switch (event->type) {
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_DOCUMENT_START_EVENT:
        if (r->documents++ > 0)
            return cut_off(r, event->start_mark, "expected one document, --- begins another");
        return true;
    case YAML_ALIAS_EVENT:
        return add_alias(r, event);
    case YAML_SCALAR_EVENT:
        return add_text(r, event);
    case YAML_SEQUENCE_START_EVENT:
        return begin(r, NODE_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return begin(r, NODE_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        return true;
    default: /* starts of streams, ends of documents */
        return true;
    }
}

/* The line of libyaml's trouble, or 0: there was none. */
static unsigned read_events(struct reading *r)
{
    bool more = true;
    while (more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            struct yaml_trouble trouble = yaml_trouble_of(&r->parser, r->text, r->base);
            tell(r, trouble.line, trouble.column, trouble.text);
            end_early(r);
            return trouble.begun;
        }
        more = take_event(r, &event);
        yaml_event_delete(&event);
    }
    return 0;
}

static bool begins_key(const char *line)
{
    size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
    return n > 0 && line[n] == ':' && strchr(" \r\n", line[n + 1]);
}

/* Behind a fault, so that one run tells of others: on to the next key of the top level, whose
 * part of the file stands for itself. False: there is none. */
static bool skip_behind(struct reading *r, unsigned line)
{
    unsigned at = r->base + 1;
    do {
        r->text += strcspn(r->text, "\n");
        if (!*r->text++)
            return false;
        at++;
    } while (at <= line || !begins_key(r->text));
    r->base = at - 1;
    return true;
}

/* The rest goes to the map that the root is, if it is one. */
static void join(struct yaml_file *file, struct node *before)
{
    if (!before || before->kind != NODE_MAP)
        return;
    if (file->root && file->root->kind == NODE_MAP && file->root != before && file->root->first) {
        if (before->last)
            before->last->next = file->root->first;
        else
            before->first = file->root->first;
        before->last = file->root->last;
    }
    file->root = before;
}

/* False: no memory for a parser. */
static bool read_text(struct reading *r, const char *text)
{
    r->text = text;
    for (unsigned faults = 0; faults < FAULTS_MAX; faults++) {
        struct node *before = r->file->root;
        if (!yaml_parser_initialize(&r->parser))
            return false;
        yaml_parser_set_input_string(&r->parser, (const unsigned char *)r->text, strlen(r->text));
        r->key = NULL;
        r->folded = NULL;
        r->depth = 0;
        r->documents = 0;
        unsigned line = read_events(r);
        yaml_parser_delete(&r->parser);
        join(r->file, before);
        if (line == 0 || !skip_behind(r, line))
            break;
    }
    return true;
}

/* --- the file --- */

/* NULL with errno. */
static char *slurp(const char *path, size_t *len)
{
    FILE *file = fopen(path, "re");
    size_t cap = 16384;
    char *text = NULL;
    bool fits = true;
    *len = 0;
    while (file) {
        char *longer = *len + 1 < cap && text ? text : realloc(text, cap *= 2);
        fits = longer != NULL;
        if (!fits)
            break;
        text = longer;
        size_t n = fread(text + *len, 1, cap - *len - 1, file);
        *len += n;
        if (*len > FILE_MAX)
            errno = EFBIG;
        if (n == 0 || *len > FILE_MAX)
            break;
    }
    bool ok = file && text && fits && !ferror(file) && *len <= FILE_MAX;
    int why = errno;
    if (file)
        fclose(file);
    if (ok) {
        text[*len] = '\0';
        return text;
    }
    free(text);
    errno = why;
    return NULL;
}

struct yaml_file *yaml_read(const char *path, const struct yaml_listener *listener)
{
    struct reading r = {.listener = listener};
    size_t len;
    char *text = slurp(path, &len);
    if (text && memchr(text, '\0', len)) {
        free(text);
        tell(&r, 1, 1, "expected a text, got NUL bytes: the file is something else");
        return NULL;
    }
    if (!text) {
        char why[160];
        snprintf(why, sizeof why, "expected a readable file: %s", strerror(errno));
        tell(&r, 1, 1, why);
        return NULL;
    }
    r.file = calloc(1, sizeof *r.file);
    if (!r.file || !read_text(&r, text)) {
        tell(&r, 1, 1, "out of memory");
        yaml_free(r.file);
        r.file = NULL;
    }
    free(text);
    return r.file;
}

void yaml_free(struct yaml_file *file)
{
    if (!file)
        return;
    while (file->pieces) {
        struct piece *piece = file->pieces;
        file->pieces = piece->next;
        free(piece);
    }
    free(file);
}

const struct node *yaml_root(const struct yaml_file *file)
{
    return file->root;
}

bool yaml_is_cut(const struct yaml_file *file)
{
    return file->cut;
}

const struct node *yaml_member(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (const struct node *at = map->first; at; at = at->next)
        if (strcmp(at->key->text, key) == 0)
            return at;
    return NULL;
}

const struct node *yaml_entry(const struct node *list, size_t index)
{
    if (!list || list->kind != NODE_LIST)
        return NULL;
    const struct node *at = list->first;
    for (; at && index > 0; index--)
        at = at->next;
    return at;
}
