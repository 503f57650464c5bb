/* SPDX-License-Identifier: Apache-2.0 */
/* Log-linear buckets: 64 in each power of two. */
#include "histogram.h"

#include <inttypes.h>
#include <stdio.h>

enum { BITS = 6 };

static unsigned power_of(uint64_t v)
{
    return v < HISTOGRAM_STEPS ? 0 : (unsigned)(63 - __builtin_clzll(v)) - BITS + 1;
}

static unsigned index_of(uint64_t v)
{
    unsigned power = power_of(v);
    if (power == 0)
        return (unsigned)v;
    unsigned step = (unsigned)(v >> (power - 1)) - HISTOGRAM_STEPS;
    unsigned at = power * HISTOGRAM_STEPS + step;
    return at < HISTOGRAM_SIZE ? at : HISTOGRAM_SIZE - 1;
}

/* The largest value of the bucket. */
static uint64_t upper_bound(unsigned at)
{
    unsigned power = at / HISTOGRAM_STEPS, step = at % HISTOGRAM_STEPS;
    if (power == 0)
        return step;
    return ((uint64_t)(HISTOGRAM_STEPS + step + 1) << (power - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->min = h->count == 0 || ns < h->min ? ns : h->min;
    h->max = ns > h->max ? ns : h->max;
    h->count++;
    h->sum += ns;
    h->bucket[index_of(ns)]++;
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    if (from->count == 0)
        return;
    h->min = h->count == 0 || from->min < h->min ? from->min : h->min;
    h->max = from->max > h->max ? from->max : h->max;
    h->count += from->count;
    h->sum += from->sum;
    for (unsigned i = 0; i < HISTOGRAM_SIZE; i++)
        h->bucket[i] += from->bucket[i];
}

uint64_t histogram_quantile(const struct histogram *h, double share)
{
    uint64_t seen = 0;
    double wanted = share * (double)h->count;
    for (unsigned i = 0; i < HISTOGRAM_SIZE && h->count > 0; i++) {
        seen += h->bucket[i];
        if (h->bucket[i] > 0 && (double)seen >= wanted) {
            uint64_t bound = upper_bound(i);
            return bound < h->max ? bound : h->max;
        }
    }
    return h->max;
}

void histogram_format(uint64_t ns, char out[24])
{
    if (ns < 1000000u)
        snprintf(out, 24, "%.1f us", (double)ns / 1e3);
    else if (ns < 1000000000u)
        snprintf(out, 24, "%.2f ms", (double)ns / 1e6);
    else
        snprintf(out, 24, "%.3f s", (double)ns / 1e9);
}

void histogram_draw(const struct histogram *h, struct text *out, unsigned columns)
{
    uint64_t rows[64] = {0}, most = 0;
    unsigned first = 63, last = 0;
    for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
        if (h->bucket[i] == 0)
            continue;
        uint64_t bound = upper_bound(i);
        unsigned row = bound == 0 ? 0 : 63 - (unsigned)__builtin_clzll(bound);
        rows[row] += h->bucket[i];
        most = rows[row] > most ? rows[row] : most;
        first = row < first ? row : first;
        last = row > last ? row : last;
    }
    for (unsigned row = first; most > 0 && row <= last; row++) {
        char upto[24];
        histogram_format((uint64_t)2 << row, upto);
        text_fmt(out, "  < %-10s %10" PRIu64 " ", upto, rows[row]);
        for (uint64_t n = rows[row] * columns / most; n > 0; n--)
            text_byte(out, '#');
        text_byte(out, '\n');
    }
}
