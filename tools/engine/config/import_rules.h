/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of every key of mod_jk: the setting that it turns into, or why there is none. */
#ifndef ENGINE_CONFIG_IMPORT_RULES_H
#define ENGINE_CONFIG_IMPORT_RULES_H

#include <stdbool.h>
#include <stddef.h>

enum carry {
    CARRY_ENTRY, /* makes workers, routes and what goes with them: the code knows it by name */
    CARRY_TIME,  /* a time of all workers: the longest counts */
    CARRY_NOT,
};

/* Whom mod_jk asks for a key. */
enum import_scope {
    SCOPE_ALL,
    SCOPE_WORKER,   /* of type ajp13 */
    SCOPE_MEMBER,   /* and in a balancer */
    SCOPE_BALANCER, /* of type lb */
    SCOPE_TOP,      /* the file: there is no name in the key */
};

/* Keys of timeouts, in the order of our file. */
enum import_target {
    TIME_CONNECT,
    TIME_CPING,
    TIME_CPING_IDLE,
    TIME_REPLY,
    TIME_WRITE_STALL,
    TIME_QUEUE,
    TIME_POOL_IDLE,
    IMPORT_TIMES,
};

struct import_rule {
    const char *key;
    enum carry carry;
    enum import_scope scope;
    bool list;                 /* said again, it adds to what there is */
    const char *newer;         /* the key that counts where it is there too; NULL: none */
    enum import_target target; /* CARRY_TIME */
    unsigned unit;             /* CARRY_TIME: ms that the value counts */
    bool number;               /* of a mapping: 0 is as if it were not there */
    const char *reason;        /* CARRY_NOT; CARRY_TIME: why its 0 is not carried, NULL if it is */
};

/* Of a worker's key, by its last part. NULL: mod_jk knows no such key. */
const struct import_rule *import_rule_of(const char *key);
/* Of what may follow a line of uriworkermap.properties. NULL likewise. */
const struct import_rule *import_map_rule_of(const char *key);

#endif
