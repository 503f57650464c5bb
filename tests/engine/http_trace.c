/* SPDX-License-Identifier: Apache-2.0 */
/* Head parser traces for table tests. */
#include "http_trace.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void guard_new(struct guard *g, size_t max)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    g->size = (max + page - 1) / page * page + page;
    g->map = mmap(NULL, g->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(g->map != MAP_FAILED);
    g->size -= page;
    cr_assert_eq(mprotect(g->map + g->size, page, PROT_NONE), 0);
}

void guard_free(struct guard *g)
{
    munmap(g->map, g->size + (size_t)sysconf(_SC_PAGESIZE));
}

uint8_t *guard_copy(struct guard *g, const void *in, size_t len)
{
    uint8_t *at = g->map + g->size - len;

    cr_assert_leq(len, g->size);
    if (len > 0)
        memcpy(at, in, len);
    return at;
}

__attribute__((format(printf, 2, 3))) static void add(char *out, const char *format, ...)
{
    size_t at = strlen(out);
    va_list ap;

    va_start(ap, format);
    vsnprintf(out + at, TRACE_MAX - at, format, ap);
    va_end(ap);
}

static void add_str(char *out, const char *before, ajp_str s)
{
    if (s.ptr)
        add(out, "%s%.*s", before, (int)s.len, s.ptr);
}

/* METHOD path[?query] minor @host name:port flags +length {Name=value}...
 * flags: k keep-alive, c chunked, e expects 100-continue. */
static void trace_head(char *out, const struct head *h)
{
    add_str(out, "", h->method);
    add_str(out, " ", h->path);
    add_str(out, "?", h->query);
    add(out, " %c", h->protocol.ptr[7]);
    add_str(out, " @", h->host);
    add_str(out, " ", h->server_name);
    add(out, ":%u ", h->server_port);
    add(out, "%s%s%s", h->keep_alive ? "k" : "", h->chunked ? "c" : "",
        h->expect_continue ? "e" : "");
    if (h->content_length >= 0)
        add(out, "+%lld", (long long)h->content_length);
    for (unsigned i = 0; i < h->field_count; i++) {
        add_str(out, " {", h->fields[i].name);
        add_str(out, "=", h->fields[i].value);
        add(out, "}");
    }
}

static void trace_result(char *out, enum h1_result r, const struct head *h,
                         const struct h1_error *err)
{
    out[0] = '\0';
    if (r == H1_MORE)
        add(out, "more");
    else if (r == H1_BAD)
        add(out, "%u", err->status);
    else
        trace_head(out, h);
}

/* Bytes up to the end of the first empty line behind another one; 0: there is none. LF ends a line
 * too where it may: elsewhere it is refused. */
static size_t head_len(const char *in, size_t len)
{
    size_t at = 0;

    while (at < len && (in[at] == '\r' || in[at] == '\n'))
        at++;
    for (size_t start = at; at < len; at++) {
        if (in[at] != '\n')
            continue;
        if (at == start || (at == start + 1 && in[start] == '\r'))
            return at + 1;
        start = at + 1;
    }
    return 0;
}

/* An accepted head ends behind its empty line, whatever follows. */
static void check_used(enum h1_result r, const void *in, size_t len, size_t used)
{
    if (r == H1_OK)
        cr_expect(used > 0 && used == head_len(in, len), "%zu used", used);
}

void trace_whole(char *out, const void *in, size_t len, const struct h1_limits *lim)
{
    struct field fields[HEAD_FIELDS_USUAL];
    struct head h = {.fields = fields};
    struct h1_error err = {0, NULL};
    size_t scanned = 0, used = 0;
    struct guard g;

    guard_new(&g, len);
    enum h1_result r =
        h1_parse_request(guard_copy(&g, in, len), len, &scanned, lim, &h, &used, &err);
    trace_result(out, r, &h, &err);
    check_used(r, in, len, used);
    guard_free(&g);
}

void trace_bytewise(char *out, const void *in, size_t len, const struct h1_limits *lim)
{
    struct field fields[HEAD_FIELDS_USUAL];
    struct head h = {.fields = fields};
    struct h1_error err = {0, NULL};
    size_t scanned = 0, used = 0;
    enum h1_result r = H1_MORE;
    struct guard g;

    guard_new(&g, len);
    for (size_t n = 0; n <= len && r == H1_MORE; n++)
        r = h1_parse_request(guard_copy(&g, in, n), n, &scanned, lim, &h, &used, &err);
    trace_result(out, r, &h, &err);
    check_used(r, in, len, used);
    guard_free(&g);
}

void trace_both(char *out, const char *label, const void *in, size_t len,
                const struct h1_limits *lim)
{
    static char bytewise[TRACE_MAX];

    trace_whole(out, in, len, lim);
    trace_bytewise(bytewise, in, len, lim);
    cr_assert_str_eq(bytewise, out, "%s: bytewise \"%s\", whole \"%s\"", label, bytewise, out);
}
