/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as Tomcat sees them, for matching only: what is forwarded is always the original. */
#ifndef ENGINE_HTTP_URI_H
#define ENGINE_HTTP_URI_H

#include <ajp/base.h>

enum uri_result {
    URI_OK,
    URI_SYNTAX,     /* no leading '/', control, non-ASCII, '\', '#', %00, malformed % */
    URI_SLASH,      /* %2f or %5c, and these are refused */
    URI_ABOVE_ROOT, /* ".." climbs over the root */
    URI_PARAM_DOTS, /* ".." with a parameter: "..;", that peers read in different ways */
    URI_SPACE,      /* the buffer is too small; path.len bytes are always enough */
};

/* Servers differ in what an encoded slash, %2f or %5c, is. */
enum uri_slashes {
    URI_SLASHES_REFUSED,
    URI_SLASHES_KEPT,    /* part of a segment, spelled as it is */
    URI_SLASHES_DECODED, /* the end of a segment, but in a parameter */
};

struct uri_reading {
    enum uri_slashes slashes;
    bool non_ascii; /* bytes from 0x80 on stand for themselves */
};

/* Normalise path (no query) into out: drop ;params of each segment, decode % once, collapse
 * "//", resolve "." and "..". *len bytes, no NUL behind. "*" gives "*". */
AJP_CHECK enum uri_result uri_normalise(ajp_str path, struct uri_reading how, char *out, size_t cap,
                                        size_t *len);

/* The same verdict without the result. Never URI_SPACE. */
AJP_CHECK enum uri_result uri_check(ajp_str path, struct uri_reading how);

#endif
