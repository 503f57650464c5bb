/* SPDX-License-Identifier: Apache-2.0 */
/* SEND_HEADERS, and the headers of both directions. */
#include "header_names.h"
#include "writer.h"

void ajp_write_response(ajp_writer *w, uint16_t status, ajp_str reason)
{
    if (w->phase != PHASE_EMPTY) {
        writer_fail(w, AJP_ERR_ARG);
        return;
    }
    if (status < 100 || status > 999) {
        writer_fail(w, AJP_ERR_STATUS);
        return;
    }
    w->phase = PHASE_RESPONSE_HEADERS;
    put_u16(w, 0x4142);
    put_u16(w, 0); /* the length: filled in at the end */
    w->controls = 0;
    put_u8(w, AJP_SEND_HEADERS);
    put_u16(w, status);
    put_string(w, reason);
    w->count_at = w->p;
    put_u16(w, 0); /* the count: filled in at the end */
}

void ajp_write_header(ajp_writer *w, ajp_str name, ajp_str value)
{
    unsigned code;
    if (w->phase == PHASE_REQUEST_HEADERS) {
        code = (unsigned)ajp_req_header_code(name);
    } else if (w->phase == PHASE_RESPONSE_HEADERS) {
        code = (unsigned)ajp_res_header_code(name);
    } else {
        writer_fail(w, AJP_ERR_ARG);
        return;
    }
    if (value.ptr == NULL || w->count == UINT16_MAX) {
        writer_fail(w, AJP_ERR_ARG);
        return;
    }
    if (code != 0) {
        put_u16(w, HEADER_CODE + code);
    } else if (name.len == 0 || name.len >= HEADER_CODE ||
               token_scan((const uint8_t *)name.ptr, name.len) < name.len) {
        writer_fail(w, AJP_ERR_HEADER);
        return;
    } else {
        put_string(w, name);
    }
    put_string(w, value);
    w->count++;
}
