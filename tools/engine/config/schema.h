/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file as libcyaml reads it by a schema made from the tables: texts, slot by
 * slot in the order of the rows; NULL where a key is absent. */
#ifndef ENGINE_CONFIG_SCHEMA_H
#define ENGINE_CONFIG_SCHEMA_H

#include "config/table.h"

struct raw_slot {
    void *value; /* char *; char ** of a KIND_RULES row; entries of listen, workers and routes */
    size_t count;
};

struct raw_file {
    struct raw_slot top[ROWS_MAX];
    struct raw_slot listen, workers, routes;
};

/* NULL with "FILE:LINE:COLUMN: what was expected" in message. */
struct raw_file *schema_load(const char *path, char *message, size_t cap);
void schema_free(struct raw_file *file);

/* Slots of one entry of listen, workers or routes. */
const struct raw_slot *schema_entry(const struct raw_slot *list, const struct setting_table *table,
                                    size_t index);

#endif
