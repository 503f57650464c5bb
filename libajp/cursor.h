/* SPDX-License-Identifier: Apache-2.0 */
/* A reader over one payload: bounds-checked, sticky, it remembers the offset of
 * the byte that made it fail. Text is checked by counting: the cursor counts the
 * controls that belong to the framing, and the caller compares that with all
 * controls in the packet; only when they differ does a second walk scan text. */
#ifndef AJP_CURSOR_H
#define AJP_CURSOR_H
#include "number.h"
#include "text.h"

struct cursor {
    const uint8_t *base, *p, *end;
    uint32_t lenient;
    uint32_t controls; /* in the framing and in opaque values walked so far */
    ajp_status st;
    uint16_t fault;
    bool scan;      /* look at the text of each string */
    bool canonical; /* nothing seen so far that an encoder would write otherwise */
};

static inline void cursor_init(struct cursor *c, const uint8_t *payload, size_t len,
                               uint32_t lenient)
{
    c->base = c->p = payload;
    c->end = payload + len;
    c->lenient = lenient;
    c->controls = 0;
    c->st = AJP_OK;
    c->fault = 0;
    c->scan = false;
    c->canonical = true;
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->p);
}

static inline bool cursor_fail(struct cursor *c, ajp_status st, const uint8_t *at)
{
    c->st = st;
    c->fault = (uint16_t)(at - c->base);
    return false;
}

static inline bool get_u8(struct cursor *c, uint8_t *out)
{
    if (cursor_left(c) < 1) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, c->p);
    }
    *out = *c->p++;
    c->controls += is_control(*out);
    return true;
}

static inline bool get_u16(struct cursor *c, uint16_t *out)
{
    if (cursor_left(c) < 2) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, c->p);
    }
    *out = get16(c->p);
    c->controls += is_control(c->p[0]) + is_control(c->p[1]);
    c->p += 2;
    return true;
}

static inline bool get_bool(struct cursor *c, bool *out)
{
    uint8_t byte;
    if (!get_u8(c, &byte)) {
        return false;
    }
    if (byte > 1) {
        if ((c->lenient & AJP_ALLOW_ANY_BOOL) == 0) {
            return cursor_fail(c, AJP_ERR_BOOL, c->p - 1);
        }
        c->canonical = false;
    }
    *out = byte != 0;
    return true;
}

/* A string whose text is not looked at; null gives a null view. */
static inline bool get_opaque(struct cursor *c, ajp_str *out)
{
    const uint8_t *p = c->p;
    const size_t left = cursor_left(c);
    if (left < 2) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, p);
    }
    const size_t n = get16(p);
    c->controls += is_control(p[0]) + is_control(p[1]);
    if (n + 3 > left) {
        if (n != 0xffff) {
            return cursor_fail(c, AJP_ERR_TRUNCATED, p);
        }
        *out = AJP_NULL;
        c->p = p + 2;
        return true;
    }
    const uint8_t terminator = p[2 + n];
    c->controls += is_control(terminator);
    if (terminator != 0) {
        if ((c->lenient & AJP_ALLOW_TERMINATOR) == 0) {
            return cursor_fail(c, AJP_ERR_STRING, p + 2 + n);
        }
        c->canonical = false;
    }
    *out = ajp_str_of((const char *)p + 2, n);
    c->p = p + 3 + n;
    return true;
}

static inline const uint8_t *bytes_of(ajp_str s)
{
    return (const uint8_t *)s.ptr;
}

/* A string of text; null gives a null view. */
static inline bool get_text(struct cursor *c, ajp_str *out)
{
    if (!get_opaque(c, out)) {
        return false;
    }
    if (c->scan && out->len > 0) {
        const size_t i = text_scan(bytes_of(*out), out->len);
        if (i < out->len) {
            return cursor_fail(c, AJP_ERR_TEXT, bytes_of(*out) + i);
        }
    }
    return true;
}

/* A string of text that may not be null, unless leniency reads null as empty. */
static inline bool get_value(struct cursor *c, ajp_str *out)
{
    const uint8_t *at = c->p;
    if (!get_text(c, out)) {
        return false;
    }
    if (out->ptr == NULL) {
        if ((c->lenient & AJP_ALLOW_NULL_VALUE) == 0) {
            return cursor_fail(c, AJP_ERR_STRING, at);
        }
        c->canonical = false;
        *out = AJP_STR("");
    }
    return true;
}

#endif
