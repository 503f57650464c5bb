/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms are found again by whose they are. */
#include "balance/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct room *room_new(const struct worker_settings *settings)
{
    const char *name = settings->name.ptr, *host = settings->host.ptr;
    size_t key = strlen(name) + strlen(host) + sizeof "\n\n65535";
    size_t align = _Alignof(struct room);
    size_t size = (sizeof(struct room) + key + align - 1) / align * align;
    struct room *room = aligned_alloc(align, size);
    if (!room)
        return NULL;
    memset(room, 0, size);
    snprintf(room->key, key, "%s\n%s\n%u", name, host, (unsigned)settings->port);
    room->holders = room->users = 1;
    return room;
}

static void stop_using(struct room *room)
{
    if (atomic_fetch_sub(&room->users, 1) == 1)
        free(room);
}

struct room *room_hold(struct room *room)
{
    atomic_fetch_add(&room->users, 1);
    atomic_fetch_add(&room->holders, 1);
    return room;
}

void room_leave(struct room *room)
{
    if (!room)
        return;
    atomic_fetch_sub(&room->holders, 1);
    stop_using(room);
}

bool room_same(const struct room *a, const struct room *b)
{
    return strcmp(a->key, b->key) == 0;
}

struct room *room_find(const struct room_list *list, const struct room *like)
{
    for (size_t i = 0; i < list->count; i++)
        if (room_same(list->at[i], like))
            return list->at[i];
    return NULL;
}

void room_remember(struct room_list *list, struct room *room)
{
    if (atomic_load(&room->holders) == 0)
        return;
    atomic_fetch_add(&room->users, 1);
    list->at[list->count++] = room;
}

void room_list_clear(struct room_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        stop_using(list->at[i]);
    free(list->at);
    *list = (struct room_list){0};
}
