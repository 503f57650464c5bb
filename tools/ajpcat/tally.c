/* SPDX-License-Identifier: Apache-2.0 */
/* Hash tables with open addressing that only grow, up to a limit. */
#include "tally.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 10000, SET_MAX = 1000000, SLOTS_MIN = 64 };

static const char other[] = "(other)";

uint64_t tally_hash(const char *s, size_t len)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)s[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static size_t slot_of(const struct tally *t, const char *name)
{
    size_t at = tally_hash(name, strlen(name)) % t->slot_count;
    while (t->slots[at] && strcmp(t->rows[t->slots[at] - 1].name, name) != 0)
        at = (at + 1) % t->slot_count;
    return at;
}

static void grow(struct tally *t)
{
    t->cap = t->cap ? t->cap * 2 : SLOTS_MIN / 2;
    t->rows = xrealloc(t->rows, t->cap * sizeof *t->rows);
    t->slot_count = t->cap * 2;
    t->slots = xrealloc(t->slots, t->slot_count * sizeof *t->slots);
    memset(t->slots, 0, t->slot_count * sizeof *t->slots);
    for (size_t i = 0; i < t->count; i++)
        t->slots[slot_of(t, t->rows[i].name)] = (uint32_t)i + 1;
}

static struct tally_row *count_in(struct tally *t, const char *name, uint64_t frame)
{
    if (t->count == t->cap)
        grow(t);
    size_t at = slot_of(t, name);
    if (!t->slots[at] && t->count >= NAMES_MAX)
        at = slot_of(t, name = other);
    if (!t->slots[at]) {
        t->rows[t->count] = (struct tally_row){.name = xstrdup(name), .first = frame};
        t->slots[at] = (uint32_t)++t->count;
    }
    struct tally_row *row = &t->rows[t->slots[at] - 1];
    row->count++;
    row->first = frame < row->first ? frame : row->first;
    return row;
}

void tally_count(struct tally *t, const char *name, uint64_t frame)
{
    count_in(t, name, frame);
}

void tally_add_open(struct tally *t, const char *name, uint64_t frame)
{
    count_in(t, name, frame)->open++;
}

void tally_add(struct tally *t, const char *name, uint64_t value, uint64_t frame)
{
    struct tally_row *row = count_in(t, name, frame);
    row->valued++;
    row->sum += value;
    row->max = value > row->max ? value : row->max;
}

static int by_count(const void *a, const void *b)
{
    const struct tally_row *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

static int by_sum_of_values(const void *a, const void *b)
{
    const struct tally_row *x = a, *y = b;
    return x->sum != y->sum ? (x->sum < y->sum ? 1 : -1) : strcmp(x->name, y->name);
}

void tally_sort(struct tally *t, int by_sum)
{
    if (t->count > 0)
        qsort(t->rows, t->count, sizeof *t->rows, by_sum ? by_sum_of_values : by_count);
}

void tally_free(struct tally *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->rows[i].name);
    free(t->rows);
    free(t->slots);
    *t = (struct tally){0};
}

static void set_grow(struct tally_set *s)
{
    struct tally_set larger = {.slot_count = s->slot_count ? s->slot_count * 2 : SLOTS_MIN};
    larger.slots = xmalloc(larger.slot_count * sizeof *larger.slots);
    memset(larger.slots, 0, larger.slot_count * sizeof *larger.slots);
    for (size_t i = 0; i < s->slot_count; i++) {
        if (s->slots[i])
            tally_set_add(&larger, s->slots[i]);
    }
    free(s->slots);
    *s = larger;
}

void tally_set_add(struct tally_set *s, uint64_t hash)
{
    hash = hash ? hash : 1;
    if (s->count >= SET_MAX)
        return;
    if (s->count * 2 >= s->slot_count)
        set_grow(s);
    size_t at = hash % s->slot_count;
    while (s->slots[at] && s->slots[at] != hash)
        at = (at + 1) % s->slot_count;
    s->count += !s->slots[at];
    s->slots[at] = hash;
}

bool tally_set_has(const struct tally_set *s, uint64_t hash)
{
    if (s->slot_count == 0)
        return false;
    size_t at = hash % s->slot_count;
    while (s->slots[at] && s->slots[at] != hash)
        at = (at + 1) % s->slot_count;
    return s->slots[at] == hash;
}

void tally_set_free(struct tally_set *s)
{
    free(s->slots);
    *s = (struct tally_set){0};
}
