/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of settings that are lists: each entry checked, added to what is there, printed. */
#include "config/settings_build.h"
#include "config/value.h"
#include "map/attributes.h"
#include "net/networks.h"

#include <string.h>

enum { NAME_SIZE = 72, VALUE_MAX = 4096 };

static ajp_str keep(const struct value_context *ctx, const char *text, size_t len)
{
    return settings_text(ctx->owner, ajp_str_of(text, len));
}

/* A longer copy of an array; what is new lies at its end. */
static void *grown(const struct value_context *ctx, const void *old, size_t before, size_t more,
                   size_t size)
{
    void *copy = settings_alloc(ctx->owner, (before + more) * size);
    if (copy && before)
        memcpy(copy, old, before * size);
    return copy;
}

/* One star at most, at an end. */
static bool is_pattern(const char *item)
{
    size_t len = strlen(item);
    const char *star = strchr(item, '*');
    bool placed = !star || (star == strrchr(item, '*') && len > 1 &&
                            (star == item) != (star == item + len - 1));
    return placed && (item[0] == '/' || item[0] == '*');
}

bool value_is_path_pattern(const char *item)
{
    const char *p = item + (item[0] == '!');
    if (p[0] != '/' && p[0] != '*')
        return false;
    for (const char *c = p; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f || strchr("#;%\\", *c))
            return false;
    return !strstr(p, "//") && !strstr(p, "/./") && !strstr(p, "/../");
}

bool value_is_member(ajp_str text, ajp_str *name, uint32_t *weight)
{
    const char *mark = text.len ? memchr(text.ptr, '=', text.len) : NULL;
    uint32_t number = 0;
    *name = mark ? ajp_str_of(text.ptr, (size_t)(mark - text.ptr)) : text;
    for (const char *p = mark ? mark + 1 : NULL; p && p < text.ptr + text.len; p++) {
        if (*p < '0' || *p > '9' || number > WEIGHT_MAX)
            return false;
        number = number * 10 + (uint32_t)(*p - '0');
    }
    *weight = number;
    return value_is_name(*name) && number <= WEIGHT_MAX && (number > 0 || !mark);
}

static bool check_text(const struct value_context *ctx, enum kind kind, const char *item)
{
    ajp_str name;
    uint32_t weight;
    if (kind == KIND_PATTERNS && !is_pattern(item))
        return value_refuse(ctx, item, "a path as in /exact, /prefix* or *suffix");
    if (kind == KIND_NAMES && !value_is_name(ajp_str_of(item, strlen(item))))
        return value_refuse(ctx, item, "names of letters, digits, '_', '-' or '.'");
    if (kind == KIND_MEMBERS && !value_is_member(ajp_str_of(item, strlen(item)), &name, &weight))
        return value_refuse(ctx, item, "the name of a worker, or NAME=WEIGHT from 1 to %d",
                            WEIGHT_MAX);
    if (kind == KIND_PATHS && !value_is_path_pattern(item))
        return value_refuse(ctx, item,
                            "a path as it is after decoding, with * for any text and ? for any "
                            "character: /exact, /prefix/*, *.suffix, or ! and one");
    if (kind == KIND_FILES && !*item)
        return value_refuse(ctx, item, "the path of a file");
    return true;
}

static bool set_hosts(const struct value_context *ctx, struct text_list *list,
                      const char *const *items, size_t count)
{
    ajp_str *texts = grown(ctx, list->at, list->count, count, sizeof *texts);
    if (!texts)
        return true; /* settings.no_memory tells */
    for (size_t i = 0; i < count; i++) {
        char host[VALUE_HOST_MAX];
        if (!value_host(items[i], host))
            return value_refuse(ctx, items[i], "host names without a port, or *. and one");
        texts[list->count + i] = keep(ctx, host, strlen(host));
    }
    *list = (struct text_list){texts, list->count + count};
    return true;
}

static bool set_texts(const struct value_context *ctx, enum kind kind, struct text_list *list,
                      const char *const *items, size_t count)
{
    ajp_str *texts = grown(ctx, list->at, list->count, count, sizeof *texts);
    if (!texts)
        return true; /* settings.no_memory tells */
    for (size_t i = 0; i < count; i++) {
        if (!check_text(ctx, kind, items[i]))
            return false;
        texts[list->count + i] = keep(ctx, items[i], strlen(items[i]));
    }
    *list = (struct text_list){texts, list->count + count};
    return true;
}

static bool set_rules(const struct value_context *ctx, struct rule_list *list,
                      const char *const *names, size_t count)
{
    struct attribute_rule *rules = grown(ctx, list->at, list->count, count, sizeof *rules);
    if (!rules)
        return true; /* settings.no_memory tells */
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        bool prefix = len > 0 && names[i][len - 1] == '*';
        ajp_str name = keep(ctx, names[i], prefix ? len - 1 : len);
        if (!value_is_name(name))
            return value_refuse(ctx, names[i],
                                "an attribute name, or its beginning and '*', of letters, digits, "
                                "'_', '-' or '.'");
        rules[list->count + i] = (struct attribute_rule){.name = name, .prefix = prefix};
    }
    *list = (struct rule_list){rules, list->count + count};
    return true;
}

