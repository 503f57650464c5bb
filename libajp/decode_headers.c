/* SPDX-License-Identifier: Apache-2.0 */
/* The header block of both directions, and the headers that decide framing. */
#include "decode.h"
#include "header_names.h"

/* Facts about the block that no single header tells. */
struct block {
    const struct header_table *table;
    uint16_t *known;
    int64_t content_length;
    bool has_length, has_encoding;
};

static unsigned request_code(ajp_str name)
{
    return (unsigned)ajp_req_header_code(name);
}

static unsigned response_code(ajp_str name)
{
    return (unsigned)ajp_res_header_code(name);
}

const struct header_table request_headers = {req_header_names, AJP_REQ_HEADER_COUNT,
                                             AJP_REQ_CONTENT_LENGTH, request_code, true};
const struct header_table response_headers = {res_header_names, AJP_RES_HEADER_COUNT,
                                              AJP_RES_CONTENT_LENGTH, response_code, false};

/* The code of the name at the cursor, 0 for a name that has none. */
static inline bool read_name(struct cursor *c, struct block *b, unsigned *code)
{
    const uint8_t *at = c->p;
    if (cursor_left(c) < 2) {
        return cursor_fail(c, AJP_ERR_TRUNCATED, at);
    }
    const unsigned word = get16(at);
    if (word >= HEADER_CODE) {
        *code = word - HEADER_CODE;
        if (*code == 0 || *code >= b->table->count) {
            return cursor_fail(c, AJP_ERR_HEADER, at);
        }
        c->controls += is_control(at[1]);
        c->p = at + 2;
        return true;
    }
    ajp_str name;
    if (!get_text(c, &name)) {
        return false;
    }
    const size_t i = token_scan(bytes_of(name), name.len);
    if (name.len == 0 || i < name.len) {
        return cursor_fail(c, AJP_ERR_HEADER, bytes_of(name) + i);
    }
    *code = b->table->code(name);
    if (*code != 0) {
        c->canonical = false;
    } else if (b->table->request && same_name(name, AJP_STR("transfer-encoding"))) {
        b->has_encoding = true;
        if (b->has_length) {
            return cursor_fail(c, AJP_ERR_LENGTH, at);
        }
    }
    return true;
}

static bool take_length(struct cursor *c, struct block *b, ajp_str value, const uint8_t *at)
{
    if (b->has_length || b->has_encoding) {
        return cursor_fail(c, AJP_ERR_LENGTH, at);
    }
    b->has_length = true;
    b->content_length = decimal_of(bytes_of(value), value.len);
    return b->content_length >= 0 || cursor_fail(c, AJP_ERR_LENGTH, at);
}

static inline bool read_header(struct cursor *c, struct block *b)
{
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
    if (code != 0 && b->known[code] == 0) {
        b->known[code] = (uint16_t)(value_at - c->base);
    }
    return code != b->table->content_length || take_length(c, b, value, at);
}

bool read_headers(struct cursor *cursor, const struct header_table *t, uint16_t max,
                  ajp_fields *fields, uint16_t *known, int64_t *content_length)
{
    struct cursor c = *cursor; /* a copy that the compiler can keep in registers */
    struct block b = {t, known, -1, false, false};
    uint16_t count;
    bool ok = get_u16(&c, &count);
    if (ok && count > cursor_left(&c) / 4) { /* the smallest header takes 5 bytes */
        ok = cursor_fail(&c, AJP_ERR_TRUNCATED, c.p - 2);
    }
    if (ok && count > max) {
        ok = cursor_fail(&c, AJP_ERR_HEADER_LIMIT, c.p - 2);
    }
    if (ok) {
        fields->at = c.p;
        fields->names = t->names;
        fields->count = count;
    }
    for (unsigned i = 0; ok && i < count; i++) {
        ok = read_header(&c, &b);
    }
    *content_length = b.content_length;
    *cursor = c;
    return ok;
}
