/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text with the two ways of escaping that logs need. */
#include "base/line.h"

#include <string.h>

static const char hex[] = "0123456789abcdef";

/* Writes how byte b looks into out (at least 6 bytes) and gives the length. */
static size_t escape_byte(unsigned char b, enum line_escape escape, char *out)
{
    if (escape == LINE_TEXT) {
        if (b > 0x20 && b < 0x7f && b != '"' && b != '\\') {
            out[0] = (char)b;
            return 1;
        }
        memcpy(out, "\\x", 2);
        out[2] = hex[b >> 4];
        out[3] = hex[b & 15];
        return 4;
    }
    if (b == '"' || b == '\\') {
        out[0] = '\\';
        out[1] = (char)b;
        return 2;
    }
    if (b >= 0x20 && b < 0x7f) {
        out[0] = (char)b;
        return 1;
    }
    memcpy(out, "\\u00", 4);
    out[4] = hex[b >> 4];
    out[5] = hex[b & 15];
    return 6;
}

void line_put_bytes(struct line *line, const char *bytes, size_t len)
{
    if (len > line->cap - line->len) {
        len = line->cap - line->len;
        line->cut = true;
    }
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

void line_put(struct line *line, const char *text)
{
    line_put_bytes(line, text, strlen(text));
}

void line_put_number(struct line *line, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    line_put_bytes(line, digits + at, sizeof digits - at);
}

void line_put_escaped(struct line *line, ajp_str s, enum line_escape escape, size_t max)
{
    size_t room = line->cap - line->len;
    if (room > max)
        room = max;
    const size_t start = line->len;
    size_t safe = start; /* last place that leaves room for the dots */
    for (size_t i = 0; i < s.len; i++) {
        char out[6];
        size_t n = escape_byte((unsigned char)s.ptr[i], escape, out);
        if (n > room - (line->len - start)) {
            line->cut = true;
            line->len = safe;
            if (room >= 3)
                line_put_bytes(line, "...", 3);
            return;
        }
        memcpy(line->text + line->len, out, n);
        line->len += n;
        if (line->len - start + 3 <= room)
            safe = line->len;
    }
}
