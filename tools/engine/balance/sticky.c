/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the session ids of a request, whichever protocol its head came in by. */
#include "balance/sticky.h"

#include <string.h>
#include <strings.h>

enum { ROUTE_MAX = 64 };

enum phase { PHASE_QUERY, PHASE_PATH, PHASE_FIELDS, PHASE_COOKIES, PHASE_RAW, PHASE_END };

static bool is_cookie(ajp_str name)
{
    return name.len == 6 && (name.ptr[0] | 0x20) == 'c' && strncasecmp(name.ptr, "cookie", 6) == 0;
}

static bool is_route_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static bool next_cookie(struct sticky_ids *it, ajp_str *session_id)
{
    struct ajp_cookie cookie;
    while (ajp_cookie_next(&it->cookies, &cookie)) {
        ajp_str wanted = it->session->cookie;
        /* Cookie names are case-sensitive. */
        if (cookie.name.len == wanted.len && memcmp(cookie.name.ptr, wanted.ptr, wanted.len) == 0 &&
            cookie.value.len > 0) {
            *session_id = cookie.value;
            return true;
        }
    }
    return false;
}

void sticky_ids_init(struct sticky_ids *it, const struct head *head,
                     const struct session_settings *session)
{
    memset(it, 0, sizeof *it);
    it->head = head;
    it->session = session;
    it->phase = PHASE_QUERY;
}

/* After the query parameter; an AJP request is walked by the library. */
static void leave_query(struct sticky_ids *it)
{
    it->phase = PHASE_PATH;
    if (it->head->raw) {
        struct ajp_route_rule rule = {.cookie = it->session->cookie, .param = it->session->param};
        ajp_session_ids_init(&it->raw, it->head->raw, &rule);
        it->phase = PHASE_RAW;
    }
}

static ajp_str query_of(const struct head *head)
{
    if (!head->query.ptr && head->raw)
        return ajp_request_attr(head->raw, AJP_ATTR_QUERY_STRING);
    return head->query;
}

/* The value of "name=value" among what '&' separates; null: none. */
static ajp_str query_param(ajp_str query, ajp_str name)
{
    const char *p = query.ptr, *end = p ? p + query.len : NULL;
    while (p && p < end) {
        const char *next = memchr(p, '&', (size_t)(end - p));
        size_t len = (size_t)((next ? next : end) - p);
        if (len > name.len && p[name.len] == '=' && memcmp(p, name.ptr, name.len) == 0)
            return ajp_str_of(p + name.len + 1, len - name.len - 1);
        p = next ? next + 1 : NULL;
    }
    return AJP_NULL;
}

bool sticky_ids_next(struct sticky_ids *it, ajp_str *session_id)
{
    if (it->phase == PHASE_QUERY) {
        leave_query(it);
        ajp_str id = AJP_NULL;
        if (it->session->query.ptr)
            id = query_param(query_of(it->head), it->session->query);
        if (id.len > 0) {
            *session_id = id;
            return true;
        }
    }
    if (it->phase == PHASE_RAW) {
        while (ajp_session_id_next(&it->raw, session_id))
            if (session_id->len > 0)
                return true;
        it->phase = PHASE_END;
    }
    if (it->phase == PHASE_PATH) {
        it->phase = PHASE_FIELDS;
        ajp_str id = ajp_path_param(it->head->path, it->session->param);
        if (id.len > 0) {
            *session_id = id;
            return true;
        }
    }
    while (it->phase == PHASE_FIELDS || it->phase == PHASE_COOKIES) {
        if (it->phase == PHASE_COOKIES && next_cookie(it, session_id))
            return true;
        it->phase = PHASE_FIELDS;
        if (it->field >= it->head->field_count) {
            it->phase = PHASE_END;
            break;
        }
        const struct field *field = &it->head->fields[it->field++];
        if (is_cookie(field->name)) {
            it->cookies = ajp_cookies_of(field->value);
            it->phase = PHASE_COOKIES;
        }
    }
    return false;
}

ajp_str sticky_route_of(ajp_str session_id, char separator)
{
    const char *mark = session_id.len ? memchr(session_id.ptr, separator, session_id.len) : NULL;
    if (!mark)
        return AJP_NULL;
    ajp_str route = ajp_str_of(mark + 1, session_id.len - (size_t)(mark - session_id.ptr) - 1);
    if (route.len == 0 || route.len > ROUTE_MAX)
        return AJP_NULL;
    for (size_t i = 0; i < route.len; i++)
        if (!is_route_byte(route.ptr[i]))
            return AJP_NULL;
    return route;
}

static bool matches(ajp_str pattern, ajp_str path)
{
    bool suffix = pattern.ptr[0] == '*', prefix = pattern.ptr[pattern.len - 1] == '*';
    size_t len = pattern.len - (suffix || prefix);
    if (path.len < len || (!suffix && !prefix && path.len != len))
        return false;
    if (suffix)
        return memcmp(path.ptr + path.len - len, pattern.ptr + 1, len) == 0;
    return memcmp(path.ptr, pattern.ptr, len) == 0;
}

bool sticky_is_stateless(const struct session_settings *session, ajp_str path)
{
    const char *semicolon = path.len ? memchr(path.ptr, ';', path.len) : NULL;
    if (semicolon)
        path.len = (size_t)(semicolon - path.ptr);
    for (size_t i = 0; i < session->stateless.count; i++)
        if (matches(session->stateless.at[i], path))
            return true;
    return false;
}

bool sticky_find(struct balancer *balancer, const struct head *head, struct pick *pick)
{
    const struct session_settings *session = &balancer->settings->session;
    struct sticky_ids it;
    ajp_str id;
    bool any = false;
    pick->route = AJP_NULL;
    pick->session_id = AJP_NULL;
    if (session->stateless.count > 0 && sticky_is_stateless(session, head->path))
        return false;
    sticky_ids_init(&it, head, session);
    while (sticky_ids_next(&it, &id)) {
        ajp_str route = sticky_route_of(id, session->separator);
        bool known = route.len > 0 && balancer_find(balancer, route);
        if (!any || known || (route.len > 0 && pick->route.len == 0)) {
            pick->session_id = id;
            pick->route = route;
        }
        any = true;
        if (known)
            break;
    }
    return any;
}
