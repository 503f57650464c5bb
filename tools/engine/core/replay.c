/* SPDX-License-Identifier: Apache-2.0 */
/* The first bytes of a request's body, kept until the reply begins, so that a request
 * that may be sent again can be sent again whole (R10). */
#include "core/exchange.h"

#include <string.h>

void replay_drop(struct exchange *x)
{
    while (x->replay != NULL) {
        struct buf *b = x->replay;

        x->replay = b->next;
        buf_give(&x->shard->loop.bufs, b);
    }
    x->replay_at = NULL;
}

void replay_keep(struct exchange *x, const struct part *p)
{
    struct buf_pool *pool = &x->shard->loop.bufs;
    const uint8_t *from = p->data;
    size_t left = p->len;

    if (x->unkept || x->replay_bytes + left > x->pools->settings->retry.replay_buffer) {
        x->unkept = true;
        replay_drop(x);
        return;
    }
    x->replay_bytes += left;
    while (left > 0) {
        struct buf *b = x->replay != NULL ? x->replay_end : NULL;
        size_t n;

        if (b == NULL || buf_room(pool, b) == 0) {
            struct buf *more = buf_take(pool);

            if (more == NULL) {
                x->unkept = true;
                replay_drop(x);
                return;
            }
            if (b == NULL)
                x->replay = more;
            else
                b->next = more;
            x->replay_end = b = more;
        }
        n = left < buf_room(pool, b) ? left : buf_room(pool, b);
        memcpy(b->data + b->end, from, n);
        b->end += (uint32_t)n;
        from += n;
        left -= n;
    }
}

void replay_rewind(struct exchange *x)
{
    x->replay_at = x->replay;
    for (struct buf *b = x->replay; b != NULL; b = b->next)
        b->start = 0;
}

bool replay_send(struct exchange *x, uint32_t max)
{
    struct buf *b = x->replay_at;
    struct part p = {.first = true, .last = true};

    if (b == NULL)
        return false;
    p.data = b->data + b->start;
    p.len = buf_len(b) < max ? buf_len(b) : max;
    p.packet = (uint16_t)p.len;
    b->start += (uint32_t)p.len;
    if (buf_len(b) == 0)
        x->replay_at = b->next;
    x->wanted = false;
    x->back->part(x, &p);
    if (x->link != NULL)
        x->back->settle(x);
    return true;
}
