/* SPDX-License-Identifier: Apache-2.0 */
/* The quirks that can be seen. The numbers are those of the interoperability notes. */
#include "quirks.h"

#include "args.h"
#include "text.h"

#include <string.h>
#include <strings.h>

enum { GROW = 4 };

static const char *const texts[QUIRKS_MAX + 1] = {
    [1] = "request body packet without its inner length (lighttpd)",
    [2] = "empty packet behind a request without a body (lighttpd)",
    [3] = "ssl_key_size as text instead of a number (lighttpd, Undertow)",
    [4] = "null header value (lighttpd)",
    [5] = "end of a body as an empty packet (mod_jk; mod_proxy_ajp sends a length of 0)",
    [6] = "body asked for when the answer had begun (nginx's module fails at it)",
    [7] = "auth_type with its last letter cut off (nginx)",
    [8] = "route taken from a request header that clients can send (nginx)",
    [9] = "response body chunk without the pad byte, or with more behind it",
    [10] = "packet to the web server with the magic of the other direction",
    [11] = "body asked for with a length of 0",
    [12] = "reuse byte other than 0 and 1",
    [13] = "status outside 100 to 599",
    [14] = "packet that a CPong was waited for in place of",
    [15] = "packets behind the end of a response",
    [16] = "a CPong that nobody asked for",
    [17] = "packet of an unknown type",
    [18] = "headers that do not match their number, or with unknown codes",
    [19] = "response without reason and headers (Undertow's errors)",
    [20] = "body without Content-Length and Transfer-Encoding (Undertow does not read it)",
    [21] = "body asked for by 8186 bytes though the server's packets are larger (Undertow)",
    [22] = "403 and the end of the connection: secret or attribute refused (Tomcat)",
    [23] = "reason is the status again (Tomcat)",
    [24] = "attribute with an unknown code",
    [26] = "server_port is not the one of the Host header (mod_proxy_ajp)",
    [27] = "route of two parts (mod_jk tries the first as a domain)",
    [28] = "body or end of a response before its headers",
    [29] = "response body of another length than announced",
    [30] = "more body sent than was asked for"};

const char *quirk_text(unsigned number)
{
    return number <= QUIRKS_MAX ? texts[number] : NULL;
}

void quirk_note(struct exchange *e, unsigned number, uint64_t frame)
{
    size_t at = e->quirk_count;
    while (at > 0 && e->quirks[at - 1].number > number)
        at--;
    if (at > 0 && e->quirks[at - 1].number == number)
        return;
    if (e->quirk_count % GROW == 0)
        e->quirks = xrealloc(e->quirks, (e->quirk_count + GROW) * sizeof *e->quirks);
    memmove(&e->quirks[at + 1], &e->quirks[at], (e->quirk_count++ - at) * sizeof *e->quirks);
    e->quirks[at] = (struct quirk){.number = number, .frame = frame};
}

static bool is_cut_off(ajp_str type)
{
    return (type.len == 4 && memcmp(type.ptr, "Basi", 4) == 0) ||
           (type.len == 5 && memcmp(type.ptr, "Diges", 5) == 0);
}

/* The port that the client asked for, by the Host header. */
static uint64_t port_of_host(const ajp_request *r)
{
    enum { HTTP_PORT = 80, HTTPS_PORT = 443 };
    ajp_str host = ajp_request_header(r, AJP_REQ_HOST);
    const char *colon = host.len > 0 ? memrchr(host.ptr, ':', host.len) : NULL;
    char digits[8];
    uint64_t port;
    if (host.len == 0)
        return r->server_port; /* nothing to compare */
    if (!colon || memchr(colon, ']', (size_t)(host.ptr + host.len - colon)))
        return r->is_ssl ? HTTPS_PORT : HTTP_PORT;
    size_t len = (size_t)(host.ptr + host.len - colon) - 1;
    if (len >= sizeof digits)
        return r->server_port;
    memcpy(digits, colon + 1, len);
    digits[len] = '\0';
    return parse_uint(digits, UINT16_MAX, &port) ? port : r->server_port;
}

static bool is_named(ajp_str s, ajp_str name)
{
    return s.len == name.len && strncasecmp(s.ptr, name.ptr, name.len) == 0;
}

void quirks_of_request(struct exchange *e, const ajp_request *r, uint64_t frame)
{
    ajp_attrs attrs = r->attrs;
    ajp_attr_view a;
    ajp_fields headers = r->headers;
    ajp_field f;
    while (ajp_attr_next(&attrs, &a)) {
        if (a.code == AJP_ATTR_SSL_KEY_SIZE && a.value.ptr)
            quirk_note(e, 3, frame);
        if (a.code == AJP_ATTR_AUTH_TYPE && a.value.ptr && is_cut_off(a.value))
            quirk_note(e, 7, frame);
    }
    while (ajp_field_next(&headers, &f)) {
        if (is_named(f.name, AJP_STR("session-route")) &&
            ajp_request_attr(r, AJP_ATTR_JVM_ROUTE).ptr)
            quirk_note(e, 8, frame);
        if (is_named(f.name, AJP_STR("transfer-encoding")))
            e->chunked = true;
    }
    if (port_of_host(r) != r->server_port)
        quirk_note(e, 26, frame);
}

void quirks_of_response(struct exchange *e, const ajp_response *r, uint64_t frame)
{
    char number[8] = {(char)('0' + r->status / 100 % 10), (char)('0' + r->status / 10 % 10),
                      (char)('0' + r->status % 10)};
    e->response_announced = r->content_length;
    if (r->reason.len == 0 && r->headers.count == 0)
        quirk_note(e, 19, frame);
    if (r->reason.len == 3 && memcmp(r->reason.ptr, number, 3) == 0)
        quirk_note(e, 23, frame);
}

void quirks_of_end(struct exchange *e, uint64_t frame)
{
    enum { FORBIDDEN = 403, NOT_MODIFIED = 304 };
    bool bodiless = (e->method && strcmp(e->method, "HEAD") == 0) || e->status == NOT_MODIFIED;
    if (!bodiless && !e->response.damaged && !e->response.gaps && e->response_announced >= 0 &&
        (uint64_t)e->response_announced != e->response.bytes)
        quirk_note(e, 29, frame);
    if (e->status == FORBIDDEN && !e->reuse)
        quirk_note(e, 22, frame);
}
