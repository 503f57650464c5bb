/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a bounded length, put together piece by piece: what does not fit is left out. */
#ifndef ENGINE_BASE_LINE_H
#define ENGINE_BASE_LINE_H

#include <ajp/base.h>

struct line {
    char *text; /* not NUL terminated */
    size_t len, cap;
    bool cut; /* something did not fit */
};

enum line_escape {
    LINE_TEXT, /* bytes other than 0x21..0x7e, quotes and backslashes as \xNN */
    LINE_JSON, /* what may stand between JSON's quotes; bytes from 0x7f as U+0000..U+00FF */
};

void line_put(struct line *line, const char *text);
void line_put_bytes(struct line *line, const char *bytes, size_t len);
void line_put_number(struct line *line, uint64_t number);
/* At most max bytes of output; a text that is cut ends in "...". */
void line_put_escaped(struct line *line, ajp_str s, enum line_escape escape, size_t max);

#endif
