/* SPDX-License-Identifier: Apache-2.0 */
/* Fragments of IP packets. */
#include "fragments.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN_MAX = 64, CONTENT_MAX = 65535, UNIT = 8, UNITS = (CONTENT_MAX + UNIT) / UNIT };

static const uint64_t patience_ns = UINT64_C(30000000000); /* ids are used again */

struct packet {
    struct fragment_key key;
    bool used, whole;            /* whole: out of here until it is released */
    uint64_t age;                /* of its last fragment, in fragments */
    uint64_t time_ns;            /* of its first */
    size_t size;                 /* of the content, 0: not known yet */
    size_t end;                  /* behind the last byte that came */
    size_t cut;                  /* the first byte that was not captured */
    size_t units;                /* of eight bytes that are there */
    uint8_t *content;            /* CONTENT_MAX */
    uint8_t have[UNITS / 8 + 1]; /* a bit for each unit */
};

struct fragments {
    uint64_t count;
    bool any_whole;
    struct packet open[OPEN_MAX];
};

struct fragments *fragments_new(void)
{
    struct fragments *f = xmalloc(sizeof *f);
    memset(f, 0, sizeof *f);
    return f;
}

void fragments_free(struct fragments *f)
{
    for (size_t i = 0; f && i < OPEN_MAX; i++)
        free(f->open[i].content);
    free(f);
}

void fragments_release(struct fragments *f)
{
    for (size_t i = 0; f->any_whole && i < OPEN_MAX; i++) {
        if (f->open[i].whole)
            f->open[i].used = f->open[i].whole = false;
    }
    f->any_whole = false;
}

static void begin(struct packet *p, const struct fragment_key *key, uint64_t time_ns)
{
    uint8_t *content = p->content ? p->content : xmalloc(CONTENT_MAX);
    memset(p, 0, sizeof *p);
    p->key = *key;
    p->used = true;
    p->time_ns = time_ns;
    p->cut = SIZE_MAX;
    p->content = content;
}

static bool is_stale(const struct packet *p, uint64_t time_ns)
{
    return time_ns > p->time_ns && time_ns - p->time_ns > patience_ns;
}

/* The one with this key, or one that is free, or the oldest. NULL: all are in use at once. */
static struct packet *find(struct fragments *f, const struct fragment_key *key, uint64_t time_ns)
{
    struct packet *best = NULL;
    for (size_t i = 0; i < OPEN_MAX; i++) {
        struct packet *p = &f->open[i];
        if (p->whole)
            continue;
        if (p->used && memcmp(&p->key, key, sizeof *key) == 0 && !is_stale(p, time_ns))
            return p;
        if (!best || (best->used && (!p->used || p->age < best->age)))
            best = p;
    }
    if (best)
        begin(best, key, time_ns);
    return best;
}

/* What is there already stays. */
static void fill(struct packet *p, const struct bytes *part, size_t offset)
{
    for (size_t at = 0; at < part->wire; at += UNIT) {
        size_t unit = (offset + at) / UNIT, n = part->wire - at < UNIT ? part->wire - at : UNIT;
        size_t there = at >= part->len ? 0 : part->len - at < n ? part->len - at : n;
        if (p->have[unit / 8] & 1u << unit % 8)
            continue;
        p->have[unit / 8] |= (uint8_t)(1u << unit % 8);
        p->units++;
        memset(p->content + offset + at, 0, n);
        if (there > 0)
            memcpy(p->content + offset + at, part->at + at, there);
        if (there < n && offset + at + there < p->cut)
            p->cut = offset + at + there;
    }
}

bool fragments_add(struct fragments *f, const struct fragment_key *key, const struct bytes *part,
                   size_t offset, bool more, uint64_t time_ns, struct bytes *whole)
{
    size_t size = part->wire;
    if (size == 0 || offset > CONTENT_MAX || size > CONTENT_MAX - offset ||
        (more && size % UNIT != 0))
        return false;
    struct packet *p = find(f, key, time_ns);
    if (!p || (p->size > 0 && (offset + size > p->size || (!more && offset + size != p->size))) ||
        (!more && offset + size < p->end)) /* else what lies behind would be counted for a gap */
        return false;
    p->age = ++f->count;
    p->end = offset + size > p->end ? offset + size : p->end;
    fill(p, part, offset);
    if (!more)
        p->size = offset + size;
    if (p->size == 0 || p->units != (p->size + UNIT - 1) / UNIT)
        return false;
    p->whole = f->any_whole = true;
    *whole = (struct bytes){
        .at = p->content, .len = p->cut < p->size ? p->cut : p->size, .wire = p->size};
    return true;
}
