/* SPDX-License-Identifier: Apache-2.0 */
/* One message as a tree of its fields. */
#include "term.h"
#include "view.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct tree {
    struct text *out;
    bool colour, show_secrets;
};

static const char field_mark[] = "        ", header_mark[] = "        : ",
                  attribute_mark[] = "        @ ";

static bool is_one_of(ajp_str name, const char *const *names)
{
    for (; *names; names++) {
        if (name.len == strlen(*names) && strncasecmp(name.ptr, *names, name.len) == 0)
            return true;
    }
    return false;
}

bool view_is_secret(ajp_str name)
{
    static const char *const names[] = {
        "cookie",           "cookie2",      "set-cookie",          "set-cookie2", "authorization",
        "www-authenticate", "x-auth-token", "proxy-authorization", NULL};
    return is_one_of(name, names);
}

static void put_field(struct tree *t, const char *mark, ajp_str name, ajp_str value, bool secret)
{
    text_str(t->out, mark);
    term_colour(t->out, t->colour, TERM_CYAN);
    term_put(t->out, name);
    term_colour(t->out, t->colour, TERM_PLAIN);
    text_str(t->out, ": ");
    if (!value.ptr)
        text_str(t->out, "(null)");
    else if (secret && !t->show_secrets)
        text_fmt(t->out, "(%zu bytes, hidden)", value.len);
    else
        term_put(t->out, value);
    text_byte(t->out, '\n');
}

static void put_headers(struct tree *t, ajp_fields fields)
{
    ajp_field f;
    while (ajp_field_next(&fields, &f))
        put_field(t, header_mark, f.name, f.value, view_is_secret(f.name));
}

static void put_attributes(struct tree *t, ajp_attrs attrs)
{
    ajp_attr_view a;
    while (ajp_attr_next(&attrs, &a)) {
        char number[8];
        ajp_str value = a.value;
        if (a.code == AJP_ATTR_SSL_KEY_SIZE && !value.ptr)
            value = ajp_str_of(number, (size_t)snprintf(number, sizeof number, "%u", a.number));
        put_field(t, attribute_mark, a.code == AJP_ATTR_NAMED ? a.name : ajp_attr_name(a.code),
                  value, a.code == AJP_ATTR_SECRET || a.code == AJP_ATTR_SSL_SESSION);
    }
}

static void put_request(struct tree *t, const ajp_request *r)
{
    char number[8];
    put_field(t, field_mark, AJP_STR("method"), r->method, false);
    put_field(t, field_mark, AJP_STR("uri"), r->uri, false);
    put_field(t, field_mark, AJP_STR("protocol"), r->protocol, false);
    put_field(t, field_mark, AJP_STR("remote_addr"), r->remote_addr, false);
    put_field(t, field_mark, AJP_STR("remote_host"), r->remote_host, false);
    put_field(t, field_mark, AJP_STR("server_name"), r->server_name, false);
    put_field(t, field_mark, AJP_STR("server_port"),
              ajp_str_of(number, (size_t)snprintf(number, sizeof number, "%u", r->server_port)),
              false);
    put_field(t, field_mark, AJP_STR("is_ssl"), r->is_ssl ? AJP_STR("yes") : AJP_STR("no"), false);
    put_headers(t, r->headers);
    put_attributes(t, r->attrs);
}

/* Printf is a large part of this view's time. */
static void put_ms(struct text *out, uint64_t from_ns, uint64_t to_ns)
{
    enum { NS_PER_US = 1000, US_PER_MS = 1000 };
    uint64_t ns = to_ns >= from_ns ? to_ns - from_ns : from_ns - to_ns;
    uint64_t us = (ns + NS_PER_US / 2) / NS_PER_US;
    text_byte(out, to_ns >= from_ns ? '+' : '-');
    text_uint(out, us / US_PER_MS, 0, ' ');
    text_byte(out, '.');
    text_uint(out, us % US_PER_MS, 3, '0');
    text_str(out, " ms");
}

void view_message_head(struct text *out, bool colour, const struct packet *p, const ajp_message *m,
                       uint64_t start_ns)
{
    text_str(out, p->from_client ? "    > " : "    < ");
    term_colour(out, colour, TERM_BOLD);
    if (m)
        term_put(out, ajp_kind_name(m->kind));
    else
        text_str(out, "(not understood)");
    term_colour(out, colour, TERM_PLAIN);
    text_byte(out, ' ');
    text_uint(out, p->len, 0, ' ');
    text_str(out, " bytes, ");
    put_ms(out, start_ns, p->first_ns);
    if (p->first_frame == 0) /* not from a capture */
        return;
    text_str(out, ", frame ");
    text_uint(out, p->first_frame, 0, ' ');
    text_str(out, ", offset ");
    text_uint(out, p->offset, 0, ' ');
}

static void put_size(struct text *out, size_t bytes, const char *none)
{
    if (bytes == 0) {
        text_str(out, none);
        return;
    }
    text_str(out, ": ");
    text_uint(out, bytes, 0, ' ');
    text_str(out, " bytes of body\n");
}

void view_message(struct text *out, bool colour, bool show_secrets, const struct packet *p,
                  const ajp_message *m, uint64_t start_ns)
{
    struct tree t = {.out = out, .colour = colour, .show_secrets = show_secrets};
    view_message_head(out, colour, p, m, start_ns);
    if (!m) {
        text_byte(out, '\n');
        return;
    }
    switch (m->kind) {
    case AJP_FORWARD_REQUEST:
        text_byte(out, '\n');
        put_request(&t, &m->u.request);
        break;
    case AJP_SEND_HEADERS:
        text_fmt(out, ": %u ", m->u.response.status);
        term_put(out, m->u.response.reason);
        text_byte(out, '\n');
        put_headers(&t, m->u.response.headers);
        break;
    case AJP_DATA:
        put_size(out, m->u.body.packet, ": end of body\n");
        break;
    case AJP_BODY_CHUNK:
        put_size(out, m->u.body.packet, ": flush\n");
        break;
    case AJP_GET_BODY:
        text_str(out, ": up to ");
        text_uint(out, m->u.wanted, 0, ' ');
        text_str(out, " bytes\n");
        break;
    case AJP_END_RESPONSE:
        text_str(out, m->u.reuse ? ": keep the connection\n" : ": close the connection\n");
        break;
    default: /* nothing in it */
        text_byte(out, '\n');
    }
}
