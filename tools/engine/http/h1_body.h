/* SPDX-License-Identifier: Apache-2.0 */
/* Strict decoder of the chunked transfer coding: yields runs of body bytes in place. */
#ifndef ENGINE_HTTP_H1_BODY_H
#define ENGINE_HTTP_H1_BODY_H

#include "http/h1_parse.h"

enum { H1_CHUNK_EXT_MAX = 256, H1_TRAILER_MAX = 8192 };

/* Zero it to begin. */
struct h1_chunked {
    uint64_t left; /* of the current chunk */
    uint16_t line; /* bytes of the current extension or trailer block */
    uint8_t state;
    uint8_t digits;
};

/* Take the next run from in[0..len). *used is what was consumed, in every case.
 * H1_OK: data[0..n) are body bytes inside in, or *end is set and the body is over, trailers
 * and all (bytes behind it are left alone). H1_MORE: all was taken and held no body byte.
 * H1_BAD: the framing is broken, the connection must close. */
AJP_CHECK enum h1_result h1_chunked_next(struct h1_chunked *c, const uint8_t *in, size_t len,
                                         size_t *used, const uint8_t **data, size_t *n, bool *end);

/* Look ahead, taking nothing: the body bytes of in[0..len), counted up to max; *end: with fewer
 * than that its end lies among them. What is broken ends it too, and is not told. */
size_t h1_chunked_ahead(const struct h1_chunked *c, const uint8_t *in, size_t len, size_t max,
                        bool *end);

#endif
