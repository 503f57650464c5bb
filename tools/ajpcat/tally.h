/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by name, in bounded memory: past a number of names the rest is counted together. */
#ifndef AJPCAT_TALLY_H
#define AJPCAT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_row {
    char *name;
    uint64_t count, valued; /* of which so many have a value */
    uint64_t open;          /* ... and so many were never answered */
    uint64_t sum, max;      /* of the values */
    uint64_t first;         /* frame of the first */
};

struct tally {
    struct tally_row *rows;
    size_t count, cap;
    uint32_t *slots; /* row + 1, or 0 */
    size_t slot_count;
};

void tally_add(struct tally *t, const char *name, uint64_t value, uint64_t frame);
void tally_count(struct tally *t, const char *name, uint64_t frame);
void tally_add_open(struct tally *t, const char *name, uint64_t frame);
/* Rows by falling count, or by falling sum; the slots are of no use afterwards. */
void tally_sort(struct tally *t, int by_sum);
void tally_free(struct tally *t);

/* How many different numbers were added, of at most a million. */
struct tally_set {
    uint64_t *slots;
    size_t count, slot_count;
};

void tally_set_add(struct tally_set *s, uint64_t hash);
bool tally_set_has(const struct tally_set *s, uint64_t hash); /* not 0 */
void tally_set_free(struct tally_set *s);
uint64_t tally_hash(const char *s, size_t len);

#endif
