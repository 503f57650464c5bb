/* SPDX-License-Identifier: Apache-2.0 */
/* Strict HTTP/1 request heads. One pass over the bytes; what fields mean together is judged
 * at the end, in h1_meaning.c. Anything that two parsers could read in two ways is refused. */
#include "http/h1_parse.h"

#include "http/h1_meaning.h"
#include "http/h1_scan.h"

#include <string.h>

enum { LEADING_LINES_MAX = 4, METHOD_MAX = 32, VERSION_LINE = 10, RESCAN = 1024 };

const struct h1_limits h1_limits_default = {
    .max_line = 8000,
    .max_head = 65536,
    .max_fields = 100,
    .max_field = 16384,
    .allow_encoded_slash = false,
    .underscores = H1_UNDERSCORE_DROP,
};

/* Each step takes what it can and moves p on; H1_OK means that it found its end. */
struct scan {
    const uint8_t *p, *end;
    const struct h1_limits *lim;
    struct h1_work *work;
};

static enum h1_result skip_empty_lines(struct scan *s)
{
    for (int i = 0; i < LEADING_LINES_MAX; i++) {
        if (s->p == s->end)
            return H1_MORE;
        if (*s->p != '\r')
            return H1_OK;
        if (s->end - s->p < 2)
            return H1_MORE;
        if (s->p[1] != '\n')
            return h1_refuse(s->work, 400, "bare CR");
        s->p += 2;
    }
    return H1_OK;
}

static enum h1_result take_method(struct scan *s)
{
    const uint8_t *start = s->p;
    const uint8_t *q = h1_scan_class(start, s->end, H1_TOKEN);

    if (q - start > METHOD_MAX)
        return h1_refuse(s->work, 501, "method too long");
    if (q == s->end)
        return H1_MORE;
    if (*q != ' ' || q == start)
        return h1_refuse(s->work, 400, "malformed method");
    s->work->head->method = ajp_str_of((const char *)start, (size_t)(q - start));
    s->p = q + 1;
    return H1_OK;
}

/* Path up to '?' or space. Notes whether it holds anything that the path rules look at. */
static enum h1_result take_path(struct scan *s)
{
    const uint8_t *start = s->p;
    const uint8_t *q = start;

    for (;; q++) {
        q = h1_scan_path(q, s->end);
        if (q == s->end)
            return H1_MORE;
        if (*q == '.')
            s->work->odd_path |= q > start && q[-1] == '/';
        else if (*q == '%' || *q == ';')
            s->work->odd_path = true;
        else
            break;
    }
    if (*q != '?' && *q != ' ')
        return h1_refuse(s->work, 400, "forbidden byte in the request target");
    if (q == start)
        return h1_refuse(s->work, 400, "empty request target");
    s->work->head->path = ajp_str_of((const char *)start, (size_t)(q - start));
    s->p = q;
    return H1_OK;
}

static enum h1_result take_target(struct scan *s)
{
    enum h1_result r = take_path(s);
    const uint8_t *q;

    if (r != H1_OK)
        return r;
    if (*s->p == ' ') {
        s->p++;
        return H1_OK;
    }
    q = h1_scan_query(s->p + 1, s->end);
    if (q == s->end)
        return H1_MORE;
    if (*q != ' ')
        return h1_refuse(s->work, 400, "forbidden byte in the request target");
    s->work->head->query = ajp_str_of((const char *)s->p + 1, (size_t)(q - s->p) - 1);
    s->p = q + 1;
    return H1_OK;
}

static enum h1_result take_version(struct scan *s)
{
    static const char form[VERSION_LINE + 1] = "HTTP/#.#\r\n";
    const uint8_t *v = s->p;

    for (int i = 0; i < VERSION_LINE; i++) {
        if (v + i == s->end)
            return H1_MORE;
        if (form[i] == '#' ? !(h1_class[v[i]] & H1_DIGIT) : v[i] != (uint8_t)form[i])
            return h1_refuse(s->work, 400, "malformed request line");
    }
    if (v[5] != '1' || v[7] > '1')
        return h1_refuse(s->work, 505, "HTTP version not supported");
    s->work->http10 = v[7] == '0';
    s->work->head->protocol = ajp_str_of((const char *)v, 8);
    s->p = v + VERSION_LINE;
    return H1_OK;
}

