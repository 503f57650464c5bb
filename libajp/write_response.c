/* SPDX-License-Identifier: Apache-2.0 */
/* SEND_HEADERS, and the headers of both directions. */
#include "header_names.h"
#include "writer.h"

void ajp_write_response(ajp_writer *w, uint16_t status, ajp_str reason)
{
    if (w->phase != PHASE_EMPTY) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return;
    }
    if (status < 100 || status > 999) {
        ajp_in_writer_fail(w, AJP_ERR_STATUS);
        return;
    }
    w->phase = PHASE_RESPONSE_HEADERS;
    if (!writer_fits(w, 4 + 1 + 2 + 3 + 2, reason.len, 0)) {
        return;
    }
    unsigned odd = 0;
    uint8_t *p = w->p;
    put16(p, 0x4142); /* the length comes at the end */
    p[4] = AJP_SEND_HEADERS;
    put16(p + 5, status);
    p = place_nullable(p + 7, reason, &odd);
    w->count_at = p;
    put16(p, 0);
    w->p = p + 2;
    if (odd != 0) {
        ajp_in_check_odd(w, reason);
    }
}

void ajp_write_header(ajp_writer *w, ajp_str name, ajp_str value)
{
    const bool request = w->phase == PHASE_REQUEST_HEADERS;
    if ((!request && w->phase != PHASE_RESPONSE_HEADERS) || value.ptr == NULL) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return;
    }
    if (name.len == 0 || name.len >= HEADER_CODE) {
        ajp_in_writer_fail(w, AJP_ERR_HEADER);
        return;
    }
    const unsigned code = request ? req_code_of(name) : res_code_of(name);
    if (!writer_fits(w, code != 0 ? 5 : 6, code != 0 ? 0 : name.len, value.len)) {
        return;
    }
    uint8_t *p = w->p;
    unsigned odd = 0;
    if (code != 0) {
        put16(p, HEADER_CODE + code);
        p += 2;
    } else {
        if (!token_is(name.ptr, name.len)) {
            ajp_in_writer_fail(w, AJP_ERR_HEADER);
            return;
        }
        p = place_name(p, name);
    }
    w->p = place_text(p, value, &odd);
    w->count++;
    if (odd != 0) {
        ajp_in_check_odd(w, value);
    }
}
