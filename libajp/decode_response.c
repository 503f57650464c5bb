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
    if (reason->len > 0 && ajp_in_text_scan(bytes_of(*reason), reason->len) < reason->len) {
        c->canonical = false;
        *reason = AJP_NULL;
    }
    return true;
}

INLINE bool walk(struct cursor *c, ajp_response *r, const ajp_limits *lim)
{
    struct block b = {false, NULL, -1, 0};
    c->p++; /* the type byte */
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

INLINE ajp_status decode(ajp_message *m, const uint8_t *payload, uint16_t len,
                         const ajp_limits *lim, bool any_text)
{
    ajp_response *r = &m->u.response;
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

ajp_status ajp_in_decode_response(ajp_message *m, const uint8_t *payload, uint16_t len,
                                  const ajp_limits *lim)
{
    return (lim->lenient & AJP_ALLOW_CONTROLS) != 0 ? decode_any(m, payload, len, lim)
                                                    : decode_text(m, payload, len, lim);
}
