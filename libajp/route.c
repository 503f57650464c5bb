/* SPDX-License-Identifier: Apache-2.0 */
/* Session ids in a request, and the route in a session id. */
#include "mem.h"
#include <ajp/route.h>

enum { FROM_PATH, FROM_FIRST_HEADER, FROM_SECOND_HEADER, FROM_REST };

static bool same(ajp_str a, ajp_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool ends_param(char c)
{
    return c == ';' || c == '/' || c == '?' || c == '#';
}

ajp_str ajp_path_param(ajp_str uri, ajp_str name)
{
    if (uri.len == 0 || memchr(uri.ptr, ';', uri.len) == NULL) {
        return AJP_NULL; /* as nearly always */
    }
    for (size_t i = 0; i < uri.len && uri.ptr[i] != '?'; i++) {
        if (uri.ptr[i] != ';') {
            continue;
        }
        const size_t at = i + 1;
        if (uri.len - at <= name.len || uri.ptr[at + name.len] != '=' ||
            !same(ajp_str_of(uri.ptr + at, name.len), name)) {
            continue;
        }
        const size_t value = at + name.len + 1;
        size_t end = value;
        while (end < uri.len && !ends_param(uri.ptr[end])) {
            end++;
        }
        return ajp_str_of(uri.ptr + value, end - value);
    }
    return AJP_NULL;
}

ajp_str ajp_route_of(ajp_str session_id)
{
    const char *dot = session_id.len > 0 ? memchr(session_id.ptr, '.', session_id.len) : NULL;
    return dot != NULL ? ajp_str_of(dot + 1, session_id.len - (size_t)(dot + 1 - session_id.ptr))
                       : AJP_NULL;
}

void ajp_session_ids_init(ajp_session_ids *it, const ajp_request *r, const ajp_route_rule *rule)
{
    static const ajp_route_rule usual = {{"JSESSIONID", 10}, {"jsessionid", 10}};
    it->request = r;
    it->rule = rule != NULL ? *rule : usual;
    if (it->rule.cookie.ptr == NULL) {
        it->rule.cookie = usual.cookie;
    }
    if (it->rule.param.ptr == NULL) {
        it->rule.param = usual.param;
    }
    it->fields = r->headers;
    it->cookies = ajp_cookies_of(AJP_STR(""));
    it->phase = FROM_PATH;
}

/* The decoder knows where the first Cookie header is, and it is seldom that there are more: only
 * when that one has not got the id are the headers walked, past the first. */
static bool next_header(ajp_session_ids *it)
{
    ajp_field f;
    if (it->phase == FROM_FIRST_HEADER) {
        const ajp_str first = ajp_request_header(it->request, AJP_REQ_COOKIE);
        it->phase = FROM_SECOND_HEADER;
        if (first.ptr == NULL && it->request->known_header[AJP_REQ_COOKIE] == 0) {
            it->fields.count = 0; /* there are none at all */
            return false;
        }
        it->cookies = ajp_cookies_of(first);
        return true;
    }
    while (ajp_field_next(&it->fields, &f)) {
        const bool cookie =
            f.code != 0 ? f.code == AJP_REQ_COOKIE : ajp_req_header_code(f.name) == AJP_REQ_COOKIE;
        if (cookie && it->phase == FROM_SECOND_HEADER) {
            it->phase = FROM_REST;
        } else if (cookie) {
            it->cookies = ajp_cookies_of(f.value);
            return true;
        }
    }
    return false;
}

bool ajp_session_id_next(ajp_session_ids *it, ajp_str *id)
{
    if (it->phase == FROM_PATH) {
        const ajp_str found = ajp_path_param(it->request->uri, it->rule.param);
        it->phase = FROM_FIRST_HEADER;
        if (found.len > 0) {
            *id = found;
            return true;
        }
    }
    for (;;) {
        ajp_cookie c;
        while (ajp_cookie_next(&it->cookies, &c)) {
            if (same(c.name, it->rule.cookie) && c.value.len > 0) {
                *id = c.value;
                return true;
            }
        }
        if (!next_header(it)) {
            return false;
        }
    }
}
