/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies, byte by byte through the framing and in runs through the data. No leniency:
 * a size that two parsers could read in two ways is how requests are smuggled. */
#include "http/h1_body.h"

#include "http/h1_rules.h"

enum chunk_state {
    CHUNK_SIZE,    /* digits, at least one */
    CHUNK_BLANK,   /* between the size and ';' */
    CHUNK_EXT,     /* behind ';' */
    CHUNK_SIZE_LF, /* CR of the size line seen */
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_LINE, /* begin of a trailer line, or the last CR */
    CHUNK_NAME,
    CHUNK_VALUE,
    CHUNK_VALUE_LF,
    CHUNK_LAST_LF,
    CHUNK_END,
};

/* Marks a byte that has no place here; no state of its own. */
enum { CHUNK_BAD = 255 };

static int on_size(struct h1_chunked *c, uint8_t b)
{
    if (h1_class[b] & H1_HEX) {
        unsigned digit = h1_class[b] & H1_DIGIT ? (unsigned)b - '0' : (b | 0x20u) - 'a' + 10;
        if (c->digits == 16 || c->left > (uint64_t)INT64_MAX >> 4)
            return CHUNK_BAD;
        c->digits++;
        c->left = c->left << 4 | digit;
        return CHUNK_SIZE;
    }
    if (c->digits == 0)
        return CHUNK_BAD;
    c->line = 0;
    switch (b) {
    case '\r':
        return CHUNK_SIZE_LF;
    case ';':
        return CHUNK_EXT;
    case ' ':
    case '\t': /* only an extension may have them before it (RFC 9112 7.1.1) */
        return CHUNK_BLANK;
    default: /* no size */
        return CHUNK_BAD;
    }
}

static int on_ext(struct h1_chunked *c, uint8_t b)
{
    if (b == '\r' && c->state == CHUNK_EXT)
        return CHUNK_SIZE_LF;
    if (c->line++ == H1_CHUNK_EXT_MAX)
        return CHUNK_BAD;
    if (c->state == CHUNK_BLANK)
        return b == ';' ? CHUNK_EXT : b == ' ' || b == '\t' ? CHUNK_BLANK : CHUNK_BAD;
    return h1_class[b] & H1_VALUE ? CHUNK_EXT : CHUNK_BAD;
}

static int on_trailer(struct h1_chunked *c, uint8_t b)
{
    if (c->line++ == H1_TRAILER_MAX)
        return CHUNK_BAD;
    switch (c->state) {
    case CHUNK_LINE:
        if (b == '\r')
            return CHUNK_LAST_LF;
        return h1_class[b] & H1_TOKEN ? CHUNK_NAME : CHUNK_BAD;
    case CHUNK_NAME:
        if (b == ':')
            return CHUNK_VALUE;
        return h1_class[b] & H1_TOKEN ? CHUNK_NAME : CHUNK_BAD;
    case CHUNK_VALUE:
        if (b == '\r')
            return CHUNK_VALUE_LF;
        return h1_class[b] & H1_VALUE ? CHUNK_VALUE : CHUNK_BAD;
    default: /* CHUNK_VALUE_LF */
        return b == '\n' ? CHUNK_LINE : CHUNK_BAD;
    }
}

/* The state behind one byte of framing. */
static int on_byte(struct h1_chunked *c, uint8_t b)
{
    switch (c->state) {
    case CHUNK_SIZE:
        return on_size(c, b);
    case CHUNK_BLANK:
    case CHUNK_EXT:
        return on_ext(c, b);
    case CHUNK_SIZE_LF:
        c->line = 0;
        if (b != '\n')
            return CHUNK_BAD;
        return c->left > 0 ? CHUNK_DATA : CHUNK_LINE;
    case CHUNK_DATA_CR:
        return b == '\r' ? CHUNK_DATA_LF : CHUNK_BAD;
    case CHUNK_DATA_LF:
        c->digits = 0;
        return b == '\n' ? CHUNK_SIZE : CHUNK_BAD;
    case CHUNK_LAST_LF:
        return b == '\n' ? CHUNK_END : CHUNK_BAD;
    default: /* the trailer's states; CHUNK_DATA and CHUNK_END are handled by the caller */
        return on_trailer(c, b);
    }
}

enum h1_result h1_chunked_next(struct h1_chunked *c, const uint8_t *in, size_t len, size_t *used,
                               const uint8_t **data, size_t *n, bool *end)
{
    size_t at = 0;

    *data = NULL;
    *n = 0;
    *end = false;
    while (at < len && c->state < CHUNK_END && c->state != CHUNK_DATA) {
        int next = on_byte(c, in[at]);
        if (next == CHUNK_BAD) {
            *used = at;
            c->state = CHUNK_BAD;
            return H1_BAD;
        }
        c->state = (uint8_t)next;
        at++;
    }
    *used = at;
    if (c->state == CHUNK_BAD)
        return H1_BAD;
    if (c->state == CHUNK_END) {
        *end = true;
        return H1_OK;
    }
    if (at == len)
        return H1_MORE;
    *data = in + at;
    *n = c->left < len - at ? (size_t)c->left : len - at;
    *used = at + *n;
    c->left -= *n;
    if (c->left == 0)
        c->state = CHUNK_DATA_CR;
    return H1_OK;
}

size_t h1_chunked_ahead(const struct h1_chunked *c, const uint8_t *in, size_t len, size_t max,
                        bool *end)
{
    struct h1_chunked ahead = *c;
    size_t total = 0, used, n;
    const uint8_t *data;

    *end = false;
    while (len > 0 && total < max && !*end &&
           h1_chunked_next(&ahead, in, len, &used, &data, &n, end) == H1_OK) {
        total += n;
        in += used;
        len -= used;
    }
    return total < max ? total : max;
}
