/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's inner half: phases, and checked puts of strings. */
#ifndef AJP_WRITER_PRIVATE_H
#define AJP_WRITER_PRIVATE_H
#include "number.h"
#include "text.h"
#include <ajp/encode.h>

enum writer_phase {
    PHASE_EMPTY,
    PHASE_REQUEST_HEADERS,
    PHASE_RESPONSE_HEADERS,
    PHASE_ATTRS,
    PHASE_ATTRS_ONLY,
    PHASE_DONE,
};

static inline size_t writer_room(const ajp_writer *w)
{
    return (size_t)(w->end - w->p);
}

/* The first failure sticks. */
void writer_fail(ajp_writer *w, ajp_status st);

void put_u8(ajp_writer *w, uint8_t byte);
void put_u16(ajp_writer *w, size_t n);
void put_string(ajp_writer *w, ajp_str s);

/* One attribute, in whatever phase: its place and its code are the caller's care. */
void put_attr(ajp_writer *w, uint8_t code, ajp_str value);

/* Closes the header block, and writes the stored method when there is one. */
void begin_attrs(ajp_writer *w);

#endif