static bool check_pair(const struct value_context *ctx, enum kind kind, const char *item,
                       const struct attribute_pair *pair)
{
    bool rename = kind == KIND_RENAMES;
    if (!value_is_name(pair->name) || (rename && !value_is_name(pair->value)))
        return value_refuse(ctx, item,
                            "%s, with attribute names of letters, digits, '_', '-' or '.'",
                            rename ? "OLD=NEW" : "NAME=VALUE");
    if (pair->value.len > VALUE_MAX)
        return value_refuse(ctx, item, "a value of at most %d bytes", VALUE_MAX);
    for (size_t i = 0; i < pair->value.len; i++)
        if ((unsigned char)pair->value.ptr[i] < 0x20 || pair->value.ptr[i] == 0x7f)
            return value_refuse(ctx, item, "a value without control characters");
    if (attribute_forbidden(pair->name) || (rename && attribute_forbidden(pair->value)))
        return value_refuse(ctx, item, "a name that app servers do not take for more than it is");
    return true;
}

static bool set_pairs(const struct value_context *ctx, enum kind kind, struct pair_list *list,
                      const char *const *items, size_t count)
{
    struct attribute_pair *pairs = grown(ctx, list->at, list->count, count, sizeof *pairs);
    if (!pairs)
        return true; /* settings.no_memory tells */
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(items[i], "=");
        const char *value = items[i][len] ? items[i] + len + 1 : items[i] + len;
        struct attribute_pair *pair = &pairs[list->count + i];
        *pair = (struct attribute_pair){keep(ctx, items[i], len), keep(ctx, value, strlen(value))};
        if (!items[i][len])
            pair->name = AJP_NULL;
        if (!check_pair(ctx, kind, items[i], pair))
            return false;
    }
    *list = (struct pair_list){pairs, list->count + count};
    return true;
}

static bool set_sources(const struct value_context *ctx, const struct setting_row *row,
                        struct source_list *list, const char *const *items, size_t count)
{
    struct source_list sources = {0};
    unsigned seen = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t source = 0;
        while (source < SOURCE_COUNT && strcmp(items[i], row->choices[source]) != 0)
            source++;
        if (source == SOURCE_COUNT || (seen >> source & 1))
            return value_refuse(ctx, items[i], "query, path and cookie, each once at most");
        seen |= 1u << source;
        sources.at[sources.count++] = source;
    }
    *list = sources;
    return true;
}

static bool set_networks(const struct value_context *ctx, struct network_list *list,
                         const char *const *items, size_t count)
{
    struct network *networks = grown(ctx, list->at, list->count, count, sizeof *networks);
    if (!networks)
        return true; /* settings.no_memory tells */
    for (size_t i = 0; i < count; i++)
        if (!network_parse(items[i], &networks[list->count + i]))
            return value_refuse(ctx, items[i],
                                "an address or a network, as in 10.0.0.0/8 or 2001:db8::1");
    *list = (struct network_list){networks, list->count + count};
    return true;
}

bool value_is_list(enum kind kind)
{
    return kind == KIND_NAMES || kind == KIND_MEMBERS || kind == KIND_SOURCES ||
           kind == KIND_HOSTS || kind == KIND_PATHS || kind == KIND_NETWORKS ||
           kind == KIND_FILES || kind == KIND_PATTERNS || kind == KIND_RULES ||
           kind == KIND_RENAMES || kind == KIND_ADDS;
}

bool value_set_list(const struct value_context *ctx, const struct setting_row *row, void *base,
                    const char *const *items, size_t count)
{
    void *place = (char *)base + row->offset;
    if (row->kind == KIND_RULES)
        return set_rules(ctx, place, items, count);
    if (row->kind == KIND_RENAMES || row->kind == KIND_ADDS)
        return set_pairs(ctx, row->kind, place, items, count);
    if (row->kind == KIND_NETWORKS)
        return set_networks(ctx, place, items, count);
    if (row->kind == KIND_HOSTS)
        return set_hosts(ctx, place, items, count);
    if (row->kind == KIND_SOURCES)
        return set_sources(ctx, row, place, items, count);
    return set_texts(ctx, row->kind, place, items, count);
}

static void print_rules(FILE *out, const struct rule_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s\"%s%s\"", i ? ", " : "", list->at[i].name.ptr,
                list->at[i].prefix ? "*" : "");
}

static void print_pairs(FILE *out, const struct pair_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        char text[NAME_SIZE + VALUE_MAX];
        int n = snprintf(text, sizeof text, "%s=%s", list->at[i].name.ptr, list->at[i].value.ptr);
        size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
        fputs(i ? ", " : "", out);
        value_print_text(out, ajp_str_of(text, len));
    }
}

static void print_texts(FILE *out, const struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        fputs(i ? ", " : "", out);
        value_print_text(out, list->at[i]);
    }
}

static void print_sources(FILE *out, const struct setting_row *row, const struct source_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%s", i ? ", " : "", row->choices[list->at[i]]);
}

static void print_networks(FILE *out, const struct network_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        char text[64];
        network_print(&list->at[i], text, sizeof text);
        fprintf(out, "%s\"%s\"", i ? ", " : "", text);
    }
}

void value_print_list(FILE *out, const struct setting_row *row, const void *base)
{
    const void *place = (const char *)base + row->offset;
    fputc('[', out);
    if (row->kind == KIND_RULES)
        print_rules(out, place);
    else if (row->kind == KIND_RENAMES || row->kind == KIND_ADDS)
        print_pairs(out, place);
    else if (row->kind == KIND_NETWORKS)
        print_networks(out, place);
    else if (row->kind == KIND_SOURCES)
        print_sources(out, row, place);
    else
        print_texts(out, place);
    fputc(']', out);
}
