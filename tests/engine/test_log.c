/* SPDX-License-Identifier: Apache-2.0 */
/* The event log and the access log: escaping, JSON, floods, cutting, reopening. */
#include "base/access_log.h"
#include "base/line.h"

#include "capture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static struct capture capture;

static ajp_str str(const char *text)
{
    return text ? ajp_str_of(text, strlen(text)) : AJP_NULL;
}

static size_t count_of(const char *text, const char *needle)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, needle)); p++)
        n++;
    return n;
}

Test(log, wire_bytes_are_escaped)
{
    static const struct {
        const char *label, *in, *out;
        size_t cap;
    } rows[] = {
        {"plain", "/a?b=c", "/a?b=c", 64},
        {"null", NULL, "-", 64},
        {"empty", "", "", 64},
        {"newline", "a\nb", "a\\x0ab", 64},
        {"space, quote, backslash", " \"\\", "\\x20\\x22\\x5c", 64},
        {"high bytes", "\xc3\xbc", "\\xc3\\xbc", 64},
        {"fits", "abcd", "abcd", 5},
        {"cut", "abcde", "a...", 5},
        {"never cut inside an escape", "ab\n", "a...", 5},
        {"no room for dots", "abc", "", 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char buf[64];
        cr_expect_str_eq(log_str(buf, rows[i].cap, str(rows[i].in)), rows[i].out, "%s",
                         rows[i].label);
    }
}

Test(log, line_holds_time_level_event_and_fields)
{
    log_setup(LEVEL_INFO, LOG_TEXT);
    capture_begin(&capture, STDERR_FILENO);
    log_event(LEVEL_WARN, "something", "n=%d reason=\"two words\"", 7);
    const char *text = capture_end(&capture);
    cr_expect_eq(text[10], 'T');
    cr_expect_str_eq(strchr(text, 'Z'), "Z warn something n=7 reason=\"two words\"\n");
}

Test(log, level_below_threshold_is_silent)
{
    log_setup(LEVEL_WARN, LOG_TEXT);
    cr_expect(!log_enabled(LEVEL_INFO));
    capture_begin(&capture, STDERR_FILENO);
    log_event(LEVEL_INFO, "quiet", "n=%d", 1);
    log_event(LEVEL_ERROR, "loud", "n=%d", 2);
    const char *text = capture_end(&capture);
    cr_expect_null(strstr(text, "quiet"));
    cr_expect_not_null(strstr(text, "loud"));
}

Test(log, json_members_come_from_the_fields)
{
    log_setup(LEVEL_INFO, LOG_JSON);
    capture_begin(&capture, STDERR_FILENO);
    char buf[32];
    log_event(LEVEL_INFO, "request", "path=%s reason=\"two words\" flag",
              log_str(buf, sizeof buf, str("/\"")));
    const char *text = capture_end(&capture);
    cr_expect_str_eq(strstr(text, "\"level\""),
                     "\"level\":\"info\",\"event\":\"request\",\"path\":\"/\\\\x22\","
                     "\"reason\":\"two words\",\"flag\":\"\"}\n");
}

Test(log, json_that_does_not_fit_stays_whole)
{
    static char big[LOG_LINE_MAX];
    memset(big, '\\', sizeof big - 1); /* doubles in JSON */
    log_setup(LEVEL_INFO, LOG_JSON);
    capture_begin(&capture, STDERR_FILENO);
    log_event(LEVEL_INFO, "request", "first=1 big=%s", big);
    const char *text = capture_end(&capture);
    cr_expect_str_eq(strstr(text, "\"first\""), "\"first\":\"1\"}\n");
}

Test(log, forgotten_escape_cannot_break_the_line)
{
    log_setup(LEVEL_INFO, LOG_TEXT);
    capture_begin(&capture, STDERR_FILENO);
    log_event(LEVEL_INFO, "request", "path=%s", "/a\nfake\x1b[0m");
    const char *text = capture_end(&capture);
    cr_expect_eq(count_of(text, "\n"), 1);
    cr_expect_not_null(strstr(text, "path=/a?fake?[0m"));
}

Test(log, flood_is_counted_not_printed)
{
    log_setup(LEVEL_INFO, LOG_TEXT);
    capture_begin(&capture, STDERR_FILENO);
    for (int i = 0; i < 10000; i++)
        log_event(LEVEL_WARN, "bad_request", "n=%d", i);
    log_event(LEVEL_WARN, "other", "n=%d", 1);
    log_flush_suppressed();
    const char *text = capture_end(&capture);
    size_t printed = count_of(text, "warn bad_request");
    cr_expect_geq(printed, LOG_BURST);
    cr_expect_leq(printed, 4 * LOG_BURST, "the second may change underway");
    cr_expect_not_null(strstr(text, "warn other"));
    unsigned suppressed = 0;
    for (const char *p = text; (p = strstr(p, "of=bad_request count=")); p++)
        suppressed += (unsigned)strtoul(p + strlen("of=bad_request count="), NULL, 10);
    cr_expect_eq(printed + suppressed, 10000);
}

static const struct access_entry entry = {
    .client = {"127.0.0.1", 9},
    .method = {"GET", 3},
    .path = {"/a\"b", 4},
    .query = {"q=1", 3},
    .protocol = {"HTTP/1.1", 8},
    .status = 200,
    .bytes_up = 5,
    .bytes_down = 1048576,
    .worker = "nodeA",
    .route = {"nodeA", 5},
    .total_us = 1234,
    .first_us = 1000,
    .retries = 1,
};

static const char *written(enum log_format format, const struct access_entry *e)
{
    capture_begin(&capture, STDOUT_FILENO);
    struct access_log *log = access_log_open("-", format);
    access_log_write(log, e);
    access_log_close(log);
    return capture_end(&capture);
}

Test(access_log, text_line)
{
    const char *text = written(LOG_TEXT, &entry);
    cr_expect_eq(strncmp(text, "127.0.0.1 - - [", 15), 0);
    static const char rest[] =
        " +0000] \"GET /a\\x22b?q=1 HTTP/1.1\" 200 1048576 up=5 worker=nodeA route=nodeA "
        "us=1234 first_us=1000 retries=1 reason=\"-\" time=";
    const char *at = strchr(text, ' ');
    at = at ? strstr(at, " +0000]") : NULL;
    cr_assert_not_null(at);
    cr_assert_eq(strncmp(at, rest, sizeof rest - 1), 0);
    double stamp = strtod(at + sizeof rest - 1, NULL);
    cr_expect_lt(fabs(stamp - (double)time(NULL)), 60.0);
    cr_expect_eq(at[strlen(at) - 5], '.'); /* milliseconds behind it */
}

Test(access_log, json_line)
{
    const char *text = written(LOG_JSON, &entry);
    cr_expect_eq(text[strlen("{\"time\":\"2026-12-01T12:00:00")], '.');
    cr_expect_str_eq(strstr(text, "\"client\""),
                     "\"client\":\"127.0.0.1\",\"method\":\"GET\",\"path\":\"/a\\\"b\","
                     "\"query\":\"q=1\",\"protocol\":\"HTTP/1.1\",\"status\":200,\"bytes_up\":5,"
                     "\"bytes_down\":1048576,\"worker\":\"nodeA\",\"route\":\"nodeA\","
                     "\"total_us\":1234,\"first_us\":1000,\"retries\":1,\"reason\":null}\n");
}

Test(access_log, absent_values_and_long_ones)
{
    static char big[70000];
    memset(big, '\n', sizeof big);
    struct access_entry odd = {.path = {big, sizeof big}, .query = {big, sizeof big}};
    cr_expect_not_null(strstr(written(LOG_TEXT, &(struct access_entry){0}), "\"- - -\" 0 0"));
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        const char *text = written((enum log_format)format, &odd);
        size_t len = strlen(text);
        cr_expect_lt(len, 8192);
        cr_expect_eq(count_of(text, "\n"), 1);
        cr_expect_eq(text[len - 1], '\n');
        cr_expect_not_null(strstr(text, format == LOG_TEXT ? "reason=\"-\" time=" : "null}\n"));
    }
}

