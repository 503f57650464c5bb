/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes, always followed by a NUL. Running out of memory ends the program. */
#ifndef AJPCAT_TEXT_H
#define AJPCAT_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    char *at;
    size_t len, cap;
};

void *xmalloc(size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *s);

/* Room for more bytes and a NUL. */
void text_reserve(struct text *t, size_t more);

static inline void text_put(struct text *t, const void *bytes, size_t len)
{
    if (t->cap - t->len <= len)
        text_reserve(t, len);
    if (len > 0)
        memcpy(t->at + t->len, bytes, len);
    t->len += len;
    t->at[t->len] = '\0';
}

static inline void text_str(struct text *t, const char *s)
{
    text_put(t, s, strlen(s));
}

static inline void text_byte(struct text *t, char byte)
{
    text_put(t, &byte, 1);
}

/* Two hexadecimal digits at to. */
static inline void text_hex_at(char *to, uint8_t byte)
{
    static const char digits[16] = {"0123456789abcdef"};
    to[0] = digits[byte >> 4];
    to[1] = digits[byte & 15];
}

/* The byte as \xNN. */
static inline void text_escape(struct text *t, uint8_t byte)
{
    char escaped[4] = {'\\', 'x'};
    text_hex_at(escaped + 2, byte);
    text_put(t, escaped, sizeof escaped);
}

void text_pad(struct text *t, size_t n, char with);
/* The number in decimal, filled up on the left with pad to width. */
void text_uint(struct text *t, uint64_t value, unsigned width, char pad);
void text_fmt(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vfmt(struct text *t, const char *format, va_list ap);
void text_clear(struct text *t);
void text_free(struct text *t);

/* Drops the first n bytes. */
void text_cut(struct text *t, size_t n);

/* How many bytes at the front of s are printable ASCII and neither of those two. */
size_t text_plain(const void *s, size_t len, char but, char nor);

/* Length of the well-formed UTF-8 sequence at s[0..len), or 0. */
size_t utf8_length(const unsigned char *s, size_t len);

#endif
