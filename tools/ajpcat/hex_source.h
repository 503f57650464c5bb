/* SPDX-License-Identifier: Apache-2.0 */
/* Segments out of hex text: those of frames that are shown whole, or AJP dressed up as if it came
 * over a connection. */
#ifndef AJPCAT_HEX_SOURCE_H
#define AJPCAT_HEX_SOURCE_H

#include "dissect.h"
#include "hex_text.h"

struct hex_source {
    struct hex_text text;
    size_t piece, at; /* the next byte */
    struct hex_side {
        uint32_t seq[2];
        bool began[2], greeted;
    } * talks;
    int server; /* which side it is, where the text tells sides */
    uint64_t frames;
};

/* The text is complete. */
void hex_source_begin(struct hex_source *s);
/* False: that was all. */
bool hex_source_next(struct hex_source *s, struct dissector *d, struct segment *out);
void hex_source_end(struct hex_source *s);

#endif
