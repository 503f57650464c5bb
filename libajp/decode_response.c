/* SPDX-License-Identifier: Apache-2.0 */
/* SEND_HEADERS: status, reason, headers. */
#include "decode.h"

static bool read_reason(struct cursor *c, ajp_str *reason)
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

static bool walk_response(struct cursor *c, void *out, const ajp_limits *lim)
{
    ajp_response *r = out;
    uint16_t known[AJP_RES_HEADER_COUNT] = {0};
    c->p++; /* the type byte */
    c->controls++;
    if (!get_u16(c, &r->status)) {
        return false;
    }
    if (r->status < 100 || r->status > 999) {
        return cursor_fail(c, AJP_ERR_STATUS, c->p - 2);
    }
    return read_reason(c, &r->reason) && read_headers(c, &response_headers, lim->max_headers,
                                                      &r->headers, known, &r->content_length);
}

ajp_status decode_response(ajp_message *m, const uint8_t *payload, uint16_t len,
                           const ajp_limits *lim)
{
    ajp_response *r = &m->u.response;
    struct cursor c;
    cursor_init(&c, payload, len, lim->lenient);
    const ajp_status st = checked_walk(&c, walk_response, r, lim);
    if (st != AJP_OK) {
        m->fault = c.fault;
        return st;
    }
    r->payload = payload;
    r->payload_len = len;
    r->canonical = c.canonical && c.p == c.end;
    return check_slack(m, (size_t)(c.p - payload), len, lim->lenient);
}
