/* SPDX-License-Identifier: Apache-2.0 */
/* A text of hex lines as the packets, frames or pieces of a stream that it shows. */
#ifndef AJPCAT_HEX_TEXT_H
#define AJPCAT_HEX_TEXT_H

#include "hex_line.h"

struct hex_piece {
    struct text bytes;
    int side;         /* whose bytes, 0 or 1; -1: to be told by their looks */
    unsigned talk;    /* which connection, from 0: each thread of mod_jk has its own */
    bool dumped;      /* with offsets: it may be a whole frame, with its heads */
    size_t missing;   /* bytes that the text leaves out at the end */
    uint64_t time_ns; /* 0: not told */
    /* While it is read: */
    size_t total, wanted; /* SIZE_MAX: not told */
    unsigned digits;
    bool payload;
    int base;
};

struct hex_text {
    struct hex_piece *pieces;
    size_t count, cap;
    unsigned line, other_line; /* the first that is no hex */
    bool styled;               /* lines between the hex are to be expected */
    struct hex_talk *talks;
    size_t talk_count;
    struct hex_line parsed;
    uint64_t time_ns;
    bool follows;
};

/* Takes the next line. */
void hex_text_add(struct hex_text *t, const char *line);
/* Behind the last one. False: this is no hex text, other_line tells where. */
bool hex_text_end(struct hex_text *t);
void hex_text_free(struct hex_text *t);

#endif
