/* SPDX-License-Identifier: Apache-2.0 */
/* Colours and escaping. */
#include "term.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool term_has_colour(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

unsigned term_width(int fd)
{
    struct winsize w;
    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

void term_colour(struct text *out, bool on, enum term_colour c)
{
    static const char *const codes[] = {
        [TERM_PLAIN] = "\033[0m", [TERM_DIM] = "\033[2m",    [TERM_BOLD] = "\033[1m",
        [TERM_RED] = "\033[31m",  [TERM_GREEN] = "\033[32m", [TERM_YELLOW] = "\033[33m",
        [TERM_CYAN] = "\033[36m"};
    if (on)
        text_str(out, codes[c]);
}

void term_put(struct text *out, ajp_str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t run = i + text_plain(s.ptr + i, s.len - i, '\\', '\\');
        text_put(out, s.ptr + i, run - i);
        if (run < s.len && s.ptr[run] == '\\')
            text_str(out, "\\\\");
        else if (run < s.len)
            text_escape(out, (uint8_t)s.ptr[run]);
        i = run + 1;
    }
}

/* A control character, one of Latin-1's second set too, or no text at all. */
static bool is_unfit(const uint8_t *p, size_t n)
{
    return n == 0 || (n == 1 && (p[0] < ' ' ? p[0] != '\n' && p[0] != '\t' : p[0] == 127)) ||
           (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

void term_body(struct text *out, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = text_plain(data + i, len - i, 127, 127);
        text_put(out, data + i, n);
        i += n;
        if (i == len)
            break;
        n = utf8_length(data + i, len - i);
        if (is_unfit(data + i, n)) {
            text_escape(out, data[i]);
            n = 1;
        } else {
            text_put(out, data + i, n);
        }
        i += n;
    }
}

void term_write(FILE *to, const uint8_t *data, size_t len)
{
    struct text t = {0};
    if (isatty(fileno(to))) {
        term_body(&t, data, len);
        fwrite(t.at, 1, t.len, to);
        text_free(&t);
    } else {
        fwrite(data, 1, len, to);
    }
}

void term_cstring(struct text *out, const char *s)
{
    if (s)
        term_put(out, ajp_str_of(s, strlen(s)));
    else
        text_byte(out, '-');
}

void term_fit(struct text *out, size_t from, size_t used, unsigned width)
{
    enum { LEAST = 12 };
    size_t room = width == 0 ? SIZE_MAX : width > used + LEAST ? width - used : LEAST;
    if (out->len - from <= room)
        return;
    out->len = from + room - 3;
    text_str(out, "...");
}

void term_wrap(struct text *out, const char *s, size_t indent, unsigned width)
{
    size_t column = indent;
    while (*s) {
        size_t n = strcspn(s, " ");
        if (width > indent + 20 && column + 1 + n > width) {
            text_fmt(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            text_byte(out, ' ');
            column++;
        }
        text_put(out, s, n);
        column += n;
        s += n + strspn(s + n, " ");
    }
}

enum term_colour term_status_colour(unsigned status)
{
    return status == 0    ? TERM_RED
           : status < 300 ? TERM_GREEN
           : status < 400 ? TERM_CYAN
           : status < 500 ? TERM_YELLOW
                          : TERM_RED;
}
