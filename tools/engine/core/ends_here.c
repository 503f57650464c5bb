/* SPDX-License-Identifier: Apache-2.0 */
/* Max-Forwards of TRACE and OPTIONS (RFC 9110 7.6.2): each hop counts it down, and who has it at 0
 * is the last one, and answers. */
#include "core/exchange.h"
#include "http/h1_rules.h"

#include <stdlib.h>
#include <string.h>

/* The fields of a head, whatever it came in by. */
struct field_walk {
    const struct head *head;
    ajp_fields raw;
    uint16_t at;
};

static struct field_walk walk_of(const struct head *h)
{
    struct field_walk w = {.head = h};

    if (h->raw != NULL)
        w.raw = h->raw->headers;
    return w;
}

static bool walk_next(struct field_walk *w, struct field *out)
{
    ajp_field f;

    if (w->head->raw == NULL) {
        if (w->at == w->head->field_count)
            return false;
        *out = w->head->fields[w->at++];
        return true;
    }
    if (!ajp_field_next(&w->raw, &f))
        return false;
    *out = (struct field){f.name, f.value};
    return true;
}

static bool is_number(ajp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(h1_class[(uint8_t)s.ptr[i]] & H1_DIGIT))
            return false;
    return s.len > 0;
}

/* A number one lower, in as many digits. False: it was 0. */
static bool count_down(ajp_str number)
{
    char *digits = (char *)number.ptr; /* in the front's own buffer */
    size_t at = number.len;

    while (at > 0 && digits[at - 1] == '0')
        at--;
    if (at == 0)
        return false;
    digits[at - 1]--;
    memset(digits + at, '9', number.len - at);
    return true;
}

static bool spent(const struct head *h)
{
    struct field_walk w = walk_of(h);
    struct field f;

    while (walk_next(&w, &f))
        if (h1_same(f.name, AJP_STR("max-forwards")) && is_number(f.value) && !count_down(f.value))
            return true;
    return false;
}

static bool holds(ajp_str name, ajp_str part)
{
    for (size_t i = 0; i + part.len <= name.len; i++)
        if (h1_same(ajp_str_of(name.ptr + i, part.len), part))
            return true;
    return false;
}

/* Who makes a browser send TRACE shall not read from the echo what it has to hide (9.3.8). */
static bool is_secret(ajp_str name)
{
    return holds(name, AJP_STR("auth")) || holds(name, AJP_STR("cookie")) ||
           holds(name, AJP_STR("token")) || holds(name, AJP_STR("secret")) ||
           holds(name, AJP_STR("password")) || holds(name, AJP_STR("session")) ||
           holds(name, AJP_STR("key"));
}

/* Writes, or with a NULL buffer only counts. */
struct echo {
    char *text;
    size_t len;
};

static void add(struct echo *e, ajp_str s)
{
    if (e->text != NULL && s.len > 0)
        memcpy(e->text + e->len, s.ptr, s.len);
    e->len += s.len;
}

static void add_head(struct echo *e, const struct head *h)
{
    struct field_walk w = walk_of(h);
    struct field f;

    add(e, h->method);
    add(e, AJP_STR(" "));
    add(e, h->path);
    if (h->query.ptr != NULL)
        add(e, AJP_STR("?"));
    add(e, h->query);
    add(e, AJP_STR(" "));
    add(e, h->protocol);
    add(e, AJP_STR("\r\n"));
    while (walk_next(&w, &f)) {
        if (is_secret(f.name))
            continue;
        add(e, f.name);
        add(e, AJP_STR(": "));
        add(e, f.value);
        add(e, AJP_STR("\r\n"));
    }
    add(e, AJP_STR("\r\n"));
}

static void pass(struct exchange *x, const char *text, size_t len)
{
    enum { PART_MAX = 32 * 1024 };

    for (size_t n; len > 0; text += n, len -= n) {
        n = len < PART_MAX ? len : PART_MAX;
        struct part p = {.data = (const uint8_t *)text,
                         .len = n,
                         .packet = (uint16_t)n,
                         .first = true,
                         .last = true};
        x->bytes_down += n;
        x->front->part(x, &p);
    }
}

static void answer(struct exchange *x, struct field *field, const struct echo *body)
{
    struct reply r = {
        .status = 200, .content_length = (int64_t)body->len, .field_count = 1, .fields = field};

    x->begun = true;
    x->status = r.status;
    x->front->reply(x, &r);
    pass(x, body->text, body->len);
    x->front->end(x);
}

static void echo(struct exchange *x)
{
    struct field type = {AJP_STR("Content-Type"), AJP_STR("message/http")};
    struct echo e = {0};

    add_head(&e, &x->head);
    e.text = malloc(e.len);
    if (e.text == NULL) {
        x->reason = "out of memory";
        x->front->fail(x, 503);
        return;
    }
    e.len = 0;
    add_head(&e, &x->head);
    answer(x, &type, &e);
    free(e.text);
}

static void tell_options(struct exchange *x)
{
    struct field allow = {AJP_STR("Allow"),
                          AJP_STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE")};
    const struct echo nothing = {0};

    answer(x, &allow, &nothing);
}

bool exchange_ends_here(struct exchange *x)
{
    ajp_str m = x->head.method;
    bool trace = m.len == 5 && memcmp(m.ptr, "TRACE", 5) == 0;

    if (!trace && !(m.len == 7 && memcmp(m.ptr, "OPTIONS", 7) == 0))
        return false;
    if (!spent(&x->head))
        return false;
    if (trace)
        echo(x);
    else
        tell_options(x);
    return true;
}
