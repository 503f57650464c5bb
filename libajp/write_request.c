/* SPDX-License-Identifier: Apache-2.0 */
/* FORWARD_REQUEST and its attributes, written piece by piece. */
#include "header_names.h"
#include "writer.h"

/* Attributes that may stand more than once, or are written by another function. */
static bool is_plain_attr(ajp_attr code)
{
    return (unsigned)code >= AJP_ATTR_CONTEXT && (unsigned)code < AJP_ATTR_COUNT &&
           code != AJP_ATTR_NAMED && code != AJP_ATTR_SSL_KEY_SIZE &&
           code != AJP_ATTR_STORED_METHOD;
}

void ajp_write_request(ajp_writer *w, const ajp_request_line *line)
{
    if (w->phase != PHASE_EMPTY || line->protocol.ptr == NULL || line->uri.len == 0) {
        writer_fail(w, AJP_ERR_ARG);
        return;
    }
    const uint8_t code = ajp_method_code(line->method);
    if (code == 0) {
        if (line->method.len == 0 ||
            token_scan((const uint8_t *)line->method.ptr, line->method.len) < line->method.len) {
            writer_fail(w, AJP_ERR_METHOD);
            return;
        }
        w->stored = line->method;
    }
    w->phase = PHASE_REQUEST_HEADERS;
    put_u16(w, 0x1234);
    put_u16(w, 0); /* the length: filled in at the end */
    w->controls = 0;
    put_u8(w, AJP_FORWARD_REQUEST);
    put_u8(w, code != 0 ? code : AJP_METHOD_STORED);
    put_string(w, line->protocol);
    put_string(w, line->uri);
    put_string(w, line->remote_addr);
    put_string(w, line->remote_host);
    put_string(w, line->server_name);
    put_u16(w, line->server_port);
    put_u8(w, line->is_ssl);
    w->count_at = w->p;
    put_u16(w, 0); /* the count: filled in at the end */
}

void begin_attrs(ajp_writer *w)
{
    w->phase = PHASE_ATTRS;
    if (w->stored.ptr != NULL) {
        put_attr(w, AJP_ATTR_STORED_METHOD, w->stored);
    }
}

void put_attr(ajp_writer *w, uint8_t code, ajp_str value)
{
    put_u8(w, code);
    put_string(w, value);
}

void ajp_write_attrs_only(ajp_writer *w)
{
    if (w->phase != PHASE_EMPTY) {
        writer_fail(w, AJP_ERR_ARG);
        return;
    }
    w->phase = PHASE_ATTRS_ONLY;
}

/* True when an attribute of that code may come next. */
static bool open_attr(ajp_writer *w, ajp_attr code)
{
    if (w->phase == PHASE_REQUEST_HEADERS) {
        begin_attrs(w);
    }
    const uint32_t bit = 1u << (unsigned)code;
    if ((w->phase != PHASE_ATTRS && w->phase != PHASE_ATTRS_ONLY) ||
        (code != AJP_ATTR_NAMED && (w->seen & bit) != 0)) {
        writer_fail(w, AJP_ERR_ARG);
        return false;
    }
    w->seen |= bit;
    return true;
}

/* A certificate holds line ends: its controls count as framing. */
static void put_cert(ajp_writer *w, ajp_str cert)
{
    put_attr(w, AJP_ATTR_SSL_CERT, cert);
    if (w->st == AJP_OK) {
        w->controls += (uint32_t)text_controls((const uint8_t *)cert.ptr, cert.len);
    }
}

void ajp_write_attr(ajp_writer *w, ajp_attr code, ajp_str value)
{
    if (!is_plain_attr(code) || value.ptr == NULL) {
        writer_fail(w, AJP_ERR_ARG);
    } else if (open_attr(w, code)) {
        if (code == AJP_ATTR_SSL_CERT) {
            put_cert(w, value);
        } else {
            put_attr(w, (uint8_t)code, value);
        }
    }
}

void ajp_write_named(ajp_writer *w, ajp_str name, ajp_str value)
{
    if (name.len == 0 || value.ptr == NULL) {
        writer_fail(w, AJP_ERR_ARG);
    } else if (open_attr(w, AJP_ATTR_NAMED)) {
        put_attr(w, AJP_ATTR_NAMED, name);
        put_string(w, value);
    }
}

void ajp_write_key_size(ajp_writer *w, uint16_t bits)
{
    if (open_attr(w, AJP_ATTR_SSL_KEY_SIZE)) {
        put_u8(w, AJP_ATTR_SSL_KEY_SIZE);
        put_u16(w, bits);
    }
}
