/* SPDX-License-Identifier: Apache-2.0 */
/* The growing text, and memory that is there or ends the program. */
#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t EACH = 0x0101010101010101; /* a one in each byte */

static void *have(void *p)
{
    if (!p) {
        fputs("ajpcat: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

void *xmalloc(size_t size)
{
    return have(malloc(size ? size : 1));
}

void *xrealloc(void *old, size_t size)
{
    return have(realloc(old, size ? size : 1));
}

char *xstrdup(const char *s)
{
    return have(strdup(s));
}

void text_reserve(struct text *t, size_t more)
{
    if (more >= SIZE_MAX / 4 || t->len >= SIZE_MAX / 4)
        have(NULL);
    if (t->cap - t->len > more)
        return;
    size_t cap = t->cap ? t->cap * 2 : 128;
    while (cap - t->len <= more)
        cap *= 2;
    t->at = xrealloc(t->at, cap);
    t->cap = cap;
}

void text_pad(struct text *t, size_t n, char with)
{
    text_reserve(t, n);
    memset(t->at + t->len, with, n);
    t->len += n;
    t->at[t->len] = '\0';
}

void text_uint(struct text *t, uint64_t value, unsigned width, char pad)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[sizeof digits - ++n] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (width > n)
        text_pad(t, width - n, pad);
    text_put(t, digits + sizeof digits - n, n);
}

void text_vfmt(struct text *t, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    text_reserve(t, 128);
    int n = vsnprintf(t->at + t->len, t->cap - t->len, format, ap);
    if (n >= 0 && (size_t)n >= t->cap - t->len) {
        text_reserve(t, (size_t)n);
        n = vsnprintf(t->at + t->len, t->cap - t->len, format, again);
    }
    va_end(again);
    if (n > 0)
        t->len += (size_t)n;
}

void text_fmt(struct text *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    text_vfmt(t, format, ap);
    va_end(ap);
}

void text_clear(struct text *t)
{
    t->len = 0;
}

void text_free(struct text *t)
{
    free(t->at);
    *t = (struct text){0};
}

void text_cut(struct text *t, size_t n)
{
    if (n == 0)
        return;
    memmove(t->at, t->at + n, t->len - n);
    t->len -= n;
    t->at[t->len] = '\0';
}

/* Whether one of eight bytes is below n, up to 128: the top bit of some byte is set then. */
static uint64_t any_below(uint64_t eight, uint8_t n)
{
    return (eight - EACH * n) & ~eight & (EACH * 0x80);
}

size_t text_plain(const void *s, size_t len, char but, char nor)
{
    const unsigned char *p = s;
    size_t i = 0;
    for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, p + i, sizeof eight);
        uint64_t high = (eight | (eight + EACH)) & (EACH * 0x80); /* 127 and up */
        if (high | any_below(eight, ' ') | any_below(eight ^ EACH * (unsigned char)but, 1) |
            any_below(eight ^ EACH * (unsigned char)nor, 1))
            break;
    }
    while (i < len && p[i] >= ' ' && p[i] < 127 && p[i] != (unsigned char)but &&
           p[i] != (unsigned char)nor)
        i++;
    return i;
}

size_t utf8_length(const unsigned char *s, size_t len)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (n == 0 || s[0] > 0xf4 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}
