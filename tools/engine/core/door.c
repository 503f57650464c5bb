/* SPDX-License-Identifier: Apache-2.0 */
/* A closed door waits for two things: its handle's end and its last connection. */
#include "core/door.h"

#include <stdlib.h>
#include <unistd.h>

static void free_if_done(struct door *d)
{
    if (!d->shut || d->conn_count > 0)
        return;
    pools_leave(d->pools);
    free(d);
}

static void on_shut(struct listener *l)
{
    struct door *d = CONTAINER_OF(l, struct door, listener);

    d->shut = true;
    free_if_done(d);
}

struct door *door_new(void)
{
    return calloc(1, sizeof(struct door));
}

bool door_open(struct door *d, struct shard *sh, const struct listener_settings *settings, int fd,
               void (*accepted)(struct listener *l, int fd),
               const char *(*full)(struct listener *l), void *owner)
{
    d->listener.accepted = accepted;
    d->listener.full = full;
    d->listener.stopped = on_shut;
    d->listener.owner = owner;
    if (listener_start(&d->listener, &sh->loop, fd) != 0) {
        close(fd);
        free(d);
        return false;
    }
    d->settings = settings;
    d->pools = pools_enter(sh->pools);
    list_add(sh->doors.prev, &d->node);
    return true;
}

void door_renew(struct shard *sh, struct door *d, const struct listener_settings *settings)
{
    struct pools *old = d->pools;

    d->settings = settings;
    d->pools = pools_enter(sh->pools);
    pools_leave(old);
}

void door_close(struct door *d)
{
    if (d->closing)
        return;
    d->closing = true;
    list_remove(&d->node);
    listener_stop(&d->listener);
}

void door_leave(struct door *d)
{
    d->conn_count--;
    free_if_done(d);
}