Test(access_log, many_lines_arrive_whole)
{
    capture_begin(&capture, STDOUT_FILENO);
    struct access_log *log = access_log_open("-", LOG_TEXT);
    for (int i = 0; i < 300; i++)
        access_log_write(log, &entry);
    access_log_flush(log);
    access_log_close(log);
    const char *text = capture_end(&capture);
    cr_expect_eq(count_of(text, "\n"), 300);
    cr_expect_eq(count_of(text, "127.0.0.1 - - ["), 300);
}

Test(access_log, file_is_reopened_when_asked)
{
    char dir[] = "/tmp/access-log-XXXXXX", path[64], moved[64];
    struct stat info;
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/log", dir);
    snprintf(moved, sizeof moved, "%s/log.1", dir);
    struct access_log *log = access_log_open(path, LOG_TEXT);
    cr_assert_not_null(log);
    access_log_write(log, &entry);
    cr_assert_eq(rename(path, moved), 0);
    access_log_reopen_all();
    access_log_write(log, &entry);
    access_log_close(log);
    cr_assert_eq(stat(moved, &info), 0);
    off_t first = info.st_size;
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_gt(first, 0);
    cr_expect_eq(info.st_size, first, "each file holds one line");
    unlink(path);
    unlink(moved);
    rmdir(dir);
}

Test(access_log, file_that_cannot_be_opened_is_told)
{
    cr_expect_null(access_log_open("/nonexistent/dir/log", LOG_TEXT));
    access_log_write(NULL, &entry);
    access_log_flush(NULL);
    access_log_close(NULL);
}
