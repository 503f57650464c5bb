/* SPDX-License-Identifier: Apache-2.0 */
/* What the codec costs on realistic messages, beside copying the same bytes, a
 * bare walk over their length words, and an HTTP/1 parser on the same request. */
#include "job.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_HTTP_PARSER
#include <http_parser.h>
#endif

enum { CERT = 2048, KEY_BITS = 256 };

struct pair {
    const char *name, *value;
};

static uint8_t target[AJP_PACKET_MAX + 16];

static const struct pair browser[] = {
    {"Host", "shop.example.com"},
    {"Connection", "keep-alive"},
    {"Cache-Control", "max-age=0"},
    {"Upgrade-Insecure-Requests", "1"},
    {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                   "Chrome/124.0.0.0 Safari/537.36"},
    {"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
               "image/apng,*/*;q=0.8"},
    {"Sec-Fetch-Site", "same-origin"},
    {"Sec-Fetch-Mode", "navigate"},
    {"Referer", "https://shop.example.com/catalogue/index.html"},
    {"Accept-Encoding", "gzip, deflate, br"},
    {"Accept-Language", "en-GB,en;q=0.9,de;q=0.8"},
    {"Cookie", "JSESSIONID=5F3A9B1C7D2E4F60718293A4B5C6D7E8.nodeA; lang=en; consent=1; theme=dark; "
               "basket=3f2504e0"},
    {"Sec-Fetch-User", "?1"},
    {"Sec-Fetch-Dest", "document"},
    {"Sec-Ch-Ua", "\"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\""},
    {"Sec-Ch-Ua-Mobile", "?0"},
    {"Sec-Ch-Ua-Platform", "\"Linux\""},
    {"X-Forwarded-For", "203.0.113.17, 198.51.100.4"},
    {"X-Forwarded-Proto", "https"},
    {"X-Forwarded-Host", "shop.example.com"},
    {"X-Request-Id", "c0ffee00-1234-5678-9abc-def012345678"},
    {"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
    {"Tracestate", "vendor=t61rcWkgMzE"},
    {"Pragma", "no-cache"},
    {"Dnt", "1"},
    {"Priority", "u=0, i"},
    {"If-None-Match", "W/\"1234-567890\""},
    {"If-Modified-Since", "Sat, 21 Nov 2026 10:00:00 GMT"},
    {"X-Requested-With", "XMLHttpRequest"},
    {"X-Csrf-Token", "b3f0c1d2e3f405162738495a6b7c8d9e"},
};

static const struct pair answer[] = {
    {"Content-Type", "text/html;charset=UTF-8"},
    {"Content-Length", "18345"},
    {"Date", "Sun, 22 Nov 2026 22:24:00 GMT"},
    {"Last-Modified", "Sat, 21 Nov 2026 10:00:00 GMT"},
    {"Set-Cookie", "JSESSIONID=5F3A9B1C7D2E4F60718293A4B5C6D7E8.nodeA; Path=/; HttpOnly"},
    {"Cache-Control", "private, max-age=0"},
    {"Content-Language", "en-GB"},
    {"X-Frame-Options", "SAMEORIGIN"},
    {"X-Content-Type-Options", "nosniff"},
    {"Vary", "Accept-Encoding"},
};

static ajp_str str(const char *s)
{
    return ajp_str_of(s, strlen(s));
}

/* The writer's input is prepared outside the clock, as a caller holds it. */
struct prepared {
    ajp_request_line line;
    ajp_str names[32], values[32];
    size_t count;
    ajp_str cert, query;
    bool tls;
} ready[4];

static size_t write_request(const struct prepared *r, uint8_t *out)
{
    ajp_writer w;
    size_t len = 0;
    ajp_writer_init(&w, out, AJP_PACKET_DEFAULT);
    ajp_write_request(&w, &r->line);
    for (size_t i = 0; i < r->count; i++) {
        ajp_write_header(&w, r->names[i], r->values[i]);
    }
    ajp_write_attr(&w, AJP_ATTR_SECRET, AJP_STR("correct-horse-battery"));
    ajp_write_attr(&w, AJP_ATTR_QUERY_STRING, r->query);
    ajp_write_attr(&w, AJP_ATTR_JVM_ROUTE, AJP_STR("nodeA"));
    if (r->tls) {
        if (r->cert.len > 0) {
            ajp_write_attr(&w, AJP_ATTR_SSL_CERT, r->cert);
        }
        ajp_write_attr(&w, AJP_ATTR_SSL_CIPHER, AJP_STR("TLS_AES_256_GCM_SHA384"));
        ajp_write_attr(&w, AJP_ATTR_SSL_SESSION,
                       AJP_STR("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"));
        ajp_write_key_size(&w, KEY_BITS);
        ajp_write_named(&w, AJP_STR("AJP_SSL_PROTOCOL"), AJP_STR("TLSv1.3"));
    }
    ajp_write_named(&w, AJP_STR("AJP_REMOTE_PORT"), AJP_STR("51514"));
    ajp_write_named(&w, AJP_STR("AJP_LOCAL_ADDR"), AJP_STR("192.0.2.10"));
    if (ajp_writer_finish(&w, &len) != AJP_OK) {
        abort();
    }
    return len;
}

static size_t write_answer(uint8_t *out)
{
    ajp_writer w;
    size_t len = 0;
    ajp_writer_init(&w, out, AJP_PACKET_DEFAULT);
    ajp_write_response(&w, 200, AJP_STR("200"));
    for (size_t i = 0; i < sizeof answer / sizeof answer[0]; i++) {
        ajp_write_header(&w, str(answer[i].name), str(answer[i].value));
    }
    if (ajp_writer_finish(&w, &len) != AJP_OK) {
        abort();
    }
    return len;
}

static bool skip(const uint8_t **p, const uint8_t *end)
{
    if ((size_t)(end - *p) < 2) {
        return false;
    }
    const size_t n = (size_t)(*p)[0] << 8 | (*p)[1];
    const size_t step = n == 0xffff ? 2 : n + 3;
    if ((size_t)(end - *p) < step) {
        return false;
    }
    *p += step;
    return true;
}

static size_t walk_headers(const uint8_t *p, const uint8_t *end, bool attrs)
{
    size_t count = (size_t)p[0] << 8 | p[1];
    for (p += 2; count > 0; count--) {
        if ((size_t)(end - p) < 2) {
            return 0;
        }
        if (*p == 0xa0) {
            p += 2;
        } else if (!skip(&p, end)) {
            return 0;
        }
        if (!skip(&p, end)) {
            return 0;
        }
    }
    while (attrs && p < end && *p != 0xff) {
        const uint8_t code = *p++;
        if (code == 0x0b) {
            p += 2;
        } else if ((code == 0x0a && !skip(&p, end)) || !skip(&p, end)) {
            return 0;
        }
    }
    return (size_t)(end - p);
}

/* Where the frame ends, by its own length word; NULL if that is not there. */
static const uint8_t *end_of(const struct packet *k)
{
    const size_t n = (size_t)k->bytes[2] << 8 | k->bytes[3];
    return k->len < 4 || k->len - 4 < n ? NULL : k->bytes + 4 + n;
}

static size_t walk_request(const struct packet *k)
{
    const uint8_t *p = k->bytes + 6, *end = end_of(k);
    if (end == NULL) {
        return 0;
    }
    for (int i = 0; i < 5; i++) {
        if (!skip(&p, end)) {
            return 0;
        }
    }
    return walk_headers(p + 3, end, true);
}

static size_t walk_response(const struct packet *k)
{
    const uint8_t *p = k->bytes + 7, *end = end_of(k);
    return end != NULL && skip(&p, end) ? walk_headers(p, end, false) : 0;
}

static size_t copy_packet(const struct packet *k)
{
    memcpy((void *)target, k->bytes, k->len);
    return target[k->len / 2];
}

static void decode_into(ajp_message *m, const struct packet *k, const ajp_limits *lim)
{
    ajp_frame f;
    size_t used;
    if (ajp_frame_next(k->bytes, k->len, lim, &f, &used) != AJP_OK ||
        ajp_decode(m, &f, false, lim) != AJP_OK) {
        abort();
    }
}

static size_t decode_with(const struct packet *k, const ajp_limits *lim)
{
    ajp_message m;
    decode_into(&m, k, lim);
    return m.kind == AJP_FORWARD_REQUEST ? m.u.request.end_at : m.u.response.headers.count;
}

static size_t decode_strict(const struct packet *k)
{
    return decode_with(k, &ajp_limits_default);
}

static size_t decode_any_text(const struct packet *k)
{
    static const ajp_limits lim = {AJP_PACKET_DEFAULT, 100, 64, AJP_ALLOW_CONTROLS};
    return decode_with(k, &lim);
}

static const struct prepared *encoding;

static size_t encode_request(const struct packet *k)
{
    (void)k;
    return write_request(encoding, (uint8_t *)target);
}

static size_t encode_response(const struct packet *k)
{
    (void)k;
    return write_answer((uint8_t *)target);
}

static ajp_message decoded; /* what is patched */

static size_t patch_request(const struct packet *k)
{
    static const uint8_t extra[] = {0x0c, 0, 1, 'x', 0};
    uint8_t head[4];
    ajp_iov iov[AJP_PATCH_IOV];
    int count = 0;
    (void)k;
    if (ajp_patch_iov(&decoded.u.request, 1, extra, sizeof extra, AJP_PACKET_DEFAULT, head, iov,
                      &count) != AJP_OK) {
        abort();
    }
    return (size_t)count + head[3];
}

static size_t stream_chunk(const struct packet *k)
{
    ajp_limits lim = ajp_limits_default;
    ajp_session s;
    ajp_message m;
    size_t used = 0;
    static const uint8_t head[] = {0x41, 0x42, 0, 7, 4, 0, 200, 0xff, 0xff, 0, 0};
    lim.max_packet = AJP_PACKET_MAX;
    ajp_session_init(&s, AJP_SERVER, &lim);
    if (ajp_session_send_request(&s, -1) != AJP_OK ||
        ajp_session_recv(&s, head, sizeof head, &used, &m) != AJP_OK ||
        ajp_session_recv(&s, k->bytes, k->len, &used, &m) != AJP_OK) {
        abort();
    }
    return used;
}

#ifdef HAVE_HTTP_PARSER
static int on_data(http_parser *parser, const char *at, size_t n)
{
    (void)parser;
    sink += n + (size_t)*at;
    return 0;
}

static size_t parse_http(const struct packet *k)
{
    static const http_parser_settings settings = {
        .on_url = on_data, .on_header_field = on_data, .on_header_value = on_data};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    return http_parser_execute(&parser, &settings, k->http, k->http_len);
}
#endif

static void prepare(struct prepared *r, size_t headers, bool tls, size_t cert, bool cookies)
{
    static char pem[CERT + 1], jar[1600];
    memset(r, 0, sizeof *r);
    r->line = (ajp_request_line){AJP_STR("GET"),
                                 AJP_STR("HTTP/1.1"),
                                 AJP_STR("/catalogue/item/4711/details.html"),
                                 AJP_STR("203.0.113.17"),
                                 AJP_NULL,
                                 AJP_STR("shop.example.com"),
                                 443,
                                 tls};
    for (size_t i = 0; i < headers; i++) {
        r->names[i] = str(browser[i].name);
        r->values[i] = str(browser[i].value);
    }
    r->count = headers;
    r->query = AJP_STR("page=2&sort=price&filter=in-stock");
    r->tls = tls;
    if (cert > 0) {
        for (size_t i = 0; i < cert; i++) {
            pem[i] = i % 65 == 64 ? '\n' : (char)('A' + i % 26);
        }
        r->cert = ajp_str_of(pem, cert);
    }
    if (cookies) { /* a portal's jar */
        for (int i = 0; i < 12; i++) {
            const size_t n = strlen(jar);
            snprintf(jar + n, sizeof jar - n,
                     "GUEST_LANGUAGE_ID_%d=en_GB%d; COOKIE_SUPPORT=true; "
                     "LFR_SESSION_STATE_%d=%d%d; ",
                     i, i, i, 1600000000 + i, 4711 * i);
        }
        r->values[11] = str(jar);
    }
}

static void spell_http(struct packet *k, const struct prepared *r)
{
    k->http_len = (size_t)snprintf(k->http, sizeof k->http, "GET %s?%s HTTP/1.1\r\n",
                                   r->line.uri.ptr, r->query.ptr);
    for (size_t i = 0; i < r->count; i++) {
        k->http_len += (size_t)snprintf(k->http + k->http_len, sizeof k->http - k->http_len,
                                        "%s: %s\r\n", r->names[i].ptr, r->values[i].ptr);
    }
    k->http_len += (size_t)snprintf(k->http + k->http_len, sizeof k->http - k->http_len, "\r\n");
}

static void bench_request(struct packet *k, const struct prepared *r, bool aims)
{
    k->len = write_request(r, k->bytes);
    spell_http(k, r);
    encoding = r;
    decode_into(&decoded, k, &ajp_limits_default);
    job("memcpy", copy_packet, k->len);
    const struct job *floor = job("bare walk", walk_request, k->len);
    const struct job *any = job("decode, any text", decode_any_text, k->len);
    const struct job *strict = job("decode", decode_strict, k->len);
    const struct job *encode = job("encode", encode_request, k->len);
    job("patch, one replaced", patch_request, k->len);
#ifdef HAVE_HTTP_PARSER
    job("libhttp-parser, same as HTTP/1", parse_http, k->http_len);
#endif
    job_measure(k, floor);
    if (aims) {
        job_aim("decode without text scan", any, floor, 1.5);
        job_aim("decode", strict, floor, 2.5);
        job_aim("encode", encode, floor, 2.0);
    }
}

static void bench_response(struct packet *k)
{
    k->label = "Send Headers, 10 headers";
    k->len = write_answer(k->bytes);
    job("memcpy", copy_packet, k->len);
    const struct job *floor = job("bare walk", walk_response, k->len);
    const struct job *any = job("decode, any text", decode_any_text, k->len);
    job("decode", decode_strict, k->len);
    job("encode", encode_response, k->len);
    job_measure(k, floor);
    job_aim("decode without text scan", any, floor, 1.5);
}

static void bench_chunk(struct packet *k, const char *label, uint16_t body)
{
    k->label = label;
    memset(k->bytes, 'b', sizeof k->bytes);
    k->len = ajp_chunk_head(k->bytes, body) + body + 1u;
    k->bytes[k->len - 1] = 0;
    job("memcpy", copy_packet, k->len);
    job("session, whole exchange", stream_chunk, k->len);
    job_measure(k, NULL);
}

int main(int argc, char **argv)
{
    static struct packet k;
    if (!job_options(argc, argv)) {
        fprintf(stderr, "usage: codec_bench [--instructions FILE | --count] [--check]\n");
        return 2;
    }
    prepare(&ready[0], 12, true, 0, false);
    k.label = "Forward Request, 12 headers, TLS";
    bench_request(&k, &ready[0], true);
    prepare(&ready[1], 30, true, 0, false);
    k.label = "Forward Request, 30 headers, TLS";
    bench_request(&k, &ready[1], false);
    prepare(&ready[2], 12, false, 0, true);
    k.label = "Forward Request, a portal's cookies";
    bench_request(&k, &ready[2], false);
    prepare(&ready[3], 12, true, CERT, false);
    k.label = "Forward Request, 2 KiB certificate";
    bench_request(&k, &ready[3], false);
    bench_response(&k);
    bench_chunk(&k, "Send Body Chunk of 8 KiB", 8184);
    bench_chunk(&k, "Send Body Chunk of 64 KiB", 65528);
    return job_result();
}
