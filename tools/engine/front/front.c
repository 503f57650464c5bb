/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to all client connections of a thread at once. */
#include "front/front.h"

#include "front/conn.h"

void front_drain(struct shard *sh)
{
    struct list *at = sh->conns.next;

    while (at != &sh->conns) {
        struct conn *c = CONTAINER_OF(at, struct conn, node);

        at = at->next;
        if (conn_ending(c) && c->x == NULL && conn_unread(c) == 0)
            conn_arm(c, CONN_MOMENT_MS);
    }
}

void front_close_all(struct shard *sh)
{
    while (!list_empty(&sh->conns)) {
        struct conn *c = CONTAINER_OF(sh->conns.next, struct conn, node);

        conn_abandon(c, "shutting down");
        conn_close(c, true);
    }
}
