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
    if (r->boundary[0])
        return args_wrong(a, "expected either --data or --form");
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

static int add_part(struct request *r, const struct args *a)
{
    const char *why;
    if (r->has_data && !r->boundary[0])
        return args_wrong(a, "expected either --data or --form");
    if (!r->boundary[0])
        multipart_boundary(r->boundary);
    r->has_data = true;
    if (!multipart_add(&r->data, r->boundary, a->value, &why))
        return args_wrong(a, "--form %s: %s", a->value, why);
    return 0;
}

void request_body_end(struct request *r)
{
    if (r->boundary[0])
        multipart_end(&r->data, r->boundary);
    if (r->has_data)
        r->length = (int64_t)r->data.len;
}

static int keep_header(struct request *r, const struct args *a, const char *header)
{
    if (r->header_count == REQUEST_HEADERS)
        return args_wrong(a, "at most %d headers", REQUEST_HEADERS);
    r->headers[r->header_count++] = header;
    return 0;
}

/* Up to the colon, or to the ";" that stands for an empty value as it does for curl. */
static size_t name_length(const char *header)
{
    return strcspn(header, ":;");
}

static int add_header(struct request *r, const struct args *a)
{
    size_t name = name_length(a->value);
    bool is_empty = a->value[name] == ';' && a->value[name + 1] == '\0';
    if (name == 0 || (a->value[name] != ':' && !is_empty))
        return args_wrong(a, "--header: expected \"NAME: VALUE\", not \"%s\"", a->value);
    return keep_header(r, a, a->value);
}

static int make_header(struct request *r, const struct args *a, const char *name, const char *value)
{
    struct text t = {0};
    text_fmt(&t, "%s: %s", name, value);
    int code = keep_header(r, a, t.at);
    if (code == 0)
        r->made[r->made_count++] = t.at;
    else
        text_free(&t);
    return code;
}

static void put_base64(struct text *out, const char *s, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)s[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            text_byte(out, k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
}

static int add_user(struct request *r, const struct args *a)
{
    struct text t = {0};
    text_str(&t, "Basic ");
    put_base64(&t, a->value, strlen(a->value));
    int code = make_header(r, a, "Authorization", t.at);
    text_free(&t);
    return code;
}

/* The first certificate of a PEM file, as web servers hand it on. */
static int add_certificate(struct request *r, const struct args *a)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
    char line[256];
    bool inside = false, ended = false;
    FILE *f = fopen(a->value, "re");
    if (!f) {
        fprintf(stderr, "ajpcat %s: %s: %s\n", a->command, a->value, strerror(errno));
        return EXIT_FAILED;
    }
    while (!ended && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = '\0';
        inside |= strcmp(line, begin) == 0;
        ended = inside && strcmp(line, end) == 0;
        if (inside)
            text_fmt(&r->certificate, "%s\n", line);
    }
    fclose(f);
    r->is_ssl = true;
    return ended ? 0 : args_wrong(a, "--cert %s: expected a certificate in PEM", a->value);
}

static int set_key_size(struct request *r, const struct args *a)
{
    uint64_t bits;
    if (!args_uint(a, 1, UINT16_MAX, &bits))
        return EXIT_USAGE;
    r->ssl_key_size = (uint16_t)bits;
    r->is_ssl = true;
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

/* What the web server knows of the client. */
static int set_client_fact(struct request *r, const struct args *a, enum request_option option)
{
    switch (option) {
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
    case REQ_SSL_CIPHER:
        r->ssl_cipher = a->value;
        break;
    case REQ_SSL_SESSION:
        r->ssl_session = a->value;
        break;
    default: /* --ssl alone */
        break;
    }
    r->is_ssl = true;
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
    case REQ_FORM:
        return add_part(r, a);
    case REQ_COOKIE:
        return make_header(r, a, "Cookie", a->value);
    case REQ_USER_AGENT:
        return make_header(r, a, "User-Agent", a->value);
    case REQ_REFERER:
        return make_header(r, a, "Referer", a->value);
    case REQ_USER:
        return add_user(r, a);
    case REQ_ATTRIBUTE:
        return add_attribute(r, a);
    case REQ_REMOTE_USER:
    case REQ_AUTH_TYPE:
    case REQ_REMOTE_ADDR:
    case REQ_ROUTE:
    case REQ_SSL:
    case REQ_SSL_CIPHER:
    case REQ_SSL_SESSION:
        return set_client_fact(r, a, option);
    case REQ_SSL_KEY_SIZE:
        return set_key_size(r, a);
    case REQ_CERT:
        return add_certificate(r, a);
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

/* Whether the user gave this header; with_value: and did not only drop the default one. */
static bool is_given(const struct request *r, const char *name, bool with_value)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < r->header_count; i++) {
        const char *h = r->headers[i];
        if (name_length(h) == len && strncasecmp(h, name, len) == 0)
            return !with_value || h[len + 1 + strspn(h + len + 1, " \t")];
    }
    return false;
}

