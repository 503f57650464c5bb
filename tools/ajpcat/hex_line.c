/* SPDX-License-Identifier: Apache-2.0 */
/* Hex text: xxd, hexdump, od, tcpdump, Wireshark, arrays and strings of programs, bare digits. */
#include "hex_line.h"

#include <stdlib.h>
#include <string.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static size_t digits(const char *s)
{
    size_t n = 0;
    while (digit(s[n]) >= 0)
        n++;
    return n;
}

static size_t blanks(const char *s)
{
    return strspn(s, " \t");
}

static bool is_end(char c)
{
    return c == '\0' || c == '\n' || c == '\r' || c == '#' || c == '|';
}

/* ---- offsets ---- */

static bool is_number(const char *s, size_t n, int base, uint64_t *value)
{
    char copy[24], *end;
    if (n == 0 || n >= sizeof copy)
        return false;
    memcpy(copy, s, n);
    copy[n] = '\0';
    *value = strtoull(copy, &end, base);
    return *end == '\0';
}

/* Whether s[0..n) is the place where the dump has come to, in the base of hexdump or one of od's;
 * behind a "*" it may be any later one. */
static bool says(struct hex_line *l, const char *s, size_t n, const struct hex_place *at,
                 uint64_t short_of)
{
    static const int bases[] = {16, 8, 10};
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        uint64_t value;
        if ((at->base && at->base != bases[i]) || !is_number(s, n, bases[i], &value))
            continue;
        if (value == at->done - short_of || (at->same && at->base && value > at->done)) {
            l->offset = value;
            l->base = value > 9 ? bases[i] : 0;
            return true;
        }
    }
    return false;
}

/* Two digits and a blank or the end. */
static bool is_byte(const char *s)
{
    return digits(s) == 2 && (s[2] == ' ' || is_end(s[2]));
}

/* "0x0000:", "00000000:", "0000   12 34" and, if it fits, "0000020 12 34". */
static const char *skip_offset(struct hex_line *l, const char *s, const struct hex_place *at)
{
    enum { SHORT = 4, LONG = 6, LONGEST = 16 };
    const char *p = s + (strncmp(s, "0x", 2) == 0 ? 2 : 0);
    size_t n = digits(p), gap = n <= LONGEST ? blanks(p + n) : 0;
    bool colon = p[n] == ':' && (n >= SHORT || p > s) && (blanks(p + n + 1) || is_end(p[n + 1]));
    l->offset = n > 0 && n <= LONGEST ? strtoull(p, NULL, 16) : 0;
    l->style = HEX_OFFSET;
    if (n > 0 && n <= LONGEST && colon) {
        l->second = false; /* tcpdump indents all of them */
        return p + n + 1;
    }
    bool fits = l->offset == at->done || l->offset == 0;
    if (gap >= 2 && (n >= LONG || (n >= SHORT && fits && is_byte(p + n + gap))))
        return p + n;
    if (gap == 1 && p[n] == '\t' && n >= SHORT && fits)
        return p + n;
    if (gap == 1 && n >= LONG && n <= LONG + 2 && says(l, p, n, at, 0)) {
        l->style = HEX_COUNT;
        return p + n;
    }
    l->style = HEX_BARE;
    return s;
}

/* ---- groups of digits ---- */

/* Behind an offset, two blanks after bytes begin the characters; but hexdump has such a gap in the
 * middle of its sixteen bytes too. */
static bool ends_bytes(const char *next, size_t gap, size_t bytes)
{
    enum { MIDDLE = 8 };
    bool middle = bytes == MIDDLE && gap == 2 && is_byte(next);
    return bytes > 0 && gap >= 2 && !middle;
}

/* od's: three digits are a byte, six are two bytes as this machine has them. */
static bool put_octal(struct hex_line *l, const char *p, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] > '7')
            return false;
        value = value * 8 + (unsigned)(p[i] - '0');
    }
    if (value > (n == 3 ? UINT8_MAX : UINT16_MAX))
        return false;
    text_byte(&l->bytes, (char)value);
    if (n == 6)
        text_byte(&l->bytes, (char)(value >> 8));
    return true;
}

static bool put_group(struct hex_line *l, const char *p, size_t n)
{
    if (l->style == HEX_COUNT && (n == 3 || n == 6))
        return put_octal(l, p, n);
    if (n == 0 || n % 2 != 0)
        return false;
    for (size_t i = 0; i < n; i += 2)
        text_byte(&l->bytes, (char)(digit(p[i]) * 16 + digit(p[i + 1])));
    return true;
}

