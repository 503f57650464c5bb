/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker has room for. The same worker's of several generations is one, so that its cap
 * holds while a reload has connections of the old settings run out. */
#ifndef ENGINE_BALANCE_ROOM_H
#define ENGINE_BALANCE_ROOM_H

#include "config/settings.h"

#include <stdatomic.h>

struct room {
    _Alignas(64) _Atomic uint32_t connections; /* open ones, at most max_connections */
    _Atomic uint32_t waiting;                  /* requests that wait for one */
    _Atomic uint32_t suitors; /* those that wait for another worker's, and would take one here */
    _Atomic uint32_t holders; /* generations in which a worker has it */
    _Atomic uint32_t users;   /* and those that only remember it */
    char key[];               /* whose it is: name, host and port */
};

/* Those of workers that have gone while requests of theirs may still run: who comes back has the
 * one that it had. */
struct room_list {
    struct room **at;
    size_t count;
};

/* With one holder. NULL: out of memory. */
struct room *room_new(const struct worker_settings *settings);
/* One holder more, or less: the last user of all frees it. NULL is fine for the latter. */
struct room *room_hold(struct room *room);
void room_leave(struct room *room);

/* Of the same worker? */
bool room_same(const struct room *a, const struct room *b);
/* NULL: it has none of that worker. */
struct room *room_find(const struct room_list *list, const struct room *like);
/* list has space for it, and is a user from then on. A room that nobody holds, and so has no
 * connection, is let go instead. */
void room_remember(struct room_list *list, struct room *room);
void room_list_clear(struct room_list *list);

#endif
