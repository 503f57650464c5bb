/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of durations, exact to about one part in a hundred, in constant memory. */
#ifndef AJPCAT_HISTOGRAM_H
#define AJPCAT_HISTOGRAM_H

#include "text.h"

#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_SIZE = 59 * HISTOGRAM_STEPS };

struct histogram {
    uint64_t count, sum, min, max;
    uint64_t bucket[HISTOGRAM_SIZE];
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *h, const struct histogram *from);
/* The duration that a share of all (0..1) does not exceed. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double share);
/* A line per power of two, drawn with bars of at most this many columns. */
void histogram_draw(const struct histogram *h, struct text *out, unsigned columns);
/* "12.3 us", "4.56 ms" */
void histogram_format(uint64_t ns, char out[24]);

#endif
