/* SPDX-License-Identifier: Apache-2.0 */
/* The sticky writer: room, checked puts, and the end that fills in the lengths. */
#include "writer.h"

void ajp_in_writer_fail(ajp_writer *w, ajp_status st)
{
    if (w->st == AJP_OK) {
        w->st = st;
        w->end = w->p;
    }
}

void ajp_writer_init(ajp_writer *w, void *buf, size_t cap)
{
    if (cap > AJP_PACKET_MAX) {
        cap = AJP_PACKET_MAX;
    }
    w->base = w->p = buf;
    w->end = cap > 0 ? w->base + cap : w->base;
    w->count_at = NULL;
    w->stored = AJP_NULL;
    w->seen = 0;
    w->count = 0;
    w->phase = PHASE_EMPTY;
    w->st = AJP_OK;
}

void ajp_in_check_odd(ajp_writer *w, ajp_str text)
{
    if (ajp_in_text_scan((const uint8_t *)text.ptr, text.len) < text.len) {
        ajp_in_writer_fail(w, AJP_ERR_TEXT);
    }
}

ajp_status ajp_writer_finish(ajp_writer *w, size_t *len)
{
    const size_t head = w->phase == PHASE_ATTRS_ONLY ? 0 : AJP_HEADER_SIZE;
    if (w->phase == PHASE_REQUEST_HEADERS) {
        ajp_in_begin_attrs(w);
    }
    if (w->phase == PHASE_ATTRS && writer_fits(w, 1, 0, 0)) {
        *w->p++ = AJP_ATTR_END;
    }
    if (w->phase == PHASE_EMPTY || w->phase == PHASE_DONE) {
        ajp_in_writer_fail(w, AJP_ERR_ARG);
    }
    if (w->st != AJP_OK) {
        return w->st;
    }
    if (head > 0) {
        put16(w->base + 2, (size_t)(w->p - w->base) - head);
        put16(w->count_at, w->count);
    }
    w->phase = PHASE_DONE;
    *len = (size_t)(w->p - w->base);
    return AJP_OK;
}
