/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: colours where a terminal shows them, and nothing from the wire unescaped. */
#ifndef AJPCAT_TERM_H
#define AJPCAT_TERM_H

#include "text.h"

#include <ajp/base.h>

#include <stdio.h>

enum term_colour { TERM_PLAIN, TERM_DIM, TERM_BOLD, TERM_RED, TERM_GREEN, TERM_YELLOW, TERM_CYAN };

/* Colour for this stream: it is a terminal, and neither NO_COLOR nor TERM=dumb says no. */
bool term_has_colour(int fd);

/* Columns of the terminal, 0 if it is none. */
unsigned term_width(int fd);

void term_colour(struct text *out, bool on, enum term_colour c);
/* Printable ASCII as it is, all else as \xNN (and a backslash as \\). */
void term_put(struct text *out, ajp_str s);
void term_cstring(struct text *out, const char *s); /* NULL prints as "-" */
/* Cuts off, with "...", what out holds from `from` on, where it goes past the edge of a terminal of
 * that width (0: none) behind the columns used before it. */
void term_fit(struct text *out, size_t from, size_t used, unsigned width);
/* Words of our own, broken into lines of that width (0: one line), of which each but the first
 * begins at the column `indent`, where the first is. */
void term_wrap(struct text *out, const char *s, size_t indent, unsigned width);
/* A body: UTF-8 as it is, but no control characters other than line ends and tabs. */
void term_body(struct text *out, const uint8_t *data, size_t len);
/* The same to a terminal; into a file every byte as it came. */
void term_write(FILE *to, const uint8_t *data, size_t len);
enum term_colour term_status_colour(unsigned status);

#endif
