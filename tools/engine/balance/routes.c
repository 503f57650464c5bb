/* SPDX-License-Identifier: Apache-2.0 */
/* Compares with patterns that are sorted already. What is forwarded stays as it came. */
#include "balance/routes.h"

#include "http/uri.h"

#include <string.h>

static bool begins(ajp_str text, ajp_str with)
{
    return text.len >= with.len && memcmp(text.ptr, with.ptr, with.len) == 0;
}

static bool ends(ajp_str text, ajp_str with)
{
    return text.len >= with.len && memcmp(text.ptr + text.len - with.len, with.ptr, with.len) == 0;
}

/* '*' is any text, '?' any byte. Only the last star is ever tried again: what those before it took
 * was the shortest that would do. */
static bool glob_matches(ajp_str glob, ajp_str path)
{
    size_t g = 0, p = 0, after_star = 0, taken = 0;
    while (p < path.len) {
        if (g < glob.len && glob.ptr[g] == '*') {
            after_star = ++g;
            taken = p;
        } else if (g < glob.len && (glob.ptr[g] == '?' || glob.ptr[g] == path.ptr[p])) {
            g++;
            p++;
        } else if (after_star > 0) {
            g = after_star;
            p = ++taken;
        } else {
            return false;
        }
    }
    while (g < glob.len && glob.ptr[g] == '*')
        g++;
    return g == glob.len;
}

static bool path_matches(const struct path_pattern *pattern, ajp_str path)
{
    if (!pattern->star)
        return path.len == pattern->before.len && begins(path, pattern->before);
    return path.len >= pattern->before.len + pattern->after.len && begins(path, pattern->before) &&
           ends(path, pattern->after) && (!pattern->glob.ptr || glob_matches(pattern->glob, path));
}

/* Without port, brackets and the dot of the root. */
static ajp_str host_of(const struct head *head)
{
    ajp_str host = head->host.len > 0 ? head->host : head->server_name;
    const char *colon = host.len ? memrchr(host.ptr, ':', host.len) : NULL;
    const char *bracket = host.len ? memchr(host.ptr, ']', host.len) : NULL;
    if (bracket && host.ptr[0] == '[')
        return ajp_str_of(host.ptr + 1, (size_t)(bracket - host.ptr) - 1);
    if (colon && !memchr(host.ptr, ':', (size_t)(colon - host.ptr)))
        host.len = (size_t)(colon - host.ptr);
    if (host.len > 0 && host.ptr[host.len - 1] == '.')
        host.len--;
    return host;
}

/* wanted is in lower case. */
static bool same_host(const char *host, ajp_str wanted)
{
    for (size_t i = 0; i < wanted.len; i++) {
        char c = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] | 0x20) : host[i];
        if (c != wanted.ptr[i])
            return false;
    }
    return true;
}

static bool host_matches(const struct route *route, ajp_str host)
{
    if (!route->host.ptr)
        return true;
    if (!route->subdomains)
        return host.len == route->host.len && same_host(host.ptr, route->host);
    return host.len > route->host.len &&
           same_host(host.ptr + host.len - route->host.len, route->host);
}

static bool excepted(const struct route *route, ajp_str path)
{
    for (size_t i = 0; i < route->except_count; i++)
        if (path_matches(&route->except[i], path))
            return true;
    return false;
}

/* What one reading of a path leads to. */
struct found {
    const struct route *route; /* NULL: none */
    bool sound, excepted;
};

static struct found look_up(const struct settings *settings, const struct head *head,
                            enum uri_slashes slashes)
{
    char normal[AJP_PACKET_MAX]; /* no path is longer than the packet or the line it came in */
    ajp_str path = {normal, 0}, host = host_of(head);
    struct uri_reading how = {slashes, settings->http.non_ascii == ODD_PASS};
    if (head->path.len > sizeof normal ||
        uri_normalise(head->path, how, normal, sizeof normal, &path.len) != URI_OK)
        return (struct found){0};
    if (path.len == 1 && normal[0] == '*')
        normal[0] = '/'; /* OPTIONS * is about the whole server */
    for (size_t i = 0; i < settings->route_count; i++) {
        const struct route *route = &settings->routes[i];
        if (host_matches(route, host) && path_matches(&route->path, path))
            return (struct found){route, true, excepted(route, path)};
    }
    return (struct found){.sound = true};
}

/* Of a path with encoded slashes, app servers take either reading: both must lead to one place, or
 * a path that the routes keep from someone could be had by spelling it so. */
static struct found look_up_both(const struct settings *settings, const struct head *head)
{
    struct found kept = look_up(settings, head, URI_SLASHES_KEPT);
    struct found decoded = look_up(settings, head, URI_SLASHES_DECODED);
    if (kept.route != decoded.route || kept.excepted != decoded.excepted || !decoded.sound)
        kept.sound = false;
    return kept;
}

uint16_t routes_find(const struct settings *settings, const struct head *head, struct pick *pick)
{
    bool both = settings->http.encoded_slash == ODD_PASS &&
                memchr(head->path.ptr, '%', head->path.len) != NULL;
    struct found found =
        both ? look_up_both(settings, head) : look_up(settings, head, URI_SLASHES_REFUSED);
    if (!found.sound)
        return 400;
    if (!found.route || found.excepted)
        return 404;
    pick->outside = found.route->outside;
    pick->weighting = found.route->weighting;
    pick->mapping = found.route;
    return 0;
}
