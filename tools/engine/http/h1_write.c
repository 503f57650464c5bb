/* SPDX-License-Identifier: Apache-2.0 */
/* Response heads. Reason phrases are ours, for a worker's may hold anything. */
#include "http/h1_write.h"

#include "http/h1_rules.h"

#include <string.h>

#define REASON_MAP(X)                                                                              \
    X(100, "Continue")                                                                             \
    X(101, "Switching Protocols")                                                                  \
    X(102, "Processing")                                                                           \
    X(103, "Early Hints")                                                                          \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(202, "Accepted")                                                                             \
    X(203, "Non-Authoritative Information")                                                        \
    X(204, "No Content")                                                                           \
    X(205, "Reset Content")                                                                        \
    X(206, "Partial Content")                                                                      \
    X(207, "Multi-Status")                                                                         \
    X(208, "Already Reported")                                                                     \
    X(226, "IM Used")                                                                              \
    X(300, "Multiple Choices")                                                                     \
    X(301, "Moved Permanently")                                                                    \
    X(302, "Found")                                                                                \
    X(303, "See Other")                                                                            \
    X(304, "Not Modified")                                                                         \
    X(305, "Use Proxy")                                                                            \
    X(307, "Temporary Redirect")                                                                   \
    X(308, "Permanent Redirect")                                                                   \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(402, "Payment Required")                                                                     \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(406, "Not Acceptable")                                                                       \
    X(407, "Proxy Authentication Required")                                                        \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(410, "Gone")                                                                                 \
    X(411, "Length Required")                                                                      \
    X(412, "Precondition Failed")                                                                  \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(416, "Range Not Satisfiable")                                                                \
    X(417, "Expectation Failed")                                                                   \
    X(421, "Misdirected Request")                                                                  \
    X(422, "Unprocessable Content")                                                                \
    X(423, "Locked")                                                                               \
    X(424, "Failed Dependency")                                                                    \
    X(425, "Too Early")                                                                            \
    X(426, "Upgrade Required")                                                                     \
    X(428, "Precondition Required")                                                                \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(451, "Unavailable For Legal Reasons")                                                        \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")                                                                      \
    X(505, "HTTP Version Not Supported")                                                           \
    X(506, "Variant Also Negotiates")                                                              \
    X(507, "Insufficient Storage")                                                                 \
    X(508, "Loop Detected")                                                                        \
    X(511, "Network Authentication Required")

/* A buffer that is written from p on; the first thing that does not fit makes it NULL. */
struct sink {
    uint8_t *p, *end;
};

static ajp_str reason_of(uint16_t status)
{
    switch (status) {
#define REASON_CASE(code, text)                                                                    \
    case code:                                                                                     \
        return AJP_STR(text);
        REASON_MAP(REASON_CASE)
#undef REASON_CASE
    default: /* not registered: an empty phrase is allowed */
        return AJP_STR("");
    }
}

const char *h1_reason(uint16_t status)
{
    return reason_of(status).ptr;
}

static inline uint8_t *reserve(struct sink *s, size_t n)
{
    uint8_t *at = s->p;

    if (!at || n > (size_t)(s->end - at)) {
        s->p = NULL;
        return NULL;
    }
    s->p = at + n;
    return at;
}

static inline void put(struct sink *s, const char *text, size_t n)
{
    uint8_t *at = reserve(s, n);

    if (at)
        memcpy(at, text, n);
}

static inline void put_str(struct sink *s, ajp_str text)
{
    put(s, text.ptr, text.len);
}

static void put_field(struct sink *s, ajp_str name, ajp_str value)
{
    uint8_t *at = reserve(s, name.len + value.len + 4);

    if (!at)
        return;
    memcpy(at, name.ptr, name.len);
    at += name.len;
    *at++ = ':';
    *at++ = ' ';
    if (value.len > 0)
        memcpy(at, value.ptr, value.len);
    at += value.len;
    *at++ = '\r';
    *at = '\n';
}

static void put_number(struct sink *s, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    put(s, digits + at, sizeof digits - at);
}

