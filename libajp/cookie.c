/* SPDX-License-Identifier: Apache-2.0 */
/* Cookie headers, one pair at a time. */
#include "mem.h"
#include <ajp/route.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static ajp_str trim(const char *p, const char *end)
{
    while (p < end && is_blank(*p)) {
        p++;
    }
    while (end > p && is_blank(end[-1])) {
        end--;
    }
    return ajp_str_of(p, (size_t)(end - p));
}

static ajp_str unquote(ajp_str s)
{
    if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"') {
        return ajp_str_of(s.ptr + 1, s.len - 2);
    }
    return s;
}

static const char *find(const char *p, const char *end, char c)
{
    const char *at = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;
    return at != NULL ? at : end;
}

ajp_cookies ajp_cookies_of(ajp_str header)
{
    ajp_cookies it;
    it.p = header.ptr;
    it.end = header.len > 0 ? header.ptr + header.len : header.ptr;
    return it;
}

bool ajp_cookie_next(ajp_cookies *it, ajp_cookie *out)
{
    while (it->p < it->end) {
        const char *pair = it->p;
        const char *end = find(pair, it->end, ';');
        const char *equals = find(pair, end, '=');
        it->p = end < it->end ? end + 1 : end;
        if (equals < end) {
            out->name = trim(pair, equals);
            out->value = unquote(trim(equals + 1, end));
            if (out->name.len > 0) {
                return true;
            }
        }
    }
    return false;
}
