/* SPDX-License-Identifier: Apache-2.0 */
/* FORWARD_REQUEST and its attributes, written piece by piece. */
#include "header_names.h"
#include "writer.h"

/* Attributes of one string that no other function writes. */
static bool is_plain_attr(ajp_attr code)
{
    static const uint32_t others =
        1u << AJP_ATTR_NAMED | 1u << AJP_ATTR_SSL_KEY_SIZE | 1u << AJP_ATTR_STORED_METHOD | 1u;
    return (unsigned)code < AJP_ATTR_COUNT && (others >> (unsigned)code & 1) == 0;
}

static bool is_method(ajp_str method)
{
    return method.len > 0 &&
           ajp_in_token_scan((const uint8_t *)method.ptr, method.len) == method.len;
}

/* Bytes of the strings of a line, or more than any packet holds. */
static size_t line_size(const ajp_request_line *l)
{
    const size_t lens[] = {l->protocol.len, l->uri.len, l->remote_addr.len, l->remote_host.len,
                           l->server_name.len};
    size_t any = 0, sum = 0;
    for (int i = 0; i < 5; i++) {
        any |= lens[i];
        sum += lens[i] + 3;
    }
    sum -= (size_t)(l->remote_addr.ptr == NULL) + (l->remote_host.ptr == NULL) +
           (l->server_name.ptr == NULL);
    return any < 2u * AJP_PACKET_MAX ? sum : SIZE_MAX / 2;
}

static void put_line(ajp_writer *w, const ajp_request_line *line, uint8_t code)
{
    unsigned odd = 0;
    if (!writer_fits(w, 6 + 5, line_size(line), 0)) {
        return;
    }
    put16(w->p, 0x1234); /* the length comes at the end */
    w->p[4] = AJP_FORWARD_REQUEST;
    w->p[5] = code;
    uint8_t *p = place_text(w->p + 6, line->protocol, &odd);
    p = place_text(p, line->uri, &odd);
    p = place_nullable(p, line->remote_addr, &odd);
    p = place_nullable(p, line->remote_host, &odd);
    p = place_nullable(p, line->server_name, &odd);
    put16(p, line->server_port);
    p[2] = line->is_ssl;
    w->count_at = p + 3;
    put16(p + 3, 0);
    w->p = p + 5;
    if (RARELY(odd != 0)) {
        ajp_in_check_odd(w, line->protocol);
        ajp_in_check_odd(w, line->uri);
        ajp_in_check_odd(w, line->remote_addr);
        ajp_in_check_odd(w, line->remote_host);
        ajp_in_check_odd(w, line->server_name);
    }
}

void ajp_write_request(ajp_writer *w, const ajp_request_line *line)
{
    if (w->phase != PHASE_EMPTY || line->protocol.ptr == NULL || line->uri.len == 0) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return;
    }
    const uint8_t code = ajp_method_code(line->method);
    if (code == 0 && !is_method(line->method)) {
        ajp_in_writer_fail(w, AJP_ERR_METHOD);
        return;
    }
    w->phase = PHASE_REQUEST_HEADERS;
    w->stored = code != 0 ? AJP_NULL : line->method;
    put_line(w, line, code != 0 ? code : AJP_METHOD_STORED);
}

INLINE void put_attr(ajp_writer *w, ajp_attr code, ajp_str value)
{
    unsigned odd = 0;
    if (writer_fits(w, 4, value.len, 0)) {
        *w->p = (uint8_t)code;
        w->p = place_text(w->p + 1, value, &odd);
    }
    if (RARELY(odd != 0) && code != AJP_ATTR_SSL_CERT) { /* a certificate holds line ends */
        ajp_in_check_odd(w, value);
    }
}

void ajp_in_put_stored_method(ajp_writer *w, ajp_str method)
{
    put_attr(w, AJP_ATTR_STORED_METHOD, method);
}

void ajp_in_begin_attrs(ajp_writer *w)
{
    w->phase = PHASE_ATTRS;
    if (w->stored.ptr != NULL) {
        ajp_in_put_stored_method(w, w->stored);
    }
}

void ajp_write_attrs_only(ajp_writer *w)
{
    if (w->phase != PHASE_EMPTY) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return;
    }
    w->phase = PHASE_ATTRS_ONLY;
}

/* True when an attribute of that code may come next. */
INLINE bool open_attr(ajp_writer *w, ajp_attr code)
{
    if (w->phase == PHASE_REQUEST_HEADERS) {
        ajp_in_begin_attrs(w);
    }
    const uint32_t bit = 1u << (unsigned)code;
    if ((w->phase != PHASE_ATTRS && w->phase != PHASE_ATTRS_ONLY) ||
        (code != AJP_ATTR_NAMED && (w->seen & bit) != 0)) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return false;
    }
    w->seen |= bit;
    return true;
}

void ajp_write_attr(ajp_writer *w, ajp_attr code, ajp_str value)
{
    if (!is_plain_attr(code) || value.ptr == NULL) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return;
    }
    if (!open_attr(w, code)) {
        return;
    }
    put_attr(w, code, value);
}

void ajp_write_named(ajp_writer *w, ajp_str name, ajp_str value)
{
    unsigned odd = 0;
    if (name.len == 0 || value.ptr == NULL) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return;
    }
    if (!open_attr(w, AJP_ATTR_NAMED) || !writer_fits(w, 7, name.len, value.len)) {
        return;
    }
    *w->p = AJP_ATTR_NAMED;
    w->p = place_text(w->p + 1, name, &odd);
    w->p = place_text(w->p, value, &odd);
    if (RARELY(odd != 0)) {
        ajp_in_check_odd(w, name);
        ajp_in_check_odd(w, value);
    }
}

void ajp_write_key_size(ajp_writer *w, uint16_t bits)
{
    if (open_attr(w, AJP_ATTR_SSL_KEY_SIZE) && writer_fits(w, 3, 0, 0)) {
        w->p[0] = AJP_ATTR_SSL_KEY_SIZE;
        put16(w->p + 1, bits);
        w->p += 3;
    }
}
