/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of both directions, and the headers that decide framing.
 * Inlined into the walks over either message: see cursor.h. */
#ifndef AJP_DECODE_HEADERS_H
#define AJP_DECODE_HEADERS_H
#include "cursor.h"
#include "header_names.h"
#include <ajp/decode.h>

enum { FRAMED_BY_LENGTH = 1, FRAMED_BY_ENCODING = 2 };

/* A name and a value that a quick reading begins have room for a load each. */
enum { QUICK_LEFT = 1 + 2 + 1 + 2 + LANES };

/* What one direction knows about header names, and what a block tells. */
struct block {
    bool request;
    uint16_t *known; /* takes the offsets of first values, of a request */
    int64_t content_length;
    unsigned framing; /* FRAMED_ bits: in one word, since they are asked together */
};

/* A name of letters and dashes, up to NAME_QUICK, that has a code, or is Transfer-Encoding:
 * first letter and length rule out nearly all others. */
INLINE bool may_have_code(bool request, ajp_str name)
{
    const uint32_t *lengths = request ? ajp_in_req_lengths : ajp_in_res_lengths;
    if (((uint64_t)lengths[first_of(name) % 32] >> name.len & 1) == 0) {
        return false;
    }
    return request ? req_code_of(name) != 0 || is_transfer_encoding(name) : res_code_of(name) != 0;
}

INLINE unsigned code_count(bool request)
{
    return request ? AJP_REQ_HEADER_COUNT : AJP_RES_HEADER_COUNT;
}

INLINE unsigned length_code(bool request)
{
    return request ? AJP_REQ_CONTENT_LENGTH : AJP_RES_CONTENT_LENGTH;
}

/* Keeps where the first value of a coded name stands. */
INLINE void note_known(const struct cursor *c, const struct block *b, unsigned code,
                       const uint8_t *value)
{
    if (b->request && b->known[code] == 0) {
        b->known[code] = (uint16_t)(value - c->base);
    }
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
    if (RARELY(*code == 0 || *code >= code_count(b->request))) {
        return cursor_fail(c, AJP_ERR_HEADER, at);
    }
    c->p = at + 2;
    return true;
}

/* Takes a Content-Length; false if it is none, or the framing was told before. */
INLINE bool take_length(const struct cursor *c, struct block *b, const uint8_t *value, size_t n)
{
    const uint8_t *end = value + n;
    if (b->framing != 0) {
        return false;
    }
    const int64_t length =
        n - 1 < 8 && end - c->base >= 8 ? decimal_of_few(end, n) : decimal_of(value, n);
    if (length < 0) {
        return false;
    }
    b->framing = FRAMED_BY_LENGTH;
    b->content_length = length;
    return true;
}

/* One more of them, where that is allowed: it says no more than that there are several. */
INLINE bool take_another_length(struct cursor *c, struct block *b, ajp_str value)
{
    if (!b->request || b->framing != FRAMED_BY_LENGTH ||
        (c->lenient & AJP_ALLOW_TWO_LENGTHS) == 0 || decimal_of(bytes_of(value), value.len) < 0) {
        return false;
    }
    c->canonical = false;
    b->content_length = AJP_LENGTH_UNSURE;
    return true;
}

/* The text of a value. That of a response may hold controls where they are let through. */
INLINE bool check_value(struct cursor *c, const struct block *b, ajp_str value)
{
    if (b->request || (c->lenient & AJP_ALLOW_VALUE_CONTROLS) == 0) {
        return check_text(c, value);
    }
    if (value.len > 0 && !text_is_usual(bytes_of(value), value.len, c->base, c->end) &&
        ajp_in_text_scan(bytes_of(value), value.len) < value.len) {
        c->canonical = false;
    }
    return true;
}

/* A header that is read the careful way: anything may be odd about it. */
INLINE bool read_header(struct cursor *c, struct block *b)
{
    const uint8_t *at = c->p;
    unsigned code;
    ajp_str value;
    if (!read_name(c, b, &code)) {
        return false;
    }
    const uint8_t *value_at = c->p;
    if (!get_opaque_value(c, &value) || !check_value(c, b, value)) {
        return false;
    }
    if (code != 0) {
        note_known(c, b, code, value_at);
    }
    return code != length_code(b->request) || take_length(c, b, bytes_of(value), value.len) ||
           take_another_length(c, b, value) || cursor_fail(c, AJP_ERR_LENGTH, at);
}

/* A coded name and its value, behind the byte at z; its last byte, or NULL. */
INLINE const uint8_t *quick_coded(const struct cursor *c, struct block *b, const uint8_t *z,
                                  size_t room)
{
    const unsigned code = z[2] | (unsigned)z[3] << 8; /* none, if the value is a long one */
    const size_t n = z[4];
    if (RARELY(code - 1 >= code_count(b->request) - 1) || RARELY(room - 6 < n) ||
        RARELY(z[5 + n] != 0) || (!c->any_text && RARELY(text_odd(z + 5, n) != 0))) {
        return NULL;
    }
    note_known(c, b, code, z + 3);
    if (RARELY(code == length_code(b->request)) && !take_length(c, b, z + 5, n)) {
        return NULL; /* to be found again, and told */
    }
    return z + n + 5;
}

/* The same of a spelled name. */
INLINE const uint8_t *quick_spelled(const struct cursor *c, const struct block *b, const uint8_t *z,
                                    size_t room)
{
    const size_t n = z[2];
    if (RARELY(z[1] != 0) || RARELY(n - 1 >= NAME_QUICK) || RARELY(room - QUICK_LEFT < n) ||
        RARELY(z[3 + n] != 0) || RARELY(name_odd(z + 3, n) != 0) ||
        RARELY(may_have_code(b->request, ajp_str_of((const char *)z + 3, n)))) {
        return NULL;
    }
    const uint8_t *y = z + n + 3;
    const size_t len = y[2];
    if (RARELY(y[1] != 0) || RARELY(room - n - 7 < len) || RARELY(y[3 + len] != 0) ||
        (!c->any_text && RARELY(text_odd(y + 3, len) != 0))) {
        return NULL;
    }
    return y + len + 3;
}

/* Reads up to left headers of a block as nearly all peers send them: strings no longer
 * than 255 bytes, of plain text, names of letters and dashes. So a length is one byte,
 * and the walk from string to string, each of which waits for the length of the one
 * before, has no bytes to swap. Stops before the first header that is anything else, and
 * returns how many are left. */
INLINE unsigned quick_headers(struct cursor *c, struct block *b, unsigned left)
{
    const uint8_t *z = c->p - 1; /* each turn costs one addition less than from c->p */
    for (; left > 0; left--) {
        const size_t room = (size_t)(c->end - z);
        if (RARELY(room < QUICK_LEFT)) {
            break;
        }
        const uint8_t *next =
            z[1] == HEADER_CODE >> 8 ? quick_coded(c, b, z, room) : quick_spelled(c, b, z, room);
        if (RARELY(next == NULL)) {
            break;
        }
        z = next;
    }
    c->p = z + 1;
    return left;
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
    for (unsigned left = count; (left = quick_headers(c, b, left)) > 0; left--) {
        if (!read_header(c, b)) {
            return false;
        }
    }
    return true;
}

#endif
