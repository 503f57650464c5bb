/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the session ids of a request, whichever protocol its head came in by. */
#include "balance/sticky.h"

#include "balance/rendezvous.h"
#include "balance/sessions.h"
#include "http/uri.h"

#include <string.h>
#include <strings.h>

enum { ROUTE_MAX = 64 };

static const struct source_list usual_order = {{SOURCE_QUERY, SOURCE_PATH, SOURCE_COOKIE}, 3};

static bool is_cookie(ajp_str name)
{
    return name.len == 6 && (name.ptr[0] | 0x20) == 'c' && strncasecmp(name.ptr, "cookie", 6) == 0;
}

static bool is_set_cookie(const ajp_field *field)
{
    if (field->code != 0)
        return field->code == AJP_RES_SET_COOKIE || field->code == AJP_RES_SET_COOKIE2;
    return field->name.len == 10 && strncasecmp(field->name.ptr, "set-cookie", 10) == 0;
}

static bool is_route_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static bool is_named(ajp_str name, ajp_str wanted)
{
    return name.len == wanted.len && memcmp(name.ptr, wanted.ptr, wanted.len) == 0;
}

/* Cookie names are case-sensitive. */
static bool holds_session(const struct session_settings *session, ajp_str name)
{
    if (is_named(name, session->cookie))
        return true;
    for (size_t i = 0; i < session->more_cookies.count; i++)
        if (is_named(name, session->more_cookies.at[i]))
            return true;
    return false;
}

void sticky_ids_init(struct sticky_ids *it, const struct head *head,
                     const struct session_settings *session)
{
    memset(it, 0, sizeof *it);
    it->head = head;
    it->session = session;
    it->order = session->order.count ? &session->order : &usual_order;
    it->cookies = ajp_cookies_of(AJP_STR(""));
}

/* Of a packet: the decoder knows where the first Cookie header is, and it is seldom that there are
 * more; only when that one has not got the id are the headers walked, past the first. */
static bool next_header_of_packet(struct sticky_ids *it)
{
    const ajp_request *raw = it->head->raw;
    ajp_field field;
    if (it->headers == 0) {
        ajp_str first = ajp_request_header(raw, AJP_REQ_COOKIE);
        if (!first.ptr && raw->known_header[AJP_REQ_COOKIE] == 0)
            return false;
        it->cookies = ajp_cookies_of(first);
        it->fields = raw->headers;
        it->headers = 1;
        return true;
    }
    while (ajp_field_next(&it->fields, &field)) {
        if (field.code ? field.code != AJP_REQ_COOKIE : !is_cookie(field.name))
            continue;
        if (it->headers++ == 1)
            continue;
        it->cookies = ajp_cookies_of(field.value);
        return true;
    }
    return false;
}

static bool next_header(struct sticky_ids *it)
{
    if (it->head->raw)
        return next_header_of_packet(it);
    while (it->headers < it->head->field_count) {
        const struct field *field = &it->head->fields[it->headers++];
        if (is_cookie(field->name)) {
            it->cookies = ajp_cookies_of(field->value);
            return true;
        }
    }
    return false;
}

static ajp_str next_cookie(struct sticky_ids *it)
{
    struct ajp_cookie cookie;
    do
        while (ajp_cookie_next(&it->cookies, &cookie))
            if (cookie.value.len > 0 && holds_session(it->session, cookie.name))
                return cookie.value;
    while (next_header(it));
    return AJP_NULL;
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

/* null: there are no more in the source that the walk is at. */
static ajp_str next_of_source(struct sticky_ids *it)
{
    const struct session_settings *session = it->session;
    bool first = !it->asked;
    it->asked = true;
    switch ((enum session_source)it->order->at[it->source]) {
    case SOURCE_QUERY:
        return first && session->query.ptr ? query_param(query_of(it->head), session->query)
                                           : AJP_NULL;
    case SOURCE_PATH:
        return first ? ajp_path_param(it->head->path, session->param) : AJP_NULL;
    case SOURCE_COOKIE:
        return next_cookie(it);
    case SOURCE_COUNT:
        break;
    }
    return AJP_NULL;
}

bool sticky_ids_next(struct sticky_ids *it, ajp_str *session_id)
{
    for (; it->source < it->order->count; it->source++, it->asked = false) {
        ajp_str id = next_of_source(it);
        if (id.len > 0) {
            *session_id = id;
            return true;
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
    char normal[AJP_PACKET_MAX]; /* no path is longer than the packet or the line it came in */
    ajp_str plain = {normal, 0};
    if (path.len > sizeof normal ||
        uri_normalise(path, (struct uri_reading){URI_SLASHES_KEPT, true}, normal, sizeof normal,
                      &plain.len) != URI_OK)
        return false;
    for (size_t i = 0; i < session->stateless.count; i++)
        if (matches(session->stateless.at[i], plain))
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
    pick->own = NULL;
    if (session->stateless.count > 0 && sticky_is_stateless(session, head->path))
        return false;
    sticky_ids_init(&it, head, session);
    while (sticky_ids_next(&it, &id)) {
        ajp_str route = sticky_route_of(id, session->separator);
        struct worker *own = route.len > 0 ? balancer_own(balancer, pick, route) : NULL;
        bool known = own != NULL;
        if (!any || known || (route.len > 0 && pick->route.len == 0)) {
            pick->session_id = id;
            pick->route = route;
            pick->own = own;
        }
        any = true;
        if (known)
            break;
    }
    return any;
}

/* An app whose session cookie has another name than we look for begins anew at each request, and
 * nobody knows why: its ids end in a worker's name all the same. Told once for each name. */
static void warn_of_cookie(struct balancer *balancer, const struct ajp_cookie *cookie)
{
    const struct session_settings *session = &balancer->settings->session;
    struct worker *worker =
        balancer_find(balancer, sticky_route_of(cookie->value, session->separator));
    if (!worker || !session->sticky)
        return;
    uint64_t hash = rendezvous_hash(cookie->name) | 1;
    for (size_t i = 0; i < COOKIES_WARNED; i++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&balancer->warned_cookies[i], &there, hash)) {
            char shown[80];
            log_event(
                LEVEL_WARN, "unknown_session_cookie",
                "cookie=\"%s\" worker=%s advice=\"its values end in the name of a worker, and it "
                "is no session cookie here: if it is one, add it to session.more_cookies\"",
                log_str(shown, sizeof shown, cookie->name), worker->settings->name.ptr);
            return;
        }
        if (there == hash)
            return;
    }
}

void sticky_begun(struct balancer *balancer, struct worker *worker, const ajp_response *reply,
                  uint64_t now_ms)
{
    const struct session_settings *session = &balancer->settings->session;
    ajp_fields fields = reply->headers;
    ajp_field field;
    while (ajp_field_next(&fields, &field)) {
        if (!is_set_cookie(&field))
            continue;
        struct ajp_cookies cookies = ajp_cookies_of(field.value);
        struct ajp_cookie cookie; /* the first; what follows are its attributes */
        if (!ajp_cookie_next(&cookies, &cookie))
            continue;
        if (!holds_session(session, cookie.name)) {
            warn_of_cookie(balancer, &cookie);
            continue;
        }
        struct worker *own =
            balancer_find(balancer, sticky_route_of(cookie.value, session->separator));
        size_t len = 0;
        while (len < cookie.value.len && cookie.value.ptr[len] != session->separator)
            len++;
        sessions_seen((own ? own : worker)->sessions, ajp_str_of(cookie.value.ptr, len), now_ms);
    }
}
