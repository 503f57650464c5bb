/* SPDX-License-Identifier: Apache-2.0 */
/* The quirks that can be seen. The numbers are those of the interoperability notes. */
#include "quirks.h"

#include <string.h>

static const char *const texts[QUIRKS_MAX + 1] = {
    [1] = "request body packet without its inner length (lighttpd)",
    [2] = "empty packet behind a request without a body (lighttpd)",
    [3] = "ssl_key_size as text instead of a number (lighttpd, Undertow)",
    [4] = "null header value (lighttpd)",
    [7] = "auth_type with its last letter cut off (nginx)",
    [9] = "response body chunk without the pad byte, or with more behind it",
    [10] = "packet to the web server with the magic of the other direction",
    [11] = "body asked for with a length of 0",
    [12] = "reuse byte other than 0 and 1",
    [13] = "status outside 100 to 599",
    [15] = "packets behind the end of a response",
    [16] = "a CPong that nobody asked for",
    [17] = "packet of an unknown type",
    [19] = "response without reason and headers (Undertow's errors)",
    [23] = "reason is the status again (Tomcat)",
    [28] = "body or end of a response before its headers",
    [29] = "response body of another length than announced"};

const char *quirk_text(unsigned number)
{
    return number <= QUIRKS_MAX ? texts[number] : NULL;
}

void quirk_note(struct exchange *e, unsigned number)
{
    e->quirks |= 1u << number;
}

static bool is_cut_off(ajp_str type)
{
    return (type.len == 4 && memcmp(type.ptr, "Basi", 4) == 0) ||
           (type.len == 5 && memcmp(type.ptr, "Diges", 5) == 0);
}

void quirks_of_request(struct exchange *e, const ajp_request *r)
{
    ajp_attrs attrs = r->attrs;
    ajp_attr_view a;
    while (ajp_attr_next(&attrs, &a)) {
        if (a.code == AJP_ATTR_SSL_KEY_SIZE && a.value.ptr)
            quirk_note(e, 3);
        if (a.code == AJP_ATTR_AUTH_TYPE && a.value.ptr && is_cut_off(a.value))
            quirk_note(e, 7);
    }
}

void quirks_of_response(struct exchange *e, const ajp_response *r)
{
    char number[8] = {(char)('0' + r->status / 100 % 10), (char)('0' + r->status / 10 % 10),
                      (char)('0' + r->status % 10)};
    e->response_announced = r->content_length;
    if (r->status < 100 || r->status > 599)
        quirk_note(e, 13);
    if (r->reason.len == 0 && r->headers.count == 0)
        quirk_note(e, 19);
    if (r->reason.len == 3 && memcmp(r->reason.ptr, number, 3) == 0)
        quirk_note(e, 23);
}

void quirks_of_end(struct exchange *e)
{
    bool bodiless = (e->method && strcmp(e->method, "HEAD") == 0) || e->status == 304;
    if (!bodiless && !e->response.damaged && !e->response.gaps && e->response_announced >= 0 &&
        (uint64_t)e->response_announced != e->response.bytes)
        quirk_note(e, 29);
}
