/* SPDX-License-Identifier: Apache-2.0 */
/* A received request sent on with other attributes: by reference when it was
 * canonical, as a fresh packet when it was not. */
#include "decode.h"
#include "mem.h"
#include "writer.h"
#include <ajp/iov.h>

/* Codes of which a request holds at most one attribute. */
static const uint32_t single_attrs = ((1u << AJP_ATTR_COUNT) - 2) & ~(1u << AJP_ATTR_NAMED);

static bool is_dropped(uint64_t drop, uint8_t index)
{
    return (drop >> index & 1) != 0; /* AJP_ATTRS_MAX is 64 */
}

/* What an attributes-only writer puts behind a code. */
static bool read_extra(struct cursor *c, uint8_t code)
{
    uint16_t bits;
    ajp_str value;
    switch (code) {
    case AJP_ATTR_SSL_KEY_SIZE:
        return get_u16(c, &bits);
    case AJP_ATTR_SSL_CERT: /* any bytes */
        return get_opaque(c, &value) && value.ptr != NULL;
    case AJP_ATTR_NAMED:
        return get_text(c, &value) && value.len > 0 && get_value(c, &value);
    default: /* one string */
        return get_value(c, &value);
    }
}

/* Codes of the attributes in extra, which must be whole ones and no method. */
static ajp_status extra_codes(const uint8_t *extra, size_t len, uint32_t *codes)
{
    if (len == 0) {
        return AJP_OK; /* extra may be null */
    }
    struct cursor c = cursor_of(extra, len, 0, false);
    while (cursor_left(&c) > 0) {
        const uint8_t code = *c.p++;
        if (code == 0 || code >= AJP_ATTR_STORED_METHOD ||
            (*codes & single_attrs & 1u << code) != 0 || !read_extra(&c, code)) {
            return AJP_ERR_ARG;
        }
        *codes |= 1u << code;
    }
    return AJP_OK;
}

/* The edit is sound when the result is a request: the stored method stays, and
 * nothing single comes twice. */
static ajp_status check_edit(const ajp_request *r, uint64_t drop, const void *extra,
                             size_t extra_len)
{
    uint32_t codes = 0;
    const ajp_status st = extra_codes(extra, extra_len, &codes);
    ajp_attrs it = r->attrs;
    ajp_attr_view a;
    if (st != AJP_OK) {
        return st;
    }
    while (ajp_attr_next(&it, &a)) {
        if (is_dropped(drop, a.index)) {
            if (a.code == AJP_ATTR_STORED_METHOD) {
                return AJP_ERR_ARG;
            }
        } else if ((unsigned)a.code < AJP_ATTR_COUNT &&
                   (codes & single_attrs & 1u << (unsigned)a.code) != 0) {
            return AJP_ERR_ARG;
        }
    }
    return AJP_OK;
}

/* Collects runs of the output, joining those that touch. */
struct runs {
    ajp_iov *iov;
    int count;
    size_t total;
};

static void add_run(struct runs *out, const void *base, size_t len)
{
    union {
        const void *in;
        void *out;
    } cast = {base}; /* writev's iovec has no const, and writes nothing */
    if (len == 0) {
        return;
    }
    out->total += len;
    if (out->count > 0) {
        ajp_iov *last = &out->iov[out->count - 1];
        if ((const uint8_t *)last->base + last->len == (const uint8_t *)base) {
            last->len += len;
            return;
        }
    }
    out->iov[out->count].base = cast.out;
    out->iov[out->count].len = len;
    out->count++;
}

ajp_status ajp_patch_iov(const ajp_request *r, uint64_t drop, const void *extra, size_t extra_len,
                         size_t max_packet, uint8_t head[4], ajp_iov iov[AJP_PATCH_IOV],
                         int *iovcnt)
{
    struct runs out = {iov, 0, 0};
    ajp_attrs it = r->attrs;
    ajp_attr_view a;
    const ajp_status st = r->canonical ? check_edit(r, drop, extra, extra_len) : AJP_ERR_ARG;
    if (st != AJP_OK) {
        return st;
    }
    add_run(&out, head, AJP_HEADER_SIZE);
    add_run(&out, r->payload, r->attrs_at);
    for (const uint8_t *at = it.at; ajp_attr_next(&it, &a); at = it.at) {
        if (!is_dropped(drop, a.index)) {
            add_run(&out, at, (size_t)(it.at - at));
        }
    }
    add_run(&out, extra, extra_len);
    add_run(&out, r->payload + r->end_at, 1);
    if (out.total > max_packet || out.total > AJP_PACKET_MAX) {
        return AJP_ERR_SPACE;
    }
    put16(head, 0x1234);
    put16(head + 2, out.total - AJP_HEADER_SIZE);
    *iovcnt = out.count;
    return AJP_OK;
}

static void copy_headers(ajp_writer *w, ajp_fields it)
{
    ajp_field h;
    while (ajp_field_next(&it, &h)) {
        ajp_write_header(w, h.name, h.value);
    }
}

static void copy_attr(ajp_writer *w, const ajp_attr_view *a)
{
    switch (a->code) {
    case AJP_ATTR_NAMED:
        ajp_write_named(w, a->name, a->value);
        break;
    case AJP_ATTR_SSL_KEY_SIZE:
        ajp_write_key_size(w, a->number);
        break;
    case AJP_ATTR_STORED_METHOD: /* where it stood, unless the method has a code */
        if (ajp_method_code(a->value) == 0) {
            ajp_in_put_stored_method(w, a->value);
        }
        break;
    default: /* one string; an unknown code, which leniency let in, goes no further */
        if ((unsigned)a->code < AJP_ATTR_COUNT && a->code != 0) {
            ajp_write_attr(w, a->code, a->value);
        }
        break;
    }
}

static void copy_extra(ajp_writer *w, const void *extra, size_t len)
{
    if (len > 0 && writer_fits(w, 0, len, 0)) {
        memcpy(w->p, extra, len);
        w->p += len;
    }
}

ajp_status ajp_reencode_request(const ajp_request *r, uint64_t drop, const void *extra,
                                size_t extra_len, uint8_t *out, size_t cap, size_t *len)
{
    const ajp_request_line line = {r->method,      r->protocol,    r->uri,         r->remote_addr,
                                   r->remote_host, r->server_name, r->server_port, r->is_ssl};
    ajp_writer w;
    ajp_attrs it = r->attrs;
    ajp_attr_view a;
    const ajp_status st = check_edit(r, drop, extra, extra_len);
    if (st != AJP_OK) {
        return st;
    }
    ajp_writer_init(&w, out, cap);
    ajp_write_request(&w, &line);
    w.stored = AJP_NULL; /* it comes again among the attributes */
    copy_headers(&w, r->headers);
    ajp_in_begin_attrs(&w);
    while (ajp_attr_next(&it, &a)) {
        if (!is_dropped(drop, a.index)) {
            copy_attr(&w, &a);
        }
    }
    copy_extra(&w, extra, extra_len);
    return ajp_writer_finish(&w, len);
}

ajp_status ajp_reencode_response(const ajp_response *r, uint8_t *out, size_t cap, size_t *len)
{
    ajp_writer w;
    ajp_writer_init(&w, out, cap);
    ajp_write_response(&w, r->status, r->reason);
    copy_headers(&w, r->headers);
    return ajp_writer_finish(&w, len);
}
