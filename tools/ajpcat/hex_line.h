/* SPDX-License-Identifier: Apache-2.0 */
/* A line of hex text as people paste it, whatever program wrote it. */
#ifndef AJPCAT_HEX_LINE_H
#define AJPCAT_HEX_LINE_H

#include "text.h"

#include <stdbool.h>

struct hex_line {
    enum {
        HEX_EMPTY, /* or a comment */
        HEX_OTHER, /* no hex */
        HEX_BYTES,
        HEX_SAME, /* "*": the line before, again and again */
        HEX_TOTAL /* an offset alone ends a dump */
    } kind;
    enum {
        HEX_BARE,
        HEX_OFFSET, /* stands out by a colon or blanks */
        HEX_COUNT,  /* an offset as od and hexdump write it: it tells by its value only */
        HEX_SOURCE  /* of a program: an array, a string */
    } style;
    uint64_t offset;
    int base;          /* that the offset is in, 0: any would do */
    bool second;       /* indented, as Wireshark does with the second side of a stream */
    unsigned digits;   /* of its first group */
    struct text bytes; /* appended to */
};

/* What came before a line in its dump. */
struct hex_place {
    uint64_t done; /* bytes, which the offset should say */
    bool in_dump;  /* the line before had an offset */
    bool same;     /* a "*" stands between */
    int base;      /* of the offsets, 0: not known yet */
};

void hex_line_parse(struct hex_line *l, const char *line, const struct hex_place *at);

#endif
