/* SPDX-License-Identifier: Apache-2.0 */
/* Builds libcyaml's schema out of the tables, loads a file by it, and turns libcyaml's log of a
 * failure into one message with its place. */
#include "config/schema.h"

#include "config/locate.h"
#include "config/value.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GROUPS_MAX = 12 };

struct fields {
    cyaml_schema_field_t at[ROWS_MAX + GROUPS_MAX + 1]; /* a NULL key ends them */
    size_t count;
};

/* libcyaml keeps pointers into these while it works; filled once, at start. */
static struct {
    struct fields top, listener, worker, route, groups[GROUPS_MAX];
    const char *group_names[GROUPS_MAX];
    size_t group_count;
    cyaml_schema_value_t text, listener_entry, worker_entry, route_entry, root;
    bool ready;
} schema;

/* What libcyaml said: the complaint, where, and which key was outermost. */
struct complaint {
    char text[256], outer[64];
    unsigned line, column;
};

static cyaml_schema_value_t text_value(unsigned flags)
{
    return (cyaml_schema_value_t){
        CYAML_VALUE_STRING(CYAML_FLAG_POINTER | flags, char *, 0, CYAML_UNLIMITED)};
}

static cyaml_schema_value_t sequence_value(const cyaml_schema_value_t *entry, size_t entry_size,
                                           unsigned max)
{
    return (cyaml_schema_value_t){
        .type = CYAML_SEQUENCE,
        .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
        .data_size = (uint32_t)entry_size,
        .sequence = {.entry = entry, .min = 0, .max = max},
    };
}

static void add_field(struct fields *fields, const char *key, size_t offset,
                      cyaml_schema_value_t value)
{
    fields->at[fields->count++] = (cyaml_schema_field_t){
        .key = key,
        .data_offset = (uint32_t)offset,
        .count_offset = (uint32_t)(offset + offsetof(struct raw_slot, count)),
        .count_size = sizeof(size_t),
        .value = value,
    };
}

static struct fields *group_fields(const char *name)
{
    for (size_t i = 0; i < schema.group_count; i++)
        if (strcmp(schema.group_names[i], name) == 0)
            return &schema.groups[i];
    struct fields *group = &schema.groups[schema.group_count];
    schema.group_names[schema.group_count++] = name;
    /* A group lies over its parent: its fields count their offsets from there. */
    cyaml_schema_value_t value = {.type = CYAML_MAPPING,
                                  .flags = CYAML_FLAG_OPTIONAL,
                                  .data_size = sizeof(struct raw_file),
                                  .mapping = {.fields = group->at}};
    add_field(&schema.top, name, 0, value);
    return group;
}

static void add_rows(struct fields *fields, const struct setting_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting_row *row = &table->rows[i];
        struct fields *into = row->group ? group_fields(row->group) : fields;
        cyaml_schema_value_t value = value_is_list(row->kind)
                                         ? sequence_value(&schema.text, sizeof(char *), 256)
                                         : text_value(CYAML_FLAG_OPTIONAL);
        add_field(into, row->key, i * sizeof(struct raw_slot), value);
    }
}

static cyaml_schema_value_t entry_value(const struct fields *fields,
                                        const struct setting_table *table)
{
    return (cyaml_schema_value_t){
        .type = CYAML_MAPPING,
        .flags = CYAML_FLAG_DEFAULT,
        .data_size = (uint32_t)(table->count * sizeof(struct raw_slot)),
        .mapping = {.fields = fields->at},
    };
}

static void build(void)
{
    if (schema.ready)
        return;
    schema.ready = true;
    schema.text = text_value(0);
    add_rows(&schema.top, &table_top);
    add_rows(&schema.listener, &table_listener);
    add_rows(&schema.worker, &table_worker);
    add_rows(&schema.route, &table_route);
    schema.listener_entry = entry_value(&schema.listener, &table_listener);
    schema.worker_entry = entry_value(&schema.worker, &table_worker);
    schema.route_entry = entry_value(&schema.route, &table_route);
    add_field(
        &schema.top, "listen", offsetof(struct raw_file, listen),
        sequence_value(&schema.listener_entry, schema.listener_entry.data_size, LISTENERS_MAX));
    add_field(&schema.top, "workers", offsetof(struct raw_file, workers),
              sequence_value(&schema.worker_entry, schema.worker_entry.data_size, WORKERS_MAX));
    add_field(&schema.top, "routes", offsetof(struct raw_file, routes),
              sequence_value(&schema.route_entry, schema.route_entry.data_size, ROUTES_MAX));
    schema.root = (cyaml_schema_value_t){
        .type = CYAML_MAPPING,
        .flags = CYAML_FLAG_POINTER,
        .data_size = sizeof(struct raw_file),
        .mapping = {.fields = schema.top.at},
    };
}

