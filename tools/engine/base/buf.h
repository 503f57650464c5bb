/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of bytes from a pool that one thread owns. */
#ifndef ENGINE_BASE_BUF_H
#define ENGINE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes [start, end) of data hold something; what lies behind is free. */
struct buf {
    struct buf *next;
    uint32_t start, end;
    uint8_t data[];
};

struct buf_pool {
    struct buf *free;
    uint32_t block; /* bytes of data in each block */
    uint32_t free_count, free_max;
    uint32_t in_use;
    uint32_t limit; /* blocks in use from which relief is wanted; 0: none */
};

/* free_max: blocks kept for later; more than that go back to the system. */
void buf_pool_init(struct buf_pool *p, uint32_t block, uint32_t free_max);
void buf_pool_clear(struct buf_pool *p);

/* Relief is wanted from so many bytes on; 0: never. Blocks are not refused for that. */
void buf_pool_limit(struct buf_pool *p, uint64_t bytes);

static inline bool buf_over(const struct buf_pool *p)
{
    return p->limit != 0 && p->in_use >= p->limit;
}

/* More than half of it is used: time to be careful. */
static inline bool buf_tight(const struct buf_pool *p)
{
    return p->limit != 0 && p->in_use > p->limit / 2;
}

/* An empty block, or NULL when memory has run out. */
struct buf *buf_take(struct buf_pool *p);

/* b may be NULL. */
void buf_give(struct buf_pool *p, struct buf *b);

static inline size_t buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline size_t buf_room(const struct buf_pool *p, const struct buf *b)
{
    return p->block - b->end;
}

#endif
