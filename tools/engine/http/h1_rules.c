/* SPDX-License-Identifier: Apache-2.0 */
/* The lexical rules of HTTP/1: byte classes, names that mean something to a proxy, lists. */
#include "http/h1_rules.h"

#include "http/h1_scan.h"

#include <string.h>

/* Bits of h1_class in rows of 16 bytes; tests/engine/test_http_rules.c derives it again. */
/* clang-format off */
const uint8_t h1_class[256] = {
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x02, 0x1b, 0x1a, 0x03, 0x1b, 0x13, 0x1b, 0x1b, 0x1a, 0x1a, 0x1b, 0x1b, 0x1a, 0x5f, 0x17, 0x1a,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1a, 0x12, 0x1a, 0x1a, 0x1a, 0x12,
    0x1a, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f,
    0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x1a, 0x12, 0x1a, 0x1b, 0x1f,
    0x1b, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f,
    0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x5f, 0x1a, 0x1b, 0x1a, 0x1f, 0x00,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
    0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
};
/* clang-format on */

bool h1_is_token(ajp_str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;

    return s.len > 0 && h1_scan_token(p, p + s.len) == p + s.len;
}

bool h1_is_field_value(ajp_str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;

    return s.len == 0 || h1_scan_value(p, p + s.len) == p + s.len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

ajp_str h1_trim(ajp_str s)
{
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

static uint8_t lower(char c)
{
    return (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool same_bytes(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

bool h1_same(ajp_str a, ajp_str b)
{
    return a.len == b.len && same_bytes(a.ptr, b.ptr, a.len);
}

bool h1_decimal(ajp_str s, int64_t *out)
{
    int64_t v = 0;

    if (s.len == 0 || s.len > 19)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!(h1_class[(uint8_t)s.ptr[i]] & H1_DIGIT))
            return false;
        int digit = s.ptr[i] - '0';
        if (v > (INT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

static bool is_ipv6(const char *p, size_t n)
{
    size_t colons = 0;

    if (n < 2 || n > 45)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == ':')
            colons++;
        else if (!(h1_class[(uint8_t)p[i]] & H1_HEX) && p[i] != '.')
            return false;
    }
    return colons >= 2;
}

/* Length of the host part at the front of s, 0 when there is none. */
static size_t host_len(ajp_str s)
{
    size_t n = 0;

    if (s.len > 0 && s.ptr[0] == '[') {
        const char *close = memchr(s.ptr, ']', s.len);
        if (!close || !is_ipv6(s.ptr + 1, (size_t)(close - s.ptr) - 1))
            return 0;
        return (size_t)(close - s.ptr) + 1;
    }
    while (n < s.len && h1_class[(uint8_t)s.ptr[n]] & H1_HOST)
        n++;
    return n > 255 ? 0 : n;
}

bool h1_host(ajp_str s, ajp_str *name, uint16_t *port)
{
    size_t n = host_len(s);
    int64_t number = 0;

    if (n == 0)
        return false;
    if (n < s.len) {
        ajp_str digits = ajp_str_of(s.ptr + n + 1, s.len - n - 1);
        if (s.ptr[n] != ':')
            return false;
        if (digits.len > 0 && (!h1_decimal(digits, &number) || number > UINT16_MAX))
            return false;
    }
    *name = ajp_str_of(s.ptr, n);
    *port = (uint16_t)number;
    return true;
}

bool h1_list_next(ajp_str *list, ajp_str *item)
{
    while (list->len > 0) {
        const char *comma = memchr(list->ptr, ',', list->len);
        size_t n = comma ? (size_t)(comma - list->ptr) : list->len;
        size_t step = comma ? n + 1 : n;

        *item = h1_trim(ajp_str_of(list->ptr, n));
        list->ptr += step;
        list->len -= step;
        if (item->len > 0)
            return true;
    }
    return false;
}

/* A token against a lower-case literal of the same length. In tokens, setting bit 5 of a byte
 * gives a lower-case letter, a digit or '-' from no other byte than these, so 8 go at once. */
static inline bool token_is(const char *p, const char *literal, size_t n)
{
    uint64_t diff = 0;
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        uint64_t a, b;
        memcpy(&a, p + i, 8);
        memcpy(&b, literal + i, 8);
        diff |= (a | 0x2020202020202020u) ^ b;
    }
    for (; i < n; i++)
        diff |= (uint64_t)(((uint8_t)p[i] | 0x20) ^ (uint8_t)literal[i]);
    return diff == 0;
}

/* Prefix test that takes '_' for '-', as applications with CGI variables do. */
static bool has_prefix(ajp_str s, ajp_str prefix)
{
    if (s.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++) {
        char c = s.ptr[i] == '_' ? '-' : s.ptr[i];
        if (lower(c) != (uint8_t)prefix.ptr[i])
            return false;
    }
    return true;
}

static enum h1_name by_prefix(ajp_str s)
{
    switch (s.ptr[0] | 0x20) {
    case 'p':
        return has_prefix(s, AJP_STR("proxy-")) ? H1_NAME_HOP : H1_NAME_OTHER;
    case 's':
        return has_prefix(s, AJP_STR("ssl-")) ? H1_NAME_TLS : H1_NAME_OTHER;
    case 'x':
        return has_prefix(s, AJP_STR("x-ssl-")) || has_prefix(s, AJP_STR("x-client-cert"))
                   ? H1_NAME_TLS
                   : H1_NAME_OTHER;
    default: /* no prefix of ours */
        return H1_NAME_OTHER;
    }
}

enum h1_name h1_name_of(ajp_str name)
{
    const char *p = name.ptr;

    switch (name.len) {
    case 2:
        return token_is(p, "te", 2) ? H1_NAME_HOP : H1_NAME_OTHER;
    case 4:
        if (token_is(p, "host", 4))
            return H1_NAME_HOST;
        return token_is(p, "date", 4) ? H1_NAME_DATE : by_prefix(name);
    case 5:
        return token_is(p, "proxy", 5) ? H1_NAME_HOP : by_prefix(name);
    case 6:
        if (token_is(p, "expect", 6))
            return H1_NAME_EXPECT;
        return token_is(p, "server", 6) ? H1_NAME_SERVER : by_prefix(name);
    case 7:
        if (token_is(p, "upgrade", 7) || token_is(p, "trailer", 7))
            return H1_NAME_HOP;
        return by_prefix(name);
    case 10:
        if (token_is(p, "connection", 10))
            return H1_NAME_CONNECTION;
        return token_is(p, "keep-alive", 10) ? H1_NAME_HOP : by_prefix(name);
    case 14:
        if (token_is(p, "content-length", 14))
            return H1_NAME_CONTENT_LENGTH;
        return token_is(p, "http2-settings", 14) ? H1_NAME_HOP : by_prefix(name);
    case 17:
        return token_is(p, "transfer-encoding", 17) ? H1_NAME_TRANSFER_ENCODING : by_prefix(name);
    default: /* no whole name of that length */
        return by_prefix(name);
    }
}

bool h1_may_be_listed(ajp_str name)
{
    return !(h1_same(name, AJP_STR("host")) || h1_same(name, AJP_STR("cookie")) ||
             h1_same(name, AJP_STR("authorization")) || has_prefix(name, AJP_STR("content-")) ||
             h1_same(name, AJP_STR("forwarded")) || has_prefix(name, AJP_STR("x-forwarded-")));
}
