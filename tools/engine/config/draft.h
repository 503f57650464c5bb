/* SPDX-License-Identifier: Apache-2.0 */
/* Settings while they are put together: defaults, then the file, then the command line, then the
 * checks that look at the whole. Every message is one line that names its place. */
#ifndef ENGINE_CONFIG_DRAFT_H
#define ENGINE_CONFIG_DRAFT_H

#include "config/options.h"
#include "config/overlay.h"
#include "config/table.h"

#include <stdio.h>

/* Where an entry came from, and the texts that gave its values (of the rows of its table). */
struct draft_notes {
    const char *given[ROWS_MAX];
    const char *option; /* "--listen http://..."; NULL: from the file */
    int index;          /* in the file's list */
    const char *like;   /* worker whose routes it shares; NULL: nobody's */
};

struct draft {
    const struct program *program;
    struct settings *settings;
    const char *path; /* of the file; NULL: none */
    struct draft_notes top;
    struct listener_settings listeners[LISTENERS_MAX];
    struct worker_settings workers[WORKERS_MAX];
    struct route_settings routes[ROUTES_MAX]; /* in the order of the file */
    uint64_t route_given[ROUTES_MAX];         /* a bit per row of table_route */
    size_t route_count;
    struct draft_notes listener_notes[LISTENERS_MAX], worker_notes[WORKERS_MAX];
    size_t listener_count, worker_count;
    const struct overlay *overlay; /* applied; NULL: none */
    char message[1024];            /* of the call that failed */
};

/* NULL when memory runs out. */
struct draft *draft_new(const struct program *program);
void draft_free(struct draft *draft);

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

/* Checks the whole: NULL with the message. It stays the draft's: set draft->settings to NULL to
 * keep it. */
struct settings *draft_finish(struct draft *draft);

/* The effective settings as a file that would give them again. After draft_finish. */
void draft_dump(const struct draft *draft, FILE *out);

/* For draft_routes.c: sorts draft->routes into the settings, whose workers are complete. */
bool draft_finish_routes(struct draft *draft);
/* "FILE:LINE:COLUMN: outer.key" of a value in the file. */
const char *draft_place(struct draft *draft, const char *outer, int index, const char *key);
bool draft_fail(struct draft *draft, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