static void put_length(struct sink *s, uint64_t n)
{
    put_str(s, AJP_STR("Content-Length: "));
    put_number(s, n);
    put_str(s, AJP_STR(H1_CRLF));
}

static void put_status(struct sink *s, uint16_t status)
{
    if (status == 200) {
        put_str(s, AJP_STR("HTTP/1.1 200 OK\r\n"));
        return;
    }
    put_str(s, AJP_STR("HTTP/1.1 "));
    put_number(s, status);
    put_str(s, AJP_STR(" "));
    put_str(s, reason_of(status));
    put_str(s, AJP_STR(H1_CRLF));
}

static void put_framing(struct sink *s, const struct reply *r, const struct h1_write *how)
{
    if (r->status < 200 || r->status == 204)
        return;
    if (how->chunked) {
        if (r->status != 304 && !how->head_request)
            put_str(s, AJP_STR("Transfer-Encoding: chunked\r\n"));
    } else if (r->content_length >= 0) {
        put_length(s, (uint64_t)r->content_length);
    }
}

static void put_connection(struct sink *s, bool close, bool http10)
{
    if (close)
        put_str(s, AJP_STR("Connection: close\r\n"));
    else if (http10)
        put_str(s, AJP_STR("Connection: keep-alive\r\n"));
}

size_t h1_write_head(uint8_t *out, size_t cap, const struct reply *r, const struct h1_write *how)
{
    struct sink s = {out, out + cap};
    bool date = how->date != NULL, server = how->server != NULL;

    put_status(&s, r->status);
    for (uint16_t i = 0; i < r->field_count; i++) {
        const struct field *f = &r->fields[i];
        if (f->name.len == 4 && h1_name_of(f->name) == H1_NAME_DATE)
            date = false;
        else if (f->name.len == 6 && h1_name_of(f->name) == H1_NAME_SERVER)
            server = false;
        put_field(&s, f->name, f->value);
    }
    if (date)
        put_field(&s, AJP_STR("Date"), ajp_str_of(how->date, H1_DATE_SIZE));
    if (server)
        put_field(&s, AJP_STR("Server"), ajp_str_of(how->server, strlen(how->server)));
    put_framing(&s, r, how);
    put_connection(&s, how->close, how->http10);
    put_str(&s, AJP_STR(H1_CRLF));
    return s.p ? (size_t)(s.p - out) : 0;
}

size_t h1_error_size(uint16_t status)
{
    return reason_of(status).len + 5; /* the status, a blank, a line end */
}

size_t h1_write_error(uint8_t *out, size_t cap, uint16_t status, bool close, bool head_request,
                      const char *date, unsigned retry_after)
{
    struct sink s = {out, out + cap};
    ajp_str reason = reason_of(status);

    put_status(&s, status);
    if (date)
        put_field(&s, AJP_STR("Date"), ajp_str_of(date, H1_DATE_SIZE));
    if (retry_after > 0) {
        put_str(&s, AJP_STR("Retry-After: "));
        put_number(&s, retry_after);
        put_str(&s, AJP_STR(H1_CRLF));
    }
    if (status == 405) /* RFC 9110 15.5.6 asks for it; only CONNECT gets this answer */
        put_str(&s, AJP_STR("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"));
    put_str(&s, AJP_STR("Content-Type: text/plain; charset=utf-8\r\n"));
    put_length(&s, h1_error_size(status));
    put_connection(&s, close, false);
    put_str(&s, AJP_STR(H1_CRLF));
    if (!head_request) {
        put_number(&s, status);
        put_str(&s, AJP_STR(" "));
        put_str(&s, reason);
        put_str(&s, AJP_STR("\n"));
    }
    return s.p ? (size_t)(s.p - out) : 0;
}

size_t h1_chunk_head(uint8_t out[H1_CHUNK_HEAD_MAX], size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t digits = 1, at;

    while (digits < 6 && n >> (4 * digits))
        digits++;
    for (at = digits; at > 0; at--, n >>= 4)
        out[at - 1] = (uint8_t)hex[n & 15];
    out[digits] = '\r';
    out[digits + 1] = '\n';
    return digits + 2;
}
