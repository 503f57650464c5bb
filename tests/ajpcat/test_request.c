/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of get and replay: forms, reports, cookies that change, answers compared. */
#include "get_report.h"
#include "multipart.h"
#include "replay.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(multipart, parts_are_written_as_browsers_do)
{
    static const struct {
        const char *part, *written;
    } rows[] = {
        {"a=b", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n"},
        {"a=", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n"},
        {"a=b=c;d", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb=c;d\r\n"},
        {"q\"\r\n=x", "--B\r\nContent-Disposition: form-data; name=\"q%22%0D%0A\"\r\n\r\nx\r\n"},
        {"f=@/dev/null;type=text/x;filename=n\"1",
         "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n%221\"\r\n"
         "Content-Type: text/x\r\n\r\n\r\n"},
        {"f=@/dev/null", "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"null\"\r\n"
                         "Content-Type: application/octet-stream\r\n\r\n\r\n"},
        {"f=</dev/null", "--B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text t = {0};
        const char *why = "";
        cr_assert(multipart_add(&t, "B", rows[i].part, &why), "row %zu: %s", i, why);
        cr_expect_str_eq(t.at, rows[i].written, "row %zu: %s", i, t.at);
        text_free(&t);
    }
}

Test(multipart, what_is_no_part_is_refused)
{
    static const char *const rows[] = {
        "", "=", "=x", "name", "f=@/nonexistent", "f=</nonexistent", "f=@/"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text t = {0};
        const char *why = NULL;
        cr_expect(!multipart_add(&t, "B", rows[i], &why) && why, "row %zu", i);
        text_free(&t);
    }
}

Test(multipart, boundaries_differ)
{
    char a[MULTIPART_BOUNDARY], b[MULTIPART_BOUNDARY];
    multipart_boundary(a);
    multipart_boundary(b);
    cr_expect_str_neq(a, b);
    cr_expect_eq(strspn(a, "ajptbc-0123456789def"), strlen(a));
}

Test(get_report, formats_are_filled_in)
{
    const struct fetch f = {.status = 204,
                            .up = 5,
                            .down = 0,
                            .start_ns = 1000000000,
                            .first_ns = 1250000000,
                            .last_ns = 2000000000};
    const struct get_report r = {
        .url = "ajp://h/", .fetch = &f, .connect_ns = 500000000, .connects = true};
    static const struct {
        const char *format, *text;
    } rows[] = {
        {"", ""},
        {"plain 100%", "plain 100%"},
        {"%{status} %{http_code}", "204 204"},
        {"%{num_connects},%{size_upload},%{size_download}", "1,5,0"},
        {"%{time_connect} %{time_starttransfer} %{time_total}", "0.500000 0.750000 1.500000"},
        {"%{url}\\n\\t\\\\", "ajp://h/\n\t\\"},
        {"50%%{x", "50%{x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *out = NULL;
        size_t len = 0;
        FILE *to = open_memstream(&out, &len);
        get_report_format(&r, rows[i].format, to);
        fclose(to);
        cr_expect_str_eq(out, rows[i].text, "row %zu: %s", i, out);
        free(out);
    }
    cr_expect_null(get_report_check("%{status} %{url}"));
    cr_expect_str_eq(get_report_check("%{status} %{nope}"), "%{nope}");
    cr_expect_str_eq(get_report_check("%{status"), "%{status");
}

Test(replay, captured_cookies_become_new_ones)
{
    struct replay_cookie pairs[] = {{(char *)"OLDOLDOLD", (char *)"new"},
                                    {(char *)"SECOND..", (char *)"a longer value"},
                                    {(char *)"OLDOLDOLD", (char *)"newest"}};
    const struct replay_cookies cookies = {pairs, 3};
    static const struct {
        const char *before, *after;
    } rows[] = {
        {"", ""},
        {"JSESSIONID=OLDOLDOLD", "JSESSIONID=newest"},
        {"a=OLDOLDOLD; b=SECOND..; c=OLDOLDOL", "a=newest; b=a longer value; c=OLDOLDOL"},
        {"OLDOLDOLDOLDOLDOLD", "newestnewest"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text t = {0};
        text_str(&t, "");
        replay_translate(&cookies, ajp_str_of(rows[i].before, strlen(rows[i].before)), &t);
        cr_expect_str_eq(t.at, rows[i].after, "row %zu: %s", i, t.at);
        text_free(&t);
    }
}

/* An answer with one header twice, and a cookie. */
static struct replay_answer answer(uint16_t status, const char *type, const char *cookie)
{
    uint8_t packet[1024];
    ajp_writer w;
    size_t len = 0;
    struct replay_answer a = {.whole = true, .status = status, .bytes = 3, .crc32 = 0x1234};
    ajp_writer_init(&w, packet, sizeof packet);
    ajp_write_response(&w, status, AJP_STR("OK"));
    ajp_write_header(&w, AJP_STR("Content-Type"), ajp_str_of(type, strlen(type)));
    ajp_write_header(&w, AJP_STR("content-type"), AJP_STR("x/y"));
    ajp_write_header(&w, AJP_STR("Set-Cookie"), ajp_str_of(cookie, strlen(cookie)));
    cr_assert_eq(ajp_writer_finish(&w, &len), AJP_OK);
    text_put(&a.head, packet + AJP_HEADER_SIZE, len - AJP_HEADER_SIZE);
    return a;
}

static const struct replay_names names = {{"status", "content-type", "set-cookie", "body"}, 4};

Test(replay, answers_differ_where_they_differ)
{
    static const struct {
        uint16_t status;
        const char *type, *cookie;
        uint32_t crc;
        bool damaged;
        const char *differences;
    } rows[] = {
        {200, "a/b", "S=12345678", 0x1234, false, ""},
        {200, "a/b", "S=other; Path=/", 0x1234, false, ""}, /* values of cookies always differ */
        {404, "a/b", "S=12345678", 0x1234, false, "status 200 404|"},
        {200, "a/c", "S=12345678", 0x1234, false, "content-type a/b, x/y a/c, x/y|"},
        {200, "a/b", "T=12345678", 0x1234, false, "set-cookie S T|"},
        {200, "a/b", "S=12345678", 0x4321, false,
         "body 3 bytes, CRC 00001234 3 bytes, CRC 00004321|"},
        {200, "a/b", "S=12345678", 0x4321, true, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct replay_difference d[REPLAY_DIFFERENCES];
        struct replay_answer before = answer(200, "a/b", "S=12345678");
        struct replay_answer after = answer(rows[i].status, rows[i].type, rows[i].cookie);
        struct text t = {0};
        text_str(&t, "");
        after.crc32 = rows[i].crc;
        before.damaged = rows[i].damaged;
        size_t n = replay_compare(&before, &after, &names, d);
        for (size_t k = 0; k < n; k++)
            text_fmt(&t, "%s %s %s|", d[k].name, d[k].before.at, d[k].after.at);
        cr_expect_str_eq(t.at, rows[i].differences, "row %zu: %s", i, t.at);
        replay_differences_free(d, n);
        text_free(&before.head);
        text_free(&after.head);
        text_free(&t);
    }
}

Test(replay, only_cookies_of_one_name_are_learnt)
{
    struct replay_cookies c = {0};
    struct replay_answer before = answer(200, "a/b", "S=12345678; Path=/");
    struct replay_answer same = answer(200, "a/b", "S=abcdefgh.node; Path=/");
    struct replay_answer other = answer(200, "a/b", "T=abcdefgh");
    replay_learn(&c, &before, &other);
    cr_expect_eq(c.count, 0);
    replay_learn(&c, &before, &same);
    cr_assert_eq(c.count, 1);
    cr_expect_str_eq(c.at[0].before, "12345678");
    cr_expect_str_eq(c.at[0].after, "abcdefgh.node");
    text_free(&before.head);
    text_free(&same.head);
    text_free(&other.head);
    replay_cookies_free(&c);
}
