/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that were added and removed at run time: what a reload lays over the file. */
#ifndef ENGINE_CONFIG_OVERLAY_H
#define ENGINE_CONFIG_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

enum { OVERLAY_PAIRS_MAX = 32 };

struct overlay_change {
    struct overlay_change *next;
    bool remove;
    char *name; /* of the worker */
    char *like; /* whose settings and routes it has too; NULL: nobody's */
    size_t count;
    char *keys[OVERLAY_PAIRS_MAX], *values[OVERLAY_PAIRS_MAX]; /* rows of table_worker */
};

struct overlay {
    struct overlay_change *first;
};

/* NULL: out of memory. */
struct overlay_change *overlay_change_new(bool remove, const char *name);
/* False: out of memory, or too many. */
bool overlay_change_set(struct overlay_change *change, const char *key, const char *value);
void overlay_change_free(struct overlay_change *change);

/* Takes change over. A removal of what was added before undoes that. */
void overlay_add(struct overlay *overlay, struct overlay_change *change);
/* The change that overlay_add took last, if it is there still: it did not work. */
void overlay_drop_last(struct overlay *overlay);
bool overlay_removes(const struct overlay *overlay, const char *name);
void overlay_clear(struct overlay *overlay);

struct draft;
/* After file and command line. What these have by now, or have no more, goes before the overlay.
 * False with the draft's message. */
bool overlay_apply(const struct overlay *overlay, struct draft *draft);

#endif
