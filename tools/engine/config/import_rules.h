/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of every key of mod_jk: the setting that it turns into, or why there is none. */
#ifndef ENGINE_CONFIG_IMPORT_RULES_H
#define ENGINE_CONFIG_IMPORT_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum carry {
    CARRY_ENTRY, /* makes the list of workers: import_jk.c knows it by name */
    CARRY_TIME,  /* a time of all workers: the longest counts */
    CARRY_NOT,
};

struct import_rule {
    const char *key;
    enum carry carry;
    const char *target; /* CARRY_TIME: key of timeouts */
    unsigned unit;      /* CARRY_TIME: ms that the value counts */
    const char *reason; /* CARRY_NOT */
};

/* Of a worker's key, by its last part. NULL: mod_jk knows no such key. */
const struct import_rule *import_rule_of(const char *key);
/* Of what may follow a line of uriworkermap.properties. NULL likewise. */
const struct import_rule *import_map_rule_of(const char *key);

#endif
