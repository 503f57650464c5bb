/* SPDX-License-Identifier: Apache-2.0 */
/* Strict HTTP/1 request heads, read in place: no copy, no allocation, no state but a number. */
#ifndef ENGINE_HTTP_H1_PARSE_H
#define ENGINE_HTTP_H1_PARSE_H

#include "config/settings.h"
#include "http/head.h"

enum h1_result { H1_OK, H1_MORE, H1_BAD };

struct h1_limits {
    uint32_t max_line;        /* request line, 414 */
    uint32_t max_head;        /* whole head, 431 */
    uint32_t max_fields;      /* fields as received, 431 */
    uint32_t max_field;       /* one field line, 431 */
    bool allow_encoded_slash; /* let %2f and %5c pass in a path: peers disagree on their meaning */
    bool allow_non_ascii;     /* let bytes from 0x80 on pass in a target */
    bool allow_bare_lf;       /* LF ends a line, too */
    bool host_must_match;     /* the absolute form may not name another host than Host */
    enum underscores underscores;
};

extern const struct h1_limits h1_limits_default; /* 8000, 65536, 100, 16384, no to all, drop */

/* The answer to a head that was refused. Constant text: it never holds input. */
struct h1_error {
    uint16_t status;
    const char *reason;
};

/* Parse the request head at in[0..len). The caller sets head->fields to room for
 * lim->max_fields and one more, and *scanned to 0 for a new head; it keeps *scanned between tries,
 * so that a head that trickles in is not read anew for each byte.
 * H1_OK sets all of *head but remote_*, local_addr, remote_port, is_ssl, tls and raw, and *used.
 * server_name and server_port are Host's two parts: null and 0 where Host lacks them.
 * H1_BAD sets *err. Hop-by-hop fields, client-sent TLS facts and Transfer-Encoding are gone
 * from head->fields; one Host is left, the absolute form's authority if there was one. */
AJP_CHECK enum h1_result h1_parse_request(const uint8_t *in, size_t len, size_t *scanned,
                                          const struct h1_limits *lim, struct head *head,
                                          size_t *used, struct h1_error *err);

#endif