/* Whether all of the line is groups of digits, up to the characters behind them. */
static bool take_groups(struct hex_line *l, const char *p)
{
    enum { WORD = 4 }; /* hexdump -x has four digits behind four blanks */
    bool wide = blanks(p) == WORD && digits(p + WORD) == WORD;
    for (;;) {
        size_t gap = strspn(p, " \t,;");
        const char *next = p + gap;
        bool word = wide && gap == WORD && digits(next) == WORD;
        if (l->style != HEX_BARE && !word && ends_bytes(next, gap, l->bytes.len))
            return true;
        p = next;
        if (strncmp(p, "0x", 2) == 0)
            p += 2;
        if (is_end(*p) || (*p == '>' && l->bytes.len > 0))
            return true;
        size_t n = digits(p);
        if (!put_group(l, p, n)) /* characters without a gap */
            return l->style != HEX_BARE && l->bytes.len > 0;
        l->digits = l->digits ? l->digits : (unsigned)n;
        p += n;
        if ((*p == ':' || *p == '-') && digits(p + 1) == 2 && l->style == HEX_BARE)
            p++; /* 12:34:00 */
    }
}

/* ---- what stands in programs ---- */

/* What may stand in front of the first number of a list. */
static bool begins_list(const char *line, const char *number)
{
    while (number > line && (number[-1] == ' ' || number[-1] == '\t'))
        number--;
    return number == line || number[-1] == '{' || number[-1] == '=';
}

/* {0x12, 0x34}: only lists, as a number alone may be anything. */
static bool take_array(struct hex_line *l, const char *line)
{
    const char *comment = strstr(line, "/*"), *p = strstr(line, "0x");
    if (comment && p > comment) /* it names the packet, as Wireshark does */
        comment = NULL;
    if (!p || !begins_list(line, p))
        return false;
    while (p && (!comment || p < comment)) {
        size_t n = digits(p + 2);
        const char *next = p + 2 + n, *after = next + blanks(next);
        if (n == 0 || n > 2 || (*after && !strchr(",}/\r\n", *after)))
            return false;
        text_byte(&l->bytes, (char)strtoul(p, NULL, 16));
        p = strstr(next, "0x");
    }
    return l->bytes.len > 1 || strchr(line, '}');
}

static bool is_hex_escape(const char *p)
{
    return p[0] == '\\' && p[1] == 'x' && digits(p + 2) >= 2;
}

/* One character of a string, escaped or not. */
static const char *take_char(struct hex_line *l, const char *p)
{
    static const char letters[] = "nrtabfv", values[] = "\n\r\t\a\b\f\v";
    char byte = *p++;
    if (is_hex_escape(p - 1)) {
        byte = (char)(digit(p[1]) * 16 + digit(p[2]));
        p += 3;
    } else if (byte == '\\' && *p >= '0' && *p <= '7') {
        unsigned value = 0;
        for (int i = 0; i < 3 && *p >= '0' && *p <= '7'; i++)
            value = value * 8 + (unsigned)(*p++ - '0');
        byte = (char)value;
    } else if (byte == '\\' && *p) {
        const char *letter = strchr(letters, *p);
        byte = letter ? values[letter - letters] : *p;
        p++;
    }
    text_byte(&l->bytes, byte);
    return p;
}

static bool has_hex_escape(const char *line)
{
    while ((line = strchr(line, '\\')) && !is_hex_escape(line))
        line++;
    return line != NULL;
}

/* "\x12\x34" "\0": the strings of a line, or a line that begins with an escape. */
static bool take_string(struct hex_line *l, const char *line)
{
    const char *p = line + blanks(line);
    if (!has_hex_escape(line))
        return false;
    if (p[0] == '\\') {
        while (*p && !strchr(" \t\r\n", *p))
            p = take_char(l, p);
        return true;
    }
    while ((p = strpbrk(p, "\"'")) != NULL) {
        char quote = *p++;
        while (*p && *p != quote)
            p = take_char(l, p);
        p += *p != '\0';
    }
    return l->bytes.len > 0;
}

/* Words have a byte too many where there is an odd number. */
static bool is_total(struct hex_line *l, const char *p, const struct hex_place *at)
{
    size_t n = digits(p);
    return at->in_dump && at->done > 0 && n >= 6 && n <= 8 && is_end(p[n]) &&
           (says(l, p, n, at, 0) || says(l, p, n, at, 1));
}

void hex_line_parse(struct hex_line *l, const char *line, const struct hex_place *at)
{
    const char *p = line + blanks(line);
    l->second = p > line;
    l->digits = 0;
    l->base = 0;
    l->style = HEX_BARE;
    l->kind = HEX_EMPTY;
    text_clear(&l->bytes);
    if (is_end(*p))
        return;
    l->kind = HEX_SAME;
    if (*p == '*' && is_end(p[1 + blanks(p + 1)]))
        return;
    l->kind = HEX_TOTAL;
    if (is_total(l, p, at))
        return;
    l->kind = HEX_BYTES;
    const char *groups = skip_offset(l, p, at);
    if (take_groups(l, groups) && l->bytes.len > 0) {
        if (l->style == HEX_BARE && strstr(p, "0x") && strchr(p, ','))
            l->style = HEX_SOURCE;
        return;
    }
    l->style = HEX_SOURCE;
    text_clear(&l->bytes);
    if (take_string(l, line))
        return;
    text_clear(&l->bytes);
    if (take_array(l, line))
        return;
    l->kind = HEX_OTHER;
}
