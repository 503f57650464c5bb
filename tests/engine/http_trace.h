/* SPDX-License-Identifier: Apache-2.0 */
/* What a head parser made of some bytes, as text: whole, and again cut at every byte. */
#ifndef TESTS_HTTP_TRACE_H
#define TESTS_HTTP_TRACE_H

#include "http/h1_parse.h"

struct guard {
    uint8_t *map;
    size_t size;
};

/* Room whose last byte is followed by an unreadable page. */
void guard_new(struct guard *g, size_t max);
void guard_free(struct guard *g);
/* Copy in[0..len) so that it ends at the page. */
uint8_t *guard_copy(struct guard *g, const void *in, size_t len);

enum { TRACE_MAX = 32768 };

/* "400" for a refusal, "more", or the head: see trace_head in http_trace.c. */
void trace_whole(char *out, const void *in, size_t len, const struct h1_limits *lim);
void trace_bytewise(char *out, const void *in, size_t len, const struct h1_limits *lim);

/* Both, compared; the text of both. Fails the test with the label when they differ. */
void trace_both(char *out, const char *label, const void *in, size_t len,
                const struct h1_limits *lim);

#endif
