/* SPDX-License-Identifier: Apache-2.0 */
/* SEND_HEADERS: status, reason, headers. */
#include "decode.h"
#include "decode_headers.h"

INLINE bool read_reason(struct cursor *c, ajp_str *reason)
{
    if ((c->lenient & AJP_ALLOW_REASON) == 0) {
        return get_text(c, reason);
    }
    if (!get_opaque(c, reason)) {
        return false;
    }
    if (reason->len > 0 && text_scan(bytes_of(*reason), reason->len) < reason->len) {
        c->controls += (uint32_t)text_controls(bytes_of(*reason), reason->len);
        c->canonical = false;
        *reason = AJP_NULL;
    }
    return true;
}

INLINE bool walk(struct cursor *c, ajp_response *r, const ajp_limits *lim)
{
    struct block b = {false, NULL, -1, false, false};
    c->p++; /* the type byte */
    note_framing(c, AJP_SEND_HEADERS);
    if (!get_u16(c, &r->status)) {
        return false;
    }
    if (r->status < 100 || r->status > 999) {
        return cursor_fail(c, AJP_ERR_STATUS, c->p - 2);
    }
    if (!read_reason(c, &r->reason) || !read_headers(c, &b, lim->max_headers, &r->headers)) {
        return false;
    }
    r->content_length = b.content_length;
    return true;
}

/* The mode is set again in a copy, so that each walk is compiled for its own. */
static bool walk_any(struct cursor *c, void *out, const ajp_limits *lim)
{
    struct cursor own = *c;
    own.text = TEXT_ANY;
    const bool ok = walk(&own, out, lim);
    *c = own;
    return ok;
}

static bool walk_count(struct cursor *c, void *out, const ajp_limits *lim)
{
    struct cursor own = *c;
    own.text = TEXT_COUNT;
    const bool ok = walk(&own, out, lim);
    *c = own;
    return ok;
}

static bool walk_scan(struct cursor *c, void *out, const ajp_limits *lim)
{
    struct cursor own = *c;
    own.text = TEXT_SCAN;
    const bool ok = walk(&own, out, lim);
    *c = own;
    return ok;
}

ajp_status decode_response(ajp_message *m, const uint8_t *payload, uint16_t len,
                           const ajp_limits *lim)
{
    ajp_response *r = &m->u.response;
    static const struct walks walks = {walk_any, walk_count, walk_scan};
    struct cursor c = cursor_of(payload, len, lim->lenient, TEXT_ANY);
    const ajp_status st = checked_walk(&c, &walks, r, lim);
    if (st != AJP_OK) {
        m->fault = c.fault;
        return st;
    }
    r->payload = payload;
    r->payload_len = len;
    r->canonical = c.canonical && c.p == c.end;
    return check_slack(m, (size_t)(c.p - payload), len, lim->lenient);
}
