/* SPDX-License-Identifier: Apache-2.0 */
/* FORWARD_REQUEST: request line, headers, attributes. */
#include "decode.h"
#include "decode_headers.h"
#include "mem.h"

size_t ajp_in_key_size_text(const uint8_t *p, size_t left)
{
    if (left < 4) {
        return 0;
    }
    const size_t n = get16(p);
    if (n == 0 || n > 4 || left < n + 3 || p[2 + n] != 0) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[2 + i])) {
            return 0;
        }
    }
    return n;
}

INLINE bool read_line(struct cursor *c, ajp_request *r)
{
    if (!get_u8(c, &r->method_code)) {
        return false;
    }
    if (r->method_code != AJP_METHOD_STORED) {
        if (r->method_code == 0 || r->method_code > AJP_METHOD_MAX) {
            return cursor_fail(c, AJP_ERR_METHOD, c->p - 1);
        }
        r->method = ajp_method_name(r->method_code);
    }
    const uint8_t *protocol_at = c->p;
    if (!get_text(c, &r->protocol)) {
        return false;
    }
    if (r->protocol.ptr == NULL) {
        return cursor_fail(c, AJP_ERR_STRING, protocol_at);
    }
    const uint8_t *uri_at = c->p;
    if (!get_text(c, &r->uri)) {
        return false;
    }
    if (r->uri.len == 0) { /* null, or empty */
        return cursor_fail(c, AJP_ERR_STRING, uri_at);
    }
    return get_text(c, &r->remote_addr) && get_text(c, &r->remote_host) &&
           get_text(c, &r->server_name) && get_u16(c, &r->server_port) && get_bool(c, &r->is_ssl);
}

INLINE bool read_key_size(struct cursor *c)
{
    const size_t digits = ajp_in_key_size_text(c->p, cursor_left(c));
    uint16_t bits;
    ajp_str text;
    if (digits == 0) {
        return get_u16(c, &bits);
    }
    if ((c->lenient & AJP_ALLOW_TEXT_KEY_SIZE) == 0) {
        return cursor_fail(c, AJP_ERR_ATTR, c->p);
    }
    c->canonical = false;
    return get_opaque(c, &text);
}

INLINE bool read_stored_method(struct cursor *c, ajp_request *r, const uint8_t *at)
{
    if (r->method_code != AJP_METHOD_STORED) {
        return cursor_fail(c, AJP_ERR_METHOD, at);
    }
    if (!get_value(c, &r->method)) {
        return false;
    }
    const size_t i = ajp_in_token_scan(bytes_of(r->method), r->method.len);
    if (r->method.len == 0) {
        return cursor_fail(c, AJP_ERR_METHOD, at);
    }
    if (i < r->method.len) {
        return cursor_fail(c, AJP_ERR_METHOD, bytes_of(r->method) + i);
    }
    if (ajp_method_code(r->method) != 0) {
        c->canonical = false;
    }
    return true;
}

INLINE bool read_named(struct cursor *c)
{
    ajp_str name, value;
    const uint8_t *at = c->p;
    if (!get_text(c, &name)) {
        return false;
    }
    if (name.len == 0) { /* null, or empty */
        return cursor_fail(c, AJP_ERR_ATTR, at);
    }
    return get_value(c, &value);
}

/* A certificate holds line ends, and whatever else: its text is not looked at. */
INLINE bool read_cert(struct cursor *c)
{
    const uint8_t *at = c->p;
    ajp_str cert;
    if (!get_opaque(c, &cert)) {
        return false;
    }
    if (cert.ptr != NULL) {
        return true;
    }
    c->canonical = false;
    if ((c->lenient & AJP_ALLOW_NULL_VALUE) == 0) {
        return cursor_fail(c, AJP_ERR_STRING, at);
    }
    return true;
}

INLINE bool read_unknown_attr(struct cursor *c, const uint8_t *at)
{
    ajp_str value;
    c->canonical = false;
    /* a digit is never a code: see ajp_in_key_size_text */
    if ((c->lenient & AJP_ALLOW_UNKNOWN_ATTR) == 0 || is_digit(*at)) {
        return cursor_fail(c, AJP_ERR_ATTR, at);
    }
    return get_value(c, &value);
}

