/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's AJP/1.3, web server side. Written apart from libajp: a yardstick should
 * not be made of what it measures. */
#include "load.h"
#include "sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_CHUNK = 3, SEND_HEADERS = 4, END_RESPONSE = 5, GET_BODY = 6, HEAD_NEED = 9 };

size_t load_packet_size = 8192;
static uint8_t request[HEAD_MAX]; /* the Forward Request, and the head of the first body packet */
static size_t request_len, upload, first_part;

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

static uint8_t *put_field(uint8_t *w, const struct field *f)
{
    w = f->code ? put16(w, f->code) : put_text(w, f->name);
    return put_text(w, f->value);
}

static void put_data_head(uint8_t w[6], size_t part)
{
    put16(w, 0x1234);
    put16(w + 2, part ? part + 2 : 0);
    put16(w + 4, part);
}

static void ajp_prepare(const char *path, size_t body)
{
    char length[24];
    uint8_t *w = request + 4;
    upload = body;
    *w++ = 2;
    *w++ = body ? 4 : 2; /* POST, GET */
    w = put_text(w, "HTTP/1.1");
    w = put_text(w, path);
    w = put_text(w, "127.0.0.1");
    w = put16(w, 0xffff); /* remote host: null */
    w = put_text(w, "www.example.com");
    w = put16(w, 443);
    *w++ = 1;
    w = put16(w, FIELDS + (body ? 1 : 0));
    for (int i = 0; i < FIELDS; i++)
        w = put_field(w, &load_fields[i]);
    if (body) {
        snprintf(length, sizeof length, "%zu", body);
        w = put_text(put16(w, 0xa008), length);
    }
    *w++ = 0xff;
    put16(request, 0x1234);
    put16(request + 2, (size_t)(w - request) - 4);
    first_part = body < load_packet_size - 6 ? body : load_packet_size - 6;
    if (body) {
        put_data_head(w, first_part);
        w += 6;
    }
    request_len = (size_t)(w - request);
}

static void ajp_ask(struct client *c)
{
    c->seg = request;
    c->seg_len = request_len;
    c->fill = first_part;
    c->upload_left = upload - first_part;
    c->status = 0;
    c->got = 0;
    c->expect = SIZE_MAX;
    c->head_len = 0;
    c->skip = 0;
}

static const char *send_part(struct client *c, size_t asked)
{
    if (c->seg_len || c->fill)
        return "GET_BODY before the last part was sent";
    size_t part = asked < load_packet_size - 6 ? asked : load_packet_size - 6;
    part = part < c->upload_left ? part : c->upload_left;
    put_data_head(c->packet_head, part);
    c->seg = c->packet_head;
    c->seg_len = part ? 6 : 4;
    c->fill = part;
    c->upload_left -= part;
    return NULL;
}

/* The first bytes of a packet are in head; enough of them to know what it says. */
static const char *packet(struct client *c, size_t len, bool *done)
{
    const uint8_t *p = c->head + 4;
    c->skip = 4 + len - c->head_len;
    switch (p[0]) {
    case SEND_HEADERS:
        c->status = (int)get16(p + 1);
        return NULL;
    case BODY_CHUNK:
        c->got += get16(p + 1);
        if (len < get16(p + 1) + 3)
            return "chunk longer than its packet";
        return c->status ? NULL : "body before headers";
    case GET_BODY:
        return send_part(c, get16(p + 1));
    case END_RESPONSE:
        *done = true;
        return p[1] == 1 ? NULL : "connection not kept";
    default:
        return "unknown packet type";
    }
}

static const char *ajp_feed(struct client *c, const uint8_t *p, size_t n, bool *done)
{
    while (n) {
        if (*done)
            return "bytes after End Response";
        size_t part = n < c->skip ? n : c->skip;
        p += part;
        n -= part;
        c->skip -= part;
        while (n && c->head_len < 4) {
            c->head[c->head_len++] = *p++;
            n--;
        }
        if (c->head_len < 4)
            break;
        size_t len = get16(c->head + 2);
        if (c->head[0] != 'A' || c->head[1] != 'B' || len < 2)
            return "bad packet head";
        size_t need = 4 + len < HEAD_NEED ? 4 + len : HEAD_NEED;
        while (n && c->head_len < need) {
            c->head[c->head_len++] = *p++;
            n--;
        }
        if (c->head_len < need)
            break;
        const char *why = packet(c, len, done);
        c->head_len = 0;
        if (why)
            return why;
    }
    return NULL;
}

const struct proto proto_ajp = {ajp_prepare, ajp_ask, ajp_feed};
