/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the session ids of a request, whichever protocol its head came in by. */
#include "balance/sticky.h"

#include <string.h>
#include <strings.h>

enum { ROUTE_MAX = 64 };

enum phase { PHASE_PATH, PHASE_FIELDS, PHASE_COOKIES, PHASE_RAW, PHASE_END };

static bool same_name(ajp_str a, ajp_str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
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
    it->phase = PHASE_PATH;
    if (head->raw) {
        struct ajp_route_rule rule = {.cookie = session->cookie, .param = session->param};
        ajp_session_ids_init(&it->raw, head->raw, &rule);
        it->phase = PHASE_RAW;
    }
}

bool sticky_ids_next(struct sticky_ids *it, ajp_str *session_id)
{
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
        if (same_name(field->name, AJP_STR("cookie"))) {
            it->cookies = ajp_cookies_of(field->value);
            it->phase = PHASE_COOKIES;
        }
    }
    return false;
}

ajp_str sticky_route_of(ajp_str session_id)
{
    ajp_str route = ajp_route_of(session_id);
    if (route.len == 0 || route.len > ROUTE_MAX)
        return AJP_NULL;
    for (size_t i = 0; i < route.len; i++)
        if (!is_route_byte(route.ptr[i]))
            return AJP_NULL;
    return route;
}

bool sticky_find(struct balancer *balancer, const struct head *head, struct pick *pick)
{
    struct sticky_ids it;
    ajp_str id;
    bool any = false;
    pick->route = AJP_NULL;
    pick->session_id = AJP_NULL;
    sticky_ids_init(&it, head, &balancer->settings->session);
    while (sticky_ids_next(&it, &id)) {
        ajp_str route = sticky_route_of(id);
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
