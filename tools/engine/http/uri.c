/* SPDX-License-Identifier: Apache-2.0 */
/* The match-only path normaliser. Order of Tomcat's CoyoteAdapter: parameters go first, then
 * one decoding, then dot segments, so "%3b" is no parameter and "%252e" no dot. */
#include "http/uri.h"

#include "http/h1_rules.h"

/* Where the result goes: nowhere when buf is NULL. Holds "/", or ends in '/', between segments. */
struct uri_out {
    char *buf;
    size_t cap, len;
    size_t depth; /* segments that ".." can take back */
    bool full;
    struct uri_reading how;
};

/* One segment while it is read: what it is after parameters and escapes are gone. */
struct uri_segment {
    size_t len;
    bool dots_only, params;
};

static void put(struct uri_out *o, struct uri_segment *s, char c)
{
    s->dots_only &= c == '.';
    s->len++;
    if (!o->buf)
        return;
    if (o->len == o->cap)
        o->full = true;
    else
        o->buf[o->len++] = c;
}

static int hex_value(uint8_t c)
{
    if (!(h1_class[c] & H1_HEX))
        return -1;
    return h1_class[c] & H1_DIGIT ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* One %xx at p. */
static enum uri_result put_escape(struct uri_out *o, struct uri_segment *s, const char *p,
                                  const char *end, bool *slash)
{
    int high, low, c;

    if (end - p < 3)
        return URI_SYNTAX;
    high = hex_value((uint8_t)p[1]);
    low = hex_value((uint8_t)p[2]);
    if (high < 0 || low < 0)
        return URI_SYNTAX;
    c = high * 16 + low;
    if (c == 0)
        return URI_SYNTAX;
    if (c != '/' && c != '\\') {
        put(o, s, (char)c);
        return URI_OK;
    }
    if (o->how.slashes == URI_SLASHES_REFUSED)
        return URI_SLASH;
    *slash = o->how.slashes == URI_SLASHES_DECODED;
    for (int i = 0; i < 3 && !*slash; i++)
        put(o, s, p[i]);
    return URI_OK;
}

static bool is_plain(const struct uri_out *o, char c)
{
    return h1_class[(uint8_t)c] & H1_PATH || c == '.' || c == ';' ||
           ((uint8_t)c >= 0x80 && o->how.non_ascii);
}

/* Read one segment: up to '/', the last byte of an escape that stands for it, or the end. */
static enum uri_result read_segment(struct uri_out *o, struct uri_segment *s, const char **at,
                                    const char *end)
{
    const char *p = *at;

    for (; p < end && *p != '/'; p++) {
        if (!is_plain(o, *p) && *p != '%')
            return URI_SYNTAX;
        s->params |= *p == ';';
        if (*p == '%') {
            struct uri_out none = {.how = o->how};
            struct uri_segment dropped = {0};
            bool slash = false;
            enum uri_result r =
                put_escape(s->params ? &none : o, s->params ? &dropped : s, p, end, &slash);
            if (r != URI_OK)
                return r;
            p += 2;
            if (slash && !s->params)
                break;
        } else if (!s->params) {
            put(o, s, *p);
        }
    }
    *at = p;
    return URI_OK;
}

/* Take back the segment before: "/a/b/" becomes "/a/". */
static void climb(struct uri_out *o)
{
    o->depth--;
    if (!o->buf)
        return;
    do
        o->len--;
    while (o->buf[o->len - 1] != '/');
}

static enum uri_result end_segment(struct uri_out *o, const struct uri_segment *s, size_t start,
                                   bool slash)
{
    struct uri_segment none = {0};
    bool dots = s->dots_only && (s->len == 1 || s->len == 2);

    if (s->len > 0 && !dots) {
        o->depth++;
        if (slash)
            put(o, &none, '/');
        return URI_OK;
    }
    if (o->buf)
        o->len = start;
    if (!dots || s->len == 1)
        return URI_OK;
    if (s->params)
        return URI_PARAM_DOTS;
    if (o->depth == 0)
        return URI_ABOVE_ROOT;
    if (!o->full)
        climb(o);
    return URI_OK;
}

static enum uri_result walk(ajp_str path, struct uri_out *o)
{
    const char *p = path.ptr, *end = path.ptr + path.len;
    struct uri_segment none = {0};

    if (path.len == 0 || (p[0] != '/' && !(p[0] == '*' && path.len == 1)))
        return URI_SYNTAX;
    put(o, &none, *p++);
    while (p < end) {
        struct uri_segment s = {.dots_only = true};
        size_t start = o->len;
        enum uri_result r = read_segment(o, &s, &p, end);
        bool slash = p < end;

        if (r == URI_OK)
            r = end_segment(o, &s, start, slash);
        if (r != URI_OK)
            return r;
        p += slash;
    }
    return o->full ? URI_SPACE : URI_OK;
}

enum uri_result uri_normalise(ajp_str path, struct uri_reading how, char *out, size_t cap,
                              size_t *len)
{
    struct uri_out o = {.buf = out, .cap = cap, .how = how};
    enum uri_result r = walk(path, &o);

    if (r == URI_OK)
        *len = o.len;
    return r;
}

enum uri_result uri_check(ajp_str path, struct uri_reading how)
{
    struct uri_out o = {.how = how};

    return walk(path, &o);
}
