/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of `ajpcat serve`: a table of paths, each with the function that fills the answer. */
#include "serve.h"

#include "args.h"
#include "serve_session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GET = 2, HEAD = 3 }; /* method codes on the wire */
enum { PERIOD = 1021, PATTERN = PERIOD * 65 };

static char pattern[PATTERN];
static pthread_once_t pattern_once = PTHREAD_ONCE_INIT;

static void pattern_make(void)
{
    for (size_t i = 0; i < PATTERN; i++) {
        size_t at = i % PERIOD;
        pattern[i] = at == PERIOD - 1 ? '\n' : (char)('!' + (at * 31 + at / 94 * 17) % 94);
    }
}

void page_pattern(char *out, uint64_t offset, size_t n)
{
    pthread_once(&pattern_once, pattern_make);
    while (n > 0) {
        size_t from = (size_t)(offset % PERIOD);
        size_t run = n < PATTERN - from ? n : PATTERN - from;
        memcpy(out, pattern + from, run);
        out += run;
        offset += run;
        n -= run;
    }
}

const char *page_reason(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *reason;
    } table[] = {{200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {206, "Partial Content"},
                 {301, "Moved Permanently"},
                 {302, "Found"},
                 {303, "See Other"},
                 {304, "Not Modified"},
                 {307, "Temporary Redirect"},
                 {308, "Permanent Redirect"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {409, "Conflict"},
                 {410, "Gone"},
                 {413, "Content Too Large"},
                 {418, "I'm a teapot"},
                 {429, "Too Many Requests"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"},
                 {504, "Gateway Timeout"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].status == status)
            return table[i].reason;
    }
    return "Status";
}

struct visit {
    struct page *page;
    const ajp_request *request;
    const struct serve_options *options;
    uint64_t number; /* from the path */
};

static void say(struct page *p, uint16_t status, const char *text)
{
    p->kind = PAGE_TEXT;
    p->status = status;
    text_clear(&p->text);
    text_str(&p->text, text);
}

static void page_hello(struct visit *v)
{
    text_fmt(&v->page->text, "Hello from %s.\n",
             v->options->route[0] ? v->options->route : "ajpcat");
}

static void page_bytes(struct visit *v)
{
    v->page->kind = PAGE_PATTERN;
    v->page->length = v->number;
    v->page->type = "application/octet-stream";
}

static void page_chunked(struct visit *v)
{
    page_bytes(v);
    v->page->announce = false;
}

static void page_slow(struct visit *v)
{
    v->page->delay_ms = v->number;
    text_fmt(&v->page->text, "waited %u ms\n", (unsigned)v->number);
}

static void page_flush(struct visit *v)
{
    v->page->kind = PAGE_PARTS;
    v->page->length = 3;
    v->page->announce = false;
    v->page->delay_ms = v->number;
}

static void page_status(struct visit *v)
{
    if (v->number < 200 || v->number > 599) {
        say(v->page, 400, "expected /status/200 to /status/599\n");
        return;
    }
    v->page->status = (uint16_t)v->number;
    text_fmt(&v->page->text, "%u %s\n", v->page->status, page_reason(v->page->status));
    if (v->number >= 301 && v->number <= 308 && v->number != 304)
        v->page->location = "/";
}

static void put_headers(struct json *j, const ajp_request *r)
{
    ajp_fields it = r->headers;
    ajp_field f;
    json_open(j, "headers", '[');
    while (ajp_field_next(&it, &f)) {
        json_open(j, NULL, '[');
        json_string(j, NULL, f.name);
        json_string(j, NULL, f.value);
        json_close(j, ']');
    }
    json_close(j, ']');
}

static void put_attributes(struct json *j, const ajp_request *r)
{
    ajp_attrs it = r->attrs;
    ajp_attr_view a;
    json_open(j, "attributes", '[');
    while (ajp_attr_next(&it, &a)) {
        json_open(j, NULL, '[');
        json_string(j, NULL, a.code == AJP_ATTR_NAMED ? a.name : ajp_attr_name(a.code));
        if (a.code == AJP_ATTR_SSL_KEY_SIZE && !a.value.ptr)
            json_int(j, NULL, a.number);
        else
            json_string(j, NULL, a.code == AJP_ATTR_SECRET ? AJP_STR("(redacted)") : a.value);
        json_close(j, ']');
    }
    json_close(j, ']');
}

/* All of the request but its body, which is reported when it has been read. */
static void page_echo(struct visit *v)
{
    const ajp_request *r = v->request;
    struct json *j = &v->page->json;
    ajp_str query = ajp_request_attr(r, AJP_ATTR_QUERY_STRING);
    v->page->reports = true;
    v->page->asks = r->method_code != GET && r->method_code != HEAD;
    v->page->type = "application/json";
    *j = (struct json){.out = &v->page->text};
    json_open(j, NULL, '{');
    json_cstring(j, "route", v->options->route);
    json_string(j, "method", r->method);
    json_string(j, "uri", r->uri);
    json_string(j, "query", query);
    json_string(j, "protocol", r->protocol);
    json_string(j, "remote_addr", r->remote_addr);
    json_string(j, "remote_host", r->remote_host);
    json_string(j, "server_name", r->server_name);
    json_int(j, "server_port", r->server_port);
    json_bool(j, "is_ssl", r->is_ssl);
    json_int(j, "content_length", r->content_length);
    put_headers(j, r);
    put_attributes(j, r);
}

static void page_upload(struct visit *v)
{
    v->page->asks = true;
    v->page->reports = true;
    v->page->type = "application/json";
    v->page->json = (struct json){.out = &v->page->text};
    json_open(&v->page->json, NULL, '{');
    json_cstring(&v->page->json, "route", v->options->route);
}

void page_body_end(struct page *p, uint64_t bytes, uint32_t crc)
{
    if (p->reports) {
        json_int(&p->json, "length", (int64_t)bytes);
        json_int(&p->json, "crc32", crc);
        json_close(&p->json, '}');
        text_byte(&p->text, '\n');
    }
    if (p->kind == PAGE_TEXT)
        p->length = p->text.len;
}

static bool is_our_route(ajp_str id, const char *route)
{
    ajp_str of = ajp_route_of(id);
    return of.len == strlen(route) && (of.len == 0 || memcmp(of.ptr, route, of.len) == 0);
}

static void page_session(struct visit *v)
{
    const char *route = v->options->route;
    ajp_session_ids ids;
    ajp_str given;
    char id[SESSION_ID + 1] = "";
    bool keep = false;
    ajp_session_ids_init(&ids, v->request, &(ajp_route_rule){0});
    while (!id[0] && ajp_session_id_next(&ids, &given)) {
        if (session_is_id(given)) {
            memcpy(id, given.ptr, SESSION_ID);
            keep = is_our_route(given, route);
        }
    }
    if (!id[0])
        session_new_id(id);
    unsigned count = session_visit(v->options->sessions, id);
    if (count == 0) {
        say(v->page, 500, "the session cannot be kept: see --sessions\n");
        return;
    }
    if (!keep)
        snprintf(v->page->cookie, sizeof v->page->cookie, "JSESSIONID=%s%s%.20s; Path=/", id,
                 route[0] ? "." : "", route);
    struct json j = {.out = &v->page->text};
    v->page->type = "application/json";
    json_open(&j, NULL, '{');
    json_cstring(&j, "route", route);
    json_cstring(&j, "session", id);
    json_int(&j, "counter", count);
    json_close(&j, '}');
    text_byte(&v->page->text, '\n');
}

/* A fault, or the list of them. */
static void page_fault(struct visit *v, const char *name)
{
    v->page->fault = script_fault_find(name);
    if (v->page->fault)
        return;
    if (*name)
        v->page->status = 404;
    for (const struct script_fault *f = script_faults; f->name; f++)
        text_fmt(&v->page->text, "/fault/%-14s %s\n", f->name, f->about);
}

static const struct {
    const char *path; /* a number follows when it ends in '/' and is not "/" alone */
    uint64_t max;
    void (*fill)(struct visit *v);
} pages[] = {
    {"/bytes/", (uint64_t)1 << 40, page_bytes},
    {"/echo", 0, page_echo},
    {"/upload", 0, page_upload},
    {"/session", 0, page_session},
    {"/slow/", 3600000, page_slow},
    {"/status/", 999, page_status},
    {"/chunked/", (uint64_t)1 << 40, page_chunked},
    {"/flush", 0, page_flush},
    {"/flush/", 60000, page_flush},
    {"/", 0, page_hello},
};

static bool path_matches(const char *path, const char *pattern_path, uint64_t max, uint64_t *number)
{
    size_t len = strlen(pattern_path);
    if (max == 0)
        return strcmp(path, pattern_path) == 0;
    return strncmp(path, pattern_path, len) == 0 && parse_uint(path + len, max, number);
}

/* Same time whatever the guess: the length alone may show. */
static bool secret_matches(const struct text *want, ajp_str given)
{
    unsigned char differs = 0;
    if (given.len != want->len)
        return false;
    for (size_t i = 0; i < want->len; i++)
        differs |= (unsigned char)(want->at[i] ^ given.ptr[i]);
    return differs == 0;
}

static void keep_request_id(struct page *p, const ajp_request *r)
{
    ajp_fields it = r->headers;
    ajp_field f;
    while (ajp_field_next(&it, &f)) {
        if (f.name.len == 12 && f.value.len < sizeof p->request_id &&
            strncasecmp(f.name.ptr, "x-request-id", 12) == 0) {
            memcpy(p->request_id, f.value.ptr, f.value.len);
            p->request_id[f.value.len] = '\0';
        }
    }
}

void page_begin(struct page *p, const ajp_request *r, const struct serve_options *o)
{
    struct text keep = p->text, canned = p->canned;
    struct visit v = {.page = p, .request = r, .options = o};
    char path[128] = "";
    keep.len = canned.len = 0;
    *p = (struct page){
        .status = 200, .type = "text/plain", .announce = true, .text = keep, .canned = canned};
    if (o->secret.len > 0 && !secret_matches(&o->secret, ajp_request_attr(r, AJP_ATTR_SECRET))) {
        say(p, 403, "wrong or missing secret\n");
        p->refused = true;
        return;
    }
    keep_request_id(p, r);
    if (o->dir && page_from_dir(p, r->uri, o->dir))
        return;
    p->status = 200; /* whatever page_from_dir left */
    p->type = "text/plain";
    p->canned.len = 0;
    text_clear(&p->text);
    size_t len = 0;
    while (len < r->uri.len && len < sizeof path - 1 && r->uri.ptr[len] != ';' && r->uri.ptr[len]) {
        path[len] = r->uri.ptr[len];
        len++;
    }
    path[len] = '\0';
    if (strncmp(path, "/fault/", 7) == 0) {
        page_fault(&v, path + 7);
        return;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (path_matches(path, pages[i].path, pages[i].max, &v.number)) {
            pages[i].fill(&v);
            return;
        }
    }
    say(p, 404,
        "expected /echo, /bytes/N, /slow/MS, /status/NNN, /session, /upload, /flush, "
        "/flush/MS, /chunked/N, /fault/ or /\n");
}