static void on_log(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

static void on_log(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
    struct complaint *complaint = ctx;
    char text[512];
    if (level < CYAML_LOG_ERROR)
        return;
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    const char *place = strstr(text, "(line: ");
    if (place) {
        unsigned line, column;
        if (complaint->line == 0 && sscanf(place, "(line: %u, column: %u)", &line, &column) == 2) {
            complaint->line = line;
            complaint->column = column;
        }
        const char *name = strstr(text, "field '");
        if (name)
            sscanf(name, "field '%63[^']", complaint->outer);
    } else if (!complaint->text[0] && strncmp(text, "Load: ", 6) == 0 &&
               !strstr(text, "Backtrace")) {
        snprintf(complaint->text, sizeof complaint->text, "%.255s", text + 6);
    }
}

static const struct fields *fields_of(const char *outer)
{
    if (strcmp(outer, "listen") == 0)
        return &schema.listener;
    if (strcmp(outer, "workers") == 0)
        return &schema.worker;
    if (strcmp(outer, "routes") == 0)
        return &schema.route;
    for (size_t i = 0; i < schema.group_count; i++)
        if (strcmp(schema.group_names[i], outer) == 0)
            return &schema.groups[i];
    return &schema.top;
}

static void explain(const char *path, cyaml_err_t error, const struct complaint *complaint,
                    char *message, size_t cap)
{
    unsigned line = complaint->line, column = complaint->column;
    char problem[160];
    if (error == CYAML_ERR_LIBYAML_PARSER &&
        locate_syntax_error(path, &line, &column, problem, sizeof problem)) {
        snprintf(message, cap, "%s:%u:%u: expected YAML: %s", path, line, column, problem);
        return;
    }
    if (line == 0)
        line = column = 1;
    int n = snprintf(message, cap, "%s:%u:%u: ", path, line, column);
    if (n < 0 || (size_t)n >= cap)
        return;
    message += n;
    cap -= (size_t)n;
    if (error != CYAML_ERR_INVALID_KEY) {
        bool told = complaint->text[0] != '\0';
        snprintf(
            message, cap, "%s%s%s%s", complaint->outer, complaint->outer[0] ? ": " : "",
            told ? "" : "expected plain YAML: ", told ? complaint->text : cyaml_strerror(error));
        return;
    }
    const char *key = strrchr(complaint->text, ' ');
    char shown[96];
    key = key ? key + 1 : complaint->text;
    n = snprintf(message, cap, "%s%sunknown key \"%s\", expected one of", complaint->outer,
                 complaint->outer[0] ? ": " : "",
                 log_str(shown, sizeof shown, ajp_str_of(key, strlen(key))));
    const struct fields *fields = fields_of(complaint->outer);
    for (size_t i = 0; i < fields->count && n > 0 && (size_t)n < cap; i++)
        n += snprintf(message + n, cap - (size_t)n, "%s %s", i ? "," : "", fields->at[i].key);
}

struct raw_file *schema_load(const char *path, char *message, size_t cap)
{
    struct complaint complaint = {0};
    cyaml_config_t config = {
        .log_fn = on_log,
        .log_ctx = &complaint,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
    build();
    if (access(path, R_OK) != 0) {
        snprintf(message, cap, "%s:1:1: expected a readable file: %s", path, strerror(errno));
        return NULL;
    }
    void *loaded = NULL;
    cyaml_err_t error = cyaml_load_file(path, &config, &schema.root, &loaded, NULL);
    if (error != CYAML_OK) {
        explain(path, error, &complaint, message, cap);
        return NULL;
    }
    if (!loaded) /* an empty file */
        loaded = calloc(1, sizeof(struct raw_file));
    return loaded;
}

void schema_free(struct raw_file *file)
{
    cyaml_config_t config = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};
    if (file)
        cyaml_free(&config, &schema.root, file, 0);
}

const struct raw_slot *schema_entry(const struct raw_slot *list, const struct setting_table *table,
                                    size_t index)
{
    const struct raw_slot *slots = list->value;
    return slots + index * table->count;
}
