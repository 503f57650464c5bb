/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bodies: framing that is refused, bodies that come through whole or cut anywhere. */
#include "http/h1_body.h"
#include "http_trace.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *label, *in;
    const char *want; /* body, or NULL when it is refused */
    const char *rest; /* what is left behind the body */
};

/* Feed in steps of at most step bytes: "body|rest", "bad" or "more". */
static void decode(char *out, size_t cap, const char *in, size_t len, size_t step)
{
    struct h1_chunked c = {0};
    size_t at = 0, got = 0;
    struct guard g;

    guard_new(&g, len);
    while (at < len) {
        size_t n = len - at < step ? len - at : step, used, run;
        const uint8_t *piece = guard_copy(&g, in + at, n), *data;
        bool end;
        enum h1_result r = h1_chunked_next(&c, piece, n, &used, &data, &run, &end);

        cr_assert_leq(used, n);
        if (r == H1_BAD) {
            snprintf(out, cap, "bad");
            guard_free(&g);
            cr_expect_eq(h1_chunked_next(&c, piece, n, &used, &data, &run, &end), H1_BAD);
            return;
        }
        cr_assert(r == H1_MORE ? used == n && run == 0 && !end : end ? run == 0 : run > 0);
        cr_assert(run == 0 || (data >= piece && data + run == piece + used));
        if (run > 0)
            memcpy(out + got, data, run);
        got += run;
        at += used;
        if (end) {
            snprintf(out + got, cap - got, "|%s", in + at);
            guard_free(&g);
            return;
        }
    }
    snprintf(out, cap, "more");
    guard_free(&g);
}

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(rows[i].in);
        char want[512], got[512];

        if (rows[i].want)
            snprintf(want, sizeof want, "%s|%s", rows[i].want, rows[i].rest);
        else
            snprintf(want, sizeof want, "bad");
        for (size_t step = 1; step <= len; step++) {
            decode(got, sizeof got, rows[i].in, len, step);
            cr_expect_str_eq(got, want, "%s, step %zu: got \"%s\", want \"%s\"", rows[i].label,
                             step, got, want);
        }
    }
}

Test(http_body, accepted)
{
    static const struct row rows[] = {
        {"empty", "0\r\n\r\n", "", ""},
        {"one", "5\r\nhello\r\n0\r\n\r\n", "hello", ""},
        {"next request stays", "1\r\na\r\n0\r\n\r\nGET /", "a", "GET /"},
        {"several", "1\r\na\r\n2\r\nbc\r\n00003\r\ndef\r\n000\r\n\r\n", "abcdef", ""},
        {"hex in both cases", "a\r\n0123456789\r\nB\r\nabcdefghijk\r\n0\r\n\r\n",
         "0123456789abcdefghijk", ""},
        {"16 digits", "0000000000000001\r\na\r\n0\r\n\r\n", "a", ""},
        {"data like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", ""},
        {"extension", "1;a=b;c=\"d e\"\r\nx\r\n0;z\r\n\r\n", "x", ""},
        {"blanks before an extension", "3 \t ; ext\r\nabc\r\n0 ;\r\n\r\n", "abc", ""},
        {"trailers", "1\r\na\r\n0\r\nA: b\r\nContent-Length: 5\r\nC:\r\n\r\nrest", "a", "rest"},
    };
    check(rows, sizeof rows / sizeof rows[0]);
}