static void put_default(ajp_writer *w, const struct request *r, const char *name, const char *value)
{
    if (!is_given(r, name, false))
        ajp_write_header(w, str(name), str(value));
}

static void put_headers(ajp_writer *w, const struct request *r, const struct url *u)
{
    char host[sizeof u->host + sizeof u->port + 4], length[24];
    snprintf(host, sizeof host, strchr(u->host, ':') ? "[%s]:%s" : "%s:%s", u->host, u->port);
    put_default(w, r, "Host", host);
    put_default(w, r, "User-Agent", "ajpcat/" AJP_VERSION);
    put_default(w, r, "Accept", "*/*");
    if (r->boundary[0]) {
        char type[64 + MULTIPART_BOUNDARY];
        snprintf(type, sizeof type, "multipart/form-data; boundary=%s", r->boundary);
        put_default(w, r, "Content-Type", type);
    } else if (r->has_data) {
        put_default(w, r, "Content-Type", "application/x-www-form-urlencoded");
    }
    if (r->length >= 0 && !is_given(r, "Transfer-Encoding", true)) {
        snprintf(length, sizeof length, "%" PRId64, r->length);
        put_default(w, r, "Content-Length", length);
    } else if (r->file) {
        put_default(w, r, "Transfer-Encoding", "chunked");
    }
    for (size_t i = 0; i < r->header_count; i++) {
        const char *name = r->headers[i], *value = name + name_length(name);
        ajp_str left = ajp_str_of(name, (size_t)(value - name));
        bool is_empty = *value == ';';
        value += 1 + strspn(value + 1, " \t");
        if (*value || is_empty)
            ajp_write_header(w, left, str(value));
    }
}

/* The attributes with a code that no option sends. 0: not one of them. */
static ajp_attr own_attribute(ajp_str name)
{
    static const ajp_attr codes[] = {AJP_ATTR_CONTEXT, AJP_ATTR_SERVLET_PATH};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ajp_str own = ajp_attr_name(codes[i]);
        if (own.len == name.len && memcmp(own.ptr, name.ptr, own.len) == 0)
            return codes[i];
    }
    return (ajp_attr)0;
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
        {AJP_ATTR_JVM_ROUTE, str(r->route)},
        {AJP_ATTR_SSL_CERT,
         r->certificate.len ? ajp_str_of(r->certificate.at, r->certificate.len) : AJP_NULL},
        {AJP_ATTR_SSL_CIPHER, str(r->ssl_cipher)},
        {AJP_ATTR_SSL_SESSION, str(r->ssl_session)}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].value.ptr)
            ajp_write_attr(w, known[i].code, known[i].value);
    }
    if (r->ssl_key_size)
        ajp_write_key_size(w, r->ssl_key_size);
    for (size_t i = 0; i < r->attribute_count; i++) {
        const char *name = r->attributes[i], *equals = strchr(name, '=');
        ajp_str left = ajp_str_of(name, (size_t)(equals - name));
        ajp_attr code = own_attribute(left);
        if (code)
            ajp_write_attr(w, code, str(equals + 1));
        else
            ajp_write_named(w, left, str(equals + 1));
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
    text_free(&r->certificate);
    for (size_t i = 0; i < r->made_count; i++)
        free(r->made[i]);
    if (r->file && r->file != stdin)
        fclose(r->file);
}
