/* SPDX-License-Identifier: Apache-2.0 */
/* Letters added, lost, changed or swapped, each one step; case, '-' and '_' make no difference. */
#include "base/nearest.h"

#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 48 };

static char folded(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c | 0x20);
    return c == '_' ? '-' : c;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment; rows of the last two letters of a are kept. */
static unsigned distance_of(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][WORD_MAX + 1];
    for (unsigned k = 0; k <= b_len; k++)
        rows[0][k] = k;
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned k = 1; k <= b_len; k++) {
            char x = folded(a[i - 1]), y = folded(b[k - 1]);
            now[k] = least(least(before[k], now[k - 1]) + 1, before[k - 1] + (x != y));
            if (i > 1 && k > 1 && x == folded(b[k - 2]) && folded(a[i - 2]) == y)
                now[k] = least(now[k], older[k - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

struct nearest nearest_to(const char *text)
{
    size_t len = strlen(text);
    /* One step too many: what is further away is another word. */
    unsigned limit = len < 3 ? 1 : len < 5 ? 2 : len < 9 ? 3 : 4;
    return (struct nearest){.text = text, .distance = limit};
}

void nearest_try(struct nearest *nearest, const char *word)
{
    size_t a = strlen(nearest->text), b = strlen(word);
    if (a == 0 || a > WORD_MAX || b > WORD_MAX)
        return;
    unsigned distance = distance_of(nearest->text, a, word, b);
    if (distance >= nearest->distance)
        return;
    nearest->found = word;
    nearest->distance = distance;
}