Test(http_body, p04_refused)
{
    static const struct row rows[] = {
        {"plus", "+5\r\nhello\r\n", NULL, NULL},
        {"hex prefix", "0x5\r\nhello\r\n", NULL, NULL},
        {"minus", "-1\r\n", NULL, NULL},
        {"leading blank", " 5\r\nhello\r\n", NULL, NULL},
        {"trailing blank", "5 \r\nhello\r\n", NULL, NULL},
        {"no digit", "\r\nhello", NULL, NULL},
        {"extension alone", ";a\r\nhello", NULL, NULL},
        {"letter", "g\r\n", NULL, NULL},
        {"underscore", "1_0\r\n", NULL, NULL},
        {"17 digits", "00000000000000001\r\na\r\n", NULL, NULL},
        {"past 2^63", "8000000000000000\r\na", NULL, NULL},
        {"blank behind the size", "5 \r\nhello\r\n0\r\n\r\n", NULL, NULL},
        {"digit behind a blank", "5 5;a\r\nhello\r\n0\r\n\r\n", NULL, NULL},
        {"bare CR behind a blank", "5 \r;a\r\nhello\r\n0\r\n\r\n", NULL, NULL},
        {"LF behind a blank", "5 \nhello\r\n0\r\n\r\n", NULL, NULL},
        {"blank alone", " ;a\r\n\r\n", NULL, NULL},
        {"bare LF behind the size", "5\nhello\r\n", NULL, NULL},
        {"bare CR behind the size", "5\rhello\r\n", NULL, NULL},
        {"no CRLF behind the data", "5\r\nhello0\r\n\r\n", NULL, NULL},
        {"bare LF behind the data", "5\r\nhello\n0\r\n\r\n", NULL, NULL},
        {"CR alone behind the data", "5\r\nhello\r0\r\n\r\n", NULL, NULL},
        {"data too long", "5\r\nhello!\r\n", NULL, NULL},
        {"bare LF in an extension", "5;a\nb\r\nhello\r\n", NULL, NULL},
        {"CR in an extension", "5;a\rb\r\nhello\r\n", NULL, NULL},
        {"control in an extension", "5;\x01\r\nhello\r\n", NULL, NULL},
        {"bare LF at the end", "0\r\n\n", NULL, NULL},
        {"CR CR at the end", "0\r\n\r\r\n", NULL, NULL},
        {"trailer without colon", "0\r\nabc\r\n\r\n", NULL, NULL},
        {"trailer, empty name", "0\r\n: b\r\n\r\n", NULL, NULL},
        {"trailer, folded", "0\r\nA: b\r\n c\r\n\r\n", NULL, NULL},
        {"trailer, blank before the colon", "0\r\nA : b\r\n\r\n", NULL, NULL},
        {"trailer, bare LF", "0\r\nA: b\n\r\n", NULL, NULL},
        {"trailer, bare CR", "0\r\nA: b\rc\r\n\r\n", NULL, NULL},
    };
    check(rows, sizeof rows / sizeof rows[0]);
}

Test(http_body, unfinished_is_not_an_end)
{
    static const char in[] = "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n";
    char got[64];

    for (size_t n = 1; n < sizeof in - 1; n++) {
        decode(got, sizeof got, in, n, n);
        cr_expect_str_eq(got, "more", "%zu bytes: %s", n, got);
    }
}

Test(http_body, extension_and_trailer_limits)
{
    static const struct {
        const char *label, *before;
        size_t fill;
        const char *after;
        bool fits;
    } rows[] = {
        {"extension of 256", "1;", 256, "\r\na\r\n0\r\n\r\n", true},
        {"extension of 257", "1;", 257, "\r\na\r\n0\r\n\r\n", false},
        {"trailers of 8192 up to the last CR", "0\r\nA:", 8192 - 5, "\r\n\r\n", true},
        {"one more", "0\r\nA:", 8192 - 4, "\r\n\r\n", false},
    };
    static char in[9000], got[9000];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].before);
        memcpy(in, rows[i].before, n);
        memset(in + n, 'x', rows[i].fill);
        strcpy(in + n + rows[i].fill, rows[i].after);
        decode(got, sizeof got, in, strlen(in), 1000);
        cr_expect_eq(strcmp(got, "bad") != 0, rows[i].fits, "%s: %.20s", rows[i].label, got);
    }
}

/* From any place of the body: what is counted ahead is what comes, and nothing is taken. */
Test(http_body, looking_ahead_sees_what_comes)
{
    static const char in[] = "5;x\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\nGET /";
    static const struct {
        const char *label, *in;
        size_t max, total;
        bool end;
    } rows[] = {
        {"all", in, SIZE_MAX, 6, true},
        {"as many as there are", in, 6, 6, false},
        {"one more than there are", in, 7, 6, true},
        {"fewer", in, 5, 5, false},
        {"within a run", in, 3, 3, false},
        {"no end", "5\r\nhello\r\n0\r\n", SIZE_MAX, 5, false},
        {"broken behind some", "5\r\nhello\r\n1\r\nab", SIZE_MAX, 6, false},
        {"broken", "x", SIZE_MAX, 0, false},
        {"nothing", "", SIZE_MAX, 0, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct h1_chunked c = {0};
        struct guard g;
        size_t len = strlen(rows[i].in);
        bool end;

        guard_new(&g, len);
        cr_expect_eq(h1_chunked_ahead(&c, guard_copy(&g, rows[i].in, len), len, rows[i].max, &end),
                     rows[i].total, "%s", rows[i].label);
        cr_expect_eq(end, rows[i].end, "%s", rows[i].label);
        cr_expect(c.state == 0 && c.left == 0, "%s", rows[i].label);
        guard_free(&g);
    }
}
