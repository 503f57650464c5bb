/* SPDX-License-Identifier: Apache-2.0 */
/* A reader over one payload: bounds-checked, sticky, it remembers the offset of
 * the byte that made it fail. Text is checked by counting: the cursor counts the
 * controls that belong to the framing, and the caller compares that with all
 * controls in the packet; only when they differ does a second walk scan text.
 * All of it is inlined into the walks, so that the cursor lives in registers:
 * that halves the time of a decode (tests/bench/codec_bench.c). */
#ifndef AJP_CURSOR_H
#define AJP_CURSOR_H
#include "number.h"
#include "text.h"

#if defined(__GNUC__) && defined(__OPTIMIZE__)
#define INLINE        static inline __attribute__((always_inline))
#define RARELY(claim) __builtin_expect(claim, 0)
#else
#define INLINE        static inline
#define RARELY(claim) (claim)
#endif

/* What a walk does about text: a constant in each of its three copies. */
enum text_mode { TEXT_ANY, TEXT_COUNT, TEXT_SCAN };

struct cursor {
    const uint8_t *base, *p, *end;
    uint32_t lenient;
    uint32_t controls; /* in the framing and in opaque values walked so far */
    ajp_status st;
    uint16_t fault;
    enum text_mode text;
    bool canonical; /* nothing seen so far that an encoder would write otherwise */
};

INLINE struct cursor cursor_of(const uint8_t *payload, size_t len, uint32_t lenient,
                               enum text_mode text)
{
    const struct cursor c = {payload, payload, payload + len, lenient, 0, AJP_OK, 0, text, true};
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

INLINE void note_framing(struct cursor *c, uint8_t byte)
{
    if (c->text == TEXT_COUNT) {
        c->controls += ajp_in_control_table[byte];
    }
}

INLINE bool get_u8(struct cursor *c, uint8_t *out)
{
    if (RARELY(cursor_left(c) < 1)) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, c->p);
    }
    *out = *c->p++;
    note_framing(c, *out);
    return true;
}

INLINE bool get_u16(struct cursor *c, uint16_t *out)
{
    if (RARELY(cursor_left(c) < 2)) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, c->p);
    }
    *out = get16(c->p);
    note_framing(c, c->p[0]);
    note_framing(c, c->p[1]);
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
    if (c->text == TEXT_COUNT) {
        c->controls += string_framing(n);
    }
    if (RARELY(p[2 + n] != 0)) {
        if ((c->lenient & AJP_ALLOW_TERMINATOR) == 0) {
            return cursor_fail(c, AJP_ERR_STRING, p + 2 + n);
        }
        c->controls += ajp_in_control_table[p[2 + n]] - 1u;
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

/* A string of text; null gives a null view. */
INLINE bool get_text(struct cursor *c, ajp_str *out)
{
    if (!get_opaque(c, out)) {
        return false;
    }
    if (c->text == TEXT_SCAN && out->len > 0) {
        const size_t i = ajp_in_text_scan(bytes_of(*out), out->len);
        if (i < out->len) {
            return cursor_fail(c, AJP_ERR_TEXT, bytes_of(*out) + i);
        }
    }
    return true;
}

/* A string of text that may not be null, unless leniency reads null as empty. */
INLINE bool get_value(struct cursor *c, ajp_str *out)
{
    const uint8_t *at = c->p;
    if (!get_text(c, out)) {
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

#endif
