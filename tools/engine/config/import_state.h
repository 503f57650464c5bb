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
    IMPORT_PATHS_MAX = 4096,
    IMPORT_SITES_MAX = 256,
    IMPORT_POOL_ALL = IMPORT_POOLS_MAX, /* of an exception */
    IMPORT_LIST_MAX = 256,              /* entries of a list in our file */
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
/* A time of all workers, which each has its own of in mod_jk: the longest. */
struct import_time {
    bool set;
    uint64_t ms;         /* UINT64_MAX: never */
    const char *comment; /* NULL: none */
};

struct import_pool {
    char name[IMPORT_NAME];
    bool balancer;
    uint64_t members;             /* a bit per index */
    uint16_t worker[WORKERS_MAX]; /* as which it has each of them */
    struct import_time reply;     /* the longest of theirs */
};

/* What follows a mapping and becomes a setting of its route. */
struct import_extras {
    bool reply_given;
    uint64_t reply; /* ms; UINT64_MAX: never */
    bool free;      /* sessions do not stick */
    bool on_503;
    uint64_t stopped; /* members that it does not go to, a bit per index */
};

struct import_path {
    char *pattern;
    size_t site, pool; /* indices; pool may be IMPORT_POOL_ALL */
    bool exception;    /* not these */
    bool told;         /* its route is printed */
    struct import_extras extras;
    const char *file;
    unsigned line;
};

/* The hosts that have mappings of their own. The first one is that of any host. */
struct import_site {
    const char **hosts;
    size_t host_count;
    bool closed; /* what else is mapped for any host is not for these */
};

/* What a remark is about, what matters most first. */
enum import_note_kind {
    NOTE_ANSWERS,  /* requests may be answered otherwise than there */
    NOTE_SHARED,   /* of one worker or balancer there, of more here */
    NOTE_VALUE,    /* a value that is not quite the same */
    NOTE_NEEDLESS, /* there is no such setting, for a reason */
    NOTE_IDLE,     /* it does nothing in mod_jk either */
    NOTE_KINDS
};

struct import_remark {
    enum import_note_kind kind;
    char *place; /* FILE:LINE: key */
    char *reason;
    bool told;
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
    bool mapped;   /* paths choose among several pools */
    bool routed;   /* and so the file has routes */
    bool in_order; /* routes stand as the mappings do, as some decide by that alone */
    bool mounted;  /* a worker's mount is one of the mappings */
    const char *map_path, *httpd_path; /* NULL: none is given */
    bool map_taken;                    /* as the file that a JkMountFile names */
    struct import_site sites[IMPORT_SITES_MAX];
    size_t site_count;
    struct import_pool pools[IMPORT_POOLS_MAX];
    size_t pool_count;
    struct import_path paths[IMPORT_PATHS_MAX];
    size_t path_count;
    struct import_path lost; /* the first mapping that was left out; no file: none was */
    char lost_text[400];
    char *cookies[IMPORT_LIST_MAX]; /* that may hold the session, beside the usual one */
    size_t cookie_count;
    struct import_time times[IMPORT_TIMES];
    FILE *out;
    struct import_remark *remarks;
    size_t remark_count;
    char message[512];
};

/* import_report.c: a remark on a line of a file. */
void import_note(struct import *im, enum import_note_kind kind, const char *path, unsigned line,
                 const char *text, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void import_report_print(struct import *im, FILE *out);
void import_report_free(struct import *im);

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
/* Of a redirect: the worker of ours by its route or its name in mod_jk. NULL: none. */
const char *import_route_of(const struct import *im, const char *name);
/* "active", "drain", "stop" or "standby". */
const char *import_activation_of(const struct import *im, size_t member);
/* Its lbfactor, as far as weights go. */
unsigned import_weight(const struct import *im, size_t worker);

/* import_times.c */
void import_find_times(struct import *im);
/* As the setting allows it. */
uint64_t import_within(enum import_target target, uint64_t ms);
void import_take_time(struct import *im, enum import_target target, uint64_t ms,
                      const char *comment);
void import_print_times(struct import *im);
/* What is to be said of a line with a time of some worker. */
void import_note_time(struct import *im, const struct import_rule *rule,
                      const struct property *property);

/* import_lines.c: a word on every line that has no part in the file. */
void import_note_lines(struct import *im);
/* Of lines that are no properties. */
void import_note_strays(struct import *im, const char *path, const struct properties *properties);

/* import_print.c: parts of the file, in their order. */
void import_print_start(struct import *im);
bool import_print_member(struct import *im, size_t member);
void import_print_session(struct import *im);
/* False: too many. */
bool import_add_cookie(struct import *im, const char *name);
void import_print_method(struct import *im);
void import_print_retries(struct import *im);

/* A mapping: "/path=worker;option=value;...", of path's site, file and line. */
void import_map_line(struct import *im, struct import_path path, const char *pattern,
                     const char *target);
void import_map_free(struct import *im);
/* import_jk.c: a whole file of mappings, and those of workers. */
void import_take_map(struct import *im, size_t site, const char *path,
                     const struct properties *map);
void import_take_mounts(struct import *im, size_t site);
/* import_options.c: what follows it, of a mapping to a worker. */
void import_take_options(struct import *im, const struct import_path *path, const char *text,
                         struct import_extras *extras);

/* import_routes.c: the routes that they make, unless everything goes to all. */
bool import_routes_print(struct import *im);
bool import_same_extras(const struct import_extras *a, const struct import_extras *b);
/* import_order.c: would another pattern decide than in mod_jk? */
bool import_order_differs(struct import *im);

#endif
