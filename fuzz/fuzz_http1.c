/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads. What we accept holds only views into the input and no byte that would break a
 * line; cutting the input changes nothing; http-parser, if there, reads the same from it; and what
 * the strict settings accept the lenient ones read alike. */
#include "http/h1_parse.h"
#include "http/h1_rules.h"
#include "http_oracle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static const struct h1_limits lenient = {
    .max_line = 8000,
    .max_head = 65536,
    .max_fields = 100,
    .max_field = 16384,
    .allow_encoded_slash = true,
    .allow_non_ascii = true,
    .allow_bare_lf = true,
    .underscores = UNDERSCORES_PASS,
};

static enum h1_result parse(const uint8_t *in, size_t len, size_t *scanned,
                            const struct h1_limits *lim, struct head *h, size_t *used)
{
    struct h1_error err = {0, NULL};
    enum h1_result r = h1_parse_request(in, len, scanned, lim, h, used, &err);

    require(r != H1_BAD || (err.status >= 400 && err.status < 600 && err.reason));
    return r;
}

static void check_head(const struct head *h, const uint8_t *in, size_t used)
{
    const char *start = (const char *)in, *end = start + used;

    require(used <= h1_limits_default.max_head && h1_is_token(h->method));
    require(h->path.len > 0 && (h->path.ptr[0] == '/' || h->path.ptr[0] == '*'));
    require(h->path.len == 1 || (h->path.ptr >= start && h->path.ptr + h->path.len < end));
    for (size_t i = 0; i < h->field_count; i++) {
        const struct field *f = &h->fields[i];
        require(h1_is_token(f->name) && h1_is_field_value(f->value));
        require(f->value.ptr >= start && f->value.ptr + f->value.len < end);
        require(h1_name_of(f->name) != H1_NAME_HOP && h1_name_of(f->name) != H1_NAME_CONNECTION &&
                h1_name_of(f->name) != H1_NAME_TRANSFER_ENCODING);
    }
    require(!h->chunked || h->content_length == -1);
}

static bool same(ajp_str a, ajp_str b)
{
    return a.ptr == b.ptr && a.len == b.len;
}

/* Whole and in two pieces it gives the same. */
static enum h1_result check_cut(const uint8_t *data, size_t size, const struct h1_limits *lim,
                                struct head *h, size_t *used)
{
    struct field again[HEAD_FIELDS_USUAL];
    struct head cut = {.fields = again};
    size_t cut_used = 0, scanned = 0;
    enum h1_result whole = parse(data, size, &scanned, lim, h, used), r;

    scanned = 0;
    r = parse(data, size / 2, &scanned, lim, &cut, &cut_used);
    if (r == H1_MORE)
        r = parse(data, size, &scanned, lim, &cut, &cut_used);
    require(r == whole || (r == H1_MORE && whole == H1_BAD)); /* that one waits for a line end */
    if (whole == H1_OK) {
        require(*used == cut_used && h->field_count == cut.field_count);
        check_head(h, data, *used);
    }
    return whole;
}

/* Fields with '_' stay in the lenient one. */
static void check_alike(const struct head *strict, const struct head *lax)
{
    uint16_t at = 0;

    require(same(strict->method, lax->method) && same(strict->path, lax->path) &&
            same(strict->query, lax->query) && same(strict->host, lax->host));
    require(strict->chunked == lax->chunked && strict->content_length == lax->content_length);
    for (uint16_t i = 0; i < strict->field_count; i++) {
        while (at < lax->field_count && !same(lax->fields[at].name, strict->fields[i].name) &&
               memchr(lax->fields[at].name.ptr, '_', lax->fields[at].name.len))
            at++;
        require(at < lax->field_count && same(lax->fields[at].value, strict->fields[i].value));
        at++;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field fields[HEAD_FIELDS_USUAL], more[HEAD_FIELDS_USUAL];
    struct head h = {.fields = fields}, lax = {.fields = more};
    size_t used = 0, lax_used = 0;
    enum h1_result strict = check_cut(data, size, &h1_limits_default, &h, &used);
    enum h1_result r = check_cut(data, size, &lenient, &lax, &lax_used);

    if (strict == H1_OK) {
        oracle_head(&h, data, used);
        require(r == H1_OK && used == lax_used);
        check_alike(&h, &lax);
    }
    return 0;
}
