/* SPDX-License-Identifier: Apache-2.0 */
/* Hex text. */
#include "hex.h"

#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static size_t digits(const char *s)
{
    size_t n = 0;
    while (digit(s[n]) >= 0)
        n++;
    return n;
}

static size_t blanks(const char *s)
{
    return strspn(s, " \t,;");
}

/* Steps over "0x0000:", "00000000:" or, as hexdump writes, eight digits and two blanks. */
static const char *skip_offset(const char *s, bool *has_offset)
{
    const char *p = s + (strncmp(s, "0x", 2) == 0 ? 2 : 0);
    size_t n = digits(p);
    *has_offset = true;
    if (n > 0 && p[n] == ':')
        return p + n + 1;
    if (n >= 6 && strncmp(p + n, "  ", 2) == 0)
        return p + n;
    *has_offset = false;
    return s;
}

/* Behind an offset, two blanks after bytes begin the characters; but hexdump has such a gap in the
 * middle of its sixteen bytes too. */
static bool ends_bytes(const char *next, size_t gap, size_t bytes)
{
    enum { MIDDLE = 8 };
    bool middle = bytes == MIDDLE && gap == 2 && digits(next) == 2 && strchr(" \n\r", next[2]);
    return bytes > 0 && gap >= 2 && !middle;
}

bool hex_line(const char *line, struct text *out)
{
    bool has_offset;
    size_t from = out->len;
    const char *p = skip_offset(line + blanks(line), &has_offset);
    for (;;) {
        size_t gap = blanks(p);
        const char *next = p + gap;
        if (has_offset && ends_bytes(next, gap, out->len - from))
            return true;
        p = next;
        if (strncmp(p, "0x", 2) == 0)
            p += 2;
        if (*p == '\0' || *p == '\n' || *p == '\r' || *p == '#' || *p == '|')
            return true;
        size_t n = digits(p);
        if (n == 0 || n % 2 != 0)
            return has_offset && out->len > from;
        for (size_t i = 0; i < n; i += 2)
            text_byte(out, (char)(digit(p[i]) * 16 + digit(p[i + 1])));
        p += n;
    }
}
