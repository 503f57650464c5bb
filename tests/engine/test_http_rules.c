/* SPDX-License-Identifier: Apache-2.0 */
/* Byte classes, scanners, lists, numbers, hosts and names. */
#include "http/h1_rules.h"
#include "http/h1_scan.h"
#include "http_trace.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

static ajp_str str(const char *s)
{
    return ajp_str_of(s, strlen(s));
}

static uint8_t class_of(int c)
{
    bool alnum = c < 0x80 && isalnum(c), visible = c > 0x20 && c < 0x7f;
    unsigned bits = 0;

    if (alnum || (c && strchr("!#$%&'*+-.^_`|~", c)))
        bits |= H1_TOKEN;
    if (c == '\t' || (c >= 0x20 && c != 0x7f))
        bits |= H1_VALUE;
    if (alnum || (c && strchr("-._~", c)))
        bits |= H1_HOST;
    if (visible && !strchr("%;.\\#?", c))
        bits |= H1_PATH;
    if (visible && c != '#')
        bits |= H1_QUERY;
    if (c < 0x80 && isxdigit(c))
        bits |= H1_HEX;
    if (alnum || c == '-')
        bits |= H1_NAME;
    if (c >= '0' && c <= '9')
        bits |= H1_DIGIT;
    return (uint8_t)bits;
}

Test(http_rules, table_follows_its_definition)
{
    for (int c = 0; c < 256; c++)
        cr_expect_eq(h1_class[c], class_of(c), "0x%02x: 0x%02x, want 0x%02x", c, h1_class[c],
                     class_of(c));
}

Test(http_rules, wide_scan_stops_where_the_table_does)
{
    static const struct {
        const char *label;
        const uint8_t *(*scan)(const uint8_t *, const uint8_t *);
        uint8_t bits;
    } rows[] = {
        {"value", h1_scan_value, H1_VALUE}, {"name", h1_scan_name, H1_NAME},
        {"query", h1_scan_query, H1_QUERY}, {"path", h1_scan_path, H1_PATH},
        {"token", h1_scan_token, H1_TOKEN},
    };
    struct guard g;

    guard_new(&g, 64);
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (size_t len = 0; len <= 40; len++) {
            uint8_t fill[64], *p;
            memset(fill, 'a', sizeof fill);
            p = guard_copy(&g, fill, len);
            cr_assert_eq(rows[row].scan(p, p + len), p + len);
            for (size_t i = 0; i < len; i++) {
                for (int c = 0; c < 256; c++) {
                    p[i] = (uint8_t)c;
                    cr_assert_eq(rows[row].scan(p, p + len),
                                 h1_class[c] & rows[row].bits ? p + len : p + i,
                                 "%s: 0x%02x at %zu of %zu", rows[row].label, c, i, len);
                }
                p[i] = 'a';
            }
        }
    }
    guard_free(&g);
}

Test(http_rules, decimal)
{
    static const struct {
        const char *in;
        int64_t want;
    } rows[] = {
        {"0", 0},
        {"007", 7},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", -1},
        {"9999999999999999999", -1},
        {"", -1},
        {"+1", -1},
        {"-1", -1},
        {" 1", -1},
        {"1 ", -1},
        {"1a", -1},
        {"0x1", -1},
        {"1.0", -1},
        {"00000000000000000001", -1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = -1;
        cr_expect_eq(h1_decimal(str(rows[i].in), &got), rows[i].want >= 0, "%s", rows[i].in);
        cr_expect_eq(got, rows[i].want, "%s", rows[i].in);
    }
}

Test(http_rules, list_skips_what_is_empty)
{
    ajp_str list = str(" ,a, b\t,,\tc d ,"), item;

    cr_assert(h1_list_next(&list, &item) && h1_same(item, str("a")));
    cr_assert(h1_list_next(&list, &item) && h1_same(item, str("B")));
    cr_assert(h1_list_next(&list, &item) && h1_same(item, str("c d")));
    cr_assert(!h1_list_next(&list, &item));
}

Test(http_rules, names)
{
    static const struct {
        const char *in;
        enum h1_name want;
    } rows[] = {
        {"TE", H1_NAME_HOP},
        {"te", H1_NAME_HOP},
        {"ta", H1_NAME_OTHER},
        {"Host", H1_NAME_HOST},
        {"host", H1_NAME_HOST},
        {"h^st", H1_NAME_OTHER},
        {"Date", H1_NAME_DATE},
        {"Proxy", H1_NAME_HOP},
        {"PROXY-x", H1_NAME_HOP},
        {"Proxies", H1_NAME_OTHER},
        {"Expect", H1_NAME_EXPECT},
        {"server", H1_NAME_SERVER},
        {"Upgrade", H1_NAME_HOP},
        {"Trailer", H1_NAME_HOP},
        {"Trailes", H1_NAME_OTHER},
        {"Connection", H1_NAME_CONNECTION},
        {"Keep-Alive", H1_NAME_HOP},
        {"Keep_Alive", H1_NAME_OTHER},
        {"Content-Length", H1_NAME_CONTENT_LENGTH},
        {"Content_Length", H1_NAME_OTHER},
        {"Content-Lengtg", H1_NAME_OTHER},
        {"HTTP2-Settings", H1_NAME_HOP},
        {"Transfer-Encoding", H1_NAME_TRANSFER_ENCODING},
        {"Transfer-Encodinh", H1_NAME_OTHER},
        {"Ssl_Cipher", H1_NAME_TLS},
        {"X-SSL-Cipher", H1_NAME_TLS},
        {"x_ssl_s", H1_NAME_TLS},
        {"X-Client-Cert", H1_NAME_TLS},
        {"X-Client-Cert-Dn", H1_NAME_TLS},
        {"X-Client-Ce", H1_NAME_OTHER},
        {"Accept", H1_NAME_OTHER},
        {"a", H1_NAME_OTHER},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(h1_name_of(str(rows[i].in)), rows[i].want, "%s", rows[i].in);
}
