/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of both directions, and the headers that decide framing.
 * Inlined into the walks over either message: see cursor.h. */
#ifndef AJP_DECODE_HEADERS_H
#define AJP_DECODE_HEADERS_H
#include "cursor.h"
#include "header_names.h"
#include <ajp/decode.h>

enum { FRAMED_BY_LENGTH = 1, FRAMED_BY_ENCODING = 2 };

/* What one direction knows about header names, and what a block tells. */
struct block {
    bool request;
    uint16_t *known; /* takes the offsets of first values */
    int64_t content_length;
    unsigned framing; /* FRAMED_ bits: in one word, since they are asked together */
};

/* A name that has a code, or is Transfer-Encoding, if its length does not rule it out. */
INLINE bool may_have_code(const struct block *b, ajp_str name)
{
    static const uint64_t lengths[2] = {
        1u << 4 | 1u << 6 | 1u << 8 | 0xfu << 10 | 1u << 14 | 1u << 16,
        1u << 4 | 3u << 6 | 1u << 10 | 0xfu << 12 | 1u << 17,
    };
    if ((lengths[b->request] >> name.len & 1) == 0) {
        return false;
    }
    return b->request ? req_code_of(name) != 0 || is_transfer_encoding(name)
                      : res_code_of(name) != 0;
}

INLINE unsigned code_count(const struct block *b)
{
    return b->request ? AJP_REQ_HEADER_COUNT : AJP_RES_HEADER_COUNT;
}

INLINE bool check_name(struct cursor *c, ajp_str name, const uint8_t *at)
{
    if (!check_text(c, name)) {
        return false;
    }
    const size_t i = ajp_in_token_scan(bytes_of(name), name.len);
    return (i == name.len && i > 0) || cursor_fail(c, AJP_ERR_HEADER, at + 2 + i);
}

/* A name that is spelled out: a token, perhaps one that has a code. */
INLINE bool read_spelled_name(struct cursor *c, struct block *b, unsigned *code)
{
    const uint8_t *at = c->p;
    ajp_str name;
    if (!get_opaque(c, &name)) {
        return false;
    }
    if (!check_name(c, name, at)) {
        return false;
    }
    *code = b->request ? req_code_of(name) : res_code_of(name);
    if (RARELY(*code != 0)) {
        c->canonical = false;
    } else if (b->request && RARELY(is_transfer_encoding(name))) {
        b->framing |= FRAMED_BY_ENCODING;
        if ((b->framing & FRAMED_BY_LENGTH) != 0) {
            return cursor_fail(c, AJP_ERR_LENGTH, at);
        }
    }
    return true;
}

/* The code of the name at the cursor, 0 for a name that has none. */
INLINE bool read_name(struct cursor *c, struct block *b, unsigned *code)
{
    const uint8_t *at = c->p;
    if (RARELY(cursor_left(c) < 2)) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, at);
    }
    const unsigned word = get16(at);
    if (word < HEADER_CODE) {
        return read_spelled_name(c, b, code);
    }
    *code = word - HEADER_CODE;
    if (RARELY(*code == 0 || *code >= code_count(b))) {
        return cursor_fail(c, AJP_ERR_HEADER, at);
    }
    c->p = at + 2;
    return true;
}

INLINE bool take_length(struct cursor *c, struct block *b, ajp_str value, const uint8_t *at)
{
    if (b->framing != 0) {
        return cursor_fail(c, AJP_ERR_LENGTH, at);
    }
    b->framing = FRAMED_BY_LENGTH;
    const uint8_t *end = bytes_of(value) + value.len;
    b->content_length = value.len - 1 < 8 && end - c->base >= 8
                            ? decimal_of_few(end, value.len)
                            : decimal_of(bytes_of(value), value.len);
    if (b->content_length < 0) {
        return cursor_fail(c, AJP_ERR_LENGTH, at);
    }
    return true;
}

/* The quick readings below take a name and its value at once, as nearly all peers
 * send them: no longer than 255 bytes. So a length is one byte, and the walk from
 * string to string, each of which waits for the length of the one before, has no
 * bytes to swap. False leaves the cursor where it was, for the careful reading. */

INLINE bool quick_coded(struct cursor *c, ajp_str *value)
{
    const uint8_t *p = c->p;
    const size_t n = p[3];
    if (RARELY(p[2] != 0) || RARELY(n + 5 > cursor_left(c)) || RARELY(p[4 + n] != 0)) {
        return false;
    }
    *value = ajp_str_of((const char *)p + 4, n);
    c->p = p + n + 5;
    return true;
}

/* A name of letters and dashes that has no code, with room for two loads of it. */
INLINE bool quick_spelled(struct cursor *c, const struct block *b, ajp_str *value)
{
    const uint8_t *p = c->p, *name = p + 2;
    const size_t left = cursor_left(c), n = p[1];
    if (RARELY(p[0] != 0) || RARELY(n - 1 >= NAME_QUICK) || RARELY(left < n + 6) ||
        RARELY(left < 2 + LANES) || RARELY(name[n] != 0)) {
        return false;
    }
    const uint8_t *q = p + n;
    const size_t len = q[4];
    if (RARELY(q[3] != 0) || RARELY(len + n + 6 > left) || RARELY(q[5 + len] != 0) ||
        RARELY(!name_is_quick(name, n)) ||
        RARELY(may_have_code(b, ajp_str_of((const char *)name, n)))) {
        return false;
    }
    *value = ajp_str_of((const char *)q + 5, len);
    c->p = q + len + 6;
    return true;
}

INLINE bool quick_header(struct cursor *c, const struct block *b, unsigned *code, ajp_str *value)
{
    const uint8_t *p = c->p;
    if (RARELY(cursor_left(c) < 5)) {
        return false;
    }
    if (p[0] == HEADER_CODE >> 8) {
        *code = p[1];
        return *code - 1 < code_count(b) - 1 && quick_coded(c, value);
    }
    *code = 0;
    return quick_spelled(c, b, value);
}

INLINE bool read_header(struct cursor *c, struct block *b)
{
    const unsigned length = b->request ? AJP_REQ_CONTENT_LENGTH : AJP_RES_CONTENT_LENGTH;
    const uint8_t *at = c->p, *value_at = at + 2;
    unsigned code;
    ajp_str value;
    if (quick_header(c, b, &code, &value)) {
        if (!check_text(c, value)) {
            return false;
        }
    } else {
        if (!read_name(c, b, &code)) {
            return false;
        }
        value_at = c->p;
        if (!get_value(c, &value)) {
            return false;
        }
    }
    if (b->request && code != 0 && b->known[code] == 0) {
        b->known[code] = (uint16_t)(value_at - c->base);
    }
    return !RARELY(code == length) || take_length(c, b, value, at);
}

/* Reads the count and the headers. */
INLINE bool read_headers(struct cursor *c, struct block *b, uint16_t max, ajp_fields *fields)
{
    uint16_t count;
    if (!get_u16(c, &count)) {
        return false;
    }
    if (RARELY(count > cursor_left(c) / 4)) { /* the smallest header takes 5 bytes */
        return cursor_fail(c, AJP_ERR_TRUNCATED, c->p - 2);
    }
    if (RARELY(count > max)) {
        return cursor_fail(c, AJP_ERR_HEADER_LIMIT, c->p - 2);
    }
    fields->at = c->p;
    fields->names = b->request ? ajp_in_req_header_names : ajp_in_res_header_names;
    fields->count = count;
    for (unsigned i = 0; i < count; i++) {
        if (RARELY(!read_header(c, b))) {
            return false;
        }
    }
    return true;
}

#endif
