/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of both directions, and the headers that decide framing.
 * Inlined into the walks over either message: see cursor.h. */
#ifndef AJP_DECODE_HEADERS_H
#define AJP_DECODE_HEADERS_H
#include "cursor.h"
#include "header_names.h"
#include <ajp/decode.h>

/* What one direction knows about header names, and what a block tells. */
struct block {
    bool request;
    uint16_t *known; /* takes the offsets of first values */
    int64_t content_length;
    bool has_length, has_encoding;
};

INLINE unsigned code_count(const struct block *b)
{
    return b->request ? AJP_REQ_HEADER_COUNT : AJP_RES_HEADER_COUNT;
}

/* A name that is spelled out: a token, perhaps one that has a code. */
INLINE bool read_spelled_name(struct cursor *c, struct block *b, unsigned *code)
{
    const uint8_t *at = c->p;
    ajp_str name;
    if (!get_text(c, &name)) {
        return false;
    }
    if (RARELY(name.len == 0) || RARELY(!token_is(bytes_of(name), name.len))) {
        const size_t i = ajp_in_token_scan(bytes_of(name), name.len);
        return cursor_fail(c, AJP_ERR_HEADER, at + 2 + i);
    }
    *code = b->request ? req_code_of(name) : res_code_of(name);
    if (RARELY(*code != 0)) {
        c->canonical = false;
    } else if (b->request && RARELY(is_transfer_encoding(name))) {
        b->has_encoding = true;
        if (b->has_length) {
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
    note_framing(c, at[1]);
    c->p = at + 2;
    return true;
}

INLINE bool take_length(struct cursor *c, struct block *b, ajp_str value, const uint8_t *at)
{
    if (b->has_length || b->has_encoding) {
        return cursor_fail(c, AJP_ERR_LENGTH, at);
    }
    b->has_length = true;
    b->content_length = decimal_of(bytes_of(value), value.len);
    if (b->content_length < 0) {
        return cursor_fail(c, AJP_ERR_LENGTH, at);
    }
    return true;
}

INLINE bool read_header(struct cursor *c, struct block *b)
{
    const unsigned length = b->request ? AJP_REQ_CONTENT_LENGTH : AJP_RES_CONTENT_LENGTH;
    const uint8_t *at = c->p;
    unsigned code;
    ajp_str value;
    if (!read_name(c, b, &code)) {
        return false;
    }
    const uint8_t *value_at = c->p;
    if (!get_value(c, &value)) {
        return false;
    }
    if (b->request && code != 0 && b->known[code] == 0) {
        b->known[code] = (uint16_t)(value_at - c->base);
    }
    return code != length || take_length(c, b, value, at);
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
