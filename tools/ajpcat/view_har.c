/* SPDX-License-Identifier: Apache-2.0 */
/* All exchanges as one HTTP Archive (HAR 1.2), which browsers' network panels open. */
#include "ending.h"
#include "term.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { BODY_SHOWN = 1 << 20 };

static const char hidden[] = "(hidden)";

static bool is_name(ajp_str name, const char *want)
{
    return name.len == strlen(want) && strncasecmp(name.ptr, want, name.len) == 0;
}

static ajp_str find_header(const ajp_fields *fields, const char *name)
{
    ajp_fields it = *fields;
    ajp_field f;
    while (ajp_field_next(&it, &f)) {
        if (is_name(f.name, name))
            return f.value;
    }
    return AJP_NULL;
}

static void put_pair(struct json *j, ajp_str name, ajp_str value)
{
    json_open(j, NULL, '{');
    json_string(j, "name", name);
    json_string(j, "value", value.ptr ? value : AJP_STR(""));
    json_close(j, '}');
}

static void put_headers(const struct view *v, struct json *j, const ajp_fields *fields)
{
    ajp_field f;
    json_open(j, "headers", '[');
    if (fields) {
        ajp_fields it = *fields;
        while (ajp_field_next(&it, &f))
            put_pair(j, f.name,
                     view_is_secret(f.name) && !v->show_secrets
                         ? ajp_str_of(hidden, sizeof hidden - 1)
                         : f.value);
    }
    json_close(j, ']');
}

static void put_cookie(const struct view *v, struct json *j, const ajp_cookie *c)
{
    put_pair(j, c->name, v->show_secrets ? c->value : ajp_str_of(hidden, sizeof hidden - 1));
}

/* In a response only the first of "name=value; attributes" is a cookie. */
static void put_cookies(const struct view *v, struct json *j, const ajp_fields *fields,
                        const char *header, bool first_only)
{
    ajp_field f;
    json_open(j, "cookies", '[');
    if (fields) {
        ajp_fields it = *fields;
        while (ajp_field_next(&it, &f)) {
            ajp_cookie c;
            if (!is_name(f.name, header) || !f.value.ptr)
                continue;
            ajp_cookies cookies = ajp_cookies_of(f.value);
            while (ajp_cookie_next(&cookies, &c)) {
                put_cookie(v, j, &c);
                if (first_only)
                    break;
            }
        }
    }
    json_close(j, ']');
}

static void put_time(struct json *j, uint64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm tm;
    char day[32], s[48];
    gmtime_r(&seconds, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(s, sizeof s, "%s.%06uZ", day, (unsigned)(ns % 1000000000u / 1000));
    json_cstring(j, "startedDateTime", s);
}

/* As clients send it to proxies. */
static bool is_absolute(const char *uri)
{
    return uri && (strncmp(uri, "http://", 7) == 0 || strncmp(uri, "https://", 8) == 0);
}

static void put_url(struct json *j, const struct exchange *e, const ajp_request *r)
{
    struct text t = {0};
    char server[PEER_TEXT];
    ajp_str host = r ? find_header(&r->headers, "host") : AJP_NULL;
    peer_format(&e->server, server);
    if (!is_absolute(e->uri)) {
        text_str(&t, r && r->is_ssl ? "https://" : "http://");
        if (host.ptr && host.len > 0)
            text_put(&t, host.ptr, host.len);
        else
            text_str(&t, server);
        text_str(&t, e->uri && e->uri[0] == '/' ? "" : "/");
    }
    text_str(&t, e->uri ? e->uri : "");
    if (e->query)
        text_fmt(&t, "?%s", e->query);
    json_string(j, "url", ajp_str_of(t.at, t.len));
    text_free(&t);
}

static void put_query(struct json *j, const char *query)
{
    json_open(j, "queryString", '[');
    while (query && *query) {
        size_t len = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        ajp_str value = name < len ? ajp_str_of(query + name + 1, len - name - 1) : AJP_STR("");
        put_pair(j, ajp_str_of(query, name), value);
        query += len + (query[len] == '&');
    }
    json_close(j, ']');
}

static bool is_text(const struct text *t)
{
    for (size_t i = 0; i < t->len;) {
        const unsigned char *p = (const unsigned char *)t->at + i;
        size_t n = utf8_length(p, t->len - i);
        if (n == 0 || (*p < ' ' && (*p == '\0' || !strchr("\t\n\r", *p))))
            return false;
        i += n;
    }
    return true;
}

static void put_base64(struct json *j, const struct text *t)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)t->at;
    char *out = xmalloc((t->len + 2) / 3 * 4), *to = out;
    for (size_t i = 0; i < t->len; i += 3) {
        size_t left = t->len - i;
        uint32_t three = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                         (left > 2 ? p[i + 2] : 0u);
        *to++ = digits[three >> 18];
        *to++ = digits[three >> 12 & 63];
        *to++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[three & 63] : '=';
    }
    json_string(j, "text", ajp_str_of(out, (size_t)(to - out)));
    json_cstring(j, "encoding", "base64");
    free(out);
}

