/* SPDX-License-Identifier: Apache-2.0 */
/* What is written: JSON, text for terminals, hex that is read back, histograms, checksums. */
#include "crc32.h"
#include "hex_line.h"
#include "histogram.h"
#include "json.h"
#include "term.h"

#include <criterion/criterion.h>
#include <string.h>

Test(json, strings_are_always_valid)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *json;
    } rows[] = {
        {"", 0, "\"\""},
        {"abc", 3, "\"abc\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\r\t\b\f", 5, "\"\\n\\r\\t\\b\\f\""},
        {"\0\x01\x0b\x1b\x7f", 5, "\"\\u0000\\u0001\\u000b\\u001b\\u007f\""},
        {"\xc3\xa9", 2, "\"\xc3\xa9\""}, /* well-formed UTF-8 stays */
        {"\xe2\x82\xac!", 4, "\"\xe2\x82\xac!\""},
        {"\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\""},
        {"\xe9", 1, "\"\\u00e9\""}, /* else it is taken as Latin-1 */
        {"\xc3", 1, "\"\\u00c3\""},
        {"\xc0\xaf", 2, "\"\\u00c0\\u00af\""},            /* overlong */
        {"\xed\xa0\x80", 3, "\"\\u00ed\\u00a0\\u0080\""}, /* surrogate */
        {"\xf5\x80\x80\x80", 4, "\"\\u00f5\\u0080\\u0080\\u0080\""},
        {"\xc2\x9b"
         "2J",
         4, "\"\\u009b2J\""},                  /* controls of the second set are escaped too */
        {"\xe2\x82", 2, "\"\\u00e2\\u0082\""}, /* cut off */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text t = {0};
        json_quote(&t, rows[i].bytes, rows[i].len);
        cr_expect_str_eq(t.at, rows[i].json, "row %zu", i);
        text_free(&t);
    }
}

Test(json, commas_stand_between_values_only)
{
    struct text t = {0};
    struct json j = {.out = &t};
    json_open(&j, NULL, '{');
    json_open(&j, "empty", '[');
    json_close(&j, ']');
    json_open(&j, "list", '[');
    json_int(&j, NULL, -1);
    json_bool(&j, NULL, true);
    json_null(&j, NULL);
    json_close(&j, ']');
    json_string(&j, "none", AJP_NULL);
    json_real(&j, "x", 1.25, 2);
    json_close(&j, '}');
    cr_expect_str_eq(t.at,
                     "{\"empty\": [], \"list\": [-1, true, null], \"none\": null, \"x\": 1.25}");
    text_free(&t);
}

Test(term, control_and_high_bytes_are_escaped)
{
    struct text t = {0};
    term_put(&t, AJP_STR("a\x1b[31m\n\x7f\x9b\xc3\xa9\\ ~"));
    cr_expect_str_eq(t.at, "a\\x1b[31m\\x0a\\x7f\\x9b\\xc3\\xa9\\\\ ~");
    text_free(&t);
}