INLINE bool read_attr(struct cursor *c, ajp_request *r, uint8_t code)
{
    const uint8_t *at = c->p - 1;
    ajp_str value;
    if (code == 0 || code >= AJP_ATTR_COUNT) {
        return read_unknown_attr(c, at);
    }
    if (r->known_attr[code] == 0) {
        r->known_attr[code] = (uint16_t)(c->p - c->base);
    } else if (code != AJP_ATTR_NAMED) {
        return cursor_fail(c, AJP_ERR_ATTR, at);
    }
    switch (code) {
    case AJP_ATTR_NAMED:
        return read_named(c);
    case AJP_ATTR_SSL_KEY_SIZE:
        return read_key_size(c);
    case AJP_ATTR_STORED_METHOD:
        return read_stored_method(c, r, at);
    case AJP_ATTR_SSL_CERT:
        return read_cert(c);
    default: /* the other codes carry one string */
        return get_value(c, &value);
    }
}

INLINE bool read_attrs(struct cursor *c, ajp_request *r, unsigned max)
{
    uint8_t code;
    if (max > AJP_ATTRS_MAX) {
        max = AJP_ATTRS_MAX;
    }
    r->attrs.at = c->p;
    r->attrs.index = 0;
    r->attrs_at = (uint16_t)(c->p - c->base);
    for (unsigned n = 0;; n++) {
        if (!get_u8(c, &code)) {
            return false;
        }
        if (code == AJP_ATTR_END) {
            break;
        }
        if (n == max) {
            return cursor_fail(c, AJP_ERR_ATTR_LIMIT, c->p - 1);
        }
        if (!read_attr(c, r, code)) {
            return false;
        }
    }
    r->end_at = (uint16_t)(c->p - 1 - c->base);
    return true;
}

INLINE bool walk(struct cursor *c, ajp_request *r, const ajp_limits *lim)
{
    struct block b = {true, r->known_header, -1, 0};
    memset(r->known_header, 0, sizeof r->known_header);
    memset(r->known_attr, 0, sizeof r->known_attr);
    c->p++; /* the type byte */
    if (!read_line(c, r) || !read_headers(c, &b, lim->max_headers, &r->headers) ||
        !read_attrs(c, r, lim->max_attrs)) {
        return false;
    }
    r->content_length = b.content_length;
    if (r->method_code == AJP_METHOD_STORED && r->known_attr[AJP_ATTR_STORED_METHOD] == 0) {
        return cursor_fail(c, AJP_ERR_METHOD, c->base + 1);
    }
    return true;
}

INLINE ajp_status decode(ajp_message *m, const uint8_t *payload, uint16_t len,
                         const ajp_limits *lim, bool any_text)
{
    ajp_request *r = &m->u.request;
    struct cursor c = cursor_of(payload, len, lim->lenient, any_text);
    if (RARELY(!walk(&c, r, lim))) {
        m->fault = c.fault;
        return c.st;
    }
    r->payload = payload;
    r->payload_len = len;
    r->canonical = c.canonical && !any_text && c.p == c.end; /* nobody looked for controls */
    return check_slack(m, (size_t)(c.p - payload), len, lim->lenient);
}

/* Two copies, each compiled for its own way with text. */
OWN ajp_status decode_any(ajp_message *m, const uint8_t *payload, uint16_t len,
                          const ajp_limits *lim)
{
    return decode(m, payload, len, lim, true);
}

OWN ajp_status decode_text(ajp_message *m, const uint8_t *payload, uint16_t len,
                           const ajp_limits *lim)
{
    return decode(m, payload, len, lim, false);
}

ajp_status ajp_in_decode_request(ajp_message *m, const uint8_t *payload, uint16_t len,
                                 const ajp_limits *lim)
{
    return (lim->lenient & AJP_ALLOW_CONTROLS) != 0 ? decode_any(m, payload, len, lim)
                                                    : decode_text(m, payload, len, lim);
}
