/* SPDX-License-Identifier: Apache-2.0 */
/* Two patterns may match one path. mod_jk asks that with more slashes first, then the longer one;
 * here exact ones go first, then those with more letters beside the stars, unless the file says
 * otherwise. */
#include "config/import_state.h"

#include <string.h>

static const char wild[] = "*?";

static size_t slashes(const char *pattern)
{
    size_t count = 0;
    for (; *pattern; pattern++)
        count += *pattern == '/';
    return count;
}

static size_t letters(const char *pattern)
{
    size_t count = 0;
    for (; *pattern; pattern++)
        count += !strchr(wild, *pattern);
    return count;
}

/* Above 0: a goes first. */
static int order_in_mod_jk(const char *a, const char *b)
{
    size_t x = slashes(a), y = slashes(b);
    if (x != y)
        return x > y ? 1 : -1;
    x = strlen(a);
    y = strlen(b);
    return (x > y) - (x < y);
}

static int order_here(const char *a, const char *b)
{
    size_t x = strcspn(a, wild), y = strcspn(b, wild);
    bool star_a = a[x] != '\0', star_b = b[y] != '\0';
    if (star_a != star_b)
        return star_b ? 1 : -1;
    size_t letters_a = letters(a), letters_b = letters(b);
    if (letters_a != letters_b)
        return letters_a > letters_b ? 1 : -1;
    return (x > y) - (x < y);
}

static size_t tail_of(const char *pattern)
{
    size_t len = strlen(pattern), tail = 0;
    while (tail < len && !strchr(wild, pattern[len - tail - 1]))
        tail++;
    return tail;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* May there be a path that both match? By their beginnings and their ends. */
static bool overlap(const char *a, const char *b)
{
    size_t x = strcspn(a, wild), y = strcspn(b, wild);
    if (!a[x] && !b[y])
        return strcmp(a, b) == 0;
    size_t tail = least(tail_of(a), tail_of(b));
    if ((!a[x] && strlen(a) < letters(b)) || (!b[y] && strlen(b) < letters(a)))
        return false; /* too short */
    return strncmp(a, b, least(x, y)) == 0 &&
           strcmp(a + strlen(a) - tail, b + strlen(b) - tail) == 0;
}

static bool same_effect(const struct import_path *a, const struct import_path *b)
{
    return a->pool == b->pool && import_same_extras(&a->extras, &b->extras);
}

bool import_order_differs(struct import *im)
{
    bool differs = false;
    for (size_t i = 0; i < im->path_count; i++) {
        for (size_t k = 0; k < im->path_count; k++) {
            const struct import_path *path = &im->paths[i], *other = &im->paths[k];
            if (path->exception || other->exception || path->site != other->site ||
                same_effect(path, other) || !overlap(path->pattern, other->pattern))
                continue;
            int there = order_in_mod_jk(path->pattern, other->pattern);
            int here = order_here(path->pattern, other->pattern);
            differs |= there > 0 && here <= 0;
            im->in_order |= there == 0;
            differs |= there == 0;
            if (there == 0 && i < k)
                import_note(im, NOTE_ANSWERS, path->file, path->line, path->pattern,
                            "BEWARE, of paths that match \"%s\" too mod_jk leaves open which "
                            "decides; here the one that stands first",
                            other->pattern);
        }
    }
    return differs;
}
