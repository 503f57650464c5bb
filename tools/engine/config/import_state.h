/* SPDX-License-Identifier: Apache-2.0 */
/* An import of mod_jk's files while it runs, for the parts of it: import_jk.c leads them. */
#ifndef ENGINE_CONFIG_IMPORT_STATE_H
#define ENGINE_CONFIG_IMPORT_STATE_H

#include "config/import_rules.h"
#include "config/options.h"
#include "config/properties.h"

#include <stdio.h>

enum {
    IMPORT_NAME = 128,
    IMPORT_WORKERS_MAX = 512,
    IMPORT_POOLS_MAX = 128,
    IMPORT_PATHS_MAX = 1024,
    IMPORT_LIST_MAX = 256, /* entries of a list in our file */
};

/* A worker of mod_jk. An app server that stands in two balancers is two of them, and one of ours.
 */
struct import_worker {
    char name[IMPORT_NAME];
    size_t member;
};

/* A worker of ours, by its JVM route. */
struct import_member {
    char route[IMPORT_NAME];
    size_t worker; /* whose settings count */
};

/* What a path can be mapped to: a balancer, or a worker by itself. */
struct import_pool {
    char name[IMPORT_NAME];
    bool balancer;
    uint64_t members;             /* a bit per index */
    uint16_t worker[WORKERS_MAX]; /* as which it has each of them */
};

struct import_path {
    char *pattern;
    size_t pool;    /* IMPORT_POOLS_MAX: all, of an exception */
    bool exception; /* not these */
    const char *file;
    unsigned line;
};

/* A time of all workers, which each has its own of in mod_jk: the longest. */
struct import_time {
    bool set;
    uint64_t ms;         /* UINT64_MAX: never */
    const char *comment; /* NULL: none */
};

struct import {
    const struct program *program;
    const char *path;
    struct properties properties;
    char balancer[IMPORT_NAME]; /* whose settings count; empty: none */
    struct import_worker workers[IMPORT_WORKERS_MAX];
    size_t worker_count;
    struct import_member members[WORKERS_MAX];
    size_t member_count;
    bool mapped; /* paths choose among several pools */
    struct import_pool pools[IMPORT_POOLS_MAX];
    size_t pool_count;
    struct import_path paths[IMPORT_PATHS_MAX];
    size_t path_count;
    char *stateless[IMPORT_LIST_MAX];
    size_t stateless_count;
    struct import_time times[IMPORT_TIMES];
    FILE *out;
    FILE *notes; /* comments, printed at the end */
    char message[512];
};

/* A comment on a line of a file. */
void import_note(struct import *im, const char *path, unsigned line, const char *text,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
bool import_fail(struct import *im, const struct property *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Values as mod_jk reads them. */
bool import_bool(const char *text, bool otherwise);
/* A number with what may follow it, k and m times 1024; false where mod_jk takes the default. */
bool import_number(const char *text, int64_t *number);
/* Names separated by commas and spaces, one after the other; NULL at the end. */
const char *import_next_name(const char **list, char *name);

/* worker.NAME.KEY, or what NAME's references have; the last of it. */
const struct property *import_lookup(const struct import *im, const char *name, const char *key);
const char *import_value(const struct import *im, const char *name, const char *key,
                         const char *otherwise);
int64_t import_int(const struct import *im, const char *name, const char *key, int64_t otherwise);
/* The lines that have this whole key, from *at on, of a list that is said in parts. NULL: no more.
 */
const struct property *import_next_line(const struct import *im, const char *key, size_t *at);
bool import_is_type(const struct import *im, const char *name, const char *type);

/* import_workers.c: who is in worker.list and in its balancers, and which of them are one. */
bool import_find_members(struct import *im);
/* The name in mod_jk of a worker of ours, whose settings count. */
const char *import_name_of(const struct import *im, size_t member);
/* "active", "drain" or "stop". */
const char *import_activation_of(const struct import *im, size_t member);
/* Its lbfactor, as far as weights go. */
unsigned import_weight(const struct import *im, size_t worker);

/* import_times.c */
void import_find_times(struct import *im);
void import_take_time(struct import *im, enum import_target target, uint64_t ms,
                      const char *comment);
void import_print_times(struct import *im);
/* What is to be said of a line with a time of some worker. */
void import_note_time(struct import *im, const struct import_rule *rule,
                      const struct property *property);

/* import_lines.c: a word on every line that has no part in the file. */
void import_note_lines(struct import *im);

/* import_print.c: parts of the file, in their order. */
void import_print_start(struct import *im);
bool import_print_member(struct import *im, size_t member);
void import_print_session(struct import *im);
void import_print_method(struct import *im);
void import_print_retries(struct import *im);

/* A line of uriworkermap.properties, or a worker's mount: /path=worker;option=value;... */
void import_map_line(struct import *im, const char *path, unsigned line, const char *pattern,
                     const char *target);
/* The routes that they make, unless everything goes to all. */
bool import_map_print(struct import *im);
void import_map_free(struct import *im);
/* import_order.c: where another pattern decides than in mod_jk. */
void import_note_order(struct import *im);

#endif
