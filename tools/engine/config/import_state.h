/* SPDX-License-Identifier: Apache-2.0 */
/* An import of mod_jk's files while it runs: for import_jk.c, which knows workers, and
 * import_map.c, which knows paths. */
#ifndef ENGINE_CONFIG_IMPORT_STATE_H
#define ENGINE_CONFIG_IMPORT_STATE_H

#include "config/options.h"
#include "config/properties.h"

#include <stdio.h>

enum { IMPORT_NAME = 128, IMPORT_TIMES_MAX = 8, IMPORT_POOLS_MAX = 128, IMPORT_PATHS_MAX = 1024 };

struct import_member {
    char name[IMPORT_NAME];  /* in mod_jk */
    char route[IMPORT_NAME]; /* its name here */
};

struct import_time {
    const char *target;
    uint64_t ms;
};

/* What a path can be mapped to: a balancer, or a worker by itself. */
struct import_pool {
    char name[IMPORT_NAME];
    bool balancer;
    uint64_t members; /* a bit per index */
};

struct import_path {
    char *pattern;
    size_t pool;    /* IMPORT_POOLS_MAX: all, of an exception */
    bool exception; /* not these */
};

struct import {
    const struct program *program;
    const char *path;
    struct properties properties;
    char balancer[IMPORT_NAME]; /* whose settings count; empty: none */
    struct import_member members[WORKERS_MAX];
    size_t member_count;
    bool mapped; /* paths choose among several pools */
    struct import_pool pools[IMPORT_POOLS_MAX];
    size_t pool_count;
    struct import_path paths[IMPORT_PATHS_MAX];
    size_t path_count;
    char *stateless[IMPORT_PATHS_MAX];
    size_t stateless_count;
    struct import_time times[IMPORT_TIMES_MAX];
    size_t time_count;
    FILE *out;
    FILE *notes; /* comments, printed at the end */
    char message[512];
};

/* A comment on a line of a file. */
void import_note(struct import *im, const char *path, unsigned line, const char *text,
                 const char *reason);
bool import_fail(struct import *im, const struct property *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool import_is_true(const char *text);
/* Names separated by commas and spaces, one after the other; NULL at the end. */
const char *import_next_name(const char **list, char *name);

/* worker.NAME.KEY, or what NAME's references have; the last of it. */
const struct property *import_lookup(const struct import *im, const char *name, const char *key);
const char *import_value(const struct import *im, const char *name, const char *key,
                         const char *otherwise);
bool import_is_type(const struct import *im, const char *name, const char *type);
bool import_count(const char *text, uint64_t *number);

/* import_print.c: parts of the file, in their order. */
void import_print_start(struct import *im);
bool import_print_member(struct import *im, const struct import_member *member);
void import_print_session(struct import *im);
void import_print_method(struct import *im);
void import_print_retries(struct import *im);
void import_print_times(struct import *im);

/* A line of uriworkermap.properties, or a worker's mount: /path=worker;option=value;... */
void import_map_line(struct import *im, const char *path, unsigned line, const char *pattern,
                     const char *target);
/* The routes that they make, unless everything goes to all. */
void import_map_print(struct import *im);
void import_map_free(struct import *im);

#endif
