/* SPDX-License-Identifier: Apache-2.0 */
/* A forgiving walk over a damaged Forward Request. */
#include "salvage.h"

#include "args.h"

#include <string.h>

struct walk {
    const uint8_t *p;
    size_t at, len;
    bool ended;
};

static unsigned take8(struct walk *w)
{
    if (w->at >= w->len) {
        w->ended = true;
        return 0;
    }
    return w->p[w->at++];
}

static unsigned take16(struct walk *w)
{
    unsigned high = take8(w);
    return high << 8 | take8(w);
}

static ajp_str take_text(struct walk *w, unsigned len)
{
    if (w->ended || len == 0xffff)
        return AJP_NULL;
    if (len >= w->len - w->at) {
        w->ended = true;
        return AJP_NULL;
    }
    ajp_str s = ajp_str_of((const char *)w->p + w->at, len);
    w->at += len + 1;
    return s;
}

static ajp_str take_string(struct walk *w)
{
    unsigned len = take16(w);
    return take_text(w, len);
}

static void take_length(ajp_str value, struct salvage *out)
{
    char digits[20];
    uint64_t n;
    if (!value.ptr || value.len >= sizeof digits)
        return;
    memcpy(digits, value.ptr, value.len);
    digits[value.len] = '\0';
    if (parse_uint(digits, INT64_MAX, &n))
        out->content_length = (int64_t)n;
}

static void take_headers(struct walk *w, struct salvage *out)
{
    unsigned count = take16(w);
    for (; count > 0 && !w->ended; count--) {
        unsigned word = take16(w);
        unsigned code = word >= 0xa000 && word != 0xffff ? word & 0xff : 0;
        if (!code)
            code = ajp_req_header_code(take_text(w, word));
        ajp_str value = take_string(w);
        if (code == AJP_REQ_COOKIE)
            out->cookie = value;
        else if (code == AJP_REQ_CONTENT_LENGTH)
            take_length(value, out);
    }
}

static void take_attributes(struct walk *w, struct salvage *out)
{
    for (;;) {
        unsigned code = take8(w);
        if (w->ended || code == AJP_ATTR_END)
            return;
        if (code == 0 || code >= AJP_ATTR_COUNT)
            continue;
        if (code == AJP_ATTR_SSL_KEY_SIZE) {
            take16(w);
            continue;
        }
        ajp_str value = take_string(w);
        if (code == AJP_ATTR_NAMED)
            take_string(w);
        else if (code == AJP_ATTR_QUERY_STRING)
            out->query = value;
        else if (code == AJP_ATTR_STORED_METHOD)
            out->method = value;
    }
}

void salvage_request(const uint8_t *payload, size_t len, struct salvage *out)
{
    struct walk w = {.p = payload, .at = 1, .len = len, .ended = len < 1};
    *out = (struct salvage){.content_length = -1};
    out->method = ajp_method_name((uint8_t)take8(&w));
    out->protocol = take_string(&w);
    out->uri = take_string(&w);
    for (int i = 0; i < 3; i++) /* addresses and server name */
        take_string(&w);
    take16(&w);
    take8(&w);
    take_headers(&w, out);
    if (!w.ended)
        take_attributes(&w, out);
}
