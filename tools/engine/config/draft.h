/* SPDX-License-Identifier: Apache-2.0 */
/* Settings while they are put together: defaults, then the file, then the command line, then the
 * checks that look at the whole. Whatever is wrong is noted, with its place, and the rest is looked
 * at all the same. */
#ifndef ENGINE_CONFIG_DRAFT_H
#define ENGINE_CONFIG_DRAFT_H

#include "config/options.h"
#include "config/overlay.h"
#include "config/table.h"

#include <stdio.h>

enum { MISTAKES_MAX = 100 }; /* that are kept */

/* Where an entry came from, and the texts that gave its values (of the rows of its table). */
struct draft_notes {
    const char *given[ROWS_MAX];
    bool refused[ROWS_MAX]; /* a value was given, and told of */
    bool by_option[ROWS_MAX];
    const char *option; /* "--listen http://..."; NULL: from the file */
    int index;          /* in the file's list */
    const char *like;   /* worker whose routes it shares; NULL: nobody's */
};

/* One line for people is "FILE:LINE:COLUMN: KEY: TEXT", or without a line "KEY: TEXT". */
struct mistake {
    unsigned line, column; /* 0: it is not in the file */
    const char *key;       /* "timeouts.reply"; or what stands for the place, "--threads" */
    const char *text;
};

struct yaml_file;

struct draft {
    const struct program *program;
    struct settings *settings;
    const char *path;                                     /* of the file; NULL: none */
    struct yaml_file *file;                               /* that was read; NULL: none */
    bool listen_refused, workers_refused, routes_refused; /* as a whole, or an entry was */
    struct draft_notes top;
    struct listener_settings listeners[LISTENERS_MAX];
    struct worker_settings workers[WORKERS_MAX];
    struct route_settings routes[ROUTES_MAX]; /* in the order of the file */
    uint64_t route_given[ROUTES_MAX];         /* a bit per row of table_route */
    size_t route_count;
    struct draft_notes listener_notes[LISTENERS_MAX], worker_notes[WORKERS_MAX];
    size_t listener_count, worker_count;
    const struct overlay *overlay; /* applied; NULL: none */
    struct mistake mistakes[MISTAKES_MAX];
    size_t mistake_count; /* those that are not kept too */
};

/* NULL when memory runs out. */
struct draft *draft_new(const struct program *program);
void draft_free(struct draft *draft);

/* False: nothing can be said of the whole, since the file cannot be read. */
bool draft_apply_file(struct draft *draft, const char *path);

/* what names the place in messages: "--threads", or a file's. */
bool draft_set(struct draft *draft, const struct setting_row *row, const char *what,
               const char *text);
/* option: the whole "--listen URL", for later messages; NULL with an index for the file's. */
struct listener_settings *draft_add_listener(struct draft *draft, const char *option, int index);
struct worker_settings *draft_add_worker(struct draft *draft, const char *option, int index);
bool draft_set_listener(struct draft *draft, size_t at, const char *key, const char *what,
                        const char *text);
bool draft_set_worker(struct draft *draft, size_t at, const char *key, const char *what,
                      const char *text);

/* Without a message in the draft, but in why. */
bool draft_try(struct draft *draft, const struct setting_table *table, size_t row, void *base,
               struct draft_notes *notes, const char *text, char *why, size_t why_cap);

/* Checks the whole: NULL when there is any mistake, from before too. It stays the draft's: set
 * draft->settings to NULL to keep it. */
struct settings *draft_finish(struct draft *draft);

/* The effective settings as a file that would give them again. After draft_finish. */
void draft_dump(const struct draft *draft, FILE *out);

/* For draft_routes.c: sorts draft->routes into the settings, whose workers are complete. */
void draft_finish_routes(struct draft *draft);
/* ", did you mean "NAME"?", or nothing. */
const char *draft_nearest_worker(struct draft *draft, const char *name);

/* --- what is wrong; all return false --- */

/* place: as the user knows it, "--threads"; NULL: the program as a whole. */
bool draft_fail(struct draft *draft, const char *place, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* At a value of the file, or what is nearest to it. outer: group or list, NULL for a key of the top
 * level. index: entry of the list, below 0 for a group. key: NULL for the entry itself. */
bool draft_blame(struct draft *draft, const char *outer, int index, const char *key,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same of an entry that may come from the command line. */
bool draft_blame_entry(struct draft *draft, const struct draft_notes *notes, const char *outer,
                       const char *key, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Of a key of the top level, or of a group, wherever it was given. */
bool draft_blame_top(struct draft *draft, const char *group, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Where the place is known. */
bool draft_blame_at(struct draft *draft, unsigned line, unsigned column, const char *key,
                    const char *text);

#endif
