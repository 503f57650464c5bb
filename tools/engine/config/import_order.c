/* SPDX-License-Identifier: Apache-2.0 */
/* Two patterns may match one path. mod_jk asks that with more slashes first, then the longer one;
 * here exact ones go first, then those with more letters beside the star. */
#include "config/import_state.h"

#include <string.h>

static size_t slashes(const char *pattern)
{
    size_t count = 0;
    for (; *pattern; pattern++)
        count += *pattern == '/';
    return count;
}

static bool is_first_in_mod_jk(const char *a, const char *b)
{
    size_t x = slashes(a), y = slashes(b);
    return x != y ? x > y : strlen(a) > strlen(b);
}

static bool is_first_here(const char *a, const char *b)
{
    size_t x = strcspn(a, "*"), y = strcspn(b, "*");
    bool star_a = a[x] != '\0', star_b = b[y] != '\0';
    size_t letters_a = strlen(a) - star_a, letters_b = strlen(b) - star_b;
    if (star_a != star_b)
        return star_b;
    return letters_a != letters_b ? letters_a > letters_b : x > y;
}

static bool begin_alike(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return strncmp(a, b, a_len < b_len ? a_len : b_len) == 0;
}

/* Is there a path that both match? */
static bool overlap(const char *a, const char *b)
{
    size_t x = strcspn(a, "*"), y = strcspn(b, "*");
    if (!a[x] && !b[y])
        return strcmp(a, b) == 0;
    if (!a[x])
        return overlap(b, a);
    size_t after_a = strlen(a + x + 1), after_b = b[y] ? strlen(b + y + 1) : y;
    if (!b[y] && y < x + after_a)
        return false; /* too short */
    size_t after = after_a < after_b ? after_a : after_b;
    return begin_alike(a, x, b, y) && strcmp(a + strlen(a) - after, b + strlen(b) - after) == 0;
}

void import_note_order(struct import *im)
{
    for (size_t i = 0; i < im->path_count; i++) {
        for (size_t k = 0; k < im->path_count; k++) {
            const struct import_path *path = &im->paths[i], *other = &im->paths[k];
            if (path->exception || other->exception || path->pool == other->pool ||
                !is_first_in_mod_jk(path->pattern, other->pattern) ||
                !is_first_here(other->pattern, path->pattern) ||
                !overlap(path->pattern, other->pattern))
                continue;
            import_note(im, path->file, path->line, path->pattern,
                        "BEWARE, of paths that match \"%s\" too that one decides here, not this",
                        other->pattern);
            break;
        }
    }
}
