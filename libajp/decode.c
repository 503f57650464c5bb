/* SPDX-License-Identifier: Apache-2.0 */
/* From a frame to a message: the type byte, the small messages, the dispatch. */
#include "decode.h"
#include "compiler.h"

/* The small messages have functions of their own, so that the large ones are reached by a
 * jump, with no register saved. */

OWN ajp_status decode_body(ajp_message *m, const ajp_frame *f, uint32_t lenient)
{
    const bool chunk = m->kind == AJP_BODY_CHUNK;
    const size_t head = f->len == 0 ? 0 : chunk ? 3 : 2;
    struct body_shape shape;
    const ajp_status st = chunk ? ajp_in_chunk_shape(&shape, f->payload, f->len, lenient)
                                : ajp_in_data_shape(&shape, f->payload, f->len, lenient);
    if (st != AJP_OK) {
        m->fault = shape.fault;
        return st;
    }
    const uint8_t *tail = f->payload + head + shape.packet;
    if (chunk && shape.tail == 1 && *tail != 0 && (lenient & AJP_ALLOW_TERMINATOR) == 0 &&
        (lenient & AJP_ALLOW_TRAILING) == 0) {
        m->fault = (uint16_t)(tail - f->payload);
        return AJP_ERR_STRING;
    }
    m->slack = (uint16_t)(chunk && shape.tail > 0 ? shape.tail - 1 : shape.tail);
    m->u.body.data = f->payload + head;
    m->u.body.len = shape.packet;
    m->u.body.packet = shape.packet;
    m->u.body.first = true;
    m->u.body.complete = true;
    return AJP_OK;
}

OWN ajp_status decode_end(ajp_message *m, const ajp_frame *f, uint32_t lenient)
{
    const bool any = (lenient & AJP_ALLOW_ANY_BOOL) != 0;
    if (f->len < 2) {
        m->fault = f->len;
        m->u.reuse = false;
        return any ? AJP_OK : AJP_ERR_TRUNCATED;
    }
    if (f->payload[1] > 1 && !any) {
        m->fault = 1;
        return AJP_ERR_BOOL;
    }
    m->u.reuse = f->payload[1] == 1;
    return check_slack(m, 2, f->len, lenient);
}

OWN ajp_status decode_get_body(ajp_message *m, const ajp_frame *f, uint32_t lenient)
{
    if (f->len < 3) {
        m->fault = f->len;
        return AJP_ERR_TRUNCATED;
    }
    m->u.wanted = get16(f->payload + 1);
    return check_slack(m, 3, f->len, lenient);
}

static ajp_status bad_kind(ajp_message *m)
{
    m->fault = 0;
    return AJP_ERR_KIND;
}

static ajp_status decode_to_container(ajp_message *m, const ajp_frame *f, const ajp_limits *lim)
{
    switch (m->kind) {
    case AJP_FORWARD_REQUEST:
        return ajp_in_decode_request(m, f->payload, f->len, lim);
    case AJP_CPING:
    case AJP_PING:
    case AJP_SHUTDOWN:
        return check_slack(m, 1, f->len, lim->lenient);
    default: /* the container's messages, and unknown types */
        return bad_kind(m);
    }
}

static ajp_status decode_to_server(ajp_message *m, const ajp_frame *f, const ajp_limits *lim)
{
    switch (m->kind) {
    case AJP_SEND_HEADERS:
        return ajp_in_decode_response(m, f->payload, f->len, lim);
    case AJP_BODY_CHUNK:
        return decode_body(m, f, lim->lenient);
    case AJP_END_RESPONSE:
        return decode_end(m, f, lim->lenient);
    case AJP_GET_BODY:
        return decode_get_body(m, f, lim->lenient);
    case AJP_CPONG:
        return check_slack(m, 1, f->len, lim->lenient);
    default: /* the web server's messages, and unknown types */
        return bad_kind(m);
    }
}

ajp_status ajp_decode(ajp_message *m, const ajp_frame *f, bool expect_data, const ajp_limits *lim)
{
    lim = limits_or_default(lim);
    m->fault = 0;
    m->slack = 0;
    if (expect_data && f->dir == AJP_TO_CONTAINER) {
        m->kind = AJP_DATA;
        return decode_body(m, f, lim->lenient);
    }
    if (f->len == 0) {
        m->kind = AJP_DATA;
        return AJP_ERR_TRUNCATED;
    }
    m->kind = (ajp_kind)f->payload[0];
    return f->dir == AJP_TO_CONTAINER ? decode_to_container(m, f, lim)
                                      : decode_to_server(m, f, lim);
}
