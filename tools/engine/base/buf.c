/* SPDX-License-Identifier: Apache-2.0 */
/* Last in, first out: the block that was used last is the one still in the cache. */
#include "base/buf.h"

#include <stdlib.h>

void buf_pool_init(struct buf_pool *p, uint32_t block, uint32_t free_max)
{
    *p = (struct buf_pool){.block = block, .free_max = free_max};
}

void buf_pool_clear(struct buf_pool *p)
{
    while (p->free != NULL) {
        struct buf *b = p->free;

        p->free = b->next;
        free(b);
    }
    p->free_count = 0;
}

void buf_pool_limit(struct buf_pool *p, uint64_t bytes)
{
    uint64_t blocks = bytes / (sizeof(struct buf) + p->block);

    if (bytes != 0 && blocks == 0)
        blocks = 1;
    p->limit = blocks < UINT32_MAX ? (uint32_t)blocks : UINT32_MAX;
}

struct buf *buf_take(struct buf_pool *p)
{
    struct buf *b = p->free;

    if (b != NULL) {
        p->free = b->next;
        p->free_count--;
    } else {
        b = malloc(sizeof(*b) + p->block);
        if (b == NULL)
            return NULL;
    }
    b->next = NULL;
    b->start = 0;
    b->end = 0;
    p->in_use++;
    return b;
}

void buf_give(struct buf_pool *p, struct buf *b)
{
    if (b == NULL)
        return;
    p->in_use--;
    if (p->free_count >= p->free_max || buf_tight(p)) {
        free(b);
        return;
    }
    b->next = p->free;
    p->free = b;
    p->free_count++;
}
