/* SPDX-License-Identifier: Apache-2.0 */
/* What the fields of a request head mean: framing, connection, host, target. */
#include "http/h1_meaning.h"

#include "http/h1_rules.h"
#include "http/uri.h"

#include <string.h>

void h1_work_init(struct h1_work *w, const struct h1_limits *lim, struct head *head,
                  struct h1_error *err)
{
    w->lim = lim;
    w->head = head;
    w->err = err;
    w->lines = 0;
    w->hosts = w->lengths = w->codings = w->connections = w->chunked = w->host_at = 0;
    w->chunked_last = w->http10 = w->odd_path = w->close = w->keep = w->listed = false;
    w->other_coding = w->other_expect = false;
    head->dropped = AJP_NULL;
    head->upgrade = AJP_NULL;
    head->query = AJP_NULL;
    head->host = AJP_NULL;
    head->server_name = AJP_NULL;
    head->server_port = 0;
    head->chunked = false;
    head->expect_continue = false;
    head->keep_alive = false;
    head->content_length = -1;
    head->field_count = 0;
}

enum h1_result h1_refuse(struct h1_work *w, uint16_t status, const char *reason)
{
    w->err->status = status;
    w->err->reason = reason;
    return H1_BAD;
}

static void keep_field(struct h1_work *w, ajp_str name, ajp_str value)
{
    struct field *f = &w->head->fields[w->head->field_count++];

    f->name = name;
    f->value = value;
}

static enum h1_result take_connection(struct h1_work *w, ajp_str value)
{
    ajp_str list = value, item;

    if (w->connections == H1_CONNECTION_LINES_MAX)
        return h1_refuse(w, 400, "too many Connection fields");
    w->connection[w->connections++] = value;
    while (h1_list_next(&list, &item)) {
        if (h1_same(item, AJP_STR("close")))
            w->close = true;
        else if (h1_same(item, AJP_STR("keep-alive")))
            w->keep = true;
        else if (!h1_is_token(item))
            return h1_refuse(w, 400, "malformed Connection");
        else
            w->listed |= h1_name_of(item) != H1_NAME_HOP;
    }
    return H1_OK;
}

static void take_coding(struct h1_work *w, ajp_str value)
{
    ajp_str item;

    w->codings++;
    w->other_coding |= !h1_same(value, AJP_STR("chunked"));
    while (h1_list_next(&value, &item)) {
        w->chunked_last = h1_same(item, AJP_STR("chunked"));
        w->chunked = (uint16_t)(w->chunked + w->chunked_last);
    }
}

static enum h1_result take_known(struct h1_work *w, enum h1_name known, ajp_str name, ajp_str value)
{
    switch (known) {
    case H1_NAME_CONNECTION:
        return take_connection(w, value);
    case H1_NAME_CONTENT_LENGTH:
        if (w->lengths++ > 0)
            return h1_refuse(w, 400, "more than one Content-Length");
        if (!h1_decimal(value, &w->head->content_length))
            return h1_refuse(w, 400, "malformed Content-Length");
        keep_field(w, name, value);
        return H1_OK;
    case H1_NAME_TRANSFER_ENCODING:
        take_coding(w, value);
        return H1_OK;
    case H1_NAME_HOST:
        if (w->hosts++ > 0)
            return h1_refuse(w, 400, "more than one Host");
        w->host_at = w->head->field_count;
        w->head->host = value;
        keep_field(w, name, value);
        return H1_OK;
    case H1_NAME_EXPECT:
        if (h1_same(value, AJP_STR("100-continue")))
            w->head->expect_continue = true;
        else
            w->other_expect = true;
        return H1_OK;
    case H1_NAME_HOP:
        if (h1_same(name, AJP_STR("upgrade")))
            w->head->upgrade = value;
        return H1_OK;
    case H1_NAME_TLS:
        w->head->dropped = name;
        return H1_OK;
    case H1_NAME_DATE:
    case H1_NAME_SERVER:
    case H1_NAME_OTHER:
        break;
    }
    keep_field(w, name, value);
    return H1_OK;
}

