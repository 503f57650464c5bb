/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads. What we accept holds only views into the input and no byte that would break a
 * line; cutting the input changes nothing; http-parser, if there, reads the same from it. */
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

static enum h1_result parse(const uint8_t *in, size_t len, size_t *scanned, struct head *h,
                            size_t *used)
{
    struct h1_error err = {0, NULL};
    enum h1_result r = h1_parse_request(in, len, scanned, &h1_limits_default, h, used, &err);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct field fields[HEAD_FIELDS_USUAL], again[HEAD_FIELDS_USUAL];
    struct head h = {.fields = fields}, cut = {.fields = again};
    size_t used = 0, cut_used = 0, scanned = 0;
    enum h1_result whole = parse(data, size, &scanned, &h, &used), r;

    scanned = 0;
    r = parse(data, size / 2, &scanned, &cut, &cut_used);
    if (r == H1_MORE)
        r = parse(data, size, &scanned, &cut, &cut_used);
    require(r == whole || (r == H1_MORE && whole == H1_BAD)); /* that one waits for a line end */
    if (whole == H1_OK) {
        require(used == cut_used && h.field_count == cut.field_count);
        check_head(&h, data, used);
        oracle_head(&h, data, used);
    }
    return 0;
}
