/* SPDX-License-Identifier: Apache-2.0 */
/* Response heads, small error answers and chunk framing, written into a caller's buffer. */
#ifndef ENGINE_HTTP_H1_WRITE_H
#define ENGINE_HTTP_H1_WRITE_H

#include "http/head.h"

#define H1_CRLF     "\r\n"
#define H1_LAST     "0\r\n\r\n" /* last chunk, no trailers */
#define H1_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

enum { H1_DATE_SIZE = 29, H1_CHUNK_HEAD_MAX = 8 };

struct h1_write {
    bool http10;        /* the client speaks HTTP/1.0 */
    bool head_request;  /* the reply is to HEAD */
    bool close;         /* this connection ends after the reply */
    bool chunked;       /* the body will be sent in chunks */
    const char *date;   /* H1_DATE_SIZE bytes, or NULL; sent when the reply has no Date */
    const char *server; /* or NULL; sent when the reply has no Server */
};

/* Bytes written, 0 when they do not fit. Fields of r are sent as they are: map_ajp_to_http has
 * checked them. Content-Length is r's, left out for 1xx and 204 and when chunked. */
size_t h1_write_head(uint8_t *out, size_t cap, const struct reply *r, const struct h1_write *how);

/* A whole reply of our own, with a small constant text unless it answers HEAD. retry_after in
 * seconds, 0 for none. 0 when it does not fit; 512 bytes are always enough. */
size_t h1_write_error(uint8_t *out, size_t cap, uint16_t status, bool close, bool head_request,
                      const char *date, unsigned retry_after);

/* Bytes of its text. */
size_t h1_error_size(uint16_t status);

/* "1F40\r\n". n is 1 to 0xFFFFFF. Returns the bytes written. */
size_t h1_chunk_head(uint8_t out[H1_CHUNK_HEAD_MAX], size_t n);

/* "Not Found"; "" for a status without a registered phrase. */
const char *h1_reason(uint16_t status);

#endif
