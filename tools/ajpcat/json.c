/* SPDX-License-Identifier: Apache-2.0 */
/* JSON output. */
#include "json.h"

#include <string.h>

static void put_special(struct text *out, unsigned char c)
{
    static const char letters[] = "btnvfr"; /* 8..13, of which JSON lacks \v */
    if (c == '"' || c == '\\') {
        text_byte(out, '\\');
        text_byte(out, (char)c);
    } else if (c >= 8 && c <= 13 && c != 11) {
        text_byte(out, '\\');
        text_byte(out, letters[c - 8]);
    } else {
        char escaped[6] = {'\\', 'u', '0', '0'};
        text_hex_at(escaped + 4, c);
        text_put(out, escaped, sizeof escaped);
    }
}

void json_quote(struct text *out, const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    text_byte(out, '"');
    for (size_t i = 0; i < len;) {
        size_t run = text_plain(p + i, len - i, '"', '\\');
        text_put(out, p + i, run);
        i += run;
        if (i == len)
            break;
        size_t n = p[i] >= 0xc2 ? utf8_length(p + i, len - i) : 0;
        if (n == 0) {
            put_special(out, p[i]);
            n = 1;
        } else if (p[i] == 0xc2 && p[i + 1] < 0xa0) { /* a terminal would obey it */
            put_special(out, p[i + 1]);
        } else {
            text_put(out, s + i, n);
        }
        i += n;
    }
    text_byte(out, '"');
}

static void begin(struct json *j, const char *key)
{
    if (j->comma)
        text_str(j->out, ", ");
    j->comma = true;
    if (key) { /* ours, so that nothing in it needs escaping */
        text_byte(j->out, '"');
        text_str(j->out, key);
        text_str(j->out, "\": ");
    }
}

void json_open(struct json *j, const char *key, char bracket)
{
    begin(j, key);
    text_byte(j->out, bracket);
    j->comma = false;
}

void json_close(struct json *j, char bracket)
{
    text_byte(j->out, bracket);
    j->comma = true;
}

void json_string(struct json *j, const char *key, ajp_str value)
{
    if (!value.ptr) {
        json_null(j, key);
        return;
    }
    begin(j, key);
    json_quote(j->out, value.ptr, value.len);
}

void json_cstring(struct json *j, const char *key, const char *value)
{
    json_string(j, key, value ? ajp_str_of(value, strlen(value)) : AJP_NULL);
}

void json_int(struct json *j, const char *key, int64_t value)
{
    begin(j, key);
    if (value < 0)
        text_byte(j->out, '-');
    text_uint(j->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 0, ' ');
}

void json_real(struct json *j, const char *key, double value, int digits)
{
    static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    enum { EXACT = 6 };
    begin(j, key);
    const uint64_t power = digits >= 0 && digits <= EXACT ? powers[digits] : 0;
    double scaled = power ? value * (double)power + 0.5 : -1;
    /* Past what a double holds exactly, negative, or not a number: the slow way. */
    if (!power || !(scaled >= 0 && scaled <= 9e15)) {
        text_fmt(j->out, "%.*f", digits, value);
        return;
    }
    text_uint(j->out, (uint64_t)scaled / power, 0, ' ');
    if (digits > 0) {
        text_byte(j->out, '.');
        text_uint(j->out, (uint64_t)scaled % power, (unsigned)digits, '0');
    }
}

void json_bool(struct json *j, const char *key, bool value)
{
    begin(j, key);
    text_str(j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
    begin(j, key);
    text_str(j->out, "null");
}
