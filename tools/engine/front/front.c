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

        conn_cut(c, "shutting down");
        conn_close(c, true);
    }
}

void front_relieve(struct again *a)
{
    struct shard *sh = CONTAINER_OF(a, struct shard, relief);

    while (buf_over(&sh->loop.bufs) && !list_empty(&sh->stalled)) {
        struct conn *c = CONTAINER_OF(sh->stalled.next, struct conn, stalled);

        char peer[46];

        conn_address(c, false, peer, NULL);
        log_event(LEVEL_WARN, "client_cut", "client=%s unread=%zu reason=\"max_memory\"", peer,
                  out_backlog(&c->out));
        conn_cut(c, "client reads too slowly (max_memory)");
        conn_close(c, true);
    }
}