enum h1_result h1_take_field(struct h1_work *w, ajp_str name, ajp_str value, bool plain)
{
    if (w->lines == w->lim->max_fields)
        return h1_refuse(w, 431, "too many fields (limits.header_count)");
    w->lines++;
    if (!plain && memchr(name.ptr, '_', name.len)) {
        if (w->lim->underscores == UNDERSCORES_REJECT)
            return h1_refuse(w, 400, "underscore in a field name (http.underscores)");
        if (w->lim->underscores == UNDERSCORES_DROP) {
            w->head->dropped = name;
            return H1_OK;
        }
    }
    return take_known(w, h1_name_of(name), name, value);
}

static bool is_listed(const struct h1_work *w, ajp_str name)
{
    for (unsigned i = 0; i < w->connections; i++) {
        ajp_str list = w->connection[i], item;
        while (h1_list_next(&list, &item)) {
            if (h1_same(item, name))
                return true;
        }
    }
    return false;
}

/* Take out the fields that Connection lists. The count of names is bounded: this is a product. */
static enum h1_result drop_listed(struct h1_work *w)
{
    struct head *h = w->head;
    unsigned names = 0;
    uint16_t kept = 0;

    for (unsigned i = 0; i < w->connections; i++) {
        ajp_str list = w->connection[i], item;
        while (h1_list_next(&list, &item)) {
            if (++names > H1_LISTED_MAX)
                return h1_refuse(w, 400, "too many names in Connection");
        }
    }
    for (uint16_t i = 0; i < h->field_count; i++) {
        if (is_listed(w, h->fields[i].name) && h1_may_be_listed(h->fields[i].name))
            continue;
        if (i == w->host_at)
            w->host_at = kept;
        h->fields[kept++] = h->fields[i];
    }
    h->field_count = kept;
    return H1_OK;
}

static enum h1_result judge_framing(struct h1_work *w)
{
    struct head *h = w->head;

    if (w->codings == 0)
        return H1_OK;
    if (w->lengths > 0)
        return h1_refuse(w, 400, "both Content-Length and Transfer-Encoding");
    if (w->http10)
        return h1_refuse(w, 400, "Transfer-Encoding in HTTP/1.0");
    /* Nobody can tell where such a body ends (RFC 9112 6.3); with chunked last one can. */
    if (!w->chunked_last || w->chunked > 1)
        return h1_refuse(w, 400, "chunked is not the last transfer coding, once");
    if (w->codings > 1 || w->other_coding)
        return h1_refuse(w, 501, "transfer coding not supported");
    h->chunked = true;
    return H1_OK;
}

static enum h1_result judge_host(struct h1_work *w)
{
    struct head *h = w->head;

    if (w->hosts == 0)
        return w->http10 ? H1_OK : h1_refuse(w, 400, "Host is missing");
    if (h->host.len == 0) /* of a target without authority (RFC 9112 3.2): the default host's */
        return H1_OK;
    if (!h1_host(h->host, &h->server_name, &h->server_port))
        return h1_refuse(w, 400, "malformed Host");
    return H1_OK;
}

/* Length of "http://" or "https://" at the front of a target, 0 for neither. */
static size_t scheme_len(ajp_str target, uint16_t *port)
{
    ajp_str head = target;

    head.len = 7;
    *port = 80;
    if (target.len >= 7 && h1_same(head, AJP_STR("http://")))
        return 7;
    head.len = 8;
    *port = 443;
    return target.len >= 8 && h1_same(head, AJP_STR("https://")) ? 8 : 0;
}

/* The authority takes Host's place, the path becomes origin-form (RFC 9112 3.2.2). */
static enum h1_result take_absolute(struct h1_work *w)
{
    struct head *h = w->head;
    uint16_t usual, port, given = h->server_port;
    size_t skip = scheme_len(h->path, &usual), n = 0;
    ajp_str authority = ajp_str_of(h->path.ptr + skip, h->path.len - skip), name;

