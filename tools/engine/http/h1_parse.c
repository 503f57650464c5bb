/* SPDX-License-Identifier: Apache-2.0 */
/* Strict HTTP/1 request heads. One pass over the bytes; what fields mean together is judged
 * at the end, in h1_meaning.c. Anything that two parsers could read in two ways is refused. */
#include "http/h1_parse.h"

#include "base/rare.h"
#include "http/h1_meaning.h"
#include "http/h1_scan.h"

#include <string.h>

enum { LEADING_LINES_MAX = 4, METHOD_MAX = 32, VERSION_LEN = 8, RESCAN = 1024 };

const struct h1_limits h1_limits_default = {
    .max_line = 8000,
    .max_head = 65536,
    .max_fields = 100,
    .max_field = 16384,
    .allow_encoded_slash = false,
    .underscores = UNDERSCORES_DROP,
};

/* Each step takes what it can and moves p on; H1_OK means that it found its end. */
struct scan {
    const uint8_t *p, *end;
    const struct h1_limits *lim;
    struct h1_work *work;
};

/* Find out whether a line ends at p; H1_OK moves p behind its end. Not in line: rare. */
static RARE enum h1_result odd_line_end(struct scan *s, const uint8_t *p)
{
    if (p == s->end || (*p == '\r' && s->end - p < 2))
        return H1_MORE;
    if (*p != '\n')
        return h1_refuse(s->work, 400, *p == '\r' ? "bare CR" : "forbidden byte in a field value");
    if (!s->lim->allow_bare_lf)
        return h1_refuse(s->work, 400, "line end without CR (http.bare_lf)");
    s->p = p + 1;
    return H1_OK;
}

static inline enum h1_result line_end(struct scan *s, const uint8_t *p)
{
    if (s->end - p < 2 || memcmp(p, "\r\n", 2) != 0)
        return odd_line_end(s, p);
    s->p = p + 2;
    return H1_OK;
}

static inline bool begins_line_end(const struct scan *s)
{
    if (*s->p > '\r') /* of nearly every line */
        return false;
    return *s->p == '\r' || (*s->p == '\n' && s->lim->allow_bare_lf);
}

static enum h1_result skip_empty_lines(struct scan *s)
{
    for (int i = 0; i < LEADING_LINES_MAX; i++) {
        enum h1_result r;
        if (s->p == s->end)
            return H1_MORE;
        if (!begins_line_end(s))
            return H1_OK;
        r = line_end(s, s->p);
        if (r != H1_OK)
            return r;
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

static enum h1_result bad_target(const struct scan *s, uint8_t byte)
{
    return h1_refuse(s->work, 400,
                     byte >= 0x80 ? "byte beyond ASCII in the request target (http.non_ascii)"
                                  : "forbidden byte in the request target");
}

/* Path up to '?' or space. Notes whether it holds anything that the path rules look at. */
static enum h1_result take_path(struct scan *s)
{
    const uint8_t *start = s->p;
    const uint8_t *q = start;

    for (;; q++) {
        q = h1_scan_path(q, s->end);
        if (q == s->end)
            break;
        if (*q == '.')
            s->work->odd_path |= q > start && q[-1] == '/';
        else if (*q == '%' || *q == ';')
            s->work->odd_path = true;
        else if (*q < 0x80 || !s->lim->allow_non_ascii)
            break;
    }
    s->work->head->path = ajp_str_of((const char *)start, (size_t)(q - start));
    if (q == s->end)
        return H1_MORE;
    if (*q != '?' && *q != ' ')
        return bad_target(s, *q);
    if (q == start)
        return h1_refuse(s->work, 400, "empty request target");
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
    while (q < s->end && *q >= 0x80 && s->lim->allow_non_ascii)
        q = h1_scan_query(q + 1, s->end);
    s->work->head->query = ajp_str_of((const char *)s->p + 1, (size_t)(q - s->p) - 1);
    if (q == s->end)
        return H1_MORE;
    if (*q != ' ')
        return bad_target(s, *q);
    s->p = q + 1;
    return H1_OK;
}

/* Any but HTTP/1.1. */
static RARE enum h1_result odd_version(struct scan *s)
{
    static const char form[VERSION_LEN + 1] = "HTTP/#.#";
    const uint8_t *v = s->p;
    enum h1_result r;

    for (int i = 0; i < VERSION_LEN; i++) {
        if (v + i == s->end)
            return H1_MORE;
        if (form[i] == '#' ? !(h1_class[v[i]] & H1_DIGIT) : v[i] != (uint8_t)form[i])
            return h1_refuse(s->work, 400, "malformed request line");
    }
    if (v + VERSION_LEN < s->end && v[VERSION_LEN] != '\r' && v[VERSION_LEN] != '\n')
        return h1_refuse(s->work, 400, "malformed request line");
    r = line_end(s, v + VERSION_LEN);
    if (r != H1_OK)
        return r;
    s->work->head->protocol = ajp_str_of((const char *)v, VERSION_LEN);
    if (v[5] != '1')
        return h1_refuse(s->work, 505, "HTTP version not supported");
    s->work->http10 = v[7] == '0';
    if (v[7] > '1') /* a later 1.x is served as the one that we speak (RFC 9110 2.5) */
        s->work->head->protocol = AJP_STR("HTTP/1.1");
    return H1_OK;
}

static enum h1_result take_version(struct scan *s)
{
    static const char usual[] = "HTTP/1.1\r\n";
    const uint8_t *v = s->p;

    if (s->end - v < (long)sizeof usual - 1 || memcmp(v, usual, sizeof usual - 1) != 0)
        return odd_version(s);
    s->work->head->protocol = ajp_str_of((const char *)v, VERSION_LEN);
    s->p = v + sizeof usual - 1;
    return H1_OK;
}

static enum h1_result take_request_line(struct scan *s)
{
    const uint8_t *start = s->p, *stop = s->end;
    enum h1_result r = take_method(s);

    if (r == H1_OK)
        r = take_target(s);
    if (r == H1_OK)
        r = take_version(s);
    /* The limit is on the line without its end; what is not over yet must be under it too. */
    if (r == H1_OK)
        stop = s->p[-2] == '\r' ? s->p - 2 : s->p - 1;
    if (r != H1_BAD && (size_t)(stop - start) > s->lim->max_line)
        return h1_refuse(s->work, 414, "request line too long (limits.request_line)");
    return r;
}

static inline const uint8_t *skip_blanks(const uint8_t *p, const uint8_t *end)
{
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return p;
}

/* One field line, its end included. */
static inline enum h1_result take_field(struct scan *s)
{
    const uint8_t *start = s->p;
    const uint8_t *colon = h1_scan_name(start, s->end);
    const uint8_t *value, *stop, *last;
    enum h1_result r;
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
    r = line_end(s, stop);
    if (r != H1_OK)
        return r;
    if ((size_t)(stop - start) > s->lim->max_field)
        return h1_refuse(s->work, 431, "field too long (limits.one_header_bytes)");
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

        if (start < s->end && begins_line_end(s))
            return line_end(s, start);
        r = take_field(s);
        if (r == H1_MORE && (size_t)(s->end - start) > s->lim->max_field + 1)
            return h1_refuse(s->work, 431, "field too long (limits.one_header_bytes)");
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
            return h1_refuse(&work, 431, "head too long (limits.header_bytes)");
        *scanned = len;
        return H1_MORE;
    }
    if (r == H1_OK)
        r = h1_conclude(&work);
    if (r == H1_OK)
        *used = (size_t)(s.p - in);
    return r;
}