/* A line, how many bytes of its dump came before it, and what it is. */
static const struct hex_row {
    const char *line;
    uint64_t done;
    int kind;
    const char *bytes;
    int len;
} hex_rows[] = {
    {"1234 0001 0a", 0, HEX_BYTES, "\x12\x34\x00\x01\x0a", 5},
    {"123400010A\n", 0, HEX_BYTES, "\x12\x34\x00\x01\x0a", 5},
    {"12 34 00", 0, HEX_BYTES, "\x12\x34\x00", 3},
    {"12:34:00:01:0a", 0, HEX_BYTES, "\x12\x34\x00\x01\x0a", 5},
    {"12-34-00-01-0A", 0, HEX_BYTES, "\x12\x34\x00\x01\x0a", 5},
    {"0x12, 0x34;", 0, HEX_BYTES, "\x12\x34", 2},
    {"", 0, HEX_EMPTY, "", 0},
    {"# 12", 0, HEX_EMPTY, "", 0},
    {"*", 32, HEX_SAME, "", 0},
    {"12 # 34", 0, HEX_BYTES, "\x12", 1},
    {"00000000: 1234 0001  .4..", 0, HEX_BYTES, "\x12\x34\x00\x01", 4},
    {"00000000: 3132 3334  1234", 0, HEX_BYTES, "1234", 4},
    {"00000000: 3331 2034  31 4", 0, HEX_BYTES, "31 4", 4},
    {"00000000: 33 31 20 34  31 4", 0, HEX_BYTES, "31 4", 4},
    {"00000000: 3132 3320 3435 3637              123 4567", 0, HEX_BYTES, "123 4567", 8},
    {"\t0x0000:  4500 0028", 0, HEX_BYTES, "\x45\x00\x00\x28", 4},
    {"00000010  31 32 33 34 35 36 37 38  39 30  |1234567890|", 16, HEX_BYTES, "1234567890", 10},
    {"0000   12 34 00 01 0a                                    .4...", 0, HEX_BYTES,
     "\x12\x34\x00\x01\x0a", 5},
    {"0010    31 32 - 12", 16, HEX_BYTES, "12", 2},
    {"0000000 022 064 000 001 012", 0, HEX_BYTES, "\x12\x34\x00\x01\x0a", 5},
    {"0000000 032022 000400", 0, HEX_BYTES, "\x12\x34\x00\x01", 4},
    {"0000020 12 34", 16, HEX_BYTES, "\x12\x34", 2},
    {"000016 12 34", 16, HEX_BYTES, "\x12\x34", 2},
    {"000000 12 34 00 01 0a                                   >.4...<", 0, HEX_BYTES,
     "\x12\x34\x00\x01\x0a", 5},
    {"0000005", 5, HEX_TOTAL, "", 0},
    {"000000d8", 216, HEX_TOTAL, "", 0},
    {"0000330", 216, HEX_TOTAL, "", 0},
    {"000000d7", 216, HEX_TOTAL, "", 0},
    {"12340001", 16, HEX_BYTES, "\x12\x34\x00\x01", 4},
    {"  0x12, 0x34, 0x00,", 0, HEX_BYTES, "\x12\x34\x00", 3},
    {"0x41, 0x42, 0x00, 0x01, 0x09 /* AB... */", 0, HEX_BYTES, "AB\x00\x01\x09", 5},
    {"char p[] = { 0x12, 0x34 };", 0, HEX_BYTES, "\x12\x34", 2},
    {"(byte)0x12, (byte)0x34,", 0, HEX_OTHER, "", 0},
    {"unsigned char ping[] = {", 0, HEX_OTHER, "", 0},
    {"unsigned int ping_len = 5;", 0, HEX_OTHER, "", 0},
    {"};", 0, HEX_OTHER, "", 0},
    {"\\x12\\x34\\x00\\x01\\x0a", 0, HEX_BYTES, "\x12\x34\x00\x01\x0a", 5},
    {"s.send(b'\\x124\\x00\\x01\\n')", 0, HEX_BYTES, "\x12\x34\x00\x01\x0a", 5},
    {"\"\\x12\\x34\" \"\\0\\1a\"", 0, HEX_BYTES,
     "\x12\x34\x00\x01"
     "a",
     5},
    {"123", 0, HEX_OTHER, "", 0},
    {"hello", 0, HEX_OTHER, "", 0},
    {"12 3g", 0, HEX_OTHER, "", 0},
    {"at 0x10, and 0x12345678", 0, HEX_OTHER, "", 0},
    {"\\x1", 0, HEX_OTHER, "", 0},
    {"'\\x", 0, HEX_OTHER, "", 0},
};

Test(hex, lines_of_every_kind_are_read)
{
    struct hex_line l = {0};
    for (size_t i = 0; i < sizeof hex_rows / sizeof *hex_rows; i++) {
        const struct hex_row *row = &hex_rows[i];
        hex_line_parse(&l, row->line,
                       &(struct hex_place){.done = row->done, .in_dump = row->done > 0});
        cr_expect_eq((int)l.kind, row->kind, "%s: %d", row->line, (int)l.kind);
        if (row->kind != HEX_BYTES || l.kind != HEX_BYTES)
            continue;
        cr_expect_eq(l.bytes.len, (size_t)row->len, "%s: %zu", row->line, l.bytes.len);
        cr_expect(memcmp(l.bytes.at, row->bytes, (size_t)row->len) == 0, "%s", row->line);
    }
    text_free(&l.bytes);
}