    if (skip == 0)
        return h1_refuse(w, 400, "request target is in no known form");
    while (n < authority.len && authority.ptr[n] != '/')
        n++;
    h->path = ajp_str_of(authority.ptr + n, authority.len - n);
    authority.len = n;
    if (!h1_host(authority, &name, &port))
        return h1_refuse(w, 400, "malformed authority");
    if (w->lim->host_must_match && w->hosts > 0 &&
        (!h1_same(name, h->server_name) || (port ? port : usual) != (given ? given : usual)))
        return h1_refuse(w, 400, "Host differs from the request target (http.host_mismatch)");
    if (h->path.len == 0)
        h->path =
            h1_same(h->method, AJP_STR("OPTIONS")) && !h->query.ptr ? AJP_STR("*") : AJP_STR("/");
    h->host = authority;
    h->server_name = name;
    h->server_port = port;
    if (w->hosts > 0)
        h->fields[w->host_at].value = authority;
    else
        keep_field(w, AJP_STR("Host"), authority);
    return H1_OK;
}

/* Where encoded slashes pass, both readings must be sound. */
static enum uri_result check_path(const struct h1_work *w)
{
    struct uri_reading how = {.non_ascii = w->lim->allow_non_ascii};
    enum uri_result r;

    if (!w->lim->allow_encoded_slash)
        return uri_check(w->head->path, how);
    how.slashes = URI_SLASHES_KEPT;
    r = uri_check(w->head->path, how);
    how.slashes = URI_SLASHES_DECODED;
    return r == URI_OK ? uri_check(w->head->path, how) : r;
}

static enum h1_result judge_path(struct h1_work *w)
{
    switch (check_path(w)) {
    case URI_OK:
        return H1_OK;
    case URI_SLASH:
        return h1_refuse(w, 400, "encoded slash in the path (http.encoded_slash)");
    case URI_ABOVE_ROOT:
        return h1_refuse(w, 400, "path climbs above the root");
    case URI_PARAM_DOTS:
        return h1_refuse(w, 400, "dot segment with a parameter");
    case URI_SYNTAX:
    case URI_SPACE:
        break;
    }
    return h1_refuse(w, 400, "malformed path");
}

static enum h1_result judge_target(struct h1_work *w)
{
    struct head *h = w->head;
    enum h1_result r;

    if (h->path.ptr[0] == '*' && h->path.len == 1) {
        if (h->method.len != 7 || memcmp(h->method.ptr, "OPTIONS", 7) != 0 || h->query.ptr)
            return h1_refuse(w, 400, "\"*\" is for OPTIONS alone");
        return H1_OK;
    }
    if (h->path.ptr[0] != '/') {
        r = take_absolute(w);
        if (r != H1_OK)
            return r;
        if (h->path.ptr[0] == '*')
            return H1_OK;
    }
    return w->odd_path ? judge_path(w) : H1_OK;
}

enum h1_result h1_conclude(struct h1_work *w)
{
    struct head *h = w->head;
    enum h1_result r;

    if (h->method.len == 7 && memcmp(h->method.ptr, "CONNECT", 7) == 0)
        return h1_refuse(w, 405, "CONNECT is not served");
    r = judge_framing(w);
    if (r == H1_OK && w->listed)
        r = drop_listed(w);
    if (r == H1_OK)
        r = judge_host(w);
    if (r == H1_OK)
        r = judge_target(w);
    if (r != H1_OK)
        return r;
    if (w->http10)
        h->expect_continue = false; /* RFC 9110 10.1.1 */
    else if (w->other_expect)
        return h1_refuse(w, 417, "expectation not known");
    h->keep_alive = !w->close && (!w->http10 || w->keep);
    return H1_OK;
}
