/* SPDX-License-Identifier: Apache-2.0 */
/* Worker's heads as neutral heads. A worker is trusted to answer, not to write HTTP: framing
 * and hop-by-hop fields are ours, and nothing passes that would break a line (S-30, S-31). */
#include "map/ajp_to_http.h"

#include "http/h1_rules.h"

#include <string.h>

enum verdict { KEEP, DROP, FAULT };

static enum map_result bad(const char **why, const char *text)
{
    *why = text;
    return MAP_BAD;
}

/* Judge one field of a reply; learn the length. */
static enum verdict judge(struct field *f, int64_t *length, bool *listed, const char **why)
{
    int64_t told;

    if (!h1_is_token(f->name)) {
        *why = "a field whose name is not a token was dropped";
        return DROP;
    }
    if (!h1_is_field_value(f->value)) {
        *why = "control byte in a field value";
        return FAULT;
    }
    f->value = f->value.ptr ? h1_trim(f->value) : AJP_STR("");
    switch (h1_name_of(f->name)) {
    case H1_NAME_CONNECTION:
        *listed = true;
        return DROP;
    case H1_NAME_HOP:
    case H1_NAME_TRANSFER_ENCODING:
        return DROP;
    case H1_NAME_CONTENT_LENGTH:
        if (!h1_decimal(f->value, &told)) {
            *why = "malformed Content-Length";
            return FAULT;
        }
        if (*length >= 0 && *length != told) {
            *why = "two Content-Length that differ";
            return FAULT;
        }
        *length = told;
        return DROP;
    case H1_NAME_TLS:
    case H1_NAME_DATE:
    case H1_NAME_EXPECT:
    case H1_NAME_HOST:
    case H1_NAME_SERVER:
    case H1_NAME_OTHER:
        break;
    }
    return KEEP;
}

/* The names that the message's own Connection lists; beyond so many it is no use of it. */
enum { LISTED_MAX = 32 };

static unsigned list_names(ajp_fields wire, ajp_str names[LISTED_MAX])
{
    unsigned n = 0;
    ajp_field f;

    while (ajp_field_next(&wire, &f)) {
        ajp_str list = f.value;
        if (!h1_same(f.name, AJP_STR("connection")))
            continue;
        while (n < LISTED_MAX && h1_list_next(&list, &names[n]))
            n++;
    }
    return n;
}

static bool is_one_of(const ajp_str *names, unsigned n, ajp_str name)
{
    for (unsigned i = 0; i < n; i++) {
        if (h1_same(names[i], name))
            return true;
    }
    return false;
}

/* Take out what is listed. Rare: done only when there is a Connection. */
static uint16_t drop_listed(struct field *fields, uint16_t count, ajp_fields wire)
{
    ajp_str names[LISTED_MAX];
    unsigned n = list_names(wire, names);
    uint16_t kept = 0;

    for (uint16_t i = 0; i < count; i++) {
        if (!is_one_of(names, n, fields[i].name) || !h1_may_be_listed(fields[i].name))
            fields[kept++] = fields[i];
    }
    return kept;
}

static bool is_listed(ajp_fields wire, ajp_str name)
{
    ajp_str names[LISTED_MAX];

    return is_one_of(names, list_names(wire, names), name);
}

enum map_result map_ajp_to_http(const ajp_response *r, struct reply *out, const char **why)
{
    ajp_fields it = r->headers;
    int64_t length = -1;
    uint16_t count = 0;
    bool listed = false;
    ajp_field f;

    *why = NULL;
    if (r->status < 100 || r->status > 999)
        return bad(why, "status out of range");
    if (r->status == 101)
        return bad(why, "status 101: AJP cannot upgrade");
    while (ajp_field_next(&it, &f)) {
        struct field field = {f.name, f.value};
        enum verdict v = judge(&field, &length, &listed, why);
        if (v == FAULT)
            return MAP_BAD;
        if (v == DROP)
            continue;
        out->fields[count++] = field;
    }
    if (listed)
        count = drop_listed(out->fields, count, r->headers);
    out->close = listed && is_listed(r->headers, AJP_STR("close"));
    out->status = r->status;
    out->content_length = length;
    out->field_count = count;
    out->raw = r;
    return r->status < 200 ? MAP_INTERIM : MAP_OK;
}

static void copy_fields(const ajp_request *r, struct head *h)
{
    ajp_fields it = r->headers;
    bool listed = false;
    ajp_field f;

    h->field_count = 0;
    while (ajp_field_next(&it, &f)) {
        struct field field = {f.name, f.value.ptr ? f.value : AJP_STR("")};
        enum h1_name known = h1_is_token(f.name) ? h1_name_of(f.name) : H1_NAME_OTHER;

        if (known == H1_NAME_TRANSFER_ENCODING)
            h->chunked = r->content_length < 0;
        if (known == H1_NAME_EXPECT)
            h->expect_continue = h1_same(field.value, AJP_STR("100-continue"));
        listed |= known == H1_NAME_CONNECTION;
        if (known == H1_NAME_HOP || known == H1_NAME_CONNECTION || known == H1_NAME_EXPECT ||
            known == H1_NAME_TRANSFER_ENCODING)
            continue;
        h->fields[h->field_count++] = field;
    }
    if (listed)
        h->field_count = drop_listed(h->fields, h->field_count, r->headers);
}

static void copy_named(const ajp_request *r, struct head *h)
{
    ajp_attrs it = r->attrs;
    ajp_attr_view a;

    while (ajp_attr_next(&it, &a)) {
        int64_t port;
        if (a.code != AJP_ATTR_NAMED || !a.value.ptr)
            continue;
        if (h1_same(a.name, AJP_STR("AJP_LOCAL_ADDR")))
            h->local_addr = a.value;
        else if (h1_same(a.name, AJP_STR("AJP_REMOTE_PORT")) && h1_decimal(a.value, &port) &&
                 port <= UINT16_MAX)
            h->remote_port = (uint16_t)port;
    }
}

void map_fields_from_request(const ajp_request *r, struct head *h)
{
    *h = (struct head){
        .method = r->method,
        .path = r->uri,
        .query = ajp_request_attr(r, AJP_ATTR_QUERY_STRING),
        .protocol = r->protocol,
        .host = ajp_request_header(r, AJP_REQ_HOST),
        .remote_addr = r->remote_addr,
        .remote_host = r->remote_host,
        .server_name = r->server_name,
        .server_port = r->server_port,
        .is_ssl = r->is_ssl,
        .content_length = r->content_length,
        .fields = h->fields,
        .raw = r,
    };
    copy_named(r, h);
    copy_fields(r, h);
}
