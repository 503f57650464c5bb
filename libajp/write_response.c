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

/* The value of a header whose name ends at p. */
INLINE void put_value(ajp_writer *w, uint8_t *p, ajp_str value)
{
    unsigned odd = 0;
    w->p = place_text(p, value, &odd);
    w->count++;
    if (RARELY(odd != 0)) {
        ajp_in_check_odd(w, value);
    }
}

/* A header for which there is room, and whose name is long, or more than letters. */
OWN void put_odd_header(ajp_writer *w, ajp_str name, ajp_str value)
{
    if (ajp_in_token_scan((const uint8_t *)name.ptr, name.len) < name.len) {
        ajp_in_writer_fail(w, AJP_ERR_HEADER);
        return;
    }
    put16(w->p, name.len);
    memcpy(w->p + 2, name.ptr, name.len);
    w->p[2 + name.len] = 0;
    put_value(w, w->p + 3 + name.len, value);
}

/* All calls from here come last, so that no register need be saved. */
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
    uint8_t *p = w->p;
    if (code != 0) {
        if (writer_fits(w, 5, 0, value.len)) {
            put16(p, HEADER_CODE + code);
            put_value(w, p + 2, value);
        }
        return;
    }
    if (!writer_fits(w, 6, name.len, value.len)) {
        return;
    }
    if (RARELY(copy_name(p + 2, name.ptr, name.len) != 0)) {
        put_odd_header(w, name, value);
        return;
    }
    put16(p, name.len);
    p[2 + name.len] = 0;
    put_value(w, p + 3 + name.len, value);
}

void ajp_write_length(ajp_writer *w, uint64_t n)
{
    const bool request = w->phase == PHASE_REQUEST_HEADERS;
    char digits[20];
    size_t at = sizeof digits;
    if (!request && w->phase != PHASE_RESPONSE_HEADERS) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
        return;
    }
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    const size_t len = sizeof digits - at;
    uint8_t *p = w->p;
    if (!writer_fits(w, 5, 0, len)) {
        return;
    }
    put16(p, HEADER_CODE + (request ? AJP_REQ_CONTENT_LENGTH : AJP_RES_CONTENT_LENGTH));
    put16(p + 2, len);
    for (p += 4; at < sizeof digits; at++) {
        *p++ = (uint8_t)digits[at];
    }
    *p = 0;
    w->p = p + 1;
    w->count++;
}
