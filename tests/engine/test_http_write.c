/* SPDX-License-Identifier: Apache-2.0 */
/* Response heads, own error answers, chunk heads: exact bytes, at every capacity. */
#include "http/h1_body.h"
#include "http/h1_write.h"
#include "http_trace.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define DATE "Sun, 22 Nov 2026 22:24:00 GMT"

static struct field fields[3];

static struct field field(const char *name, const char *value)
{
    return (struct field){ajp_str_of(name, strlen(name)), ajp_str_of(value, strlen(value))};
}

/* The head, then again at every capacity below its size, where nothing may be written. */
static void check(const char *label, const struct reply *r, const struct h1_write *how,
                  const char *want)
{
    size_t n = strlen(want);
    struct guard g;

    guard_new(&g, n);
    for (size_t cap = 0; cap <= n; cap++) {
        uint8_t *out = guard_copy(&g, want, cap);
        memset(out, 'X', cap);
        size_t got = h1_write_head(out, cap, r, how);
        cr_expect_eq(got, cap < n ? 0 : n, "%s: %zu of %zu written", label, got, cap);
        if (got == n)
            cr_expect_arr_eq(out, want, n, "%s: got \"%.*s\"", label, (int)n, (char *)out);
    }
    guard_free(&g);
}

Test(http_write, heads)
{
    static const struct {
        const char *label;
        uint16_t status;
        int64_t length;
        uint16_t count;
        struct h1_write how;
        const char *want;
    } rows[] = {
        {"least", 200, -1, 0, {0}, "HTTP/1.1 200 OK\r\n\r\n"},
        {"length", 200, 5, 0, {0}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
        {"no length 0", 200, 0, 0, {0}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        {"greatest length",
         206,
         INT64_MAX,
         0,
         {0},
         "HTTP/1.1 206 Partial Content\r\nContent-Length: 9223372036854775807\r\n\r\n"},
        {"chunked",
         200,
         -1,
         0,
         {.chunked = true},
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"chunked wins",
         200,
         5,
         0,
         {.chunked = true},
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"close",
         404,
         0,
         0,
         {.close = true},
         "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
        {"1.0",
         200,
         0,
         0,
         {.http10 = true},
         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"},
        {"204", 204, 0, 0, {.chunked = true}, "HTTP/1.1 204 No Content\r\n\r\n"},
        {"304 keeps it", 304, 9, 0, {0}, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"},
        {"304 has no chunks", 304, -1, 0, {.chunked = true}, "HTTP/1.1 304 Not Modified\r\n\r\n"},
        {"HEAD keeps it",
         200,
         9,
         0,
         {.head_request = true},
         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
        {"HEAD has no chunks",
         200,
         -1,
         0,
         {.head_request = true, .chunked = true},
         "HTTP/1.1 200 OK\r\n\r\n"},
        {"1xx", 103, 5, 0, {0}, "HTTP/1.1 103 Early Hints\r\n\r\n"},
        {"unknown status", 299, 0, 0, {0}, "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"},
        {"date and server",
         200,
         0,
         0,
         {.date = DATE, .server = "x"},
         "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nServer: x\r\nContent-Length: 0\r\n\r\n"},
        {"fields",
         200,
         0,
         1,
         {.date = DATE},
         "HTTP/1.1 200 OK\r\nA: b c\r\nDate: " DATE "\r\nContent-Length: 0\r\n\r\n"},
        {"the reply's own date and server",
         200,
         0,
         3,
         {.date = DATE, .server = "x"},
         "HTTP/1.1 200 OK\r\nA: b c\r\ndATE: now\r\nSERVER: \r\nContent-Length: 0\r\n\r\n"},
    };

    fields[0] = field("A", "b c");
    fields[1] = field("dATE", "now");
    fields[2] = field("SERVER", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply r = {.status = rows[i].status,
                          .content_length = rows[i].length,
                          .field_count = rows[i].count,
                          .fields = fields};
        check(rows[i].label, &r, &rows[i].how, rows[i].want);
    }
}

Test(http_write, own_answers)
{
    static const struct {
        uint16_t status;
        bool close, head;
        const char *date;
        unsigned retry;
        const char *want;
    } rows[] = {
        {400, true, false, NULL, 0,
         "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Length: 16\r\nConnection: close\r\n\r\n400 Bad Request\n"},
        {503, false, false, DATE, 2,
         "HTTP/1.1 503 Service Unavailable\r\nDate: " DATE "\r\nRetry-After: 2\r\n"
         "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\n\r\n"
         "503 Service Unavailable\n"},
        {502, false, true, NULL, 0,
         "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Length: 16\r\n\r\n"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].want);
        uint8_t out[512];
        for (size_t cap = 0; cap <= n; cap++) {
            size_t got = h1_write_error(out, cap, rows[i].status, rows[i].close, rows[i].head,
                                        rows[i].date, rows[i].retry);
            cr_expect_eq(got, cap < n ? 0 : n, "%u: %zu of %zu", rows[i].status, got, cap);
        }
        cr_expect_arr_eq(out, rows[i].want, n, "%.*s", (int)n, (char *)out);
    }
}

Test(http_write, every_status_fits_and_announces_its_text)
{
    for (uint16_t status = 400; status < 600; status++) {
        uint8_t out[513];
        size_t n = h1_write_error(out, 512, status, true, false, DATE, UINT32_MAX);
        cr_assert(n > 0);
        out[n] = 0;
        const char *length = strstr((char *)out, "Content-Length: ");
        const char *body = strstr((char *)out, "\r\n\r\n");
        cr_assert(length && body);
        cr_expect_eq(strtoul(length + 16, NULL, 10), strlen(body + 4), "%u", status);
        cr_expect_null(strstr(h1_reason(status), "\r"));
    }
}

Test(http_write, chunks_are_read_back)
{
    static const size_t sizes[] = {1, 9, 10, 15, 16, 255, 256, 8000, 8192, 65535, 65536, 0xffffff};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t head[H1_CHUNK_HEAD_MAX + 1];
        struct h1_chunked c = {0};
        const uint8_t *data;
        size_t used, run, n = h1_chunk_head(head, sizes[i]);
        bool end;

        cr_assert_leq(n, H1_CHUNK_HEAD_MAX);
        head[n] = 'x';
        cr_assert_eq(h1_chunked_next(&c, head, n + 1, &used, &data, &run, &end), H1_OK);
        cr_assert(run == 1 && data == head + n);
        cr_assert_eq(c.left, sizes[i] - 1);
    }
    uint8_t out[H1_CHUNK_HEAD_MAX];
    cr_assert_eq(h1_chunk_head(out, 8000), 6);
    cr_assert_arr_eq(out, "1F40\r\n", 6);
}
