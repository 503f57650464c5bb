/* SPDX-License-Identifier: Apache-2.0 */
/* One packet, and what the decoder says of it. */
#ifndef TEST_DECODE_ROWS_H
#define TEST_DECODE_ROWS_H
#include "wire.h"

struct decode_row {
    const char *label; /* "42 ..." is row 42 of the list of malformed inputs */
    const char *wire;
    const char *limits;
    ajp_status want;
    int fault; /* on error: the offset in the payload; on success: 1 when canonical */
};

extern const struct decode_row request_rows[], response_rows[], frame_rows[];
extern const size_t request_row_count, response_row_count, frame_row_count;

#endif
