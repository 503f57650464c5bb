/* SPDX-License-Identifier: Apache-2.0 */
/* Time of an HTTP/1 request head: our parser, http-parser collecting the same views (if it is
 * there), our parser and the translation to AJP, the translation of a reply and its writing.
 * Prints minimum and median of many rounds, in nanoseconds a head. */
#include "http/h1_parse.h"
#include "http/h1_write.h"
#include "map/ajp_to_http.h"
#include "map/http_to_ajp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_HTTP_PARSER
#include <http_parser.h>
#endif

enum { ROUNDS = 41, PER_ROUND = 20000 };

struct input {
    const char *label, *bytes;
};

static const struct input inputs[] = {
    {"3 fields", "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n"
                 "Accept: */*\r\n\r\n"},
    {"12 fields",
     "GET /app/page.jsp;jsessionid=5F3A91C.nodeA?x=1&y=%20 HTTP/1.1\r\nHost: www.example.com\r\n"
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
     "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
     "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
     "Referer: http://www.example.com/app/\r\nConnection: keep-alive\r\n"
     "Cookie: JSESSIONID=5F3A91C0B2D84E6F.nodeA; theme=dark; consent=1\r\n"
     "Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nPriority: u=0, i\r\n"
     "Cache-Control: max-age=0\r\n\r\n"},
};

static void fail(const char *what)
{
    fprintf(stderr, "h1_bench: %s\n", what);
    exit(1);
}

static void parse(const uint8_t *in, size_t n, struct head *h)
{
    struct h1_error err;
    size_t scanned = 0, used;

    if (h1_parse_request(in, n, &scanned, &h1_limits_default, h, &used, &err) != H1_OK)
        fail("head refused");
}

static void run_parse(const uint8_t *in, size_t n)
{
    struct field fields[HEAD_FIELDS_USUAL];
    struct head h;

    h.fields = fields;
    parse(in, n, &h);
}

static void run_parse_and_map(const uint8_t *in, size_t n)
{
    static const struct ajp_extra extra;
    struct field fields[HEAD_FIELDS_USUAL];
    uint8_t packet[AJP_PACKET_DEFAULT];
    struct head h;
    ajp_str largest;
    size_t len;

    h.fields = fields;
    parse(in, n, &h);
    h.remote_addr = h.local_addr = AJP_STR("127.0.0.1");
    h.remote_host = AJP_NULL;
    h.remote_port = 40000;
    h.is_ssl = false;
    h.tls = NULL;
    h.raw = NULL;
    if (map_http_to_ajp(&h, &extra, packet, sizeof packet, &len, &largest) != AJP_OK)
        fail("not translated");
}

static const uint8_t *reply_packet(size_t *n)
{
    static uint8_t packet[512];
    ajp_writer w;

    ajp_writer_init(&w, packet, sizeof packet);
    ajp_write_response(&w, 200, AJP_STR("200"));
    ajp_write_header(&w, AJP_STR("Content-Type"), AJP_STR("text/html;charset=UTF-8"));
    ajp_write_header(&w, AJP_STR("Content-Length"), AJP_STR("1234"));
    ajp_write_header(&w, AJP_STR("Vary"), AJP_STR("accept-encoding"));
    ajp_write_header(&w, AJP_STR("Set-Cookie"), AJP_STR("JSESSIONID=5F3A.nodeA; Path=/app"));
    if (ajp_writer_finish(&w, n) != AJP_OK)
        fail("reply not written");
    return packet;
}

static void run_reply(const uint8_t *in, size_t n)
{
    static const struct h1_write how = {.date = "Sun, 22 Nov 2026 22:24:00 GMT"};
    struct field fields[HEAD_FIELDS_USUAL];
    struct reply reply;
    uint8_t out[1024];
    ajp_message m;
    ajp_frame f;
    const char *why;
    size_t used;

    reply.fields = fields;
    if (ajp_frame_next(in, n, &ajp_limits_relay, &f, &used) != AJP_OK ||
        ajp_decode(&m, &f, false, &ajp_limits_relay) != AJP_OK ||
        map_ajp_to_http(&m.u.response, &reply, &why) != MAP_OK ||
        h1_write_head(out, sizeof out, &reply, &how) == 0)
        fail("reply not translated");
}

#ifdef HAVE_HTTP_PARSER

static struct {
    struct field fields[HEAD_FIELDS_USUAL];
    ajp_str url;
    size_t count;
} seen;

static int on_url(http_parser *p, const char *at, size_t n)
{
    (void)p;
    seen.url = ajp_str_of(at, n);
    return 0;
}

static int on_name(http_parser *p, const char *at, size_t n)
{
    (void)p;
    seen.fields[seen.count].name = ajp_str_of(at, n);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    (void)p;
    seen.fields[seen.count++].value = ajp_str_of(at, n);
    return 0;
}

static void run_http_parser(const uint8_t *in, size_t n)
{
    static const http_parser_settings settings = {
        .on_url = on_url, .on_header_field = on_name, .on_header_value = on_value};
    http_parser p;

    seen.count = 0;
    http_parser_init(&p, HTTP_REQUEST);
    if (http_parser_execute(&p, &settings, (const char *)in, n) != n)
        fail("http-parser refused the head");
}

#endif

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void measure(const char *label, const char *what, void (*run)(const uint8_t *, size_t),
                    const uint8_t *in, size_t n)
{
    double rounds[ROUNDS];

    for (int r = 0; r < ROUNDS; r++) {
        double start = now();
        for (int i = 0; i < PER_ROUND; i++)
            run(in, n);
        rounds[r] = (now() - start) / PER_ROUND;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], by_value);
    printf("%-10s %-26s %7.1f %7.1f\n", label, what, rounds[0], rounds[ROUNDS / 2]);
}

int main(void)
{
    size_t n;
    const uint8_t *reply = reply_packet(&n);

    printf("%-10s %-26s %7s %7s   ns a head\n", "input", "work", "min", "median");
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        const uint8_t *in = (const uint8_t *)inputs[i].bytes;
        size_t len = strlen(inputs[i].bytes);
#ifdef HAVE_HTTP_PARSER
        measure(inputs[i].label, "http-parser", run_http_parser, in, len);
#endif
        measure(inputs[i].label, "parse", run_parse, in, len);
        measure(inputs[i].label, "parse, translate to AJP", run_parse_and_map, in, len);
    }
    measure("reply", "decode, translate, write", run_reply, reply, n);
    return 0;
}
