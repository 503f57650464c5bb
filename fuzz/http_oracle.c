/* SPDX-License-Identifier: Apache-2.0 */
/* A second opinion on HTTP/1 from libhttp-parser. */
#include "http_oracle.h"

#ifdef HAVE_HTTP_PARSER

#include "http/h1_rules.h"

#include <http_parser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct opinion {
    const char *url;
    size_t url_len;
    struct field lines[256];
    size_t count;
    bool in_value, complete, message;
    const uint8_t *body;
    size_t body_at, body_len;
};

static int on_url(http_parser *p, const char *at, size_t n)
{
    struct opinion *o = p->data;

    if (!o->url)
        o->url = at;
    o->url_len += n;
    return 0;
}

static int on_name(http_parser *p, const char *at, size_t n)
{
    struct opinion *o = p->data;

    if (o->in_value || o->count == 0) {
        if (o->count == 256)
            return 1;
        o->lines[o->count++].name = ajp_str_of(at, 0);
        o->lines[o->count - 1].value = AJP_STR("");
    }
    o->in_value = false;
    o->lines[o->count - 1].name.len += n;
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct opinion *o = p->data;
    struct field *f = &o->lines[o->count - 1];

    if (!o->in_value)
        f->value = ajp_str_of(at, 0);
    o->in_value = true;
    f->value.len += n;
    return 0;
}

static int on_head(http_parser *p)
{
    ((struct opinion *)p->data)->complete = true;
    return 2; /* no body is looked at */
}

static int on_body(http_parser *p, const char *at, size_t n)
{
    struct opinion *o = p->data;

    if (n > o->body_len - o->body_at || memcmp(o->body + o->body_at, at, n) != 0)
        abort();
    o->body_at += n;
    return 0;
}

static int on_message(http_parser *p)
{
    ((struct opinion *)p->data)->message = true;
    return 0;
}

static void require(bool truth)
{
    if (!truth)
        abort();
}

static bool equal(ajp_str a, ajp_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* Ours is what is left after some were taken out: the rest stands in the same order. */
static void check_fields(const struct head *h, const struct opinion *o)
{
    size_t at = 0;

    for (size_t i = 0; i < h->field_count; i++) {
        if (h1_same(h->fields[i].name, AJP_STR("host")))
            continue; /* the absolute form may have replaced it */
        while (at < o->count && !(equal(o->lines[at].name, h->fields[i].name) &&
                                  equal(h1_trim(o->lines[at].value), h->fields[i].value)))
            at++;
        require(at++ < o->count);
    }
}

/* http-parser takes ",close" and "x close" for something else than RFC 9110 does. */
static bool simple_connection(const struct opinion *o)
{
    size_t lines = 0;

    for (size_t i = 0; i < o->count; i++) {
        if (!h1_same(o->lines[i].name, AJP_STR("connection")))
            continue;
        if (lines++ > 0 || !h1_is_token(h1_trim(o->lines[i].value)))
            return false;
    }
    return true;
}

/* http-parser takes a longer name that begins like Transfer-Encoding for it in parts: it forgets
 * what the true one said, and refuses a Content-Length beside it. */
static bool simple_encoding(const struct opinion *o)
{
    const ajp_str name = AJP_STR("transfer-encoding");

    for (size_t i = 0; i < o->count; i++)
        if (o->lines[i].name.len > name.len &&
            h1_same(ajp_str_of(o->lines[i].name.ptr, name.len), name))
            return false;
    return true;
}

void oracle_head(const struct head *h, const uint8_t *in, size_t used)
{
    static const http_parser_settings settings = {
        .on_url = on_url,
        .on_header_field = on_name,
        .on_header_value = on_value,
        .on_headers_complete = on_head,
    };
    struct opinion o = {0};
    http_parser p;
    const char *method;

    http_parser_init(&p, HTTP_REQUEST);
    p.data = &o;
    http_parser_execute(&p, &settings, (const char *)in, used);
    if (HTTP_PARSER_ERRNO(&p) == HPE_INVALID_METHOD || !simple_encoding(&o))
        return;
    require(HTTP_PARSER_ERRNO(&p) == HPE_OK && o.complete);
    method = http_method_str((enum http_method)p.method);
    require(equal(h->method, ajp_str_of(method, strlen(method))));
    if (o.url[0] == '/') {
        size_t n = h->path.len + (h->query.ptr ? h->query.len + 1 : 0);
        require(o.url == h->path.ptr && o.url_len == n);
    }
    require(p.content_length ==
            (h->content_length < 0 ? ULLONG_MAX : (unsigned long long)h->content_length));
    require(((p.flags & F_CHUNKED) != 0) == h->chunked);
    require(!simple_connection(&o) || http_should_keep_alive(&p) == h->keep_alive);
    check_fields(h, &o);
}

void oracle_chunks(const uint8_t *in, size_t used, const uint8_t *body, size_t n)
{
    static const http_parser_settings settings = {
        .on_body = on_body,
        .on_message_complete = on_message,
    };
    static const char head[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct opinion o = {.body = body, .body_len = n};
    http_parser p;
    size_t n_read;

    http_parser_init(&p, HTTP_REQUEST);
    p.data = &o;
    http_parser_execute(&p, &settings, head, sizeof head - 1);
    n_read = http_parser_execute(&p, &settings, (const char *)in, used);
    if (HTTP_PARSER_ERRNO(&p) == HPE_INVALID_CHUNK_SIZE && in[n_read] == '\t')
        return; /* before an extension it takes only spaces */
    require(n_read == used);
    require(HTTP_PARSER_ERRNO(&p) == HPE_OK && o.message && o.body_at == n);
}

#else

void oracle_head(const struct head *h, const uint8_t *in, size_t used)
{
    (void)h, (void)in, (void)used;
}

void oracle_chunks(const uint8_t *in, size_t used, const uint8_t *body, size_t n)
{
    (void)in, (void)used, (void)body, (void)n;
}

#endif
