/* SPDX-License-Identifier: Apache-2.0 */
/* The sink's HTTP and AJP: just enough reading to know what is asked and where it ends. */
#include "sink.h"
#include "sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOBS = 32, FORWARD = 2, CPING = 10, A_CONTENT_LENGTH = 0xa008 };

struct blob { /* a whole answer, made when first asked for */
    size_t body;
    bool ajp;
    uint8_t *bytes;
    size_t len;
};

size_t sink_packet_size = 8192;
static struct blob blobs[BLOBS];
static size_t blob_count;

static size_t get16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

static uint8_t *put16(uint8_t *w, size_t v)
{
    w[0] = (uint8_t)(v >> 8);
    w[1] = (uint8_t)v;
    return w + 2;
}

static uint8_t *put_text(uint8_t *w, const char *text)
{
    size_t n = strlen(text);
    w = put16(w, n);
    memcpy(w, text, n + 1);
    return w + n + 1;
}

static uint8_t *put_head(uint8_t *w, uint8_t type, size_t payload)
{
    w[0] = 'A';
    w[1] = 'B';
    w = put16(w + 2, payload);
    *w = type;
    return w + 1;
}

static size_t make_http(uint8_t *w, size_t body)
{
    int n =
        sprintf((char *)w,
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", body);
    memset(w + n, 'x', body);
    return (size_t)n + body;
}

static size_t make_ajp(uint8_t *start, size_t body)
{
    char length[24];
    uint8_t *w = start + 5;
    snprintf(length, sizeof length, "%zu", body);
    w = put16(w, 200);
    w = put_text(w, "OK");
    w = put16(w, 2);
    w = put_text(put16(w, 0xa001), "text/plain");
    w = put_text(put16(w, 0xa003), length);
    put_head(start, 4, (size_t)(w - start) - 4);
    while (body) {
        size_t part = body < sink_packet_size - 8 ? body : sink_packet_size - 8;
        w = put16(put_head(w, 3, part + 4), part);
        memset(w, 'x', part);
        w[part] = 0;
        w += part + 1;
        body -= part;
    }
    w = put_head(w, 5, 2);
    *w++ = 1;
    return (size_t)(w - start);
}

static void answer(struct conn *c, bool ajp, size_t body)
{
    size_t i = 0;
    while (i < blob_count && (blobs[i].body != body || blobs[i].ajp != ajp))
        i++;
    if (i == blob_count) {
        if (blob_count == BLOBS)
            die("too many sizes asked for");
        struct blob b = {body, ajp, malloc(body + body / 100 + 4096), 0};
        if (!b.bytes)
            die("memory");
        b.len = ajp ? make_ajp(b.bytes, body) : make_http(b.bytes, body);
        blobs[blob_count++] = b;
    }
    c->out = blobs[i].bytes;
    c->out_len = blobs[i].len;
}

/* N of /bytes/N; anything else has the small answer */
static size_t wanted(const uint8_t *path, size_t n)
{
    size_t body = 0;
    if (n < 8 || memcmp(path, "/bytes/", 7))
        return 100;
    for (size_t i = 7; i < n && path[i] >= '0' && path[i] <= '9'; i++)
        body = body * 10 + (size_t)(path[i] - '0');
    return body;
}

static size_t http_length(const uint8_t *p, size_t n)
{
    static const char name[] = "\ncontent-length:";
    size_t len = sizeof name - 1, i = 0, value = 0;
    for (; i + len < n; i++)
        if (p[i] == '\n' && !strncasecmp((const char *)p + i, name, len))
            break;
    for (i += len; i < n && p[i] == ' '; i++)
        continue;
    for (; i < n && p[i] >= '0' && p[i] <= '9'; i++)
        value = value * 10 + (size_t)(p[i] - '0');
    return value;
}

size_t sink_step_http(struct conn *c, const uint8_t *p, size_t n)
{
    if (c->body_left) {
        size_t part = n < c->body_left ? n : c->body_left;
        c->body_left -= part;
        if (!c->body_left)
            answer(c, false, 100);
        return part;
    }
    const uint8_t *end = memmem(p, n, "\r\n\r\n", 4);
    if (!end)
        return n > 65536 ? STEP_BAD : 0;
    size_t head = (size_t)(end - p) + 4;
    if (p[0] == 'P')
        c->body_left = http_length(p, head);
    if (!c->body_left)
        answer(c, false, p[0] == 'G' ? wanted(p + 4, head - 4) : 100);
    return head;
}

static void ask_body(struct conn *c)
{
    size_t most = sink_packet_size - 6;
    put16(put_head(c->ask, 6, 3), c->endless || c->body_left > most ? most : c->body_left);
    c->out = c->ask;
    c->out_len = sizeof c->ask;
    c->taking = true;
}

static const uint8_t *skip_text(const uint8_t *p)
{
    size_t n = get16(p);
    return n == 0xffff ? p + 2 : p + 3 + n;
}

/* The Forward Request of an upload: its Content-Length, or endless. The packet was made by a
 * proxy under test on this machine, so the only check is to stay inside it. */
static bool find_length(struct conn *c, const uint8_t *p, const uint8_t *end)
{
    for (int i = 0; i < 5 && p + 2 < end; i++) /* protocol, uri, addr, host, name */
        p = skip_text(p);
    if (p + 5 > end)
        return false;
    size_t headers = get16(p + 3);
    p += 5;
    c->endless = true;
    while (headers-- && p + 4 < end) {
        bool is_length = get16(p) == A_CONTENT_LENGTH;
        p = get16(p) >= 0xa000 ? p + 2 : skip_text(p);
        if (is_length) {
            c->endless = false;
            c->body_left = (size_t)strtoul((const char *)p + 2, NULL, 10);
        }
        p = skip_text(p);
    }
    return p <= end;
}

static size_t forward_request(struct conn *c, const uint8_t *p, size_t n)
{
    const uint8_t *uri = skip_text(p + 6);
    c->endless = false;
    c->body_left = 0;
    if (p[5] == 2) {
        answer(c, true, wanted(uri + 2, get16(uri)));
        return n;
    }
    if (!find_length(c, p + 6, p + n))
        return STEP_BAD;
    if (c->endless)
        ask_body(c);
    else if (c->body_left)
        c->taking = true; /* the first packet comes unasked */
    else
        answer(c, true, 100);
    return n;
}

static void body_packet_done(struct conn *c, bool empty)
{
    c->taking = false;
    if (empty || (!c->endless && !c->body_left))
        answer(c, true, 100);
    else
        ask_body(c);
}

static size_t body_bytes(struct conn *c, size_t n)
{
    size_t part = n < c->skip ? n : c->skip;
    c->skip -= part;
    if (!c->skip)
        body_packet_done(c, false);
    return part;
}

size_t sink_step_ajp(struct conn *c, const uint8_t *p, size_t n)
{
    if (c->skip)
        return body_bytes(c, n);
    if (n < 4)
        return 0;
    size_t len = get16(p + 2);
    if (p[0] != 0x12 || p[1] != 0x34)
        return STEP_BAD;
    if (c->taking) {
        if (len < 3) {
            if (n < 4 + len)
                return 0;
            body_packet_done(c, true);
            return 4 + len;
        }
        if (!c->endless)
            c->body_left -= len - 2 < c->body_left ? len - 2 : c->body_left;
        c->skip = len;
        return 4;
    }
    if (n < 4 + len)
        return 0;
    if (len && p[4] == FORWARD)
        return forward_request(c, p, 4 + len);
    if (len && p[4] == CPING) {
        static const uint8_t pong[] = {'A', 'B', 0, 1, 9};
        c->out = pong;
        c->out_len = sizeof pong;
        return 4 + len;
    }
    return STEP_BAD;
}