static enum h1_result take_request_line(struct scan *s)
{
    const uint8_t *start = s->p;
    enum h1_result r = take_method(s);

    if (r == H1_OK)
        r = take_target(s);
    if (r == H1_OK)
        r = take_version(s);
    /* The limit is on the line without its CRLF; what is not over yet must be under it too. */
    if (r != H1_BAD && (size_t)((r == H1_OK ? s->p - 2 : s->end) - start) > s->lim->max_line)
        return h1_refuse(s->work, 414, "request line too long");
    return r;
}

static inline const uint8_t *skip_blanks(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* One field line, its CRLF included. */
static inline enum h1_result take_field(struct scan *s)
{
    const uint8_t *start = s->p;
    const uint8_t *colon = h1_scan_name(start, s->end);
    const uint8_t *value, *stop, *last;
    bool plain = true;

    if (colon < s->end && *colon != ':') {
        plain = false;
        colon = h1_scan_class(colon, s->end, H1_TOKEN);
    }
    if (colon == s->end)
        return H1_MORE;
    if (*colon != ':' || colon == start)
        return h1_refuse(s->work, 400, "malformed field name");
    value = skip_blanks(colon + 1, s->end);
    stop = h1_scan_value(value, s->end);
    if (s->end - stop < 2 && (stop == s->end || *stop == '\r'))
        return H1_MORE;
    if (stop[0] != '\r' || stop[1] != '\n')
        return h1_refuse(s->work, 400, "forbidden byte in a field value");
    if ((size_t)(stop - start) > s->lim->max_field)
        return h1_refuse(s->work, 431, "field too long");
    s->p = stop + 2;
    for (last = stop; last > value && (last[-1] == ' ' || last[-1] == '\t');)
        last--;
    return h1_take_field(s->work, ajp_str_of((const char *)start, (size_t)(colon - start)),
                         ajp_str_of((const char *)value, (size_t)(last - value)), plain);
}

static enum h1_result take_fields(struct scan *s)
{
    for (;;) {
        const uint8_t *start = s->p;
        enum h1_result r;

        if (start < s->end && *start == '\r') {
            if (s->end - start < 2)
                return H1_MORE;
            if (start[1] != '\n')
                return h1_refuse(s->work, 400, "bare CR");
            s->p += 2;
            return H1_OK;
        }
        r = take_field(s);
        if (r == H1_MORE && (size_t)(s->end - start) > s->lim->max_field + 1)
            return h1_refuse(s->work, 431, "field too long");
        if (r != H1_OK)
            return r;
    }
}

/* A try is worth its time when a line has ended since the last one, or a CR awaits its LF,
 * or a KiB has come. */
static bool worth_a_try(const uint8_t *in, size_t len, size_t scanned)
{
    if (scanned >= len)
        return false;
    if (scanned == 0 || in[scanned - 1] == '\r' || len / RESCAN != scanned / RESCAN)
        return true;
    return memchr(in + scanned, '\n', len - scanned) != NULL;
}

enum h1_result h1_parse_request(const uint8_t *in, size_t len, size_t *scanned,
                                const struct h1_limits *lim, struct head *head, size_t *used,
                                struct h1_error *err)
{
    bool full = len >= lim->max_head;
    struct h1_work work;
    struct scan s = {in, in + (full ? lim->max_head : len), lim, &work};
    enum h1_result r;

    if (!full && !worth_a_try(in, len, *scanned)) {
        *scanned = len;
        return H1_MORE;
    }
    h1_work_init(&work, lim, head, err);
    r = skip_empty_lines(&s);
    if (r == H1_OK)
        r = take_request_line(&s);
    if (r == H1_OK)
        r = take_fields(&s);
    if (r == H1_MORE) {
        if (full)
            return h1_refuse(&work, 431, "head too long");
        *scanned = len;
        return H1_MORE;
    }
    if (r == H1_OK)
        r = h1_conclude(&work);
    if (r == H1_OK)
        *used = (size_t)(s.p - in);
    return r;
}
