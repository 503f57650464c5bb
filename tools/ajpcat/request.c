/* SPDX-License-Identifier: Apache-2.0 */
/* Building requests from options. */
#include "request.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void request_init(struct request *r)
{
    const char *why;
    *r = (struct request){.remote_addr = "127.0.0.1", .length = -1};
    secret_load(NULL, &r->secret, &why);
}

const char *request_method(const struct request *r)
{
    if (r->method)
        return r->method;
    return r->file ? "PUT" : r->has_data ? "POST" : "GET";
}

static int add_data(struct request *r, const struct args *a, bool form)
{
    const char *from = a->value;
    if (r->has_data && form)
        text_byte(&r->data, '&');
    r->has_data = true;
    if (*from != '@') {
        text_str(&r->data, from);
        return 0;
    }
    FILE *f = strcmp(from, "@-") == 0 ? stdin : fopen(from + 1, "re");
    if (!f) {
        fprintf(stderr, "ajpcat %s: %s: %s\n", a->command, from + 1, strerror(errno));
        return EXIT_FAILED;
    }
    int c;
    while ((c = getc(f)) != EOF) {
        if (!form || (c != '\n' && c != '\r'))
            text_byte(&r->data, (char)c);
    }
    if (f != stdin)
        fclose(f);
    return 0;
}

static int add_header(struct request *r, const struct args *a)
{
    const char *colon = strchr(a->value, ':');
    if (!colon || colon == a->value)
        return args_wrong(a, "--header: expected \"NAME: VALUE\", not \"%s\"", a->value);
    if (r->header_count == REQUEST_HEADERS)
        return args_wrong(a, "--header: at most %d", REQUEST_HEADERS);
    r->headers[r->header_count++] = a->value;
    return 0;
}

static int add_attribute(struct request *r, const struct args *a)
{
    const char *equals = strchr(a->value, '=');
    if (!equals || equals == a->value)
        return args_wrong(a, "--attribute: expected NAME=VALUE, not \"%s\"", a->value);
    if (r->attribute_count == REQUEST_ATTRIBUTES)
        return args_wrong(a, "--attribute: at most %d", REQUEST_ATTRIBUTES);
    r->attributes[r->attribute_count++] = a->value;
    return 0;
}

int request_option(struct request *r, const struct args *a, enum request_option option)
{
    const char *why;
    switch (option) {
    case REQ_METHOD:
        r->method = a->value;
        return 0;
    case REQ_HEADER:
        return add_header(r, a);
    case REQ_DATA:
        return add_data(r, a, true);
    case REQ_DATA_BINARY:
        return add_data(r, a, false);
    case REQ_ATTRIBUTE:
        return add_attribute(r, a);
    case REQ_REMOTE_USER:
        r->remote_user = a->value;
        return 0;
    case REQ_AUTH_TYPE:
        r->auth_type = a->value;
        return 0;
    case REQ_REMOTE_ADDR:
        r->remote_addr = a->value;
        return 0;
    case REQ_ROUTE:
        r->route = a->value;
        return 0;
    case REQ_SSL:
        r->is_ssl = true;
        return 0;
    case REQ_SECRET_FILE:
        if (!secret_load(a->value, &r->secret, &why))
            return args_wrong(a, "--secret-file %s: %s", a->value, why);
        return 0;
    case REQ_OPTIONS: /* not an option */
        break;
    }
    return EXIT_USAGE;
}

static ajp_str str(const char *s)
{
    return s ? ajp_str_of(s, strlen(s)) : AJP_NULL;
}

/* The value of a header that the user gave, NULL if he did not. */
static const char *given_header(const struct request *r, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < r->header_count; i++) {
        if (strncasecmp(r->headers[i], name, len) == 0 && r->headers[i][len] == ':')
            return r->headers[i] + len + 1;
    }
    return NULL;
}

static void put_default(ajp_writer *w, const struct request *r, const char *name, const char *value)
{
    if (!given_header(r, name))
        ajp_write_header(w, str(name), str(value));
}

static void put_headers(ajp_writer *w, const struct request *r, const struct url *u)
{
    char host[sizeof u->host + sizeof u->port + 4], length[24];
    snprintf(host, sizeof host, strchr(u->host, ':') ? "[%s]:%s" : "%s:%s", u->host, u->port);
    put_default(w, r, "Host", host);
    put_default(w, r, "User-Agent", "ajpcat/" AJP_VERSION);
    put_default(w, r, "Accept", "*/*");
    if (r->has_data)
        put_default(w, r, "Content-Type", "application/x-www-form-urlencoded");
    if (r->length >= 0) {
        snprintf(length, sizeof length, "%" PRId64, r->length);
        put_default(w, r, "Content-Length", length);
    } else if (r->file) {
        put_default(w, r, "Transfer-Encoding", "chunked");
    }
    for (size_t i = 0; i < r->header_count; i++) {
        const char *name = r->headers[i], *value = strchr(name, ':');
        ajp_str left = ajp_str_of(name, (size_t)(value - name));
        value += 1 + strspn(value + 1, " \t");
        if (*value)
            ajp_write_header(w, left, str(value));
    }
}

static void put_attributes(ajp_writer *w, const struct request *r, ajp_str query)
{
    const struct {
        ajp_attr code;
        ajp_str value;
    } known[] = {
        {AJP_ATTR_SECRET, r->secret.len ? ajp_str_of(r->secret.at, r->secret.len) : AJP_NULL},
        {AJP_ATTR_REMOTE_USER, str(r->remote_user)},
        {AJP_ATTR_AUTH_TYPE, str(r->auth_type)},
        {AJP_ATTR_QUERY_STRING, query},
        {AJP_ATTR_JVM_ROUTE, str(r->route)}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].value.ptr)
            ajp_write_attr(w, known[i].code, known[i].value);
    }
    for (size_t i = 0; i < r->attribute_count; i++) {
        const char *name = r->attributes[i], *equals = strchr(name, '=');
        ajp_write_named(w, ajp_str_of(name, (size_t)(equals - name)), str(equals + 1));
    }
}

ajp_status request_write(const struct request *r, const struct url *u, uint8_t *out, size_t cap,
                         size_t *len)
{
    const char *question = strchr(u->path, '?');
    ajp_request_line line = {
        .method = str(request_method(r)),
        .protocol = AJP_STR("HTTP/1.1"),
        .uri = ajp_str_of(u->path, question ? (size_t)(question - u->path) : strlen(u->path)),
        .remote_addr = str(r->remote_addr),
        .server_name = str(u->host),
        .server_port = (uint16_t)strtoul(u->port, NULL, 10),
        .is_ssl = r->is_ssl};
    ajp_writer w;
    ajp_writer_init(&w, out, cap);
    ajp_write_request(&w, &line);
    put_headers(&w, r, u);
    put_attributes(&w, r, question ? str(question + 1) : AJP_NULL);
    return ajp_writer_finish(&w, len);
}

void request_free(struct request *r)
{
    text_free(&r->secret);
    text_free(&r->data);
    if (r->file && r->file != stdin)
        fclose(r->file);
}
