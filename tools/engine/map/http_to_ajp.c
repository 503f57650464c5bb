/* SPDX-License-Identifier: Apache-2.0 */
/* A neutral request head as an AJP Forward Request. What becomes an attribute is decided here
 * and by us alone: no client field ever turns into one (RELIABILITY S-02). */
#include "map/http_to_ajp.h"

#include <string.h>

static void write_fields(ajp_writer *w, const struct head *h)
{
    for (uint16_t i = 0; i < h->field_count; i++)
        ajp_write_header(w, h->fields[i].name, h->fields[i].value);
    if (h->chunked) /* Undertow reads a body of unknown length only when told so */
        ajp_write_header(w, AJP_STR("transfer-encoding"), AJP_STR("chunked"));
    else if (map_is_bodiless(h)) /* as mod_jk; else Tomcat asks for one when a servlet reads */
        ajp_write_length(w, 0);
}

static void write_attr(ajp_writer *w, ajp_attr code, ajp_str value)
{
    if (value.ptr)
        ajp_write_attr(w, code, value);
}

static void write_named(ajp_writer *w, const struct ajp_extra *x, ajp_str name, ajp_str value)
{
    if (x->front || x->back)
        name = attribute_at_worker(x->front, x->back, name);
    if (value.ptr && name.ptr)
        ajp_write_named(w, name, value);
}

static void write_tls(ajp_writer *w, const struct ajp_extra *x, const struct tls_facts *t)
{
    write_attr(w, AJP_ATTR_SSL_CERT, t->client_cert_pem);
    write_attr(w, AJP_ATTR_SSL_CIPHER, t->cipher);
    write_attr(w, AJP_ATTR_SSL_SESSION, t->session_id);
    if (t->key_size > 0)
        ajp_write_key_size(w, t->key_size);
    write_named(w, x, AJP_STR("AJP_SSL_PROTOCOL"), t->protocol);
}

static void write_remote_port(ajp_writer *w, const struct ajp_extra *x, uint16_t port)
{
    char digits[5];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + port % 10);
        port /= 10;
    } while (port > 0);
    write_named(w, x, AJP_STR("AJP_REMOTE_PORT"), ajp_str_of(digits + at, sizeof digits - at));
}

static ajp_str largest_field(const struct head *h)
{
    ajp_str name = AJP_NULL;
    size_t size = 0;

    for (uint16_t i = 0; i < h->field_count; i++) {
        const struct field *f = &h->fields[i];
        if (f->name.len + f->value.len > size) {
            size = f->name.len + f->value.len;
            name = f->name;
        }
    }
    return name;
}

ajp_status map_http_to_ajp(const struct head *h, const struct ajp_extra *x, uint8_t *out,
                           size_t cap, size_t *len, ajp_str *largest)
{
    ajp_request_line line = {
        .method = h->method,
        .protocol = h->protocol,
        .uri = h->path,
        .remote_addr = h->remote_addr,
        .remote_host = h->remote_host,
        .server_name = h->server_name,
        .server_port = h->server_port,
        .is_ssl = h->is_ssl,
    };
    ajp_writer w;
    ajp_status st;

    ajp_writer_init(&w, out, cap);
    ajp_write_request(&w, &line);
    write_fields(&w, h);
    write_attr(&w, AJP_ATTR_QUERY_STRING, h->query);
    write_attr(&w, AJP_ATTR_JVM_ROUTE, x->route);
    if (h->is_ssl && h->tls)
        write_tls(&w, x, h->tls);
    write_attr(&w, AJP_ATTR_SECRET, x->secret);
    if (h->remote_port > 0)
        write_remote_port(&w, x, h->remote_port);
    write_named(&w, x, AJP_STR("AJP_LOCAL_ADDR"), h->local_addr);
    write_named(&w, x, AJP_STR("JK_LB_ACTIVATION"), x->activation);
    attributes_add(&w, x->front, x->back);
    st = ajp_writer_finish(&w, len);
    if (st == AJP_ERR_SPACE)
        *largest = largest_field(h);
    return st;
}
