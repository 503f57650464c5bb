/* SPDX-License-Identifier: Apache-2.0 */
/* Options of subcommands, numbers, durations and URLs. */
#include "args.h"
#include "net.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>

enum { VERBOSE, COUNT, DATA };

static const struct arg table[] = {[VERBOSE] = {'v', "verbose", NULL, "talk"},
                                   [COUNT] = {'c', "count", "N", "how many"},
                                   [DATA] = {0, "data", "TEXT", "what"},
                                   [DATA + 1] = {0}};

/* The rows read, as letters: v, c=VALUE, d=VALUE, operands as they are, ! for an error. */
static void read_all(char *const *words, int count, char *out, size_t cap)
{
    struct args a;
    char *argv[16] = {"test"};
    int row;
    memcpy(argv + 1, words, (size_t)count * sizeof *words);
    args_init(&a, count + 1, argv, "", "", table);
    out[0] = '\0';
    while ((row = args_next(&a)) != ARGS_END) {
        size_t at = strlen(out);
        if (row == ARGS_ERROR || row == ARGS_HELP) {
            snprintf(out + at, cap - at, "!");
            return;
        }
        snprintf(out + at, cap - at,
                 row == VERBOSE ? "v "
                 : row < 0      ? "%s "
                                : "%s=%s ",
                 row < 0        ? a.value
                 : row == COUNT ? "c"
                                : "d",
                 a.value);
    }
}

Test(args, words_are_read_as_the_table_says)
{
    cr_redirect_stderr();
    static const struct {
        char *words[4];
        int count;
        const char *read;
    } rows[] = {
        {{"-v"}, 1, "v "},
        {{"--verbose", "x"}, 2, "v x "},
        {{"-c", "3", "y"}, 3, "c=3 y "},
        {{"-c3"}, 1, "c=3 "},
        {{"-vc3"}, 1, "v c=3 "},
        {{"-vc", "3"}, 2, "v c=3 "},
        {{"-vv"}, 1, "v v "},
        {{"--count=4"}, 1, "c=4 "},
        {{"--count", "4"}, 2, "c=4 "},
        {{"--data="}, 1, "d= "},
        {{"--data", "--count"}, 2, "d=--count "},
        {{"-"}, 1, "- "},
        {{"--", "-v", "--nope"}, 3, "-v --nope "},
        {{"a", "-v", "b"}, 3, "a v b "},
        {{"--nope"}, 1, "!"},
        {{"-x"}, 1, "!"},
        {{"--count"}, 1, "!"},
        {{"-c"}, 1, "!"},
        {{"--verbose=1"}, 1, "!"},
        {{"--coun", "4"}, 2, "!"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[128];
        read_all(rows[i].words, rows[i].count, got, sizeof got);
        cr_expect_str_eq(got, rows[i].read, "row %zu: %s", i, rows[i].words[0]);
    }
}

Test(args, numbers_are_whole_and_within_bounds)
{
    static const struct {
        const char *text;
        uint64_t max, value;
        bool ok;
    } rows[] = {
        {"0", 10, 0, true},    {"10", 10, 10, true},
        {"11", 10, 0, false},  {"", 10, 0, false},
        {"+1", 10, 0, false},  {"-1", 10, 0, false},
        {" 1", 10, 0, false},  {"1 ", 10, 0, false},
        {"0x1", 10, 0, false}, {"18446744073709551615", UINT64_MAX, UINT64_MAX, true},
        {"99", 9, 0, false},   {"18446744073709551616", UINT64_MAX, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t got = 0;
        cr_expect_eq(parse_uint(rows[i].text, rows[i].max, &got), rows[i].ok, "%s", rows[i].text);
        cr_expect_eq(got, rows[i].value, "%s", rows[i].text);
    }
}

Test(args, durations_have_units)
{
    static const struct {
        const char *text;
        uint64_t ms;
        bool ok;
    } rows[] = {{"250ms", 250, true}, {"2s", 2000, true},    {"2", 2000, true}, {"1m", 60000, true},
                {"1.5s", 1500, true}, {"1h", 3600000, true}, {"s", 0, false},   {"", 0, false},
                {"1 s", 0, false},    {"1x", 0, false},      {"-1s", 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t got = 0;
        cr_expect_eq(parse_duration_ms(rows[i].text, &got), rows[i].ok, "%s", rows[i].text);
        cr_expect_eq(got, rows[i].ms, "%s", rows[i].text);
    }
}

Test(url, hosts_ports_and_paths_are_told_apart)
{
    static const struct {
        const char *text, *host, *port, *path;
    } rows[] = {
        {"ajp://127.0.0.1:8010/x?y=z", "127.0.0.1", "8010", "/x?y=z"},
        {"ajp://host", "host", "8009", "/"},
        {"host:0", "host", "0", "/"},
        {"ajp://[::1]:1/a", "::1", "1", "/a"},
        {"[::1]", "::1", "8009", "/"},
        {"http://host/", NULL, NULL, NULL},
        {"ajp://", NULL, NULL, NULL},
        {"ajp://:8009/", NULL, NULL, NULL},
        {"ajp://host:/", NULL, NULL, NULL},
        {"ajp://host:65536/", NULL, NULL, NULL},
        {"ajp://host:80x/", NULL, NULL, NULL},
        {"ajp://[::1", NULL, NULL, NULL},
        {"ajp://[::1]x", NULL, NULL, NULL},
        {"ajp://host?x", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct url u;
        const char *why = NULL;
        bool ok = url_parse(rows[i].text, &u, &why);
        cr_expect_eq(ok, rows[i].host != NULL, "%s", rows[i].text);
        if (!ok)
            cr_expect(why && strstr(why, "expected"), "%s", rows[i].text);
        if (!ok || !rows[i].host)
            continue;
        cr_expect_str_eq(u.host, rows[i].host, "%s", rows[i].text);
        cr_expect_str_eq(u.port, rows[i].port, "%s", rows[i].text);
        cr_expect_str_eq(u.path, rows[i].path, "%s", rows[i].text);
    }
}
