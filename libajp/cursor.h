/* SPDX-License-Identifier: Apache-2.0 */
/* A reader over one payload: bounds-checked, sticky, it remembers the offset of
 * the byte that made it fail. All of it is inlined into the walks, so that the
 * cursor lives in registers: that halves the time of a decode
 * (tests/bench/codec_bench.c). */
#ifndef AJP_CURSOR_H
#define AJP_CURSOR_H
#include "compiler.h"
#include "number.h"
#include "text.h"

struct cursor {
    const uint8_t *base, *p, *end;
    uint32_t lenient;
    ajp_status st;
    uint16_t fault;
    bool any_text;  /* controls are let through: a constant in each copy of a walk */
    bool canonical; /* nothing seen so far that an encoder would write otherwise */
};

INLINE struct cursor cursor_of(const uint8_t *payload, size_t len, uint32_t lenient, bool any_text)
{
    const struct cursor c = {payload, payload, payload + len, lenient, AJP_OK, 0, any_text, true};
    return c;
}

INLINE size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}

INLINE bool cursor_fail(struct cursor *c, ajp_status st, const uint8_t *at)
{
    c->st = st;
    c->fault = (uint16_t)(at - c->base);
    return false;
}

INLINE bool get_u8(struct cursor *c, uint8_t *out)
{
    if (RARELY(cursor_left(c) < 1)) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, c->p);
    }
    *out = *c->p++;
    return true;
}

INLINE bool get_u16(struct cursor *c, uint16_t *out)
{
    if (RARELY(cursor_left(c) < 2)) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, c->p);
    }
    *out = get16(c->p);
    c->p += 2;
    return true;
}

INLINE bool get_bool(struct cursor *c, bool *out)
{
    uint8_t byte;
    if (!get_u8(c, &byte)) {
        return false;
    }
    if (RARELY(byte > 1)) {
        if ((c->lenient & AJP_ALLOW_ANY_BOOL) == 0) {
            return cursor_fail(c, AJP_ERR_BOOL, c->p - 1);
        }
        c->canonical = false;
    }
    *out = byte != 0;
    return true;
}

/* A string whose text is not looked at; null gives a null view. */
INLINE bool get_opaque(struct cursor *c, ajp_str *out)
{
    const uint8_t *p = c->p;
    const size_t left = cursor_left(c);
    if (RARELY(left < 2)) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, p);
    }
    const size_t n = get16(p);
    if (RARELY(n + 3 > left)) {
        if (n != 0xffff) {
            return cursor_fail(c, AJP_ERR_TRUNCATED, p);
        }
        *out = AJP_NULL;
        c->p = p + 2;
        return true;
    }
    if (RARELY(p[2 + n] != 0)) {
        if ((c->lenient & AJP_ALLOW_TERMINATOR) == 0) {
            return cursor_fail(c, AJP_ERR_STRING, p + 2 + n);
        }
        c->canonical = false;
    }
    *out = ajp_str_of((const char *)p + 2, n);
    c->p = p + 3 + n;
    return true;
}

INLINE const uint8_t *bytes_of(ajp_str s)
{
    return (const uint8_t *)s.ptr;
}

/* Refuses controls, where they are refused. */
INLINE bool check_text(struct cursor *c, ajp_str s)
{
    if (c->any_text || s.len == 0 || text_is_usual(bytes_of(s), s.len, c->base, c->end)) {
        return true;
    }
    const size_t i = ajp_in_text_scan(bytes_of(s), s.len);
    return i == s.len || cursor_fail(c, AJP_ERR_TEXT, bytes_of(s) + i);
}

/* A string of text; null gives a null view. */
INLINE bool get_text(struct cursor *c, ajp_str *out)
{
    return get_opaque(c, out) && check_text(c, *out);
}

/* A string that may not be null, unless leniency reads null as empty; its text is not looked at. */
INLINE bool get_opaque_value(struct cursor *c, ajp_str *out)
{
    const uint8_t *at = c->p;
    if (!get_opaque(c, out)) {
        return false;
    }
    if (RARELY(out->ptr == NULL)) {
        if ((c->lenient & AJP_ALLOW_NULL_VALUE) == 0) {
            return cursor_fail(c, AJP_ERR_STRING, at);
        }
        c->canonical = false;
        *out = AJP_STR("");
    }
    return true;
}

/* The same of text. */
INLINE bool get_value(struct cursor *c, ajp_str *out)
{
    return get_opaque_value(c, out) && check_text(c, *out);
}

#endif
