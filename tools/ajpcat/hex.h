/* SPDX-License-Identifier: Apache-2.0 */
/* Hex text as people paste it: xxd, hexdump -C, tcpdump -x, or bare digits. */
#ifndef AJPCAT_HEX_H
#define AJPCAT_HEX_H

#include "text.h"

#include <stdbool.h>

/* Appends the bytes of one line, of which the NUL-terminated text is given: an offset in front and
 * the characters behind are left out, as is all from '#' on. False: not hex. */
bool hex_line(const char *line, struct text *out);

#endif