Test(crc32, is_that_of_zlib_in_one_piece_and_in_many)
{
    const char *text = "The quick brown fox jumps over the lazy dog";
    cr_expect_eq(crc32_add(0, "", 0), 0u);
    cr_expect_eq(crc32_add(0, "123456789", 9), 0xcbf43926u);
    cr_expect_eq(crc32_add(0, text, strlen(text)), 0x414fa339u);
    for (size_t cut = 0; cut <= strlen(text); cut++)
        cr_expect_eq(crc32_add(crc32_add(0, text, cut), text + cut, strlen(text) - cut),
                     0x414fa339u);
}

Test(crc32, is_the_same_by_long_and_by_short_steps)
{
    static uint8_t bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 7);
    for (size_t len = 0; len < sizeof bytes; len += len < 300 ? 1 : 97) {
        uint32_t slow = 0;
        for (size_t i = 0; i < len; i++)
            slow = crc32_add(slow, bytes + i, 1);
        cr_expect_eq(crc32_add(0, bytes, len), slow, "%zu bytes", len);
    }
}

Test(histogram, quantiles_are_right_within_two_percent)
{
    static struct histogram h;
    for (uint64_t i = 1; i <= 100000; i++)
        histogram_add(&h, i * 1000);
    static const double shares[] = {0.01, 0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double want = shares[i] * 1e8, got = (double)histogram_quantile(&h, shares[i]);
        cr_expect(got > want * 0.999 && got < want * 1.02, "%f: %f", shares[i], got);
    }
    cr_expect_eq(histogram_quantile(&h, 1), 100000000u);
    cr_expect_eq(h.min, 1000u);
}

Test(histogram, extremes_have_a_bucket)
{
    static struct histogram h;
    static const uint64_t values[] = {0, 1, 63, 64, 65, 127, 128, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        histogram_add(&h, values[i]);
    cr_expect_eq(h.count, 8u);
    cr_expect_eq(histogram_quantile(&h, 0), 0u);
    cr_expect_eq(histogram_quantile(&h, 0.375), 63u);
    cr_expect_eq(histogram_quantile(&h, 1), UINT64_MAX);
}

Test(text, printable_runs_end_at_the_first_other_byte)
{
    char line[40];
    for (size_t at = 0; at <= sizeof line; at++) {
        for (int byte = 0; byte < 256; byte++) {
            bool plain = byte >= ' ' && byte < 127 && byte != '"' && byte != '\\';
            memset(line, 'x', sizeof line);
            if (at < sizeof line)
                line[at] = (char)byte;
            if (at + 9 < sizeof line)
                line[at + 9] = (char)byte;
            size_t want = plain ? sizeof line : at;
            cr_expect_eq(text_plain(line, sizeof line, '"', '\\'), want, "%d at %zu", byte, at);
            cr_expect_eq(text_plain(line, at, '"', '\\'), at);
        }
    }
    cr_expect_eq(text_plain("a\"b\\c", 5, '\\', '\\'), 3u);
    cr_expect_eq(text_plain("", 0, '"', '"'), 0u);
}

Test(term, a_body_brings_no_control_sequence)
{
    static const struct {
        const char *bytes, *shown;
    } rows[] = {
        {"line\n\ttab", "line\n\ttab"},
        {"\033[31mred", "\\x1b[31mred"},
        {"\033]0;title\a", "\\x1b]0;title\\x07"},
        {"\x7f\r\b", "\\x7f\\x0d\\x08"},
        {"\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac"}, /* text of other languages */
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"}, /* CSI of the second control set */
        {"\x9b"
         "2J",
         "\\x9b2J"},
        {"\xc3", "\\xc3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text t = {0};
        term_body(&t, (const uint8_t *)rows[i].bytes, strlen(rows[i].bytes));
        cr_expect_str_eq(t.at, rows[i].shown, "row %zu", i);
        text_free(&t);
    }
}
