/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's HTTP/1.1: one request for ever, answers with a Content-Length or chunked. */
#include "load.h"
#include "sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char load_cookie[] = "JSESSIONID=5F3A8B0C9D1E2F3A4B5C6D7E8F901234.nodeA; theme=dark";

const struct field load_fields[FIELDS] = {
    {"Host", "www.example.com", 0xa00b},
    {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
     0xa00e},
    {"Accept",
     "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
     0xa001},
    {"Accept-Language", "en-GB,en;q=0.7,de;q=0.3", 0xa004},
    {"Accept-Encoding", "gzip, deflate, br", 0xa003},
    {"Referer", "https://www.example.com/shop/catalogue?page=2&sort=price", 0xa00d},
    {"Cookie", load_cookie, 0xa009},
    {"Upgrade-Insecure-Requests", "1", 0},
    {"Sec-Fetch-Dest", "document", 0},
    {"Sec-Fetch-Mode", "navigate", 0},
    {"Sec-Fetch-Site", "same-origin", 0},
    {"Cache-Control", "max-age=0", 0},
};

static char request[HEAD_MAX];
static size_t request_len, upload;

static void http_prepare(const char *path, size_t body)
{
    char *w = request, *end = request + sizeof request;
    upload = body;
    w += snprintf(w, (size_t)(end - w), "%s %s HTTP/1.1\r\n", body ? "POST" : "GET", path);
    for (int i = 0; i < FIELDS; i++)
        w +=
            snprintf(w, (size_t)(end - w), "%s: %s\r\n", load_fields[i].name, load_fields[i].value);
    if (body)
        w += snprintf(w, (size_t)(end - w), "Content-Length: %zu\r\n", body);
    w += snprintf(w, (size_t)(end - w), "\r\n");
    request_len = (size_t)(w - request);
}

static void http_ask(struct client *c)
{
    c->seg = (const uint8_t *)request;
    c->seg_len = request_len;
    c->fill = upload;
    c->status = 0;
    c->got = 0;
    c->expect = SIZE_MAX;
    c->in_body = false;
    c->chunk = CHUNK_NONE;
    c->head_len = 0;
}

static const char *read_head(struct client *c, const char *p, size_t n)
{
    static const char name[] = "\r\ncontent-length:", chunked[] = "\r\ntransfer-encoding: chunked";
    size_t len = sizeof name - 1;
    if (n < 12 || memcmp(p, "HTTP/1.1 ", 9))
        return "no HTTP/1.1 status line";
    c->status = atoi(p + 9);
    for (size_t i = 0; i + len < n; i++) {
        if (p[i] == '\r' && !strncasecmp(p + i, name, len)) {
            c->expect = strtoul(p + i + len, NULL, 10);
            c->in_body = true;
            return NULL;
        }
        if (p[i] == '\r' && !strncasecmp(p + i, chunked, sizeof chunked - 1)) {
            c->chunk = CHUNK_SIZE;
            c->skip = 0;
            c->in_body = true;
            return NULL;
        }
    }
    return "neither Content-Length nor chunked";
}

/* Collects the head. Returns how many of the n bytes belong to it; *why is set when it is bad. */
static size_t take_head(struct client *c, const uint8_t *p, size_t n, const char **why)
{
    const uint8_t *end = c->head_len ? NULL : memmem(p, n, "\r\n\r\n", 4);
    if (end) { /* the usual case: whole, nothing to copy */
        *why = read_head(c, (const char *)p, (size_t)(end - p) + 4);
        return (size_t)(end - p) + 4;
    }
    size_t had = c->head_len, room = sizeof c->head - had, part = n < room ? n : room;
    memcpy(c->head + had, p, part);
    c->head_len += part;
    end = memmem(c->head, c->head_len, "\r\n\r\n", 4);
    if (!end) {
        if (c->head_len == sizeof c->head)
            *why = "head too long";
        return part;
    }
    size_t head = (size_t)(end - c->head) + 4;
    *why = read_head(c, (const char *)c->head, head);
    return head - had;
}

/* Takes chunks: size line, data, line end; the end is an empty chunk without trailers. */
static const char *take_chunks(struct client *c, const uint8_t *p, size_t n, bool *done)
{
    while (n && !*done) {
        if (c->chunk == CHUNK_DATA && c->skip) {
            size_t part = n < c->skip ? n : c->skip;
            c->skip -= part;
            c->got += part;
            p += part;
            n -= part;
            continue;
        }
        uint8_t byte = *p++;
        n--;
        if (c->chunk == CHUNK_SIZE && byte != '\n') {
            int digit = byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10;
            if (byte != '\r' && (digit < 0 || digit > 15))
                return "bad chunk size";
            if (byte != '\r')
                c->skip = c->skip << 4 | (size_t)digit;
        } else if (c->chunk == CHUNK_SIZE) {
            c->chunk = c->skip ? CHUNK_DATA : CHUNK_LAST;
        } else if (byte == '\n') {
            *done = c->chunk == CHUNK_LAST;
            c->chunk = CHUNK_SIZE;
        }
    }
    return n ? "bytes after the last chunk" : NULL;
}

static const char *http_feed(struct client *c, const uint8_t *p, size_t n, bool *done)
{
    const char *why = NULL;
    if (!c->in_body) {
        size_t used = take_head(c, p, n, &why);
        if (why || !c->in_body)
            return why;
        p += used;
        n -= used;
    }
    if (c->chunk)
        return take_chunks(c, p, n, done);
    c->got += n;
    if (c->got > c->expect)
        return "more bytes than Content-Length";
    *done = c->got == c->expect;
    return NULL;
}

const struct proto proto_http = {http_prepare, http_ask, http_feed};