/* A HAR has no code for the bytes of requests: as browsers do, each becomes one character. */
static void put_bytes(struct json *j, const struct text *t)
{
    char *out = xmalloc(t->len * 2), *to = out;
    for (size_t i = 0; i < t->len; i++) {
        unsigned char c = (unsigned char)t->at[i];
        if (c >= 0x80)
            *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    json_string(j, "text", ajp_str_of(out, (size_t)(to - out)));
    free(out);
}

static void put_text(struct json *j, const struct body_sum *b, ajp_str type,
                     void (*put_binary)(struct json *, const struct text *))
{
    json_string(j, "mimeType", type.ptr ? type : AJP_STR("application/octet-stream"));
    if (b->kept.len > 0 && is_text(&b->kept))
        json_string(j, "text", ajp_str_of(b->kept.at, b->kept.len));
    else if (b->kept.len > 0)
        put_binary(j, &b->kept);
    if (b->bytes > b->kept.len)
        json_cstring(j, "comment", "cut off");
}

static void put_request(const struct view *v, struct json *j, const struct exchange *e)
{
    ajp_message m;
    bool ok = view_decode(&e->request_head, AJP_TO_CONTAINER, &m);
    const ajp_fields *fields = ok ? &m.u.request.headers : NULL;
    json_open(j, "request", '{');
    json_cstring(j, "method", e->method ? e->method : "");
    put_url(j, e, ok ? &m.u.request : NULL);
    json_cstring(j, "httpVersion", e->protocol ? e->protocol : "");
    put_cookies(v, j, fields, "cookie", false);
    put_headers(v, j, fields);
    put_query(j, e->query);
    if (e->request.bytes > 0) {
        json_open(j, "postData", '{');
        put_text(j, &e->request, fields ? find_header(fields, "content-type") : AJP_NULL,
                 put_bytes);
        json_close(j, '}');
    }
    json_int(j, "headersSize", -1);
    json_int(j, "bodySize", (int64_t)e->request.bytes);
    json_close(j, '}');
}

static void put_error(struct json *j, const struct exchange *e)
{
    struct text why = {0};
    ending_tell(e, &why);
    if (why.len == 0)
        text_str(&why, e->status ? "the answer breaks off" : "no answer");
    json_cstring(j, "_error", why.at);
    text_free(&why);
}

/* To the end of the answer, or of the wait for it: what comes after the client is gone counts. */
static uint64_t last_of(const struct exchange *e)
{
    uint64_t waited;
    if (e->end_ns)
        return e->end_ns;
    return ending_waited(e, &waited) && e->start_ns + waited > e->first_ns ? e->start_ns + waited
                                                                           : e->first_ns;
}

static void put_response(const struct view *v, struct json *j, const struct exchange *e)
{
    ajp_message m;
    bool ok = view_decode(&e->response_head, AJP_TO_SERVER, &m);
    const ajp_fields *fields = ok ? &m.u.response.headers : NULL;
    ajp_str location = fields ? find_header(fields, "location") : AJP_NULL;
    json_open(j, "response", '{');
    json_int(j, "status", e->status);
    json_string(j, "statusText", ok && m.u.response.reason.ptr ? m.u.response.reason : AJP_STR(""));
    json_cstring(j, "httpVersion", "HTTP/1.1");
    put_cookies(v, j, fields, "set-cookie", true);
    put_headers(v, j, fields);
    json_open(j, "content", '{');
    json_int(j, "size", (int64_t)e->response.bytes);
    put_text(j, &e->response, fields ? find_header(fields, "content-type") : AJP_NULL, put_base64);
    json_close(j, '}');
    json_string(j, "redirectURL", location.ptr ? location : AJP_STR(""));
    json_int(j, "headersSize", -1);
    json_int(j, "bodySize", (int64_t)e->response.bytes);
    json_int(j, "_transferSize", (int64_t)e->response.bytes); /* headersSize of -1 would be added */
    if (!e->complete)
        put_error(j, e);
    json_close(j, '}');
}

static void put_timings(struct json *j, const struct exchange *e)
{
    uint64_t last = last_of(e);
    uint64_t first = e->first_ns ? e->first_ns : last ? last : e->start_ns;
    uint64_t end = last ? last : first;
    double wait = view_ms(e->start_ns, first), receive = view_ms(first, end);
    json_open(j, "timings", '{');
    json_real(j, "send", 0, 0);
    json_real(j, "wait", wait > 0 ? wait : 0, 3);
    json_real(j, "receive", receive > 0 ? receive : 0, 3);
    json_close(j, '}');
}

static void put_entry(struct view *v, const struct exchange *e)
{
    struct json j = {.out = &v->out};
    char server[PEER_TEXT], connection[24];
    if (e->kind != EXCHANGE_REQUEST)
        return;
    text_str(&v->out, v->shown++ ? ",\n" : "\n");
    peer_format(&e->server, server);
    *strrchr(server, ':') = '\0'; /* the address alone */
    size_t len = strlen(server);
    bool v6 = server[0] == '[';
    snprintf(connection, sizeof connection, "%llu", (unsigned long long)e->connection);
    json_open(&j, NULL, '{');
    put_time(&j, e->start_ns);
    double all = view_ms(e->start_ns, last_of(e) ? last_of(e) : e->start_ns);
    json_real(&j, "time", all > 0 ? all : 0, 3);
    put_request(v, &j, e);
    put_response(v, &j, e);
    json_open(&j, "cache", '{');
    json_close(&j, '}');
    put_timings(&j, e);
    json_string(&j, "serverIPAddress", ajp_str_of(server + v6, len - (v6 ? 2 : 0)));
    json_cstring(&j, "connection", connection);
    json_close(&j, '}');
}

static void put_begin(struct view *v)
{
    text_fmt(&v->out,
             "{\"log\": {\"version\": \"1.2\", \"creator\": {\"name\": \"ajpcat\", \"version\": "
             "\"%s\"}, \"pages\": [], \"entries\": [",
             ajp_version());
}

static void put_end(struct view *v)
{
    text_str(&v->out, "\n]}}\n");
}

const struct view_kind view_har = {.begin = put_begin,
                                   .show = put_entry,
                                   .end = put_end,
                                   .heads = true,
                                   .body = {.keep = BODY_SHOWN}};
